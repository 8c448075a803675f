"""``zoo train NAME``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import tyro

from zoo.cli.arguments import given_by_hand, name_first, parse_training, training_defaults
from zoo.cli.importing import importing
from zoo.cli.stopping import stopping_by_signals
from zoo.cli.streams import unfailing_streams
from zoo.plugins.registry import registry


def run(arguments: Sequence[str]) -> int:
    """Train; returns the exit code."""
    if not arguments or arguments[0] in ("-h", "--help"):
        print(_usage())
        return 0
    architecture, rest = name_first("train", arguments)
    defaults, own = training_defaults(architecture, rest)
    own["out"] = (Path | None, None, f"Folder of the new run; by default the next free runs/{architecture.name}-NNN.")
    own["from_run"] = (
        Annotated[Path | None, tyro.conf.arg(name="from")],
        None,
        "A run whose weights this one begins with, or the name of an architecture that comes trained.",
    )
    parsed = parse_training(architecture, rest, defaults, own)
    given = {**given_by_hand(parsed, rest), "from_run": parsed["from_run"]}

    with importing():
        from zoo.cli.progress import Progress
        from zoo.engine.train import train

    with unfailing_streams(), stopping_by_signals(), Progress() as progress:
        train(architecture.name, callbacks=[progress], **given)
    return 0


def _usage() -> str:
    names = registry().names
    return (
        "usage: zoo train NAME [OPTIONS]\n\nTrain a GAN. NAME is one of: "
        + ", ".join(names)
        + "\nzoo train NAME --help lists every option; zoo info NAME tells of its presets."
    )
