"""Writes what a run tells as TensorBoard's event files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from zoo_plugins.tensorboard.command import FOLDER

import zoo

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

TIMES = {"step", "seconds"}
"""What stands in every line of metrics.jsonl and is no curve: TensorBoard has a step and a clock of its own."""


class TensorBoard(zoo.Callback):
    """Scalars, sample grids and the options of a run, below RUN/tensorboard: ``zoo tensorboard runs`` shows them.

    Losses of both networks share one chart's group, as do D's judgements and the speeds. A resumed run goes on in the same
    curves: what was written after the checkpoint it goes on from is left out by TensorBoard.
    """

    name = "tensorboard"

    def __init__(self) -> None:
        self._charts: set[str] = set()

    def on_start(self, run: zoo.Run, step: int, steps: int) -> None:
        """Open a new event file; those before stay, the last one of this process too, of a training that goes back."""
        from torch.utils.tensorboard import SummaryWriter  # a second or two, so only for runs that ask for it

        if hasattr(self, "writer"):
            self.writer.close()
        self.writer: SummaryWriter = SummaryWriter(str(run.path / FOLDER), purge_step=step + 1 if step else None)
        options = json.dumps(run.config["options"], indent=2)
        self.writer.add_text("options", "\n".join(f"    {line}" for line in options.splitlines()), step)

    def on_metrics(self, metrics: Mapping[str, float]) -> None:
        """A point for each number."""
        for key in metrics.keys() - TIMES:
            self.writer.add_scalar(tag(key), metrics[key], int(metrics["step"]))

    def on_sample(self, step: int, picture: Path) -> None:
        """The sample grid, as it was written."""
        import numpy as np
        from PIL import Image

        with Image.open(picture, formats=["PNG"]) as opened:
            self.writer.add_image("samples", np.asarray(opened.convert("RGB")), step, dataformats="HWC")

    def on_evaluation(self, scores: zoo.Scores) -> None:
        """A point for each score, and for both ends of its interval; one chart for each shows all three as a band."""
        charts: dict[str, list[object]] = {}
        for metric, numbers in scores.scores.items():
            for name, score in numbers.items():
                points = {"": score.value, "_low": score.low, "_high": score.high, "_floor": score.floor}
                for end, value in points.items():
                    if value is not None:
                        self.writer.add_scalar(f"scores/{metric}_{name}{end}", value, scores.step)
                if None not in (score.value, score.low, score.high):
                    tags = [f"scores/{metric}_{name}{end}" for end in ("", "_low", "_high")]
                    charts[f"{metric} {name}"] = ["Margin", tags]
        if charts and charts.keys() != self._charts:
            self._charts = set(charts)
            self.writer.add_custom_scalars({"scores": charts})

    def on_checkpoint(self, step: int, checkpoint: Path) -> None:
        """What is in a checkpoint is on the disk; let the curves be too."""
        self.writer.flush()

    def on_end(self, run: zoo.Run, step: int, finished: bool) -> None:
        """Close the file."""
        self.writer.close()


def tag(metric: str) -> str:
    """Where a number is shown: ``d_loss`` under ``loss/``, ``d_real`` under ``judgement/``, and so on.

    >>> tag("d_loss"), tag("d_fake"), tag("images_per_second"), tag("r1")
    ('loss/d', 'judgement/d_fake', 'training/images_per_second', 'statistics/r1')
    """
    if metric in ("d_loss", "g_loss"):
        return f"loss/{metric[0]}"
    if metric in ("d_real", "d_fake"):
        return f"judgement/{metric}"
    group = "training" if metric in ("images_per_second", "learning_rate") else "statistics"
    return f"{group}/{metric}"
