"""The files that measuring left in the cache: features of real images, and classifiers that were trained on data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from zoo.data.cache import cache_directory
from zoo.run.items import is_part

FEATURES, READERS = "features", "readers"
"""Their folders within the cache."""

SUFFIX = ".safetensors"

SHA256 = "sha256"
"""What of a file's metadata is the hash of its content: one that is another is damaged, and computed anew."""


@dataclass(frozen=True)
class Kept:
    """One of these files."""

    path: Path
    bytes: int
    used: float
    """When it was last used, in seconds since 1970."""
    source: str = ""
    """Where its data was opened; empty where the file does not say."""
    extractor: str = ""
    """Whose features they are; empty where the file does not say."""
    shape: tuple[int, ...] = ()
    """Of features: how many images, and how many numbers for each."""

    @property
    def name(self) -> str:
        """The key by which it is found."""
        return self.path.name.removesuffix(SUFFIX)

    @property
    def title(self) -> str:
        """What it is, in words."""
        if self.path.parent.name == READERS:
            return "classifier"
        return f"features of {self.extractor}" if self.extractor else "features"


def kept_files(cache: Path | None = None) -> list[Kept]:
    """All of them, the last used first."""
    home = cache or cache_directory()
    found = [kept for folder in (FEATURES, READERS) for kept in _found(home / folder)]
    return sorted(found, key=lambda kept: kept.used, reverse=True)


def remove_kept(files: Sequence[Kept]) -> list[Kept]:
    """Remove files; returns those that could be, or were gone."""
    removed = []
    for kept in files:
        with suppress(OSError):
            kept.path.unlink(missing_ok=True)
            removed.append(kept)
    return removed


def _found(folder: Path) -> Iterator[Kept]:
    try:
        paths = [path for path in folder.iterdir() if path.name.endswith(SUFFIX) and not is_part(path)]
    except OSError:
        return
    for path in paths:
        with suppress(OSError):  # removed meanwhile
            stat = path.stat()
            yield Kept(path, stat.st_size, stat.st_mtime, *_head(path))


def _head(path: Path) -> tuple[str, str, tuple[int, ...]]:
    """Its source, extractor and shape, as far as the file says."""
    from safetensors import safe_open

    with (
        suppress(Exception),
        safe_open(path, framework="numpy") as file,
    ):  # damaged, in whatever way its reader puts that
        made = file.metadata() or {}
        shape = tuple(file.get_slice(FEATURES).get_shape()) if FEATURES in file.keys() else ()  # noqa: SIM118
        return made.get("source", ""), made.get("extractor", ""), shape
    return "", "", ()
