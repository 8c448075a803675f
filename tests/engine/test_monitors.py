"""The monitors of a training, on made-up numbers: what they tell of, when, and that their state is all they need."""

from __future__ import annotations

import json
import math
from functools import partial
from types import SimpleNamespace

import pytest
import torch

from zoo.engine.health.collapse import Collapsed
from zoo.engine.health.growth import Exploded
from zoo.engine.health.monitor import Monitor, Trouble
from zoo.engine.health.monitors import Health
from zoo.engine.health.numbers import NotFinite, ScaleCollapsed
from zoo.engine.health.overfitting import Overfitted
from zoo.engine.health.policy import ADVICE, REMEDIES, Situation, next_changes
from zoo.engine.health.readings import Readings, take
from zoo.engine.health.variety import small, spread
from zoo.engine.health.winning import DiscriminatorWon, sureness
from zoo.engine.runtime.precision import Precision
from zoo.objective import Objective, Relativistic
from zoo.options import Options

WELL = {"d_loss": 1.2, "g_loss": 0.9, "d_real": 0.6, "d_fake": 0.4}
NORMS = {"generator": 2.0, "discriminator": 3.0}


def readings(step: int, scale: float | None = None, gradients=NORMS, weights=NORMS, **statistics: float) -> Readings:
    return Readings(step, {**WELL, **statistics}, gradients, weights, scale)


# ---- lasting trouble


def test_what_passes_by_itself_is_no_trouble_and_what_lasts_is_told_once():
    monitor = Monitor(patience=3, steps=100)
    assert not any(monitor.update(50 * n, ok) for n, ok in enumerate([True, False, False, True, False, False], 1))
    assert monitor.last_ok_step == 200
    assert [monitor.update(50 * n, False) for n in (7, 8, 9)] == [True, False, False]
    assert monitor.last_ok_step == 200, "what was saved until then is good"


def test_trouble_that_comes_back_is_told_again():
    monitor = Monitor(patience=2, steps=0)
    told = [monitor.update(n, n not in (1, 2, 3, 5, 6, 9, 10)) for n in range(1, 11)]
    assert [n for n, trouble in enumerate(told, 1) if trouble] == [2, 10], "one look that was well is no recovery"


def test_steps_count_where_each_is_looked_at():
    monitor = Monitor(patience=4, steps=150)
    assert [n for n in range(1, 400) if monitor.update(n, n < 10)] == [160]


# ---- each monitor


@pytest.mark.parametrize("name", ["d_loss", "g_loss", "r1"])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_statistic_that_is_no_number_is_told_at_once(name, value):
    monitor = NotFinite()
    assert monitor.update(readings(50)) is None
    trouble = monitor.update(readings(100, **{name: value}))
    assert trouble == Trouble("not_finite", 100, 50, f"{name} is {value}")


def test_weights_and_gradients_that_are_no_numbers_are_told():
    assert "weights" in str(NotFinite().update(readings(1, weights={**NORMS, "generator": math.nan})))
    assert "gradients" in str(NotFinite().update(readings(1, gradients={**NORMS, "discriminator": math.inf})))


def test_updates_that_float16_leaves_out_are_no_trouble_until_the_scale_collapses():
    monitor = ScaleCollapsed()
    told = [monitor.update(readings(10 * n, scale=2.0 ** (16 - n))) for n in range(1, 20)]
    assert [trouble.step for trouble in told if trouble] == [170], "at a scale of one half"
    assert ScaleCollapsed().update(readings(1)) is None, "float32 has none"


def test_weights_that_grow_to_many_times_their_first_norm_are_told_with_their_network():
    monitor = Exploded()
    monitor.begin(NORMS)
    assert monitor.update(readings(50, weights={**NORMS, "discriminator": 100.0})) is None
    trouble = monitor.update(readings(100, weights={**NORMS, "discriminator": 200.0}))
    assert (trouble.kind, trouble.role, trouble.last_ok_step) == ("exploded", "discriminator", 50)


def test_a_loss_that_stays_far_above_what_was_usual_is_told_and_one_peak_is_not():
    monitor = Exploded()
    losses = [0.9] * 10 + [500.0] + [0.9] * 5 + [500.0] * 6
    told = [monitor.update(readings(50 * n, g_loss=loss)) for n, loss in enumerate(losses, 1)]
    found = [trouble for trouble in told if trouble]
    assert [(trouble.step, trouble.last_ok_step, trouble.role) for trouble in found] == [
        (50 * 20, 50 * 16, "generator")
    ]


SURE = {
    "non_saturating": (0.999, 0.001),
    "minimax": (0.999, 0.001),
    "relativistic": (12.0, 6.0),  # both above 0: only their difference counts
    "least_squares": (0.999, 0.001),
    "hinge": (1.3, -1.1),
}
UNSURE = {
    "non_saturating": (0.8, 0.1),
    "minimax": (0.999, 0.1),
    "relativistic": (12.0, 8.0),
    "least_squares": (0.8, 0.001),
    "hinge": (0.6, -1.1),
    "wasserstein": (900.0, -900.0),
    "of a plugin": (0.999, 0.001),
}


@pytest.mark.parametrize("kind", SURE)
def test_a_discriminator_that_is_sure_of_all_for_long_has_won(kind):
    monitor = DiscriminatorWon()
    real, fake = SURE[kind]
    told = [monitor.update(readings(50 * n, d_real=real, d_fake=fake), Objective(kind)) for n in range(1, 9)]
    assert [trouble.step for trouble in told if trouble] == [200]


@pytest.mark.parametrize("kind", UNSURE)
def test_a_discriminator_that_errs_now_and_then_has_not(kind):
    monitor = DiscriminatorWon()
    real, fake = UNSURE[kind]
    assert not any(monitor.update(readings(50 * n, d_real=real, d_fake=fake), Objective(kind)) for n in range(1, 20))


@pytest.mark.parametrize(
    ("real", "fake", "sure"),
    [(3.0, 3.0, 0.5), (-1.0, -3.0, 0.8808), (-3.0, -1.0, 0.1192), (1e6, -1e6, 1.0), (-1e6, 1e6, 0.0)],
)
def test_relativistic_pairing_is_as_sure_as_the_difference_of_ds_means_says(real, fake, sure):
    assert sureness(Relativistic(), {"d_real": real, "d_fake": fake}) == pytest.approx(sure, abs=1e-4)


def test_what_least_squares_asks_for_goes_by_its_targets():
    pearson = Objective("least_squares", a=-1.0, b=1.0, c=0.0)
    assert sureness(pearson, {"d_real": 1.0, "d_fake": -1.0}) == 1.0
    assert sureness(pearson, {"d_real": 1.0, "d_fake": 0.0}) == 0.5
    assert sureness(Objective("hinge"), {"g_loss": 1.0}) is None, "a phase that tells no outputs"


def test_gradients_of_the_generator_that_vanish_are_told_of_any_objective():
    monitor = DiscriminatorWon()
    slopes = [3.0, 1.0, 2.0, 2.0, 1e-5, 1e-6, 0.0, 0.0, 0.0]
    looks = [readings(50 * n, gradients={**NORMS, "generator": slope}) for n, slope in enumerate(slopes, 1)]
    told = [monitor.update(look, Objective("wasserstein")) for look in looks]
    assert [(trouble.step, trouble.last_ok_step) for trouble in told if trouble] == [(400, 200)]
    none = [monitor.update(readings(50 * n, gradients={}), Objective("hinge")) for n in range(10, 20)]
    assert none == [None] * 10, "an optimizer that keeps none"


@pytest.mark.parametrize(
    ("optimizer", "norms"),
    [
        (partial(torch.optim.Adam, betas=(0.0, 0.9)), [5.0]),
        (partial(torch.optim.RMSprop, alpha=0.0, momentum=0.5), [5.0]),
        (partial(torch.optim.SGD, momentum=0.9), [5.0]),
        (torch.optim.SGD, []),
    ],
)
def test_gradients_are_what_optimizers_keep_of_them(optimizer, norms):
    weights = torch.nn.Linear(2, 1, bias=False)
    made = optimizer(weights.parameters(), lr=0.1)
    weights.weight.grad = torch.tensor([[3.0, -4.0]])
    made.step()
    made.zero_grad(set_to_none=True)
    step = SimpleNamespace(
        generator=weights,
        discriminator=weights,
        optimizers={"generator": made},
        precision=Precision("float32", torch.device("cpu")),
    )
    found = take(step, 1, {})
    assert [*found.gradients.values()] == pytest.approx(norms)
    assert found.weights["generator"] == pytest.approx(float(weights.weight.detach().norm()))


def grid(spread_out: float, count: int = 16, offset: float = 0.0) -> torch.Tensor:
    random = torch.Generator().manual_seed(0)
    return small(torch.randn(count, 1, 8, 8, generator=random) * spread_out + offset)


def test_a_grid_that_has_lost_its_variety_is_told_when_the_next_one_has_too():
    monitor, usual = Collapsed(), spread(grid(0.4))
    varieties = [0.0, 0.3, 0.38, 0.01, 0.36, 0.02, 0.01, 0.01]
    told = [monitor.update(100 * n, grid(variety), None, usual) for n, variety in enumerate(varieties)]
    assert [(trouble.step, trouble.last_ok_step) for trouble in told if trouble] == [(600, 400)]


def test_of_labelled_images_those_of_one_class_are_compared():
    """Each class is one image, again and again: the grid as a whole differs as the data does."""
    labels = torch.arange(16) % 4
    many, few = grid(0.4), grid(0.4, 4)[labels]
    assert spread(few) > 0.5 * spread(many)
    assert spread(few, labels) == 0
    monitor = Collapsed()
    told = [monitor.update(step, images, labels, spread(many, labels)) for step, images in enumerate([many, few, few])]
    assert [trouble is not None for trouble in told] == [False, False, True]
    assert "of one class" in told[-1].message


def test_a_generator_that_never_had_variety_and_a_grid_of_few_say_nothing():
    monitor = Collapsed()
    assert not any(monitor.update(n, grid(0.02), None, spread(grid(0.4))) for n in range(9))
    assert not any(monitor.update(n, grid(0.4 if n < 3 else 0.0, 4), None, spread(grid(0.4))) for n in range(9))


def test_held_out_images_that_are_taken_for_fakes_are_told_in_the_second_probe():
    monitor = Overfitted()
    values = {"r_t": 1.0, "d_train": 3.0, "d_held_out": -2.0, "d_generated": -3.0}
    shares = [0.1, 0.7, 0.5, 0.7, 0.8, 0.9]
    told = [monitor.update(250 * n, {**values, "r_v": share}, apart=4.0) for n, share in enumerate(shares, 1)]
    assert [(trouble.step, trouble.last_ok_step) for trouble in told if trouble] == [(1250, 750)]


def test_a_quotient_of_noise_is_no_overfitting():
    monitor = Overfitted()
    values = dict.fromkeys(("r_t", "d_train", "d_held_out", "d_generated"), 0.0)
    assert not any(monitor.update(n, {**values, "r_v": 7.0}, apart=0.01) for n in range(9))
    assert not any(monitor.update(n, {**values, "r_v": 7.0}, apart=-2.0) for n in range(9))


# ---- their state


def test_monitors_that_go_on_from_their_state_tell_what_they_would_have_told():
    """Cut at each look: what is told afterwards is the same. The state is JSON."""
    looks = [readings(50 * n, d_real=0.999, d_fake=0.001, g_loss=0.9 if n < 4 else 900.0) for n in range(1, 12)]

    def tell(health: Health, look: Readings) -> list[Trouble | None]:
        return [health.exploded.update(look), health.discriminator_won.update(look, Objective("minimax"))]

    whole = Health()
    told = [tell(whole, look) for look in looks]
    assert sum(trouble is not None for pair in told for trouble in pair) == 2
    for cut in range(len(looks)):
        first, second = Health(), Health()
        assert [tell(first, look) for look in looks[:cut]] == told[:cut]
        second.load_state_dict(json.loads(json.dumps(first.state_dict(), allow_nan=False)))
        assert [tell(second, look) for look in looks[cut:]] == told[cut:]


# ---- the policy


def situation(kind: str, role: str | None = None, **options) -> Situation:
    return Situation(Options(**options), Trouble(kind, 100, 50, "", {}, role), ("translation", "cutout"))


def all_changes(kind: str, role: str | None = None, **options) -> list[dict]:
    found, begin = [], 0
    while True:
        place, changes = next_changes(situation(kind, role, **options), begin)
        if not changes:
            return found
        found.append(changes)
        options |= changes
        begin = place + 1


def test_every_kind_of_trouble_has_remedies_and_advice():
    kinds = {monitor.kind for monitor in vars(Health()).values() if hasattr(monitor, "kind")}
    assert set(REMEDIES) == set(ADVICE) == kinds
    for kind in kinds:
        assert all_changes(kind, precision="float16")


def test_one_thing_at_a_time_is_tried_in_the_order_that_the_table_has():
    assert all_changes("discriminator_won", learning_rate=1e-3, discriminator_learning_rate=8e-4, r1=0.1) == [
        {"discriminator_learning_rate": 2e-4},
        {"r1": 0.4},
        {"learning_rate": 5e-4, "discriminator_learning_rate": 1e-4},
    ]
    assert all_changes("discriminator_won", beta1=0.9)[0] == {"beta1": 0.5}
    assert all_changes("discriminator_won", beta1=0.9, optimizer="rmsprop")[0] == {"discriminator_learning_rate": 5e-5}
    assert all_changes("overfitted", learning_rate=8e-4) == [
        {"augment": ("translation", "cutout")},
        {"r1": 0.2},
        {"discriminator_learning_rate": 2e-4},
    ]
    assert all_changes("scale_collapsed", precision="float16") == [{"precision": "bfloat16"}]
    assert all_changes("collapsed", learning_rate=4e-4)[1:] == [{"learning_rate": 2e-4}, {"latent_seed": 1}]


def test_a_rate_at_which_adam_draws_nothing_falls_at_once_to_one_at_which_it_may():
    assert all_changes("exploded", learning_rate=5.0)[:2] == [{"learning_rate": 5e-3}, {"learning_rate": 5e-4}]
    assert all_changes("exploded", learning_rate=5.0, optimizer="sgd")[0] == {"learning_rate": 0.5}
    assert all_changes("exploded", "generator", learning_rate=5.0, discriminator_learning_rate=1e-3)[0] == {
        "learning_rate": 5e-3
    }
    assert all_changes("exploded", "discriminator", learning_rate=1e-3)[0] == {"discriminator_learning_rate": 1e-4}
    kept = all_changes("exploded", "generator", learning_rate=1e-2)[0]
    assert kept == {"learning_rate": 1e-3, "discriminator_learning_rate": 1e-2}, "the other network keeps its own"
    floor = all_changes("exploded", learning_rate=1e-2, minimum_learning_rate=5e-3)[0]
    assert floor["minimum_learning_rate"] == floor["learning_rate"]


def test_what_is_in_force_already_is_passed_over():
    assert all_changes("overfitted", augment=("color",))[0] == {"r1": 0.2}
    assert all_changes("not_finite", precision="bfloat16")[0] == {"precision": "float32"}
    bare = Situation(Options(), Trouble("overfitted", 100, 50, ""), ())
    assert next_changes(bare)[1] == {"r1": 0.2}, "DiffAugment is not installed, or does not suit the data"
