"""What the package brings to zoo, and that it costs nothing where no network is needed."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points

import pytest
from zoo_wgan_gp import PAPER, WGANGP

import zoo


def test_zoo_finds_the_architecture():
    (point,) = entry_points(group="zoo", name="wgan-gp")
    assert point.value == "zoo_wgan_gp"
    assert "wgan-gp" in zoo.list_architectures()


def test_importing_it_imports_neither_torch_nor_numpy():
    found = "import sys, zoo_wgan_gp; print({'torch', 'numpy'} & sys.modules.keys())"
    assert subprocess.check_output([sys.executable, "-c", found], text=True).strip() == "set()"


def test_the_numbers_of_algorithm_1():
    assert PAPER == {"discriminator_steps": 5, "penalty": 10.0, "learning_rate": 1e-4, "beta1": 0.0, "beta2": 0.9}


@pytest.mark.parametrize("preset", WGANGP.presets)
def test_every_preset_says_where_it_departs_from_them(preset):
    assert PAPER.keys() <= WGANGP.presets[preset].keys()
    assert WGANGP.preset_notes[preset]
