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
from zoo.plugins.registry import registry
from zoo.system.disk import size

NAME = 10
"""Letters of a store's name that are shown; as few as tell it from the others can be given."""


@dataclass
class Cache:
    """List the prepared images that training, measuring and exporting left in the cache, or remove some: zoo cache clear. They can
    be removed at any time, and are made again when they are needed."""

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
    stores = prepared_stores()
    if given.what == "clear":
        return _clear(stores, given)
    if given.names or given.older_than is not None or given.all:
        raise OptionError("names, --older-than and --all say what to remove: zoo cache clear")
    if given.json:
        print(json.dumps({"place": str(place()), "stores": [_content(store) for store in stores]}, indent=2))
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
    total = size(sum(store.bytes for store in stores))
    console.print(f"{len(stores)} prepared, {total}, in {place()}", markup=False, soft_wrap=True)
    return 0


def _clear(stores: list[Prepared], given: Cache) -> int:
    ways = [bool(given.names), given.older_than is not None, given.all]
    if sum(ways) != 1 or given.json:
        raise OptionError(
            "zoo cache clear takes names (zoo cache shows them), or --older-than DAYS, or --all; give one of the three"
        )
    if given.older_than is not None:
        if not 0 <= given.older_than < float("inf"):
            raise OptionError(f"--older-than {given.older_than:g}: give a number of days, 0 or more")
        oldest = time.time() - given.older_than * 86400
        stores = [store for store in stores if store.used < oldest]
    elif given.names:
        stores = list({store.name: store for name in given.names for store in _named(name, stores)}.values())
    removed = remove(stores)
    if len(removed) < len(stores):
        left = next(store for store in stores if store not in removed)
        raise RunError(f"{left.directory} cannot be removed: it is in use, or not yours; remove that folder by hand")
    print(f"{len(removed)} removed, {size(sum(store.bytes for store in removed))}")
    return 0


def _named(name: str, stores: list[Prepared]) -> list[Prepared]:
    """The stores that a name means. Raises OptionError where it means none, or several that have nothing to do with each other."""
    location = absolute(name, registry().sources)
    if found := [store for store in stores if store.source and store.source in (name, location)]:
        return found
    found = [store for store in stores if store.name.startswith(name)] if name else []
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
