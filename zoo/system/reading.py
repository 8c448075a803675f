"""Reads what others wrote as carefully as zoo writes: plain files alone, no more than is asked for, one sentence for what fails.

Beside `zoo.run.files.writing`. Importing this imports no torch.
"""

from __future__ import annotations

import errno
import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Literal

from zoo.errors import ZooError
from zoo.system.denied import denied

TEXT = 64 << 20
"""Bytes of a file of text that are read at most."""

_PIECE = 1 << 16  # bytes

_NOT_THERE = frozenset((errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP, errno.EINVAL, errno.EBADF))
"""What the system says of a path at which nothing is."""

_KINDS = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


class NotPlainError(OSError):
    """What is at a path is no file: a pipe or a device would be read without end."""


class TooLargeError(OSError):
    """A file has more bytes than anybody would have written there."""


@contextmanager
def reading(path: Path | str, kind: type[ZooError]) -> Iterator[None]:
    """Turn what the system says about reading `path`, or what is in it, into one error of that kind: path, reason, what to do."""
    try:
        yield
    except OSError as error:
        raise kind(not_read(path, error)) from error


def not_read(path: Path | str, error: OSError) -> str:
    """The sentence for what cannot be read. It never says that anything is damaged: nobody has seen what is in it."""
    if isinstance(error, PermissionError):
        return denied(path, error)
    return f"{_asked(path, error)} cannot be read: {_reason(error)}"


def _asked(path: Path | str, error: OSError) -> str:
    name = error.filename
    return os.fsdecode(name) if isinstance(name, str | bytes) and name else str(path)


def _reason(error: OSError) -> str:
    words = error.strerror or str(error) or type(error).__name__
    if isinstance(error, NotPlainError | TooLargeError):
        return words
    if error.errno in (errno.EMFILE, errno.ENFILE):
        return f"{words}; close what is open, or raise the limit (ulimit -n)"
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return f"{words}; was it moved, or is its drive not there?"
    if error.errno == errno.EISDIR:
        return f"{words}; move it away"
    return f"{words}; the disk or the network failed, whatever is in it: try again, or read a copy"


def absent(error: Exception) -> Literal[False]:
    """False where an error means that nothing is there, or that the name is none; what else the system says is raised again."""
    if isinstance(error, OSError) and error.errno not in (None, *_NOT_THERE):
        raise error
    return False


def of_the_system(error: BaseException) -> bool:
    """Whether an error is the system's, and not of what is in the file: gzip and zipfile have their own kinds of OSError."""
    return isinstance(error, OSError) and error.errno is not None


def is_file(path: Path | str) -> bool:
    """Whether a plain file is there, or a link to one. Raises OSError where that cannot be told."""
    return _is(path, stat.S_ISREG)


def is_folder(path: Path | str) -> bool:
    """Whether a folder is there, or a link to one. Raises OSError where that cannot be told."""
    return _is(path, stat.S_ISDIR)


def _is(path: Path | str, kind: object) -> bool:
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError) as error:
        return absent(error)
    return bool(kind(mode))  # type: ignore[operator]


def open_plain(path: Path | str) -> IO[bytes]:
    """A file, open for reading. Raises OSError: NotPlainError for a pipe or a device, which is not waited for."""
    _refuse_special(path, os.stat(path).st_mode)
    file = open(path, "rb", opener=_without_waiting)  # noqa: SIM115  (whoever asked for it closes it)
    try:
        _refuse_special(path, os.fstat(file.fileno()).st_mode)  # it may have been put there since
    except BaseException:
        file.close()
        raise
    return file


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _refuse_special(path: Path | str, mode: int) -> None:
    kind = _KINDS.get(stat.S_IFMT(mode))
    if kind is not None:
        raise NotPlainError(errno.EINVAL, f"it is {kind}, not a file", os.fspath(path))
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), os.fspath(path))


class NotingFile(io.RawIOBase):
    """A plain file that notes what the system says: zipfile and tarfile take an error of the disk for the end of the archive."""

    def __init__(self, path: Path | str) -> None:
        self._file = open_plain(path)
        self._error: OSError | None = None

    def raise_noted(self) -> None:
        """Raise what the system has said, if anything."""
        if self._error is not None:
            raise self._error

    def read(self, size: int = -1, /) -> bytes:
        """Up to `size` bytes, all for -1."""
        with self._noting():
            return self._file.read(size)

    def seek(self, place: int, whence: int = 0, /) -> int:
        """Go to a place."""
        with self._noting():
            return self._file.seek(place, whence)

    def tell(self) -> int:
        """The place."""
        return self._file.tell()

    def seekable(self) -> bool:
        """Yes."""
        return True

    def readable(self) -> bool:
        """Yes."""
        return True

    def close(self) -> None:
        """Close the file."""
        if not self.closed:
            self._file.close()
        super().close()

    @contextmanager
    def _noting(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if of_the_system(error) and error.errno != errno.EINVAL:  # a place before the beginning
                self._error = error
            raise


def read_plain(path: Path | str, most: int = TEXT) -> bytes:
    """What is in a file of up to `most` bytes. Raises OSError: TooLargeError for a larger one, of which no more is read."""
    with open_plain(path) as file:
        size = os.fstat(file.fileno()).st_size
        content = (
            b"" if size > most else file.read(size + 1)
        )  # and no more memory than that, whatever it may have at most
        while size < len(content) <= most and (
            more := file.read(_PIECE)
        ):  # it grows, or says that it is empty, as those of /proc
            content += more
    if max(size, len(content)) > most:
        raise TooLargeError(errno.EFBIG, f"it has more than {most:,} bytes", os.fspath(path))
    return content


def refuse_unreadable(path: Path | str) -> None:
    """Raise OSError where something is at a path, and the system does not let it be read; whatever else may be wrong passes."""
    try:
        mode = os.stat(path).st_mode
        if stat.S_ISDIR(mode):
            with os.scandir(path):
                pass
        elif stat.S_ISREG(mode):
            open_plain(path).close()
    except (OSError, ValueError) as error:
        absent(error)
