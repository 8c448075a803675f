"""The losses: DCGAN's, and for G how far its images are from the features that it was told."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    import zoo


def discriminator_loss(context: zoo.StepContext) -> tuple[Tensor, dict[str, Tensor]]:
    """The usual loss of D, once G has kept what it is to know of the real images."""
    context.generator.keep(context.real)  # type: ignore[operator]
    return context.default_loss()


def generator_loss(context: zoo.StepContext) -> tuple[Tensor, dict[str, Tensor]]:
    """The usual loss of G, and the weighted mean square of what its images' features miss."""
    loss, found = context.default_loss()
    fakes, generator = context.fakes, context.generator
    missed = (generator.features(fakes.images) - generator.told(fakes.latents)).square().mean()  # type: ignore[operator]
    return loss + context.scale * context.options.consistency * missed, {**found, "missed": missed.detach()}
