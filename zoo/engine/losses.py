"""The losses of a phase that brings none of its own: the objective's, and the gradient penalties R1 and R2."""

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
    latents: Tensor
    labels: Tensor | None
    logits: Tensor | None = None
    """D's, with gradients to both networks, where both learn from one pass over them (``--simultaneous``)."""

    @cached_property
    def constant(self) -> Tensor:
        """The images as they are drawn, from which no gradient reaches G."""
        return self.drawn.detach()

    @cached_property
    def images(self) -> Tensor:
        """The images (N, C, H, W), contiguous."""
        with torch.set_grad_enabled(self.drawn.requires_grad):  # whoever asks first: another may need the gradients
            return to_contiguous(self.drawn)


def discriminator_loss(context: StepContext) -> tuple[Tensor, Statistics]:
    """The objective's loss of D on a real batch and as many fakes, of the same labels; with R1 and R2 where they are due."""
    real, scale, penalties = context.real, context.scale, context.penalties
    if "r1" in penalties:
        real.requires_grad_()
    if "r2" in penalties:
        _drawn(context.fakes).constant.requires_grad_()
    # Where one penalty is due, two passes spare the derivatives of the half that it does not ask for.
    real_logits, fake_logits = context.discriminate_both(apart=len(penalties) == 1)
    if context.options.joined:  # one mean, in which each half weighs one half
        scale /= 2
    loss, statistics = context.objective.discriminator_loss(real_logits, fake_logits, scale=scale)
    found = {"d_real": statistics[0], "d_fake": statistics[1]}
    for name, weight in penalties.items():
        logits, images = (real_logits, real) if name == "r1" else _of_fakes(context, fake_logits)
        penalty = weight * context.options.r1_every * squared_gradient_norm(logits, images) / 2
        loss, found[name] = loss + context.scale * penalty, penalty.detach()
    return loss, found


def _of_fakes(context: StepContext, fake_logits: Tensor) -> tuple[Tensor, Tensor]:
    """D's logits of the fakes, and those as the constants of which the logits are a function."""
    fakes = _drawn(context.fakes)
    if fakes.logits is None:
        return fake_logits, fakes.constant
    # The one pass of ``--simultaneous`` is a function of G's images with all that they come from, which R2 is not to change.
    return context.discriminate(fakes.constant, fakes.labels), fakes.constant


def _drawn(fakes: Fakes) -> DrawnFakes:
    assert isinstance(fakes, DrawnFakes)
    return fakes


def squared_gradient_norm(logits: Tensor, images: Tensor) -> Tensor:
    """The mean over the images of |∇D|², the squared norm of D's gradient there; can itself be differentiated.

    It is what R1 (of real images) and R2 (of generated ones) weigh (Mescheder et al. 2018, https://arxiv.org/abs/1801.04406).
    """
    (gradient,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
    return gradient.square().flatten(1).sum(1).mean()


def generator_loss(context: StepContext) -> tuple[Tensor, Statistics]:
    """The objective's loss of G on D's logits of fakes, and of as many real images where it compares the two."""
    fakes = _drawn(context.fakes)
    fake_logits = context.discriminate(fakes.drawn, fakes.labels) if fakes.logits is None else fakes.logits
    if needs_real_logits(context.objective):
        with torch.no_grad():  # they are constants to G, whatever D's phase has asked of the images
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
