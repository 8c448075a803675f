"""Writes what was drawn in the form that a name asks for. Importing this imports no torch."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from zoo.errors import OptionError
from zoo.run.files import replacing, writing

if TYPE_CHECKING:
    import numpy.typing as npt
    from PIL import Image

PICTURES = (".png", ".jpg", ".jpeg")
"""One picture."""

ARRAYS = (".npy", ".npz")
"""Numbers: of images uint8 (n, H, W, C), of points float32 (n, d)."""

FILMS = (".gif", ".webp", ".apng")
"""Pictures over time."""


def is_folder(out: Path) -> bool:
    """Whether a name means a folder of single pictures: one that is there, or a name without a suffix."""
    return os.path.isdir(out) or not out.suffix


def check_out(out: Path, suffixes: Sequence[str], folder: bool = True) -> None:
    """Say now, and not after the work, that `out` cannot be written.

    Raises OptionError for a suffix that is not one of `suffixes` (or a folder where none is meant), and for a folder that
    holds pictures, with which others would be mixed; RunError for a place that cannot be written to.
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
        if out.is_dir() and (found := sum(file.suffix.lower() in PICTURES for file in out.iterdir())):
            what = f"{found} picture{'s' if found > 1 else ''}"
            raise OptionError(f"--out {out}: the folder holds {what} already; give an empty folder, or a new name")
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


def write_folder(pictures: Iterable[tuple[str, Image.Image]], folder: Path) -> None:
    """Write pictures as PNG files of these names (without the suffix) into a folder. Raises RunError."""
    from zoo.generate.pictures.grid import save

    make_folder(folder)
    for name, picture in pictures:
        save(picture, folder / f"{name}.png")


class _Written:
    """A file of which NumPy knows no more than that it can be written to: else it says itself, in other words, that it cannot."""

    def __init__(self, file: BinaryIO) -> None:
        self.write = file.write


def write_arrays(path: Path, images: npt.NDArray[Any], **more: npt.NDArray[Any] | None) -> None:
    """Write an array: the images alone as .npy, or with whatever of `more` is not None as .npz. Raises RunError."""
    import numpy as np

    with replacing(path) as temporary, temporary.open("wb") as file:
        if path.suffix.lower() == ".npy":
            np.save(_Written(file), images)
        else:
            given = {name: value for name, value in more.items() if value is not None}
            np.savez_compressed(file, allow_pickle=False, images=images, **given)
