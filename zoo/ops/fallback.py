"""The reference as the kernel of every op on every device, and the fake kernels that know shapes only.

Bound under CompositeExplicitAutograd: the dispatcher comes here exactly where no native kernel has been loaded.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from zoo.ops import formulas, reference
from zoo.ops.codes import ACTIVATION_NAMES, LOSS_KIND_NAMES, ORDER_NAMES
from zoo.ops.library import bind, definitions

Optional = Tensor | None


def empty_like_plain(x: Tensor) -> Tensor:
    """The layout of every output as large as x: channels_last where x is, contiguous otherwise.

    An image of one channel or one pixel is both, and keeps its strides.
    """
    if x.dim() != 4 or not x.is_contiguous(memory_format=torch.channels_last):
        return torch.empty_like(x, memory_format=torch.contiguous_format)
    return torch.empty_like(x, memory_format=torch.preserve_format if x.is_contiguous() else torch.channels_last)


def _like(result: Tensor, x: Tensor) -> Tensor:
    """`result` in the layout that the kernels would give it."""
    out = empty_like_plain(x)
    return out.copy_(result)


def batch_norm_act_forward(
    x: Tensor,
    weight: Optional,
    bias: Optional,
    running_mean: Optional,
    running_var: Optional,
    training: bool,
    momentum: float,
    eps: float,
    activation: int,
    slope: float,
    order: int,
    groups: int,
) -> tuple[Tensor, Tensor, Tensor]:
    y = reference.batch_norm_act(
        x, weight, bias, running_mean, running_var, training, momentum, eps,
        ACTIVATION_NAMES[activation], slope, ORDER_NAMES[order], groups,
    )  # fmt: skip
    if training:
        mean, invstd = formulas.statistics(x, eps, activation, slope, order, groups)
    else:
        assert running_mean is not None
        assert running_var is not None
        dtype = reference.accumulate_dtype(x.dtype)
        mean = running_mean.to(dtype, copy=True).view(1, -1)
        invstd = torch.rsqrt(running_var.to(dtype) + eps).view(1, -1)
    return _like(y, x), mean, invstd


def batch_norm_act_backward(gradient: Tensor, x: Tensor, *arguments: Any) -> tuple[Tensor, Tensor, Tensor]:
    dx, dweight, dbias = formulas.batch_norm_act_backward(gradient, x, *arguments)
    return _like(dx, x), dweight, dbias


def bias_act_forward(x: Tensor, bias: Optional, activation: int, slope: float) -> Tensor:
    return _like(reference.bias_act(x, bias, ACTIVATION_NAMES[activation], slope), x)


def bias_act_backward(gradient: Tensor, y: Tensor, activation: int, slope: float) -> tuple[Tensor, Tensor]:
    dx, dbias = formulas.bias_act_backward(gradient, y, activation, slope)
    return _like(dx, y), dbias


def discriminator_loss_forward(
    real: Tensor, fake: Tensor, kind: int, a: float, b: float, scale: float
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    loss, statistics = reference.discriminator_loss(real, fake, LOSS_KIND_NAMES[kind], a=a, b=b, scale=scale)
    dreal = formulas.loss_gradients(real, True, kind, a, b, scale).to(real.dtype)
    dfake = formulas.loss_gradients(fake, False, kind, a, b, scale).to(fake.dtype)
    return loss, statistics, _contiguous(dreal), _contiguous(dfake)


def generator_loss_forward(
    fake: Tensor, kind: int, a: float, b: float, c: float, scale: float
) -> tuple[Tensor, Tensor, Tensor]:
    loss, statistics = reference.generator_loss(fake, LOSS_KIND_NAMES[kind], a=a, b=b, c=c, scale=scale)
    dfake = formulas.generator_gradients(fake, kind, c, scale).to(fake.dtype)
    return loss, statistics, _contiguous(dfake)


def _contiguous(x: Tensor) -> Tensor:
    return x.contiguous()


def discriminator_loss_backward(gradient: Tensor, dreal: Tensor, dfake: Tensor) -> tuple[Tensor, Tensor]:
    return _contiguous(dreal * gradient), _contiguous(dfake * gradient)


def generator_loss_backward(gradient: Tensor, dfake: Tensor) -> Tensor:
    return _contiguous(dfake * gradient)


def linear_forward(x: Tensor, weight: Tensor) -> Tensor:
    return reference.linear(x, weight)


def conv2d_forward(x: Tensor, weight: Tensor, stride: int, padding: int) -> Tensor:
    return _channels_last(reference.conv2d(x, weight, stride, padding))


def conv_transpose2d_forward(x: Tensor, weight: Tensor, stride: int, padding: int, height: int, width: int) -> Tensor:
    # Several sizes of the result shrink to the same size of x; torch asks how much more than the smallest it is.
    more = [
        wanted - ((size - 1) * stride - 2 * padding + rows)
        for wanted, size, rows in zip((height, width), x.shape[2:], weight.shape[2:], strict=True)
    ]
    return _channels_last(F.conv_transpose2d(x, weight, None, stride, padding, more))


def conv2d_weight_gradient(
    x: Tensor, gradient: Tensor, kernel: int, stride: int, padding: int, channels_last: bool
) -> Tensor:
    weight = x.new_empty((1,)).expand(gradient.shape[1], x.shape[1], kernel, kernel)  # torch looks at its shape alone
    options: Any = (None, [stride] * 2, [padding] * 2, [1, 1], False, [0, 0], 1, [False, True, False])
    dweight: Tensor = torch.ops.aten.convolution_backward.default(gradient, x, weight, *options)[1]
    return dweight.contiguous(memory_format=torch.channels_last if channels_last else torch.contiguous_format)


def _channels_last(x: Tensor) -> Tensor:
    return x.contiguous(memory_format=torch.channels_last)


def _fake_images(like: Tensor, channels: int, height: int, width: int, layout: torch.memory_format) -> Tensor:
    size = (like.shape[0], channels, height, width)
    return torch.empty(size, dtype=like.dtype, device=like.device, memory_format=layout)


def _fake_conv2d_forward(x: Tensor, weight: Tensor, stride: int, padding: int) -> Tensor:
    height, width = (
        (n + 2 * padding - rows) // stride + 1 for n, rows in zip(x.shape[2:], weight.shape[2:], strict=True)
    )
    return _fake_images(x, weight.shape[0], height, width, torch.channels_last)


def _fake_conv_transpose2d_forward(
    x: Tensor, weight: Tensor, stride: int, padding: int, height: int, width: int
) -> Tensor:
    return _fake_images(x, weight.shape[1], height, width, torch.channels_last)


def _fake_conv2d_weight_gradient(
    x: Tensor, gradient: Tensor, kernel: int, stride: int, padding: int, channels_last: bool
) -> Tensor:
    size = (gradient.shape[1], x.shape[1], kernel, kernel)
    layout = torch.channels_last if channels_last else torch.contiguous_format
    return torch.empty(size, dtype=x.dtype, device=x.device, memory_format=layout)


def _fake_linear_forward(x: Tensor, weight: Tensor) -> Tensor:
    return x.new_empty((x.shape[0], weight.shape[0]))


def _fake_batch_norm_act_forward(x: Tensor, *arguments: Any) -> tuple[Tensor, Tensor, Tensor]:
    training, groups = arguments[4], arguments[10]
    shape = (groups if training else 1, x.shape[1])
    dtype = reference.accumulate_dtype(x.dtype)
    return empty_like_plain(x), x.new_empty(shape, dtype=dtype), x.new_empty(shape, dtype=dtype)


def _fake_batch_norm_act_backward(
    gradient: Tensor, x: Tensor, weight: Optional, bias: Optional, mean: Tensor, *rest: Any
) -> tuple[Tensor, Tensor, Tensor]:
    dweight, dbias = (mean.new_empty(x.shape[1], dtype=mean.dtype if t is None else t.dtype) for t in (weight, bias))
    return empty_like_plain(x), dweight, dbias


def _fake_bias_act_forward(x: Tensor, bias: Optional, activation: int, slope: float) -> Tensor:
    return empty_like_plain(x)


def _fake_bias_act_backward(gradient: Tensor, y: Tensor, activation: int, slope: float) -> tuple[Tensor, Tensor]:
    return empty_like_plain(y), y.new_empty(y.shape[1], dtype=reference.accumulate_dtype(y.dtype))


def _flat_like(x: Tensor) -> Tensor:
    return torch.empty_like(x, memory_format=torch.contiguous_format)


def _fake_loss_forward(x: Tensor, statistics: int) -> tuple[Tensor, Tensor]:
    return x.new_empty((), dtype=reference.accumulate_dtype(x.dtype)), x.new_empty(statistics, dtype=torch.float32)


def _fake_discriminator_loss_forward(real: Tensor, fake: Tensor, *options: Any) -> tuple[Tensor, ...]:
    return *_fake_loss_forward(real, 4), _flat_like(real), _flat_like(fake)


def _fake_discriminator_loss_backward(gradient: Tensor, dreal: Tensor, dfake: Tensor) -> tuple[Tensor, Tensor]:
    return _flat_like(dreal), _flat_like(dfake)


def _fake_generator_loss_forward(fake: Tensor, *options: Any) -> tuple[Tensor, ...]:
    return *_fake_loss_forward(fake, 2), _flat_like(fake)


def _fake_generator_loss_backward(gradient: Tensor, dfake: Tensor) -> Tensor:
    return _flat_like(dfake)


def register() -> None:
    """Binds reference and fake kernel of every op; once per process."""
    for kernel, fake in (
        (batch_norm_act_forward, _fake_batch_norm_act_forward),
        (batch_norm_act_backward, _fake_batch_norm_act_backward),
        (bias_act_forward, _fake_bias_act_forward),
        (bias_act_backward, _fake_bias_act_backward),
        (discriminator_loss_forward, _fake_discriminator_loss_forward),
        (discriminator_loss_backward, _fake_discriminator_loss_backward),
        (generator_loss_forward, _fake_generator_loss_forward),
        (generator_loss_backward, _fake_generator_loss_backward),
        (linear_forward, _fake_linear_forward),
        (conv2d_forward, _fake_conv2d_forward),
        (conv_transpose2d_forward, _fake_conv_transpose2d_forward),
        (conv2d_weight_gradient, _fake_conv2d_weight_gradient),
    ):
        bind(kernel.__name__, kernel, "CompositeExplicitAutograd")
        torch.library.register_fake(f"zoo::{kernel.__name__}", fake, lib=definitions)
