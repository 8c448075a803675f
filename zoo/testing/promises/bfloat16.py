"""Whether half precision will do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zoo.testing.outcome import BrokenPromise

if TYPE_CHECKING:
    from zoo.testing.rehearsal import Rehearsal
    from zoo.testing.subject import Subject


ADVICE = "within forward() and losses, take the dtype of what is given (x.dtype, x.to(y.dtype)) instead of float32"


def bfloat16(subject: Subject) -> None:
    """It trains with bfloat16 autocast: everything stays finite, and both networks move."""
    with subject.advising(ADVICE):
        trains(subject.rehearsal(precision="bfloat16"), ADVICE)


def trains(rehearsal: Rehearsal, advice: str) -> None:
    """Two updates of each network. Raises BrokenPromise where a number is not finite or a network does not move."""
    import torch

    before = {name: parameter.detach().clone() for name, parameter in rehearsal.parameters().items()}
    for number in rehearsal.numbers(2):
        for name, value in rehearsal.play(number).items():
            if not bool(torch.isfinite(value).all()):
                raise BrokenPromise(f"{name} is {float(value):g} in step {number}", advice)
    moved = set()
    for name, parameter in rehearsal.parameters().items():
        if not bool(torch.isfinite(parameter).all()):
            raise BrokenPromise(f"{name} holds NaN or infinity after two updates", advice)
        if not torch.equal(parameter, before[name]):
            moved.add(name.partition(".")[0])
    for role, _ in rehearsal.networks():
        if role not in moved:
            raise BrokenPromise(f"no parameter of the {role} has changed after two updates", advice)
