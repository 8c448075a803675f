"""Integrals against what is known in closed form."""

import math

import numpy as np
import pytest

from zoo.data.formats.toy import Mixture, mixture
from zoo.errors import OptionError
from zoo.theory.integration import Lattice, best_value, game_value, jensen_shannon, log_sigmoid, sigmoid

LINE, RING = mixture("line"), mixture("ring").with_deviation(0.1)
BOTH = [pytest.param(LINE, id="line"), pytest.param(RING, id="plane")]


def moved(what: Mixture, by: float) -> Mixture:
    return Mixture.of(what.modes + by, what.deviation, what.weights)


def divergence(p: Mixture, q: Mixture) -> float:
    lattice = Lattice.around(p, q)
    return jensen_shannon(lattice, p.log_density(lattice.points), q.log_density(lattice.points))


@pytest.mark.parametrize("what", BOTH)
def test_a_density_integrates_to_one(what):
    lattice = Lattice.around(what)
    assert lattice.integrate(what.density(lattice.points)) == pytest.approx(1, abs=1e-7)


@pytest.mark.parametrize("what", BOTH)
def test_moments_are_those_of_the_mixture(what):
    lattice = Lattice.around(what)
    density = what.density(lattice.points)
    mean = what.weights @ what.modes
    found = [lattice.integrate(density * lattice.points[..., axis]) for axis in range(what.dimensions)]
    assert found == pytest.approx(mean, abs=1e-7)
    spread = lattice.integrate(density * np.square(lattice.points - mean).sum(-1))
    exact = what.weights @ np.square(what.modes - mean).sum(-1) + what.dimensions * what.deviation**2
    assert spread == pytest.approx(exact, rel=1e-5)


@pytest.mark.parametrize("what", BOTH)
def test_equal_densities_have_the_value_of_minus_two_log_two(what):
    assert divergence(what, what) == pytest.approx(0, abs=1e-12)
    assert best_value(divergence(what, what)) == pytest.approx(-2 * math.log(2), abs=1e-12)


@pytest.mark.parametrize("what", BOTH)
def test_disjoint_densities_have_the_value_zero(what):
    assert divergence(what, moved(what, 4.0)) == pytest.approx(math.log(2), abs=1e-7)
    assert best_value(divergence(what, moved(what, 4.0))) == pytest.approx(0, abs=1e-7)


def test_two_gaussians_have_the_divergence_that_sampling_finds():
    p, q = Mixture.of([[-0.1]], 0.2), Mixture.of([[0.15]], 0.3)
    points = p.samples(400_000, np.random.default_rng(0)), q.samples(400_000, np.random.default_rng(1))
    parts = []
    for drawn, own in zip(points, (p, q), strict=True):
        middle = np.logaddexp(p.log_density(drawn), q.log_density(drawn)) - math.log(2)
        parts.append(np.mean(own.log_density(drawn) - middle))
    assert divergence(p, q) == pytest.approx(sum(parts) / 2, abs=0.002)


def test_half_of_the_modes_missing_is_a_known_divergence():
    """Of two far modes q has one: m = ¾, ¼; JS = ½ (½ log ⅔ + ½ log 2) + ½ log 4/3."""
    both, one = Mixture.of([[-0.7], [0.7]], 0.05), Mixture.of([[-0.7]], 0.05)
    exact = 0.5 * (0.5 * math.log(2 / 3) + 0.5 * math.log(2)) + 0.5 * math.log(4 / 3)
    assert divergence(both, one) == pytest.approx(exact, abs=1e-7)


@pytest.mark.parametrize("what", BOTH)
def test_no_discriminator_has_a_better_value_than_the_optimum(what):
    other = moved(what, 0.1)
    lattice = Lattice.around(what, other)
    p, q = what.log_density(lattice.points), other.log_density(lattice.points)
    best = best_value(jensen_shannon(lattice, p, q))
    assert game_value(lattice, p, q, p - q) == pytest.approx(best, abs=1e-9)
    assert game_value(lattice, p, q, np.zeros_like(p)) == pytest.approx(-2 * math.log(2), abs=1e-6)
    for off in (0.9 * (p - q), p - q + 0.3, -0.5 * (p - q)):
        assert game_value(lattice, p, q, off) < best - 1e-4


def test_the_region_is_the_smallest_that_carries_the_share():
    what = Mixture.of([[0.0]], 0.1)
    lattice = Lattice.around(what)
    inside = lattice.carrying(what.density(lattice.points), 0.9545)
    at = lattice.axes[0][inside]
    assert at.min() == pytest.approx(-0.2, abs=0.005)
    assert at.max() == pytest.approx(0.2, abs=0.005)
    mass = lattice.integrate(np.where(inside, what.density(lattice.points), 0))
    assert 0.9545 <= mass < 0.957


def test_modes_that_are_too_narrow_for_the_plane_are_refused():
    with pytest.raises(OptionError, match=r"deviation of 0\.001 is too narrow.*give 0\.\d+"):
        Lattice.around(RING.with_deviation(0.001))


def test_the_sigmoid_is_exact_far_out():
    at = np.array([-1000.0, -30.0, 0.0, 30.0, 1000.0])
    assert log_sigmoid(at) == pytest.approx([-1000, -30, -math.log(2), 0, 0], abs=1e-12)
    assert sigmoid(at) == pytest.approx([0, 0, 0.5, 1, 1], abs=1e-12)
