"""The relativistic objective, until zoo has one of that name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import zoo

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Relativistic(zoo.Objective):
    """softplus of how much more real a fake seems than the real image beside it, and the other way round for G."""

    needs_real_logits: ClassVar[bool] = True

    def discriminator_loss(self, real_logits: Tensor, fake_logits: Tensor, *, scale: float) -> tuple[Tensor, Tensor]:
        """As `zoo.Objective.discriminator_loss`."""
        import torch

        loss = torch.nn.functional.softplus(fake_logits - real_logits).mean()
        return scale * loss, torch.stack([real_logits.mean(), fake_logits.mean()]).detach()

    def generator_loss(self, fake_logits: Tensor, *, real_logits: Tensor, scale: float) -> tuple[Tensor, Tensor]:  # type: ignore[override]
        """As `zoo.Objective.generator_loss`."""
        import torch

        loss = torch.nn.functional.softplus(real_logits - fake_logits).mean()
        return scale * loss, fake_logits.mean().detach()[None]
