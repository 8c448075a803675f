"""Writes what was drawn in the form that a name asks for. Importing this imports no torch."""

from __future__ import annotations

import errno
import os
import shutil
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from zoo.errors import OptionError, RunError
from zoo.run.files import replacing, writing
from zoo.system.disk import size

if TYPE_CHECKING:
    import numpy.typing as npt

PICTURES = (".png", ".jpg", ".jpeg")
"""One picture."""

ARRAYS = (".npy", ".npz")
"""Numbers: of images uint8 (n, H, W, C), of points float32 (n, d)."""

FILMS = (".gif", ".webp", ".apng")
"""Pictures over time."""


def is_folder(out: Path) -> bool:
    """Whether a name means a folder of single pictures: one that is there, or a name without a suffix."""
    return os.path.isdir(out) or not out.suffix


def check_out(
    out: Path, suffixes: Sequence[str], folder: bool = True, *, empty: bool = True, remedy: str = "a new name"
) -> None:
    """Say now, and not after the work, that `out` cannot be written.

    Raises OptionError for a suffix that is not one of `suffixes` (or a folder where none is meant), and where it is to be
    `empty` for a folder that holds pictures, with which others would be mixed, with the command's own `remedy`; RunError for a
    place that cannot be written to.
    """
    if is_folder(out):
        if not folder:
            raise OptionError(
                f"--out {out}: {'it is a folder' if out.is_dir() else 'it has no suffix'}; {_known(suffixes)}"
            )
    elif out.suffix.lower() not in suffixes:
        more = ", or a folder's name without a dot" if folder else ""
        raise OptionError(f"--out {out}: {_known(suffixes)}{more}")
    with writing(out):
        with suppress(FileNotFoundError, NotADirectoryError):
            os.lstat(out)  # which says of a name that it is too long
        there = next(place for place in (out, *out.absolute().parents) if place.exists() or place.is_symlink())
        if there == out and not out.is_dir():
            if is_folder(out):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
            there = out.absolute().parent
        if not there.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        if empty and out.is_dir() and (found := sum(file.suffix.lower() in PICTURES for file in out.iterdir())):
            what = f"{found} picture{'s' if found > 1 else ''}"
            raise OptionError(f"--out {out}: the folder holds {what} already; give an empty folder, or {remedy}")
        if not os.access(there, os.W_OK | os.X_OK):
            number = errno.EROFS if _is_read_only(there) else errno.EACCES
            raise OSError(number, os.strerror(number))


def _is_read_only(folder: Path) -> bool:
    """Whether the whole file system is, where the system tells."""
    return hasattr(os, "statvfs") and bool(os.statvfs(folder).f_flag & os.ST_RDONLY)


def _known(suffixes: Sequence[str]) -> str:
    *names, last = [f"NAME{suffix}" for suffix in suffixes]
    return f"give {', '.join(names)} or {last}" if names else f"give {last}"


def make_folder(folder: Path) -> None:
    """Make a folder, and those it is in. Raises RunError where that cannot be."""
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)


def write_arrays(path: Path, images: npt.NDArray[Any], **more: npt.NDArray[Any] | None) -> None:
    """Write an array: the images alone as .npy, or with whatever of `more` is not None as .npz. Raises RunError."""
    write_rows(path, len(images), [images], {name: value for name, value in more.items() if value is not None})


def write_rows(
    path: Path, count: int, parts: Iterable[npt.NDArray[Any]], more: Mapping[str, npt.NDArray[Any]] | None = None
) -> None:
    """Write `count` images that come in parts, as they come: a .npy file, or a .npz with `more` beside the array images.

    What `more` holds is looked up after the last part. Raises RunError, for a place that is too small before anything is written.
    """
    rows = iter(parts)
    first = next(rows)
    with replacing(path) as temporary:
        if path.suffix.lower() == ".npy":
            _need_room(path, count * (first.nbytes // len(first)))
            with temporary.open("wb") as file:
                _write_array(_Written(file), count, chain([first], rows))
            return
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
            with archive.open("images.npy", "w", force_zip64=True) as member:
                _write_array(_Written(member), count, chain([first], rows))
            for name, value in (more or {}).items():
                with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                    _write_array(_Written(member), len(value), [value])


class _Written:
    """A file of which NumPy knows no more than that it can be written to: else it says itself, in other words, that it cannot."""

    def __init__(self, file: IO[bytes]) -> None:
        self.write = file.write


def _write_array(file: Any, count: int, parts: Iterable[npt.NDArray[Any]]) -> None:
    """The array that the parts are, one below the other, as numpy.save writes it."""
    import numpy as np

    for place, part in enumerate(parts):
        if place == 0:
            header = {
                "descr": np.lib.format.dtype_to_descr(part.dtype),
                "fortran_order": False,
                "shape": (count, *part.shape[1:]),
            }
            np.lib.format.write_array_header_1_0(file, header)
        file.write(np.ascontiguousarray(part).tobytes())


def _need_room(path: Path, needed: int) -> None:
    """Say at once what would otherwise fail after an hour."""
    free = shutil.disk_usage(path.absolute().parent).free
    if needed > free:
        raise RunError(
            f"cannot write {path}: it needs {size(needed)} and {size(free)} are free there; ask for fewer pictures, or choose "
            "another place with --out"
        )
