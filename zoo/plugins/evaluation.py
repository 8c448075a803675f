"""``zoo.evaluate(…)``: from a run, a checkpoint or pictures to scores."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.data.images import Fit
from zoo.data.reading import Reading
from zoo.data.registry import is_name, open_source
from zoo.data.source import DataSource
from zoo.errors import DataError, OptionError, RunError, unknown
from zoo.generate.request import check_count, check_seed, check_truncation
from zoo.options.data import check_levels
from zoo.plugins.kinds import METRIC, SOURCE
from zoo.plugins.registry import registry
from zoo.run.naming import one_of
from zoo.run.place import check_path
from zoo.run.run import Run
from zoo.run.scores import Scores, write_scores
from zoo.system.memory import need_memory
from zoo.system.reading import reading

if TYPE_CHECKING:
    from zoo.evaluate.context import ComparedContext
    from zoo.evaluate.extractors.choose import Choice
    from zoo.evaluate.measuring import Measured, Numbers
    from zoo.generate.generator import Generator
    from zoo.metric import Metric
    from zoo.options import Options


_CROP: Fit = "crop"

_PLAIN = Reading()

_BYTES = 3
"""Of memory for each value of a generated image, at least: as it is drawn, and as it is looked at."""


@dataclass
class Subject:
    """What is judged: a run's generator, or pictures."""

    title: str
    context: Callable[[int | None], ComparedContext]
    """The context of so many samples; None: as many as there are."""
    run: Run | None = None
    """Whose scores are written; None where they are nobody's."""
    generator: Generator | None = None

    @property
    def step(self) -> int:
        """Of the checkpoint; 0 of pictures."""
        return self.generator.step if self.generator is not None else 0


@dataclass
class Evaluation:
    """What an evaluation found."""

    subject: Subject
    metrics: Sequence[Metric]
    measured: Measured
    scores: Scores
    """The numbers with their provenance, as `scores.jsonl` holds them."""

    def __getitem__(self, metric: str) -> Numbers:
        """The numbers of a metric by name: ``float(evaluation["frechet"]["distance"])``. Raises OptionError for one that was not
        computed, with the reason."""
        numbers = self.measured.numbers
        if metric in numbers:
            return numbers[metric]
        if why := self.measured.unsuited.get(metric) or self.measured.failed.get(metric):
            raise OptionError(f"{metric} was not computed: {why}")
        raise OptionError(unknown("metric of this evaluation", str(metric), list(numbers)))

    def __iter__(self) -> Iterator[str]:
        """The names of the metrics that were computed."""
        return iter(self.measured.numbers)

    def save(self) -> None:
        """Append the scores to those of the run, and keep the picture of the closest pairs, where ``copies`` was measured; nothing
        of pictures, and of other data than the run's. Raises RunError where that fails."""
        from zoo.evaluate.closest import keep_closest_pairs

        if self.subject.run is None:
            return
        write_scores(self.subject.run.path, self.scores)
        if (context := self.measured.contexts.get("copies")) is not None:
            keep_closest_pairs(context, self.subject.run.path, self.subject.step)


def evaluate(
    what: Run | Path | str,
    *,
    against: Run | Path | str | None = None,
    metrics: Sequence[str] | str = (),
    samples: int | None = None,
    seed: int = 0,
    step: int | None = None,
    averaged: bool = True,
    truncation: float | None = None,
    extractor: str = "auto",
    weights: Path | str | None = None,
    resize: str | None = None,
    sha256: str | None = None,
    save: bool = True,
    checkpoint: int | str | None = None,
    levels: str | None = None,
) -> Evaluation:
    """Measure what a generator draws, or pictures that one has drawn: ``zoo evaluate`` in Python, called ``zoo.evaluate``.

    Args:
        what: a run, its folder, or one of its checkpoints; or a folder or file of pictures, as ``--data`` takes it.
        against: the real images, as ``--data`` names them, or a run on them; by default what the run was trained on.
        metrics: by name, one or several; by default all that suit.
        samples: pictures to judge; by default as many as each metric asks for, or as there are.
        seed: of everything random.
        step: of the checkpoint, by default the newest.
        averaged: judge the running average of the weights, where the run has one.
        truncation: of the latents, as `Generator.sample` takes it.
        extractor: the feature network: auto, digits, classifier, efficientnet-lite0, inception or random.
        weights: the file of the network's weights (inception).
        resize: whose resizing: torch-fidelity, clean-fid or pytorch-fid (inception).
        sha256: what the hash of the network's weights is to be, or begin with.
        checkpoint: in the place of `step`, as `zoo.load` takes it: ``"best"``, say.
        levels: of pictures, judged or real, that are given as a file or folder: the values that are black and white (``"0,255"``),
            or ``"auto"``.
        save: append the scores to the run's ``scores.jsonl``, and keep the picture of the closest pairs, where ``copies`` is
            measured; those of other data than the run's are not.

    Raises:
        OptionError: for what does not fit, a metric asked for by name that does not suit among it.
        RunError: where no metric suits, or the run cannot be used; the first error of a metric where all failed.
        DataError: for pictures or real images that cannot be read or compared.
    """
    from zoo.evaluate.extractors.choose import Choice
    from zoo.evaluate.measuring import measure
    from zoo.evaluate.provenance import scores_of

    check_seed(seed)
    for given, role in ((what, "what is to be judged"), (against, "against")):
        if not isinstance(given, Run) and (given is not None or role != "against"):
            check_path(given, role)
    try:
        check_levels(levels)
    except ValueError as error:
        raise OptionError(f"--levels {levels}: {error}") from None
    if samples is not None:
        check_count(samples, "samples")
    choice = Choice(extractor, None if weights is None else Path(weights), resize, sha256)
    choice.check()
    names = list(dict.fromkeys([metrics] if isinstance(metrics, str) else metrics)) or list(registry().metrics)
    chosen: list[Metric] = [registry().find(METRIC, name)() for name in names]
    subject = subject_of(
        what, against, seed, one_of(checkpoint, step), averaged, truncation, choice, Reading(levels=levels)
    )
    contexts: dict[int | None, ComparedContext] = {}

    def context_of(metric: Metric) -> ComparedContext:
        """That of as many samples: metrics with the same number judge the same ones."""
        count = samples if samples is not None or subject.generator is None else metric.samples
        if count not in contexts:
            first = next(iter(contexts.values()), None)
            contexts[count] = subject.context(count)
            contexts[count].beside = first
        return contexts[count]

    measured = measure(chosen, context_of, by_name=bool(metrics))
    if not measured.numbers and measured.failed:
        raise next(iter(measured.failed.values()))
    if not measured.numbers:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in measured.unsuited.items())
        raise RunError(f"no metric suits {subject.title}: {reasons or 'no plugin brings one'} (zoo plugins)")
    scores = scores_of(measured, chosen, subject.step)
    found = Evaluation(subject, chosen, measured, scores)
    if save:
        found.save()
    return found


def subject_of(
    what: Run | Path | str,
    against: Run | Path | str | None,
    seed: int,
    step: int | str | None,
    averaged: bool,
    truncation: float | None,
    choice: Choice,
    how: Reading = _PLAIN,
) -> Subject:
    """What is meant; `how` pictures that are given are read. Raises as `evaluate` does."""
    if not isinstance(what, Run) and is_pictures(what):
        for given, flag in ((step, "step"), (truncation, "truncation")):
            if given is not None:
                raise OptionError(f"--{flag} is for a run; {what} holds pictures")
        if not averaged:
            raise OptionError(f"--raw is for a run; {what} holds pictures")
        return _of_pictures(str(what), against, seed, choice, how)
    from zoo.plugins.load import find_run, load

    if not isinstance(what, Run) and (found := _checkpoint(Path(what))) is not None:
        if step not in (None, found[1]):
            raise OptionError(f"--step {step}: {what} is the checkpoint of step {found[1]}")
        what, step = found
    if not isinstance(what, Run) and str(what) not in registry().names and not Path(what).expanduser().exists():
        raise RunError(
            f"there is nothing at {what}; give the folder of a run or one of its checkpoints, pictures (a folder, .npy, .npz, "
            ".zip), or an architecture that comes trained: dcgan (zoo list --runs)"
        )
    run = find_run(what)
    generator = load(run, checkpoint=step, averaged=averaged)
    check_truncation(truncation, generator.options.latent_distribution)
    other = _run_of(against)
    read_as = None if other is None else _options_of(other)
    data = str(against) if against is not None and read_as is None else (read_as or generator.options).data

    foreign = against is not None and read_as is None and data != generator.options.data
    real = _opened_against(against, how) if foreign else None
    if real is None and how.changed:
        raise OptionError(f"--levels {how.levels} is for pictures that are given; a run has its own")

    def context(count: int | None) -> ComparedContext:
        from zoo.evaluate.context import RunContext

        assert count is not None
        values = count * math.prod(generator.spec.shape)
        need_memory(_BYTES * values, f"judge fewer images than {count:,}: a lower --samples")
        made = RunContext(generator, data, count, seed, _sources(), choice, averaged, truncation, read_as)
        if real is not None:
            made.source = real
        return made

    own = against is None and str(what) not in registry().names  # of what comes with a package nothing is changed
    return Subject(str(run.path), context, run if own else None, generator)


def _of_pictures(what: str, against: Run | Path | str | None, seed: int, choice: Choice, how: Reading) -> Subject:
    """Pictures, and real images or a run on them."""
    if against is None:
        raise OptionError(
            f"{what} holds pictures; say what they are compared with: --against DATA, or a run (--against RUN)"
        )
    pictures = _opened(what, how)
    run = _run_of(against)
    if run is None:
        source, spec, fit, options = _opened_against(against, how), None, _CROP, None
    else:
        options = _options_of(run)
        source = open_source(options.data, _sources(), Reading.of(options))
        spec, fit = run.geometry()[0], options.fit

    def context(count: int | None) -> ComparedContext:
        from zoo.evaluate.pictures import PicturesContext

        return PicturesContext(pictures, source, count, seed, choice, spec, fit, options)

    return Subject(what, context)


def _opened(location: str, how: Reading) -> DataSource:
    """Data, read so where it is a file or a folder: what has a name is read as ever."""
    return open_source(location, _sources(), None if is_name(location, _sources()) else how)


def _opened_against(against: object, how: Reading) -> DataSource:
    """The real images. Raises DataError, in the words of --against."""
    try:
        return _opened(str(against), how)
    except DataError as error:
        raise DataError(str(error).replace("--data", "--against")) from error


def _run_of(against: Run | Path | str | None) -> Run | None:
    """The run that real images are those of; None where it is data."""
    if against is None or isinstance(against, Run):
        return against
    return Run(against) if is_run(against) else None


def _options_of(run: Run) -> Options:
    """What a run was trained with."""
    from zoo.plugins.registry import architecture_of

    return run.options(architecture_of(run))


def is_run(path: Path | str) -> bool:
    """Whether there is a run."""
    return os.path.exists(Path(path).expanduser() / "config.json")


def is_pictures(what: Path | str) -> bool:
    """Whether pictures are meant, and no run, checkpoint or architecture. Raises RunError where the system does not say."""
    path = Path(what).expanduser()
    if is_run(path) or _checkpoint(path) is not None or str(what) in registry().names:
        return False
    with reading(path, RunError):
        if path.is_dir():
            return any(source.accepts(str(what)) for source in _known().values())
        return path.exists() or is_name(str(what), _sources())


def _known() -> dict[str, type[DataSource]]:
    from zoo.data.registry import sources

    return sources(_sources())


def _checkpoint(path: Path) -> tuple[Path, int] | None:
    """The run and the step of a checkpoint's folder; None where it is none."""
    name = path.name
    if path.parent.name == "checkpoints" and name.startswith("step-") and name[5:].isdigit():
        run = path.parent.parent
        return (run, int(name[5:])) if is_run(run) else None
    return None


def _sources() -> list[type[DataSource]]:
    return list(registry().of_kind(SOURCE).values())
