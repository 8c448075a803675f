"""Where picture files lie: what a folder, an archive and a database have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from zoo.data.pictures import unused
from zoo.data.pictures.kinds import ARCHIVES, NOT_READ, SUFFIXES, is_plain, is_read, module_for, of_content, suffix_of
from zoo.data.pictures.unused import Unused

LARGEST = 256 << 20
"""Bytes of a picture file inside an archive that are read at most."""

LABEL_FILES = (
    "dataset.json",
    "labels.csv",
    "labels.tsv",
    "labels.jsonl",
    "metadata.csv",
    "metadata.jsonl",
    "labels.npy",
)
"""Files that tell what each picture is of, by name, the first that is there."""

_AT_ONCE = 64 << 20
"""Bytes of members that are loaded at once, where more than one is."""

HEAD = 32
"""Bytes by which a picture is known."""


class Member(NamedTuple):
    """A picture file."""

    name: str
    """Its path within the container, with forward slashes."""
    size: int
    """Bytes."""
    stamp: int
    """Nanoseconds since the epoch, when it, or the archive around it, was written last."""
    place: int = 0
    """Its place in the container."""


def portions(members: Sequence[Member], most: int) -> Iterator[list[Member]]:
    """Up to `most` members at a time, and fewer of large ones: what lies in an archive is in memory while it is looked at."""
    part: list[Member] = []
    held = 0
    for member in members:
        if part and (len(part) == most or held + member.size > _AT_ONCE):
            yield part
            part, held = [], 0
        part.append(member)
        held += member.size
    if part:
        yield part


class Container(ABC):
    """Picture files, and what lies among them.

    An archive is listed and read by one thread, in order; what is decoded, by many.
    """

    path: Path
    """The folder or the file."""
    members: list[Member]
    """The picture files in the order in which they are read."""
    unused: Unused
    """What else is there."""
    label_files: list[str]
    """The paths of files that are called like one of `LABEL_FILES`."""
    labels: Sequence[str | int | None] | None = None
    """What each member is of, where the container says so itself."""
    labels_from: str = ""
    """Where it says so: ``the column label``."""
    class_names: Sequence[str] = ()
    """The names of all classes, where it names them."""
    sharded: bool = False
    """Whether the first part of a name, behind that of a split, is the file in which the picture lies."""

    @abstractmethod
    def load(self, members: Sequence[Member]) -> list[Path | bytes | OSError]:
        """The files, or what is in them, or why one cannot be had. Raises DataError where the container is damaged."""

    @abstractmethod
    def read(self, name: str) -> bytes:
        """The content of a label file. Raises OSError or DataError."""

    def _sort_out(self, name: str, head: bytes | None = None) -> bool | None:
        """Whether a file is a picture by its name, or by its first bytes (`HEAD`); else it is counted as unused.

        None where the name does not say it and `head` is not given.
        """
        suffix = suffix_of(name)
        if suffix in SUFFIXES or (module_for(suffix) and is_read(suffix)):
            return True
        if not (module_for(suffix) or is_plain(suffix)):  # it ends oddly, or not at all
            if head is None:
                return None
            found = of_content(head)
            if found and is_read(found):
                return True
            suffix = found or suffix
        if suffix in ARCHIVES:
            self.unused.add(unused.NESTED, name)
        elif suffix in NOT_READ or module_for(suffix):
            self.unused.add(suffix, name)
        else:
            self.unused.add(unused.OTHER, name)
        return False
