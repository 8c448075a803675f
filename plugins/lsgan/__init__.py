"""LSGAN: DCGAN's networks, playing for least squares."""

from __future__ import annotations

from collections.abc import Callable

from zoo_plugins.dcgan import DCGAN

import zoo


class LSGAN(DCGAN):
    """Least squares GAN (Mao et al. 2017): D's output is a number near b for real images and near a for fakes."""

    name = "lsgan"

    class Options(DCGAN.Options):
        a: float = 0.0
        """What D is to say of fakes."""
        b: float = 1.0
        """What D is to say of real images."""
        c: float = 1.0
        """What G wants D to say of fakes."""

    presets = {
        "paper": dict(DCGAN.presets["mnist"]),
        "paper64": dict(DCGAN.presets["radford64"]),
        "pearson": dict(DCGAN.presets["mnist"], a=-1.0, b=1.0, c=0.0),
    }
    default_preset = "paper"
    large_preset = "paper64"

    def game(self, options: Options) -> zoo.Objective:
        return zoo.Objective("least_squares", a=options.a, b=options.b, c=options.c)


@zoo.hookimpl
def zoo_register_architectures(register: Callable[[type[zoo.Architecture]], None]) -> None:
    register(LSGAN)
