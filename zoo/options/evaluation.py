"""What is measured while a run trains, and what is kept and ended by it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from zoo.options.base import Group, Names


class EvaluationOptions(Group):
    """What is measured while a run trains, and what is kept and ended by it."""

    evaluate_every: Annotated[int, Field(ge=0)] = 0
    """Steps between two evaluations, whose scores go to scores.jsonl; 0 is none."""
    evaluate_metric: Names = ()
    """What is measured then, by the metrics' names; by default frechet, or what else suits the data and ranks."""
    evaluate_samples: Annotated[int, Field(ge=1, le=10**6)] | None = None
    """Images that are judged each time; by default as many as take about 2 % of the training's time, decided as the run begins."""
    keep_best: str | None = None
    """METRIC or METRIC:NUMBER, as frechet: the checkpoint that is best by it is kept beside the newest."""
    stop_after_no_gain: Annotated[int, Field(ge=0)] = 0
    """Evaluations without a gain beyond the interval, by --keep-best or the first metric, after which the run ends; 0 is never."""

    @model_validator(mode="after")
    def _evaluates(self) -> EvaluationOptions:
        """Raise ValueError for what hangs on evaluations, where there are none."""
        if not self.evaluate_every:
            for name in ("evaluate_metric", "evaluate_samples", "keep_best", "stop_after_no_gain"):
                if getattr(self, name):
                    raise ValueError(
                        f"--{name.replace('_', '-')} goes by evaluations, and there are none: give --evaluate-every N too"
                    )
        return self
