"""What every op computes, in plain PyTorch: the specification, the fallback and the oracle of the tests.

Each function has the name and signature of its twin in `zoo.ops` and can be differentiated any number of times. Storage
of 16 bits is computed in float32 and rounded once, at the end. Arguments are checked by `zoo.ops`, not here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor


class LossOutput(NamedTuple):
    """A loss (0-d) and the detached float32 statistics that a training log wants."""

    loss: Tensor
    """0-d; float32, or float64 for float64 logits."""
    statistics: Tensor
    """(4,) for the discriminator, (2,) for the generator; what they are, each loss tells."""


def accumulate_dtype(dtype: torch.dtype) -> torch.dtype:
    """float64 for float64, float32 for everything shorter."""
    return torch.float64 if dtype == torch.float64 else torch.float32


def activate(x: Tensor, activation: str, slope: float = 0.0) -> Tensor:
    """identity, relu, leaky_relu (slope 0 is relu) or tanh."""
    if activation == "identity":
        return x
    if activation == "tanh":
        return torch.tanh(x)
    return F.relu(x) if activation == "relu" or slope == 0 else F.leaky_relu(x, slope)


def batch_norm_act(
    x: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    training: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
    activation: str = "identity",
    slope: float = 0.0,
    order: str = "norm_act",
    groups: int = 1,
) -> Tensor:
    """Batch normalisation (Ioffe & Szegedy 2015) with an activation, see `zoo.ops.batch_norm_act`."""
    if not training:
        groups = 1  # running statistics are the same for every group
    dtype = accumulate_dtype(x.dtype)
    weight, bias = (None if t is None else t.to(dtype) for t in (weight, bias))
    # Statistics stored in 16 bits are updated in float32 and rounded back.
    mean, var = (None if t is None else t.to(dtype) for t in (running_mean, running_var))
    parts = []
    for part in x.to(dtype).chunk(groups) if groups > 1 else (x.to(dtype),):
        if order == "act_norm":
            part = activate(part, activation, slope)
        part = _batch_norm(part, mean, var, weight, bias, training, momentum, eps)
        if order == "norm_act":
            part = activate(part, activation, slope)
        parts.append(part)
    if training:
        for kept, updated in ((running_mean, mean), (running_var, var)):
            if kept is not None and updated is not None and kept is not updated:
                with torch.no_grad():
                    kept.copy_(updated)
    return (torch.cat(parts) if groups > 1 else parts[0]).to(x.dtype)


def _batch_norm(x: Tensor, *arguments: Any) -> Tensor:
    """F.batch_norm, for images one pixel high or wide as rows of pixels.

    Their strides do not tell contiguous from channels_last memory, and where x and the gradient are taken for different
    ones, torch's backward on the CPU (2.13) reads the one as if it were the other.
    """
    if x.dim() == 4 and 1 in x.shape[2:]:
        return F.batch_norm(x.flatten(2), *arguments).view(x.shape)
    return F.batch_norm(x, *arguments)


def bias_act(x: Tensor, bias: Tensor | None, activation: str = "identity", slope: float = 0.0) -> Tensor:
    """activation(x + bias), the bias along dimension 1."""
    dtype = accumulate_dtype(x.dtype)
    y = x.to(dtype)
    if bias is not None:
        y = y + bias.to(dtype).view(1, -1, *[1] * (x.dim() - 2))
    y = activate(y, activation, slope).to(x.dtype)
    return y.clone() if y is x else y


def upfirdn2d(
    x: Tensor,
    filter: Sequence[float] | Tensor,
    up: int = 1,
    down: int = 1,
    padding: int | Sequence[int] = 0,
    bias: Tensor | None = None,
    activation: str = "identity",
    slope: float = 0.2,
) -> Tensor:
    """Zeros inserted, padded, filtered, every down-th pixel kept; see `zoo.ops.upfirdn2d`."""
    dtype = accumulate_dtype(x.dtype)
    taps = torch.as_tensor(filter, dtype=dtype, device=x.device).flip(0)  # conv2d does not turn its kernel round
    y, channels = x.to(dtype), x.shape[1]
    if up > 1:
        inserted = [torch.arange(up * size, device=x.device) % up > 0 for size in y.shape[2:]]
        y = F.interpolate(y, scale_factor=up).masked_fill(inserted[0][:, None] | inserted[1], 0)
    y = F.pad(y, [padding] * 4 if isinstance(padding, int) else list(padding))
    y = F.conv2d(y, taps.view(1, 1, -1, 1).expand(channels, 1, -1, 1), stride=(down, 1), groups=channels)
    y = F.conv2d(y, taps.expand(channels, 1, 1, -1), stride=(1, down), groups=channels)
    if bias is not None:
        y = y + bias.to(dtype).view(-1, 1, 1)
    return activate(y, activation, slope).to(x.dtype)


def linear(x: Tensor, weight: Tensor) -> Tensor:
    """x Wᵀ, torch's own."""
    return F.linear(x, weight)


def conv2d(x: Tensor, weight: Tensor, stride: int = 1, padding: int = 0, groups: int = 1) -> Tensor:
    """The convolution without bias, torch's own."""
    return F.conv2d(x, weight, None, stride, padding, groups=groups)


def conv_transpose2d(x: Tensor, weight: Tensor, stride: int = 1, padding: int = 0) -> Tensor:
    """The transposed convolution without bias, torch's own."""
    return F.conv_transpose2d(x, weight, None, stride, padding)


def _softplus(x: Tensor) -> Tensor:
    return -F.logsigmoid(-x)  # F.softplus drops exp(-x) beyond x = 20, which float64 still sees


def _half_square(x: Tensor) -> Tensor:
    return 0.5 * x * x


def _threshold(kind: str, a: float, b: float) -> float:
    """The output above which the discriminator says "real"."""
    return (a + b) / 2 if kind == "least_squares" else 0.0


def _output(logits: Tensor, kind: str) -> Tensor:
    """D(.): a probability where the kind has one, the raw output otherwise."""
    return torch.sigmoid(logits) if kind in ("non_saturating", "minimax") else logits


def discriminator_loss(
    real_logits: Tensor,
    fake_logits: Tensor,
    kind: str = "non_saturating",
    *,
    a: float = 0.0,
    b: float = 1.0,
    scale: float = 1.0,
) -> LossOutput:
    """What the discriminator minimises, see `zoo.ops.discriminator_loss`."""
    dtype = accumulate_dtype(real_logits.dtype)
    real, fake = real_logits.to(dtype), fake_logits.to(dtype)
    if kind in ("non_saturating", "minimax"):
        loss = _softplus(-real).mean() + _softplus(fake).mean()
    elif kind == "least_squares":
        loss = _half_square(real - b).mean() + _half_square(fake - a).mean()
    elif kind == "hinge":
        loss = F.relu(1 - real).mean() + F.relu(1 + fake).mean()
    else:
        loss = fake.mean() - real.mean()
    with torch.no_grad():
        threshold = _threshold(kind, a, b)
        statistics = [
            _output(real, kind).mean(),
            _output(fake, kind).mean(),
            (real > threshold).to(dtype).mean(),
            (fake <= threshold).to(dtype).mean(),
        ]
        logged = torch.stack(statistics).float()
    return LossOutput(loss * scale, logged)


def generator_loss(
    fake_logits: Tensor,
    kind: str = "non_saturating",
    *,
    a: float = 0.0,
    b: float = 1.0,
    c: float = 1.0,
    scale: float = 1.0,
) -> LossOutput:
    """What the generator minimises, see `zoo.ops.generator_loss`."""
    dtype = accumulate_dtype(fake_logits.dtype)
    fake = fake_logits.to(dtype)
    if kind == "non_saturating":
        loss = _softplus(-fake).mean()
    elif kind == "minimax":
        loss = -_softplus(fake).mean()
    elif kind == "least_squares":
        loss = _half_square(fake - c).mean()
    else:
        loss = -fake.mean()
    with torch.no_grad():
        real = (fake > _threshold(kind, a, b)).to(dtype)
        logged = torch.stack([_output(fake, kind).mean(), real.mean()]).float()
    return LossOutput(loss * scale, logged)


def augment(
    images: Tensor,
    affine: Tensor | None = None,
    color: Tensor | None = None,
    box: Tensor | None = None,
    padding: str = "zeros",
    *,
    linear: bool = False,
) -> Tensor:
    """Colour, a warp and a box of zeros for each image, see `zoo.ops.augment`; `linear`: without what colour adds to all alike."""
    out = images.to(accumulate_dtype(images.dtype))
    if color is not None:
        out = _recolored(out, color.to(out.dtype), linear)
    if affine is not None:
        out = _warped(out, affine.to(out.dtype), padding)
    if box is not None:
        out = torch.where(_in_box(box, *out.shape[2:]), torch.zeros_like(out), out)
    out = out.to(images.dtype)
    return out.clone() if out is images else out


def augment_adjoint(
    gradient: Tensor,
    affine: Tensor | None = None,
    color: Tensor | None = None,
    box: Tensor | None = None,
    padding: str = "zeros",
) -> Tensor:
    """The gradient of `augment`'s images from that of its result: the adjoint of its linear part, linear itself."""
    out = gradient.to(accumulate_dtype(gradient.dtype))
    if box is not None:
        out = torch.where(_in_box(box, *out.shape[2:]), torch.zeros_like(out), out)
    if affine is not None:
        out = _warped_back(out, affine.to(out.dtype), padding)
    if color is not None:
        out = _recolored_back(out, color.to(out.dtype))
    out = out.to(gradient.dtype)
    return out.clone() if out is gradient else out


def _recolored(x: Tensor, color: Tensor, linear: bool) -> Tensor:
    channels = x.shape[1]
    matrix, of_means, more = color[:, :, :channels], color[:, :, channels:-1], color[:, :, -1]
    means = x.mean((2, 3))[:, None, :].expand_as(of_means)
    added = torch.where(of_means != 0, of_means * means, torch.zeros_like(means)).sum(2)
    added = added if linear else added + more
    return torch.einsum("nck,nkhw->nchw", matrix, x) + added[:, :, None, None]


def _recolored_back(g: Tensor, color: Tensor) -> Tensor:
    channels = g.shape[1]
    matrix, of_means = color[:, :, :channels], color[:, :, channels:-1]
    means = g.mean((2, 3))[:, :, None].expand_as(of_means)
    added = torch.where(of_means != 0, of_means * means, torch.zeros_like(means)).sum(1)
    return torch.einsum("nck,nchw->nkhw", matrix, g) + added[:, :, None, None]


def _in_box(box: Tensor, height: int, width: int) -> Tensor:
    """(N, 1, H, W): whether a pixel lies in its image's box."""
    rows, columns = (torch.arange(side, device=box.device) for side in (height, width))
    top, left, bottom, right = box[:, :, None].unbind(1)
    inside = ((rows >= top) & (rows < bottom))[:, None, :, None], ((columns >= left) & (columns < right))[:, None, None]
    return inside[0] & inside[1]


_FARTHEST = 1 << 22
"""No position counts for further away than this: a float32 still tells half pixels there."""


def _taps(position: Tensor, side: int, padding: str) -> Iterator[tuple[Tensor, Tensor]]:
    """The two pixels beside each position along an axis, and their weights: 0 for one outside of the image."""
    position = torch.where(position > -_FARTHEST, position, -_FARTHEST).clamp(max=_FARTHEST)
    first, share = position.floor().long(), position - position.floor()
    for at, weight in ((first, 1 - share), (first + 1, share)):
        if padding == "reflect":
            period = max(1, 2 * (side - 1))
            at = at.abs() % period
            yield torch.where(at < side, at, period - at), weight
        else:
            yield at.clamp(0, side - 1), torch.where((at >= 0) & (at < side), weight, torch.zeros_like(weight))


def _places(affine: Tensor, height: int, width: int, padding: str) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Row, column and weight, (N, H, W) each, of the four pixels that make each pixel of a warped image."""
    rows, columns = (torch.arange(side, device=affine.device).to(affine.dtype) for side in (height, width))
    rows = rows[:, None]
    m = affine[:, :, :, None, None].unbind(2)
    position = m[0] * columns + m[1] * rows + m[2]  # (N, 2, H, W): x, y
    for row, of_row in _taps(position[:, 1], height, padding):
        for column, of_column in _taps(position[:, 0], width, padding):
            yield row, column, of_row * of_column


def _warped(x: Tensor, affine: Tensor, padding: str) -> Tensor:
    which = torch.arange(len(x), device=x.device)[:, None, None]
    pixels, total = x.permute(0, 2, 3, 1), torch.zeros_like(x)
    begun = torch.zeros((), dtype=torch.bool, device=x.device)
    for row, column, weight in _places(affine, x.shape[2], x.shape[3], padding):
        part = weight[:, None] * pixels[which, row, column].permute(0, 3, 1, 2)
        # What does not count is not added: it may be infinite. Nor is the first part, to 0: that -0.0 stays what it is.
        counts = weight[:, None] != 0
        total = torch.where(counts, torch.where(begun, total + part, part), total)
        begun = begun | counts
    return total


def _warped_back(g: Tensor, affine: Tensor, padding: str) -> Tensor:
    which = torch.arange(len(g), device=g.device)[:, None, None]
    pixels = torch.zeros_like(g).permute(0, 2, 3, 1).contiguous()
    for row, column, weight in _places(affine, g.shape[2], g.shape[3], padding):
        part = torch.where(weight[:, None] != 0, weight[:, None] * g, torch.zeros_like(g)).permute(0, 2, 3, 1)
        pixels = pixels.index_put((which, row, column), part, accumulate=True)
    return pixels.permute(0, 3, 1, 2)
