"""What metrics say of real images in the place of generated ones: in whatever order, of however many, with intervals that hold the
truth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any

import numpy as np
import pytest
import torch

import zoo
from zoo import evaluate
from zoo.evaluate import reader
from zoo.evaluate.extractors.classifiers import Digits
from zoo.evaluate.measures import intervals
from zoo.evaluate.measures.frequencies import imbalance, rarest


@pytest.fixture(scope="module")
def digits() -> tuple[np.ndarray, np.ndarray]:
    """Features of the digits that come with zoo, (5000, 128), and their labels."""
    images, labels = reader.digits()
    return Digits()(images), labels.numpy()


class Known(zoo.Features):
    """Features that are known."""

    extractor = "known"

    def __init__(self, fakes: np.ndarray, real: np.ndarray) -> None:
        self._fakes, self._real = fakes, real

    @property
    def fakes(self) -> np.ndarray:
        return self._fakes

    @property
    def real(self) -> np.ndarray:
        return self._real

    @cached_property
    def halves_of(self) -> tuple[np.ndarray, np.ndarray]:
        one, other = np.random.default_rng(1).permutation(len(self._real) // 2 * 2).reshape(2, -1)
        return one, other

    @property
    def halves(self) -> tuple[np.ndarray, np.ndarray]:
        return self.real[self.halves_of[0]], self.real[self.halves_of[1]]


@dataclass
class Context:
    """What these metrics ask for of a context."""

    features: Known
    labels: torch.Tensor | None = None
    real_labels: torch.Tensor | None = None
    real_class_names: list[str] = field(default_factory=lambda: [str(digit) for digit in range(10)])
    seed: int = 0


def numbers(metric: type[zoo.Metric], *features: np.ndarray, **more: Any) -> dict[str, zoo.Estimate]:
    return dict(metric().compute(Context(Known(*features), **more)))


def splits(digits: np.ndarray, *counts: int, pairs: int = 20) -> list[list[np.ndarray]]:
    """Disjoint sets of them, of so many."""
    every = [np.random.default_rng(seed).permutation(len(digits)) for seed in range(pairs)]
    return [np.split(digits[mixed], np.cumsum(counts))[: len(counts)] for mixed in every]


@pytest.fixture(scope="module")
def of_halves(digits) -> Callable[[type[zoo.Metric], int], list[dict[str, zoo.Estimate]]]:
    """What a metric says of 20 pairs of disjoint sets of so many."""

    @cache
    def computed(metric: type[zoo.Metric], count: int) -> list[dict[str, zoo.Estimate]]:
        features, labels = digits
        found = []
        for one, other in splits(np.arange(5000), count, count):
            of_both = {"labels": torch.from_numpy(labels[one]), "real_labels": torch.from_numpy(labels[other])}
            found.append(numbers(metric, features[one], features[other], **of_both))
        return found

    return computed


@pytest.mark.parametrize(
    ("metric", "count", "number", "truth"),
    [
        (evaluate.FrechetDistance, 2500, "distance", None),
        (evaluate.FrechetDistance, 2500, "unbiased", 0.0),
        (evaluate.FrechetDistance, 2500, "over_floor", 1.0),
        (evaluate.KernelDistance, 1500, "kid", 0.0),
        (evaluate.PrecisionRecall, 1000, "precision", None),
        (evaluate.PrecisionRecall, 1000, "recall", None),
        (evaluate.DensityCoverage, 1000, "density", 1.0),
        (evaluate.DensityCoverage, 1000, "coverage", None),
        (evaluate.ClassScores, 2500, "accuracy", None),
        (evaluate.ClassScores, 2500, "imbalance", 0.0),
        (evaluate.ClassScores, 2500, "rarest", 1.0),
        (evaluate.ClassScores, 2500, "worst", 0.0),
    ],
)
def test_of_20_disjoint_halves_of_real_digits_intervals_hold_the_truth(of_halves, metric, count, number, truth):
    """That is what ever more images would give, and where a number depends on how many they are, its mean of so many. 19 of 20 are
    to hold it; the chance of fewer than 17 of 95 % is 2 in a hundred, and the seeds are fixed."""
    found = [numbers[number] for numbers in of_halves(metric, count)]
    truth = np.mean([float(each) for each in found]) if truth is None else truth
    held = sum(each.low <= truth <= each.high for each in found)
    width, spread = np.mean([each.high - each.low for each in found]), np.std([float(each) for each in found], ddof=1)
    print(
        f"{metric.name} {number}: {held} of 20 hold {truth:.4g}; {width / (2 * intervals.Z * spread):.2f} times as wide"
    )
    assert held >= 17
    if metric is not evaluate.ClassScores:
        assert width < 2 * (2 * intervals.Z * spread), "no wider than twice what it has to be"


def test_the_floor_of_the_worst_class_is_that_of_the_worst_class_of_halves(of_halves):
    for number, truth in (("imbalance", 0.0), ("rarest", 1.0), ("worst", 0.0)):
        found = [numbers[number] for numbers in of_halves(evaluate.ClassScores, 2500)]
        floor, value = (np.mean(of) for of in zip(*((each.floor, float(each)) for each in found), strict=True))
        # Of the halves of a half: by √2 farther from the truth.
        assert abs(value - truth) < abs(floor - truth) < 2 * abs(value - truth)


def test_frequencies_that_are_wrong_are_told_from_chance():
    """One class a fifth as often as it should be, of 2,500 each."""
    random = np.random.default_rng(0)
    shares, held, widths = np.array([0.02] + [0.98 / 9] * 9), [], []
    for _ in range(200):
        fakes, real = random.multinomial(2500, shares), random.multinomial(2500, [0.1] * 10)
        both = imbalance(fakes, real, random), rarest(fakes, real)
        held.append([each.low <= truth <= each.high for each, truth in zip(both, (0.08, 0.2), strict=True)])
        widths.append([each.high - each.low for each in both])
    assert np.mean(held, 0).min() >= 0.95
    assert np.mean(widths, 0).tolist() < [0.08, 0.2]
    assert rarest(np.array([0, 10]), np.array([5, 5])).high > 0, "none of ten may be one of a hundred"
    assert rarest(np.array([3, 4]), np.array([5, 0])).value == pytest.approx(3 / 7)


@pytest.mark.parametrize("count", [256, 500, 1000])
def test_few_images_are_measured_against_as_few_real_ones(digits, count):
    """What a perfect generator has of each number is its floor, of however few images."""
    found: dict[str, list[zoo.Estimate]] = {}
    for pair in splits(digits[0], count, 4000, pairs=4):
        for metric in (evaluate.FrechetDistance, evaluate.PrecisionRecall, evaluate.DensityCoverage):
            for name, each in numbers(metric, *pair).items():
                found.setdefault(name, []).append(each)
    for name in ("distance", "over_floor", "precision", "recall", "density", "coverage"):
        value, floor = (
            np.mean([float(of) for of in values]) for values in zip(*((e, e.floor) for e in found[name]), strict=True)
        )
        assert value == pytest.approx(floor, rel=0.25 if name in ("distance", "over_floor") else 0.05), name


def test_numbers_are_of_as_many_images_of_either_half_as_there_are_generated_ones(digits):
    fakes, one, other = Known(digits[0][:300], digits[0][300:2000]).matched
    assert (fakes.shape, one.shape, other.shape) == ((300, 128),) * 3
    fakes, one, other = Known(digits[0][:300], digits[0][300:500]).matched
    assert (fakes.shape, one.shape, other.shape) == ((100, 128),) * 3


def test_colour_has_an_unbiased_distance_of_5000_pictures_and_of_fewer_a_line_says_why(caplog):
    """In 100 dimensions, of which 1,280 have 5,000 pictures."""
    random = np.random.default_rng(0)
    fakes, real = (random.normal(size=(390, 100)).astype(np.float32) for _ in range(2))
    found = numbers(evaluate.FrechetDistance, fakes, real)["unbiased"]
    assert found.low < 0 < found.high < float(numbers(evaluate.FrechetDistance, fakes, real)["distance"]) / 4
    assert found.floor is not None
    assert not caplog.messages
    assert "unbiased" not in numbers(evaluate.FrechetDistance, fakes[:170], real)
    assert caplog.messages == [
        "frechet has no unbiased distance: 100 features take 180 images of either kind, and there are 170"
    ]
