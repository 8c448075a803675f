"""DiffAugment (Zhao et al. 2020, https://arxiv.org/abs/2006.10738): ``--augment color translation cutout``.

Its three changes, each by its own name, with the paper's ranges (its appendix and section 4): against a discriminator that learns
a small data set by heart. With 100 to a few thousand images they are worth while; with very many they cost a little quality. The
paper makes each of them in every image; with ``--augment-probability`` each is made in some.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import zoo

if TYPE_CHECKING:
    from torch import Tensor


class OfImages(zoo.Augmentation):
    """What changes of pictures have in common that contribute to a pass; ADA's are of this class too."""

    def unsuited(self, data: zoo.DataSpec) -> str | None:
        """Points are no pictures."""
        return f"it changes images, and the data is {data.kind}" if data.points else None

    def __call__(self, images: Tensor) -> Tensor:
        """As `zoo.Augmentation.__call__`."""
        transform = zoo.Transform(images)
        self.contribute(transform)
        return transform.images()


class Color(OfImages):
    """Brightness, saturation and contrast."""

    name = "color"
    summary = "DiffAugment: other brightness, saturation and contrast for each image."

    def contribute(self, transform: zoo.Transform) -> bool:
        """As `zoo.Augmentation.contribute`. With alpha, contrast is about the mean of what is visible, which no such pass knows."""
        if transform.channels == 4:
            return False
        from zoo_plugins.diffaugment.changes import color

        color(transform)
        return True

    def __call__(self, images: Tensor) -> Tensor:
        """As `zoo.Augmentation.__call__`."""
        if images.shape[1] != 4:
            return super().__call__(images)
        from zoo_plugins.diffaugment.changes import color_of_what_is_seen

        return color_of_what_is_seen(images)


class Translation(OfImages):
    """A shift by up to an eighth of the image."""

    name = "translation"
    summary = "DiffAugment: each image shifted by up to an eighth of its size, with grey (0) where nothing is."

    def contribute(self, transform: zoo.Transform) -> bool:
        """As `zoo.Augmentation.contribute`."""
        from zoo_plugins.diffaugment.changes import translate

        translate(transform)
        return True


class Cutout(OfImages):
    """A square that is left out."""

    name = "cutout"
    summary = "DiffAugment: a grey (0) square of half the image's size somewhere in each image."

    def contribute(self, transform: zoo.Transform) -> bool:
        """As `zoo.Augmentation.contribute`."""
        from zoo_plugins.diffaugment.changes import cut_out

        cut_out(transform)
        return True


@zoo.hookimpl
def zoo_register_augmentations(register: Callable[[type[zoo.Augmentation]], None]) -> None:
    """The three changes."""
    for augmentation in (Color, Translation, Cutout):
        register(augmentation)
