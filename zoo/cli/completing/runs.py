"""Runs in the folders that are there: which can be meant, and what one holds."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import islice
from typing import Any

from zoo.cli.completing.answer import Answer, words
from zoo.system.names import printable, shown
from zoo.system.parsing import parse_json
from zoo.system.reading import read_plain

USUAL = "runs"
"""Where runs lie if nobody says otherwise."""

LOOKED_INTO = 1000
"""How many files of a folder are looked at to find out whether there are runs among them."""


def runs(typed: str) -> Answer:
    """The runs below the folder that is typed, and the folders there in which there may be some; first of all those in runs/."""
    folder = typed[: typed.rfind("/") + 1]
    found: dict[str, str] = {}
    if not folder and (not typed or USUAL.startswith(typed)):
        found |= dict(_below(f"{USUAL}/", all_folders=False))
    found |= dict(_below(folder, all_folders=bool(typed)))
    if any(path.startswith(f"{USUAL}/") and len(path) > len(USUAL) + 1 for path in found):
        found.pop(f"{USUAL}/", None)  # whose runs are offered at once
    return Answer(found, "paths")


def steps(path: str) -> Answer:
    """The steps of a run's checkpoints."""
    names = [name for name in _names(os.path.join(path, "checkpoints")) if name.startswith("step-")]
    return words(str(int(name[5:])) for name in sorted(names, reverse=True) if name[5:].isdigit())


def names(path: str) -> Answer:
    """What a run's checkpoints are called: by what they are kept as, and by their steps."""
    return replace(
        steps(path), values={"best": "which --keep-best has kept", "last": "the newest", **steps(path).values}
    )


def classes(path: str) -> Answer:
    """The names of a run's classes."""
    data = _config(os.path.expanduser(path)).get("data")
    return words(map(str, data.get("class_names", ())) if isinstance(data, dict) else ())


def _below(folder: str, all_folders: bool) -> Iterator[tuple[str, str]]:
    for name in sorted(_names(folder or ".")):
        place = os.path.expanduser(folder) + name
        if name.startswith(".") or not os.path.isdir(place):
            continue
        if _is_run(place):
            config = _config(place)
            about = [
                config.get("architecture"),
                config.get("preset"),
                config.get("steps") and f"{config['steps']} steps",
            ]
            yield folder + name, shown(", ".join(str(each) for each in about if each))
        elif all_folders or any(_is_run(os.path.join(place, each)) for each in islice(_names(place), LOOKED_INTO)):
            yield f"{folder}{name}/", ""


def _names(folder: str) -> Iterator[str]:
    with suppress(OSError), os.scandir(os.path.expanduser(folder)) as entries:
        yield from (entry.name for entry in entries if printable(entry.name) == entry.name)  # a shell obeys the others


def _is_run(place: str) -> bool:
    return os.path.isfile(os.path.join(place, "config.json"))


def _config(place: str) -> dict[str, Any]:
    with suppress(OSError, ValueError):
        content = parse_json(read_plain(os.path.join(place, "config.json"), 1 << 20))
        if isinstance(content, dict):
            return content
    return {}
