"""``zoo cache``: what is prepared, and removing it."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import tyro

from zoo.cli.arguments import parse
from zoo.cli.console import standard_output, table
from zoo.data.prepared import Prepared, place, prepared_stores, remove
from zoo.data.registry import absolute
from zoo.errors import OptionError, RunError
from zoo.evaluate.kept import Kept, kept_files, remove_kept
from zoo.plugins.registry import registry
from zoo.system.disk import size

Item = Prepared | Kept
"""What can be removed by itself."""

NAME = 10
"""Letters of a name that are shown; as few as tell it from the others can be given."""


@dataclass
class Cache:
    """List the prepared images that training, measuring and exporting left in the cache, and the features and classifiers of
    measuring, or remove some: zoo cache clear. They can be removed at any time, and are made again when they are needed."""

    what: tyro.conf.Positional[Literal["list", "clear"]] = "list"
    """list, or clear, which takes names, --older-than or --all."""
    names: tyro.conf.Positional[tuple[str, ...]] = ()
    """Those to remove, by name, as many letters as tell it from the others, or by their --data."""
    older_than: float | None = None
    """Remove what was not used for so many days."""
    all: bool = False
    """Remove all."""
    json: bool = False
    """Print JSON."""


def run(arguments: Sequence[str]) -> int:
    """List or remove; returns the exit code."""
    given = parse(Cache, "cache", arguments)
    stores, kept = prepared_stores(), kept_files()
    if given.what == "clear":
        return _clear([*stores, *kept], given)
    if given.names or given.older_than is not None or given.all:
        raise OptionError("names, --older-than and --all say what to remove: zoo cache clear")
    if given.json:
        content = {"stores": [_content(store) for store in stores], "kept": [_kept(file) for file in kept]}
        print(json.dumps({"place": str(place()), **content}, indent=2))
        return 0
    console = standard_output()
    if stores:
        shown = table("name", "data", "images", "size", "on disk", "last used")
        for store in stores:
            count, height, width, channels = store.shape
            geometry = f"{width}×{height}×{channels}" + (f" {store.fit}" if store.fit == "stretch" else "")
            shown.add_row(
                store.name[:NAME],
                store.source or store.title,
                f"{count:,}",
                geometry,
                size(store.bytes),
                _day(store.used),
            )
        console.print(shown)
        console.print()
    if kept:
        shown = table("name", "what", "data", "images", "numbers", "on disk", "last used")
        for file in kept:
            counts = [f"{side:,}" for side in file.shape] or ["", ""]
            shown.add_row(
                file.name[:NAME], file.title, file.source, *counts[:2], size(file.bytes), _day(file.used)
            )  # fmt: skip
        console.print(shown)
        console.print()
    console.print(f"{len(stores)} prepared, {_total(stores)}, in {place()}", markup=False, soft_wrap=True)
    if kept:
        where = " and ".join(dict.fromkeys(str(file.path.parent) for file in kept))
        console.print(f"{len(kept)} of measuring, {_total(kept)}, in {where}", markup=False, soft_wrap=True)
    return 0


def _total(items: Sequence[Item]) -> str:
    return size(sum(item.bytes for item in items))


def _clear(items: list[Item], given: Cache) -> int:
    ways = [bool(given.names), given.older_than is not None, given.all]
    if sum(ways) != 1 or given.json:
        raise OptionError(
            "zoo cache clear takes names (zoo cache shows them), or --older-than DAYS, or --all; give one of the three"
        )
    if given.older_than is not None:
        if not 0 <= given.older_than < float("inf"):
            raise OptionError(f"--older-than {given.older_than:g}: give a number of days, 0 or more")
        oldest = time.time() - given.older_than * 86400
        items = [item for item in items if item.used < oldest]
    elif given.names:
        items = list({item.name: item for name in given.names for item in _named(name, items)}.values())
    removed: list[Item] = [
        *remove([item for item in items if isinstance(item, Prepared)]),
        *remove_kept([item for item in items if isinstance(item, Kept)]),
    ]
    if len(removed) < len(items):
        left = next(item for item in items if item not in removed)
        where = left.directory if isinstance(left, Prepared) else left.path
        raise RunError(f"{where} cannot be removed: it is in use, or not yours; remove it by hand")
    print(f"{len(removed)} removed, {_total(removed)}")
    return 0


def _named(name: str, items: list[Item]) -> list[Item]:
    """What a name means. Raises OptionError where it means none, or several that have nothing to do with each other."""
    location = absolute(name, registry().sources)
    if found := [item for item in items if item.source and item.source in (name, location)]:
        return found
    found = [item for item in items if item.name.startswith(name)] if name else []
    if len(found) != 1:
        many = f"{len(found)} names begin so; give more letters" if found else "there is no such name"
        raise OptionError(f"zoo cache clear {name!r}: {many} (zoo cache)")
    return found


def _day(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))


def _content(store: Prepared) -> dict[str, object]:
    return {
        "name": store.name,
        "data": store.source or None,
        "title": store.title,
        "shape": list(store.shape),
        "fit": store.fit or None,
        "bytes": store.bytes,
        "used": store.used,
    }


def _kept(file: Kept) -> dict[str, object]:
    return {
        "name": file.name,
        "kind": file.path.parent.name,
        "data": file.source or None,
        "extractor": file.extractor or None,
        "shape": list(file.shape) or None,
        "bytes": file.bytes,
        "used": file.used,
    }
