"""What a generator drew: images, and what they were drawn from."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace

from PIL import Image
from torch import Tensor

from zoo.errors import OptionError
from zoo.generate.pictures.grid import columns_for, grid, to_pictures, to_pixels, to_png

NO_PICTURES = "this run draws points, which make no picture; take the numbers (images, image), float32 (…, 1, 1, d)"

NAME = 12
"""Letters of a class's name that a caption shows."""

SHOWN = 256
"""Images of which a notebook shows a grid."""


@dataclass(frozen=True, repr=False)
class Samples:
    """n drawn images, in order."""

    images: Tensor
    """float32 (n, C, H, W) in [-1, 1]."""
    latents: Tensor
    """What they were drawn from: float32 (n, size)."""
    labels: Tensor | None = None
    """Their classes, int64 (n,); None where the architecture draws without labels."""
    seeds: Sequence[int] | None = None
    """Their seed numbers; None where one seed drew all of them."""
    class_names: Sequence[str] = ()
    """The names of all classes."""
    row: int | None = None
    """Images in a row of the grid, where the drawing says it: the images of one class in each row."""
    best_of: int = 1
    """How many were drawn for each that was kept."""
    turns: bool = False
    """Whether every class comes in turn."""

    points: bool = False
    """Whether the images are points, which make no picture."""

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, places: slice) -> Samples:
        """Some of them, in order."""
        return replace(
            self,
            images=self.images[places],
            latents=self.latents[places],
            labels=None if self.labels is None else self.labels[places],
            seeds=None if self.seeds is None else self.seeds[places],
        )

    def pictures(self) -> list[Image.Image]:
        """Each as a Pillow image of its own size. Raises OptionError for points."""
        self._need_pictures()
        return to_pictures(self.images)

    def captions(self) -> list[str]:
        """What tells each from the others: its seed number (or else its place, from 0), and its class."""
        numbers = [str(number) for number in (self.seeds if self.seeds is not None else range(len(self)))]
        if self.labels is None:
            return numbers
        return [
            f"{number} ({_short(self.class_names[label], label)})"
            for number, label in zip(numbers, self.labels.tolist(), strict=True)
        ]

    def grid(self, numbered: bool = False, columns: int | None = None) -> Image.Image:
        """All in one Pillow image, row by row; `numbered` with a caption under each.

        `columns`: by default one for each class where the classes come in turn, a row for each class where they come one
        after the other, up to three in a row, else ⌊√n⌋. Raises OptionError for points.
        """
        self._need_pictures()
        width = self.row or columns_for(len(self), len(self.class_names) if self.turns else 0)
        width = width if columns is None else columns
        return grid(to_pixels(self.images), width, captions=self.captions() if numbered else ())

    def _repr_png_(self) -> bytes | None:
        """What a notebook shows of them: the grid of the first `SHOWN`, made smaller where it is large; None for points."""
        if self.points or not len(self):
            return None
        width = self.row or columns_for(len(self), len(self.class_names) if self.turns else 0)
        return to_png(grid(to_pixels(self.images[:SHOWN]), width))

    def __repr__(self) -> str:
        kind = "points" if self.points else "images"
        classes = f", of {len(self.class_names)} classes" if self.labels is not None else ""
        return f"Samples({len(self)} {kind} of {tuple(self.images.shape[1:])}{classes})"

    def _need_pictures(self) -> None:
        if self.points:
            raise OptionError(NO_PICTURES)


def _short(name: str, label: int) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    if not name.isascii() and (not plain.isprintable() or len(plain) < len(name)):
        return f"#{label}"  # Pillow's font has few letters beside these; # tells its index from a name
    name = plain
    return name if len(name) <= NAME else name[: NAME - 1] + "…"
