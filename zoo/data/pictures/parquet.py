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
from zoo.system.names import cut, shown
from zoo.system.parsing import parse_json
from zoo.system.reading import of_the_system, open_plain

_IMAGE = ("image", "img", "picture", "jpg", "png", "bytes", "image_bytes")
_LABEL = ("label", "labels", "class", "category", "target", "fine_label", "y")
_ROWS = 32
"""Rows that are read at a time: pictures of some MB may be many."""

_MOST_AT_ONCE = 256 << 20
"""Bytes that these may unpack to: a picture that stands in a file once may be that of every row."""

_PER_ROW = 400
"""Bytes that a row takes in memory before its picture is read."""

_LONGEST = 1000
"""Letters of a label."""


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
            need_memory(count * _PER_ROW, f"{path} says that it has {count:,} rows; give fewer at once")
            names = self._names(path, schema, column, count)
            prefix = f"{name_within(path, self.paths)}/" if self.sharded else ""
            facts = path.stat()
            for name in names:  # of which only the mean size is known
                place, size = len(self.members), facts.st_size // count
                self.members.append(Member(prefix + name, size, facts.st_mtime_ns, place))
            if label is None:
                return [None] * count
            self.labels_from = f"the column {shown(label)}"
            values = self._values(path, label)
            if any(isinstance(value, list | dict) for value in values):
                self.several_labels = f"the column {shown(label)} of {path.name} has several labels for a picture"
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

    def _names(self, path: Path, schema: Any, column: str, count: int) -> list[str]:
        """What the pictures are called: their paths where the file has them, else their rows."""
        rows = [f"{row:08d}" for row in range(count)]
        kind = schema.field(column).type
        if not hasattr(kind, "get_field_index") or kind.get_field_index("path") < 0:
            return rows
        return [
            f"{row}-{cut(str(found), 200).replace('/', '_')}" if found else row
            for row, found in zip(rows, self._values(path, f"{column}.path"), strict=True)
        ]

    def _values(self, path: Path, column: str) -> list[Any]:
        """What stands in a column of texts or numbers, of a text no more than a label has.

        Each text is unpacked once, however many rows have it: some KB can say that a million rows have one of a megabyte.
        """
        values: list[Any] = []
        for batch in self._opened(path, column).iter_batches(8192, columns=[column]):
            found = batch.column(0)
            if "." in column and column not in batch.schema.names:
                (found,) = found.flatten()
            if not hasattr(found, "dictionary"):
                values += found.to_pylist()
                continue
            known = [cut(text, _LONGEST) if isinstance(text, str) else text for text in found.dictionary.to_pylist()]
            values += [None if place is None else known[place] for place in found.indices.to_pylist()]
        return values

    def _opened(self, path: Path, column: str) -> Any:
        """The file, with the texts of a column as places in a list of those that there are."""
        schema = self._parquet.ParquetFile(path).schema
        leaves = [schema.column(number) for number in range(len(schema))]
        texts = [leaf.path for leaf in leaves if leaf.path == column and leaf.physical_type == "BYTE_ARRAY"]
        return self._parquet.ParquetFile(path, read_dictionary=texts)

    def _from_the_beginning(self) -> Iterator[tuple[int, Callable[[], bytes | OSError]]]:
        place = 0
        for path in self.paths:
            try:
                file = self._opened(path, f"{self._column}.path")
                rows = _at_once(file, self._column, _MOST_AT_ONCE, _ROWS)
                for batch in file.iter_batches(rows, columns=[self._column]):
                    for value in batch.column(0):
                        yield place, partial(_bytes, value)
                        place += 1
            except Exception as error:
                if of_the_system(error) and not type(error).__module__.startswith("pyarrow"):
                    raise
                raise DataError(f"{path} cannot be read on ({_words(error)}); copy or download it again") from error


def _at_once(file: Any, column: str, most: int, rows: int) -> int:
    """So many rows of a column that they take no more than `most` bytes, if each had the largest value that there can be."""
    largest = 1
    for group in range(file.metadata.num_row_groups):
        chunks = file.metadata.row_group(group)
        for number in range(chunks.num_columns):
            chunk = chunks.column(number)
            if chunk.path_in_schema.startswith(column) and any("DICTIONARY" in each for each in chunk.encodings):
                largest = max(largest, chunk.total_uncompressed_size)
    return max(1, min(rows, most // largest))


def _words(error: Exception) -> str:
    return shown(str(error).partition("\n")[0])


def _bytes(cell: Any) -> bytes | OSError:
    parts = dict(cell.items()) if hasattr(cell, "items") and cell.is_valid else {"bytes": cell}
    content = parts["bytes"].as_py() if "bytes" in parts else None
    if not isinstance(content, bytes):
        where = parts["path"].as_py() if "path" in parts else None
        return OSError(f"no bytes, but the path {shown(str(where))}" if where else "no bytes")
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
