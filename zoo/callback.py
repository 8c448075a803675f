"""What is told how a run goes: progress bars, loggers, plugins. Importing this imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from zoo.run.run import Run
    from zoo.run.scores import Scores


class Callback:
    """Something that is told how a run goes. Override what you care about; every method does nothing by default.

    The hook `zoo_training_callbacks(run)` returns callbacks. One of a plugin that raises is named in a line and told nothing
    more; the run goes on. What a callback raises that was given to `zoo.train` stops the run and reaches the caller: it is the
    caller's own. No checkpoint is written for it; `zoo.resume` goes on from the newest.
    """

    name: ClassVar[str | None] = None
    """Of a plugin's: what switches it on (``--watch NAME``), so that a run may do without. None: it is told of every run.

    The constructor is to be quick in either case; what costs time or leaves files behind belongs in `on_start`.
    """

    def on_note(self, line: str) -> None:
        """A line worth knowing, from zoo's logger (``logging.getLogger("zoo")``): before the run begins too, and between steps."""

    def on_prepare(self, done: int, total: int) -> None:
        """`done` of `total` images are prepared. Of the caller's callbacks alone: there is no run yet."""

    def on_start(self, run: Run, step: int, steps: int) -> None:
        """Training is about to begin at `step` (0 for a new run) and will end at `steps`.

        Told again where a training goes back to an earlier step (``--on-trouble heal``), which is `step` then.
        """

    def on_step(self, step: int) -> None:
        """`step` steps are done. Called very often: be quick."""

    def on_metrics(self, metrics: Mapping[str, float]) -> None:
        """A line of metrics.jsonl: step, both losses, d_real, d_fake, learning_rate, images_per_second, seconds, a plugin's own."""

    def on_sample(self, step: int, picture: Path) -> None:
        """A sample grid was written."""

    def on_evaluation(self, scores: Scores) -> None:
        """The generator was measured (``--evaluate-every``): a line of scores.jsonl, with its intervals and its provenance."""

    def on_checkpoint(self, step: int, checkpoint: Path) -> None:
        """A checkpoint was written, whole: beside the training, which may be some steps further by now."""

    def on_end(self, run: Run, step: int, finished: bool) -> None:
        """Training is over: `finished`, or stopped on request at `step`. Not called where an error ends it."""
