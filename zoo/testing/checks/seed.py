"""Whether chance comes from the seed alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zoo.testing.messages import some
from zoo.testing.outcome import CheckFailed

if TYPE_CHECKING:
    from zoo.testing.subject import Subject


def seed(subject: Subject) -> None:
    """Two trainings with the same seed give the same numbers and pictures, bit for bit."""
    from zoo.testing.comparing import run_differences

    if found := run_differences(subject.run("one"), subject.run("another")):
        raise CheckFailed(
            f"two runs with the same seed differ in {some(found)}",
            "draw random numbers with torch alone, whose generator the engine seeds; not with random, numpy.random or a clock; "
            "keep no count outside the networks",
        )
