"""``zoo train NAME``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from zoo.cli.arguments import early, parse_training
from zoo.errors import OptionError
from zoo.registry import registry
from zoo.resolve import resolve


def run(arguments: Sequence[str]) -> int:
    """Train; returns the exit code."""
    if not arguments or arguments[0] in ("-h", "--help"):
        print(_usage())
        return 0
    if arguments[0].startswith("-"):
        raise OptionError(
            f"zoo train takes the architecture's name first, then options; given {arguments[0]!r} (zoo list)"
        )
    name, *rest = arguments
    architecture = registry().architecture(name)

    asked = early(rest, "preset", "config")
    defaults, preset = resolve(architecture, preset=asked.get("preset"), config=asked.get("config"))
    own = {
        "preset": (
            str | None,
            preset,
            f"A named set of values: {', '.join(architecture.presets) or 'none here'}. zoo info {name} tells of each.",
        ),
        "config": (Path | None, None, "Values from a TOML file, or from the config.json of an earlier run."),
        "out": (Path | None, None, f"Folder of the new run; by default the next free runs/{name}-NNN."),
    }
    given = parse_training(architecture, rest, defaults, own)
    written = _written(rest)
    preset, config, out = given.pop("preset"), given.pop("config"), given.pop("out")
    if "preset" not in written:
        preset = None  # the one shown in the help: which one is meant depends on the images
    flags = {key: value for key, value in given.items() if key in written}

    from zoo.cli.progress import Progress
    from zoo.engine.train import train

    with Progress() as progress:
        train(
            name, preset=preset, config=config, out=out,
            watchers=[progress], say=progress.say, preparing=progress.preparing, **flags,
        )  # fmt: skip
    return progress.code


def _written(arguments: Sequence[str]) -> set[str]:
    """The names of the options that the arguments set, as against those that keep a default."""
    names = {a[2:].partition("=")[0].partition(".")[0].replace("-", "_") for a in arguments if a.startswith("--")}
    return names | {name.removeprefix("no_") for name in names}


def _usage() -> str:
    names = registry().names
    return (
        "usage: zoo train NAME [OPTIONS]\n\nTrain a GAN. NAME is one of: "
        + ", ".join(names)
        + "\nzoo train NAME --help lists every option; zoo info NAME tells of its presets."
    )
