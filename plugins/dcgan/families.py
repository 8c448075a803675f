"""The networks that ``--networks`` chooses among, by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from torch import nn
from zoo_plugins.dcgan import radford, selu, tf64, upsample


class Family(NamedTuple):
    """How the two networks are built.

    `generator(latent, channels, sides, width)` and `discriminator(channels, sides, width)`, whose result gives N logits in any
    shape; `sides` are the height and the width of the images, `width` the channels next to them.
    """

    generator: Callable[..., nn.Module]
    discriminator: Callable[..., nn.Module]


FAMILIES = {
    "dcgan": Family(radford.generator, radford.discriminator),
    "upsample": Family(upsample.generator, upsample.discriminator),
    "selu": Family(selu.generator, selu.discriminator),
    "tf64": Family(tf64.generator, tf64.discriminator),
    "tf64_as_printed": Family(tf64.generator, tf64.discriminator_as_printed),
}
