"""The kinds of data that are pictures in files: a folder, an archive, a table, a database."""

from __future__ import annotations

import glob
import os
from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from zoo.data.pictures.container import Container
from zoo.data.pictures.folder import Folder, from_pattern
from zoo.data.pictures.kinds import SUFFIXES, TAR, ZIP
from zoo.data.pictures.shards import shards_of
from zoo.data.pictures.source import PictureSource
from zoo.errors import DataError
from zoo.system.reading import absent, is_file, is_folder


def path_of(location: str) -> Path:
    """What a person typed, as a path."""
    return Path(os.path.expanduser(location))


class FolderSource(PictureSource):
    """The pictures below a folder, or those that fit a pattern."""

    name = "folder"
    summary = "A folder of pictures, any sizes and kinds, or a pattern as 'photos/*.png'; subfolders are classes."

    @classmethod
    def accepts(cls, location: str) -> bool:
        """Any folder, a pattern, and a single picture, so as to say that its folder is wanted."""
        try:
            path = path_of(location)
            if glob.has_magic(location) and not path.exists():
                return True
            return bool(location) and (is_folder(path) or (path.suffix.lower() in SUFFIXES and is_file(path)))
        except (OSError, ValueError) as error:
            return absent(error)

    @classmethod
    def open(cls, location: str) -> Container:
        """The folder."""
        folder = path_of(location)
        if glob.has_magic(location) and not folder.exists():
            return from_pattern(location)
        if not location or not folder.exists():
            raise DataError(f"there is no folder {location!r}; write --data folder:PATH or --data PATH")
        if not is_folder(folder):
            raise DataError(
                f"{folder} is a single file; give the folder that holds the pictures: --data {folder.parent}"
            )
        return Folder(folder)


class _Shards(PictureSource):
    """A file of some kind, or several that are parts of one data set."""

    suffixes: ClassVar[tuple[str, ...]]
    """The ends of such files' names."""

    @classmethod
    def accepts(cls, location: str) -> bool:
        """Files of this kind, a pattern of them, and a folder that holds them."""
        try:
            return bool(shards_of(location, cls.suffixes))
        except (OSError, ValueError) as error:
            return absent(error)

    @classmethod
    def open(cls, location: str) -> Container:
        """The files."""
        paths = shards_of(location, cls.suffixes)
        if not paths:
            raise DataError(f"there is no {' or '.join(cls.suffixes)} at {location!r}; write --data {cls.name}:PATH")
        return cls.open_all(paths)

    @classmethod
    @abstractmethod
    def open_all(cls, paths: Sequence[Path]) -> Container:
        """The container of these files. Imports what such files take, as most people's are others."""


class ZipSource(_Shards):
    """The pictures of .zip archives, read where they are."""

    name = "zip"
    summary = "Pictures in a .zip archive, read in place; StyleGAN's data sets with their dataset.json."
    suffixes = ZIP

    @classmethod
    def open_all(cls, paths: Sequence[Path]) -> Container:
        from zoo.data.pictures.zip_archive import Zip

        return Zip(paths)


class TarSource(_Shards):
    """The pictures of .tar archives, and of WebDataset's shards."""

    name = "tar"
    summary = "Pictures in .tar archives (also .tar.gz), read in place; WebDataset's shards: 'shards/train-*.tar'."
    suffixes = TAR

    @classmethod
    def open_all(cls, paths: Sequence[Path]) -> Container:
        from zoo.data.pictures.tar_archive import Tar

        return Tar(paths)


class ParquetSource(_Shards):
    """The pictures of Parquet files."""

    name = "parquet"
    summary = "Pictures in Parquet files, as Hugging Face writes them."
    suffixes = (".parquet",)

    @classmethod
    def open_all(cls, paths: Sequence[Path]) -> Container:
        from zoo.data.pictures.parquet import Parquet

        return Parquet(paths)


class LmdbSource(PictureSource):
    """The pictures of an LMDB database."""

    name = "lmdb"
    summary = "Pictures in an LMDB database, as LSUN has them."

    @classmethod
    def accepts(cls, location: str) -> bool:
        """A folder with data.mdb, and a file .mdb or .lmdb."""
        try:
            path = path_of(location)
            return is_file(path / "data.mdb") or (path.suffix.lower() in (".mdb", ".lmdb") and is_file(path))
        except (OSError, ValueError) as error:
            return absent(error)

    @classmethod
    def open(cls, location: str) -> Container:
        """The database."""
        path = path_of(location)
        if not path.exists():
            raise DataError(f"there is no database {location!r}; write --data lmdb:PATH")
        from zoo.data.pictures.lmdb_database import Lmdb

        return Lmdb(path)
