"""``zoo list``."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import tyro

from zoo.architecture import Architecture
from zoo.cli.arguments import parse
from zoo.cli.console import standard_output, table
from zoo.errors import OptionError
from zoo.plugins.registry import Registry, registry


@dataclass
class List:
    """List the architectures and kinds of data that are installed, and the plugins they come from; or with --runs the runs that are
    there, and which of them are being trained."""

    folder: tyro.conf.Positional[Path] = Path("runs")
    """With --runs: the folder that the runs are in."""
    runs: bool = False
    """List the runs below a folder: how far each is, and whether a process trains it."""
    json: bool = False
    """Print JSON."""


def run(arguments: Sequence[str]) -> int:
    """List; returns the exit code: 0, also where a plugin is broken."""
    given = parse(List, "list", arguments)
    if given.runs:
        return _list_runs(given.folder, given.json)
    if not all(argument.startswith("-") for argument in arguments):
        raise OptionError(f"zoo list {given.folder}: give --runs too, which lists the runs in that folder")
    known = registry()
    if given.json:
        print(json.dumps(_content(known), indent=2))
        return 0
    console = standard_output()
    shown = table("architecture", "what it is", "presets", "from")
    for name in known.names:
        if name in known.conflicts:
            continue
        contribution = known.contribution(name)
        presets = ", ".join(contribution.value.presets)
        shown.add_row(name, contribution.value.summary(), presets, contribution.plugin.origin)
    console.print(shown)
    console.print()
    data = table("--data", "what it is")
    for source_name, summary in _sources(known):
        data.add_row(source_name, summary)
    console.print(data)
    for sentence in known.conflicts.values():
        console.print(f"\n{sentence}", style="red", markup=False)
    for plugin in known.plugins:
        if plugin.error:
            console.print(f"\n{plugin.title} failed to load: {plugin.error}", style="red", markup=False)
            console.print("  zoo doctor --plugins shows the traceback; the others work without it", markup=False)
    return 0


def _list_runs(folder: Path, as_json: bool) -> int:
    from zoo.run.listing import runs_below

    found = list(runs_below(folder))
    if as_json:
        rows = [
            {**asdict(each), "path": str(each.path), "holder": each.holder and asdict(each.holder)} for each in found
        ]
        print(json.dumps(rows, indent=2))
        return 0
    if not found:
        print(f"no runs in {folder}")
        return 0
    shown = table("run", "state", "step", "architecture", "data", "last written", "by")
    shown.columns[0].no_wrap = True  # what is typed again
    for each in found:
        step = f"{each.step:,}" + ("" if each.steps is None else f" of {each.steps:,}")
        age = "" if each.written is None else f"{since(time.time() - each.written)} ago"
        holder = "" if each.holder is None else str(each.holder)
        shown.add_row(str(each.path), each.state, step, each.architecture, each.data, age, holder)
    standard_output().print(shown)
    return 0


def since(seconds: float) -> str:
    """A length of time in the unit in which it is a small number.

    >>> since(7), since(7 * 60), since(30 * 3600), since(9 * 86400)
    ('7 s', '7 min', '30 h', '9 days')
    """
    for name, length in (("days", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {name}"
    return f"{max(0, seconds):.0f} s"


def _sources(known: Registry) -> list[tuple[str, str]]:
    from zoo.data.registry import sources

    return [(name, source.summary) for name, source in sources(known.sources).items()]


def _notes(architecture: type[Architecture]) -> dict[str, str]:
    """The sentences on those of its presets that have one."""
    return {name: note for name, note in architecture.preset_notes.items() if name in architecture.presets}


def _content(known: Registry) -> dict[str, object]:
    return {
        "architectures": {
            name: {
                "summary": known.contribution(name).value.summary(),
                "presets": list(known.contribution(name).value.presets),
                "preset_notes": _notes(known.contribution(name).value),
                "conditional": known.contribution(name).value.conditional,
                "from": known.contribution(name).plugin.origin,
            }
            for name in known.names
            if name not in known.conflicts
        },
        "data": dict(_sources(known)),
        "conflicts": known.conflicts,
        "plugins": [{"name": p.name, "from": p.origin, "module": p.module, "error": p.error} for p in known.plugins],
    }
