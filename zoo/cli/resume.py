"""``zoo resume RUN``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from zoo.cli.arguments import parse
from zoo.cli.importing import importing
from zoo.cli.stopping import stopping_by_signals


@dataclass
class Resume:
    """Go on with a run from its newest checkpoint, exactly as if it had not stopped."""

    run: tyro.conf.Positional[Path]
    """The folder that zoo train named."""
    steps: int | None = None
    """A new total of steps, to go on with a run that is finished."""
    device: Annotated[str | None, tyro.conf.arg(help="Another place to compute; by default the run's own.")] = None
    watch: Annotated[
        tuple[str, ...] | None, tyro.conf.arg(help="Callbacks of plugins from here on; by default the run's.")
    ] = None
    capture: Annotated[
        Literal["on", "off"] | None,
        tyro.conf.arg(help="Whether steps are captured from here on; by default as the run's are."),
    ] = None


def run(arguments: Sequence[str]) -> int:
    """Resume; returns the exit code."""
    given = parse(Resume, "resume", arguments)

    with importing():
        from zoo.cli.progress import Progress
        from zoo.engine.train import resume

    capture = None if given.capture is None else given.capture == "on"
    with stopping_by_signals(), Progress() as progress:
        resume(
            given.run, steps=given.steps, device=given.device, watch=given.watch, capture=capture,
            callbacks=[progress],
        )  # fmt: skip
    return 0
