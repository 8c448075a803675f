"""``zoo list``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from zoo.architecture import Architecture
from zoo.cli.arguments import parse
from zoo.cli.console import standard_output, table
from zoo.plugins.registry import Registry, registry


@dataclass
class List:
    """List the architectures and kinds of data that are installed, and the plugins they come from."""

    json: bool = False
    """Print JSON."""


def run(arguments: Sequence[str]) -> int:
    """List; returns the exit code: 0, also where a plugin is broken."""
    given = parse(List, "list", arguments)
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
