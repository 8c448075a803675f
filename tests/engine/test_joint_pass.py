"""D sees real images and fakes in one pass where that gives the results of two."""

from __future__ import annotations

import threading

import pytest
import torch
from support import state_of
from torch import nn
from toy_step import build, same, weights

import zoo
from zoo.engine.trial import Trial

SPEC = zoo.DataSpec(1, 2, 4)


def trial(discriminator: nn.Module, count: int, classes: int = 0) -> Trial:
    """Of a D that takes as many images at a time."""
    architecture = zoo.Architecture()
    architecture.conditional = classes > 0
    generator = nn.utils.skip_init(nn.Linear, 1, 1)  # which draws no random numbers
    spec = zoo.DataSpec(*SPEC.shape, classes)
    return Trial(architecture, zoo.Options(batch_size=count), spec, generator, discriminator)


def dense(*between: nn.Module) -> nn.Module:
    return nn.Sequential(
        nn.Flatten(), zoo.nn.LinearAct(8, 6, activation="leaky_relu", slope=0.2), *between, nn.Linear(6, 1)
    )


class Compares(nn.Module):
    """Looks at the whole batch, as minibatch discrimination does."""

    def forward(self, x):
        return x - x.mean(0)


class Gated(nn.Module):
    """Looks at the whole batch, once it has learnt to."""

    def __init__(self):
        super().__init__()
        self.gain = nn.Parameter(torch.zeros(()))

    def forward(self, x):
        return x + self.gain * x.mean(0)


class Remembers(nn.Module):
    """Keeps its features, for a loss that matches them."""

    def forward(self, x):
        self._features = x
        return x


class Counts(nn.Module):
    passes = 0

    def forward(self, x):
        self.passes += 1
        return x


class Locked(nn.Module):
    """Cannot be copied."""

    def __init__(self):
        super().__init__()
        self.lock = threading.Lock()

    def forward(self, x):
        return x


class OneSize(nn.Module):
    def forward(self, x):
        return x.view(3, 6)


@pytest.mark.parametrize(
    ("between", "apart"),
    [
        ([], True),
        ([zoo.nn.BatchNormAct(6, activation="relu")], True),
        ([nn.LayerNorm(6)], True),
        ([nn.BatchNorm1d(6)], False),
        ([nn.Dropout()], False),
        ([Compares()], False),
        ([OneSize()], False),
        ([nn.utils.parametrizations.spectral_norm(nn.Linear(6, 6))], False),
        ([zoo.nn.spectral_norm(nn.Linear(6, 6))], False),
        ([zoo.nn.MinibatchStdDev(), nn.Linear(7, 6)], True),
    ],
    ids=[
        "plain",
        "BatchNormAct",
        "LayerNorm",
        "torch's batch norm",
        "dropout",
        "compares",
        "one size",
        "torch's spectral norm",
        "spectral norm",
        "minibatch standard deviation",
    ],
)
def test_it_is_tried_whether_halves_are_judged_apart(between, apart):
    network = dense(*between)
    before, state = weights(network), torch.random.get_rng_state()
    assert trial(network, 3).try_joint_pass() is apart
    assert same(before, network)
    assert torch.equal(state, torch.random.get_rng_state()), "nobody else's numbers change"


@pytest.mark.parametrize(
    "norm", [nn.utils.parametrizations.spectral_norm, zoo.nn.spectral_norm], ids=["torch's", "ours"]
)
def test_a_power_iteration_in_each_pass_is_noticed_whatever_the_weights(norm):
    for seed in range(20):
        torch.manual_seed(seed)
        network = dense(norm(nn.Linear(6, 6)))
        assert not trial(network, 3).try_joint_pass(), seed


def test_labels_go_along():
    class Labelled(nn.Module):
        def __init__(self):
            super().__init__()
            self.of = nn.Embedding(3, 1)

        def forward(self, images, labels):
            return images.flatten(1).sum(1, keepdim=True) * self.of(labels)

    assert trial(Labelled(), 4, classes=3).try_joint_pass()


@pytest.mark.parametrize(
    "options", [dict(), dict(r1=1.0, r1_every=2), dict(accumulate=2), dict(reuse_fakes=True)], ids=str
)
def test_one_pass_trains_as_two_do(options):
    one, two = build(**options), build(**options)
    one.joint_pass = True
    for number in range(4):
        ours, theirs = one.run(number), two.run(number)
        for name, value in theirs.items():
            torch.testing.assert_close(ours[name], value, rtol=1e-4, atol=1e-6)
    for role in ("discriminator", "generator"):
        for a, b in zip(getattr(one, role).parameters(), getattr(two, role).parameters(), strict=True):
            torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("name", "seen"), [("vanilla", [16, 8]), ("dcgan", [8, 8, 8])])
def test_dense_discriminators_see_both_at_once_and_convolutional_ones_one_after_the_other(name, seen):
    flags = dict(batch_size=8, generator_batch_size=None, r1=0.0, reuse_fakes=True, evaluate_fakes=False, joined=False)
    made = state_of(name, "digits", **flags)
    batches = []
    made.step.discriminator.register_forward_pre_hook(lambda module, given: batches.append(len(given[0])))
    made.step.run(0)
    made.batches.close()
    assert batches == seen
