"""``zoo evaluate RUN``."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tyro

from zoo.callback import Callback
from zoo.cli.arguments import parse
from zoo.cli.console import standard_output, table
from zoo.cli.importing import importing
from zoo.errors import OptionError, RunError, ZooError
from zoo.generate.request import check_count, check_seed
from zoo.plugins.kinds import METRIC, SOURCE
from zoo.plugins.registry import registry
from zoo.system.memory import OutOfMemoryError

if TYPE_CHECKING:
    from zoo.generate.generator import Generator
    from zoo.metric import Metric


@dataclass
class Evaluate:
    """Measure what a trained generator draws, with the metrics that plugins bring (zoo plugins)."""

    run: tyro.conf.Positional[Path]
    """The folder that zoo train named; or an architecture that comes trained: dcgan."""
    metric: tuple[str, ...] = ()
    """Metrics by name, as in --metric modes; by default all that suit the run."""
    samples: int | None = None
    """Images to judge, by default as many as each metric asks for."""
    seed: int = 0
    """Seed of the images."""
    step: int | None = None
    """The checkpoint of this step instead of the newest."""
    raw: bool = False
    """Judge the weights themselves, not their running average."""
    json: bool = False
    """Print JSON."""


class Notes(Callback):
    """Prints what takes its time, or happened to the data, where it is in nobody's way."""

    def on_note(self, line: str) -> None:
        """Print it."""
        print(line, file=sys.stderr)


@dataclass
class Measured:
    """What came of it: for each metric the number of samples and its numbers; for those that do not suit the reason, and for
    those that failed the error."""

    samples: dict[str, int] = field(default_factory=dict)
    numbers: dict[str, Mapping[str, float]] = field(default_factory=dict)
    unsuited: dict[str, str] = field(default_factory=dict)
    failed: dict[str, ZooError] = field(default_factory=dict)


def run(arguments: Sequence[str]) -> int:
    """Measure; returns the exit code: 2 where a metric failed, whatever the others gave."""
    given = parse(Evaluate, "evaluate", arguments)
    check_seed(given.seed, "--seed")
    if given.samples is not None:
        check_count(given.samples, "--samples")
    names = list(dict.fromkeys(given.metric)) or list(registry().of_kind(METRIC))
    metrics: list[Metric] = [registry().find(METRIC, name)() for name in names]

    with importing():
        from zoo.engine.callbacks import Callbacks
        from zoo.plugins.load import find_run, load
        from zoo.system.memory import enough_memory

    found = find_run(given.run)
    generator = load(found, step=given.step, averaged=not given.raw)
    from zoo.cli.stopping import stopping_by_signals

    fewer = enough_memory("judge fewer images: a lower --samples")
    with stopping_by_signals(), fewer, Callbacks([Notes()]).forward_log():
        measured = _measure(generator, str(found.config["options"].get("data")), metrics, given)
    if not measured.numbers and measured.failed:
        raise next(iter(measured.failed.values()))
    if not measured.numbers:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in measured.unsuited.items())
        raise RunError(f"no metric suits {found.path}: {reasons or 'no plugin brings one'} (zoo plugins)")
    if given.json:
        print(json.dumps(_content(found.path, generator, measured, given), indent=2))
    else:
        _show(found.path, generator, measured, metrics, given)
    for error in measured.failed.values():
        print(f"zoo: {error}", file=sys.stderr)
    return 2 if measured.failed else 0


def _measure(generator: Generator, data: str, metrics: Sequence[Metric], given: Evaluate) -> Measured:
    """Compute what suits. Raises OptionError for a metric that was asked for by name and does not."""
    from zoo.evaluate.context import RunContext

    measured = Measured()
    contexts: dict[int, RunContext] = {}  # metrics of as many samples judge the same ones
    for metric in metrics:
        count = given.samples or metric.samples
        context = contexts.setdefault(
            count, RunContext(generator, data, count, given.seed, list(registry().of_kind(SOURCE).values()))
        )
        try:
            if reason := metric.unsuited(context):
                if given.metric:
                    raise OptionError(f"--metric {metric.name}: {reason}")
                measured.unsuited[metric.name] = reason
                continue
            measured.numbers[metric.name] = metric.compute(context)
        except (OptionError, OutOfMemoryError):
            raise
        except ZooError as error:  # which hides no other metric
            measured.failed[metric.name] = error
            continue
        measured.samples[metric.name] = count
    return measured


def _content(path: Path, generator: Generator, measured: Measured, given: Evaluate) -> dict[str, Any]:
    """What --json prints; a number that is none is null."""
    return {
        "run": str(path),
        "architecture": generator.architecture,
        "step": generator.step,
        "averaged": not given.raw,
        "seed": given.seed,
        "metrics": {
            name: {
                "samples": measured.samples[name],
                "numbers": {key: value if math.isfinite(value) else None for key, value in numbers.items()},
            }
            for name, numbers in measured.numbers.items()
        },
        "unsuited": measured.unsuited,
        "failed": {name: str(error) for name, error in measured.failed.items()},
    }


def _show(path: Path, generator: Generator, measured: Measured, metrics: Sequence[Metric], given: Evaluate) -> None:
    """Print the numbers, what each means, and what they rest on."""
    console = standard_output()
    meaning = {metric.name: metric.numbers for metric in metrics}
    shown = table("metric", "number", "value", "what it is")
    for name, numbers in measured.numbers.items():
        for place, (key, value) in enumerate(numbers.items()):
            shown.add_row("" if place else name, key, _number(value), meaning[name].get(key, ""))
    weights = "the weights themselves" if given.raw else "the averaged weights, where the run has them"
    console.print(f"{path}, {generator.architecture}, step {generator.step}", markup=False, soft_wrap=True)
    console.print()
    console.print(shown)
    counts = sorted(set(measured.samples.values()))
    each = (
        f"{counts[0]:,} samples"
        if len(counts) == 1
        else ", ".join(f"{name} {count:,}" for name, count in measured.samples.items()) + " samples"
    )
    console.print(
        f"\nOf {each} of seed {given.seed}, of {weights}. Other samples give other numbers, the fewer the more so; "
        "one trained run says little of an architecture.",
        markup=False, soft_wrap=True,
    )  # fmt: skip
    for name, reason in measured.unsuited.items():
        console.print(f"Not computed: {name}: {reason}.", markup=False, soft_wrap=True)


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}"
