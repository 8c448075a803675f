"""The discriminator's loss, with its gradient and what is logged, in one pass over the logits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from zoo.ops import checks, reference
from zoo.ops.autograd import below_autograd, differentiating, register, with_options
from zoo.ops.kinds import LOSSES, Loss, loss_code
from zoo.ops.library import Implementation, Normal, Sample, dispatch, offer
from zoo.ops.reference import LossOutput

_OP = "discriminator_loss"
_forward = torch.ops.zoo.discriminator_loss_forward.default
_backward = torch.ops.zoo.discriminator_loss_backward.default

_Options = tuple[int, float, float, float]  # kind, a, b, scale


def discriminator_loss(
    real_logits: Tensor,
    fake_logits: Tensor,
    kind: str = "non_saturating",
    *,
    a: float = 0.0,
    b: float = 1.0,
    scale: float = 1.0,
) -> LossOutput:
    """What the discriminator minimises, and how well it tells real from generated images.

    | kind                    | loss, times `scale`                                                              |
    |-------------------------|----------------------------------------------------------------------------------|
    | non_saturating, minimax | mean softplus(-real) + mean softplus(fake)     (Goodfellow et al. 2014, eq. 1)   |
    | least_squares           | ½ mean (real - b)² + ½ mean (fake - a)²        (Mao et al. 2017, eq. 2)          |
    | hinge                   | mean relu(1 - real) + mean relu(1 + fake)      (Lim & Ye 2017)                   |
    | wasserstein             | mean fake - mean real                          (Arjovsky et al. 2017)            |

    Args:
        real_logits: the raw output for real images, any shape with at least one element.
        fake_logits: the raw output for generated images; its shape need not be that of `real_logits`.
        kind: which loss.
        a: least squares: the target of generated images.
        b: least squares: the target of real images.
        scale: multiplies loss and gradient.

    Returns:
        `loss`: 0-d, float32 (float64 for float64 logits). `statistics`: detached float32 tensor of 4: mean D(real),
        mean D(fake), share of real images classified as real, share of generated images classified as generated. D(.) is the
        sigmoid of the logit for non_saturating and minimax, the raw output otherwise; "real" is an output above 0, for
        least squares above (a + b) / 2.

    Raises:
        ValueError: for empty logits, logits on two devices, an unknown kind.
        TypeError: for integer, complex or mixed dtypes.
        NativeError: if the native core is present but does not load.
    """
    code = loss_code(kind)
    checks.logits(_OP, "real_logits", real_logits)
    checks.logits(_OP, "fake_logits", fake_logits)
    if real_logits.dtype != fake_logits.dtype:
        raise TypeError(
            f"{_OP}: real_logits of shape {checks.shape(real_logits)} are {real_logits.dtype}, fake_logits of shape "
            f"{checks.shape(fake_logits)} are {fake_logits.dtype}; the dtypes must agree"
        )
    if real_logits.device != fake_logits.device:
        raise ValueError(
            f"{_OP}: real_logits of shape {checks.shape(real_logits)} are on {real_logits.device}, fake_logits of shape "
            f"{checks.shape(fake_logits)} on {fake_logits.device}; move them to one device"
        )
    results = dispatch(_OP, real_logits.device.type)(real_logits, fake_logits, (code, a, b, scale))
    return LossOutput(results[0], results[1])


# ---- the ways to compute it


def _reference(real: Tensor, fake: Tensor, options: _Options) -> LossOutput:
    kind, a, b, scale = options
    return reference.discriminator_loss(real, fake, LOSSES[kind], a=a, b=b, scale=scale)


def _traced(real: Tensor, fake: Tensor, options: _Options) -> Any:
    return torch.ops.zoo.discriminator_loss_forward(real, fake, *options)


def _eager(real: Tensor, fake: Tensor, options: _Options) -> tuple[Tensor, ...]:
    """The forward op, with a graph where one is wanted: (loss, statistics, ...)."""
    with below_autograd():
        results: tuple[Tensor, ...] = _forward(real, fake, *options)
    if torch.is_grad_enabled() and (real.requires_grad or fake.requires_grad):
        return _apply(real, fake, results, options), results[1]
    return results


# ---- autograd


class DiscriminatorLoss(torch.autograd.Function):
    """Takes the results of the forward op, gradients among them; the backward scales these.

    The loss alone is an output, and nobody else sees the gradients: every further one would be paid for with each call.
    """

    @staticmethod
    def forward(ctx: Any, real: Any, fake: Any, results: Any, options: Any) -> Any:
        ctx.save_for_backward(real, fake)
        ctx.gradients = results[2:]
        ctx.options = options
        return results[0]

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        gradient = gradients[0]
        if gradient is None:
            return None, None, None, None
        real, fake, *saved = ctx.saved_tensors
        if differentiating():
            dreal = (gradient * _gradient(real, True, *ctx.options)).to(real.dtype)
            dfake = (gradient * _gradient(fake, False, *ctx.options)).to(fake.dtype)
        else:
            with below_autograd():
                dreal, dfake = _backward(gradient, *(saved or ctx.gradients))
        needs_real, needs_fake, *_ = ctx.needs_input_grad
        return dreal if needs_real else None, dfake if needs_fake else None, None, None


class DiscriminatorLossWithGradients(DiscriminatorLoss):
    """The same with all results of the forward op as outputs, for calls that come from the dispatcher."""

    @staticmethod
    def forward(ctx: Any, real: Any, fake: Any, results: Any, options: Any) -> Any:
        with below_autograd():
            results = _forward(real, fake, *options)
        return all_results(ctx, (real, fake), results, options)


_apply: Any = DiscriminatorLoss.apply


def all_results(ctx: Any, logits: tuple[Tensor, ...], results: Any, options: Any) -> Any:
    """The results of a loss' forward op as those of its autograd function: the loss alone can be differentiated."""
    ctx.save_for_backward(*logits, *results[2:])  # others see these gradients, and could write to them
    ctx.options = options
    ctx.mark_non_differentiable(*results[1:])
    ctx.set_materialize_grads(False)
    return results


def scaled(gradient: Tensor, *saved: Tensor) -> Any:
    """What a loss' backward op computes, in plain PyTorch: each gradient of its logits times that of the loss."""
    each = tuple((gradient * s).to(s.dtype) for s in saved)
    return each if len(each) > 1 else each[0]


# ---- the gradients in closed form, in plain PyTorch


def _gradient(logits: Tensor, real: bool, loss: int, a: float, b: float, scale: float) -> Tensor:
    """d loss / d logits of the term for real or for generated images, in the dtype of accumulation."""
    dtype = reference.accumulate_dtype(logits.dtype)
    x = logits.to(dtype)
    if loss in (Loss.non_saturating, Loss.minimax):
        g = -torch.sigmoid(-x) if real else torch.sigmoid(x)
    elif loss == Loss.least_squares:
        g = x - (b if real else a)
    elif loss == Loss.hinge:
        zero, one = torch.zeros_like(x), torch.ones_like(x)
        g = torch.where(1 - x <= 0, zero, -one) if real else torch.where(1 + x <= 0, zero, one)
    else:
        g = torch.full_like(x, -1.0 if real else 1.0)
    return g * (scale / x.numel())


# ---- the ops where no kernel is built, and for tensors without data


def _fallback_forward(real: Tensor, fake: Tensor, *options: Any) -> tuple[Tensor, ...]:
    dreal = _gradient(real, True, *options).to(real.dtype)
    dfake = _gradient(fake, False, *options).to(fake.dtype)
    loss, statistics = _reference(real, fake, options)
    return loss, statistics, dreal.contiguous(), dfake.contiguous()


def _fallback_backward(gradient: Tensor, dreal: Tensor, dfake: Tensor) -> tuple[Tensor, Tensor]:
    return (dreal * gradient).contiguous(), (dfake * gradient).contiguous()


def _fake_forward(real: Tensor, fake: Tensor, *options: Any) -> tuple[Tensor, ...]:
    return *fake_loss(real, 4), contiguous_like(real), contiguous_like(fake)


def _fake_backward(gradient: Tensor, dreal: Tensor, dfake: Tensor) -> tuple[Tensor, Tensor]:
    return contiguous_like(dreal), contiguous_like(dfake)


def fake_loss(logits: Tensor, statistics: int) -> tuple[Tensor, Tensor]:
    """Loss and statistics without data."""
    loss = logits.new_empty((), dtype=reference.accumulate_dtype(logits.dtype))
    return loss, logits.new_empty(statistics, dtype=torch.float32)


def contiguous_like(x: Tensor) -> Tensor:
    """A gradient of logits, without data."""
    return torch.empty_like(x, memory_format=torch.contiguous_format)


def loss_of(kind: str) -> Callable[..., Any]:
    """Calls an op for the loss alone, in the check of `zoo doctor`."""
    return lambda op, t: op(*t, kind).loss


def _samples(normal: Normal) -> Iterator[Sample]:
    logits = [normal(65), normal(33)]
    for kind in LOSSES:
        yield loss_of(kind), logits


register(
    "discriminator_loss_forward",
    _fallback_forward,
    _fake_forward,
    with_options(DiscriminatorLossWithGradients, 2, None),
)
register("discriminator_loss_backward", _fallback_backward, _fake_backward, scaled, scaled)
offer(_OP, Implementation(discriminator_loss, _reference, _traced, _eager, _samples))
