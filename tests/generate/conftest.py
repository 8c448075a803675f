"""Tiny trained runs to draw with."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import tiny

import zoo


@pytest.fixture(scope="session")
def runs(images, tmp_path_factory) -> Path:
    """Runs of four steps: cgan (three classes), dcgan, and dcgan with latents of the two uniform distributions."""
    folder = tmp_path_factory.mktemp("runs")
    for name, architecture, more in (
        ("cgan", "cgan", {}),
        ("dcgan", "dcgan", {"checkpoint_every": 2}),
        ("uniform", "dcgan", {"latent_distribution": "uniform"}),
        ("unit", "dcgan", {"latent_distribution": "unit"}),
    ):
        zoo.train(architecture, data=str(images), out=folder / name, **tiny(architecture, **more))
    return folder


@pytest.fixture
def conditional(runs) -> zoo.Generator:
    return zoo.load(runs / "cgan")


@pytest.fixture
def plain(runs) -> zoo.Generator:
    return zoo.load(runs / "dcgan")


@pytest.fixture
def uniform(runs) -> zoo.Generator:
    return zoo.load(runs / "uniform")
