"""One training step of a GAN, whole.

The game (Goodfellow et al. 2014): the discriminator D learns to tell real images from the generator's; the generator G
learns to be taken for real. A step runs an architecture's phases in order. A phase updates one network and computes
gradients for that network alone: while D learns, G only draws; while G learns, D's parameters are constants.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from zoo.architecture import Phase
from zoo.data.loader import Batch
from zoo.engine.layout import enter, leave
from zoo.engine.runtime.precision import Precision
from zoo.generate.latents import Latents
from zoo.nn.modes import evaluating
from zoo.nn.normalisation import in_groups
from zoo.objective import Objective
from zoo.options import Options

Statistics = dict[str, Tensor]


def discriminator_loss(turn: Turn) -> tuple[Tensor, Statistics]:
    """The objective's loss of D on a real batch and as many fakes, of the same labels."""
    real, scale, penalised = turn.real, turn.scale, turn.penalised
    if penalised:
        real.requires_grad_()
    real_logits, fake_logits = turn.judge_both(apart=penalised)
    if turn.options.joined:  # one mean, in which each half weighs one half
        scale /= 2
    loss, statistics = turn.objective.discriminator_loss(real_logits, fake_logits, scale=scale)
    found = {"d_real": statistics[0], "d_fake": statistics[1]}
    if penalised:
        penalty = turn.options.r1 * turn.options.r1_every * squared_slope(real_logits, real) / 2
        loss, found["r1"] = loss + turn.scale * penalty, penalty.detach()
    return loss, found


def squared_slope(logits: Tensor, images: Tensor) -> Tensor:
    """The mean over the images of |∇D|², the squared length of D's gradient there; can itself be differentiated.

    It is what R1 weighs (Mescheder et al. 2018, https://arxiv.org/abs/1801.04406).
    """
    (slope,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
    return slope.square().flatten(1).sum(1).mean()


def generator_loss(turn: Turn) -> tuple[Tensor, Statistics]:
    """The objective's loss of G on fakes, as D judges them."""
    fakes = turn.fakes
    logits = turn.judge(fakes.drawn, fakes.labels) if fakes.logits is None else fakes.logits
    loss, _ = turn.objective.generator_loss(logits, scale=turn.scale)
    return loss, {}


_LOSSES: dict[str, Callable[[Turn], tuple[Tensor, Statistics]]] = {
    "discriminator": discriminator_loss,
    "generator": generator_loss,
}


@dataclass
class Fakes:
    """Generated images, and the labels they were drawn for where the architecture is conditional."""

    drawn: Tensor
    """The images as G lays them in memory."""
    labels: Tensor | None
    logits: Tensor | None = None
    """D's, with gradients to both networks, where both learn from one pass over them (``--simultaneous``)."""

    @cached_property
    def images(self) -> Tensor:
        """The images (N, C, H, W), contiguous."""
        with torch.set_grad_enabled(self.drawn.requires_grad):  # whoever asks first: another may need the gradients
            return leave(self.drawn)


class Turn:
    """What the loss of one phase may use. A batch and fakes are drawn when first asked for."""

    def __init__(
        self, step: Step, number: int, phase: Phase, judged: Fakes | None, differentiable: bool, together: bool = False
    ) -> None:
        self._step = step
        self._phase = phase
        self._judged = judged
        self._differentiable = differentiable
        self._together = together
        self._number = number
        self.options: Any = step.options
        self.objective = step.objective
        self.scale = 1.0 / step.options.accumulate
        """What the loss is to be multiplied with, so that the gradients of accumulated batches average."""

    @property
    def number(self) -> int:
        """The step, counted from 0."""
        self._step.number_asked = True
        return self._number

    @property
    def turn(self) -> int:
        """How often this phase has run before."""
        return self.number // self._phase.every

    @property
    def penalised(self) -> bool:
        """Whether the options ask for a gradient penalty of D in this turn."""
        return penalised(self.options, self._phase, self._number)

    @cached_property
    def batch(self) -> Batch:
        """The next batch of the data."""
        return self._step.draw()

    @property
    def real(self) -> Tensor:
        """Real images (N, C, H, W) in [-1, 1]."""
        return self.batch.images

    @property
    def labels(self) -> Tensor | None:
        """Their labels (N,), int64; None where the architecture is not conditional."""
        return self.batch.labels if self._step.classes else None

    @cached_property
    def fakes(self) -> Fakes:
        """D's turn: as many as `real`, of its labels. G's: those that D has just judged if they are to be reused, else new ones."""
        if self._judged is not None:
            return self._judged
        if self._phase.updates == "discriminator":
            return self.generate(len(self.real), self.labels)
        return self.generate(self.options.generator_batch_size or self.options.batch_size)

    def generate(self, count: int, labels: Tensor | None = None) -> Fakes:
        """New fakes of the given labels, or of random ones. They carry gradients to G where this turn is G's."""
        evaluated = self.options.evaluate_fakes and self._phase.updates == "discriminator"
        with torch.set_grad_enabled(self._differentiable), evaluating(self._step.generator if evaluated else None):
            return self._step.generate(count, labels)

    def judge(self, images: Tensor, labels: Tensor | None = None) -> Tensor:
        """D's logits, of shape (N,). They carry gradients to D where this turn is D's."""
        return self._step.judge(images, labels)

    def judge_both(self, apart: bool = False) -> tuple[Tensor, Tensor]:
        """D's logits of `real` and of `fakes`, (N,) each, the fakes being constants to it.

        In one pass where D is known to judge as in two, unless they are to be kept `apart` (for the gradient at one of them);
        with ``--joined`` in one pass whatever D makes of that.
        """
        real, fakes, labels = self.real, self.fakes, self.labels
        if self._together:
            # G learns from the pass over the fakes too: it is left open towards G, and holds nothing else.
            real_logits = self.judge(real, labels)
            fakes.logits = self.judge(fakes.drawn, labels)
            return real_logits, fakes.logits
        fake, joined = fakes.drawn.detach(), self.options.joined
        if joined or (self._step.one_pass and not apart):
            with in_groups(self._step.discriminator, 1 if joined else 2):
                logits = self.judge(torch.cat([real, fake]), None if labels is None else torch.cat([labels, labels]))
            return logits[: len(real)], logits[len(real) :]
        return self.judge(real, labels), self.judge(fake, labels)

    def default_loss(self) -> tuple[Tensor, Statistics]:
        """The loss of a phase that brings none of its own, and its statistics by name.

        It is the objective's, times `scale`, with what the options add to it (``--r1``, ``--joined``): for a loss that is to
        be the usual one and something more.
        """
        return _LOSSES[self._phase.updates](self)


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
    enters_channels_last: bool = False
    """Whether D has been laid channels last, and its images with it (`zoo.engine.layout`)."""
    one_pass: bool = False
    """Whether D may see real images and fakes in one pass (`zoo.engine.one_pass`)."""
    latest: Statistics = field(default_factory=dict)
    number_asked: bool = field(default=False, init=False)
    """Whether a loss has looked at the number of a step, which makes steps differ in more than what is due."""

    def run(self, number: int) -> Statistics:
        """Run the phases of step `number` (counted from 0).

        Returns what each phase has to tell as of the last step in which it did, as tensors that are not read back yet.
        """
        statistics: Statistics = {}
        due = [phase for phase in self.phases if phase.due(number)]
        judged: list[Fakes] = []
        played: list[Phase] = []
        for phase, following in zip(due, [*due, None][1:], strict=True):
            both = following is not None and _alternate(phase, following)
            together = self.options.simultaneous and both
            keep = together or (self.options.reuse_fakes and both)
            judged = self._play(phase, number, judged, keep, together, statistics)
            played.append(phase)
            if not together:
                self._update(played, statistics)
                played = []
        self.latest |= statistics
        return dict(self.latest)

    def due(self, role: str, number: int) -> bool:
        """Whether a network is updated in step `number`."""
        return any(phase.updates == role and phase.due(number) for phase in self.phases)

    def _play(
        self, phase: Phase, number: int, judged: list[Fakes], keep: bool, together: bool, statistics: Statistics
    ) -> list[Fakes]:
        """One phase: forward and backward. Returns the fakes it judged, where they are to be kept.

        `together`: with the phase that follows, so that what is needed to go back through D once more is kept too.
        """
        learning = phase.updates == "generator"
        parameters = [p for p in getattr(self, phase.updates).parameters() if p.requires_grad]
        self.optimizers[phase.updates].zero_grad(set_to_none=True)  # those that were frozen meanwhile, too
        total: Tensor | None = None
        kept: list[Fakes] = []
        with constant(self.discriminator if learning else None):
            for _ in range(self.options.accumulate):
                given = judged.pop(0) if learning and judged else None
                turn = Turn(self, number, phase, given, learning or keep, together)
                with self.precision.autocast():
                    outcome = (phase.loss or _LOSSES[phase.updates])(turn)
                loss, found = outcome if isinstance(outcome, tuple) else (outcome, {})
                self.precision.backward(loss, parameters, again=together)
                total = loss.detach() if total is None else total + loss.detach()
                statistics.update(found)
                if keep:
                    kept.append(turn.fakes)
        assert total is not None
        statistics[f"{phase.updates[0]}_loss"] = total
        return kept

    def _update(self, phases: Sequence[Phase], statistics: Statistics) -> None:
        """Let the networks that these phases have computed gradients for take a step, but for one whose loss is low enough."""
        self.precision.update(
            *(
                self.optimizers[phase.updates]
                for phase in phases
                if phase.skip_below is None or float(statistics[f"{phase.updates[0]}_loss"]) > phase.skip_below
            )
        )

    def generate(self, count: int, labels: Tensor | None) -> Fakes:
        """G's images of new latents."""
        latents = self.latents.draw(count)
        if self.classes and labels is None:
            labels = self.latents.labels(count, self.classes)
        images = self.generator(latents, labels) if self.classes else self.generator(latents)
        return Fakes(images, labels if self.classes else None)

    def judge(self, images: Tensor, labels: Tensor | None) -> Tensor:
        """D's logits of the images."""
        entered = enter(images) if self.enters_channels_last else images
        logits: Tensor = self.discriminator(entered, labels) if self.classes else self.discriminator(entered)
        return logits.reshape(len(images))


def penalised(options: Options, phase: Phase, number: int) -> bool:
    """Whether D's gradient penalty is due in a phase of step `number` (from 0): in every `r1_every`-th turn of it."""
    return phase.updates == "discriminator" and options.r1 > 0 and number // phase.every % options.r1_every == 0


def alternates(phases: Sequence[Phase], number: int) -> bool:
    """Whether in step `number` (from 0) an update of G follows one of D."""
    due = [phase for phase in phases if phase.due(number)]
    return any(map(_alternate, due, due[1:]))


def _alternate(phase: Phase, following: Phase) -> bool:
    return phase.updates == "discriminator" and following.updates == "generator"


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
