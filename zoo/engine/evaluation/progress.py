"""What evaluations keep from one to the next: how many samples they judge, which was best, and how long nothing was gained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from zoo.metric import Best
from zoo.run.scores import Score


@dataclass(frozen=True)
class Ranking:
    """What checkpoints are ranked by: a number of a metric."""

    metric: str
    number: str
    best: Best
    """Whether the lowest or the highest is best."""
    only: bool = True
    """Whether the number is the first that the metric ranks by, so that the metric's name alone says which."""

    others: Sequence[str] = ()
    """The other numbers that the metric ranks by."""

    @property
    def name(self) -> str:
        """As ``--keep-best`` takes it."""
        return self.metric if self.only else f"{self.metric}:{self.number}"

    @property
    def mark(self) -> str:
        """What the best checkpoint is kept as."""
        return f"best {self.name}"

    def better(self, one: float, other: float) -> bool:
        """Whether `one` is better than `other`."""
        return one < other if self.best == "lowest" else one > other


@dataclass
class Progress:
    """A part of every checkpoint of a run that evaluates."""

    samples: int
    """Images that are judged, the same number from the run's beginning to its end."""
    key: str = ""
    """What the numbers hang on: where it becomes another, nothing before compares."""
    best_step: int = 0
    """The step of the best evaluation; 0 before there was one."""
    best: float = 0.0
    """Its value."""
    edge: float = 0.0
    """Where the interval of the last gain ends, on the side of better numbers: the next gain is beyond it."""
    without_gain: int = 0
    """Evaluations since."""
    begun: bool = False
    """Whether there was an evaluation that `edge` is of."""

    def update(self, step: int, score: Score, ranking: Ranking, key: str) -> bool:
        """Take an evaluation in; whether it is the best so far. A value that is no number says nothing."""
        if score.value is None:
            return False
        if key != self.key:
            self.key, self.best_step, self.begun, self.without_gain = key, 0, False, 0
        if not self.begun or ranking.better(score.value, self.edge):
            inner = score.low if ranking.best == "lowest" else score.high
            self.edge = score.value if inner is None else inner
            self.begun, self.without_gain = True, 0
        else:
            self.without_gain += 1
        if self.best_step and not ranking.better(score.value, self.best):
            return False
        self.best_step, self.best = step, score.value
        return True

    def forget_best(self) -> None:
        """The checkpoint that was best is gone: the next one that is evaluated takes its place."""
        self.best_step = 0

    def state_dict(self) -> dict[str, Any]:
        """What is kept."""
        return asdict(self)

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state_dict`."""
        self.samples, self.key = int(state["samples"]), str(state["key"])
        self.best_step, self.best, self.edge = int(state["best_step"]), float(state["best"]), float(state["edge"])
        self.without_gain, self.begun = int(state["without_gain"]), bool(state["begun"])
