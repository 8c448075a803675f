"""Dense and convolutional products, bias with activation, and their gradients. Weights have torch's layout."""

from __future__ import annotations

import numpy as np

from oracle.activations import activate, derivative
from oracle.draws import Array


def dense(x: Array, weight: Array) -> Array:
    """x (N, I), weight (O, I) to (N, O)."""
    return x @ weight.T


def dense_backward(dy: Array, x: Array, weight: Array) -> tuple[Array, Array]:
    """The gradients of x and weight."""
    return dy @ weight, dy.T @ x


def convolution(x: Array, weight: Array, stride: int, padding: int) -> Array:
    """x (N, I, H, W), weight (O, I, K, K) to (N, O, H', W'): every output is a weighted sum of the K×K inputs under it."""
    return np.einsum("niabyx,oiab->noyx", _patches(x, weight.shape[-1], stride, padding), weight)


def convolution_backward(dy: Array, x: Array, weight: Array, stride: int, padding: int) -> tuple[Array, Array]:
    """The gradients of x and weight."""
    dweight = np.einsum("noyx,niabyx->oiab", dy, _patches(x, weight.shape[-1], stride, padding))
    return _overlaid(np.einsum("noyx,oiab->niabyx", dy, weight), x.shape[-1], stride, padding), dweight


def transposed_convolution(x: Array, weight: Array, stride: int, padding: int) -> Array:
    """x (N, I, H, W), weight (I, O, K, K) to (N, O, H', W'): every input adds a weighted K×K patch to the output."""
    size = (x.shape[-1] - 1) * stride - 2 * padding + weight.shape[-1]
    return _overlaid(np.einsum("niyx,ioab->noabyx", x, weight), size, stride, padding)


def transposed_convolution_backward(
    dy: Array, x: Array, weight: Array, stride: int, padding: int
) -> tuple[Array, Array]:
    """The gradients of x and weight."""
    patches = _patches(dy, weight.shape[-1], stride, padding)
    return np.einsum("noabyx,ioab->niyx", patches, weight), np.einsum("niyx,noabyx->ioab", x, patches)


def bias_act(x: Array, bias: Array | None, activation: str = "identity", slope: float = 0.0) -> Array:
    """activation(x + bias), the bias along dimension 1."""
    return activate(_biased(x, bias), activation, slope)


def bias_act_backward(
    dy: Array, x: Array, bias: Array | None, activation: str = "identity", slope: float = 0.0
) -> tuple[Array, Array]:
    """The gradients of x and bias."""
    dx = dy * derivative(_biased(x, bias), activation, slope)
    return dx, dx.sum(tuple(axis for axis in range(x.ndim) if axis != 1))


def _biased(x: Array, bias: Array | None) -> Array:
    return x if bias is None else x + bias.reshape(1, -1, *[1] * (x.ndim - 2))


def _windows(kernel: int, stride: int, count: int) -> list[tuple[int, int, slice, slice]]:
    """For every place in the kernel, the rows and columns of the padded image that lie under it, one per position."""
    spans = [slice(start, start + stride * (count - 1) + 1, stride) for start in range(kernel)]
    return [(a, b, rows, columns) for a, rows in enumerate(spans) for b, columns in enumerate(spans)]


def _patches(x: Array, kernel: int, stride: int, padding: int) -> Array:
    """(N, C, H, W) to (N, C, K, K, H', W'): what lies under the kernel at each position."""
    padded = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    count = (padded.shape[-1] - kernel) // stride + 1
    patches = np.empty((*x.shape[:2], kernel, kernel, count, count), x.dtype)
    for a, b, rows, columns in _windows(kernel, stride, count):
        patches[:, :, a, b] = padded[:, :, rows, columns]
    return patches


def _overlaid(patches: Array, size: int, stride: int, padding: int) -> Array:
    """The adjoint of `_patches`: the patches added up where they lie, cropped to (N, C, size, size)."""
    kernel, count = patches.shape[3], patches.shape[-1]
    wide = max(size + 2 * padding, kernel + stride * (count - 1))
    padded = np.zeros((*patches.shape[:2], wide, wide), patches.dtype)
    for a, b, rows, columns in _windows(kernel, stride, count):
        padded[:, :, rows, columns] += patches[:, :, a, b]
    return padded[:, :, padding : padding + size, padding : padding + size]
