"""Which calls of the ops are computed, and their results: values, gradients, second derivatives, running statistics.

Every case has arguments (plain values), inputs (arrays by name; what is absent is None in the call) and outputs:
- `y`, or `loss` and `statistics`: the results; `running_mean`, `running_var`: the statistics after the call;
- `d NAME`: the gradient of an input, for the upstream gradient `dy` (for a loss: 1);
- `dd NAME`: the gradient of the penalty ½ Σ d² over those first gradients, by an input or by `dy`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from oracle import layers, losses
from oracle.complex_step import Arrays, along
from oracle.draws import Draws
from oracle.losses import DEFAULT, Targets
from oracle.normalisation import Running, Setting, batch_norm_act, batch_norm_act_backward

ACTIVATIONS = (("identity", 0.0), ("relu", 0.0), ("leaky_relu", 0.2), ("leaky_relu", 1.5), ("tanh", 0.0))
FAR = "mean 10000 standard deviations away"


@dataclass(frozen=True)
class Case:
    """One call of an op. `forward` takes the inputs, `backward` the inputs and `dy`; both can take complex numbers.

    `condition`: by how much the call magnifies rounding. `kinks`: some input lies where a derivative jumps.
    """

    name: str
    op: str
    arguments: dict[str, Any]
    inputs: Arrays
    forward: Callable[[Arrays], Arrays]
    backward: Callable[[Arrays], Arrays]
    upstream: Arrays
    condition: float = 1.0
    kinks: bool = False
    second: bool = True

    def outputs(self) -> Arrays:
        """Everything that is computed of this call."""
        point = self.inputs | self.upstream
        first = self.backward(point)
        found = self.forward(self.inputs) | first
        if self.second:
            # The gradients are the first derivatives of s = Σ dy·y, the penalty's gradient is the Hessian of s times
            # them; by dy it is the change of y along them.
            direction = {name.removeprefix("d "): value for name, value in first.items()}
            found |= {f"d{name}": value for name, value in along(self.backward, point, direction).items()}
            if self.upstream:
                found["dd dy"] = along(self.forward, self.inputs, direction)["y"]
        return found


def all_cases() -> Iterator[Case]:
    """In the order in which they are stored."""
    yield from _batch_norm_cases()
    yield from _bias_cases()
    yield from _loss_cases()


def _batch_norm_cases() -> Iterator[Case]:
    number = 0
    for shape, (activation, slope), order in product([(8, 3), (4, 3, 2, 3)], ACTIVATIONS, ("norm_act", "act_norm")):
        for training, groups in ((True, 1), (True, 2), (False, 1)):
            setting = Setting(training, 0.1, 1e-5, activation, slope, order, groups)
            yield _batch_norm(shape, setting, affine=number % 5 != 1, kept=not training or number % 4 != 2)
            number += 1
    leaky = Setting(momentum=0.2, eps=1e-3, activation="leaky_relu", slope=0.2)
    act_norm = leaky._replace(order="act_norm")
    yield _batch_norm((12, 3), leaky._replace(groups=4, momentum=1.0))
    yield _batch_norm((12, 3, 1, 1), act_norm._replace(groups=6, momentum=0.0))
    yield _batch_norm((2, 3), leaky)
    yield _batch_norm((1, 3, 2, 2), leaky)
    yield _batch_norm((1, 3), leaky._replace(training=False))
    yield _batch_norm((9, 37), act_norm, second=False)
    yield _batch_norm((2, 19, 3, 7), leaky._replace(groups=2), second=False)
    yield _batch_norm((2, 19, 3, 7), leaky._replace(training=False), second=False)
    yield _batch_norm((8, 3, 4, 4), leaky._replace(activation="tanh"), what=FAR, shift=1e4, spread=1.0)
    yield _batch_norm((8, 3, 4, 4), act_norm, what=FAR, shift=1e4, spread=1.0)
    yield _batch_norm((8, 3), leaky, what="constant channels", spread=0.0, shift=2.0)
    yield _batch_norm((8, 3), act_norm, what="zeros among the values", zeros=True)


def _batch_norm(
    shape: tuple[int, ...],
    setting: Setting,
    *,
    affine: bool = True,
    kept: bool = True,
    second: bool = True,
    what: str = "",
    shift: float = 0.5,
    spread: float = 2.0,
    zeros: bool = False,
) -> Case:
    parts = [f"{setting.activation} {setting.slope:g}", setting.order, f"{setting.groups} groups"]
    parts += ["training" if setting.training else "evaluation", *["plain"] * (not affine), what]
    name = " ".join(["batch_norm_act", "x".join(map(str, shape)), *filter(None, parts)])
    draws, channels = Draws(name), shape[1]
    far = shift > 1e3
    x = draws.bell(*shape) * spread + shift
    if far:
        x = np.round(x * 1024) / 1024  # what a float32 holds at this size
    if zeros:
        x = x * draws.integers(2, *shape)
    inputs = {"x": x}
    if affine:
        inputs |= {"weight": 1 + draws.bell(channels) / 4, "bias": draws.bell(channels) / 4}
    if kept:
        inputs |= {"running_mean": draws.bell(channels) / 4, "running_var": 0.5 + draws.uniform(channels)}

    def call(point: Arrays) -> tuple[Any, ...]:
        running = Running(point.get("running_mean"), point.get("running_var"))
        return point["x"], point.get("weight"), point.get("bias"), running, setting

    def forward(point: Arrays) -> Arrays:
        y, running = batch_norm_act(*call(point))
        return {"y": y} | ({"running_mean": running.mean, "running_var": running.var} if kept else {})

    def backward(point: Arrays) -> Arrays:
        found = dict(zip(("x", "weight", "bias"), batch_norm_act_backward(point["dy"], *call(point)), strict=True))
        return {f"d {key}": value for key, value in found.items() if key in inputs}

    arguments = {
        key: value for key, value in setting._asdict().items() if key != "unbiased"
    }  # the module's, not the op's
    return Case(
        name, "batch_norm_act", arguments, inputs, forward, backward, {"dy": draws.bell(*shape)},
        condition=1e3 if far else 1.0, kinks=zeros, second=second and not far and not zeros and spread > 0,
    )  # fmt: skip


def _bias_cases() -> Iterator[Case]:
    for shape, (activation, slope) in product([(5, 3), (2, 3, 2, 3)], ACTIVATIONS):
        yield _bias(shape, activation, slope)
    yield _bias((5, 3), "tanh", 0.0, biased=False)
    yield _bias((3, 37), "leaky_relu", 0.2)
    yield _bias((2, 19, 3, 7), "leaky_relu", 0.2)
    yield _bias((5, 3), "relu", 0.0, zeros=True)
    yield _bias((5, 3), "leaky_relu", 0.2, zeros=True)


def _bias(shape: tuple[int, ...], activation: str, slope: float, *, biased: bool = True, zeros: bool = False) -> Case:
    parts = [f"{activation} {slope:g}", *["plain"] * (not biased), *["zeros among the sums"] * zeros]
    name = " ".join(["bias_act", "x".join(map(str, shape)), *parts])
    draws = Draws(name)
    inputs = {"x": draws.bell(*shape), "bias": draws.bell(shape[1]) / 2}
    if zeros:
        inputs["x"] = inputs["x"] * draws.integers(2, *shape) - inputs["bias"]
    if not biased:
        del inputs["bias"]
    setting = {"activation": activation, "slope": slope}

    def forward(point: Arrays) -> Arrays:
        return {"y": layers.bias_act(point["x"], point.get("bias"), **setting)}

    def backward(point: Arrays) -> Arrays:
        found = layers.bias_act_backward(point["dy"], point["x"], point.get("bias"), **setting)
        return {f"d {key}": value for key, value in zip(("x", "bias"), found, strict=True) if key in inputs}

    upstream = {"dy": draws.bell(*shape)}
    return Case(name, "bias_act", setting, inputs, forward, backward, upstream, kinks=zeros, second=not zeros)


def _loss_cases() -> Iterator[Case]:
    for kind in losses.KINDS:
        yield from _losses(kind, DEFAULT, 1.0, "moderate")
        yield from _losses(kind, DEFAULT, 0.5, "extreme")
        yield from _losses(kind, DEFAULT, 1.0, "single")
    yield from _losses("least_squares", Targets(-1.0, 1.0, 0.0), 1.0, "moderate")
    yield from _losses("least_squares", Targets(0.25, 0.75, 0.5), 0.25, "moderate")


def _losses(kind: str, targets: Targets, scale: float, logits: str) -> Iterator[Case]:
    name = f"{kind} {logits} {' '.join(f'{target:g}' for target in targets)}"
    draws = Draws(name)
    # Those at 1, -1, 0 and ½ lie on the kinks of the hinge and on the thresholds between real and fake.
    drawn = {
        "moderate": lambda n: np.concatenate([draws.bell(n) * 4, [1.0, -1.0, 0.0, 0.5]]),
        "extreme": lambda n: np.array([1e4, -1e4, 100.0, -100.0, 20.5, -20.5, 40.0, -40.0, 5.0, -750.0, 750.0][:n]),
        "single": lambda n: draws.bell(1),
    }[logits]
    real, fake = drawn(11), drawn(9)

    def d_forward(point: Arrays) -> Arrays:
        both = point["real_logits"], point["fake_logits"]
        statistics = losses.discriminator_statistics(*both, kind, targets)
        return {"loss": losses.discriminator_loss(*both, kind, targets, scale), "statistics": statistics}

    def d_backward(point: Arrays) -> Arrays:
        found = losses.discriminator_gradients(point["real_logits"], point["fake_logits"], kind, targets, scale)
        return {"d real_logits": found[0], "d fake_logits": found[1]}

    def g_forward(point: Arrays) -> Arrays:
        fake = point["fake_logits"]
        statistics = losses.generator_statistics(fake, kind, targets)
        return {"loss": losses.generator_loss(fake, kind, targets, scale), "statistics": statistics}

    def g_backward(point: Arrays) -> Arrays:
        return {"d fake_logits": losses.generator_gradient(point["fake_logits"], kind, targets, scale)}

    of_d = {"kind": kind, "a": targets.a, "b": targets.b, "scale": scale}
    inputs = {"real_logits": real, "fake_logits": fake}
    kinks = logits == "moderate" and kind == "hinge"
    yield Case(f"discriminator_loss {name}", "discriminator_loss", of_d, inputs, d_forward, d_backward, {}, kinks=kinks)
    of_g = of_d | {"c": targets.c}
    yield Case(
        f"generator_loss {name}", "generator_loss", of_g, {"fake_logits": fake}, g_forward, g_backward, {}, kinks=kinks
    )
