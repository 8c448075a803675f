"""The kinds of data that are read from a place on this machine."""

from __future__ import annotations

from zoo.data.reading import Reading
from zoo.data.source import DataSource
from zoo.errors import DataError


def readers() -> list[type[DataSource]]:
    """They come with zoo, and are asked about a path in this order."""
    from zoo.data.formats.arrays import ArraySource
    from zoo.data.formats.cifar import CifarSource
    from zoo.data.formats.digits import DigitsSource
    from zoo.data.formats.idx import IdxSource
    from zoo.data.formats.toy import GridSource, LineSource, RingSource
    from zoo.data.pictures.sources import FolderSource, LmdbSource, ParquetSource, TarSource, ZipSource

    files = [IdxSource, CifarSource, ArraySource, ZipSource, TarSource, ParquetSource, LmdbSource, FolderSource]
    return [DigitsSource, *files, LineSource, RingSource, GridSource]


def open_place(path: str, reading: Reading | None = None) -> DataSource:
    """What lies at a path, as the first kind reads it that accepts it. Raises DataError where none does."""
    for source in readers():
        if source.accepts(path):
            return open_with(source, path, reading)
    raise DataError(f"{path} holds no data that zoo can read")


def open_with(source: type[DataSource], location: str, reading: Reading | None = None) -> DataSource:
    """The source of that kind, read as is asked for. Raises DataError for an option that means nothing to it."""
    reading = reading or Reading()
    reading.refuse_others(source.takes, f"data of the kind {source.name}")
    return source(location, reading) if source.takes else source(location)  # type: ignore[call-arg]
