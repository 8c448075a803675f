"""What is measured: the layers of DCGAN-64 and of the dense networks, the losses, the layers that hold an op.

Importing this imports no torch.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod
from typing import Final, Literal

Layout = Literal["contiguous", "channels_last"]
Direction = Literal["forward", "forward+backward"]

DIRECTIONS: Final[tuple[Direction, ...]] = ("forward", "forward+backward")
OPS: Final = ("batch_norm_act", "bias_act", "discriminator_loss", "generator_loss")
LAYERS: Final = ("conv2d_act", "conv_transpose2d_act", "linear_act")
WHOLE: Final = ("training_step", "batch_assembly")
NAMES: Final = (*OPS, *LAYERS, *WHOLE)
"""What ``zoo bench --op`` knows."""

# Full-size passes over memory that an op cannot do without, once its input has left the cache.
PASSES: Final[dict[str, dict[Direction, int]]] = {
    # Forward: x for the statistics, x again, y. Backward: x and dy for the sums, x and dy again, dx.
    "batch_norm_act": {"forward": 3, "forward+backward": 8},
    # Forward: x, y. Backward: dy, y, dx.
    "bias_act": {"forward": 2, "forward+backward": 5},
}


@dataclass(frozen=True)
class Workload:
    """One op on one input.

    `shape` is that of x, (N, C) or (N, C, H, W), or (N,) logits on each side. `channels` is a layer's number of outputs.
    `place` says where such an input occurs.
    """

    op: str
    shape: tuple[int, ...]
    place: str
    layout: Layout = "contiguous"
    dtype: str = "float32"
    activation: str = "identity"
    slope: float = 0.0
    order: str = "norm_act"
    kind: str = ""
    channels: int = 0

    @property
    def size(self) -> str:
        """The shape as a person writes it: 64×64×32×32."""
        return "×".join(map(str, self.shape))

    @property
    def what(self) -> str:
        """What distinguishes it from others of the same op and shape."""
        if self.kind:
            return self.kind
        words = [self.activation]
        if self.order != "norm_act":
            words.append(self.order)
        if len(self.shape) == 4:
            words.append(self.layout)
        if self.dtype != "float32":
            words.append(self.dtype)
        return ", ".join(words)

    @property
    def name(self) -> str:
        """One word without spaces, for the names of tests."""
        return "-".join([self.op, self.size.replace("×", "x"), *self.what.split(", ")])

    @property
    def numel(self) -> int:
        """Elements of the input."""
        return prod(self.shape)


def _batch_norm(batch: int, layout: Layout) -> list[Workload]:
    """The normalised layers of DCGAN-64, from the image inwards (Radford et al. 2015)."""
    return [
        Workload(
            "batch_norm_act", (batch, channels, side, side), "DCGAN-64", layout, activation="leaky_relu", slope=0.2
        )
        for channels, side in ((64, 32), (128, 16), (256, 8), (512, 4))
    ]


def _bias(batch: int, layout: Layout) -> list[Workload]:
    """The layers of DCGAN-64 that are not normalised: D's first and G's last."""
    return [
        Workload("bias_act", (batch, 64, 32, 32), "DCGAN-64, D", layout, activation="leaky_relu", slope=0.2),
        Workload("bias_act", (batch, 3, 64, 64), "DCGAN-64, G", layout, activation="tanh"),
    ]


def _losses(op: str) -> list[Workload]:
    cross_entropy = [Workload(op, (n,), "every GAN", kind="non_saturating") for n in (64, 256, 1024, 4096)]
    return [
        *cross_entropy,
        *[Workload(op, (256,), "", kind=kind) for kind in ("least_squares", "hinge", "wasserstein")],
    ]


_LAYOUTS: Final[tuple[Layout, ...]] = ("channels_last", "contiguous")

ALL: Final[tuple[Workload, ...]] = (
    *[w for batch in (64, 128) for layout in _LAYOUTS for w in _batch_norm(batch, layout)],
    *[
        Workload("batch_norm_act", shape, "the default DCGAN", activation="relu")
        for shape in ((64, 128, 4, 4), (64, 64, 7, 7), (64, 32, 14, 14))
    ],
    *[
        Workload("batch_norm_act", (64, units), "dense G", activation="leaky_relu", slope=0.2, order="act_norm")
        for units in (256, 512, 1024)
    ],
    *[w for batch in (64, 128) for layout in _LAYOUTS for w in _bias(batch, layout)],
    Workload("bias_act", (64, 784), "dense D", activation="leaky_relu", slope=0.2),
    Workload("bias_act", (64, 784), "dense G", activation="tanh"),
    *_losses("discriminator_loss"),
    *_losses("generator_loss"),
    *[
        w
        for layout in _LAYOUTS
        for w in (
            Workload("conv2d_act", (64, 3, 64, 64), "DCGAN-64, D", layout, "float32", "leaky_relu", 0.2, channels=64),
            Workload("conv_transpose2d_act", (64, 64, 32, 32), "DCGAN-64, G", layout, activation="tanh", channels=3),
        )
    ],
    Workload("linear_act", (64, 784), "dense D", activation="leaky_relu", slope=0.2, channels=784),
    Workload("linear_act", (64, 1024), "dense G", activation="tanh", channels=784),
)
"""What ``zoo bench`` measures on a CPU."""

QUICK: Final[tuple[Workload, ...]] = (
    Workload("batch_norm_act", (8, 16, 4, 4), "quick", "channels_last", activation="leaky_relu", slope=0.2),
    Workload("bias_act", (8, 16, 4, 4), "quick", "channels_last", activation="leaky_relu", slope=0.2),
    Workload("discriminator_loss", (64,), "quick", kind="non_saturating"),
    Workload("generator_loss", (64,), "quick", kind="non_saturating"),
    Workload("conv2d_act", (8, 3, 8, 8), "quick", "channels_last", activation="leaky_relu", slope=0.2, channels=16),
    Workload("conv_transpose2d_act", (8, 16, 4, 4), "quick", "channels_last", activation="tanh", channels=3),
    Workload("linear_act", (8, 64), "quick", activation="leaky_relu", slope=0.2, channels=64),
)
"""A tiny input for every op: whether the benchmark works, not how fast anything is."""


def _large() -> list[Workload]:
    """Tensors larger than the L2 cache of any GPU: 256 MiB and more in float32."""
    normalised = _batch_norm(1024, "channels_last")[:2] + _batch_norm(1024, "contiguous")[:2]
    both = [*normalised, *_bias(1024, "channels_last"), *_bias(1024, "contiguous")]
    return [*both, *[replace(w, dtype="bfloat16") for w in both]]


ON_GPU: Final[tuple[Workload, ...]] = (*ALL, *[w for w in _large() if w.numel >= 1 << 25])
"""What ``zoo bench`` measures on a GPU."""


def chosen(op: str | None, *, quick: bool = False, gpu: bool = False) -> tuple[Workload, ...]:
    """The workloads of one op (of all with None)."""
    workloads = QUICK if quick else (ON_GPU if gpu else ALL)
    return tuple(w for w in workloads if op is None or w.op == op)
