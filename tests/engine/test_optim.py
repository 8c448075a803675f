"""Optimisers against their formulas, learning rates over time, the running average."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from support import tensors
from torch import nn

import zoo
from zoo.engine.ema import Average
from zoo.engine.optim import build_optimizer, rate_factor, set_rate

RATE = 0.05
STEPS = 4


def gradient(weights: np.ndarray) -> np.ndarray:
    """Of the function 2w² + w, at each weight."""
    return 4 * weights + 1


def trained(**options) -> np.ndarray:
    """A few weights after some updates of the optimiser that the options name."""
    weights = nn.Parameter(torch.tensor([1.0, -2.0, 0.25], dtype=torch.float64))
    optimizer = build_optimizer([weights], zoo.Options(**options), RATE)
    for _ in range(STEPS):
        optimizer.zero_grad()
        (2 * weights**2 + weights).sum().backward()
        optimizer.step()
    return weights.detach().numpy()


def by_formula(update) -> np.ndarray:
    """The same weights, where `update(weights, gradient, step, memory)` gives the new ones."""
    weights, memory = np.array([1.0, -2.0, 0.25]), {}
    for step in range(1, STEPS + 1):
        weights = update(weights, gradient(weights), step, memory)
    return weights


def adam(beta1=0.9, beta2=0.95, epsilon=1e-3, l2=0.0, decoupled=0.0):
    """Kingma & Ba 2015; `decoupled` is the weight decay of Loshchilov & Hutter 2019."""

    def update(w, g, step, memory):
        w = w * (1 - RATE * decoupled)
        g = g + l2 * w
        m = memory["m"] = beta1 * memory.get("m", 0) + (1 - beta1) * g
        v = memory["v"] = beta2 * memory.get("v", 0) + (1 - beta2) * g**2
        return w - RATE * (m / (1 - beta1**step)) / (np.sqrt(v / (1 - beta2**step)) + epsilon)

    return update


def rmsprop(rho=0.9, epsilon=1e-3, momentum=0.0, l2=0.0):
    """Hinton 2012."""

    def update(w, g, step, memory):
        g = g + l2 * w
        v = memory["v"] = rho * memory.get("v", 0) + (1 - rho) * g**2
        u = memory["u"] = momentum * memory.get("u", 0) + g / (np.sqrt(v) + epsilon)
        return w - RATE * u

    return update


def sgd(momentum=0.0, nesterov=False, l2=0.0):
    """Sutskever et al. 2013, as torch writes it: the rate outside the velocity."""

    def update(w, g, step, memory):
        g = g + l2 * w
        u = memory["u"] = momentum * memory.get("u", 0) + g
        return w - RATE * (g + momentum * u if nesterov else u)

    return update


ADAM = dict(beta1=0.9, beta2=0.95, epsilon=1e-3)


@pytest.mark.parametrize(
    ("options", "formula"),
    [
        (dict(optimizer="adam", **ADAM), adam()),
        (dict(optimizer="adam", weight_decay=0.3, **ADAM), adam(l2=0.3)),
        (dict(optimizer="adam", beta1=0.0, beta2=0.5, epsilon=0.1), adam(0.0, 0.5, 0.1)),
        (dict(optimizer="adamw", weight_decay=0.3, **ADAM), adam(decoupled=0.3)),
        (dict(optimizer="rmsprop", rho=0.9, epsilon=1e-3), rmsprop()),
        (
            dict(optimizer="rmsprop", rho=0.5, epsilon=1e-3, momentum=0.9, weight_decay=0.3),
            rmsprop(0.5, 1e-3, 0.9, 0.3),
        ),
        (dict(optimizer="sgd"), sgd()),
        (dict(optimizer="sgd", momentum=0.9), sgd(0.9)),
        (dict(optimizer="sgd", momentum=0.9, nesterov=True, weight_decay=0.3), sgd(0.9, True, 0.3)),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "formula",
)
def test_an_optimiser_follows_its_formula(options, formula):
    np.testing.assert_allclose(trained(**options), by_formula(formula), rtol=1e-9)


def test_every_optimiser_that_the_options_offer_is_compared_above():
    offered = zoo.Options.model_fields["optimizer"].annotation.__args__
    assert set(offered) == {"adam", "adamw", "rmsprop", "sgd"}


# ---- learning rates


@pytest.mark.parametrize(
    ("options", "factors"),
    [
        (dict(), [1, 1, 1, 1, 1]),
        (dict(schedule="linear"), [1, 0.75, 0.5, 0.25, 0]),
        (dict(schedule="cosine"), [1, 0.5 + math.sqrt(0.125), 0.5, 0.5 - math.sqrt(0.125), 0]),
        (dict(schedule="inverse_time", schedule_decay=0.5), [1, 1 / 1.5, 1 / 2, 1 / 2.5, 1 / 3]),
        (dict(warmup=4), [0.25, 0.5, 0.75, 1, 1]),
        (dict(warmup=2, schedule="linear"), [0.5, 0.75, 0.5, 0.25, 0]),
    ],
    ids=str,
)
def test_the_learning_rate_follows_its_schedule(options, factors):
    found = [rate_factor(zoo.Options(**options), step, 4) for step in range(5)]
    assert found == pytest.approx(factors, abs=1e-12)


@pytest.mark.parametrize("schedule", ["linear", "cosine"])
def test_a_learning_rate_never_falls_below_zero(schedule):
    assert rate_factor(zoo.Options(schedule=schedule), 9, 4) == 0


def test_the_rate_is_set_in_every_group_of_parameters():
    groups = [{"params": [nn.Parameter(torch.zeros(1))]}, {"params": [nn.Parameter(torch.zeros(1))], "lr": 3.0}]
    optimizer = torch.optim.SGD(groups, 1.0)
    set_rate(optimizer, 0.5)
    assert [group["lr"] for group in optimizer.param_groups] == [0.5, 0.5]


def test_a_run_follows_its_schedule(images):
    run = zoo.train(
        "dcgan", data=str(images), out="run", width=2, batch_size=8, steps=4, log_every=1, schedule="linear", optimizer="sgd",
        learning_rate=0.4, schedule_hold=0.0,
    )  # fmt: skip
    assert [line["learning_rate"] for line in run.metrics()] == pytest.approx([0.4, 0.3, 0.2, 0.1])


@pytest.mark.parametrize("slow", ["generator", "discriminator"])
def test_each_network_has_its_own_learning_rate(images, slow):
    """With a rate so small that float32 does not see it, one network stays where it was."""
    rates = {"generator": 0.1, "discriminator": 0.1, slow: 1e-30}
    drawn = []
    for steps in (1, 3):
        run = zoo.train(
            "vanilla", data=str(images), out=f"run-{steps}", batch_size=8, steps=steps, optimizer="sgd", schedule="constant",
            learning_rate=rates["generator"], discriminator_learning_rate=rates["discriminator"],
        )  # fmt: skip
        drawn.append(tensors(run.latest()[1]))
    still = {
        role: all(
            value.tobytes() == drawn[1][name].tobytes()
            for name, value in drawn[0].items()
            if name.startswith(role) and name.endswith(".weight")
        )
        for role in rates
    }
    assert still == {role: role == slow for role in rates}


# ---- the running average


class Counted(nn.Module):
    """A weight, a floating-point buffer and an integer one."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([1.0]))
        self.register_buffer("mean", torch.tensor([10.0]))
        self.register_buffer("count", torch.tensor(0))


def test_the_average_follows_its_formula_and_copies_integers():
    network = Counted()
    average = Average(network, 0.3)
    weight, mean = 1.0, 10.0
    for update in range(8):
        with torch.no_grad():
            network.weight.add_(1)
            network.mean.mul_(1.5)
            network.count.add_(1)
        average.update()
        decay = min(0.3, (1 + update) / (10 + update))
        weight = decay * weight + (1 - decay) * (2.0 + update)
        mean = decay * mean + (1 - decay) * 10 * 1.5 ** (update + 1)
        assert average.network.weight.item() == pytest.approx(weight, rel=1e-5)
        assert average.network.mean.item() == pytest.approx(mean, rel=1e-5)
        assert average.network.count.item() == update + 1


def test_the_average_neither_learns_nor_shares_memory_and_stands_in_evaluation():
    network = Counted()
    average = Average(network, 0.9)
    with torch.no_grad():
        network.weight.fill_(5)
    assert average.network.weight.item() == 1
    assert not average.network.weight.requires_grad
    assert not average.network.training
    assert network.training


def test_the_average_follows_a_network_whose_weights_are_loaded_anew():
    """A resumed run loads its weights after the average was made."""
    network = Counted()
    average = Average(network, 0.5)
    network.load_state_dict({"weight": torch.tensor([7.0]), "mean": torch.tensor([7.0]), "count": torch.tensor(7)})
    average.update()
    assert average.network.weight.item() == pytest.approx(0.1 * 1 + 0.9 * 7)


def test_samples_are_drawn_with_the_average_where_there_is_one(images):
    common = dict(data=str(images), width=2, batch_size=8, steps=6, latent=4)
    run = zoo.train("dcgan", out="averaged", ema=0.9, **common)
    averaged, raw = zoo.load(run)(4), zoo.load(run, averaged=False)(4)
    assert not torch.equal(averaged, raw)
    without = zoo.train("dcgan", out="raw", ema=0.0, **common)
    assert torch.equal(zoo.load(without)(4), raw), "the average does not change what is learnt"
