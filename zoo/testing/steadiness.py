"""Whether an architecture can be compared with itself at all."""

from __future__ import annotations

import torch

from zoo.testing.outcome import NotChecked
from zoo.testing.subject import Subject


def must_be_steady(subject: Subject) -> None:
    """Raise NotChecked where two networks that are built alike do not learn alike: what is compared would differ anyhow.

    Asked where a comparison has failed, so that a message does not blame it on what was compared.
    """
    given = subject.given
    found = []
    for _ in range(2):
        rehearsal = subject.rehearsal()
        played = [rehearsal.play(number) for number in rehearsal.numbers(2)]
        values = [value for statistics in played for value in statistics.values()]
        found.append([*values, *rehearsal.parameters().values()])
    subject.given = given
    if not all(torch.equal(one, other) for one, other in zip(*found, strict=True)):
        raise NotChecked("two networks that are built alike learn differently: see the promise 'seed'")
