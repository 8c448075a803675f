"""The games' losses, their gradients and the statistics that are logged.

Goodfellow et al. 2014 (non_saturating, minimax), Mao et al. 2017 (least_squares, with targets a, b, c), Lim & Ye 2017
(hinge), Arjovsky et al. 2017 (wasserstein). A mean over logits, times `scale`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from oracle.draws import Array

KINDS = ("non_saturating", "minimax", "least_squares", "hinge", "wasserstein")


class Targets(NamedTuple):
    """What least squares wants: a of fakes and b of real images (D), c of fakes (G)."""

    a: float = 0.0
    b: float = 1.0
    c: float = 1.0


DEFAULT = Targets()


def discriminator_loss(real: Array, fake: Array, kind: str, targets: Targets, scale: float = 1.0) -> Array:
    """0-d."""
    if kind in ("non_saturating", "minimax"):
        terms = softplus(-real), softplus(fake)
    elif kind == "least_squares":
        terms = (real - targets.b) ** 2 / 2, (fake - targets.a) ** 2 / 2
    elif kind == "hinge":
        terms = np.where(real.real < 1, 1 - real, 0), np.where(fake.real > -1, 1 + fake, 0)
    else:
        terms = -real, fake
    return scale * (terms[0].mean() + terms[1].mean())


def discriminator_gradients(
    real: Array, fake: Array, kind: str, targets: Targets, scale: float = 1.0
) -> tuple[Array, Array]:
    """Of the loss, by the real and by the fake logits."""
    if kind in ("non_saturating", "minimax"):
        slopes = -sigmoid(-real), sigmoid(fake)
    elif kind == "least_squares":
        slopes = real - targets.b, fake - targets.a
    elif kind == "hinge":
        slopes = np.where(real.real < 1, -1.0, 0.0), np.where(fake.real > -1, 1.0, 0.0)
    else:
        slopes = -np.ones_like(real), np.ones_like(fake)
    return scale * slopes[0] / real.size, scale * slopes[1] / fake.size


def discriminator_statistics(real: Array, fake: Array, kind: str, targets: Targets) -> Array:
    """Mean D(real), mean D(fake), share of the real logits judged real, share of the fake ones judged fake."""
    above = threshold(kind, targets)
    judged = [judgement(real, kind).mean(), judgement(fake, kind).mean()]
    return np.array([*judged, (real > above).mean(), (fake <= above).mean()])


def generator_loss(fake: Array, kind: str, targets: Targets, scale: float = 1.0) -> Array:
    """0-d."""
    if kind == "non_saturating":
        terms = softplus(-fake)
    elif kind == "minimax":
        terms = -softplus(fake)
    elif kind == "least_squares":
        terms = (fake - targets.c) ** 2 / 2
    else:
        terms = -fake
    return scale * terms.mean()


def generator_gradient(fake: Array, kind: str, targets: Targets, scale: float = 1.0) -> Array:
    """Of the loss, by the logits."""
    if kind == "non_saturating":
        slopes = -sigmoid(-fake)
    elif kind == "minimax":
        slopes = -sigmoid(fake)
    elif kind == "least_squares":
        slopes = fake - targets.c
    else:
        slopes = -np.ones_like(fake)
    return scale * slopes / fake.size


def generator_statistics(fake: Array, kind: str, targets: Targets) -> Array:
    """Mean D(fake), share of the logits judged real."""
    return np.array([judgement(fake, kind).mean(), (fake > threshold(kind, targets)).mean()])


def softplus(x: Array) -> Array:
    """log(1 + exp(x)) for any x: the exponential is only ever taken of what is not positive."""
    positive = x.real > 0
    return np.where(positive, x, 0) + np.log1p(np.exp(np.where(positive, -x, x)))


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)) for any x."""
    positive = x.real > 0
    small = np.exp(np.where(positive, -x, x))
    return np.where(positive, 1.0, small) / (1.0 + small)


def judgement(logits: Array, kind: str) -> Array:
    """D(.): a probability where the kind has one, the raw output elsewhere."""
    return sigmoid(logits) if kind in ("non_saturating", "minimax") else logits


def threshold(kind: str, targets: Targets) -> float:
    """The output above which D says "real"."""
    return (targets.a + targets.b) / 2 if kind == "least_squares" else 0.0
