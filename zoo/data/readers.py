"""The kinds of data that are read from a place on this machine."""

from __future__ import annotations

from zoo.data.source import DataSource
from zoo.errors import DataError


def readers() -> list[type[DataSource]]:
    """They come with zoo, and are asked about a path in this order."""
    from zoo.data.formats.arrays import ArraySource
    from zoo.data.formats.cifar import CifarSource
    from zoo.data.formats.digits import DigitsSource
    from zoo.data.formats.folder import FolderSource
    from zoo.data.formats.idx import IdxSource
    from zoo.data.formats.toy import GridSource, LineSource, RingSource

    return [DigitsSource, IdxSource, CifarSource, ArraySource, FolderSource, LineSource, RingSource, GridSource]


def open_place(path: str) -> DataSource:
    """What lies at a path, as the first kind reads it that accepts it. Raises DataError where none does."""
    for source in readers():
        if source.accepts(path):
            return source(path)
    raise DataError(f"{path} holds no data that zoo can read")
