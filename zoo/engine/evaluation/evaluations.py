"""The evaluations of a run while it trains."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch

from zoo.data.cache import digest
from zoo.engine.evaluation.context import TrainingContext
from zoo.engine.evaluation.progress import Progress, Ranking
from zoo.engine.runtime.seeds import random_numbers_kept
from zoo.errors import in_one_line
from zoo.evaluate.measuring import measure
from zoo.evaluate.provenance import scores_of
from zoo.metric import Metric
from zoo.run.marks import mark, marks
from zoo.run.run import Run, quoted
from zoo.run.scores import DECISIVE, DURING, Score, Scores

log = logging.getLogger(__name__)


@dataclass
class Evaluations:
    """Measures the generator as it is, and keeps what follows of that. Nothing of the training changes, and none of its random
    numbers is drawn. A metric that fails is a line.
    """

    context: TrainingContext
    metrics: Sequence[Metric]
    ranking: Ranking | None
    """What checkpoints are ranked by; None where the metrics rank none."""
    keeps_best: bool
    """Whether the best checkpoint is kept."""
    patience: int
    """Evaluations without a gain after which the run ends; 0: it does not."""
    progress: Progress
    asked: int | None = None
    """How many samples a person asks for, whatever the run has judged before."""
    _told: list[tuple[str, str]] = field(default_factory=list)
    """Metrics that failed, and why, as lines have said."""

    def evaluate(self, step: int, device: torch.device) -> Scores | None:
        """The scores after `step` steps; None where there are none, which a line tells."""
        context = self.context
        context.generator.step = step
        self.progress.samples = context.samples = self.asked or self.progress.samples
        try:
            with random_numbers_kept(device):
                measured = measure(self.metrics, lambda metric: context)
                scores = scores_of(measured, self.metrics, step)
        except (
            Exception
        ) as error:  # of a foreign metric, or of pictures that are none: the training is none the worse for it
            log.warning("step %d is not evaluated: %s", step, in_one_line(error))
            return None
        finally:
            context.forget()
        failed = {name: in_one_line(error) for name, error in measured.failed.items()}
        for told in {**measured.unsuited, **failed}.items():
            if told not in self._told:  # each time it would be the same line
                self._told.append(told)
                log.warning("step %d: no score of %s: %s", step, *told)
        if not measured.numbers:
            return None
        return replace(scores, provenance={**scores.provenance, DURING: "training"})

    def take(self, scores: Scores) -> bool:
        """Count an evaluation; whether its checkpoint is to be kept as the best. Says in a line how it went."""
        ranking = self.ranking
        score = None if ranking is None else scores.of(ranking.metric, ranking.number)
        if ranking is None or score is None:
            log.info("step %d: %s", scores.step, in_words(scores, ranking))
            told = (ranking.metric, ranking.number) if ranking is not None else ("", "")
            if ranking is not None and ranking.metric in scores.scores and told not in self._told:
                self._told.append(told)
                others = ", ".join(name for name in scores.scores[ranking.metric] if name in ranking.others)
                log.warning(
                    "step %d: %s has no %s of %s samples, and nothing is ranked by it; a higher --evaluate-samples may give "
                    "it%s", scores.step, *told, f"{self.progress.samples:,}", f", or rank by {others}" if others else "",
                )  # fmt: skip
            return False
        made = scores.provenance_of(ranking.metric)
        key = digest(ranking.name, *(f"{name}={made.get(name)}" for name in DECISIVE))
        if self.progress.begun and key != self.progress.key:
            log.info(
                "scores from step %d on do not compare with those before: the best is looked for anew", scores.step
            )
        best = self.progress.update(scores.step, score, ranking, key)
        words = f", the best {ranking.number} so far" if best and (self.keeps_best or self.patience) else ""
        log.info("step %d: %s%s", scores.step, in_words(scores, ranking), words)
        return best and self.keeps_best

    @property
    def over(self) -> bool:
        """Whether the run ends, as nothing was gained for long."""
        return 0 < self.patience <= self.progress.without_gain

    @property
    def why_none(self) -> str | None:
        """A line where a best checkpoint was to be kept and there is none; None where there is one, or none was to be."""
        if self.ranking is None or not self.keeps_best or self.progress.best_step:
            return None
        return f"no checkpoint is kept as the best: no evaluation gave a number of {self.ranking.name}"

    def why_over(self, run: Path, step: int, steps: int) -> str:
        """A line on it."""
        count, ranking = self.progress.without_gain, self.ranking
        by = "" if ranking is None else f" in {ranking.name}"
        best = f", best at step {self.progress.best_step}" if self.progress.best_step else ""
        return (
            f"ended after step {step} of {steps}: {count} evaluation{'s' * (count > 1)} without a gain{by}{best} "
            f"(--stop-after-no-gain {self.patience}); zoo resume {quoted(run)} --stop-after-no-gain {count + self.patience} goes "
            "on, 0 to the last step"
        )

    def reconcile(self, run: Run) -> None:
        """Have the best checkpoint marked, which it may not be where a process was killed or the run went back; look for a new one
        where it is gone."""
        if self.ranking is None or not self.keeps_best or not self.progress.best_step:
            return
        folder = dict(run.checkpoints).get(self.progress.best_step)
        if folder is None:
            log.info(
                "the checkpoint of step %d, the best so far, is gone: the best is looked for anew",
                self.progress.best_step,
            )
            self.progress.forget_best()
        elif self.ranking.mark not in marks(folder):
            mark(folder, *self.keep_as)

    @property
    def keep_as(self) -> tuple[str, str]:
        """The mark of the best checkpoint: its name, and its value in words."""
        assert self.ranking is not None
        return self.ranking.mark, f"{self.progress.best:.6g}"


def in_words(scores: Scores, ranking: Ranking | None = None) -> str:
    """The first number of each metric with its interval, and what checkpoints are ranked by where that is another:
    ``frechet distance 12.5 (11.9 to 13.1), unbiased 9.1 (8.4 to 9.8)``."""
    told = []
    for name, numbers in scores.scores.items():
        first = next(iter(numbers), None)
        names = " ".join(dict.fromkeys((name, first))) if first is not None else name
        told += [f"{names} {_shown(numbers[first])}"] if first is not None else []
        if ranking is not None and ranking.metric == name and ranking.number != first:
            told += [f"{ranking.number} {_shown(numbers[ranking.number])}"] if ranking.number in numbers else []
    return ", ".join(told)


def _shown(score: Score) -> str:
    if score.value is None:
        return "no number"
    interval = f" ({score.low:.4g} to {score.high:.4g})" if score.low is not None and score.high is not None else ""
    return f"{score.value:.4g}{interval}"
