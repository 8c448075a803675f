"""No training begins with batches that the architecture says, or shows, to be too small."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

import zoo
from zoo.engine.build import build_networks
from zoo.errors import OptionError, PluginError

SOURCE = """
import torch
from torch import nn
import zoo


class Judge(nn.Module):
    def __init__(self, data):
        super().__init__()
        self.hidden = nn.Linear(data.numel, 8)
        self.out = nn.Linear(8, 1)

    def forward(self, images):
        hidden = self.hidden(images.flatten(1))
        spread = hidden.view(-1, 4, 8).std(1).mean(1)
        return self.out(hidden) + spread.repeat_interleave(4)[:, None]


class Four(zoo.Architecture):
    '''Its discriminator compares images in groups of four.'''

    name = "four"
    smallest_batch = 4

    def generator(self, options, data):
        return nn.Sequential(nn.Linear(options.latent, data.numel), nn.Tanh(), nn.Unflatten(1, data.shape))

    def discriminator(self, options, data):
        return Judge(data)


class Clumsy(Four):
    '''One image alone is a mistake of its own.'''

    name = "clumsy"
    smallest_batch = 1

    def discriminator(self, options, data):
        class Network(nn.Module):
            def __init__(self):
                super().__init__()
                self.out = nn.Linear(data.numel, 1)

            def forward(self, images):
                return self.out(images.flatten(1)) + (images[1] if len(images) == 1 else 0)

        return Network()


@zoo.hookimpl
def zoo_register_architectures(register):
    register(Four)
    register(Clumsy)
"""


@pytest.fixture(autouse=True)
def _installed(install):
    install(SOURCE, "zoo_groups")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (dict(batch_size=3), r"^--batch-size 3: four trains on 4 images or more at a time$"),
        (dict(batch_size=8, generator_batch_size=2), r"^--generator-batch-size 2: four trains on 4 images or more"),
        (
            dict(batch_size=22, drop_remainder=False),
            r"the last batch of each epoch holds 2, and four trains on 4 images or more .*give --drop-remainder",
        ),
    ],
    ids=str,
)
def test_what_is_less_than_the_smallest_batch_is_refused_before_anything_is_written(images, options, told):
    with pytest.raises(OptionError, match=told):
        zoo.train("four", data=str(images), out="run", **options)
    assert not Path("run").exists()


def test_what_is_enough_trains_and_draws_pictures_in_any_number(images):
    run = zoo.train("four", data=str(images), out="run", batch_size=20, drop_remainder=False, steps=3, samples=5)
    assert zoo.load(run)(3).shape == (3, 1, 8, 8)


def test_two_images_are_not_tried_where_they_are_too_few():
    from zoo.options.resolve import resolve
    from zoo.plugins.registry import registry

    architecture = registry().architecture("four")
    options, _ = resolve(architecture)
    generator, _ = build_networks(architecture, options, zoo.DataSpec(1, 8, 8, 0))
    assert isinstance(generator, nn.Module)
    assert generator(torch.zeros(1, options.latent)).shape == (1, 1, 8, 8)


def test_a_mistake_that_shows_with_one_image_is_told_as_the_plugins(images):
    with pytest.raises(
        PluginError, match=r"zoo-groups 1\.0: it fails on a batch of one image .*IndexError.*zoo_groups\.py:\d+"
    ):
        zoo.train("clumsy", data=str(images), out="run", batch_size=1, steps=1)
    assert not Path("run").exists()
