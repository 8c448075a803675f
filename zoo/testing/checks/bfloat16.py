"""Whether half precision will do."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zoo.testing.subject import Subject

ADVICE = "within forward() and losses, take the dtype of what is given (x.dtype, x.to(y.dtype)) instead of float32"


def bfloat16(subject: Subject) -> None:
    """It trains with bfloat16 autocast: everything stays finite, and both networks move."""
    from zoo.testing.training import advising, trains

    with advising(subject, ADVICE):
        trains(subject.repeated_step(precision="bfloat16"), ADVICE)
