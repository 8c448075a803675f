"""What a checkpoint says of its own files: sizes and digests, compared with what is there when a file is read."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from zoo.run.record import DamagedError, Record
from zoo.system.digest import digest_of, digest_of_file


@dataclass(frozen=True)
class FileRecord:
    """A file as it was written."""

    size: int
    """In bytes."""
    sha256: str
    """The digest."""

    @classmethod
    def of(cls, content: bytes) -> FileRecord:
        """That of these bytes."""
        return cls(len(content), digest_of(content))


def recorded(record: Record, name: str) -> FileRecord | None:
    """What a state.json says of the file of that name beside it; None where an older zoo wrote it, which said nothing.

    Raises DamagedError where it should, and does not.
    """
    if (record.may("format", int) or 1) < 3:
        return None
    said = Record({"file": record.need("files", dict).get(name)})
    return FileRecord(said.need("file.size", int), said.need("file.sha256", str))


@contextmanager
def checked(path: Path, written: FileRecord | None) -> Iterator[None]:
    """Within it a file is read; its digest is computed beside that. Raises DamagedError where it is not what was `written`.

    None is for a file of which nothing was written down. What is wrong with a file that is not what was written is that, whatever
    its reader says.
    """
    if written is None:
        yield
        return
    size = path.stat().st_size
    if size != written.size:
        raise DamagedError(f"{path} cannot be read: it has {size:,} bytes, and was written with {written.size:,}")
    found: list[str] = []
    hashing = threading.Thread(target=_digest, args=(path, found), name="zoo-digest")
    hashing.start()
    failed: Exception | None = None
    try:
        yield
    except Exception as error:
        failed = error
    finally:
        hashing.join()
    if found and found[0] != written.sha256:
        raise DamagedError(
            f"{path} is not what was written: its checksum (SHA-256) does not match{_whose(path, found[0])}"
        )
    if failed is not None:
        raise failed


def _digest(path: Path, found: list[str]) -> None:
    with suppress(OSError):  # which whoever reads the file beside this is told, too
        found.append(digest_of_file(path))


def _whose(path: Path, digest: str) -> str:
    """Where a file of another step lies in its place: of which."""
    for other in sorted(path.parent.parent.glob("step-*")):
        with suppress(OSError, DamagedError):
            said = recorded(Record.read(other / "state.json"), path.name)
            if other != path.parent and said is not None and said.sha256 == digest:
                return f", that of {other.name}"
    return ""
