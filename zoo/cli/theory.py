"""``zoo theory``."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro
from rich.table import Table

from zoo.cli.arguments import parse
from zoo.cli.console import standard_output
from zoo.errors import OptionError, RunError
from zoo.generate.request import check_seed

if TYPE_CHECKING:
    from zoo.evaluate.coverage import Coverage
    from zoo.theory.optimum import Comparison

STEPS = 2000
"""Training steps of D, where it is not said how many."""

WIDER = 0.1
"""The standard deviation of the modes in the plane: those of the ring and the grid as they are ask too much of a small D."""


@dataclass
class Theory:
    """Train a discriminator against a generator of known density; compare it with p_data / (p_data + p_g), and the value of
    the game with 2 JS - 2 log 2. With the folder of a run on toy data: which modes has its generator found?"""

    run: Annotated[Path | None, tyro.conf.Positional, tyro.conf.arg(metavar="[RUN]")] = None
    """A run of `zoo train vanilla --data ring` (or grid, line): count its modes instead."""
    source: str | None = None
    """The data: line (default), ring or grid."""
    generator: str | None = None
    """The fixed generator: gaussian (default; one, as wide as the data), missing (every second mode), wider (each twice as
    wide), same."""
    deviation: float | None = None
    """The standard deviation of the data's modes; by default the line's own, and 0.1 in the plane."""
    steps: int | None = None
    """Training steps, by default 2,000, each on 1,024 new points of both densities."""
    seed: int = 0
    """Seed of everything random."""
    out: Path | None = None
    """Folder for theory.json and theory.png; by default runs/theory-SOURCE-GENERATOR, or the run's own."""


def run(arguments: Sequence[str]) -> int:
    """Compare; returns the exit code."""
    given = parse(Theory, "theory", arguments)
    check_seed(given.seed, "--seed")
    if given.run is not None:
        for name in ("source", "generator", "deviation", "steps"):
            if getattr(given, name) is not None:
                raise OptionError(
                    f"--{name} is for a discriminator trained against a fixed generator, and {given.run} is a run whose modes "
                    "are counted; leave one of them out"
                )
        return _modes(given, given.run)
    if given.steps is not None and given.steps < 1:
        raise OptionError(f"--steps {given.steps}: give at least 1")
    if given.deviation is not None and not 0 < given.deviation <= 1:
        raise OptionError(f"--deviation {given.deviation}: give a number above 0, at most 1")
    return _optimum(given)


def _optimum(given: Theory) -> int:
    from zoo.data.formats.toy import mixture
    from zoo.theory.fixed import fixed_generator
    from zoo.theory.integration import Lattice
    from zoo.theory.optimum import compare, train_discriminator

    source = "line" if given.source is None else given.source
    kind = "gaussian" if given.generator is None else given.generator
    steps = given.steps or STEPS
    data = mixture(source)
    deviation = given.deviation or (WIDER if data.dimensions == 2 else data.deviation)
    data = data.with_deviation(deviation)
    generator = fixed_generator(kind, data)
    Lattice.around(data, generator.mixture)  # what is too narrow is said before the training, not after it
    console = standard_output()
    began = time.monotonic()
    place = given.out or Path("runs") / f"theory-{source}-{kind}"
    with _folder(place) as folder, console.status("") as status:

        def progress(done: int) -> None:
            if done % 50 == 0:
                status.update(f"training D: {done} of {steps} steps")

        network = train_discriminator(data, generator, steps, given.seed, progress=progress)
        status.update("integrating")
        comparison = compare(data, generator, network, given.seed)
    seconds = time.monotonic() - began
    console.print(_table(comparison))
    found = comparison.agreement
    console.print(
        f"\nD* = p_data / (p_data + p_g). The region is the smallest that carries {found.share:.0%} of the mass of "
        f"(p_data + p_g) / 2. {steps} steps, {seconds:.0f} s.",
        markup=False, soft_wrap=True,
    )  # fmt: skip
    content = {
        "source": source, "deviation": deviation, "generator": kind, "steps": steps,
        "seed": given.seed, **asdict(found), "gap": found.gap, "sampled_gap": found.sampled_gap,
    }  # fmt: skip
    _write(folder, content, console.print)
    _picture(folder, comparison, f"{source} against {kind}", console.print)
    return 0


def _table(comparison: Comparison) -> Table:
    found = comparison.agreement
    table = Table("", "", box=None, pad_edge=False, show_header=False)
    for name, value in (
        ("JS(p_data, p_g), integrated", f"{found.js:.5f}"),
        ("2 JS - 2 log 2, the best value", f"{found.best_value:.5f}"),
        ("value of the trained D, integrated", f"{found.value:.5f}"),
        ("    short of the best by", f"{found.gap:.5f}"),
        ("value of the trained D, on fresh points", f"{found.sampled_value:.5f} ± {found.sampled_error:.5f}"),
        ("    short of the best by", f"{found.sampled_gap:.5f}"),
        ("largest |D - D*| in the region", f"{found.max_error:.4f}"),
        ("mean |D - D*|, weighted by density", f"{found.mean_error:.4f}"),
    ):
        table.add_row(name, value)
    return table


def _modes(given: Theory, path: Path) -> int:
    """The coverage of a run's generator."""
    from zoo.data.formats.toy import MIXTURES, mixture
    from zoo.evaluate.context import RunContext
    from zoo.evaluate.coverage import WITHIN
    from zoo.evaluate.modes import ModeCoverage
    from zoo.plugins.load import load
    from zoo.run.run import Run

    found = Run(path)
    options = found.config.get("options")
    name = options.get("data") if isinstance(options, dict) else None
    if name not in MIXTURES:
        raise RunError(
            f"{found.path} was trained on {name!r}; modes are counted where they are known: "
            "zoo train vanilla --data ring (or grid, line)"
        )
    generator = load(found)
    metric = ModeCoverage()
    judged = metric.coverage(RunContext(generator, name, metric.samples, given.seed))
    console = standard_output()
    console.print(
        f"{found.path}, step {generator.step}: {judged.found} of {judged.modes} modes found, "
        f"{judged.high_quality:.1%} of {judged.samples:,} samples of high quality",
        markup=False, soft_wrap=True,
    )  # fmt: skip
    of_data = [f"{weight:.1%}" for weight in mixture(name).weights]
    expected = f"{of_data[0]} each" if len(set(of_data)) == 1 else " ".join(of_data)
    console.print(f"at each mode: {_shares(judged)} (of the data: {expected})", markup=False, soft_wrap=True)
    console.print(
        f"High quality: within {WITHIN:g} standard deviations of the nearest mode. Found: nearest to a sample of high quality.",
        markup=False, soft_wrap=True,
    )  # fmt: skip
    content = {
        "source": name, "step": generator.step, "seed": given.seed, "samples": judged.samples, "modes": judged.modes,
        "found": judged.found, "high_quality": judged.high_quality, "counts": judged.counts.tolist(),
    }  # fmt: skip
    with _folder(given.out or found.path) as folder:
        _write(folder, content, console.print)
    return 0


def _shares(judged: Coverage) -> str:
    return " ".join(f"{count / judged.samples:.1%}" for count in judged.counts)


@contextmanager
def _folder(path: Path) -> Iterator[Path]:
    """The folder to write to, made now: a place that cannot be written is better known before the training.

    What was made goes again where nothing came of it.
    """
    from zoo.run.files import writing

    made = [place for place in (path, *path.parents) if not place.exists()]
    try:
        with writing(path):
            path.mkdir(parents=True, exist_ok=True)
            probe = path / ".theory"
            probe.touch()
            probe.unlink()
        yield path
    except BaseException:
        for place in made:
            with suppress(OSError):
                place.rmdir()
        raise


def _write(folder: Path, content: dict[str, Any], say: Any) -> None:
    from zoo.run.files import write_json

    write_json(folder / "theory.json", content)
    say(f"written: {folder / 'theory.json'}", markup=False, soft_wrap=True)


def _picture(folder: Path, comparison: Comparison, what: str, say: Any) -> None:
    from zoo.plots.figure import ADVICE, can_draw
    from zoo.theory.picture import draw_theory, summary

    if not can_draw():
        say(f"no picture: matplotlib is not installed ({ADVICE})", markup=False, soft_wrap=True)
        return
    draw_theory(comparison, f"{what}: {summary(comparison)}", folder / "theory.png")
    say(f"written: {folder / 'theory.png'}", markup=False, soft_wrap=True)
