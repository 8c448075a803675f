"""Pictures as bytes in the rows of Parquet files, as the data sets of Hugging Face have them. Needs pyarrow."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from zoo.data.pictures import unused
from zoo.data.pictures.archive import check_size, key_of, name_within
from zoo.data.pictures.container import Member, Sequential
from zoo.data.pictures.needs import need
from zoo.data.pictures.unused import Unused
from zoo.errors import DataError, ZooError
from zoo.system.memory import need_memory
from zoo.system.names import shown
from zoo.system.parsing import parse_json
from zoo.system.reading import of_the_system, open_plain

_IMAGE = ("image", "img", "picture", "jpg", "png", "bytes", "image_bytes")
_LABEL = ("label", "labels", "class", "category", "target", "fine_label", "y")
_ROWS = 32
"""Rows that are read at a time: pictures of some MB may be many."""


class Parquet(Sequential):
    """The pictures of Parquet files, row by row.

    The column of images holds bytes, or a structure of ``bytes`` and ``path``; labels are whole numbers, whose names the file
    may have (ClassLabel), or texts. Raises DataError for a file that is damaged or has no such column, and where pyarrow is
    missing.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        self._parquet = need("pyarrow.parquet", "parquet", "Parquet files")
        self.paths = list(paths)
        self.path = paths[0] if len(paths) == 1 else paths[0].parent
        self.sharded = len(paths) > 1
        self.unused = Unused()
        self.label_files = []
        self.members = []
        labels: list[str | int | None] = []
        self._column = ""
        for path in self.paths:
            labels += self._list(path)
        if any(label is not None for label in labels):
            self.labels = labels

    @property
    def key(self) -> str:
        return key_of(self.paths)

    def _list(self, path: Path) -> list[str | int | None]:
        """Take in the rows of a file; returns their labels."""
        try:
            with open_plain(path):  # the library says less of what cannot be read
                pass
            file = self._parquet.ParquetFile(path)
            self._refuse_large(file.metadata, path)
            schema = file.schema_arrow
            features = _features(schema.metadata)
            (column, *others), label = _columns(schema, features, path)
            if self._column not in ("", column):
                raise DataError(
                    f"{path} has its images in the column {column}, other files in {self._column}; give one of them"
                )
            self._column = column
            for other in others:
                self.unused.add(unused.OTHER, f"{path.name}, column {other}")
            count = file.metadata.num_rows
            names = self._names(file, schema, column, count)
            prefix = f"{name_within(path, self.paths)}/" if self.sharded else ""
            facts = path.stat()
            for name in names:  # of which only the mean size is known
                place, size = len(self.members), facts.st_size // count
                self.members.append(Member(prefix + name, size, facts.st_mtime_ns, place))
            if label is None:
                return [None] * count
            self.labels_from = f"the column {label}"
            values = file.read(columns=[label]).column(0).to_pylist()
            if any(isinstance(value, list | dict) for value in values):
                self.several_labels = f"the column {label} of {path.name} has several labels for a picture"
                return [None] * count
        except ZooError:
            raise
        except Exception as error:  # pyarrow has errors of many kinds
            if of_the_system(error) and not type(error).__module__.startswith("pyarrow"):
                raise
            raise DataError(f"{path} is no whole Parquet file ({_words(error)}); copy or download it again") from error
        classes = features.get(label, {}).get("names")
        if isinstance(classes, list) and classes:
            self.class_names = [str(name) for name in classes]
            return [
                str(classes[value]) if isinstance(value, int) and 0 <= value < len(classes) else None
                for value in values
            ]
        return [None if value in (None, "") else str(value) for value in values]

    @staticmethod
    def _refuse_large(metadata: Any, path: Path) -> None:
        """Raise ZooError for a group of rows that claims more than fits into memory, as one is unpacked at once."""
        groups = (metadata.row_group(number).total_byte_size for number in range(metadata.num_row_groups))
        need_memory(2 * max(groups, default=0), f"{path} has groups of rows of that size; write it with smaller ones")

    def _names(self, file: Any, schema: Any, column: str, count: int) -> list[str]:
        """What the pictures are called: their paths where the file has them, else their rows."""
        rows = [f"{row:08d}" for row in range(count)]
        kind = schema.field(column).type
        if not hasattr(kind, "get_field_index") or kind.get_field_index("path") < 0:
            return rows
        paths = file.read(columns=[f"{column}.path"]).column(0).to_pylist()
        return [
            f"{row}-{str(found['path']).replace('/', '_')}" if found and found.get("path") else row
            for row, found in zip(rows, paths, strict=True)
        ]

    def _from_the_beginning(self) -> Iterator[tuple[int, Callable[[], bytes | OSError]]]:
        place = 0
        for path in self.paths:
            try:
                for batch in self._parquet.ParquetFile(path).iter_batches(_ROWS, columns=[self._column]):
                    for value in batch.column(0):
                        yield place, partial(_bytes, value)
                        place += 1
            except Exception as error:
                if of_the_system(error) and not type(error).__module__.startswith("pyarrow"):
                    raise
                raise DataError(f"{path} cannot be read on ({_words(error)}); copy or download it again") from error


def _words(error: Exception) -> str:
    return shown(str(error).partition("\n")[0])


def _bytes(cell: Any) -> bytes | OSError:
    value = cell.as_py()
    content = value.get("bytes") if isinstance(value, dict) else value
    if not isinstance(content, bytes):
        where = value.get("path") if isinstance(value, dict) else None
        return OSError(f"no bytes, but the path {where}" if where else "no bytes")
    try:
        check_size(len(content))
    except OSError as error:
        return error
    return content


def _features(metadata: dict[bytes, bytes] | None) -> dict[str, dict[str, Any]]:
    """What Hugging Face's `datasets` has written of the columns."""
    try:
        found = parse_json((metadata or {})[b"huggingface"])["info"]["features"]
        return {str(name): kind for name, kind in found.items() if isinstance(kind, dict)}
    except (KeyError, ValueError, TypeError, AttributeError):
        return {}


def _columns(schema: Any, features: dict[str, dict[str, Any]], path: Path) -> tuple[list[str], str | None]:
    """The columns of images, and that of labels; None where there are no labels."""
    kinds = {field.name: str(field.type) for field in schema}
    images = [name for name in kinds if features.get(name, {}).get("_type") == "Image"]
    images = images or [name for name, kind in kinds.items() if kind.startswith("struct<bytes: binary")]
    images = images or [name for name, kind in kinds.items() if name in _IMAGE and kind in ("binary", "large_binary")]
    if not images:
        raise DataError(
            f"{path} has no column of images; it has " + shown(", ".join(f"{n} ({k})" for n, k in kinds.items()))
        )
    labels = [name for name in kinds if features.get(name, {}).get("_type") == "ClassLabel"]
    labels = labels or [name for name in _LABEL if name in kinds and name not in images]
    return images, labels[0] if labels else None
