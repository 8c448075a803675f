"""What a run measures while it trains, decided before its first step: which metrics, of how many samples, by which ranking."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence

from zoo.data.reading import Reading
from zoo.data.registry import open_source
from zoo.data.source import DataSource
from zoo.engine.build import TrainingState
from zoo.engine.evaluation.context import TrainingContext, TrainingImages
from zoo.engine.evaluation.cost import (
    SHARE,
    cost_of_steps,
    count,
    generator_cost,
    metric_cost,
    samples_for,
    share_of,
)
from zoo.engine.evaluation.evaluations import Evaluations
from zoo.engine.evaluation.progress import Progress, Ranking
from zoo.engine.plan import RunPlan
from zoo.engine.runtime.seeds import random_numbers_kept
from zoo.errors import OptionError, PluginError, unknown
from zoo.generate.generator import Generator
from zoo.metric import Metric
from zoo.options import Options
from zoo.plugins.kinds import METRIC, SOURCE
from zoo.plugins.registry import registry
from zoo.system.streams import stream_seed

log = logging.getLogger(__name__)

DEFAULT = "frechet"
"""What is measured where nobody says, if it suits."""


def prepare_evaluations(plan: RunPlan, state: TrainingState) -> None:
    """Have a run evaluate, if its options say so; nothing of its state changes.

    Raises OptionError for a metric that does not suit, or a ranking that there is none of, PluginError for one that nobody knows.
    """
    options = plan.options
    if not options.evaluate_every:
        return
    with random_numbers_kept(plan.device):
        context = _context(plan, state)
        metrics = _chosen(options, context)
        ranking = _ranking(options, metrics)
        context.samples, words = _samples(state, metrics, context)
        for metric in metrics:  # of so many, or so few
            _refuse_unsuited(metric, context)
    if options.evaluate_every > state.steps:
        log.warning(
            "--evaluate-every %d: the run has %d steps, and is not evaluated; give %d or less",
            options.evaluate_every, state.steps, state.steps,
        )  # fmt: skip
    log.info("every %s steps %s: %s", f"{options.evaluate_every:,}", words, ", ".join(each.name for each in metrics))
    progress = Progress(context.samples)
    keeps, patience = options.keep_best is not None, options.stop_after_no_gain
    state.evaluations = Evaluations(context, metrics, ranking, keeps, patience, progress, options.evaluate_samples)


def _context(plan: RunPlan, state: TrainingState) -> TrainingContext:
    store, options, source = state.batches.loader.store, plan.options, plan.source
    names = store.class_names if plan.architecture.conditional else []
    # Its `step` is set with every evaluation, its network is the run's own, which draws as sample grids do.
    generator = Generator(state.sampling_generator, plan.architecture, options, plan.spec, names, 0)
    images = TrainingImages(source, store, plan.spec, options.fit, state.batches.loader.held_out)
    seed = stream_seed(options.seed, "evaluation")

    def reopen() -> DataSource:
        return open_source(options.data, list(registry().of_kind(SOURCE).values()), Reading.of(options))

    return TrainingContext(generator, images, reopen, options.evaluate_samples or 0, seed, state.ema is not None)


def _chosen(options: Options, context: TrainingContext) -> list[Metric]:
    """The metrics that are asked for; else the default one, those that rank, or those that suit. Raises OptionError."""
    ranks = options.keep_best.partition(":")[0] if options.keep_best and not options.evaluate_metric else ""
    if names := options.evaluate_metric or ((ranks,) if ranks else ()):
        flag = f"--keep-best {options.keep_best}" if ranks else ""
        if ranks and ranks not in registry().names_of(METRIC):
            raise PluginError(unknown("metric for --keep-best", ranks, registry().names_of(METRIC), "zoo plugins"))
        found = [registry().find(METRIC, name)() for name in dict.fromkeys(names)]
        for metric in found:
            _refuse_unsuited(metric, context, flag)
        return found
    known: list[Metric] = [make() for make in registry().metrics.values()]
    known.sort(key=lambda metric: (metric.name != DEFAULT, not metric.best))
    suited = [metric for metric in known if _unsuited(metric, context) is None]
    if not suited:
        raise OptionError("--evaluate-every: no metric suits such data (zoo plugins); leave it out")
    return suited[:1]


def _unsuited(metric: Metric, context: TrainingContext) -> str | None:
    asked = context.samples
    context.samples = asked or metric.samples
    try:
        return metric.unsuited(context)
    finally:
        context.samples = asked


def _refuse_unsuited(metric: Metric, context: TrainingContext, flag: str = "") -> None:
    """`flag`: what a person has typed that names it."""
    if reason := _unsuited(metric, context):
        raise OptionError(f"{flag or f'--evaluate-metric {metric.name}'}: {reason}")


def _ranking(options: Options, metrics: Sequence[Metric]) -> Ranking | None:
    """What ranks: ``--keep-best``, or the first number of the first metric. Raises OptionError where that is nothing."""
    wanted, _, number = (options.keep_best or "").partition(":")
    metric = next((each for each in metrics if each.name == wanted), None) if wanted else metrics[0]
    if metric is None:
        names = ", ".join(each.name for each in metrics)
        raise OptionError(
            f"--keep-best {options.keep_best}: it is not measured, {names} is; give --evaluate-metric {wanted} too"
        )
    if not metric.best:
        if options.keep_best is None and not options.stop_after_no_gain:
            return None
        flag = f"--keep-best {options.keep_best}" if wanted else f"--stop-after-no-gain {options.stop_after_no_gain}"
        raise OptionError(f"{flag}: {metric.name} has no number of which one end is best; give another metric")
    first = next(iter(metric.best))
    if number and number not in metric.best:
        raise OptionError(unknown(f"number of {metric.name} for --keep-best", number, metric.best))
    chosen = number or first
    others = [each for each in metric.best if each != chosen]
    return Ranking(metric.name, chosen, metric.best[chosen], chosen == first, others)


def _samples(state: TrainingState, metrics: Sequence[Metric], context: TrainingContext) -> tuple[int, str]:
    """How many samples are judged, and a few words on that."""
    options = state.options
    by_features = [metric for metric in metrics if metric.uses_features]
    each, real, dimension, training, features = generator_cost(state), 0, 0, 0, ""
    if by_features:
        network = context.network
        some = context.comparison.pixels_of(context.comparison.some(2))
        each += count(network.network, lambda: network.features(some)) / len(some)
        real, dimension = context.real_features.shape  # computed here, once, or read
        training = len(context.training) * context.training.values
        features = f", features of {network.name}"
    context.forget()

    def cost(samples: int) -> float:
        sizes = samples, real, dimension, training
        return samples * each + sum(metric_cost(metric.name, *sizes) for metric in by_features)

    budget = cost_of_steps(state, options.evaluate_every)
    most = max(metric.samples for metric in metrics)
    samples = options.evaluate_samples or samples_for(budget, cost, most)
    judged = f"{samples:,} samples are judged{features}"
    if state.batches.device.type != "cpu":
        return samples, f"{judged}, on the CPU" if by_features else judged
    share = share_of(cost(samples), budget)
    return samples, f"{judged}, in {share_in_words(share, options.evaluate_every)}"


def share_in_words(share: float, every: int) -> str:
    """What share of a training's time evaluations take each `every` steps, and how seldom they would have to be for `SHARE`."""
    about = f"about {share:,.0%}" if share >= 0.01 else "less than 1%"
    digits = 10 ** max(0, len(str(int(every * share / SHARE))) - 2)  # two of them say enough
    seldom = math.ceil(every * share / SHARE / digits) * digits
    less = f"; --evaluate-every {seldom} takes {SHARE:.0%}" if share > 1.5 * SHARE else ""
    return f"{about} of the training's time at most{less}"
