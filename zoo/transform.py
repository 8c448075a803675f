"""Random changes of a batch of images, put together so that as few passes as can be make them: one, as a rule.

What `zoo.Augmentation.contribute` is given. Colour, a warp and a box of zeros, in this order, are one call of `zoo.ops.augment`.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from zoo import ops


class Transform:
    """A batch of images and what is still to be done to them, each in its own way.

    What is asked for is done in the order in which it is asked for. Colours behind colours are one matrix, warps with reflection
    behind warps with reflection one map (Karras et al. 2020), and what cannot be told in one pass begins another.
    """

    def __init__(self, images: Tensor | Sequence[Tensor], probability: Tensor | None = None) -> None:
        """`images` (N, C, H, W) in [-1, 1]; `probability`: 0-d, of each change for each image, 1 by default.

        Several such batches, of images of one shape, are one of all their images; each is kept as it lies in memory.
        """
        self._batches = [images] if isinstance(images, Tensor) else list(images)
        self._counts = [len(batch) for batch in self._batches]
        self.count = sum(self._counts)
        _, self.channels, self.height, self.width = self._batches[0].shape
        self.device = self._batches[0].device
        self.probability = torch.ones((), device=self.device) if probability is None else probability
        """0-d float32, on the device: that with which each change is to be made, in each image by itself."""
        self._affine: Tensor | None = None  # about the middle of the image
        self._padding = "zeros"
        self._color: tuple[Tensor, Tensor | None, Tensor] | None = None
        self._box: Tensor | None = None

    def uniform(self, many: int = 1) -> Tensor:
        """(many, N) numbers of [0, 1), from the device's default generator."""
        return torch.rand(many, self.count, device=self.device)

    def normal(self, many: int = 1) -> Tensor:
        """(many, N) numbers of N(0, 1), from the device's default generator."""
        return torch.randn(many, self.count, device=self.device)

    def integers(self, low: int, high: int) -> Tensor:
        """(N,) whole numbers from `low` to `high`, both among them, as int64."""
        return torch.randint(low, high + 1, (self.count,), device=self.device)

    def chosen(self, many: int | None = None, *, root: bool = False) -> Tensor:
        """(N,) booleans, or (many, N): each True with the probability.

        `root`: with that of which two in a row make it, 1 - sqrt(1 - p).
        """
        shape = (self.count,) if many is None else (many, self.count)
        probability = 1 - (1 - self.probability).clamp(min=0).sqrt() if root else self.probability
        return torch.rand(shape, device=self.device) < probability

    def recolor(self, matrix: Tensor, bias: Tensor, of_means: Tensor | None = None) -> None:
        """Each pixel's channels x become matrix x + of_means m + bias, m being the means of the image's channels.

        `matrix` and `of_means` (N, C, C), `bias` (N, C), float32. Raises ValueError for other shapes.
        """
        self._check("matrix", matrix, (self.channels, self.channels))
        self._check("bias", bias, (self.channels,))
        if of_means is not None:
            self._check("of_means", of_means, (self.channels, self.channels))
        # A mirror shows no colours but the image's, and weights that make 1; means are other ones there.
        commutes = self._affine is None or (self._padding == "reflect" and of_means is None)
        if self._box is not None or not commutes:
            self._do()
        self._color = (
            (matrix, of_means, bias) if self._color is None else _both_colors(self._color, matrix, of_means, bias)
        )

    def warp(self, matrix: Tensor, padding: str = "reflect") -> None:
        """Each pixel shows what is at ``matrix @ (x, y, 1)``; positions are pixels from the image's middle, x to the right, y down.

        `matrix` (N, 2, 3), float32. `padding`: zeros or reflect, as `zoo.ops.augment` has it. Raises ValueError for others.
        """
        self._check("matrix", matrix, (2, 3))
        if padding not in ("zeros", "reflect"):
            raise ValueError(f"warp: padding is {padding!r}; zeros and reflect are known")
        if self._box is not None or (self._affine is not None and not padding == self._padding == "reflect"):
            self._do()
        self._affine, self._padding = matrix if self._affine is None else _both_warps(self._affine, matrix), padding

    def cut(self, top: Tensor, left: Tensor, bottom: Tensor, right: Tensor) -> None:
        """Pixels become 0 in rows `top` to `bottom` - 1 and columns `left` to `right` - 1, int64 (N,) each. Raises ValueError."""
        for name, each in (("top", top), ("left", left), ("bottom", bottom), ("right", right)):
            self._check(name, each, (), torch.int64)
        if self._box is not None:
            self._do()
        self._box = torch.stack([top, left, bottom, right], 1)

    def images(self) -> Tensor:
        """The images with all that was asked for done to them; those of several batches in one."""
        batches = self.batches()
        return batches[0] if len(batches) == 1 else torch.cat(batches)

    def batches(self) -> list[Tensor]:
        """The same, as the batches that were given."""
        self._do()
        return self._batches

    def _do(self) -> None:
        """Do what has been asked for until now."""
        if self._affine is None and self._color is None and self._box is None:
            return
        affine = None if self._affine is None else self._in_pixels(self._affine)
        color = None
        if self._color is not None:
            matrix, of_means, bias = self._color
            of_means = torch.zeros_like(matrix) if of_means is None else of_means
            color = torch.cat([matrix, of_means, bias[:, :, None]], 2)
        each = zip(self._of_batches(affine), self._of_batches(color), self._of_batches(self._box), strict=True)
        self._batches = [
            ops.augment(batch, *given, self._padding) for batch, given in zip(self._batches, each, strict=True)
        ]
        self._affine = self._color = self._box = None

    def _of_batches(self, parameter: Tensor | None) -> Sequence[Tensor | None]:
        """What of a parameter of all images belongs to each batch."""
        if parameter is None or len(self._counts) == 1:
            return [parameter] * len(self._counts)
        return torch.split(parameter, self._counts)

    def _in_pixels(self, matrix: Tensor) -> Tensor:
        """The same map of positions that are counted from the first pixel."""
        x, y = (self.width - 1) / 2, (self.height - 1) / 2
        a, b, more = matrix.unbind(2)
        more = more.sub(a, alpha=x).sub_(b, alpha=y)
        if x == y:
            more.add_(x)
        else:
            more[:, 0].add_(x)
            more[:, 1].add_(y)
        return torch.stack([a, b, more], 2)

    def _check(self, name: str, given: Tensor, each: tuple[int, ...], dtype: torch.dtype = torch.float32) -> None:
        wanted = (self.count, *each)
        if tuple(given.shape) != wanted or given.dtype != dtype:
            raise ValueError(
                f"{name} is {given.dtype} of shape {tuple(given.shape)}; {dtype} of shape {wanted} is needed"
            )


def _product(a: Tensor, b: Tensor) -> Tensor:
    """The matrix product (N, I, K) by (N, K, J), in float32 whatever autocast and TensorFloat-32 say."""
    return (a[:, :, :, None] * b[:, None]).sum(2)


def _both_warps(first: Tensor, second: Tensor) -> Tensor:
    """What `second`, of the result of `first`, shows of the image."""
    both = _product(first[:, :, :2], second)
    both[:, :, 2].add_(first[:, :, 2])
    return both


def _both_colors(
    first: tuple[Tensor, Tensor | None, Tensor], matrix: Tensor, of_means: Tensor | None, bias: Tensor
) -> tuple[Tensor, Tensor | None, Tensor]:
    """Colours behind colours: what they make of a pixel and of the means, of which `first` makes (matrix + of_means) m + bias."""
    matrix1, of_means1, bias1 = first
    means = None if of_means1 is None else _product(matrix, of_means1)
    both = matrix if of_means is None else matrix + of_means
    if of_means is not None:
        more = _product(of_means, matrix1 if of_means1 is None else matrix1 + of_means1)
        means = more if means is None else means + more
    return _product(matrix, matrix1), means, _product(both, bias1[:, :, None])[:, :, 0] + bias
