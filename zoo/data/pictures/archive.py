"""What zip and tar archives of pictures have in common: members that nobody unpacks, some of which must not be trusted."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from zoo.data.pictures import unused
from zoo.data.pictures.container import LABEL_FILES, LARGEST, Container
from zoo.data.pictures.folder import is_of_the_system
from zoo.data.pictures.kinds import TAR, ZIP
from zoo.data.pictures.unused import Unused
from zoo.system.reading import open_plain

_HIGHEST_RATIO = 1000
"""Times as large as in the archive: what is beyond, and large, is no picture but a bomb."""

_BOMB = 16 << 20


class Archive(Container):
    """One archive or several, which are then shards of one data set.

    Nothing is unpacked onto the disk, so that no name can lead outside. Names that come twice count once.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        self.paths = list(paths)
        self.path = paths[0] if len(paths) == 1 else paths[0].parent
        self.sharded = len(paths) > 1
        self.unused = Unused()
        self.label_files = []
        self._seen: set[str] = set()

    @property
    def key(self) -> str:
        return key_of(self.paths)

    def _prefix(self, path: Path) -> str:
        """What a shard's members are called by beside their own names."""
        return f"{name_within(path, self.paths)}/" if self.sharded else ""

    def _wanted(self, name: str) -> bool:
        """Whether a member may be a picture or a label file by where it lies; else it is counted."""
        parts = PurePosixPath(name).parts
        if any(is_of_the_system(part) for part in parts):
            self._once(unused.SYSTEM, next(part for part in parts if is_of_the_system(part)))
        elif any(part.startswith(".") for part in parts):
            self.unused.add(unused.HIDDEN, name)
        elif name in self._seen:
            self.unused.add(unused.TWICE, name)
        else:
            self._seen.add(name)
            return True
        return False

    def _once(self, reason: str, name: str) -> None:
        """Count a folder of which there are many members."""
        if name not in self._seen:
            self._seen.add(name)
            self.unused.add(reason, name)

    def _is_label_file(self, name: str) -> bool:
        if PurePosixPath(name).name in LABEL_FILES:
            self.label_files.append(name)
            return True
        return False


def name_within(path: Path, paths: Sequence[Path]) -> str:
    """What tells a file from others, in one part of a path: what their folders do not have in common, and its name."""
    common = os.path.commonpath([other.parent for other in paths])
    return os.path.relpath(path, common).replace(os.sep, "_")


def key_of(paths: Sequence[Path]) -> str:
    """What tells some files from any others on this machine."""
    return "|".join(str(path.resolve()) for path in paths)


def of_another_kind(path: Path) -> str:
    """What a file is whose name says otherwise, with what to do; empty where it is no archive that is known here."""
    with open_plain(path) as file:
        head = file.read(265)
    kinds = {"zip": head.startswith(b"PK"), "tar": head[257:262] == b"ustar" or head[:2] in (b"\x1f\x8b", b"BZ")}
    called = {"zip": ZIP, "tar": TAR}
    found = next((kind for kind, holds in kinds.items() if holds and not path.name.lower().endswith(called[kind])), "")
    return f"it is a {found} archive: --data {found}:{path}" if found else ""


def clean(name: str) -> str:
    """A member's name without what would lead out of the archive, if anybody unpacked it."""
    return "/".join(part for part in name.replace("\\", "/").split("/") if part not in ("", ".", ".."))


def check_size(size: int, packed: int | None = None) -> None:
    """Raise OSError for a member that is too large to be a picture, or grows too much when it is unpacked."""
    if size > LARGEST:
        raise OSError(f"{size:,} bytes; at most {LARGEST:,} are read")
    if packed is not None and size > _BOMB and size > packed * _HIGHEST_RATIO:
        raise OSError(f"{packed:,} bytes that unpack to {size:,}, as no picture does")
