"""A training step that is run again and again on the same images, latents and random numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import count, cycle, islice

import torch
from torch import Tensor, nn
from torch.nn.modules.dropout import _DropoutNd

from zoo.architecture import Phase
from zoo.data.loader import Batch
from zoo.engine.build import TrainingState
from zoo.engine.losses import Statistics
from zoo.generate.latent.latents import Latents

ROLES = ("discriminator", "generator")
SEED = 11


class RepeatedStep:
    """The step of a training with one batch for ever, so that what changes from one time to the next is what was learned.

    A phase with `skip_below` learns whatever its loss: the rule is for a network that is too far ahead of the other, of which one
    batch for ever tells nothing.
    """

    def __init__(self, state: TrainingState) -> None:
        self.state = state
        self.step = step = state.step
        images, labels = state.batches()
        state.batches.close()
        self.batch = Batch(images, labels)
        step.draw = lambda: Batch(images.clone(), labels)  # R1 marks the images it is given
        step.phases = [replace(phase, skip_below=None) for phase in step.phases]

    def every_label(self) -> RepeatedStep:
        """The same with the classes by turns, in the batch and for what G draws, however few images see a label at once."""
        images = self.batch.images
        latents = self.step.latents
        self.step.latents = CyclingLabels(0, latents.size, latents.distribution, latents.device)
        given = CyclingLabels(0, 1, device=images.device)
        self.step.draw = lambda: Batch(images.clone(), given.labels(len(images), self.step.classes))
        return self

    def run(self, number: int) -> Statistics:
        """Step `number`, with the same random numbers each time."""
        torch.manual_seed(SEED)
        self.step.latents.random.manual_seed(SEED)
        return self.step.run(number)

    def numbers(self, times: int = 1) -> list[int]:
        """The steps, from 0, in which each network has been updated `times` times; none for a network that never is."""
        return sorted({number for role in ROLES for number in islice(due(self.step.phases, role), times)})

    def frozen(self) -> RepeatedStep:
        """The same for a comparison of two: learning rates of 0, so that no step changes a parameter, and no dropout.

        What is dropped out is drawn in the order of memory, which another kernel may lay out in another way.
        """
        for _, network in self.networks():
            for module in network.modules():
                if isinstance(module, _DropoutNd):
                    module.p = 0.0
        for optimizer in self.step.optimizers.values():
            for group in optimizer.param_groups:
                group["lr"] = 0.0
        return self

    def networks(self) -> Iterator[tuple[str, nn.Module]]:
        """Both networks, each with its role."""
        for role in ROLES:
            yield role, getattr(self.step, role)

    def parameters(self) -> dict[str, Tensor]:
        """The parameters of both networks that require a gradient, by role and name."""
        return {
            f"{role}.{name}": parameter
            for role, network in self.networks()
            for name, parameter in network.named_parameters()
            if parameter.requires_grad
        }


class CyclingLabels(Latents):
    """Latents whose labels are 0, 1, 2, … and begin anew after the last class."""

    _next: Iterator[int] | None = None

    def labels(self, count: int, classes: int) -> Tensor:
        """The next `count` labels, int64 of shape (count,)."""
        self._next = self._next or cycle(range(classes))
        return torch.tensor(list(islice(self._next, count)), device=self.device)


def due(phases: Sequence[Phase], role: str) -> Iterator[int]:
    """The steps, from 0, in which a network is updated."""
    theirs = [phase for phase in phases if phase.updates == role]
    if theirs:
        yield from (number for number in count() if any(phase.due(number) for phase in theirs))
