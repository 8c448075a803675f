"""What a network has to know about the images it is trained on."""

from __future__ import annotations

from dataclasses import dataclass

CHANNELS = (1, 3, 4)
"""What images can have: grey; red, green, blue; these and alpha."""


@dataclass(frozen=True)
class DataSpec:
    """The shape of one prepared image and the number of classes.

    `channels` is 1 (grey), 3 (red, green, blue) or 4 (these and alpha, of which the least is transparent; networks see and draw
    colours multiplied with it: `zoo.data.transparency`), `height` and `width` are pixels, `classes` is 0 for unlabelled data.
    `points` marks data that is no pictures but points on a line or in the plane: one channel, one row, a column for each
    coordinate.
    """

    channels: int
    height: int
    width: int
    classes: int = 0
    points: bool = False

    @property
    def numel(self) -> int:
        """Values per image: C·H·W."""
        return self.channels * self.height * self.width

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W), the shape of one image in a batch."""
        return (self.channels, self.height, self.width)

    @property
    def colours(self) -> str:
        """What its channels are, for a person: "grey", "colour", "transparent"."""
        return {1: "grey", 3: "colour", 4: "transparent"}[self.channels]

    @property
    def kind(self) -> str:
        """What the data is, for a person: "images of 28×28", "points in the plane"."""
        if self.points:
            return "points on a line" if self.width == 1 else "points in the plane"
        return f"images of {self.width}×{self.height}"
