"""Which of the files of a repository on the Hub are the ones that are wanted: told from their names, as the Hub tells it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fnmatch import translate
from pathlib import PurePosixPath
from typing import Any, TypeVar

from zoo.errors import DataError
from zoo.system.names import cut, printable

_ALIASES = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val", "dev"),
    "test": ("test", "testing", "eval", "evaluation"),
}
_SPLITS = {alias: split for split, aliases in _ALIASES.items() for alias in aliases}
_SHARD = re.compile(r"(?P<split>[\w.+-]+?)-\d{5}-of-\d{5}\b")
_CONVERTED = re.compile(r"\d{4,}\.parquet$")  # as the Hub's own conversion numbers its files, in CONFIG/SPLIT/
_PARTIAL = "partial-"  # a split of which the Hub has converted the beginning alone

_SHOWN = 1000  # letters of names that are told

_PACKED = (".zip", ".tar", ".tar.gz", ".tgz")
_PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".gif")


@dataclass(frozen=True)
class Chosen:
    """The files of one split."""

    kind: str
    """parquet, archives or pictures."""
    split: str
    files: Mapping[str, str]
    """The path in the repository → the path in the folder that is handed over, where the split is all there is."""
    partial: bool = False
    """Whether the Hub has converted only the first 5 GB."""


def choose_files(
    paths: Iterable[str],
    config: str | None,
    split: str | None,
    declared: Iterable[Any] = (),
    kinds: Iterable[str] = ("parquet", "archives", "pictures"),
) -> Chosen | None:
    """The files of one split, of the first of the kinds that the repository has; None where it has none of them.

    `declared` is what the repository's own page says of its configs, a list of mappings as YAML has them. Without a split it is
    train, or the only one. Raises DataError for a config or a split that is not there, or where there is none to prefer.
    """
    names = sorted(filter(_stays_below, paths))
    for kind in kinds:
        if found := [name for name in names if _KINDS[kind](name)]:
            _, splits = _one(_declared(found, declared) or _by_name(found, kind), config, "default", "config")
            chosen, files = _one(splits, split and _normal(split), "train", "split")
            return Chosen(kind, chosen, _placed(files, kind), any(f"/{_PARTIAL}" in name for name in files))
    return None


def _stays_below(name: str) -> bool:
    """Whether the name of a file in a repository is one that can be a path below a folder of ours."""
    return not ({"..", ".", ""} & set(name.split("/")) or "\\" in name or "\0" in name)


def _is_parquet(name: str) -> bool:
    return name.endswith(".parquet")


def _is_packed(name: str) -> bool:
    return name.lower().endswith(_PACKED)


def _is_picture(name: str) -> bool:
    return name.lower().endswith(_PICTURES)


_KINDS: Mapping[str, Callable[[str], bool]] = {"parquet": _is_parquet, "archives": _is_packed, "pictures": _is_picture}

_LONGEST_PATTERN = 1024
"""Letters of a pattern: to translate one of many brackets takes the square of its length."""
_COMPARISONS = 10_000_000
"""Names that are compared with a pattern at most, some five seconds' worth."""

Splits = dict[str, list[str]]


def _declared(names: list[str], declared: Iterable[Any]) -> dict[str, Splits]:
    """Config → split → files, as the repository's page says; what it says otherwise than the Hub's manual does is left out.

    Raises DataError for a page that names so many patterns that nobody would wait for it.
    """
    configs: dict[str, Splits] = {}
    comparisons = 0
    for config in declared:
        if not isinstance(config, Mapping):
            continue
        patterns = config.get("data_files")
        entries = patterns if isinstance(patterns, list) else [patterns]
        splits: Splits = {}
        for entry in entries:
            one = entry if isinstance(entry, Mapping) else {"split": "train", "path": entry}
            path = one.get("path")
            listed = path if isinstance(path, list) else [path]
            paths = {each for each in listed if isinstance(each, str) and len(each) <= _LONGEST_PATTERN}
            comparisons += len(paths) * len(names)
            if comparisons > _COMPARISONS:
                raise DataError(
                    f"the repository's page names more patterns for its {len(names):,} files than are compared with them; give the "
                    "file that is meant: download it, and name it with --data"
                )
            matches = [re.compile(translate(each)).match for each in sorted(paths)]
            matching = [name for name in names if any(match(name) for match in matches)]
            if matching:
                splits.setdefault(_normal(str(one.get("split") or "train")), []).extend(matching)
        if splits:
            configs[str(config.get("config_name") or "default")] = splits
            if config.get("default") is True:
                configs["default"] = splits
    return configs


def _by_name(names: list[str], kind: str) -> dict[str, Splits]:
    """The same, told from the paths."""
    configs: dict[str, Splits] = {}
    for name in names:
        split, rest = _split_of(PurePosixPath(name), kind)
        config = "default" if kind == "pictures" else "/".join(rest) or "default"
        configs.setdefault(config, {}).setdefault(split, []).append(name)
    return configs


def _split_of(path: PurePosixPath, kind: str) -> tuple[str, tuple[str, ...]]:
    """The split that a path tells of, train where it tells of none, and those of its folders that tell of something else."""
    folders = tuple(part for part in path.parts[:-1] if part != "data")
    if kind == "pictures":  # whose own names are anything
        return next((_SPLITS[part.lower()] for part in folders if part.lower() in _SPLITS), "train"), ()
    if folders and (_CONVERTED.match(path.name) or folders[-1].lower() in _SPLITS):
        return _normal(folders[-1]), folders[:-1]
    if shard := _SHARD.match(path.name):
        return _normal(shard["split"]), folders
    words = re.split(r"[^a-zA-Z]+", path.name.lower())
    return next((_SPLITS[word] for word in words if word in _SPLITS), "train"), folders


def _normal(split: str) -> str:
    name = split.removeprefix(_PARTIAL)
    return _SPLITS.get(name.lower(), name)


_Part = TypeVar("_Part")


def _one(parts: Mapping[str, _Part], wanted: str | None, usual: str, what: str) -> tuple[str, _Part]:
    """The part that is wanted, or the usual one, or the only one; with its name."""
    known = cut(printable(", ".join(parts)), _SHOWN)
    if wanted is not None and wanted not in parts:
        raise DataError(f"it has no {what} {wanted!r}; its {what}s: {known}")
    if wanted is None and usual not in parts and len(parts) > 1:
        raise DataError(f"it has several {what}s, and none is called {usual!r}; say which: {known}")
    name = wanted or (usual if usual in parts else next(iter(parts)))
    return name, parts[name]


def _placed(names: list[str], kind: str) -> dict[str, str]:
    """Where each file lies in a folder of its split alone: pictures below their classes, all others side by side."""
    if kind == "pictures":
        return {name: _below_split(PurePosixPath(name)) for name in names}
    last = [PurePosixPath(name).name for name in names]
    return {
        name: one if len(set(last)) == len(last) else name.replace("/", "--")
        for name, one in zip(names, last, strict=True)
    }


def _below_split(path: PurePosixPath) -> str:
    places = [place for place, part in enumerate(path.parts[:-1]) if part.lower() in _SPLITS]
    return "/".join(part for place, part in enumerate(path.parts) if place not in places[:1])
