"""The two losses of a game. Importing this imports no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

KINDS = ("non_saturating", "minimax", "least_squares", "hinge", "wasserstein")
"""The games that come with zoo."""


@dataclass(frozen=True)
class Objective:
    """A game known by name, played with the fused losses of `zoo.ops`.

    `kind`: its name; one of non_saturating, minimax, least_squares, hinge and wasserstein (formulas: `zoo.ops.discriminator_loss`),
    unless you override both methods for a game of your own. `a`, `b`, `c`: the targets of least squares (Mao et al. 2017).
    A plugin makes its own known by name through the hook `zoo_register_objectives`.
    """

    kind: str
    a: float = 0.0
    b: float = 1.0
    c: float = 1.0

    def discriminator_loss(self, real_logits: Tensor, fake_logits: Tensor, *, scale: float) -> tuple[Tensor, Tensor]:
        """`scale` times D's loss, 0-d, and a detached tensor that begins with mean D(real) and mean D(fake)."""
        from zoo import ops

        return ops.discriminator_loss(real_logits, fake_logits, self.kind, a=self.a, b=self.b, scale=scale)

    def generator_loss(self, fake_logits: Tensor, *, scale: float) -> tuple[Tensor, Tensor]:
        """`scale` times G's loss, 0-d, and a detached tensor that begins with mean D(fake)."""
        from zoo import ops

        return ops.generator_loss(fake_logits, self.kind, a=self.a, b=self.b, c=self.c, scale=scale)
