"""Whether conditional networks look at labels."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

from zoo.testing.outcome import BrokenPromise, NotChecked

if TYPE_CHECKING:
    from zoo.testing.subject import Subject

UPDATES = 2


def labels(subject: Subject) -> None:
    """Where it is conditional, both networks answer differently for each label."""
    import torch

    if not subject.architecture.conditional:
        raise NotChecked("it is not conditional")
    rehearsal = subject.rehearsal()
    for number in rehearsal.numbers(UPDATES):  # a part for the labels may begin at zero
        rehearsal.play(number)
    images = rehearsal.batch.images
    latents = rehearsal.step.latents.draw(len(images))
    for role, network in rehearsal.networks():
        network.eval()
        given = latents if role == "generator" else images
        with torch.no_grad():
            answers = [
                network(given, torch.full((len(images),), label, device=images.device))
                for label in range(subject.spec.classes)
            ]
        for one, other in combinations(range(len(answers)), 2):
            if torch.equal(answers[one], answers[other]):
                raise BrokenPromise(
                    f"the {role} gives the very same for label {one} and label {other}, all else being equal",
                    f"use the second argument of the {role}'s forward(): an embedding or a one-hot vector of data.classes; or set "
                    "conditional = False",
                )
