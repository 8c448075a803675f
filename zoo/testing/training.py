"""Whether a network trains at all, for checks that it trains under some condition."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from zoo.errors import ZooError
from zoo.testing.attribution import machine, reason
from zoo.testing.outcome import CheckFailed, CheckSkipped
from zoo.testing.repeated_step import RepeatedStep
from zoo.testing.subject import Subject

FIRST = "mend that first; zoo check {name} --only gradients runs such a step"


@contextmanager
def advising(subject: Subject, advice: str) -> Iterator[None]:
    """A block that trains under some condition: what fails in it fails the check, and `advice` is what to do about it.

    Unless an ordinary step fails too: then it is not the condition, and the message tells of that step.
    """
    try:
        yield
    except CheckSkipped:
        raise
    except Exception as error:
        if machine(error, subject.plugin):
            raise
        given = subject.given
        if found := _ordinary(subject):
            raise CheckFailed(f"an ordinary step fails already: {found}", FIRST.format(name=subject.name)) from error
        subject.given = given
        if isinstance(error, CheckFailed):
            raise
        raise CheckFailed(_words(subject, error), advice) from error


def _ordinary(subject: Subject) -> str:
    """Why no step runs under the options as they are; empty where it is."""
    try:
        trains(subject.repeated_step(), "")
    except CheckFailed as error:
        return error.found
    except Exception as error:
        return _words(subject, error)
    return ""


def _words(subject: Subject, error: Exception) -> str:
    return str(error) if isinstance(error, ZooError) else reason(error, subject.plugin)


def trains(repeated: RepeatedStep, advice: str) -> None:
    """Two updates of each network. Raises CheckFailed where a number is not finite or a network does not move."""
    before = {name: parameter.detach().clone() for name, parameter in repeated.parameters().items()}
    for number in repeated.numbers(2):
        for name, value in repeated.run(number).items():
            if not bool(torch.isfinite(value).all()):
                raise CheckFailed(f"{name} is {float(value):g} in step {number}", advice)
    moved = set()
    for name, parameter in repeated.parameters().items():
        if not bool(torch.isfinite(parameter).all()):
            raise CheckFailed(f"{name} holds NaN or infinity after two updates", advice)
        if not torch.equal(parameter, before[name]):
            moved.add(name.partition(".")[0])
    for role, _ in repeated.networks():
        if role not in moved:
            raise CheckFailed(f"no parameter of the {role} has changed after two updates", advice)
