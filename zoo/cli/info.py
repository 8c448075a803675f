"""``zoo info NAME``."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass

import tyro
from rich.table import Table
from rich.text import Text

from zoo.architecture import Architecture
from zoo.cli.arguments import parse
from zoo.cli.console import standard_output
from zoo.engine.geometry import describe_sizes
from zoo.options import Options
from zoo.registry import registry
from zoo.resolve import flag, resolve


@dataclass
class Info:
    """Tell of an architecture: what it is, where it comes from, its presets and its own options."""

    name: tyro.conf.Positional[str]
    """The architecture."""


def run(arguments: Sequence[str]) -> int:
    """Tell; returns the exit code."""
    name = parse(Info, "info", arguments).name
    contribution = registry().contribution(name)
    architecture = registry().architecture(name)
    console = standard_output()

    def say(text: str) -> None:
        console.print(text, markup=False)

    say(f"{name}: {inspect.getdoc(type(architecture)) or ''}")
    say(f"\nfrom {contribution.plugin.origin} (plugin {contribution.plugin.name!r}, {contribution.plugin.module})")
    if architecture.conditional:
        say("conditional: needs labelled data, draws the classes asked for")
    defaults, _ = resolve(architecture)
    sizes = architecture.sizes(defaults)
    if sizes is not None:
        say(f"images: {describe_sizes(sizes)}")
    if architecture.presets:
        console.print(_presets(architecture))
    own = [field for field in architecture.Options.model_fields if field not in Options.model_fields]
    if own:
        table = Table(
            "own option", "default", "what it does", box=None, pad_edge=False, header_style="bold", title_justify="left"
        )
        for field in own:
            help_ = (architecture.Options.model_fields[field].description or "").replace("\n", " ")
            table.add_row(flag(field), str(getattr(defaults, field)), help_)
        console.print()
        console.print(table)
    say(f"\nzoo train {name} --help lists every option.")
    return 0


def _presets(architecture: Architecture) -> Table:
    """Each preset with the sentence on it, where there is one, and what it sets."""
    table = Table("preset", "what it is and sets", box=None, pad_edge=False, header_style="bold")
    for name, values in architecture.presets.items():
        mark = " (default)" if name == architecture.default_preset else ""
        sets = ", ".join(f"{key}={value}" for key, value in values.items()) or "the defaults"
        note = architecture.preset_notes.get(name)
        table.add_row(f"{name}{mark}", Text(f"{note}\n{sets}" if note else sets))
    return table
