"""cGAN: draws the class it is asked for."""

from __future__ import annotations

from collections.abc import Callable

from zoo_plugins.dcgan import DCGAN

import zoo


class ConditionalGAN(DCGAN):
    """Conditional GAN (Mirza & Osindero 2014) of DCGAN's networks: both also see the label."""

    name = "cgan"
    conditional = True
    presets = {
        "dcgan": dict(DCGAN.presets["mnist"], r1=0.0, steps=6000, samples=100),
        "dcgan64": dict(DCGAN.presets["radford64"]),
    }
    preset_notes = {
        "dcgan": "dcgan's default networks with labels, tuned for digits.",
        "dcgan64": "The same of dcgan's radford64.",
    }
    default_preset = "dcgan"
    large_preset = "dcgan64"


@zoo.hookimpl
def zoo_register_architectures(register: Callable[[type[zoo.Architecture]], None]) -> None:
    register(ConditionalGAN)
