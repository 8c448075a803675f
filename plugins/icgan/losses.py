"""The losses: DCGAN's, and for G how far its images' features are from those that they are to have."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    import zoo


def discriminator_loss(context: zoo.StepContext) -> tuple[Tensor, dict[str, Tensor]]:
    """The usual loss of D, once G has stored the features of the real images."""
    context.generator.store(context.real)  # type: ignore[operator]
    return context.default_loss()


def generator_loss(context: zoo.StepContext) -> tuple[Tensor, dict[str, Tensor]]:
    """The usual loss of G, and the weighted mean squared error of its images' features."""
    loss, found = context.default_loss()
    fakes, generator = context.fakes, context.generator
    target = generator.target_features(fakes.latents)  # type: ignore[operator]
    error = (generator.features(fakes.images) - target).square().mean()  # type: ignore[operator]
    return loss + context.scale * context.options.consistency * error, {**found, "feature_error": error.detach()}
