"""A change of images that D sees, so that it cannot learn a small data set by heart. Importing this imports no torch."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from torch import Tensor

    from zoo.data.spec import DataSpec
    from zoo.transform import Transform


class Augmentation(ABC):
    """A random, differentiable change of whatever D sees, real and generated alike; ``--augment NAME`` switches it on.

    Both kinds must be changed, and gradients must reach G through it (Zhao et al. 2020, https://arxiv.org/abs/2006.10738): else
    G learns to draw changed images. A plugin registers the class through the hook `zoo_register_augmentations(register)`; it is
    made without arguments, once for a run, and keeps nothing from step to step. What is random comes from torch's default
    generator of the images' device (``torch.rand(…, device=images.device)``), which a checkpoint holds: then a resumed run goes
    on exactly. Of several, the first that ``--augment`` names comes first.

    One that is made of colours, affine maps and boxes says so in `contribute`: it then shares one native pass with its
    neighbours. Any other has `__call__` alone, and is made with ``--augment-probability`` in each image by the engine.
    """

    name: ClassVar[str]
    """What it is called on the command line: lower case, letters, digits, ``-`` and ``_``."""
    summary: ClassVar[str]
    """One sentence on what it does."""

    def unsuited(self, data: DataSpec) -> str | None:
        """Why it means nothing for such images, for a person; None where it does. Asked before a run begins."""
        return None

    def contribute(self, transform: Transform) -> bool:
        """Add the change to what is done to a batch, and return True; False, having added nothing, where `__call__` makes it.

        Each image is changed with `Transform.probability`, and how many random numbers are drawn does not depend on that.
        """
        return False

    @abstractmethod
    def __call__(self, images: Tensor) -> Tensor:
        """Images (N, C, H, W) in [-1, 1], changed, each in its own way; of the same shape."""
