"""The augmentations of ADA (Karras et al. 2020, https://arxiv.org/abs/2006.06676): ``--augment ada --augment-target 0.6``.

Its appendix B with its parameters: flips, rotations and shifts by whole pixels (``ada-blit``), maps that interpolate
(``ada-geom``), colours (``ada-color``), or all of them (``ada``). Each is made with ``--augment-probability`` in each image by
itself, which keeps G from drawing changed images as long as it is below 0.8 or so; with ``--augment-target`` the probability
follows how sure D is. The paper interpolates through wavelet filters, here it is bilinearly, in one native pass with all that is
beside it; beyond the edge there is the image in a mirror, as there.
"""

from __future__ import annotations

from collections.abc import Callable

from zoo_plugins.diffaugment import OfImages

import zoo


class Parts(OfImages):
    """What ADA's augmentations have in common: they are parts of one pass."""

    parts: tuple[str, ...] = ()
    """The functions of `zoo_plugins.ada.parts`, in the paper's order."""

    def contribute(self, transform: zoo.Transform) -> bool:
        """As `zoo.Augmentation.contribute`."""
        from zoo_plugins.ada import parts

        for name in self.parts:
            getattr(parts, name)(transform)
        return True


class Blit(Parts):
    """Pixels that only move."""

    name = "ada-blit"
    summary = "ADA: some images flipped, turned by 90 degrees (squares), shifted by up to an eighth, with mirrors beyond the edge."
    parts = ("blit",)


class Geometry(Parts):
    """Maps that interpolate."""

    name = "ada-geom"
    summary = "ADA: some images scaled, turned, stretched, shifted by parts of pixels, with mirrors beyond the edge."
    parts = ("geometry",)


class Color(Parts):
    """Colours."""

    name = "ada-color"
    summary = "ADA: some images with other brightness, contrast, hue and saturation, or with light and dark exchanged."
    parts = ("color",)


class All(Parts):
    """All of them."""

    name = "ada"
    summary = "ADA: ada-blit, ada-geom and ada-color, as the paper has them; for --augment-target."
    parts = ("blit", "geometry", "color")


@zoo.hookimpl
def zoo_register_augmentations(register: Callable[[type[zoo.Augmentation]], None]) -> None:
    """The three parts, and all of them."""
    for augmentation in (Blit, Geometry, Color, All):
        register(augmentation)
