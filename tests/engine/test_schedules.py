"""What changes with the images seen: lengths in kimg, burn-in, the average's half-life."""

from __future__ import annotations

import math

import pytest
from support import Stop, assert_refused, state_of, tiny

import zoo
from zoo.engine.ema import half_life_decay
from zoo.engine.optim.schedule import burn_in_at
from zoo.errors import OptionError
from zoo.options import Options
from zoo.options.resolve import resolve
from zoo.plugins.registry import registry
from zoo.testing.comparing import run_differences

BURN_IN = dict(
    burn_in=0.04, learning_rate=4e-3, final_learning_rate=1e-3, beta2=0.9, final_beta2=0.99, r1=1.0, final_r1=0.1, r1_every=1,
    schedule="constant", warmup=0,
)  # fmt: skip


def test_a_length_in_kimg_is_that_many_images_whatever_the_batch_size(images):
    for batch_size, steps in ((8, 8), (16, 4)):
        options = tiny("dcgan", batch_size=batch_size, kimg=0.064)
        options.pop("steps", None)
        run = zoo.train("dcgan", data=str(images), out=f"run{batch_size}", **options)
        assert run.metrics()[-1]["step"] == steps


@pytest.mark.parametrize("given", [dict(steps=4, kimg=1), dict(epochs=2, kimg=1), dict(steps=4, epochs=2)])
def test_two_lengths_are_refused(images, given):
    options = {name: value for name, value in tiny("dcgan").items() if name != "steps"}
    names = " and ".join(f"--{name}" for name in given)
    with pytest.raises(OptionError, match=f"{names} both say how long to train"):
        zoo.train("dcgan", data=str(images), out="run", **options, **given)


def test_a_run_in_kimg_goes_on_to_a_new_length_in_any_unit(images):
    options = tiny("dcgan", batch_size=8, kimg=0.032)
    options.pop("steps", None)
    zoo.train("dcgan", data=str(images), out="run", **options)
    assert zoo.resume("run", kimg=0.048).metrics()[-1]["step"] == 6
    assert zoo.resume("run", steps=7).metrics()[-1]["step"] == 7


def test_burn_in_is_half_a_cosine_and_stays_where_it_ends():
    options = Options(burn_in=10, beta2=0.9, final_beta2=0.99)
    found = [burn_in_at(options, "beta2", 0.9, kimg) for kimg in (0, 2.5, 5, 10, 1000)]
    assert found == pytest.approx([0.9, 0.99 - 0.09 * (1 + math.sqrt(0.5)) / 2, 0.945, 0.99, 0.99])
    assert burn_in_at(options, "r1", 0.3, 5) == 0.3, "what has no final value stays"


def test_burn_in_changes_rates_beta2_and_penalties_and_goes_on_exactly(images):
    options = tiny("dcgan", batch_size=8, steps=8, discriminator_learning_rate=2e-3, **BURN_IN)
    whole = zoo.train("dcgan", data=str(images), out="whole", **options)
    rates = [row["learning_rate"] for row in whole.metrics()]
    assert rates[0] == 4e-3
    assert rates[-1] == pytest.approx(1e-3), "40 images are 5 batches of 8"
    zoo.train("dcgan", data=str(images), out="parts", callbacks=[Stop(3)], **options)
    assert run_differences(whole, zoo.resume("parts")) == []


def test_burn_in_reaches_both_optimisers_and_the_penalties(images):
    state = state_of("dcgan", images, **tiny("dcgan", batch_size=8, discriminator_learning_rate=2e-3, **BURN_IN))
    state.set_schedules(5)  # behind 40 images
    groups = [state.step.optimizers[role].param_groups[0] for role in ("generator", "discriminator")]
    assert [group["lr"] for group in groups] == pytest.approx([1e-3, 5e-4])
    assert [group["betas"][1] for group in groups] == pytest.approx([0.99, 0.99])
    assert state.step.penalties == pytest.approx({"r1": 0.1})


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (dict(final_r1=0.1), "--burn-in"),
        (dict(burn_in=5), "--final-learning-rate"),
        (dict(burn_in=5, final_beta2=0.99, optimizer="sgd"), "adam"),
    ],
)
def test_half_a_burn_in_is_refused_with_what_is_missing(cli, given, said):
    flags = [word for name, value in given.items() for word in (f"--{name.replace('_', '-')}", value)]
    assert_refused(cli("train", "dcgan", *flags), said)


def test_the_half_life_is_ramped_up():
    assert half_life_decay(1000, 2, 0.05, 1000) == pytest.approx(0.5**0.5)
    assert half_life_decay(1, 2, 0.05, 50) == pytest.approx(0.5), "5 % of the 1,000 images seen"
    assert half_life_decay(1, 2, 0, 2000) == pytest.approx(0.5), "0: no ramp"


def test_images_are_counted_as_they_are_drawn(images):
    """Also where the last batch of an epoch is smaller."""
    state = state_of("dcgan", images, **tiny("dcgan", batch_size=7, drop_remainder=False))
    per_epoch = state.batches.loader.images
    assert state.kimg_after(-(-per_epoch // 7)) == per_epoch / 1000


def test_after_so_many_images_an_average_is_as_old_whatever_the_batch_size():
    """The weight that is left of what the average was before 2,000 images, at a half-life of 1,000."""
    for batch_size in (10, 50, 200):
        left = half_life_decay(100, 1.0, 0.0, batch_size) ** (2000 / batch_size)
        assert left == pytest.approx(0.25)


def test_what_is_given_by_hand_is_not_undone_by_an_end_of_before(images):
    r3gan = registry().architecture("r3gan")
    options = resolve(r3gan, preset="ffhq64", flags={"r1": 0.0, "learning_rate": 1e-4})[0]
    assert (options.r1, options.final_r1, options.final_learning_rate) == (0.0, None, None)
    assert options.final_beta2 is not None, "the others stay"
    assert "r1" not in options.penalties
    only = resolve(r3gan, preset="ffhq64", flags={"r1": 0.0, "r2": 0.0, "learning_rate": 1e-4, "beta2": 0.9})[0]
    assert only.burn_in is None, "nothing is left that it changes"
    run = zoo.train("dcgan", data=str(images), out="run", **tiny("dcgan", steps=2, **BURN_IN))
    zoo.resume("run", steps=3, learning_rate=1e-5)
    assert run.metrics()[-1]["learning_rate"] == 1e-5


def test_an_average_by_half_life_goes_on_exactly(images):
    options = tiny("dcgan", steps=6, ema=0.0, ema_kimg=0.02)
    whole = zoo.train("dcgan", data=str(images), out="whole", **options)
    zoo.train("dcgan", data=str(images), out="parts", callbacks=[Stop(3)], **options)
    assert run_differences(whole, zoo.resume("parts")) == []
    assert zoo.load(whole) is not None


def test_of_a_decay_and_a_half_life_the_one_given_last_counts():
    preset = resolve(registry().architecture("r3gan"), preset="small")[0]
    assert preset.ema_kimg is not None, "a preset with a half-life"
    assert resolve(registry().architecture("r3gan"), preset="small", flags={"ema": 0.0})[0].averages is False
