"""Images with an alpha channel: on white paper, and the colours under what is transparent."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]

_VISIBLE = 32
"""Alpha from which a pixel's own colour counts in full. Below, files and filters hold few of its bits, or none."""


def over_white(pixels: Pixels) -> Pixels:
    """Colours and alpha (…, 4) as they look on white paper (…, 3)."""
    colour, alpha = pixels[..., :3].astype(np.uint32), pixels[..., 3:].astype(np.uint32)
    mixed: npt.NDArray[np.uint32] = (colour * alpha + 255 * (255 - alpha) + 127) // 255
    return mixed.astype(np.uint8)


def spread_colours(pixels: Pixels) -> Pixels:
    """Images (n, H, W, 4) whose transparent pixels have the colours of the visible ones nearby; alpha as it was.

    Files hold anything there: black, white, the drawing's guide lines. A discriminator sees it like the rest, so a generator
    would have to learn it; and as it draws soft edges at first, that colour would show as a fringe around everything. With the
    colours of the edge going on behind it there is nothing to learn and nothing to show. Black where nothing is visible.

    Pull and push (Gortler et al. 1996, "The lumigraph", section 3.4): means over ever larger squares fill the holes.
    """
    alpha = pixels[..., 3:]
    if (alpha >= _VISIBLE).all():
        return pixels
    weight = np.minimum(alpha.astype(np.float32) / np.float32(_VISIBLE), np.float32(1))
    colours = _filled(pixels[..., :3] * weight, weight)
    return np.concatenate([(colours + np.float32(0.5)).astype(np.uint8), alpha], axis=3)


def _filled(colours: Floats, weight: Floats) -> Floats:
    """Colours (n, H, W, 3), multiplied with their weight (n, H, W, 1) in 0 to 1, with what is missing from larger squares."""
    count, height, width, _ = colours.shape
    if height == width == 1:
        mean: Floats = colours / np.maximum(weight, np.float32(1e-6))
        return mean
    both = np.pad(np.concatenate([colours, weight], axis=3), ((0, 0), (0, height % 2), (0, width % 2), (0, 0)))
    fours: Floats = both.reshape(count, (height + 1) // 2, 2, (width + 1) // 2, 2, 4).sum((2, 4))
    fours /= np.maximum(fours[..., 3:], np.float32(1))
    larger = _filled(fours[..., :3], fours[..., 3:])
    rest: Floats = (1 - weight) * larger.repeat(2, axis=1).repeat(2, axis=2)[:, :height, :width]
    return colours + rest
