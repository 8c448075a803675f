"""The generator's loss, with its gradient and what is logged, in one pass over the logits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from zoo.ops import checks, reference
from zoo.ops.autograd import below_autograd, differentiating, register, with_options
from zoo.ops.families.discriminator_loss import all_results, contiguous_like, fake_loss, loss_of, scaled
from zoo.ops.kinds import LOSSES, Loss, loss_code
from zoo.ops.library import Implementation, Normal, Sample, dispatch, offer
from zoo.ops.reference import LossOutput

_OP = "generator_loss"
_forward = torch.ops.zoo.generator_loss_forward.default
_backward = torch.ops.zoo.generator_loss_backward.default

_Options = tuple[int, float, float, float, float]  # kind, a, b, c, scale


def generator_loss(
    fake_logits: Tensor,
    kind: str = "non_saturating",
    *,
    a: float = 0.0,
    b: float = 1.0,
    c: float = 1.0,
    scale: float = 1.0,
) -> LossOutput:
    """What the generator minimises, and how often it fools the discriminator.

    | kind               | loss, times `scale`                                                                   |
    |--------------------|---------------------------------------------------------------------------------------|
    | non_saturating     | mean softplus(-fake)                           (Goodfellow et al. 2014, section 3)    |
    | minimax            | -mean softplus(fake)                           (Goodfellow et al. 2014, eq. 1)        |
    | least_squares      | ½ mean (fake - c)²                             (Mao et al. 2017, eq. 2)               |
    | hinge, wasserstein | -mean fake                                                                            |

    Args:
        fake_logits: the discriminator's raw output for generated images, any shape with at least one element.
        kind: which loss.
        a: least squares: the discriminator's target of generated images (for the threshold only).
        b: least squares: the discriminator's target of real images (for the threshold only).
        c: least squares: what the generator wants the discriminator to say.
        scale: multiplies loss and gradient.

    Returns:
        `loss`: 0-d, float32 (float64 for float64 logits). `statistics`: detached float32 tensor of 2: mean D(fake) and
        share of generated images classified as real, as in `discriminator_loss`.

    Raises:
        ValueError: for empty logits or an unknown kind.
        TypeError: for integer or complex logits.
        NativeError: if the native core is present but does not load.
    """
    code = loss_code(kind)
    checks.logits(_OP, "fake_logits", fake_logits)
    results = dispatch(_OP, fake_logits.device.type)(fake_logits, (code, a, b, c, scale))
    return LossOutput(results[0], results[1])


# ---- the ways to compute it


def _reference(fake: Tensor, options: _Options) -> LossOutput:
    kind, a, b, c, scale = options
    return reference.generator_loss(fake, LOSSES[kind], a=a, b=b, c=c, scale=scale)


def _traced(fake: Tensor, options: _Options) -> Any:
    return torch.ops.zoo.generator_loss_forward(fake, *options)


def _eager(fake: Tensor, options: _Options) -> tuple[Tensor, ...]:
    """The forward op, with a graph where one is wanted: (loss, statistics, ...)."""
    with below_autograd():
        results: tuple[Tensor, ...] = _forward(fake, *options)
    if torch.is_grad_enabled() and fake.requires_grad:
        return _apply(fake, results, options), results[1]
    return results


# ---- autograd


class GeneratorLoss(torch.autograd.Function):
    """Takes the results of the forward op, the gradient among them; the backward scales it."""

    @staticmethod
    def forward(ctx: Any, fake: Any, results: Any, options: Any) -> Any:
        ctx.save_for_backward(fake)
        ctx.gradients = results[2:]
        ctx.options = options
        return results[0]

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        gradient = gradients[0]
        if gradient is None:
            return None, None, None
        fake, *saved = ctx.saved_tensors
        if differentiating():
            dfake = (gradient * _gradient(fake, *ctx.options)).to(fake.dtype)
        else:
            with below_autograd():
                dfake = _backward(gradient, *(saved or ctx.gradients))
        return dfake, None, None


class GeneratorLossWithGradient(GeneratorLoss):
    """The same with all results of the forward op as outputs, for calls that come from the dispatcher."""

    @staticmethod
    def forward(ctx: Any, fake: Any, results: Any, options: Any) -> Any:
        with below_autograd():
            results = _forward(fake, *options)
        return all_results(ctx, (fake,), results, options)


_apply: Any = GeneratorLoss.apply


# ---- the gradient in closed form, in plain PyTorch


def _gradient(logits: Tensor, loss: int, a: float, b: float, c: float, scale: float) -> Tensor:
    """d loss / d logits, in the dtype of accumulation."""
    x = logits.to(reference.accumulate_dtype(logits.dtype))
    if loss == Loss.non_saturating:
        g = -torch.sigmoid(-x)
    elif loss == Loss.minimax:
        g = -torch.sigmoid(x)
    elif loss == Loss.least_squares:
        g = x - c
    else:
        g = torch.full_like(x, -1.0)
    return g * (scale / x.numel())


# ---- the ops where no kernel is built, and for tensors without data


def _fallback_forward(fake: Tensor, *options: Any) -> tuple[Tensor, ...]:
    dfake = _gradient(fake, *options).to(fake.dtype)
    return *_reference(fake, options), dfake.contiguous()


def _fallback_backward(gradient: Tensor, dfake: Tensor) -> Tensor:
    return (dfake * gradient).contiguous()


def _fake_forward(fake: Tensor, *options: Any) -> tuple[Tensor, ...]:
    return *fake_loss(fake, 2), contiguous_like(fake)


def _fake_backward(gradient: Tensor, dfake: Tensor) -> Tensor:
    return contiguous_like(dfake)


def _samples(normal: Normal) -> Iterator[Sample]:
    logits = [normal(65)]
    for kind in LOSSES:
        yield loss_of(kind), logits


register("generator_loss_forward", _fallback_forward, _fake_forward, with_options(GeneratorLossWithGradient, 1, None))
register("generator_loss_backward", _fallback_backward, _fake_backward, scaled, scaled)
offer(_OP, Implementation(generator_loss, _reference, _traced, _eager, _samples))
