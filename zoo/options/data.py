"""What a run learns from, and how batches are drawn."""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from zoo.options.base import Count, Group
from zoo.options.size import Sides


def check_levels(given: str | None) -> None:
    """Raise ValueError for levels that are none."""
    if given in (None, "auto"):
        return
    try:
        low, high = map(float, str(given).split(","))
    except ValueError:
        raise ValueError("give auto, or the values of black and white: 0,4095") from None
    if not -math.inf < low < high < math.inf:
        raise ValueError("black is to be lower than white, and both are numbers: 0,4095")


class DataOptions(Group):
    """What a run learns from, and how batches are drawn."""

    data: str = "digits"
    """What to learn from: 'digits' (built in), a folder of pictures, an archive of them, arrays, IDX files, a CIFAR folder; or by
    name: mnist, fashion_mnist, kmnist, cifar10, cifar100, celeba, hf:USER/NAME (fetched when first used)."""
    size: Sides | None = None
    """Pixels of the images: 64 for squares, 64x48 (WIDTHxHEIGHT) for rectangles where the networks take them; by default the
    data's own size where it fits, or the nearest square that does."""
    channels: Literal[1, 3, 4] | None = None
    """Make the images grey (1), colour (3, transparency over --background) or colour with transparency (4); by default grey or
    colour, as the data is."""
    fit: Literal["crop", "stretch"] = "crop"
    """How an image of another shape fits: crop keeps its aspect and takes the middle, stretch squeezes the whole of it in."""
    split: str | None = None
    """Which part of data that comes in splits: train (the default where there are any), val, test, or all."""
    levels: str | None = None
    """Values that become black and white: LO,HI in the numbers of the files (0,4095 for 12 bits in 16), or auto: the lowest and
    the highest that there are. By default those of the kind of number: 0,255 for bytes, 0,65535 for 16 bits."""
    background: str = "white"
    """The colour below what is transparent: a name, or #rrggbb."""
    flip: bool = False
    """Mirror each image left to right with probability one half."""
    order: Literal["shuffle", "buffer", "sequential", "slice"] = "shuffle"
    """How batches are drawn: each image once per epoch in random order, shuffled in a buffer that moves through the data, in
    the data's order, or as a slice from a random place."""
    shuffle_buffer: Count = 1000
    """order buffer: how many images wait in the buffer, from which each next one is drawn at random (tf.data's shuffle)."""
    balance: bool = False
    """Draw classes equally often, whatever their sizes: each batch has as many of one as of another, give or take one. For labelled
    data in order shuffle."""
    drop_remainder: bool = True
    """Leave out the images at the end of an epoch that do not fill a batch; without it they are a smaller batch."""
    hold_out: Annotated[int, Field(ge=0)] = 0
    """Images, chosen at random, that nothing is learnt from: what the discriminator says of them tells whether it has learnt the
    others by heart (r_v in metrics.jsonl); some hundreds will do."""
    strict: bool = False
    """Stop where anything that lies among the data is not used: an image that cannot be read, a kind that is not, a dead link."""

    @field_validator("levels")
    @classmethod
    def _two_numbers(cls, given: str | None) -> str | None:
        check_levels(given)
        return given

    @field_validator("background")
    @classmethod
    def _a_colour(cls, given: str) -> str:
        if given != "white":
            from PIL import ImageColor  # which nobody needs who says nothing

            try:
                ImageColor.getrgb(given)
            except ValueError:
                raise ValueError("give the name of a colour, as black, or #rrggbb") from None
        return given

    @model_validator(mode="after")
    def _whole_slices(self) -> DataOptions:
        if self.order == "slice" and not self.drop_remainder:
            raise ValueError("a slice is always a whole batch; give --drop-remainder, or another --order")
        return self

    @model_validator(mode="after")
    def _shuffled_where_balanced(self) -> DataOptions:
        if self.balance and self.order != "shuffle":
            raise ValueError(
                f"balance draws at random, and the order is {self.order}; give --order shuffle, or --no-balance"
            )
        return self
