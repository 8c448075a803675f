"""What stands behind transparent pictures where they are shown: squares in two greys, as drawing programs have them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]

SQUARE = 7
"""Pixels a side; a small image that is enlarged to 56 has eight of them."""

LIGHT, DARKER = 236, 204
"""Levels: apart enough to be seen, and together lighter than most drawings."""


def over_checkerboard(pixels: Pixels) -> Pixels:
    """One image (H, W, 4) as it looks over the squares, (H, W, 3); one of fewer channels as it is."""
    if pixels.shape[-1] != 4:
        return pixels
    height, width = pixels.shape[:2]
    odd = (np.arange(height)[:, None] // SQUARE + np.arange(width) // SQUARE) % 2
    behind = np.where(odd, DARKER, LIGHT).astype(np.uint32)[..., None]
    colour, alpha = pixels[..., :3].astype(np.uint32), pixels[..., 3:].astype(np.uint32)
    mixed: npt.NDArray[np.uint32] = (colour * alpha + behind * (255 - alpha) + 127) // 255
    return mixed.astype(np.uint8)
