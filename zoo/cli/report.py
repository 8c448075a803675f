"""``zoo report RUN [RUN …]``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from zoo.cli.arguments import parse


@dataclass
class Report:
    """Write the report on a run, finished or not, or on several side by side: one HTML page that needs nothing else, with pictures,
    curves, scores, settings and how to reproduce it. A training ends with one (--no-report)."""

    runs: Annotated[tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="RUN [RUN ...]")]
    """The folders that zoo train named."""
    out: Annotated[Path | None, tyro.conf.arg(metavar="NAME.html")] = None
    """The page to write, NAME.html; by default the run's report.html, or report.html here for several. Folders on the way are
    made."""


def run(arguments: Sequence[str]) -> int:
    """Write it; returns the exit code."""
    given = parse(Report, "report", arguments)

    from zoo.report.write import write_report

    print(f"report: {write_report(*given.runs, out=given.out)}")
    return 0
