from typing import Annotated

from pydantic import Field
from torch import nn

import zoo


class Hinge(zoo.Architecture):
    """Two dense networks trained with the hinge loss."""

    name = "hinge"

    class Options(zoo.Options):  # data, schedule, optimisers, seeds, … are inherited
        width: Annotated[int, Field(ge=8)] = 256
        """Units of each hidden layer."""

    presets = {"quick": dict(width=64, steps=200)}
    objective = "hinge"

    def generator(self, options, data):  # data: channels, height, width, classes
        return nn.Sequential(
            nn.Linear(options.latent, options.width, bias=False),
            zoo.nn.BatchNormAct(options.width, activation="leaky_relu", slope=0.2),
            nn.Linear(options.width, data.numel),
            nn.Tanh(),
            nn.Unflatten(1, data.shape),
        )

    def discriminator(self, options, data):
        return nn.Sequential(
            nn.Flatten(), nn.Linear(data.numel, options.width), nn.LeakyReLU(0.2), nn.Linear(options.width, 1)
        )


@zoo.hookimpl
def zoo_register_architectures(register):
    register(Hinge)
