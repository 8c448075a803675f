"""One training step of a GAN, whole: `Step.run`.

The discriminator D learns to tell real images from the generator's; the generator G learns to be taken for real (Goodfellow et
al. 2014). A step runs an architecture's phases in order: by default one that updates D, then one that updates G. A phase computes
gradients for its own network alone: while D learns, G only draws; while G learns, D's parameters are constants.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from zoo import step_context
from zoo.architecture import Phase
from zoo.augmentation import Augmentation
from zoo.data.loader import Batch
from zoo.engine.augmentation.apply import augmented, augmented_batches
from zoo.engine.augmentation.probability import LOGGED, Probability
from zoo.engine.layout import to_channels_last
from zoo.engine.losses import DEFAULT_LOSSES, DrawnFakes, Statistics
from zoo.engine.runtime.precision import Precision
from zoo.generate.latent.latents import Latents
from zoo.nn.groups import in_groups
from zoo.nn.modes import evaluating
from zoo.objective import Objective, middle_of, needs_real_logits
from zoo.options import Options


@dataclass
class Step:
    """Everything a step needs. `draw` gives the next batch; `classes` is 0 where labels play no part."""

    generator: nn.Module
    discriminator: nn.Module
    optimizers: Mapping[str, Optimizer]
    phases: Sequence[Phase]
    objective: Objective
    options: Options
    latents: Latents
    draw: Callable[[], Batch]
    precision: Precision
    classes: int = 0
    augmentations: Sequence[Augmentation] = ()
    """What is done to all that D sees."""
    probability: Probability | None = None
    """With what probability, in each image; always where there is none."""
    channels_last: bool = False
    """Whether D takes its images channels last (`zoo.engine.layout`)."""
    joint_pass: bool = False
    """Whether D may see real images and fakes in one pass (`zoo.engine.trial`)."""
    latest: Statistics = field(default_factory=dict)
    """What each phase has told when it last ran."""
    penalties: dict[str, Any] = field(default_factory=dict)
    """The weights of the penalties that the options have, in this step: numbers, or 0-d tensors on a GPU where they change."""
    number_asked: bool = field(default=False, init=False)
    """Whether a loss has looked at the number of a step, which makes steps differ in more than what is due."""

    def __post_init__(self) -> None:
        """The weights begin with those of the options."""
        if not self.penalties:
            self.set_penalties({name: getattr(self.options, name) for name in self.options.penalties})

    def set_penalties(self, weights: Mapping[str, float]) -> None:
        """Set the weights of R1 and R2, by name; where they change, a recorded step is to find them on the device."""
        for name, weight in weights.items():
            if isinstance(kept := self.penalties.get(name), Tensor):
                kept.fill_(weight)
            elif self.options.capture and getattr(self.options, f"final_{name}") is not None:
                self.penalties[name] = torch.tensor(weight, device=self.latents.device)
            else:
                self.penalties[name] = weight

    def run(self, number: int) -> Statistics:
        """Run the phases of step `number` (counted from 0).

        Returns what each phase has to tell as of the last step in which it ran, as tensors that are not read back yet.
        """
        statistics: Statistics = {}
        drawn: list[Drawn] = []  # by D's phase, for G's phase that follows to use again, or some of it
        waiting: list[Phase] = []  # phases whose gradients are computed, and whose update waits for another's
        due = [phase for phase in self.phases if phase.due(number)]
        for phase, following in zip(due, [*due, None][1:], strict=True):
            d_then_g = following is not None and _d_then_g(phase, following)
            simultaneous = self.options.simultaneous and d_then_g
            reuse = simultaneous or (self.options.reuse_fakes and d_then_g)
            keeps = reuse or (d_then_g and needs_real_logits(self.objective))
            updates_g = phase.updates == "generator"
            given, drawn = (drawn if updates_g else []), []
            # Whose gradients: those of the network that learns, anew, and no other's.
            self.optimizers[phase.updates].zero_grad(set_to_none=True)  # of what was frozen meanwhile, too
            parameters = [p for p in getattr(self, phase.updates).parameters() if p.requires_grad]
            losses = []
            with constant(self.discriminator if updates_g else None):
                for _ in range(self.options.accumulate):
                    # What is drawn: real images and fakes, when the loss first asks for them.
                    again = given.pop(0) if given else None
                    context = StepContext(self, number, phase, again, updates_g or reuse, simultaneous)
                    # Whose loss: the phase's own, or the objective's of D's logits.
                    with self.precision.autocast():
                        outcome = (phase.loss or DEFAULT_LOSSES[phase.updates])(context)
                    loss, found = outcome if isinstance(outcome, tuple) else (outcome, {})
                    self.precision.backward(loss, parameters, again=simultaneous)
                    losses.append(loss.detach())
                    statistics.update(found)
                    if keeps:
                        drawn.append(context.drawn(fakes=reuse))
            statistics[_loss_name(phase)] = sum(losses[1:], start=losses[0])
            if self.probability is not None and not updates_g:
                statistics.update(self.probability.update())
            # Whose update: this phase's, or with --simultaneous both at once.
            waiting.append(phase)
            if not simultaneous:
                self._update(waiting, statistics)
                waiting = []
        self.latest |= statistics
        return dict(self.latest)

    def _update(self, phases: Sequence[Phase], statistics: Statistics) -> None:
        """Let the networks of these phases take a step, but for one whose loss is low enough."""
        self.precision.update(
            *(
                self.optimizers[phase.updates]
                for phase in phases
                if phase.skip_below is None or float(statistics[_loss_name(phase)]) > phase.skip_below
            )
        )

    def due(self, role: str, number: int) -> bool:
        """Whether a network is updated in step `number`."""
        return any(phase.updates == role and phase.due(number) for phase in self.phases)

    def generate(self, count: int, labels: Tensor | None) -> DrawnFakes:
        """G's images of new latents."""
        latents = self.latents.draw(count)
        if self.classes and labels is None:
            labels = self.latents.labels(count, self.classes)
        images = self.generator(latents, labels) if self.classes else self.generator(latents)
        return DrawnFakes(images, latents, labels if self.classes else None)

    def discriminate(self, images: Tensor, labels: Tensor | None) -> Tensor:
        """D's logits (N,) of the images."""
        return self.logits(augmented(images, self.augmentations, self.probability), labels)

    def discriminate_apart(self, batches: Sequence[Tensor], labels: Tensor | None) -> list[Tensor]:
        """D's logits (N,) of each batch in a pass of its own; the labels are those of each."""
        changed = augmented_batches(batches, self.augmentations, self.probability)
        return [self.logits(images, labels) for images in changed]

    def logits(self, images: Tensor, labels: Tensor | None) -> Tensor:
        """D's logits (N,) of images that are augmented already."""
        entering = to_channels_last(images) if self.channels_last else images
        logits: Tensor = self.discriminator(entering, labels) if self.classes else self.discriminator(entering)
        return logits.reshape(len(images))

    def state_dict(self) -> dict[str, Any]:
        """What is kept from step to step beside the networks and what draws: the latest statistics."""
        return {"latest": {name: float(value) for name, value in self.latest.items()}}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state_dict`."""
        moves = self.probability is not None and self.probability.adaptive
        self.latest = {
            name: torch.tensor(float(value)) for name, value in state["latest"].items() if moves or name not in LOGGED
        }


class Drawn(NamedTuple):
    """What one phase has drawn and the next may use again."""

    batch: Batch | None
    fakes: DrawnFakes | None


class StepContext(step_context.StepContext):
    """`zoo.StepContext`, and how it reaches the networks."""

    def __init__(
        self, step: Step, number: int, phase: Phase, again: Drawn | None, g_gradients: bool, simultaneous: bool
    ) -> None:
        """`again`: what the phase before has drawn, to be used again. `g_gradients`: whether fakes are to carry gradients to G."""
        self._step = step
        self._number = number
        self._phase = phase
        self._again = again
        self._g_gradients = g_gradients
        self._simultaneous = simultaneous
        self.options: Any = step.options
        self.objective = step.objective
        self.scale = 1.0 / step.options.accumulate

    @property
    def generator(self) -> nn.Module:
        """As `StepContext.generator`."""
        return self._step.generator

    @property
    def discriminator(self) -> nn.Module:
        """As `StepContext.discriminator`."""
        return self._step.discriminator

    @property
    def number(self) -> int:
        """As `StepContext.number`."""
        self._step.number_asked = True
        return self._number

    @property
    def phase_step(self) -> int:
        """As `StepContext.phase_step`."""
        return self.number // self._phase.every

    @property
    def penalty_due(self) -> bool:
        """As `StepContext.penalty_due`."""
        return penalty_due(self.options, self._phase, self._number)

    @property
    def penalties(self) -> dict[str, Any]:
        """As `StepContext.penalties`."""
        return dict(self._step.penalties) if self.penalty_due else {}

    @cached_property
    def batch(self) -> Batch:
        """The next batch of the data; that of D's phase before where G's loss compares its fakes with real images."""
        again = self._again.batch if self._again and needs_real_logits(self.objective) else None
        return self._step.draw() if again is None else again

    @property
    def real(self) -> Tensor:
        """As `StepContext.real`."""
        return self.batch.images

    @property
    def labels(self) -> Tensor | None:
        """As `StepContext.labels`."""
        return self.batch.labels if self._step.classes else None

    @cached_property
    def fakes(self) -> DrawnFakes:
        """As `StepContext.fakes`."""
        if self._again is not None and self._again.fakes is not None:
            return self._again.fakes
        if self._phase.updates == "discriminator" or needs_real_logits(self.objective):
            return self.generate(len(self.real), self.labels)
        return self.generate(self.options.generator_batch_size or self.options.batch_size)

    def drawn(self, fakes: bool) -> Drawn:
        """What this phase has drawn, its fakes too where they are to be used again."""
        return Drawn(self.__dict__.get("batch"), self.fakes if fakes else None)

    def generate(self, count: int, labels: Tensor | None = None) -> DrawnFakes:
        """As `StepContext.generate`."""
        evaluated = self.options.evaluate_fakes and self._phase.updates == "discriminator"
        with torch.set_grad_enabled(self._g_gradients), evaluating(self._step.generator if evaluated else None):
            return self._step.generate(count, labels)

    def discriminate(self, images: Tensor, labels: Tensor | None = None) -> Tensor:
        """As `StepContext.discriminate`."""
        logits = self._step.discriminate(images, labels)
        batch = self.__dict__.get("batch")
        if batch is not None and images is batch.images:
            self._observe(logits, middle_of(self.objective))
        return logits

    def discriminate_both(self, apart: bool = False) -> tuple[Tensor, Tensor]:
        """As `StepContext.discriminate_both`."""
        real_logits, fake_logits = self._both(apart)
        # An objective that compares the two says nothing of either by itself.
        relative = needs_real_logits(self.objective) and len(real_logits) == len(fake_logits)
        self._observe(real_logits, fake_logits.detach().float() if relative else middle_of(self.objective))
        return real_logits, fake_logits

    def _both(self, apart: bool) -> tuple[Tensor, Tensor]:
        real, fakes, labels = self.real, self.fakes, self.labels
        if self._simultaneous:
            # G learns from the pass over the fakes too: it is left open towards G, and holds nothing else.
            real_logits, fakes.logits = self._step.discriminate_apart([real, fakes.drawn], labels)
            return real_logits, fakes.logits
        fake, joined = fakes.constant, self.options.joined
        if joined or (self._step.joint_pass and not apart):
            with in_groups(self._step.discriminator, 1 if joined else 2):
                both = None if labels is None else torch.cat([labels, labels])
                logits = self._step.discriminate(torch.cat([real, fake]), both)
            return logits[: len(real)], logits[len(real) :]
        real_logits, fake_logits = self._step.discriminate_apart([real, fake], labels)
        return real_logits, fake_logits

    def _observe(self, real_logits: Tensor, middle: Tensor | float) -> None:
        """Let the probability of augmentations see what D makes of real images, as it learns."""
        if self._step.probability is not None and self._phase.updates == "discriminator":
            self._step.probability.observe(real_logits, middle)

    def default_loss(self) -> tuple[Tensor, Statistics]:
        """As `StepContext.default_loss`."""
        return DEFAULT_LOSSES[self._phase.updates](self)


def penalty_due(options: Options, phase: Phase, number: int) -> bool:
    """Whether D's gradient penalty is due in a phase of step `number` (from 0): each `r1_every`-th time that it runs."""
    due = phase.updates == "discriminator" and number // phase.every % options.r1_every == 0
    return due and bool(options.penalties)


def alternates(phases: Sequence[Phase], number: int) -> bool:
    """Whether in step `number` (from 0) an update of G follows one of D."""
    due = [phase for phase in phases if phase.due(number)]
    return any(map(_d_then_g, due, due[1:]))


def _d_then_g(phase: Phase, following: Phase) -> bool:
    return phase.updates == "discriminator" and following.updates == "generator"


def _loss_name(phase: Phase) -> str:
    return f"{phase.updates[0]}_loss"


@contextmanager
def constant(network: nn.Module | None) -> Iterator[None]:
    """Within it the network's parameters take no gradients: none is computed for them, while gradients flow through."""
    parameters = [] if network is None else [p for p in network.parameters() if p.requires_grad]
    for parameter in parameters:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in parameters:
            parameter.requires_grad_(True)
