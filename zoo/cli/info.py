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
from zoo.cli.console import standard_output, table
from zoo.data.spec import DataSpec
from zoo.engine.choice import preset_on
from zoo.engine.geometry import describe_sizes
from zoo.errors import OptionError, PluginError, in_one_line
from zoo.options import Options
from zoo.options.resolve import flag, resolve
from zoo.plugins.registry import pretrained_run, registry

EXAMPLES = {
    "28×28 grey": DataSpec(1, 28, 28),
    "32×32 colour": DataSpec(3, 32, 32),
    "64×64 grey, and larger": DataSpec(1, 64, 64),
    "64×64 colour, and larger": DataSpec(3, 64, 64),
    "points": DataSpec(1, 1, 2, points=True),
}
"""Data for which it is told which preset is chosen."""


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
    try:
        sizes = _sizes(architecture, defaults)
    except PluginError as error:  # a plugin's author will want to see the rest too
        say(f"images: {in_one_line(error)}")
        sizes = ""
    if sizes:
        say(f"images: {sizes}")
    if architecture.presets:
        console.print(_presets(architecture, sizes))
        if chosen := _chosen(architecture):
            console.print()
            console.print(chosen)
    own = [field for field in architecture.Options.model_fields if field not in Options.model_fields]
    if own:
        shown = table("own option", "default", "what it does")
        for field in own:
            help_ = (architecture.Options.model_fields[field].description or "").replace("\n", " ")
            shown.add_row(flag(field), str(getattr(defaults, field)), help_)
        console.print()
        console.print(shown)
    if pretrained_run(name):
        say(f"\nIt comes trained: zoo sample {name} draws at once.")
    say(f"\nzoo train {name} --help lists every option.")
    return 0


def _sizes(architecture: Architecture, options: Options) -> str:
    """The image sizes that fit these options; empty where every size does."""
    sizes = architecture.sizes(options)
    if sizes is None:
        return ""
    also = ", rectangles of such sides too" if architecture.rectangles and len(sizes) > 1 else ""
    return describe_sizes(sizes) + also


def _chosen(architecture: Architecture) -> Table | None:
    """Which preset is chosen where none is named, by data and device; None where it is the default one, whatever they are."""
    shown = table("data", "on a CPU", "on an NVIDIA GPU")
    depends = False
    for what, spec in EXAMPLES.items():
        try:
            presets = {device: preset_on(architecture, spec, device) for device in ("cpu", "cuda")}
        except PluginError as error:  # a plugin's author will want to see the rest too
            shown.add_row(what, Text(in_one_line(error)))
            depends = True
            continue
        differs = set(presets.values()) != {architecture.default_preset}
        depends |= differs
        if differs or not spec.points:  # which few architectures take
            shown.add_row(what, *(preset or architecture.default_preset or "none" for preset in presets.values()))
    return shown if depends else None


def _presets(architecture: Architecture, usual: str) -> Table:
    """Each preset with the sentence on it, where there is one, what it sets, and its sizes where they are not the `usual`."""
    shown = table("preset", "what it is and sets")
    for name, values in architecture.presets.items():
        mark = " (default)" if name == architecture.default_preset else ""
        sets = ", ".join(f"{key}={value}" for key, value in values.items()) or "the defaults"
        try:
            sizes = _sizes(architecture, resolve(architecture, preset=name)[0])
        except (OptionError, PluginError) as error:
            fault = "does not fit its own options: " if isinstance(error, OptionError) else ""
            shown.add_row(f"{name}{mark}", Text(f"{fault}{in_one_line(error)}\n{sets}"))
            continue
        lines = [
            architecture.preset_notes.get(name),
            sets,
            f"images: {sizes or 'every size'}" if sizes != usual else None,
        ]
        shown.add_row(f"{name}{mark}", Text("\n".join(line for line in lines if line)))
    return shown
