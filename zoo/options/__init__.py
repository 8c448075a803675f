"""The options of a training run: their types, defaults and meaning, declared once for Python, files and flags.

Flat to the outside; inside a class for each concern (`GROUPS`), from which help and documentation have their groups too.
"""

from __future__ import annotations

from pydantic import ConfigDict, model_validator

from zoo.options.base import Group
from zoo.options.data import DataOptions
from zoo.options.device import DeviceOptions
from zoo.options.evaluation import EvaluationOptions
from zoo.options.health import HealthOptions
from zoo.options.length import LengthOptions
from zoo.options.objective import ObjectiveOptions
from zoo.options.optimizer import OptimizerOptions
from zoo.options.output import OutputOptions

__all__ = ["GROUPS", "MOST_USED", "Options"]

GROUPS: dict[str, type[Group]] = {
    "data": DataOptions,
    "length": LengthOptions,
    "device": DeviceOptions,
    "objective": ObjectiveOptions,
    "optimizer": OptimizerOptions,
    "output": OutputOptions,
    "health": HealthOptions,
    "evaluation": EvaluationOptions,
}
"""Every group by its title, in the order in which they are shown."""

MOST_USED = (
    "data", "size", "steps", "epochs", "kimg", "batch_size", "learning_rate", "seed", "device", "sample_every", "checkpoint_every",
)  # fmt: skip
"""What ``zoo train NAME --help`` begins with, behind --preset, --config and --out."""


# The last base comes first in a pydantic model.
class Options(
    EvaluationOptions,
    HealthOptions,
    OutputOptions,
    OptimizerOptions,
    ObjectiveOptions,
    DeviceOptions,
    LengthOptions,
    DataOptions,
):
    """What every architecture's training run takes. Subclass it inside an architecture to add options of its own."""

    model_config = ConfigDict(defer_build=False)  # so that a class of options that cannot work says so when it is made

    @property
    def penalties(self) -> tuple[str, ...]:
        """The gradient penalties of D that a run has at any time: r1 at real images, r2 at generated ones."""
        return tuple(
            name for name in ("r1", "r2") if getattr(self, name) > 0 or (getattr(self, f"final_{name}") or 0.0) > 0
        )

    @model_validator(mode="after")
    def _same_fakes(self) -> Options:
        """Raise ValueError where the generator cannot learn from the discriminator's fakes, with the way out."""
        same = "simultaneous" if self.simultaneous else "reuse_fakes" if self.reuse_fakes else None
        clashes, ways_out = [], []
        if same and self.evaluate_fakes:
            clashes.append("evaluate_fakes, whose fakes are not those that the generator learns from")
            ways_out.append("--no-evaluate-fakes")
        if self.simultaneous and self.joined:
            clashes.append("joined, whose batch is the discriminator's alone")
            ways_out.append("--no-joined")
        drawn = self.generator_batch_size
        if same and drawn is not None and drawn != self.batch_size:
            clashes.append("another number of fakes for the generator")
            ways_out.append(f"--generator-batch-size {self.batch_size}")
        if clashes:
            raise ValueError(
                f"{same} excludes {'; '.join(clashes)}: give {' '.join(ways_out)}, or --no-{str(same).replace('_', '-')}"
            )
        return self
