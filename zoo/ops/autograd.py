"""What ties forward and backward ops together.

Two ways lead here. An eager call applies the function straight away, which spares it one trip through the dispatcher;
torch.compile, torch.export and direct calls of torch.ops.zoo arrive through the kernels that `register` binds to the
Autograd key. A backward that is itself being differentiated (create_graph=True) leaves the native kernels for the
closed forms of `zoo.ops.formulas`, so that nothing is ever silently detached; so does everything under forward-mode
derivatives and the transforms of torch.func.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import torch
from torch import Tensor

from zoo.ops import fallback, formulas
from zoo.ops.library import bind, transforming

ops = torch.ops.zoo
_bn_forward, _bn_backward = ops.batch_norm_act_forward.default, ops.batch_norm_act_backward.default
_bias_forward, _bias_backward = ops.bias_act_forward.default, ops.bias_act_backward.default
_d_forward, _d_backward = ops.discriminator_loss_forward.default, ops.discriminator_loss_backward.default
_g_forward, _g_backward = ops.generator_loss_forward.default, ops.generator_loss_backward.default

_relu_backward: Callable[..., Tensor] = torch.ops.aten.threshold_backward.default
_leaky_relu_backward: Callable[..., Tensor] = torch.ops.aten.leaky_relu_backward.default
_tanh_backward: Callable[..., Tensor] = torch.ops.aten.tanh_backward.default

# What torch's own custom operators use to reach their kernels from within their autograd functions.
below_autograd: Callable[[], Any] = torch._C._AutoDispatchBelowAutograd


class BatchNormAct(torch.autograd.Function):
    """Keeps x and the statistics per channel; everything else is computed again."""

    @staticmethod
    def forward(ctx: Any, x: Any, weight: Any, bias: Any, running_mean: Any, running_var: Any, options: Any) -> Any:
        with below_autograd():
            y, mean, invstd = _bn_forward(x, weight, bias, running_mean, running_var, *options)
        ctx.save_for_backward(x, weight, bias, mean, invstd)
        ctx.options = options
        return y

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        x, weight, bias, mean, invstd = ctx.saved_tensors
        training, _, eps, activation, slope, order, groups = ctx.options
        if torch.is_grad_enabled() or transforming():
            if training:  # the statistics depend on x, and their derivatives count too
                mean, invstd = formulas.statistics(x, eps, activation, slope, order, groups)
            dx, dweight, dbias = formulas.batch_norm_act_backward(
                gradients[0], x, weight, bias, mean, invstd, training, activation, slope, order, groups
            )
        else:
            with below_autograd():
                dx, dweight, dbias = _bn_backward(
                    gradients[0], x, weight, bias, mean, invstd, training, activation, slope, order, groups
                )
        needs_x, needs_weight, needs_bias, *_ = ctx.needs_input_grad
        return (
            dx if needs_x else None,
            dweight if needs_weight else None,
            dbias if needs_bias else None,
            None,
            None,
            None,
        )


class BatchNormActWithStatistics(BatchNormAct):
    """The same with all three results of the forward op, for calls that come from the dispatcher."""

    @staticmethod
    def forward(ctx: Any, *arguments: Any) -> Any:
        y = BatchNormAct.forward(ctx, *arguments)
        mean, invstd = ctx.to_save[3:]
        ctx.mark_non_differentiable(mean, invstd)
        return y, mean, invstd


class BiasAct(torch.autograd.Function):
    """Keeps the output, which the next layer keeps anyway."""

    @staticmethod
    def forward(ctx: Any, *arguments: Any) -> Any:
        _, _, activation, slope = arguments
        with below_autograd():
            y = _bias_forward(*arguments)
        if activation:
            ctx.save_for_backward(y)
        ctx.options = (activation, slope)
        return y

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        (gradient,) = gradients
        activation, slope = ctx.options
        y = ctx.saved_tensors[0] if activation else gradient  # the identity looks at no output
        needs_x, needs_bias = ctx.needs_input_grad[:2]
        if torch.is_grad_enabled() or transforming():
            dx, dbias = formulas.bias_act_backward(gradient, y, activation, slope)
        elif wants(ctx, 1):
            with below_autograd():
                dx, dbias = _bias_backward(gradient, y, activation, slope)
        else:  # no sum over the batch: torch's own kernels read and write no more than they must
            with below_autograd():
                dx, dbias = _activation_backward(gradient, y, activation, slope), None
        return dx if needs_x else None, dbias if needs_bias else None, None, None


def wants(ctx: Any, index: int) -> bool:
    """Whether the backward pass under way wants the gradient of this input."""
    return ctx.needs_input_grad[index] and _is_wanted(ctx.next_functions[index][0])


def _is_wanted(node: Any) -> bool:
    """Whether the backward pass under way goes on to this node.

    `ctx.needs_input_grad` says yes for the discriminator's parameters in the generator's turn as well, where
    backward(inputs=...) leaves them out.
    """
    try:
        return bool(torch._C._will_engine_execute_node(node))
    except RuntimeError:  # torch.autograd.grad asks for a leaf, about which the engine does not answer
        return True


def _activation_backward(gradient: Tensor, y: Tensor, activation: int, slope: float) -> Tensor:
    """The gradient before an activation, from the one behind it and the activation's result."""
    if activation == 1:
        return _relu_backward(gradient, y, 0)
    if activation == 2:
        return _leaky_relu_backward(gradient, y, slope, True)
    return _tanh_backward(gradient, y) if activation == 3 else gradient


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
        if torch.is_grad_enabled() or transforming():
            kind, a, b, scale = ctx.options
            dreal = (gradient * formulas.loss_gradients(real, True, kind, a, b, scale)).to(real.dtype)
            dfake = (gradient * formulas.loss_gradients(fake, False, kind, a, b, scale)).to(fake.dtype)
        else:
            with below_autograd():
                dreal, dfake = _d_backward(gradient, *(saved or ctx.gradients))
        needs_real, needs_fake, *_ = ctx.needs_input_grad
        return dreal if needs_real else None, dfake if needs_fake else None, None, None


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
        if torch.is_grad_enabled() or transforming():
            kind, _, _, c, scale = ctx.options
            dfake = (gradient * formulas.generator_gradients(fake, kind, c, scale)).to(fake.dtype)
        else:
            with below_autograd():
                dfake = _g_backward(gradient, *(saved or ctx.gradients))
        return dfake, None, None


class DiscriminatorLossWithGradients(DiscriminatorLoss):
    """The same with all results of the forward op as outputs, for calls that come from the dispatcher."""

    @staticmethod
    def forward(ctx: Any, real: Any, fake: Any, results: Any, options: Any) -> Any:
        with below_autograd():
            results = _d_forward(real, fake, *options)
        return _all_results(ctx, (real, fake), results, options)


class GeneratorLossWithGradient(GeneratorLoss):
    """The same with all results of the forward op as outputs, for calls that come from the dispatcher."""

    @staticmethod
    def forward(ctx: Any, fake: Any, results: Any, options: Any) -> Any:
        with below_autograd():
            results = _g_forward(fake, *options)
        return _all_results(ctx, (fake,), results, options)


def _all_results(ctx: Any, logits: tuple[Tensor, ...], results: Any, options: Any) -> Any:
    ctx.save_for_backward(*logits, *results[2:])  # others see these gradients, and could write to them
    ctx.options = options
    ctx.mark_non_differentiable(*results[1:])
    ctx.set_materialize_grads(False)
    return results


def batch_norm_act(
    x: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    options: tuple[Any, ...],
) -> Tensor:
    """The forward op, with a graph where one is wanted; `options` are the op's arguments from `training` on."""
    if torch.is_grad_enabled() and (
        x.requires_grad or (weight is not None and weight.requires_grad) or (bias is not None and bias.requires_grad)
    ):
        y = _apply_batch_norm_act(x, weight, bias, running_mean, running_var, options)
    else:
        with below_autograd():
            y = _bn_forward(x, weight, bias, running_mean, running_var, *options)[0]
    if options[0] and running_mean is not None:
        # Kernels below autograd write without telling it; a graph that has saved these buffers must notice.
        torch.autograd.graph.increment_version((running_mean, cast(Tensor, running_var)))
    return cast(Tensor, y)


def bias_act(*arguments: Any) -> Tensor:
    """The forward op, with a graph where one is wanted."""
    x, bias = arguments[:2]
    if torch.is_grad_enabled() and (x.requires_grad or (bias is not None and bias.requires_grad)):
        return cast(Tensor, _apply_bias_act(*arguments))
    with below_autograd():
        return cast(Tensor, _bias_forward(*arguments))


def discriminator_loss(real: Tensor, fake: Tensor, options: tuple[Any, ...]) -> tuple[Tensor, ...]:
    """The forward op, with a graph where one is wanted: (loss, statistics, ...)."""
    with below_autograd():
        results: tuple[Tensor, ...] = _d_forward(real, fake, *options)
    if torch.is_grad_enabled() and (real.requires_grad or fake.requires_grad):
        return _apply_discriminator_loss(real, fake, results, options), results[1]
    return results


def generator_loss(fake: Tensor, options: tuple[Any, ...]) -> tuple[Tensor, ...]:
    """The forward op, with a graph where one is wanted: (loss, statistics, ...)."""
    with below_autograd():
        results: tuple[Tensor, ...] = _g_forward(fake, *options)
    if torch.is_grad_enabled() and fake.requires_grad:
        return _apply_generator_loss(fake, results, options), results[1]
    return results


_apply_batch_norm_act: Any = BatchNormAct.apply
_apply_bias_act: Any = BiasAct.apply
_apply_discriminator_loss: Any = DiscriminatorLoss.apply
_apply_generator_loss: Any = GeneratorLoss.apply


def _with_options(function: type[torch.autograd.Function], tensors: int, *between: Any) -> Callable[..., Any]:
    """The function applied to the arguments of its op, of which the first `tensors` are tensors."""
    apply: Any = function.apply

    def call(*arguments: Any) -> Any:
        return apply(*arguments[:tensors], *between, arguments[tensors:])

    return call


def dispatched(operator: Any, function: Callable[..., Any], transparent: Callable[..., Any]) -> Callable[..., Any]:
    """What the Autograd key calls: `function` where a graph is wanted, the kernel below where not, and where a
    forward-mode derivative or torch.func looks inside, `transparent`, which is plain PyTorch."""

    def kernel(*arguments: Any) -> Any:
        if transforming():
            return transparent(*arguments)
        if torch.is_grad_enabled() and any(isinstance(a, Tensor) and a.requires_grad for a in arguments):
            return function(*arguments)
        with below_autograd():
            return operator(*arguments)

    return kernel


def _scaled(gradient: Tensor, *saved: Tensor) -> Any:
    scaled = tuple((gradient * s).to(s.dtype) for s in saved)
    return scaled if len(scaled) > 1 else scaled[0]


def register() -> None:
    """Binds the Autograd key of every op."""
    for name, operator, function in (
        ("batch_norm_act_forward", _bn_forward, _with_options(BatchNormActWithStatistics, 5)),
        ("bias_act_forward", _bias_forward, _apply_bias_act),
        ("discriminator_loss_forward", _d_forward, _with_options(DiscriminatorLossWithGradients, 2, None)),
        ("generator_loss_forward", _g_forward, _with_options(GeneratorLossWithGradient, 1, None)),
    ):
        bind(name, dispatched(operator, function, getattr(fallback, name)), "Autograd")
    for name, operator, formula in (
        ("batch_norm_act_backward", _bn_backward, formulas.batch_norm_act_backward),
        ("bias_act_backward", _bias_backward, formulas.bias_act_backward),
        ("discriminator_loss_backward", _d_backward, _scaled),
        ("generator_loss_backward", _g_backward, _scaled),
    ):
        bind(name, dispatched(operator, formula, formula), "Autograd")


register()
