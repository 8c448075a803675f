"""What the loss of a phase may use. Importing this imports no torch."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from zoo.deprecated import warn_deprecated

if TYPE_CHECKING:
    from torch import Tensor, nn

    from zoo.objective import Objective


class Fakes(ABC):
    """Generated images, and the labels they were drawn for where the architecture is conditional."""

    latents: Tensor
    """(N, options.latent): what they were drawn from."""
    labels: Tensor | None
    """(N,), int64; None where the architecture is not conditional."""

    @property
    @abstractmethod
    def images(self) -> Tensor:
        """The images (N, C, H, W), contiguous."""


class StepContext(ABC):
    """What the loss of one phase of one step may use. A batch and fakes are drawn when first asked for.

    A function that takes one and returns a 0-d loss, or (loss, statistics by name), is the `loss` of a `zoo.Phase`.
    """

    options: Any
    """The options of the run."""
    objective: Objective
    """Its objective."""
    scale: float
    """What the loss is to be multiplied with, so that the gradients of accumulated batches average."""

    @property
    @abstractmethod
    def generator(self) -> nn.Module:
        """G, for a loss that asks more of it than images: what it makes of `Fakes.latents`, or what it keeps in buffers."""

    @property
    @abstractmethod
    def discriminator(self) -> nn.Module:
        """D, likewise. Its logits are `discriminate`'s to give, which augments the images and lays them out."""

    @property
    @abstractmethod
    def number(self) -> int:
        """The step, counted from 0."""

    @property
    @abstractmethod
    def phase_step(self) -> int:
        """How often this phase has run before."""

    @property
    @abstractmethod
    def penalty_due(self) -> bool:
        """Whether the options ask for a gradient penalty of D in this phase (``--r1``, ``--r2``, ``--r1-every``)."""

    @property
    def penalties(self) -> dict[str, Any]:
        """The weights of the penalties that are due, r1 at real images and r2 at generated ones: empty where none is."""
        return {"r1": self.options.r1} if self.penalty_due else {}

    @property
    @abstractmethod
    def real(self) -> Tensor:
        """Real images (N, C, H, W) in [-1, 1]: those of the next batch of the data."""

    @property
    @abstractmethod
    def labels(self) -> Tensor | None:
        """Their labels (N,), int64; None where the architecture is not conditional."""

    @property
    @abstractmethod
    def fakes(self) -> Fakes:
        """D's phase: as many as `real`, of its labels. G's: those that D has just seen if they are to be reused, else new."""

    @abstractmethod
    def generate(self, count: int, labels: Tensor | None = None) -> Fakes:
        """New fakes of the given labels, or of random ones. They carry gradients to G where this phase updates G."""

    @abstractmethod
    def discriminate(self, images: Tensor, labels: Tensor | None = None) -> Tensor:
        """D's logits of images (N, C, H, W), of shape (N,). They carry gradients to D where this phase updates D."""

    @abstractmethod
    def discriminate_both(self, apart: bool = False) -> tuple[Tensor, Tensor]:
        """D's logits of `real` and of `fakes`, (N,) each, the fakes being constants to it.

        In one pass where D is known to give what two give, unless they are to be kept `apart` (for the gradient at one of them);
        with ``--joined`` in one pass whatever D makes of that.
        """

    @abstractmethod
    def default_loss(self) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss of a phase that brings none of its own, and its statistics by name.

        It is the objective's, times `scale`, with what the options add to it (``--r1``, ``--joined``): for a loss that is to
        be the usual one and something more.
        """

    # ---- deprecated (zoo/deprecated.py)

    def judge(self, images: Tensor, labels: Tensor | None = None) -> Tensor:
        """Deprecated: `discriminate`."""
        warn_deprecated("StepContext.judge")
        return self.discriminate(images, labels)

    def judge_both(self, apart: bool = False) -> tuple[Tensor, Tensor]:
        """Deprecated: `discriminate_both`."""
        warn_deprecated("StepContext.judge_both")
        return self.discriminate_both(apart)

    @property
    def turn(self) -> int:
        """Deprecated: `phase_step`."""
        warn_deprecated("StepContext.turn")
        return self.phase_step

    @property
    def penalised(self) -> bool:
        """Deprecated: `penalty_due`."""
        warn_deprecated("StepContext.penalised")
        return self.penalty_due
