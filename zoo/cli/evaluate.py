"""``zoo evaluate``."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from zoo.callback import Callback
from zoo.cli.arguments import parse
from zoo.cli.console import standard_output, table
from zoo.cli.importing import importing
from zoo.cli.side_by_side import MOST, Judged, compare, show_side_by_side
from zoo.errors import OptionError, ZooError
from zoo.generate.request import check_count, check_seed
from zoo.metric import Estimate
from zoo.plugins.kinds import METRIC
from zoo.plugins.registry import registry
from zoo.run.files import advising, replacing, writing
from zoo.run.scores import remarks

if TYPE_CHECKING:
    from zoo.plugins.evaluation import Evaluation


@dataclass
class Evaluate:
    """Measure how good pictures are: those of a trained generator, or of a folder or file, with the metrics that plugins bring (zoo
    plugins). Scores of a run are appended to its scores.jsonl. Several are judged alike and shown side by side, as far as they
    compare; the exit code is 2 where some of it does not."""

    what: Annotated[tuple[str, ...], tyro.conf.Positional, tyro.conf.arg(metavar="WHAT [WHAT ...]")]
    """The folder of a run or one of its checkpoints; an architecture that comes trained (dcgan); or pictures: a folder, .npy, .npz
    or .zip. Up to twelve, side by side."""
    against: Annotated[str | None, tyro.conf.arg(metavar="DATA|RUN")] = None
    """Real images to compare with, as --data takes them, or a run on them; by default what the run was trained on."""
    metric: Annotated[tuple[str, ...], tyro.conf.arg(metavar="NAME [NAME ...]")] = ()
    """Metrics by name, as in --metric frechet copies; by default all that suit."""
    samples: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """Images to judge, by default as many as each metric asks for, or as there are."""
    extractor: str = "auto"
    """The feature network: digits, classifier, efficientnet-lite0, inception, random; by default what suits the data."""
    weights: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """The file of its weights, for inception: pt_inception-2015-12-05-6726825d.pth."""
    resize: Annotated[str | None, tyro.conf.arg(metavar="NAME")] = None
    """Whose resizing, for inception: torch-fidelity (the default), clean-fid or pytorch-fid."""
    sha256: Annotated[str | None, tyro.conf.arg(metavar="HASH")] = None
    """What the hash of its weights is to begin with; others are refused."""
    truncation: Annotated[float | None, tyro.conf.arg(metavar="T")] = None
    """Draw latents within this many standard deviations."""
    levels: Annotated[str | None, tyro.conf.arg(metavar="LO,HI|auto")] = None
    """What is black and what is white in pictures that are given as a file or folder: 0,255, or auto."""
    copies: Annotated[Path | None, tyro.conf.arg(metavar="NAME.png")] = None
    """Write a picture of the ten samples that are closest to a training image, each beside it. Folders on the way are made."""
    seed: int = 0
    """Seed of everything random."""
    checkpoint: Annotated[str | None, tyro.conf.arg(metavar="best|last|N")] = None
    """The checkpoint: best, which --keep-best has kept, last, or that of a step; by default the newest."""
    step: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """The same by its step alone."""
    raw: bool = False
    """Judge the weights themselves, not their running average."""
    save: bool = True
    """Append the scores to the run's scores.jsonl, and keep the picture of the closest pairs beside them, for zoo report."""
    json: bool = False
    """Print JSON."""


WIDE = 120
"""Columns of a terminal from which on it is said what each number is, beside its interval."""


class Notes(Callback):
    """Prints what takes its time, or happened to the data, where it is in nobody's way."""

    def on_note(self, line: str) -> None:
        """Print it."""
        print(line, file=sys.stderr)


def run(arguments: Sequence[str]) -> int:
    """Measure; returns the exit code: 2 where a metric failed, whatever the others gave."""
    given = parse(Evaluate, "evaluate", arguments)
    check_seed(given.seed, "--seed")
    if given.samples is not None:
        check_count(given.samples, "--samples")
    if not 1 <= len(given.what) <= MOST:
        raise OptionError(
            f"{len(given.what)} things to judge are given; give 1 to {MOST}: a run, one of its checkpoints, or pictures"
        )
    if given.copies is not None and len(given.what) > 1:
        raise OptionError(f"--copies {given.copies}: it is of one run or one set of pictures; give one thing to judge")
    if given.copies is not None and given.copies.suffix.lower() != ".png":
        raise OptionError(f"--copies {given.copies}: give the name of a .png file")
    for name in given.metric:
        registry().find(METRIC, name)

    with importing():
        from zoo.engine.callbacks import Callbacks
        from zoo.plugins.evaluation import evaluate
        from zoo.system.memory import enough_memory
    from zoo.cli.stopping import stopping_by_signals

    fewer = enough_memory("judge fewer images: a lower --samples")
    lacking: list[ZooError] = []  # of what was found nothing is lost as it cannot be written
    failed = False
    judged: list[Judged] = []
    with stopping_by_signals(), fewer, Callbacks([Notes()]).forward_log():
        for what in dict.fromkeys(given.what):
            try:
                found = evaluate(
                    what, against=given.against, metrics=given.metric, samples=given.samples, seed=given.seed, step=given.step,
                    averaged=not given.raw, truncation=given.truncation, extractor=given.extractor, weights=given.weights,
                    resize=given.resize, sha256=given.sha256, save=False, checkpoint=given.checkpoint, levels=given.levels,
                )  # fmt: skip
            except ZooError as error:
                lacking.append(error)  # one that cannot be judged takes nothing from the others
                continue
            if given.save:
                _keep(found.save, "--no-save measures without it", lacking)
            for failure in found.measured.failed.values():
                print(f"zoo: {failure}", file=sys.stderr)
            failed = failed or bool(found.measured.failed)
            judged.append(Judged(what, found.scores, _content(found, given)))
        if given.copies is not None and judged:
            path = given.copies
            _keep(lambda: _draw_copies(found, path), "choose another place with --copies", lacking)
    if not judged:
        raise lacking[0]
    if len({*given.what}) > 1:  # whether or not all of them could be judged
        failed = not _show_several(judged, given) or failed
        if not failed and not given.json:
            standard_output().print(_basis(found, given), markup=False, soft_wrap=True)
    elif given.json:
        print(json.dumps(judged[0].content, indent=2))
    else:
        _show(found, given)
    sys.stdout.flush()
    for each in lacking:
        print(f"zoo: {each}", file=sys.stderr)
    return 2 if failed or lacking else 0


def _keep(write: Callable[[], None], otherwise: str, lacking: list[ZooError]) -> None:
    """Write what was found; keep the error where that cannot be, which is told after the numbers."""
    try:
        with advising(lambda mend: f"{mend}, or {otherwise}" if mend else otherwise):
            write()
    except ZooError as error:
        lacking.append(error)


def _show_several(judged: Sequence[Judged], given: Evaluate) -> bool:
    """Print what was found of several; whether all of it compares."""
    if not given.json:
        return show_side_by_side(judged)
    apart = compare(judged)
    differing = [{"what": title, "metric": metric, "differs": found} for (metric, title), found in apart.items()]
    content = [{"what": each.title, **each.content} for each in judged]
    print(json.dumps({"evaluations": content, "incomparable": differing}, indent=2))
    return not apart


def _draw_copies(found: Evaluation, path: Path) -> None:
    """Write the picture of the closest pairs. Raises OptionError for points."""
    from zoo.evaluate.closest import closest_pairs

    context = found.measured.contexts.get("copies") or next(iter(found.measured.contexts.values()))
    picture = closest_pairs(context)
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary:
        picture.save(temporary)


def _content(found: Evaluation, given: Evaluate) -> dict[str, Any]:
    """What --json prints; a number that is none is null."""
    generator, measured = found.subject.generator, found.measured
    scores = found.scores.as_json()
    return {
        "run" if generator is not None else "pictures": found.subject.title,
        "architecture": None if generator is None else generator.architecture,
        "step": None if generator is None else generator.step,
        "averaged": None if generator is None else not given.raw,
        "seed": given.seed,
        "metrics": {
            name: {
                "samples": measured.samples(name),
                "numbers": {key: score["value"] for key, score in numbers.items()},
            }
            for name, numbers in scores["scores"].items()
        },
        "scores": scores["scores"],
        "provenance": scores["provenance"],
        "apart": scores.get("apart", {}),
        "unsuited": measured.unsuited,
        "failed": {name: str(error) for name, error in measured.failed.items()},
    }


def _show(found: Evaluation, given: Evaluate) -> None:
    """Print the numbers, what each means, and what they rest on."""
    console = standard_output()
    generator, measured = found.subject.generator, found.measured
    meaning = {metric.name: metric.numbers for metric in found.metrics}
    intervals = any(isinstance(value, Estimate) for of in measured.numbers.values() for value in of.values())
    meanings = not intervals or console.width >= WIDE
    best = {(metric.name, key): way for metric in found.metrics for key, way in metric.best.items()}
    columns = [*(["95 % interval", "real halves"] if intervals else []), "best", *(["what it is"] if meanings else [])]
    shown = table("metric", "number", "value", *columns)
    for name, numbers in measured.numbers.items():
        for place, (key, value) in enumerate(numbers.items()):
            cells = _cells(value) if intervals else _cells(value)[:1]
            words = [meaning[name].get(key, "")] if meanings else []
            shown.add_row("" if place else name, key, *cells, best.get((name, key), ""), *words)
    about = "pictures" if generator is None else f"{generator.architecture}, step {generator.step}"
    console.print(f"{found.subject.title}, {about}", markup=False, soft_wrap=True)
    console.print()
    console.print(shown)
    console.print(f"\n{_basis(found, given)}", markup=False, soft_wrap=True)
    for line in remarks(found.scores):
        console.print(line, markup=False, soft_wrap=True)
    if not meanings:
        console.print(f"What each number is: in a terminal of {WIDE} columns.", markup=False, soft_wrap=True)
    for name, reason in measured.unsuited.items():
        console.print(f"Not computed: {name}: {reason}.", markup=False, soft_wrap=True)


def _basis(found: Evaluation, given: Evaluate) -> str:
    """What the numbers rest on, in sentences."""
    measured, made = found.measured, found.scores.provenance
    count = {name: measured.samples(name) for name in measured.numbers}
    each = (
        f"{next(iter(count.values())):,} samples"
        if len(set(count.values())) == 1
        else ", ".join(f"{name} {samples:,}" for name, samples in count.items()) + " samples"
    )
    generator = found.subject.generator
    of = [f"Of {each} of seed {given.seed}"]
    if generator is not None:
        averaged = not given.raw and generator.options.averages
        of[0] += f", of the {'averaged weights' if averaged else 'weights themselves'}"
    if "extractor" in made:
        of[0] += f", and {made['real']:,} real images"
        of.append(f"Features of {made['extractor']} ({made['extractor_sha256'][:12]})")
    of.append(
        "Other samples give other numbers, the fewer the more so; one trained run says little of an architecture."
    )
    return ".\n".join(of)


def _cells(value: float | Estimate) -> tuple[str, str, str]:
    """A number, its interval and its floor."""
    if not isinstance(value, Estimate):
        return _number(value), "", ""
    floor = "" if value.floor is None else _number(value.floor)
    return _number(value.value), f"{_number(value.low)} to {_number(value.high)}", floor


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}"
