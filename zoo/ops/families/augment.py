"""Colour, a warp and a cutout of each image, in one pass: what differentiable augmentation is made of."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any, cast

import torch
from torch import Tensor

from zoo.ops import checks, reference
from zoo.ops.autograd import below_autograd, register
from zoo.ops.kinds import PADDINGS, padding_code
from zoo.ops.layout import empty_like_plain, laid_like
from zoo.ops.library import Implementation, Normal, Sample, dispatch, offer, transforming

_OP = "augment"
_forward = torch.ops.zoo.augment_forward.default
_backward = torch.ops.zoo.augment_backward.default


def augment(
    images: Tensor,
    affine: Tensor | None = None,
    color: Tensor | None = None,
    box: Tensor | None = None,
    padding: str = "zeros",
) -> Tensor:
    """Each image recoloured, then warped, then with a box of zeros: each of the three where it is given.

    - Colour: channel c becomes ``sum_k color[n, c, k] x_k + sum_k color[n, c, C + k] mean_k + color[n, c, 2C]``, mean_k being
      the mean of the image's channel k over its pixels.
    - Warp: pixel (column j, row i) of the result shows what lies at ``x, y = affine[n] @ (j, i, 1)`` of the recoloured image, in
      pixels, (0, 0) being the centre of the first one, x to the right and y downwards; between pixels it is interpolated
      bilinearly. Where an image's map has whole numbers alone, pixels are copied bit by bit. Beyond the edge there are zeros, or
      the image in a mirror whose plane is the outermost pixels, as torch's padding of that name has it.
    - Box: of the result, rows ``top`` to ``bottom`` - 1 and columns ``left`` to ``right`` - 1 are 0. It may reach beyond the
      edge, or be empty.

    It is affine in the images, and its gradients of any order are its linear part and the adjoint of that, which are kernels.
    There are none with regard to the other arguments. Positions count up to 2^22 pixels away, NaN as one that far to the left.

    Args:
        images: (N, C, H, W), any strides; sides of up to 2^20.
        affine: (N, 2, 3), float32; None for none.
        color: (N, C, 2C + 1), float32; None for none.
        box: (N, 4), int64: top, left, bottom, right; None for none.
        padding: zeros or reflect.

    Returns:
        A new tensor of the images' shape and dtype, in channels_last memory where they are, contiguous otherwise.

    Raises:
        ValueError: for shapes, devices or names that do not fit, and for parameters that want a gradient.
        TypeError: for dtypes that do not.
        NativeError: if the native core is present but does not load.
    """
    code = padding_code(padding)
    checks.floating(_OP, "images", images)
    if images.dim() != 4 or max(images.shape[2:]) > 1 << 20:
        raise ValueError(
            f"{_OP}: images have shape {checks.shape(images)}; (N, C, H, W) with sides of 2^20 at most is needed"
        )
    channels = images.shape[1]
    _check("affine", affine, (2, 3), torch.float32, images)
    _check("color", color, (channels, 2 * channels + 1), torch.float32, images)
    _check("box", box, (4,), torch.int64, images)
    y: Tensor = dispatch(_OP, images.device.type)(images, affine, color, box, code, False)
    return y


def _check(name: str, tensor: Tensor | None, each: tuple[int, ...], dtype: torch.dtype, images: Tensor) -> None:
    """One of `each` shape for every image, on their device. Raises ValueError or TypeError."""
    if tensor is None:
        return
    given, wanted = checks.shape(tensor), (len(images), *each)
    if given != wanted:
        raise ValueError(
            f"{_OP}: {name} has shape {given}, but images of shape {checks.shape(images)} need one of shape {wanted}"
        )
    if tensor.dtype != dtype:
        raise TypeError(f"{_OP}: {name} of shape {given} is {tensor.dtype}; {dtype} is needed")
    if tensor.device != images.device:
        raise ValueError(
            f"{_OP}: {name} of shape {given} is on {tensor.device}, images of shape {checks.shape(images)} on "
            f"{images.device}; move them to one device"
        )
    if tensor.requires_grad and torch.is_grad_enabled():
        raise ValueError(f"{_OP}: {name} wants a gradient, and there is one with regard to images alone; detach it")


# ---- the ways to compute it


def _reference(
    images: Tensor, affine: Tensor | None, color: Tensor | None, box: Tensor | None, padding: int, linear: bool
) -> Tensor:
    return reference.augment(images, affine, color, box, PADDINGS[padding], linear=linear)


def _reference_backward(
    gradient: Tensor, affine: Tensor | None, color: Tensor | None, box: Tensor | None, padding: int
) -> Tensor:
    return reference.augment_adjoint(gradient, affine, color, box, PADDINGS[padding])


def _traced(*arguments: Any) -> Tensor:
    y: Tensor = torch.ops.zoo.augment_forward(*arguments)
    return y


def _eager(*arguments: Any) -> Tensor:
    """The forward op, with a graph where one is wanted."""
    if torch.is_grad_enabled() and arguments[0].requires_grad:
        return cast(Tensor, _apply(*arguments))
    with below_autograd():
        return cast(Tensor, _forward(*arguments))


# ---- autograd: an affine map, whose derivative is its linear part's adjoint, and that of it the linear part again


class Augment(torch.autograd.Function):
    """Keeps no image: what is done to one does not depend on it."""

    @staticmethod
    def forward(ctx: Any, *arguments: Any) -> Any:
        ctx.save_for_backward(*arguments[1:4])
        ctx.padding = arguments[4]
        with below_autograd():
            return _forward(*arguments)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        backward: Any = _reference_backward if transforming() else _apply_backward
        return backward(gradients[0], *ctx.saved_tensors, ctx.padding), None, None, None, None, None


class AugmentBackward(torch.autograd.Function):
    """The adjoint, which is linear."""

    @staticmethod
    def forward(ctx: Any, *arguments: Any) -> Any:
        ctx.save_for_backward(*arguments[1:4])
        ctx.padding = arguments[4]
        with below_autograd():
            return _backward(*arguments)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        forward: Any = _reference if transforming() else _apply
        return forward(gradients[0], *ctx.saved_tensors, ctx.padding, True), None, None, None, None


_apply: Any = Augment.apply
_apply_backward: Any = AugmentBackward.apply


# ---- the ops where no kernel is built, and for tensors without data


def _fallback_forward(images: Tensor, *arguments: Any) -> Tensor:
    return laid_like(_reference(images, *arguments), images)


def _fallback_backward(gradient: Tensor, *arguments: Any) -> Tensor:
    return laid_like(_reference_backward(gradient, *arguments), gradient)


def _fake(images: Tensor, *arguments: Any) -> Tensor:
    return empty_like_plain(images)


def _samples(normal: Normal) -> Iterator[Sample]:
    images, turned = normal(3, 3, 13, 11), torch.tensor([[[0.8, -0.4, 2.0], [0.5, 0.7, -1.3]]])
    color, box = normal(3, 3, 7).float(), torch.tensor([[2, 3, 8, 9]])

    def call(channels_last: bool, padding: str) -> Any:
        def called(op: Any, tensors: list[Tensor]) -> Tensor:
            x = tensors[0].contiguous(memory_format=torch.channels_last) if channels_last else tensors[0]
            parameters = (each.to(x.device) for each in (turned.expand(3, -1, -1), color, box.expand(3, -1)))
            return cast(Tensor, op(x, *parameters, padding))

        return called

    for channels_last, padding in product((False, True), PADDINGS):
        yield call(channels_last, padding), [images]


register("augment_forward", _fallback_forward, _fake, _apply, _reference)
register("augment_backward", _fallback_backward, _fake, _apply_backward, _reference_backward)
offer(_OP, Implementation(augment, _reference, _traced, _eager, _samples))
