"""A folder of picture files, or those of its files that fit a pattern."""

from __future__ import annotations

import errno
import fnmatch
import glob
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from zoo.data.pictures import unused
from zoo.data.pictures.container import HEAD, LABEL_FILES, Container, Member
from zoo.data.pictures.unused import Unused
from zoo.errors import DataError
from zoo.system.names import as_utf8
from zoo.system.reading import is_folder, open_plain, read_plain

_PROGRAMS = frozenset(
    ("@eadir", "__macosx", "#recycle", "@recycle", "$recycle.bin", "lost+found", "system volume information")
)
"""Folders that systems and network drives put among people's files."""

_SYSTEM_FILES = frozenset(("thumbs.db", "desktop.ini", "ehthumbs.db", "icon\r"))

_A_RUN = frozenset(("config.json", "checkpoints", "samples"))
"""What a run of zoo holds."""


def is_of_the_system(name: str) -> bool:
    """Whether a file or folder of that name is an operating system's or a drive's, and no person's."""
    return name.lower() in _PROGRAMS or name.lower() in _SYSTEM_FILES or name.startswith("._")


class Folder(Container):
    """All picture files below a folder in the order of their paths; links are followed, but never in a circle.

    `pattern`: the parts of a pattern that paths below it are to fit. Hidden files, runs of zoo and what systems leave behind
    are not looked into. Raises OSError where it cannot be read.
    """

    def __init__(self, path: Path, pattern: Sequence[str] | None = None) -> None:
        self.path = path
        self._pattern = pattern
        self.unused = Unused()
        self.label_files = []
        self.members = sorted(self._walk(), key=lambda member: as_utf8(member.name))

    @property
    def key(self) -> str:
        return "/".join([str(self.path.resolve()), *(self._pattern or ())])

    def load(self, members: Sequence[Member]) -> list[Path | bytes | OSError]:
        return [self.path / member.name for member in members]

    def read(self, name: str) -> bytes:
        return read_plain(self.path / name)

    def _walk(self) -> Iterator[Member]:
        waiting: list[tuple[str, str]] = [(str(self.path), "")]
        seen: set[tuple[int, int]] = set()
        while waiting:
            folder, prefix = waiting.pop()
            try:
                stat = os.stat(folder)
                if (stat.st_dev, stat.st_ino) in seen and stat.st_ino:
                    continue
                seen.add((stat.st_dev, stat.st_ino))
                with os.scandir(folder) as found:
                    items = list(found)
            except OSError as error:
                if not prefix:
                    raise
                self._unreadable(prefix.rstrip("/"), error)
                continue
            if {item.name for item in items} >= _A_RUN:
                if not prefix:
                    raise DataError(
                        f"{folder} is a run of zoo, whose pictures are its own; give the folder of the data"
                    )
                self.unused.add(unused.RUNS, prefix.rstrip("/"))
                continue
            if prefix and not items:
                self.unused.add(unused.EMPTY, prefix.rstrip("/"))
            for item in items:
                try:
                    if item.is_dir():
                        if is_of_the_system(item.name):
                            self.unused.add(unused.SYSTEM, prefix + item.name)
                        elif item.name.startswith("."):
                            self.unused.add(unused.HIDDEN, prefix + item.name)
                        elif self._pattern is None or _may_lead_to(f"{prefix}{item.name}".split("/"), self._pattern):
                            waiting.append((item.path, f"{prefix}{item.name}/"))
                    elif member := self._file(item, prefix):
                        yield member
                except OSError as error:
                    if not item.name.startswith(".") and self._is_wanted(prefix + item.name):
                        self._unreadable(prefix + item.name, error)

    def _is_wanted(self, name: str) -> bool:
        return self._pattern is None or _fits(name.split("/"), self._pattern)

    def _unreadable(self, name: str, error: OSError) -> None:
        """Count what cannot be looked into, with the system's reason; a link to itself leads nowhere."""
        if error.errno == errno.ELOOP:
            self.unused.add(unused.LINKS, name)
        else:
            self.unused.add(unused.UNREADABLE, f"{name}: {error.strerror or error}")

    def _file(self, item: os.DirEntry[str], prefix: str) -> Member | None:
        name = prefix + item.name
        if not self._is_wanted(name) and item.name not in LABEL_FILES:
            return None
        if item.name.startswith(".") or is_of_the_system(item.name):
            self.unused.add(unused.HIDDEN, name)
        elif not item.is_file():
            leads_nowhere = item.is_symlink() and not os.path.exists(item.path)
            self.unused.add(unused.LINKS if leads_nowhere else unused.SPECIAL, name)
        elif item.name in LABEL_FILES:
            self.label_files.append(name)
        elif self._is_picture(item, name):
            facts = item.stat()
            return Member(name, facts.st_size, facts.st_mtime_ns)
        return None

    def _is_picture(self, item: os.DirEntry[str], name: str) -> bool:
        by_name = self._sort_out(name)
        if by_name is None:
            with open_plain(item.path) as file:
                return bool(self._sort_out(name, file.read(HEAD)))
        return by_name


def from_pattern(pattern: str) -> Folder:
    """The files that fit ``photos/*.png``; ``**`` is any number of folders. Raises DataError where none does."""
    parts = Path(os.path.expanduser(pattern)).parts
    fixed = next(place for place, part in enumerate(parts) if glob.has_magic(part))
    root = Path(*parts[:fixed]) if fixed else Path(".")
    if not is_folder(root):
        raise DataError(f"--data {pattern!r}: there is no folder {str(root)!r}")
    found = Folder(root, parts[fixed:])
    if not found.members:
        raise DataError(f"--data {pattern!r}: no picture fits that pattern")
    return found


def _fits(path: Sequence[str], pattern: Sequence[str]) -> bool:
    """Whether the parts of a path fit those of a pattern."""
    if not pattern:
        return not path
    if pattern[0] == "**":
        return _fits(path, pattern[1:]) or (bool(path) and _fits(path[1:], pattern))
    return bool(path) and fnmatch.fnmatchcase(path[0], pattern[0]) and _fits(path[1:], pattern[1:])


def _may_lead_to(folder: Sequence[str], pattern: Sequence[str]) -> bool:
    """Whether anything below a folder can fit."""
    for part, wanted in zip(folder, pattern, strict=False):
        if wanted == "**":
            return True
        if not fnmatch.fnmatchcase(part, wanted):
            return False
    return len(folder) < len(pattern)
