"""What the measures give where it is known, against plain formulas, and whether their intervals hold the truth."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from zoo.evaluate import reader
from zoo.evaluate.extractors.classifiers import Digits
from zoo.evaluate.measures import extrapolation, frechet, intervals
from zoo.evaluate.measures.distances import blocks, nearest
from zoo.evaluate.measures.frechet import Moments
from zoo.evaluate.measures.kernel import kernel_distance
from zoo.evaluate.measures.labels import classes_of, counts
from zoo.evaluate.measures.neighbours import coverage, density, within


def normal(count: int, dimension: int = 6, mean: float = 0.0, scale: float = 1.0, seed: int = 0):
    return np.random.default_rng(seed).normal(mean, scale, (count, dimension)).astype(np.float32)


@pytest.fixture(scope="module")
def digits() -> np.ndarray:
    """Features of the digits that come with zoo, (5000, 128)."""
    return Digits()(reader.digits()[0])


# ---- the Fréchet distance


def moments(mean, covariance) -> Moments:
    return Moments(np.array(mean, float), np.array(covariance, float), 100)


def test_the_distance_of_known_gaussians_is_that_of_the_formula():
    one, other = moments([0, 0], [[4, 0], [0, 9]]), moments([3, 4], [[1, 0], [0, 1]])
    assert frechet.distance(one, other) == pytest.approx(25 + (2 - 1) ** 2 + (3 - 1) ** 2)
    assert frechet.distance(one, one) == pytest.approx(0, abs=1e-12)


def test_the_distance_is_that_of_the_root_of_the_product():
    """tr (Σ₁Σ₂)^½ by the eigenvalues of the product, which is how others have it."""
    one, other = Moments.of(normal(300)), Moments.of(normal(200, mean=0.3, scale=2, seed=1))
    roots = np.sqrt(np.linalg.eigvals(one.covariance @ other.covariance).real)
    gap = one.mean - other.mean
    expected = gap @ gap + np.trace(one.covariance) + np.trace(other.covariance) - 2 * roots.sum()
    assert frechet.distance(one, other) == pytest.approx(expected)


@pytest.mark.parametrize(("n", "m"), [(10, 12), (12, 10), (10, 300), (300, 10), (40, 41), (41, 40)])
def test_fewer_images_than_dimensions_give_the_distance_and_error_of_the_formula(n, m):
    """By the sum of the singular values of the one's centred images times the other's, and how far weight on an image moves that,
    but for n / (n - 1)."""
    one, other = normal(n, 40), normal(m, 40, 0.3, 1.5, seed=1)

    def plain(weights: np.ndarray) -> float:
        """With weight on the images of the first set, of which the mean is 1."""
        mean, rest = weights @ one / n, (other - other.mean(0)) / np.sqrt(m - 1)
        some = (one - mean) * np.sqrt(weights / (n - 1))[:, None]
        gap = mean - other.mean(0)
        roots = np.linalg.svd(some @ rest.T, compute_uv=False).sum()
        return float(gap @ gap + np.square(some).sum() + np.square(rest).sum() - 2 * roots)

    every, step = np.ones(n), 1e-3
    found = frechet.moved(one, other)
    assert found.value == pytest.approx(plain(every), rel=1e-5)
    assert found.value == pytest.approx(frechet.distance(Moments.of(other), Moments.of(one)), rel=1e-6)
    slopes = []
    for image in range(n):
        more = every + step * (n * (np.arange(n) == image) - 1)
        slopes.append((plain(more) - plain(2 * every - more)) / (2 * step))
    assert found.one == pytest.approx(np.array(slopes), abs=1.5 * abs(found.one).max() / n)
    assert np.corrcoef(found.one, slopes)[0, 1] > 0.99
    turned = frechet.moved(other, one)
    assert turned.other == pytest.approx(found.one, rel=1e-6, abs=1e-6)
    error = frechet.distance_with_error(one, other).error
    assert error == pytest.approx(np.hypot(found.one.std() / n**0.5, found.other.std() / m**0.5))


def extrapolated(one: np.ndarray, other: np.ndarray) -> float:
    count = min(len(one), len(other))
    parts = extrapolation.parts_of(count, count, one.shape[1])
    return extrapolation.unbiased(*(extrapolation.pieces(each, count, parts) for each in (one, other))).value


@pytest.mark.parametrize(("n", "m", "left"), [(400, 400, 0.03), (78, 78, 0.03), (160, 1600, 0.03), (72, 720, 0.08)])
def test_the_extrapolation_removes_the_bias_of_small_samples(n, m, left):
    """Of 40 pairs of samples of one distribution in 40 dimensions: of what all are too large by, little is left, where one set is
    ten times the other too, and where there are twice as many images as dimensions, as of colour."""
    found = []
    for seed in range(40):
        one, other = normal(n, 40, seed=2 * seed), normal(m, 40, seed=2 * seed + 1)
        found.append((frechet.distance(Moments.of(one), Moments.of(other)), extrapolated(one, other)))
    biased, unbiased = np.mean(found, 0)
    chance = 2 * np.std([of for _, of in found]) / 40**0.5
    assert abs(unbiased) < left * biased + chance < 0.2 * biased


def test_there_are_parts_enough_for_the_default_number_of_colour_pictures_and_for_their_halves():
    assert extrapolation.parts_of(5000, 5000, 1280) == 4
    assert extrapolation.parts_of(2500, 2500, 1280) == 2
    assert extrapolation.parts_of(extrapolation.fewest(1280), 10**6, 1280) == 2
    assert extrapolation.parts_of(extrapolation.fewest(1280) - 1, 10**6, 1280) == 1
    assert extrapolation.parts_of(10**6, 10**6, 128) == extrapolation.PARTS


def test_how_far_the_distance_moves_is_its_standard_error():
    pairs = [(normal(500, 6, 0.5, seed=2 * s), normal(500, 6, seed=2 * s + 1)) for s in range(60)]
    values = [frechet.distance(Moments.of(one), Moments.of(other)) for one, other in pairs]
    errors = [frechet.distance_with_error(one, other).error for one, other in pairs]
    assert np.mean(errors) == pytest.approx(np.std(values, ddof=1), rel=0.25)


# ---- the kernel distance


def test_the_kernel_distance_is_that_of_the_formula():
    one, other = normal(30), normal(20, mean=0.4, seed=1)
    kernel = [(a @ b.T / 6 + 1) ** 3 for a, b in ((one, one), (other, other), (one, other))]
    ours, theirs = ((k.sum() - np.trace(k)) / (len(k) * (len(k) - 1)) for k in kernel[:2])
    assert kernel_distance(one, other).value == pytest.approx(ours + theirs - 2 * kernel[2].mean(), rel=1e-4)


def test_its_error_is_that_of_leaving_out_each_image():
    one, other = normal(15), normal(12, mean=0.4, seed=1)
    of_one = [kernel_distance(np.delete(one, k, 0), other).value for k in range(15)]
    of_other = [kernel_distance(one, np.delete(other, k, 0)).value for k in range(12)]
    expected = np.hypot(intervals.jackknife_error(of_one), intervals.jackknife_error(of_other))
    assert kernel_distance(one, other).error == pytest.approx(expected)


# ---- neighbours


def test_distances_do_not_depend_on_blocks(monkeypatch):
    one, other = normal(50), normal(40, seed=1)
    expected = ((one[:, None] - other[None]) ** 2).sum(2)
    monkeypatch.setattr("zoo.evaluate.measures.distances._VALUES", 100)
    found = np.concatenate([block for _, block in blocks(one, other)])
    assert found == pytest.approx(expected, abs=1e-4)
    assert nearest(one, other).place.tolist() == expected.argmin(1).tolist()


def plain_balls(features, k):
    distances = np.linalg.norm(features[:, None].astype(float) - features[None], axis=2)
    return np.sort(distances, 1)[:, k]


def test_precision_density_and_coverage_are_those_of_the_papers():
    fakes, real = normal(60, 3), normal(70, 3, 0.5, seed=1)
    distances = np.linalg.norm(fakes[:, None].astype(float) - real[None], axis=2)
    three, five = plain_balls(real, 3), plain_balls(real, 5)
    assert within(fakes, real).value == pytest.approx((distances <= three).any(1).mean())
    assert density(fakes, real).value == pytest.approx((distances <= five).sum() / 5 / 60)
    assert coverage(fakes, real).value == pytest.approx((distances <= five).any(0).mean())


def test_the_error_of_precision_is_that_of_leaving_out_groups():
    fakes, real = normal(60, 3), normal(70, 3, 0.5, seed=1)
    groups = intervals.groups_of(70, 10)
    left = [within(fakes, real[groups != group]).value for group in range(10)]
    share = within(fakes, real).value
    of_points = np.sqrt(share * (1 - share) / 59)
    assert within(fakes, real).error == pytest.approx(np.hypot(of_points, intervals.jackknife_error(left)))


def test_fakes_far_from_everything_have_no_precision_and_a_mode_that_is_dropped_costs_recall():
    real = np.concatenate([normal(100), normal(100, mean=20, seed=1)])
    assert within(normal(50, mean=100), real).value == 0
    half = normal(100, seed=2)
    assert within(half, real).value > 0.8
    assert within(real, half).value < 0.55
    assert coverage(half, real).value < 0.55


# ---- labels


def test_the_class_of_features_is_that_of_most_neighbours():
    real = np.concatenate([normal(30), normal(30, mean=8, seed=1)])
    labels = np.repeat([0, 2], 30)
    assert (
        classes_of(np.concatenate([normal(4, seed=3), normal(4, mean=8, seed=4)]), real, labels).tolist()
        == [0] * 4 + [2] * 4
    )
    assert counts(np.array([0, 0, 2]), 4).tolist() == [2, 0, 1, 0]


# ---- intervals


def test_a_share_of_nothing_or_all_has_an_interval():
    none, every = intervals.share(0, 100), intervals.share(100, 100)
    assert (none.value, none.low, every.value, every.high) == (0, 0, 1, 1)
    assert 0.03 < none.high < 0.05
    assert 0.95 < every.low < 0.97


def test_a_generator_that_draws_noise_is_told_from_a_good_one(digits):
    noise = Digits()(torch.rand(300, 1, 28, 28, generator=torch.Generator().manual_seed(0)) * 2 - 1)
    real = digits[:300]
    assert frechet.distance(Moments.of(noise), Moments.of(real)) > 20 * frechet.distance(
        Moments.of(digits[300:600]), Moments.of(real)
    )
