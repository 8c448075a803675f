"""The phases of a step, gone through on copies and made-up images: what would fail in a first step is said before a run begins.

`zoo.engine.trial` tries each network; this tries what they do together: the losses of phases and objective, augmentations, the
arithmetic of ``--precision``, and the way back to the gradients. No number of the run changes by it.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from numbers import Real
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from zoo.architecture import Architecture, Phase
from zoo.augmentation import Augmentation
from zoo.data.loader import Batch
from zoo.data.spec import DataSpec
from zoo.engine.augmentation.probability import Probability
from zoo.engine.build import TrainingState
from zoo.engine.layout import layout_advice
from zoo.engine.losses import DrawnFakes
from zoo.engine.runtime.precision import Precision
from zoo.engine.runtime.seeds import random_numbers_kept
from zoo.engine.step import Step
from zoo.errors import PluginError
from zoo.generate.latent.latents import Latents
from zoo.objective import Objective
from zoo.options import Options
from zoo.plugins.calling import call
from zoo.step_context import StepContext


def rehearse(state: TrainingState, spec: DataSpec) -> None:
    """Go through each phase that comes in a run. Raises PluginError for what fails.

    A few images will do, which costs little; then each network sees as many as in a step, and no gradient. What fails is tried
    with a whole step's before it is called a mistake: some losses are written for one size of batch. What
    cannot be copied is not gone through, and fails later if it does.
    """
    step, architecture = state.step, state.architecture
    for options in (_few(step.options, architecture), step.options):
        with random_numbers_kept(step.latents.device):
            copies = _copies(step, architecture)
            if copies is None:
                return
            try:
                _go_through(_rehearsed(step, copies, options, architecture, spec), architecture, state.steps)
                if copies.probability is not None:
                    copies.probability.check_seen()
                if options is not step.options:
                    _draw_whole_batches(_rehearsed(step, copies, step.options, architecture, spec))
                return
            except (Exception, SystemExit):
                if options is step.options:
                    raise


def _draw_whole_batches(step: _RehearsedStep) -> None:
    """Have each network make as many images, or logits, as in a step."""
    batch, options = step.draw(), step.options
    with torch.no_grad(), step.precision.autocast():
        step.generate(options.generator_batch_size or options.batch_size, None)
        step.discriminate(batch.images, batch.labels if step.classes else None)


def _few(options: Options, architecture: Architecture) -> Options:
    """The options with batches of a few images, and one of them for an update."""
    count = min(options.batch_size, max(2, architecture.smallest_batch))
    fakes = options.generator_batch_size
    if fakes is not None:
        fakes = count if fakes == options.batch_size else min(fakes, 2 * count)
    return options.model_copy(update={"batch_size": count, "generator_batch_size": fakes, "accumulate": 1})


class _Copies(NamedTuple):
    """What a step is made of, to be used up."""

    architecture: Architecture
    generator: nn.Module
    discriminator: nn.Module
    objective: Objective
    augmentations: Sequence[Augmentation]
    probability: Probability | None


def _copies(step: Step, architecture: Architecture) -> _Copies | None:
    """Copies of all parts; None where they cannot be made. What the parts hold of each other, they hold of each other's copies."""
    try:
        return copy.deepcopy(
            _Copies(
                architecture,
                step.generator,
                step.discriminator,
                step.objective,
                tuple(step.augmentations),
                step.probability,
            )
        )
    except Exception:  # something holds a lock, or a tensor with a gradient
        return None


def _rehearsed(
    step: Step, copies: _Copies, options: Options, architecture: Architecture, spec: DataSpec
) -> _RehearsedStep:
    """The step made of copies, under these options."""
    networks = {"generator": copies.generator, "discriminator": copies.discriminator}
    phases = copies.architecture.phases(
        options
    )  # anew: a function that is made there may keep something from call to call
    return _RehearsedStep(
        architecture,
        spec,
        **networks,
        optimizers={role: _Gradients(architecture, role, network) for role, network in networks.items()},
        phases=[_checked(phase, place, architecture) for place, phase in enumerate(phases, 1)],
        objective=copies.objective,
        options=options,
        latents=Latents(0, options.latent, options.latent_distribution, step.latents.device),
        draw=_made_up(spec, options.batch_size, step.latents.device),
        precision=_WithoutUpdates(options.precision, step.latents.device),
        classes=step.classes,
        augmentations=copies.augmentations,
        probability=copies.probability,
        channels_last=step.channels_last,
        joint_pass=step.joint_pass,
    )


def _go_through(step: Step, architecture: Architecture, steps: int) -> None:
    """Run the first step, and the first of each phase that comes later; read what they tell."""
    for number in sorted({phase.offset for phase in step.phases if phase.offset < steps}):
        try:
            statistics = step.run(number)
        except (Exception, SystemExit) as error:
            with architecture.guard("a step on made-up images failed", layout_advice(error).removeprefix("; ")):
                raise error
        with architecture.guard("what its phases tell cannot be logged"):
            for name, value in statistics.items():
                _refuse_no_number(name, value)


def _refuse_no_number(name: str, value: Any) -> None:
    if isinstance(value, Tensor):
        if value.numel() == 1:
            return
    elif isinstance(value, Real):
        return
    raise PluginError(
        f"the statistic {name!r} of a phase is {_described(value)}; tell numbers, or tensors of one (docs/plugins.md)"
    )


def _made_up(spec: DataSpec, count: int, device: torch.device) -> Callable[[], Batch]:
    """Draws batches of noise, laid in memory as those of the data are, with every class among the labels by turns."""
    random = torch.Generator().manual_seed(0)

    def draw() -> Batch:
        images = torch.rand(count, *spec.shape, generator=random).mul_(2).sub_(1).to(device)
        labels = (torch.arange(count) % spec.classes).to(device) if spec.classes else None
        return Batch(images, labels)

    return draw


class _RehearsedStep(Step):
    """A step that says which network fails."""

    def __init__(self, architecture: Architecture, spec: DataSpec, **parts: Any) -> None:
        super().__init__(**parts)
        self._architecture = architecture
        self._spec = spec

    def generate(self, count: int, labels: Tensor | None) -> DrawnFakes:
        """As `Step.generate`. Raises PluginError for what are no images of the data's shape."""
        name = self._architecture.name
        with self._architecture.guard(f"the generator of {name!r} fails for {count} latents in training"):
            fakes = super().generate(count, labels)
            shape = tuple(fakes.drawn.shape)
            if shape != (count, *self._spec.shape):
                raise PluginError(
                    f"in training the generator of {name!r} makes {shape} of {count} latents; "
                    f"the data asks for {(count, *self._spec.shape)}"
                )
            return fakes

    def logits(self, images: Tensor, labels: Tensor | None) -> Tensor:
        """As `Step.logits`."""
        what = f"the discriminator of {self._architecture.name!r} fails for images {tuple(images.shape)} in training"
        with self._architecture.guard(what):
            return super().logits(images, labels)


def _checked(phase: Phase, place: int, architecture: Architecture) -> Phase:
    """The phase, whose own loss is seen to take a StepContext and to return what a step can use."""
    own = phase.loss
    if own is None:
        return phase

    def loss(context: StepContext) -> Any:
        with architecture.guard(f"the loss of its phase {place}, which updates the {phase.updates}, failed"):
            outcome = call(own, "loss(context), with a zoo.StepContext", context)
            value, found = outcome if isinstance(outcome, tuple) and len(outcome) == 2 else (outcome, {})
            if not isinstance(value, Tensor) or value.numel() != 1 or not isinstance(found, Mapping):
                raise PluginError(
                    f"the loss of its phase {place}, which updates the {phase.updates}, returned {_described(outcome)}; "
                    "return a 0-d tensor, or (that, statistics by name)"
                )
            if not value.requires_grad:
                raise PluginError(
                    f"the loss of its phase {place} has no gradient, and is to update the {phase.updates}: "
                    "compute it of context.discriminate() or context.generate(), without detach() or no_grad()"
                )
            return outcome

    return replace(phase, loss=loss)


def _described(outcome: Any) -> str:
    if isinstance(outcome, Tensor):
        return f"a tensor of shape {tuple(outcome.shape)}"
    if isinstance(outcome, tuple):
        return f"({', '.join(map(_described, outcome))})"
    return type(outcome).__name__


class _WithoutUpdates(Precision):
    """The arithmetic of a step that computes gradients, and gives their memory back where it would use them."""

    def update(self, *optimizers: Optimizer) -> None:
        """Update nothing."""
        for optimizer in optimizers:
            optimizer.zero_grad()


class _Gradients:
    """In the place of an optimiser: knows whose gradients it would use."""

    def __init__(self, architecture: Architecture, role: str, network: nn.Module) -> None:
        self._architecture = architecture
        self._role = role
        self._parameters = dict(network.named_parameters())

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients. Raises PluginError for one that no optimiser here takes."""
        for name, parameter in self._parameters.items():
            if parameter.grad is not None and parameter.grad.layout != torch.strided:
                with self._architecture.guard("its gradients do not fit"):
                    raise PluginError(
                        f"the {self._role}'s parameter {name!r} has a sparse gradient, which the optimisers here do not take; "
                        "leave out sparse=True"
                    )
            parameter.grad = None
