"""The embedded data set: what `zoo train` uses when nothing else is said."""

from __future__ import annotations

from pathlib import Path

import zoo.assets
from zoo.data.formats.idx import IdxSource
from zoo.errors import DataError

SHAPE = (1, 28, 28)
"""Of one of them: channels, height, width."""


class DigitsSource(IdxSource):
    """5,000 handwritten digits from MNIST, 28×28, read by the same code as any other IDX file."""

    name = "digits"
    summary = "5,000 handwritten digits from MNIST (28×28, grey, ten classes); comes with zoo, the default."

    @classmethod
    def accepts(cls, location: str) -> bool:
        """Only the bare name; there is nothing to point at."""
        return location == ""

    def __init__(self, location: str = "") -> None:
        if location:
            raise DataError(f"--data digits:{location}: the embedded digits have no parts; write --data digits")
        super().__init__(str(Path(zoo.assets.__file__).parent / "mnist5k-images-idx3-ubyte.gz"))
        self.title = "embedded MNIST digits"
