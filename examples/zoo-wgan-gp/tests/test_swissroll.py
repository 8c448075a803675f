"""The data source: where its points lie, and that zoo finds and trains on it."""

from __future__ import annotations

import numpy as np
import pytest
from zoo_wgan_gp.swissroll import COUNT, SCALE, SwissRoll

import zoo


def points() -> np.ndarray:
    source = SwissRoll("")
    spec = zoo.DataSpec(1, 1, 2, points=True)
    parts = [images.pixels for item in source.chunks() for images in source.decode(item, spec)]
    return np.concatenate(parts)


def test_there_are_as_many_points_as_it_says_always_the_same_ones():
    found = points()
    assert found.shape == (COUNT, 1, 2, 1) == (len(SwissRoll("")), 1, 2, 1)
    assert found.dtype == np.float32
    assert np.array_equal(found, points())


def test_the_points_lie_on_the_spiral():
    flat = points().reshape(-1, 2).astype(np.float64) * SCALE
    assert np.abs(flat).max() < SCALE
    radius, direction = np.hypot(*flat.T), np.arctan2(flat[:, 1], flat[:, 0])
    turns = np.round((radius - direction) / (2 * np.pi))  # the turn of the spiral that is nearest
    away = radius - (direction + 2 * np.pi * turns)  # along the radius: nearly across the spiral
    assert abs(away.mean()) < 0.01
    assert away.std() == pytest.approx(0.25, rel=0.05)
    angle = direction + 2 * np.pi * turns
    inner, outer = 1.5 * np.pi, 4.5 * np.pi
    shares, _ = np.histogram(angle, bins=10, range=(inner, outer))
    assert shares / COUNT == pytest.approx(np.full(10, 0.1), abs=0.01)


def test_zoo_trains_on_it():
    run = zoo.train("wgan-gp", data="swissroll", out="run", width=8, batch_size=8, steps=1, samples=4)
    assert run.config["preset"] == "toy"
    assert run.config["data"]["title"] == "the Swiss roll"
    assert len(run.samples) == 2


def test_it_has_no_parts():
    with pytest.raises(zoo.errors.DataError, match="write --data swissroll"):
        zoo.train("wgan-gp", data="swissroll:left", out="run")
