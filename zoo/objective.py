"""The two losses of a GAN. Importing this imports no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from torch import Tensor

FUSED = ("non_saturating", "minimax", "least_squares", "hinge", "wasserstein")
"""The objectives that are losses of `zoo.ops`: what an `Objective` of its own may be."""

KINDS = (*FUSED, "relativistic")
"""The objectives that come with zoo."""


@dataclass(frozen=True)
class Objective:
    """An objective known by name, computed by the fused losses of `zoo.ops`.

    For one of your own, override both methods; a plugin makes it known by name through the hook `zoo_register_objectives`. One
    that keeps something from step to step has `state_dict()` and `load_state_dict(state)` too, as torch's modules have: what they
    hold (tensors, numbers, texts, lists and dictionaries of them) is part of every checkpoint.
    """

    needs_real_logits: ClassVar[bool] = False
    """True where G's loss compares real images and fakes, as relativistic objectives do (Jolicoeur-Martineau 2018,
    https://arxiv.org/abs/1807.00734): `generator_loss` is then given ``real_logits`` too, D's of as many real images."""

    kind: str
    """Its name: non_saturating, minimax, least_squares, hinge or wasserstein (formulas: `zoo.ops.discriminator_loss`), or any other
    where both methods are overridden. Letters, digits, ``-`` and ``_``, in lower case."""
    a: float = 0.0
    """Least squares (Mao et al. 2017): what D is to say of generated images."""
    b: float = 1.0
    """Least squares: what D is to say of real images."""
    c: float = 1.0
    """Least squares: what G wants D to say of generated images."""

    def discriminator_loss(self, real_logits: Tensor, fake_logits: Tensor, *, scale: float) -> tuple[Tensor, Tensor]:
        """What D minimises.

        Args:
            real_logits: D's of real images, (N,).
            fake_logits: D's of generated images, (M,).
            scale: what the loss is to be multiplied with; gradient accumulation and joined batches need it.

        Returns:
            `scale` times the loss, 0-d, and a detached 1-d tensor that begins with mean D(real) and mean D(fake).
        """
        from zoo import ops

        return ops.discriminator_loss(real_logits, fake_logits, self.kind, a=self.a, b=self.b, scale=scale)

    def generator_loss(self, fake_logits: Tensor, *, scale: float) -> tuple[Tensor, Tensor]:
        """What G minimises.

        An override of an objective that `needs_real_logits` takes those too, (N,), D's of as many real images of the same labels:
        ``def generator_loss(self, fake_logits, *, real_logits, scale)``.

        Args:
            fake_logits: D's of generated images, (N,).
            scale: what the loss is to be multiplied with.

        Returns:
            `scale` times the loss, 0-d, and a detached 1-d tensor that begins with mean D(fake).
        """
        from zoo import ops

        return ops.generator_loss(fake_logits, self.kind, a=self.a, b=self.b, c=self.c, scale=scale)


@dataclass(frozen=True)
class Relativistic(Objective):
    """Relativistic pairing GAN (RpGAN; Jolicoeur-Martineau 2018, https://arxiv.org/abs/1807.00734, and Sun et al. 2020).

    D learns by how much each real image looks more real than the generated one beside it, and G to turn that round: D minimises
    mean softplus(D(G(z)) − D(x)), G mean softplus(D(x) − D(G(z))). What D says of all images alike plays no part, and G gains
    nothing by leaving out a part of the data. With ``--r1`` and ``--r2`` it is the loss of R3GAN (Huang et al. 2024,
    https://arxiv.org/abs/2501.05441), which shows that it then converges near its solution.
    """

    needs_real_logits: ClassVar[bool] = True

    kind: str = "relativistic"

    def discriminator_loss(self, real_logits: Tensor, fake_logits: Tensor, *, scale: float) -> tuple[Tensor, Tensor]:
        """As `Objective.discriminator_loss`, of as many fakes as real images."""
        import torch

        loss = scale * torch.nn.functional.softplus(fake_logits - real_logits).mean()
        return loss, torch.stack([real_logits.mean(), fake_logits.mean()]).detach()

    def generator_loss(
        self, fake_logits: Tensor, *, real_logits: Tensor | None = None, scale: float
    ) -> tuple[Tensor, Tensor]:
        """As `Objective.generator_loss`, with the real logits that it needs, (N,)."""
        import torch

        assert real_logits is not None
        loss = scale * torch.nn.functional.softplus(real_logits - fake_logits).mean()
        return loss, fake_logits.mean().detach()[None]


def named(kind: str) -> Objective:
    """The objective of `KINDS` that has this name."""
    return Relativistic() if kind == "relativistic" else Objective(kind)


def middle_of(objective: object) -> float:
    """The output above which D says "real": between the targets of least squares, 0 for all others."""
    if getattr(objective, "kind", None) != "least_squares":
        return 0.0
    return float(getattr(objective, "a", 0.0) + getattr(objective, "b", 1.0)) / 2


def needs_real_logits(objective: object) -> bool:
    """`Objective.needs_real_logits` of anything with the two methods."""
    return bool(getattr(objective, "needs_real_logits", False))
