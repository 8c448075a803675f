"""The Python version of CIFAR: pickle files, read without running anything that they name.

A pickle can name any function to be called. Here only a handful of names are understood, and each is answered by
something of ours that does nothing but keep the bytes; every other name is refused.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from zoo.data.formats.plain_pickle import RefusedError, read_pickle
from zoo.errors import DataError
from zoo.system.names import brief, printable, shown
from zoo.system.reading import read_plain

_LARGEST = 512 << 20
"""Bytes of a file that are read at most; CIFAR's largest has 155 MB."""


def load(path: Path) -> dict[str, Any]:
    """The dictionary in a file of the Python version of CIFAR, with text keys; raises DataError for anything else."""
    try:
        value = read_pickle(read_plain(path, _LARGEST), _UNDERSTOOD)
    except RefusedError as error:
        raise DataError(f"{path} is refused: it asks to run {shown(str(error))}, which no CIFAR file does") from None
    except OSError:
        raise  # `open_source` says so
    except Exception as error:  # damaged pickles fail in any way they like
        words = shown(f"{type(error).__name__}: {error}")
        raise DataError(f"{path} is damaged or no CIFAR file ({words}); copy it again") from error
    if not isinstance(value, dict):
        raise DataError(f"{path} is no CIFAR file: it holds {type(value).__name__}, not a dictionary")
    return {_text(key): content for key, content in value.items()}


def pixels(path: Path, content: dict[str, Any]) -> npt.NDArray[np.uint8]:
    """The array `data` as uint8 (n, 3072)."""
    array = content.get("data")
    if not isinstance(array, _Array):
        raise DataError(f"{path} is no CIFAR file: it has no array 'data'")
    if array.type not in ("u1", "|u1", "uint8") or len(array.shape) != 2 or array.shape[1] != 3072:
        described = f"{shown(array.type)} of shape {brief(array.shape)}"
        raise DataError(f"{path}: 'data' is {described}; expected bytes of shape (n, 3072)")
    if len(array.raw) != math.prod(array.shape):
        held = f"{len(array.raw):,} bytes"
        raise DataError(f"{path}: 'data' of shape {brief(array.shape)} holds {held}; copy the file again")
    rows = np.frombuffer(array.raw, np.uint8)
    return rows.reshape(array.shape[::-1]).T if array.fortran else rows.reshape(array.shape)


def names(content: dict[str, Any], key: str) -> list[str]:
    """A list of names as text; empty when it is missing."""
    value = content.get(key)
    if not isinstance(value, list) or not all(isinstance(name, str | bytes) for name in value):
        return []
    return [printable(_text(name)) for name in value]


class _Type:
    """Stands for numpy.dtype: only its name matters."""

    def __init__(self, name: object = "", *_: object) -> None:
        self.name = _text(name)

    def __setstate__(self, state: object) -> None:
        """Byte order and the like, which bytes do not have."""


class _Array:
    """Stands for numpy.ndarray: keeps shape, type and bytes."""

    shape: tuple[int, ...] = ()
    type = ""
    raw = b""
    fortran = False

    def __setstate__(self, state: tuple[object, tuple[int, ...], _Type, bool, bytes]) -> None:
        _, shape, kind, fortran, raw = state
        self._keep(raw, kind, shape, bool(fortran))

    def _keep(self, raw: object, kind: object, shape: object, fortran: bool) -> None:
        if not isinstance(raw, (bytes, bytearray)) or not isinstance(kind, _Type) or not isinstance(shape, tuple):
            raise ValueError("an array that is not made of bytes")
        if not all(isinstance(size, int) and size >= 0 for size in shape):
            raise ValueError("an array of no shape")
        self.raw, self.type, self.shape, self.fortran = bytes(raw), kind.name, shape, fortran


def _reconstruct(*_: object) -> _Array:
    return _Array()


def _from_buffer(raw: object, kind: object, shape: object, order: object = "C") -> _Array:
    array = _Array()
    array._keep(raw, kind, shape, order == "F")
    return array


def _encode(text: str, codec: str = "latin1") -> bytes:
    """How Python 3 writes bytes into an old pickle."""
    if codec not in ("latin1", "latin-1"):
        raise ValueError(f"text in {codec}")
    return text.encode("latin1")


_UNDERSTOOD: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Type,
    ("_codecs", "encode"): _encode,
}
for _core in ("numpy.core", "numpy._core"):
    _UNDERSTOOD[f"{_core}.multiarray", "_reconstruct"] = _reconstruct
    _UNDERSTOOD[f"{_core}.numeric", "_frombuffer"] = _from_buffer


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, str | int):
        return str(value)
    raise ValueError(f"a name that is {type(value).__name__}")
