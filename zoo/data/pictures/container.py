"""Where picture files lie: what a folder, an archive and a database have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from zoo.data.pictures import unused
from zoo.data.pictures.kinds import ARCHIVES, NOT_READ, SUFFIXES, is_plain, is_read, module_for, of_content, suffix_of
from zoo.data.pictures.unused import Unused
from zoo.errors import DataError

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

AT_ONCE = 4 << 20
"""Bytes of pictures that are handed over together: of each few work items are in memory at a time."""

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
    several_labels: str = ""
    """Why what it says makes no classes: a picture has several."""
    class_names: Sequence[str] = ()
    """The names of all classes, where it names them."""
    sharded: bool = False
    """Whether the first part of a name, behind that of a split, is the file in which the picture lies."""

    @property
    def key(self) -> str:
        """What tells it from every other container on this machine."""
        return str(self.path.resolve())

    def parts(self, members: Sequence[Member], most: int) -> Iterator[list[Member]]:
        """The members in order, up to `most` at a time, and no more than `AT_ONCE` bytes of those that are loaded."""
        part: list[Member] = []
        size = 0
        for member in members:
            if part and (len(part) == most or size + member.size > AT_ONCE):
                yield part
                part, size = [], 0
            part.append(member)
            size += member.size
        if part:
            yield part

    @abstractmethod
    def load(self, members: Sequence[Member]) -> list[Path | bytes | OSError]:
        """The files, or what is in them, or why one cannot be had. Raises DataError where the container is damaged."""

    def read(self, name: str) -> bytes:
        """The content of a label file. Raises OSError or DataError; by default there are none."""
        raise FileNotFoundError(name)

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


class Sequential(Container):
    """A container that is read from its beginning on: to go back is to begin anew."""

    _at = -1
    _stream: Iterator[tuple[int, Callable[[], bytes | OSError]]] = iter(())

    @abstractmethod
    def _from_the_beginning(self) -> Iterator[tuple[int, Callable[[], bytes | OSError]]]:
        """The place of each member in turn, and what reads it while it is the one at hand."""

    def load(self, members: Sequence[Member]) -> list[Path | bytes | OSError]:
        loaded: list[Path | bytes | OSError] = []
        for member in members:
            if not 0 <= self._at < member.place:
                self._stream = self._from_the_beginning()
            for place, content in self._stream:
                self._at = place
                if place == member.place:
                    loaded.append(content())
                    break
            else:
                raise DataError(f"{self.path} has changed while it was read; try again")
        return loaded
