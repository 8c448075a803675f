"""Files that tell what each picture is of: dataset.json as StyleGAN's tools write it, tables, labels.npy."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from zoo.errors import DataError
from zoo.system.names import cut, shown
from zoo.system.parsing import parse_json

_FILE = ("file_name", "filename", "file", "path", "image", "image_path", "img", "image_id", "name", "id")
_LABEL = ("label", "labels", "class", "class_name", "category", "target", "label_name", "y")

_LONGEST = 1000  # letters of a label

_WAY_OUT = "keep one label for each, or rename the file and train without labels"


@dataclass
class Labels:
    """What a file says."""

    found: dict[int, str]
    """The label of each picture that it names, by the picture's place."""
    notes: list[str]
    """What a person should know."""
    names_pictures: bool = True
    """False for a table of something else."""


class SeveralError(Exception):
    """A picture has several labels; the text says which file says so."""


def read_labels(file: str, content: bytes, names: Sequence[str]) -> Labels | None:
    """What a label file of that name says of pictures with these paths; None where it holds no labels, as StyleGAN's may.

    Raises DataError for a file that is damaged, SeveralError for several labels of one picture.
    """
    suffix = PurePosixPath(file).suffix
    if suffix == ".npy":
        return _by_place(file, content, names)
    try:
        rows = _READERS[suffix](file, content)
    except DataError as error:
        if PurePosixPath(file).stem == "metadata":  # which may be of anything
            return Labels({}, [f"{error}: not used"], names_pictures=False)
        raise
    return None if rows is None else _by_name(file, rows, names)


Rows = list[tuple[str, str]]


def _dataset_json(file: str, content: bytes) -> Rows | None:
    try:
        labels = parse_json(content)["labels"]
    except (ValueError, KeyError, TypeError):
        raise DataError(
            f'{shown(file)} holds no {{"labels": [[file, label], …]}}, as a dataset.json of StyleGAN does; mend or remove it'
        ) from None
    if labels is None:
        return None
    try:
        rows = (
            [(str(name), label) for name, label in labels.items()]
            if isinstance(labels, dict)
            else [(str(name), label) for name, label in labels]
        )
    except (TypeError, ValueError):
        raise DataError(f"{shown(file)}: its labels are no list of [file, label]; mend or remove it") from None
    return [(name, one_label(file, name, label)) for name, label in rows if label is not None]


def one_label(file: str, name: str, label: Any) -> str:
    """A label as text. Raises SeveralError for a list of them."""
    if isinstance(label, list) and len(label) == 1:
        label = label[0]
    if isinstance(label, list | dict):
        raise SeveralError(f"{shown(file)} gives {shown(name)} several labels; {_WAY_OUT}")
    if isinstance(label, float) and label.is_integer():
        label = int(label)
    return cut(str(label).strip(), _LONGEST)


def _jsonl(file: str, content: bytes) -> Rows | None:
    rows: list[dict[str, Any]] = []
    for number, line in enumerate(_text(file, content).splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = parse_json(line)
        except ValueError:
            row = None
        if not isinstance(row, dict):
            raise DataError(f"{shown(file)}: line {number} is no JSON object; mend or remove the file")
        rows.append(row)
    columns = list(dict.fromkeys(key for row in rows for key in row))
    name, label = _columns(file, columns)
    if label is None:
        return None
    told = [(str(row[name]), row.get(label)) for row in rows if name in row]
    return [(where, one_label(file, where, value)) for where, value in told if value not in (None, "")]


def _table(usual: str) -> Callable[[str, bytes], Rows | None]:
    """Reads tables; `usual` is between two columns, where the first line does not show something else there."""

    def read(file: str, content: bytes) -> Rows | None:
        text = _text(file, content)
        first = text.partition("\n")[0]
        delimiter = usual if usual in first else next((other for other in ",;\t" if other in first), usual)
        try:
            lines = [row for row in csv.reader(io.StringIO(text), delimiter=delimiter) if any(row)]
        except csv.Error as error:
            raise DataError(f"{shown(file)} is no table ({shown(str(error))}); mend or remove it") from None
        if any("\n" in cell for row in lines for cell in row):
            raise DataError(f"{shown(file)} has a quote that is not closed in its line; mend or remove it")
        if not lines:
            raise DataError(f"{shown(file)} is empty; remove it, or write file,label into each line")
        header = [cell.strip().lower() for cell in lines[0]]
        if any(cell in _FILE for cell in header):
            name, label = _columns(file, header)
            if label is None:
                return None
            at, of = header.index(name), header.index(label)
            lines = lines[1:]
        elif len(lines[0]) == 2:
            at, of = 0, 1
        else:
            raise DataError(
                f"{shown(file)} has {len(lines[0])} columns and no line of their names; "
                f"write file{delimiter if delimiter == ',' else ' TAB '}label as its first line"
            )
        short = next((place for place, row in enumerate(lines, 1) if len(row) <= max(at, of)), None)
        if short is not None:
            raise DataError(f"{shown(file)}: entry {short} has no label; mend or remove the file")
        return [(row[at].strip(), cut(label, _LONGEST)) for row in lines if (label := row[of].strip())]

    return read


def _columns(file: str, columns: Sequence[str]) -> tuple[str, str | None]:
    """The columns of the file's name and of its label; no label where no column is called so. Raises DataError, SeveralError."""
    low = {column.lower(): column for column in reversed(columns)}
    name = next((low[known] for known in _FILE if known in low), None)
    if name is None:
        raise DataError(
            f"{shown(file)} has no column of file names ({', '.join(_FILE[:3])}); it has {shown(', '.join(columns))}"
        )
    labels = [low[known] for known in _LABEL if known in low and low[known] != name]
    others = [column for column in columns if column != name]
    if len(labels) > 1:
        raise SeveralError(
            f"{shown(file)} has the columns {shown(', '.join(labels))}, several labels for a picture; {_WAY_OUT}"
        )
    if labels:
        return name, labels[0]
    if len(others) == 1 and PurePosixPath(file).stem == "labels":
        return name, others[0]
    if PurePosixPath(file).stem == "labels":
        raise SeveralError(
            f"{shown(file)} has the columns {shown(', '.join(others[:4]))} and none is called label; {_WAY_OUT}"
        )
    return name, None  # metadata of another sort, such as captions


def _by_name(file: str, rows: Rows, names: Sequence[str]) -> Labels:
    """Rows and pictures brought together: by path, by the file's name, by that without its end, where these are unique."""
    keys = _keys(names)
    found: dict[int, str] = {}
    missing = 0
    for name, label in rows:
        wanted = name.replace("\\", "/").removeprefix("./")
        spellings = (wanted, PurePosixPath(wanted).name)
        place = next((places[each] for each in spellings for places in keys if each in places), None)
        if place is None:
            missing += 1
        elif found.setdefault(place, label) != label:
            raise SeveralError(
                f"{shown(file)} gives {shown(name)} the labels {shown(found[place])} and {shown(label)}; {_WAY_OUT}"
            )
    notes = []
    if missing:
        what = "1 file that is" if missing == 1 else f"{missing:,} files that are"
        notes.append(f"{shown(file)} names {what} not there")
    return Labels(found, notes)


def _keys(names: Sequence[str]) -> list[dict[str, int]]:
    """Ways to name a picture, the strictest first: each to its place, without the names that several have."""
    ways: list[Callable[[PurePosixPath], str]] = [
        str,
        lambda path: path.name,
        lambda path: str(path.with_suffix("")),
        lambda path: path.stem,
    ]
    paths = [PurePosixPath(name) for name in names]
    keys = []
    for way in ways:
        called = [way(path) for path in paths]
        counts = Counter(called)
        keys.append({name: place for place, name in enumerate(called) if counts[name] == 1})
    return keys


def _by_place(file: str, content: bytes, names: Sequence[str]) -> Labels:
    """labels.npy: a number or a text for each picture, in the order of their paths."""
    from zoo.data.formats.array_file import read_array

    values = read_array(content, shown(file))
    if values.ndim == 2 and values.shape[1] > 1:
        raise SeveralError(f"{shown(file)} has {values.shape[1]} labels for a picture; {_WAY_OUT}")
    values = values.reshape(-1)
    if len(values) != len(names):
        raise DataError(f"{shown(file)} has {len(values):,} labels for {len(names):,} pictures; mend or remove it")
    if values.dtype.kind not in "iubU":
        raise DataError(f"{shown(file)} is of type {values.dtype}; labels are whole numbers or text")
    return Labels({place: str(value) for place, value in enumerate(values.tolist())}, [])


def _text(file: str, content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise DataError(f"{shown(file)} is not text in UTF-8; save it as such, or remove it") from None


_READERS: dict[str, Callable[[str, bytes], Rows | None]] = {
    ".json": _dataset_json,
    ".jsonl": _jsonl,
    ".csv": _table(","),
    ".tsv": _table("\t"),
}
