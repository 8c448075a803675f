"""The losses of a phase that brings none of its own: the objective's, and the gradient penalty R1."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from zoo.engine.layout import to_contiguous
from zoo.objective import needs_real_logits
from zoo.step_context import Fakes, StepContext

Statistics = dict[str, Tensor]


@dataclass
class DrawnFakes(Fakes):
    """Generated images as the networks have left them."""

    drawn: Tensor
    """The images as G lays them in memory."""
    labels: Tensor | None
    logits: Tensor | None = None
    """D's, with gradients to both networks, where both learn from one pass over them (``--simultaneous``)."""

    @cached_property
    def images(self) -> Tensor:
        """The images (N, C, H, W), contiguous."""
        with torch.set_grad_enabled(self.drawn.requires_grad):  # whoever asks first: another may need the gradients
            return to_contiguous(self.drawn)


def discriminator_loss(context: StepContext) -> tuple[Tensor, Statistics]:
    """The objective's loss of D on a real batch and as many fakes, of the same labels; with R1 where that is due."""
    real, scale, penalty_due = context.real, context.scale, context.penalty_due
    if penalty_due:
        real.requires_grad_()
    real_logits, fake_logits = context.discriminate_both(apart=penalty_due)
    if context.options.joined:  # one mean, in which each half weighs one half
        scale /= 2
    loss, statistics = context.objective.discriminator_loss(real_logits, fake_logits, scale=scale)
    found = {"d_real": statistics[0], "d_fake": statistics[1]}
    if penalty_due:
        penalty = context.options.r1 * context.options.r1_every * squared_gradient_norm(real_logits, real) / 2
        loss, found["r1"] = loss + context.scale * penalty, penalty.detach()
    return loss, found


def squared_gradient_norm(logits: Tensor, images: Tensor) -> Tensor:
    """The mean over the images of |∇D|², the squared norm of D's gradient there; can itself be differentiated.

    It is what R1 weighs (Mescheder et al. 2018, https://arxiv.org/abs/1801.04406).
    """
    (gradient,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
    return gradient.square().flatten(1).sum(1).mean()


def generator_loss(context: StepContext) -> tuple[Tensor, Statistics]:
    """The objective's loss of G on D's logits of fakes, and of as many real images where it compares the two."""
    fakes = context.fakes
    assert isinstance(fakes, DrawnFakes)
    fake_logits = context.discriminate(fakes.drawn, fakes.labels) if fakes.logits is None else fakes.logits
    if needs_real_logits(context.objective):
        real_logits = context.discriminate(context.real, context.labels)
        more = {"real_logits": real_logits}
        loss, _ = context.objective.generator_loss(fake_logits, scale=context.scale, **more)
    else:
        loss, _ = context.objective.generator_loss(fake_logits, scale=context.scale)
    return loss, {}


DEFAULT_LOSSES: dict[str, Callable[[StepContext], tuple[Tensor, Statistics]]] = {
    "discriminator": discriminator_loss,
    "generator": generator_loss,
}
"""By the network that a phase updates."""
