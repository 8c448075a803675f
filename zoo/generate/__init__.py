"""What is done with a trained generator: latents, grids, pictures.

`zoo.load(run)` does all of it for the pictures of a run; the names below are for tensors of your own.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zoo.generate.drawing import SampleStream
    from zoo.generate.latent.arithmetic import Arithmetic
    from zoo.generate.latent.expression import parse_expression
    from zoo.generate.latent.interpolation import interpolate
    from zoo.generate.latent.numbers import parse_numbers
    from zoo.generate.pictures.animation import save_film
    from zoo.generate.pictures.grid import make_grid, to_pictures, to_pixels
    from zoo.generate.samples import Samples

__all__ = [
    "Arithmetic",
    "SampleStream",
    "Samples",
    "interpolate",
    "make_grid",
    "parse_expression",
    "parse_numbers",
    "save_film",
    "to_pictures",
    "to_pixels",
]

# Imported when first used: the command line's help must not wait for torch.
_HOMES = {
    "Arithmetic": "latent.arithmetic",
    "SampleStream": "drawing",
    "Samples": "samples",
    "interpolate": "latent.interpolation",
    "make_grid": "pictures.grid",
    "parse_expression": "latent.expression",
    "parse_numbers": "latent.numbers",
    "save_film": "pictures.animation",
    "to_pictures": "pictures.grid",
    "to_pixels": "pictures.grid",
}


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(importlib.import_module(f"zoo.generate.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
