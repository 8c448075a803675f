"""What is known about the pictures of a container, remembered between runs as git remembers its work tree.

A file whose size and modification time are those of last time is not read again. So a folder of 100,000 pictures is
read once, and an edited, added or removed file is noticed.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import PIL

from zoo.data.cache import digest, hash_bytes, hash_bytes_of, is_stable, recall, remember
from zoo.data.formats.picture import PictureError, pillow_manners, read_header
from zoo.data.parallel import in_order
from zoo.data.pictures.container import Container, Member
from zoo.system.names import as_utf8
from zoo.system.reading import read_plain

_SMALL = 1 << 20  # bytes
_LARGEST = 1 << 30
_PER_ITEM = 64  # files; to hand over one alone takes longer than to look at it
_VERSION = f"2, Pillow {PIL.__version__}"  # another Pillow can read other files


@dataclass(frozen=True)
class Entry:
    """One picture. `name` is its path in the container, with forward slashes; `problem` why it is unreadable."""

    name: str
    size: int
    stamp: int
    place: int = 0
    width: int = 0
    height: int = 0
    grey: bool = False
    alpha: bool = False
    frames: bool = False
    """Whether it has more than one, as an animation has."""
    grid: bool = False
    """Whether zoo drew it, as a grid of many."""
    drawn: bool = False
    """Whether zoo drew it, as one picture."""
    problem: str | None = None
    content: str | None = None

    @property
    def member(self) -> Member:
        """How the container knows it."""
        return Member(self.name, self.size, self.stamp, self.place)

    @property
    def denied(self) -> bool:
        """Whether this user may not read it."""
        return self.problem == os.strerror(errno.EACCES)


_FIELDS = [field.name for field in fields(Entry)]
_TYPES: dict[str, set[type]] = {"str": {str}, "int": {int}, "bool": {bool}, "str | None": {str, type(None)}}
_HIGHEST = 1 << 31  # pixels of a side


class Index:
    """The pictures of a container, in its order, with their headers; contents of large files are hashed when asked for."""

    def __init__(self, container: Container) -> None:
        self._container = container
        self._notebook = f"pictures-{digest(container.key)}"
        known = {(entry.name, entry.size, entry.stamp): entry for entry in self._recall()}
        self.entries = [
            replace(found, place=member.place)
            if (found := known.get(member[:3])) is not None and found.place != member.place
            else found or Entry(*member)
            for member in container.members
        ]
        if self._update(self._with_header, lambda entry: entry.width == 0 and entry.problem is None):
            self._remember()

    def contents(self) -> list[str | None]:
        """The hash of each picture's content; None where it cannot be read."""
        if self._update(self._with_content, lambda entry: entry.content is None):
            self._remember()
        return [entry.content for entry in self.entries]

    def _update(self, look: Callable[[Entry, Path | bytes | OSError], Entry], needed: Callable[[Entry], bool]) -> bool:
        """Replace the entries that need a look, looking at several files at once; whether there were any."""
        places = [place for place, entry in enumerate(self.entries) if needed(entry)]
        entries = {entry.member: entry for entry in map(self.entries.__getitem__, places)}

        def loaded() -> Iterator[list[tuple[Entry, Path | bytes | OSError]]]:
            for part in self._container.parts(list(entries), _PER_ITEM):
                yield list(zip(map(entries.__getitem__, part), self._container.load(part), strict=True))

        def look_at(part: list[tuple[Entry, Path | bytes | OSError]]) -> list[Entry]:
            return [look(entry, file) for entry, file in part]

        with pillow_manners():
            looked = (entry for part in in_order(look_at, loaded()) for entry in part)
            for place, entry in zip(places, looked, strict=True):
                self.entries[place] = entry
        return bool(places)

    def _with_header(self, entry: Entry, file: Path | bytes | OSError) -> Entry:
        content = entry.content
        try:
            if isinstance(file, OSError):
                raise file
            if (
                isinstance(file, Path) and entry.size <= _SMALL
            ):  # reading all of it is cheaper than coming back to hash it
                file = read_plain(file, _LARGEST)
            if isinstance(file, bytes):
                content = hash_bytes(file)
            header = read_header(file)
        except (PictureError, OSError) as error:
            return replace(entry, problem=_reason(error), content=content)
        return replace(entry, content=content, **header._asdict())

    def _with_content(self, entry: Entry, file: Path | bytes | OSError) -> Entry:
        try:
            if isinstance(file, OSError):
                raise file
            return replace(entry, content=hash_bytes(file) if isinstance(file, bytes) else hash_bytes_of(file))
        except OSError as error:
            return replace(entry, problem=entry.problem or _reason(error))

    def _recall(self) -> list[Entry]:
        note = recall(self._notebook)
        try:
            known = note["version"] == _VERSION and note["fields"] == _FIELDS and _are_entries(note["entries"])
            return [Entry(*values) for values in note["entries"]] if known else []
        except (TypeError, KeyError, ValueError):
            return []

    def _remember(self) -> None:
        """Keep what is certain: a file that was just edited, or that could not be opened at all, is looked at again."""
        certain = [
            [getattr(entry, field) for field in _FIELDS]
            for entry in self.entries
            if is_stable(entry.stamp) and (entry.problem is None or entry.content is not None)
        ]
        remember(self._notebook, {"version": _VERSION, "fields": _FIELDS, "entries": certain})


def _are_entries(rows: list[Any]) -> bool:
    """Whether each column has what its field holds: all of it at a time, as there may be a million."""
    columns = dict(zip(_FIELDS, zip(*rows, strict=True), strict=True)) if rows else {}
    types = {field.name: _TYPES[str(field.type)] for field in fields(Entry)}
    sides = [side for name in ("width", "height") for side in ({*columns[name]} if columns else ())]
    fit = all(set(map(type, column)) <= types[name] for name, column in columns.items())
    return fit and all(0 <= side < _HIGHEST for side in sides)


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, PictureError) else getattr(error, "strerror", None) or str(error)


def fingerprint_of(entries: list[Entry]) -> str:
    """A hash of all names and contents, which are to be known (`Index.contents`)."""
    return digest(*(part for entry in entries for part in (as_utf8(entry.name), entry.content, entry.problem)))
