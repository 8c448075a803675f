"""Whether the smallest batch that is claimed is enough."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zoo.testing.subject import Subject


def batch(subject: Subject) -> None:
    """It trains on as few images at a time as it says (smallest_batch)."""
    from zoo.testing.training import advising, trains

    count = subject.architecture.smallest_batch
    advice = f"set smallest_batch to {count + 1} or more; batch normalisation, for one, needs several values for each channel"
    with advising(subject, advice):
        trains(subject.repeated_step(batch_size=count, generator_batch_size=None), advice)
