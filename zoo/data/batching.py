"""How data is cut into batches, epoch after epoch, from wherever that began: arithmetic alone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction


@dataclass(frozen=True)
class Position:
    """A place in the data: the beginning of a run, or where it went on with batches of another size."""

    step: int = 0
    """Steps done before."""
    drawn: int = 0
    """Batches drawn before."""
    images: int = 0
    """Images in them."""
    epoch: int = 0
    """The epoch, from 0."""
    seen: int = 0
    """Images of that epoch that were drawn before."""


@dataclass(frozen=True)
class Batching:
    """Batches of `size` out of `images`. Batch number i depends on nothing but i and where this size `begins`.

    An epoch of which something was drawn in batches of another size goes on behind that, in whole batches; what is left of it in
    the end is left out. Every later epoch is cut from its first image on.
    """

    images: int
    size: int
    remainder: int = 0
    """Images in the last batch of an epoch, where that is smaller than the others; else 0."""
    begins: Position = Position()

    @classmethod
    def of(cls, images: int, size: int, drop_remainder: bool = True) -> Batching:
        """From the beginning, with a smaller last batch where it is not to be dropped."""
        return cls(images, size, 0 if drop_remainder else images % size)

    @property
    def per_epoch(self) -> int:
        """Batches in a whole epoch."""
        return self.images // self.size + (self.remainder > 0)

    @property
    def _left(self) -> int:
        """Batches in what is left of the epoch in which this size begins."""
        seen = self.begins.seen
        return (self.images - seen) // self.size if seen else self.per_epoch

    def place(self, number: int) -> tuple[int, int]:
        """The epoch of batch `number`, and which of its images the batch begins with."""
        number -= self.begins.drawn
        if number < self._left:
            return self.begins.epoch, self.begins.seen + number * self.size
        epoch, place = divmod(number - self._left, self.per_epoch)
        return self.begins.epoch + 1 + epoch, place * self.size

    def images_before(self, number: int) -> int:
        """How many images the batches before batch `number` hold."""
        number -= self.begins.drawn
        missing = self.size - self.remainder if self.remainder else 0
        first = 0 if self.begins.seen else self._left  # the epoch that goes on has no smaller batch
        whole = (number - self._left + first) // self.per_epoch if number >= self._left else 0
        return self.begins.images + number * self.size - whole * missing

    def epochs_after(self, batches: Fraction) -> Fraction:
        """Epochs that are done so many batches behind the beginning of this size; those before it are counted in."""
        return self.begins.epoch + 1 + (batches - self._left) / self.per_epoch

    def batches_until(self, epochs: Fraction) -> Fraction:
        """The other way round: how many batches behind the beginning of this size so many epochs are done."""
        return (epochs - self.begins.epoch - 1) * self.per_epoch + self._left

    def position(self, number: int, step: int) -> Position:
        """Where batch `number` begins, which is the first of step `step`."""
        epoch, seen = self.place(number)
        return Position(step, number, self.images_before(number), epoch, seen)

    def beginning(self, position: Position) -> Batching:
        """The same size from that position on."""
        return replace(self, begins=position)
