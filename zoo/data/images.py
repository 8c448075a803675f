"""What data sources deliver: decoded images, and those that cannot be used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:  # NumPy is imported only by the kinds of data that are opened
    import numpy as np
    import numpy.typing as npt

Fit = Literal["crop", "stretch"]
"""How an image of another aspect fills the target: its middle does, or all of it, squeezed."""


class Images(NamedTuple):
    """Some decoded images of one size."""

    pixels: npt.NDArray[Any]
    """uint8 (n, H, W, C), C in 1, 3, 4; 0 is black, and transparent in the last of four (straight colours). Of a source of points:
    float32 (n, 1, d, 1) in [-1, 1]."""
    labels: npt.NDArray[np.int64] | None = None
    """(n,), each in 0..classes-1; None when the source is unlabelled."""


class Unreadable(NamedTuple):
    """One image that cannot be used; it is counted and skipped, or stops everything with --strict."""

    name: str
    """What a person finds it by: its file, or its number."""
    reason: str
    """Why, in a few words."""
