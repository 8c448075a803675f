"""What the commands that draw have in common."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.errors import OptionError
from zoo.generate.pictures.output import ARRAYS, is_folder

if TYPE_CHECKING:
    from zoo.data.spec import DataSpec


def check_classes(text: str | None, flag: str) -> None:
    """Raise OptionError for an empty place in ``3,3,4`` or ``cat,dog``."""
    if text is not None and not all(part.strip() for part in text.split(",")):
        raise OptionError(f"{flag} {text!r} has an empty place; write classes with commas between: 3,3,4")


def split_classes(text: str | None, names: Sequence[str]) -> list[str] | None:
    """The classes in ``3,3,4`` or ``cat,dog``, of which a name may have commas of its own."""
    if text is None:
        return None
    most = 1 + max((name.count(",") for name in names), default=0)
    parts, found = text.split(","), []
    while parts:
        count = next((count for count in range(most, 1, -1) if ",".join(parts[:count]).strip() in names), 1)
        found.append(",".join(parts[:count]).strip())
        parts = parts[count:]
    return found


def check_drawable(spec: DataSpec, out: Path) -> None:
    """Raise OptionError where a run on points is to make pictures."""
    if spec.points and (is_folder(out) or out.suffix.lower() not in ARRAYS):
        raise OptionError(f"--out {out}: this run draws {spec.kind}, not pictures; give NAME.npy")
