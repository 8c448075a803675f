"""What prepared images look like in numbers: all dark, or of one colour, as a person should know before training."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

_FEW = 96
"""Levels, of 256, that photographs and drawings always exceed taken together."""

_MANY = 0.05
"""The share of copies that is told of: a few are in most collections."""

_COMPARED = 500_000
"""Images that are compared with each other, of 40 bytes or so of memory each."""


@dataclass
class Shown:
    """Facts about all images of a store."""

    darkest: int = 255
    """Their lowest value, 0 to 255."""
    brightest: int = 0
    """Their highest."""
    plain: int = 0
    """Images of one colour."""
    white: int = 0
    """Those of them that are white."""
    copies: int = 0
    """Images that are, pixel for pixel, another one that comes before."""

    def __post_init__(self) -> None:
        """Nothing was seen yet."""
        self._seen: set[int] = set()

    def look(self, pixels: npt.NDArray[np.uint8]) -> None:
        """Take more images into account, uint8 (n, H, W, C)."""
        self.darkest = min(self.darkest, int(pixels.min()))
        self.brightest = max(self.brightest, int(pixels.max()))
        plain = pixels[(pixels == pixels[:, :1, :1]).all(axis=(1, 2, 3))]
        self.plain += len(plain)
        self.white += int((plain[:, 0, 0] == 255).all(axis=1).sum())
        before = len(self._seen)
        if before < _COMPARED:
            self._seen.update(hash(image.tobytes()) for image in pixels)
            self.copies += len(pixels) - (len(self._seen) - before)

    def notes(self, images: int, transparent: int = 0) -> list[str]:
        """What a person should know of so many images, `transparent` of which have transparent pixels."""
        notes = []
        if 0 < self.brightest - self.darkest < _FEW and self.plain < images:
            notes.append(
                f"all values lie between {self.darkest} and {self.brightest} of 255: --levels auto spreads them (12 bits in 16 "
                "look so)"
            )
        if self.plain:
            kind = f", {self.white:,} of them white" if self.white else ""
            mend = (
                "; drawn in white on transparency? --background black shows them" if self.white and transparent else ""
            )
            are = "is" if self.plain == 1 else "are"
            notes.append(f"{self.plain:,} of {images:,} images {are} of one colour{kind}{mend}")
        return notes

    def copies_note(self, images: int) -> str:
        """What whoever learns from so many images should know of copies among them; empty where there are few."""
        if self.copies < max(1, _MANY * images):
            return ""
        different = images - self.copies
        are = f"only {different:,} {'is' if different == 1 else 'are'} different"
        note = f"{self.copies:,} of {images:,} images are copies of others, {are}: what comes often is drawn often"
        return f"{note}, and there is nothing else to learn" if different < 2 else note
