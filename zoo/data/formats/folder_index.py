"""What is known about the files of a folder, remembered between runs as git remembers its work tree.

A file whose size and modification time are those of last time is not read again. So a folder of 100,000 pictures is
read once, and an edited, added or removed file is noticed.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple, dataclass, replace
from pathlib import Path

import PIL

from zoo.data.cache import digest, hash_bytes, hash_bytes_of, is_stable, recall, remember
from zoo.data.formats.picture import SUFFIXES, PictureError, pillow_manners, read_header
from zoo.system.names import as_utf8

_SMALL = 1 << 20  # bytes
_PER_ITEM = 64  # files; to hand over one alone takes longer than to look at it
_VERSION = f"1, Pillow {PIL.__version__}"  # another Pillow can read other files


@dataclass(frozen=True)
class Entry:
    """One picture file. `name` is its path below the folder, with forward slashes; `problem` why it is unreadable."""

    name: str
    size: int
    mtime_ns: int
    width: int = 0
    height: int = 0
    grey: bool = False
    problem: str | None = None
    content: str | None = None

    @property
    def denied(self) -> bool:
        """Whether this user may not read it."""
        return self.problem == os.strerror(errno.EACCES)


class FolderIndex:
    """The picture files below a folder, sorted by name, with their headers; contents of large files are hashed when asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._notebook = f"folder-{digest(str(folder.resolve()))}"
        known = {(entry.name, entry.size, entry.mtime_ns): entry for entry in self._recall()}
        found = sorted(_picture_files(folder), key=lambda entry: as_utf8(entry.name))
        self.entries = [known.get((entry.name, entry.size, entry.mtime_ns), entry) for entry in found]
        if self._update(self._with_header, lambda entry: entry.width == 0 and entry.problem is None):
            self._remember()

    def fingerprint(self) -> str:
        """A hash of all names and contents."""
        if self._update(self._with_content, lambda entry: entry.content is None):
            self._remember()
        return digest(*(part for entry in self.entries for part in (as_utf8(entry.name), entry.content, entry.problem)))

    def _update(self, look: Callable[[Entry], Entry], needed: Callable[[Entry], bool]) -> bool:
        """Replace the entries that need a look, looking at several files at once; whether there were any."""
        places = [place for place, entry in enumerate(self.entries) if needed(entry)]
        parts = [places[start : start + _PER_ITEM] for start in range(0, len(places), _PER_ITEM)]

        def look_at(part: list[int]) -> list[Entry]:
            return [look(self.entries[place]) for place in part]

        with pillow_manners(), ThreadPoolExecutor(thread_name_prefix="zoo-folder") as pool:
            for part, looked in zip(parts, pool.map(look_at, parts), strict=True):
                for place, entry in zip(part, looked, strict=True):
                    self.entries[place] = entry
        return bool(places)

    def _with_header(self, entry: Entry) -> Entry:
        picture: Path | bytes = self._folder / entry.name
        content = entry.content
        try:
            if entry.size <= _SMALL:  # reading all of it at once is cheaper than coming back to hash it
                picture = (self._folder / entry.name).read_bytes()
                content = hash_bytes(picture)
            header = read_header(picture)
        except (PictureError, OSError) as error:
            reason = str(error) if isinstance(error, PictureError) else error.strerror or str(error)
            return replace(entry, problem=reason, content=content)
        return replace(entry, content=content, width=header.width, height=header.height, grey=header.grey)

    def _with_content(self, entry: Entry) -> Entry:
        try:
            return replace(entry, content=hash_bytes_of(self._folder / entry.name))
        except OSError as error:
            return replace(entry, problem=entry.problem or error.strerror or str(error))

    def _recall(self) -> list[Entry]:
        note = recall(self._notebook)
        try:
            return [Entry(*fields) for fields in note["entries"]] if note["version"] == _VERSION else []
        except (TypeError, KeyError):
            return []

    def _remember(self) -> None:
        """Keep what is certain: a file that was just edited, or that could not be opened at all, is looked at again."""
        certain = [
            astuple(entry)
            for entry in self.entries
            if is_stable(entry.mtime_ns) and (entry.problem is None or entry.content is not None)
        ]
        remember(self._notebook, {"version": _VERSION, "entries": certain})


def _picture_files(root: Path) -> Iterator[Entry]:
    """Every visible picture file below a folder; links are followed, but never in a circle."""
    waiting: list[tuple[str, str]] = [(str(root), "")]
    seen: set[tuple[int, int]] = set()
    while waiting:
        folder, prefix = waiting.pop()
        stat = os.stat(folder)
        if (stat.st_dev, stat.st_ino) in seen and stat.st_ino:
            continue
        seen.add((stat.st_dev, stat.st_ino))
        with os.scandir(folder) as items:
            for item in items:
                if item.name.startswith("."):
                    continue
                if item.is_dir():
                    waiting.append((item.path, f"{prefix}{item.name}/"))
                elif os.path.splitext(item.name)[1].lower() in SUFFIXES and item.is_file():
                    facts = item.stat()
                    yield Entry(prefix + item.name, facts.st_size, facts.st_mtime_ns)
