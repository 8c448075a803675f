"""Which convolutions our kernels compute: those that they know, and compute faster than torch does.

One convolution has three directions, which are looked at apart: "forward", y from x; "transposed", x from y, which is the
gradient of x as well as what a transposed convolution computes; "weight", the gradient of the weights from both.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

import torch
from torch import Tensor

from zoo.ops import library
from zoo.ops.families.linear import SMALLEST
from zoo.ops.layout import lies_channels_last

Direction = Literal["forward", "transposed", "weight"]
DIRECTIONS: Final[tuple[Direction, ...]] = ("forward", "transposed", "weight")

KERNELS: Final = ((3, 1), (3, 2), (4, 2), (5, 2))
"""(rows and columns, stride) of the kernels in csrc/cpu/convolution; csrc/cpu/bfloat16 knows any that leaves out no pixel."""

# The fewest channels, of x and of y, from which ours are the faster ones. Measured on one thread, with AVX-512 and with
# AVX2, on images of 4×4 to 64×64 in batches of 1 to 64. With fewer channels, transforming the images costs more than the
# products that it saves.
_FEWEST: Final[dict[tuple[int, int], dict[Direction, int]]] = {
    (3, 1): {"forward": 16, "transposed": 16, "weight": 32},
    (3, 2): {"forward": 64, "transposed": 16, "weight": 32},
    (4, 2): {"forward": 24, "transposed": 16, "weight": 24},
    (5, 2): {"forward": 32, "transposed": 16, "weight": 32},
}

# The most pixels of a batch up to which a 1×1 convolution is better computed as one product.
_MOST_PIXELS: Final = 4096

# Fewer channels than this leave most of a tile empty: in bfloat16, larger images are then torch's (`_pays_in_bfloat16`).
_FEW: Final = 32

# The pictures themselves, with a channel or three, go another way, which wins for any number of channels of y that fill
# vectors (the small_channels kernels of csrc/cpu), but for one direction of one kernel.
_SMALL_CHANNELS: Final = 3
_VECTOR: Final = 16


class Geometry(NamedTuple):
    """The sizes of a convolution, whichever of its directions is asked for."""

    batch: int
    x_channels: int
    height: int
    width: int
    """Of x, the larger image."""
    y_channels: int
    rows: int
    columns: int
    """Of the weights."""
    stride: int
    padding: int

    @classmethod
    def of_conv2d(cls, x: Tensor, weight: Tensor, stride: int, padding: int) -> Geometry:
        """That of ``conv2d(x, weight, stride, padding)``."""
        batch, channels, height, width = x.shape
        outputs, _, rows, columns = weight.shape
        return cls(batch, channels, height, width, outputs, rows, columns, stride, padding)

    @classmethod
    def of_conv_transpose2d(cls, y: Tensor, weight: Tensor, stride: int, padding: int) -> Geometry:
        """That of ``conv_transpose2d(y, weight, stride, padding)``."""
        batch, outputs, y_height, y_width = y.shape
        _, channels, rows, columns = weight.shape
        height, width = (y_height - 1) * stride - 2 * padding + rows, (y_width - 1) * stride - 2 * padding + columns
        return cls(batch, channels, height, width, outputs, rows, columns, stride, padding)


def known(g: Geometry, dtype: torch.dtype = torch.float32) -> bool:
    """Whether our kernels compute such a convolution at all."""
    return (
        g.rows == g.columns
        and ((g.rows, g.stride) in KERNELS if dtype == torch.float32 else g.rows >= g.stride >= 1)
        and 0 <= g.padding < g.rows
        and min(g.height, g.width) >= 1
        and min(g.height, g.width) + 2 * g.padding >= g.rows
        and min(g.batch, g.x_channels, g.y_channels) >= 1
    )


def pays(direction: Direction, g: Geometry, dtype: torch.dtype = torch.float32) -> bool:
    """Whether our kernel computes this direction for images of this dtype, and faster than torch does."""
    if not known(g, dtype):
        return False
    if dtype == torch.bfloat16:
        return library.has_amx() and _pays_in_bfloat16(direction, g)
    if g.x_channels <= _SMALL_CHANNELS:
        slower = direction == "forward" and g.stride == 1 and g.x_channels > 1
        return g.y_channels % _VECTOR == 0 and not slower and _patch(g) <= _VECTOR
    return min(g.x_channels, g.y_channels) >= _FEWEST[g.rows, g.stride][direction]


def _pays_in_bfloat16(direction: Direction, g: Geometry) -> bool:
    """Likewise, where the tiles of AMX multiply.

    They take so little time that what is copied for them decides: most for the weights' gradient, for kernels of one pixel and for
    few channels, which leave tiles half empty, and the more the larger the smaller image, y, is. Measured on two threads: images of
    4×4 to 64×64, 3 to 512 channels, batches of 16 and 64.
    """
    largest = max((size + 2 * g.padding - g.rows) // g.stride + 1 for size in (g.height, g.width))
    small, few = g.x_channels <= _SMALL_CHANNELS, min(g.x_channels, g.y_channels) < _FEW
    if direction == "weight":
        return largest <= (16 if small or not few else 8)
    if small:
        return largest <= (16 if direction == "forward" and g.stride > 1 else 4)
    return largest <= (8 if g.stride > 1 else 4) if few or g.rows == 1 else True


def _patch(g: Geometry) -> int:
    """Numbers in a row of x from one patch to the next that shares none with it."""
    return -(-g.rows // g.stride) * g.stride * g.x_channels


def one_product(g: Geometry) -> bool:
    """Whether the kernel covers the whole image, once: D's last layer, or G's first, are each a product of two matrices."""
    return g.padding == 0 and g.rows == g.height and g.columns == g.width


def pixel_by_pixel(x: Tensor, weight: Tensor, g: Geometry) -> bool:
    """Whether a 1×1 convolution is computed as one product of the matrix of pixels, which lie as its rows.

    Measured on one thread with AVX-512: for 512 to 2,048 pixels in a batch, all directions together take 0.70 to 0.85 of the time
    of torch's convolution, which copies what it is given to an order of its own; for 8,192 they take as long, and the result
    alone a tenth longer. A small one is not worth the way through Python.
    """
    pixels = g.batch * g.height * g.width
    return (
        g.rows == g.columns == g.stride == 1
        and g.padding == 0
        and x.dtype == weight.dtype == torch.float32
        and pixels <= _MOST_PIXELS
        and pixels * weight.numel() >= SMALLEST
        and lies_channels_last(x)
        and not torch.is_autocast_enabled(x.device.type)
    )


def enters(image: Tensor, weight: Tensor, g: Geometry, direction: Direction) -> bool:
    """Whether a call goes our way: in channels_last memory, with a direction that pays among those to come.

    Under autocast the image has been cast already (`as_autocast`), and the weights stay in float32: who multiplies, rounds them.
    """
    dtype, autocast = image.dtype, torch.is_autocast_enabled(image.device.type)
    if dtype not in (torch.float32, torch.bfloat16) or (autocast and dtype == torch.float32):
        return False
    if autocast and torch.get_autocast_dtype(image.device.type) != torch.bfloat16:
        return False
    if weight.dtype not in ((torch.bfloat16, torch.float32) if autocast else (dtype,)):
        return False
    if not image.is_contiguous(memory_format=torch.channels_last):
        return False
    if not (lies_channels_last(image) or lies_channels_last(weight)):
        return False
    if torch.is_grad_enabled() and (image.requires_grad or weight.requires_grad):
        return any(pays(d, g, dtype) for d in DIRECTIONS)
    return pays(direction, g, dtype)


def as_autocast(image: Tensor) -> Tensor:
    """The image in bfloat16 where autocast is to have it so, and our kernels compute in it; else as it is."""
    if image.dtype != torch.float32 or not torch.is_autocast_enabled("cpu") or not library.has_amx():
        return image
    wanted = image.device.type == "cpu" and torch.get_autocast_dtype("cpu") == torch.bfloat16
    return image.to(torch.bfloat16) if wanted else image
