"""Optimisers against their formulas, learning rates over time, the running ema."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from support import tensors, tiny
from torch import nn

import zoo
from zoo.engine.ema import EMA
from zoo.engine.optim.build import build_optimizer
from zoo.engine.optim.schedule import momentum_at, rate_at, rate_factor, set_momentum, set_rate
from zoo.errors import OptionError
from zoo.options.resolve import resolve

RATE = 0.05


class Bare(zoo.Architecture):
    """Something to resolve options for."""

    name = "bare"


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


def keras_adam(beta1=0.9, beta2=0.95, epsilon=1e-3, l2=0.0, decoupled=0.0):
    """Kingma & Ba 2015, the formula before section 2.1, as Keras 3 writes it: epsilon beside the root of the raw moment."""

    def update(w, g, step, memory):
        w = w * (1 - RATE * decoupled)
        g = g + l2 * w
        m = memory["m"] = beta1 * memory.get("m", 0) + (1 - beta1) * g
        v = memory["v"] = beta2 * memory.get("v", 0) + (1 - beta2) * g**2
        rate = RATE * np.sqrt(1 - beta2**step) / (1 - beta1**step)
        return w - rate * m / (np.sqrt(v) + epsilon)

    return update


def keras_rmsprop(rho=0.9, epsilon=1e-3, momentum=0.0, l2=0.0):
    """As Keras 3 writes it: epsilon under the root, the rate inside the momentum, which `momentum` gives by the step."""
    of = momentum if callable(momentum) else lambda step: momentum

    def update(w, g, step, memory):
        g = g + l2 * w
        v = memory["v"] = rho * memory.get("v", 0) + (1 - rho) * g**2
        u = memory["u"] = of(step) * memory.get("u", 0) + RATE * g / np.sqrt(v + epsilon)
        return w - u

    return update


def sgd(momentum=0.0, nesterov=False, l2=0.0):
    """Sutskever et al. 2013, as torch writes it: the rate outside the velocity."""

    def update(w, g, step, memory):
        g = g + l2 * w
        u = memory["u"] = momentum * memory.get("u", 0) + g
        return w - RATE * (g + momentum * u if nesterov else u)

    return update


ADAM = dict(beta1=0.9, beta2=0.95, epsilon=1e-3)
KERAS = dict(epsilon_style="keras")


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
        (dict(optimizer="adam", **ADAM, **KERAS), keras_adam()),
        (dict(optimizer="adam", beta1=0.0, beta2=0.5, epsilon=0.5, **KERAS), keras_adam(0.0, 0.5, 0.5)),
        (dict(optimizer="adam", weight_decay=0.3, **ADAM, **KERAS), keras_adam(l2=0.3)),
        (dict(optimizer="adamw", weight_decay=0.3, **ADAM, **KERAS), keras_adam(decoupled=0.3)),
        (dict(optimizer="rmsprop", rho=0.9, epsilon=1e-3, **KERAS), keras_rmsprop()),
        (
            dict(optimizer="rmsprop", rho=0.5, epsilon=0.5, momentum=0.9, weight_decay=0.3, **KERAS),
            keras_rmsprop(0.5, 0.5, 0.9, 0.3),
        ),
        (dict(optimizer="sgd", **KERAS), sgd()),
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


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "rmsprop"])
def test_the_place_of_epsilon_makes_a_difference(optimizer):
    options = dict(optimizer=optimizer, epsilon=0.5)
    assert np.abs(trained(**options) - trained(epsilon_style="keras", **options)).max() > 1e-3


@pytest.mark.parametrize("optimizer", ["adam", "rmsprop"])
def test_keras_optimisers_leave_a_weight_without_a_gradient_alone(optimizer):
    weights = [nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(2))]
    learner = build_optimizer(weights, zoo.Options(optimizer=optimizer, epsilon_style="keras", weight_decay=0.5), RATE)
    weights[0].grad = torch.ones(2)
    learner.step()
    assert torch.equal(weights[1], torch.ones(2))
    assert not torch.equal(weights[0], torch.ones(2))
    assert weights[1] not in learner.state


def test_kerass_adam_does_not_count_an_update_that_overflows():
    """With float16 the scaled gradients can overflow: such an update is left out, and the next one is still the first."""
    weights = nn.Parameter(torch.tensor([1.0, -2.0]))
    learner = build_optimizer([weights], zoo.Options(epsilon=0.5, beta1=0.9, beta2=0.95, **KERAS), RATE)
    scaler = torch.amp.GradScaler("cpu", init_scale=1.0)
    for gradient in (torch.tensor([float("inf"), 1.0]), torch.tensor([1.0, 2.0])):
        scaler.scale(torch.zeros(()))  # as a step does: it begins the scale's bookkeeping
        weights.grad = gradient * scaler.get_scale()
        scaler.step(learner)
        scaler.update()
    g = np.array([1.0, 2.0])
    expected = keras_adam(epsilon=0.5)(np.array([1.0, -2.0]), g, 1, {})
    np.testing.assert_allclose(weights.detach().numpy(), expected, rtol=1e-6)


# ---- learning rates


@pytest.mark.parametrize(
    ("options", "factors"),
    [
        (dict(), [1, 1, 1, 1, 1]),
        (dict(schedule="linear"), [1, 0.75, 0.5, 0.25, 0]),
        (dict(schedule="cosine"), [1, 0.5 + math.sqrt(0.125), 0.5, 0.5 - math.sqrt(0.125), 0]),
        (dict(schedule="inverse_time", schedule_decay=0.5), [1, 1 / 1.5, 1 / 2, 1 / 2.5, 1 / 3]),
        (dict(schedule="exponential", schedule_decay=2.0), [1, 1 / 2, 1 / 4, 1 / 8, 1 / 16]),
        (dict(warmup=2, schedule="exponential", schedule_decay=2.0), [1 / 2, 1 / 2, 1 / 4, 1 / 8, 1 / 16]),
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


def test_mirzas_and_osinderos_schedule_ends_where_they_say():
    """0.1, divided by 1.00004 at each step and never below 0.000001: that is reached after some 288,000 steps."""
    options = zoo.Options(
        schedule="exponential", schedule_decay=1.00004, learning_rate=0.1, minimum_learning_rate=1e-6, optimizer="sgd",
        momentum=0.5, final_momentum=0.7, momentum_steps=100,
    )  # fmt: skip
    assert rate_at(options, 0.1, 287_000, 1) > 1e-6
    assert rate_at(options, 0.1, 289_000, 1) == 1e-6
    assert rate_at(options, 0.1, 10**9, 1) == 1e-6, "and no power overflows"
    assert [momentum_at(options, step) for step in (0, 25, 100, 10**9)] == pytest.approx([0.5, 0.55, 0.7, 0.7])


def test_a_decay_of_any_size_never_overflows():
    assert rate_factor(zoo.Options(schedule="exponential", schedule_decay=1e300), 10**6, 10**6) == 0


@pytest.mark.parametrize("schedule", ["constant", "linear", "cosine", "inverse_time", "exponential"])
def test_no_learning_rate_is_below_the_minimum(schedule):
    options = zoo.Options(schedule=schedule, schedule_decay=3.0, learning_rate=0.4, minimum_learning_rate=0.1, warmup=2)
    rates = [rate_at(options, 0.4, step, 9) for step in range(9)]
    free = [0.4 * rate_factor(options, step, 9) for step in range(9)]
    assert rates == [max(0.1, rate) for rate in free]


def test_the_momentum_is_constant_by_default_and_set_where_there_is_one():
    assert [momentum_at(zoo.Options(momentum=0.3), step) for step in (0, 10)] == [0.3, 0.3]
    weights = [nn.Parameter(torch.zeros(1))]
    for optimizer in ("sgd", "rmsprop", "adam"):
        learner = build_optimizer(weights, zoo.Options(optimizer=optimizer, momentum=0.5), RATE)
        set_momentum(learner, 0.75)
        assert learner.param_groups[0].get("momentum") == (None if optimizer == "adam" else 0.75)


def test_a_changing_momentum_follows_its_formula():
    weights = nn.Parameter(torch.tensor([1.0, -2.0, 0.25], dtype=torch.float64))
    common = dict(optimizer="rmsprop", rho=0.9, epsilon=1e-3, momentum=0.5, final_momentum=0.9, momentum_steps=2)
    options = zoo.Options(**common, **KERAS)
    optimizer = build_optimizer([weights], options, RATE)
    for step in range(STEPS):
        optimizer.zero_grad()
        (2 * weights**2 + weights).sum().backward()
        set_momentum(optimizer, momentum_at(options, step))
        optimizer.step()
    expected = by_formula(keras_rmsprop(momentum=lambda step: [0.5, 0.7, 0.9, 0.9][step - 1]))
    np.testing.assert_allclose(weights.detach().numpy(), expected, rtol=1e-9)


@pytest.mark.parametrize("optimizer", ["sgd", "rmsprop"])
def test_a_run_changes_its_momentum(images, optimizer):
    """A run that ends at the momentum with which another one always is differs from it, and from one that stays."""
    common = tiny("vanilla", data=str(images), steps=3, optimizer=optimizer, learning_rate=0.01, momentum=0.1)
    ways = {
        "still": {},
        "moved": dict(final_momentum=0.9, momentum_steps=2),
        "later": dict(final_momentum=0.9, momentum_steps=10**6),
    }
    ends = {way: tensors(zoo.train("vanilla", out=way, **common, **more).latest()[1]) for way, more in ways.items()}
    name = next(name for name in ends["still"] if name.startswith("generator") and name.endswith(".weight"))
    assert np.abs(ends["still"][name] - ends["moved"][name]).max() > 1e-5
    np.testing.assert_allclose(ends["still"][name], ends["later"][name], atol=1e-4)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (dict(momentum=0.5, final_momentum=0.9), "--momentum-steps to get there"),
        (dict(final_momentum=0.9, momentum_steps=5), "needs a --momentum above 0 to begin with"),
        (dict(momentum=0.5, momentum_steps=5), "momentum_steps needs a --final-momentum"),
        (dict(schedule="exponential"), "schedule exponential divides the learning rate by --schedule-decay"),
        (dict(schedule="exponential", schedule_decay=0.99), "1 or more; try 1.00004"),
        (dict(minimum_learning_rate=0.1), "minimum_learning_rate is above the learning rate itself"),
        (
            dict(learning_rate=0.2, discriminator_learning_rate=0.1, minimum_learning_rate=0.15),
            "minimum_learning_rate is above the learning rate itself",
        ),
    ],
    ids=str,
)
def test_a_course_that_contradicts_itself_is_refused_with_the_way_out(given, message):
    with pytest.raises(OptionError, match=message):
        resolve(Bare(), flags=given)


def test_inverse_time_takes_any_decay_from_zero():
    assert zoo.Options(schedule="inverse_time", schedule_decay=0.0).schedule_decay == 0


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


# ---- the running ema


class Counted(nn.Module):
    """A weight, a floating-point buffer and an integer one."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([1.0]))
        self.register_buffer("mean", torch.tensor([10.0]))
        self.register_buffer("count", torch.tensor(0))


def test_the_average_follows_its_formula_and_copies_integers():
    network = Counted()
    ema = EMA(network, 0.3)
    weight, mean = 1.0, 10.0
    for update in range(8):
        with torch.no_grad():
            network.weight.add_(1)
            network.mean.mul_(1.5)
            network.count.add_(1)
        ema.update()
        decay = min(0.3, (1 + update) / (10 + update))
        weight = decay * weight + (1 - decay) * (2.0 + update)
        mean = decay * mean + (1 - decay) * 10 * 1.5 ** (update + 1)
        assert ema.network.weight.item() == pytest.approx(weight, rel=1e-5)
        assert ema.network.mean.item() == pytest.approx(mean, rel=1e-5)
        assert ema.network.count.item() == update + 1


def test_the_average_neither_learns_nor_shares_memory_and_stands_in_evaluation():
    network = Counted()
    ema = EMA(network, 0.9)
    with torch.no_grad():
        network.weight.fill_(5)
    assert ema.network.weight.item() == 1
    assert not ema.network.weight.requires_grad
    assert not ema.network.training
    assert network.training


def test_the_average_follows_a_network_whose_weights_are_loaded_anew():
    """A resumed run loads its weights after the ema was made."""
    network = Counted()
    ema = EMA(network, 0.5)
    network.load_state_dict({"weight": torch.tensor([7.0]), "mean": torch.tensor([7.0]), "count": torch.tensor(7)})
    ema.update()
    assert ema.network.weight.item() == pytest.approx(0.1 * 1 + 0.9 * 7)


def test_samples_are_drawn_with_the_average_where_there_is_one(images):
    common = dict(data=str(images), width=2, batch_size=8, steps=6, latent=4)
    run = zoo.train("dcgan", out="averaged", ema=0.9, **common)
    averaged, raw = zoo.load(run)(4), zoo.load(run, averaged=False)(4)
    assert not torch.equal(averaged, raw)
    without = zoo.train("dcgan", out="raw", ema=0.0, **common)
    assert torch.equal(zoo.load(without)(4), raw), "the ema does not change what is learnt"
