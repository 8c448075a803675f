"""What a run learns from, and how batches are drawn."""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator

from zoo.options.base import Count, Group
from zoo.options.size import Sides


class DataOptions(Group):
    """What a run learns from, and how batches are drawn."""

    data: str = "digits"
    """What to learn from: 'digits' (built in), IDX files, a folder of images, a CIFAR folder, a .npy or .npz file."""
    size: Sides | None = None
    """Pixels of the images: 64 for squares, 64x48 (WIDTHxHEIGHT) for rectangles where the networks take them; by default the
    data's own size where it fits, or the nearest square that does."""
    channels: Literal[1, 3, 4] | None = None
    """Make the images grey (1), colour (3, transparency over white) or colour with transparency (4); by default grey or
    colour, as the data is."""
    fit: Literal["crop", "stretch"] = "crop"
    """How an image of another shape fits: crop keeps its aspect and takes the middle, stretch squeezes the whole of it in."""
    flip: bool = False
    """Mirror each image left to right with probability one half."""
    order: Literal["shuffle", "buffer", "sequential", "slice"] = "shuffle"
    """How batches are drawn: each image once per epoch in random order, shuffled in a buffer that moves through the data, in
    the data's order, or as a slice from a random place."""
    shuffle_buffer: Count = 1000
    """order buffer: how many images wait in the buffer, from which each next one is drawn at random (tf.data's shuffle)."""
    drop_remainder: bool = True
    """Leave out the images at the end of an epoch that do not fill a batch; without it they are a smaller batch."""
    strict: bool = False
    """Stop at the first image that cannot be read, instead of skipping it."""

    @model_validator(mode="after")
    def _whole_slices(self) -> DataOptions:
        if self.order == "slice" and not self.drop_remainder:
            raise ValueError("a slice is always a whole batch; give --drop-remainder, or another --order")
        return self
