"""What the commands that draw have in common."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from zoo.errors import OptionError
from zoo.generate.pictures.output import ARRAYS, is_folder

if TYPE_CHECKING:
    from zoo.data.spec import DataSpec


def split_classes(text: str | None, flag: str) -> list[str] | None:
    """The classes in ``3,3,4`` or ``cat,dog``. Raises OptionError for an empty place."""
    if text is None:
        return None
    names = [part.strip() for part in text.split(",")]
    if not all(names):
        raise OptionError(f"{flag} {text!r} has an empty place; write classes with commas between: 3,3,4")
    return names


def check_drawable(spec: DataSpec, out: Path) -> None:
    """Raise OptionError where a run on points is to make pictures."""
    if spec.points and (is_folder(out) or out.suffix.lower() not in ARRAYS):
        raise OptionError(f"--out {out}: this run draws {spec.kind}, not pictures; give NAME.npy")
