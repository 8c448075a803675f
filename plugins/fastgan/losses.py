"""The losses: hinge over patches, and for D what its decoders miss of real images (section 3.2, equations 3 to 5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import zoo

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class PatchHinge(zoo.Objective):
    """The hinge loss of each patch's logit, with margins drawn anew for each.

    D wants at least 1 - s·u of the patches of real images and at most s·u - 1 of those of fakes, u uniform in [0, 1). G wants them
    high, and the mean of patches, which is an image's logit, is all that takes. Where no pass of a FastGAN discriminator is known,
    each image is its own patch.
    """

    smoothing: float = 0.0
    """s. The paper has none, the authors' program 0.2."""

    def discriminator_loss(self, real_logits: Tensor, fake_logits: Tensor, *, scale: float) -> tuple[Tensor, Tensor]:
        """As `zoo.Objective.discriminator_loss`."""
        import torch
        from zoo_plugins.fastgan.passes import current

        real, fake = real_logits, fake_logits
        if passes := current():  # of real images first, then of fakes; or of both in one pass, in this order
            patches = torch.cat([each.patches for each in passes])
            real, fake = (each.flatten() for each in torch.split(patches, [len(real_logits), len(fake_logits)]))
        if self.smoothing:
            real = real + self.smoothing * torch.rand_like(real)
            fake = fake - self.smoothing * torch.rand_like(fake)
        loss, _ = super().discriminator_loss(real, fake, scale=scale)
        return loss, torch.stack([real_logits.mean(), fake_logits.mean()]).detach()


def discriminator_loss(context: zoo.StepContext) -> tuple[Tensor, dict[str, Tensor]]:
    """The loss of D's phase: its usual one, and the weighted difference of real images from those that its decoders make."""
    from zoo_plugins.fastgan.passes import watched

    with watched() as passes:
        loss, found = context.default_loss()
    weight, decoders = context.options.reconstruction, passes[0].decoders
    if decoders is None:
        return loss, found
    count = len(context.real)  # the first pass may hold the fakes, too
    images, features = passes[0].images[:count].detach(), passes[0].features
    of_real = features._replace(
        **{name: planes[:count] for name, planes in features._asdict().items() if planes is not None}
    )
    missed = decoders(images, of_real)
    return loss + context.scale * weight * missed, {**found, "reconstruction": missed.detach()}
