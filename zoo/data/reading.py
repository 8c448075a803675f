"""How data is read where it can be read in several ways: options of a source, the same in the command line and in Python."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

from zoo.errors import DataError

WHITE = "white"


@dataclass(frozen=True)
class Reading:
    """The options of --data; the defaults are what every source does."""

    split: str | None = None
    """Which of train, val and test, or all."""
    levels: str | None = None
    """``auto`` or ``LO,HI``: the values that become black and white."""
    background: str = WHITE
    """The colour that lies below what is transparent, as Pillow names it."""

    @classmethod
    def of(cls, options: Any) -> Reading:
        """Those of a run's options."""
        return cls(**{field.name: getattr(options, field.name) for field in fields(cls)})

    @property
    def changed(self) -> dict[str, str]:
        """What is not at its default."""
        return {name: value for name, value in asdict(self).items() if value != getattr(Reading, name)}

    def refuse_others(self, known: tuple[str, ...], title: str) -> None:
        """Raise DataError for an option that means nothing for this data."""
        for name in self.changed:
            if name not in known:
                raise DataError(f"--{name} is not for {title}; leave it out")

    @property
    def limits(self) -> tuple[float, float] | None:
        """The levels that are to become black and white; None where they are to be found (auto), or not to be changed."""
        if self.levels in (None, "auto"):
            return None
        low, _, high = str(self.levels).partition(",")
        return float(low), float(high)

    @property
    def colour(self) -> tuple[int, int, int]:
        """The background, red, green and blue, 0 to 255."""
        from PIL import ImageColor

        red, green, blue = ImageColor.getrgb(self.background)[:3]
        return red, green, blue
