"""What a network has to know about the images it is trained on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class DataSpec:
    """The shape of one prepared image and the number of classes.

    `channels` is 1 (grey) or 3 (red, green, blue), `height` and `width` are pixels, `classes` is 0 for unlabelled data.
    """

    channels: int
    height: int
    width: int
    classes: int = 0

    @property
    def numel(self) -> int:
        """Values per image: C·H·W."""
        return self.channels * self.height * self.width

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W), the shape of one image in a batch."""
        return (self.channels, self.height, self.width)
