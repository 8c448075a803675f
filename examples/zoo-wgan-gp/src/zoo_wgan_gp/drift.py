"""The Wasserstein loss with a drift term, as an objective for every architecture: ``--objective wasserstein_drift``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import zoo

if TYPE_CHECKING:
    from torch import Tensor

WASSERSTEIN = zoo.Objective("wasserstein")


@dataclass(frozen=True)
class WassersteinDrift(zoo.Objective):
    """The Wasserstein losses, with `drift` times the mean of D(x)² added to D's.

    Only differences of D count in the Wasserstein loss, so that D as a whole may drift away from 0; the term holds it near.
    Karras et al. 2018, Progressive Growing of GANs, https://arxiv.org/abs/1710.10196, appendix A.1.
    """

    kind: str = "wasserstein_drift"
    drift: float = 0.001

    def discriminator_loss(self, real_logits: Tensor, fake_logits: Tensor, *, scale: float) -> tuple[Tensor, Tensor]:
        loss, statistics = WASSERSTEIN.discriminator_loss(real_logits, fake_logits, scale=scale)
        return loss + scale * self.drift * real_logits.square().mean(), statistics

    def generator_loss(self, fake_logits: Tensor, *, scale: float) -> tuple[Tensor, Tensor]:
        return WASSERSTEIN.generator_loss(fake_logits, scale=scale)
