"""``zoo plugins``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.text import Text

from zoo.cli.arguments import parse
from zoo.cli.console import standard_output, table
from zoo.plugins.api_version import API_VERSION
from zoo.plugins.kinds import ALL_KINDS
from zoo.plugins.plugin import Plugin
from zoo.plugins.registry import Registry, registry
from zoo.system.distribution import DISTRIBUTION, asks_for_foreign

NOTHING = "nothing: no function of its module is a hook that registers something (zoo.hookimpl)"
"""What is said of a plugin that is loaded and registers nothing: its hooks may be in a module that is not its entry point."""


@dataclass
class Plugins:
    """List the plugins that are installed: where each comes from, what it brings, and what is wrong with one."""

    json: bool = False
    """Print JSON."""


def run(arguments: Sequence[str]) -> int:
    """List; returns the exit code: 0, also where a plugin is broken."""
    given = parse(Plugins, "plugins", arguments)
    known = registry()
    rows = [_row(known, plugin) for plugin in [*known.plugins, *known.left_out]]
    if given.json:
        content = {"api": API_VERSION, "plugins": rows, "conflicts": known.conflicts}
        print(json.dumps(content, indent=2))
        return 0
    console = standard_output()
    listed = table("plugin", "from", "module", "brings")
    for row in rows:
        listed.add_row(row["name"], row["from"], row["module"], Text(_brings(row), style="red" if row["error"] else ""))
    console.print(listed)
    for sentence in known.conflicts.values():
        console.print(f"\n{sentence}", style="red", markup=False)
    for distribution in sorted({row["distribution"] for row in rows}):
        if asks_for_foreign(distribution):
            console.print(
                f"\n{distribution} depends on zoo, which is another project on the package index; in its pyproject.toml, let it "
                f"depend on {DISTRIBUTION}",
                style="red",
                markup=False,
            )
    if any(row["error"] for row in rows):
        console.print("\nzoo doctor --plugins shows the tracebacks; everything else works without the broken ones")
    return 0


def _row(known: Registry, plugin: Plugin) -> dict[str, Any]:
    """All that is known of a plugin."""
    brought = {kind: sorted(kind.name_of(one.value) for one in found) for kind, found in known.of(plugin).items()}
    return {
        "name": plugin.name,
        "from": plugin.origin,
        "distribution": plugin.distribution,
        "version": plugin.version,
        "module": plugin.module,
        "zoo_api": plugin.api,
        "loaded": plugin in known.plugins and plugin.error is None,
        "error": plugin.error,
        **{kind.column: names for kind, names in brought.items()},
        "training_callbacks": known.watches(plugin),
    }


def _brings(row: dict[str, Any]) -> str:
    """What a plugin brings, or why it brings nothing, in words."""
    if row["error"]:
        return f"failed to load: {row['error']}"
    if not row["loaded"]:
        return "left out: ZOO_PLUGINS does not name it"
    words = [kind.flag + name for kind in ALL_KINDS for name in row[kind.column]]
    return ", ".join([*words, *(["watches runs"] if row["training_callbacks"] else [])]) or NOTHING
