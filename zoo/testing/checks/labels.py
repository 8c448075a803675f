"""Whether conditional networks look at labels."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

from zoo.testing.outcome import CheckFailed, CheckSkipped

if TYPE_CHECKING:
    from zoo.testing.subject import Subject

SEED = 5


def labels(subject: Subject) -> None:
    """Where it is conditional, both networks answer differently for each label."""
    import torch
    from torch import Tensor, nn

    if not subject.architecture.conditional:
        raise CheckSkipped("it is not conditional")
    classes = subject.spec.classes
    repeated = subject.repeated_step().every_label()
    for number in repeated.numbers(
        classes + 1
    ):  # a part for the labels may begin at zero, even where a batch is one image
        repeated.run(number)
    images = repeated.batch.images
    latents = repeated.step.latents.draw(len(images))

    def answer(network: nn.Module, given: Tensor, label: int) -> Tensor:
        torch.manual_seed(SEED)  # noise and dropout, if there are any in evaluation, are the same for each label
        found: Tensor = network(given, torch.full((len(images),), label, device=images.device))
        return found

    for role, network in repeated.networks():
        network.eval()
        given = latents if role == "generator" else images
        with torch.no_grad():
            answers = [answer(network, given, label) for label in range(classes)]
        for one, other in combinations(range(len(answers)), 2):
            if torch.equal(answers[one], answers[other]):
                raise CheckFailed(
                    f"the {role} gives the very same for label {one} and label {other}, all else being equal",
                    f"use the second argument of the {role}'s forward(): an embedding or a one-hot vector of data.classes; or set "
                    "conditional = False",
                )
