"""The facts about every op, stated once: for `library`, `zoo doctor`, the Makefile, the documentation and the tests.

What an op computes says `zoo.ops.reference`; who serves it on this machine, `zoo.ops.status()`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import torch

DEVICES: Final = ("cpu", "cuda")
"""Those for which kernels can be built."""

FLOATING: Final = (torch.float32, torch.bfloat16, torch.float16, torch.float64)
"""The dtypes that the ops take."""


@dataclass(frozen=True)
class Facts:
    """What holds for one op of `zoo.ops` wherever it is built."""

    schemas: Mapping[str, str]
    """The ops behind it in torch's library `zoo::`, and the schema of each."""
    dtypes: tuple[torch.dtype, ...] = FLOATING
    """Those that its kernels compute; torch or the reference computes the others."""
    no_kernel: Mapping[str, str] = field(default_factory=dict)
    """Devices for which it has no kernel by design, and why, in a sentence."""
    wide_vectors: bool = False
    """Whether its CPU kernels need AVX2 or AVX-512 to be the faster ones, whatever the shape."""
    where_faster: bool = False
    """Whether its kernels take only the shapes for which they are the faster ones, and leave the others to torch."""

    @property
    def devices(self) -> tuple[str, ...]:
        """Those for which it has a kernel by design."""
        return tuple(device for device in DEVICES if device not in self.no_kernel)


NEEDS_WIDE_VECTORS: Final = "Its kernels need AVX2 or AVX-512 to be the faster ones."

_BY_TORCH: Final[dict[str, str]] = {"cuda": "It has no CUDA kernel by design: torch's own computes it there."}

# `mean` and `invstd` are (groups, C), or (1, C) in evaluation, in float32 (float64 for float64), new tensors always.
# csrc/ holds the kernels, zoo/ops/kinds.py the meaning of the integers.
TABLE: Final[dict[str, Facts]] = {
    "batch_norm_act": Facts(
        {
            "batch_norm_act_forward": (
                "(Tensor x, Tensor? weight, Tensor? bias, Tensor(a!)? running_mean, Tensor(b!)? running_var, "
                "bool training, float momentum, float eps, int activation, float slope, int order, int groups) "
                "-> (Tensor y, Tensor mean, Tensor invstd)"
            ),
            "batch_norm_act_backward": (
                "(Tensor gradient, Tensor x, Tensor? weight, Tensor? bias, Tensor mean, Tensor invstd, bool training, "
                "int activation, float slope, int order, int groups) -> (Tensor dx, Tensor dweight, Tensor dbias)"
            ),
        }
    ),
    "bias_act": Facts(
        {
            "bias_act_forward": "(Tensor x, Tensor? bias, int activation, float slope) -> Tensor",
            "bias_act_backward": (
                "(Tensor gradient, Tensor y, int activation, float slope) -> (Tensor dx, Tensor dbias)"
            ),
        }
    ),
    "upfirdn2d": Facts(
        {
            "upfirdn2d_forward": (
                "(Tensor x, Tensor? bias, float[] taps, int up, int down, int left, int top, SymInt height, SymInt width, "
                "int activation, float slope) -> Tensor"
            ),
        }
    ),
    "discriminator_loss": Facts(
        {
            "discriminator_loss_forward": (
                "(Tensor real, Tensor fake, int kind, float a, float b, float scale) "
                "-> (Tensor loss, Tensor statistics, Tensor dreal, Tensor dfake)"
            ),
            "discriminator_loss_backward": "(Tensor gradient, Tensor dreal, Tensor dfake) -> (Tensor, Tensor)",
        }
    ),
    "generator_loss": Facts(
        {
            "generator_loss_forward": (
                "(Tensor fake, int kind, float a, float b, float c, float scale) "
                "-> (Tensor loss, Tensor statistics, Tensor dfake)"
            ),
            "generator_loss_backward": "(Tensor gradient, Tensor dfake) -> Tensor",
        }
    ),
    "augment": Facts(
        {
            "augment_forward": (
                "(Tensor images, Tensor? affine, Tensor? color, Tensor? box, int padding, bool linear) -> Tensor"
            ),
            "augment_backward": (
                "(Tensor gradient, Tensor? affine, Tensor? color, Tensor? box, int padding) -> Tensor"
            ),
        }
    ),
    "linear": Facts(
        {"linear_forward": "(Tensor x, Tensor weight) -> Tensor"},
        dtypes=(torch.float32,),
        no_kernel=_BY_TORCH,
        wide_vectors=True,
        where_faster=True,
    ),
    "conv2d": Facts(
        {
            "conv2d_forward": "(Tensor x, Tensor weight, int stride, int padding) -> Tensor",
            "conv2d_weight_gradient": (
                "(Tensor x, Tensor gradient, int kernel, int stride, int padding, bool channels_last) -> Tensor"
            ),
        },
        dtypes=(torch.float32, torch.bfloat16),
        no_kernel=_BY_TORCH,
        wide_vectors=True,
        where_faster=True,
    ),
    "conv_transpose2d": Facts(
        {
            "conv_transpose2d_forward": (
                "(Tensor x, Tensor weight, int stride, int padding, SymInt height, SymInt width) -> Tensor"
            ),
        },
        dtypes=(torch.float32, torch.bfloat16),
        no_kernel=_BY_TORCH,
        wide_vectors=True,
        where_faster=True,
    ),
}
"""Op of `zoo.ops` → its facts."""

SCHEMAS: Final[dict[str, str]] = {name: schema for facts in TABLE.values() for name, schema in facts.schemas.items()}
"""All ops of torch's library `zoo::`."""
