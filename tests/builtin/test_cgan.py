"""The conditional GAN's own dense networks and training (their numbers: tests/reference/test_mirza_reference.py)."""

from __future__ import annotations

import pytest
import torch
from messages import assert_says
from support import tiny, write_images
from torch import nn

import zoo
from zoo.engine.build import build_networks
from zoo.engine.optim.schedule import momentum_at, rate_at
from zoo.engine.plan import choose_objective
from zoo.options.resolve import resolve
from zoo.plugins.registry import registry

DIGITS = zoo.DataSpec(1, 28, 28, 10)


def build(**flags):
    architecture = registry().architecture("cgan")
    options, _ = resolve(architecture, preset="mlp", flags=flags)
    return options, *build_networks(architecture, options, DIGITS)


def drop(network: nn.Module) -> list[float]:
    return [module.p for module in network.modules() if isinstance(module, nn.Dropout)]


def test_every_hidden_layer_of_both_networks_drops_half_of_its_units():
    _, generator, discriminator = build()
    assert drop(generator) == drop(discriminator) == [0.5, 0.5, 0.5]
    hidden, active = generator.from_label(torch.eye(10)), generator.from_label[0](torch.eye(10)) > 0
    assert float((hidden != 0).sum() / active.sum()) == pytest.approx(0.5, abs=0.05)


def test_nothing_drops_out_where_it_is_turned_off_or_not_learning():
    latents, labels = torch.rand(4, 100), torch.arange(4)
    for _, generator, discriminator in (build(), build(dropout=0.0)):
        if drop(generator)[0]:
            assert not torch.equal(generator(latents, labels), generator(latents, labels))
            generator, discriminator = generator.eval(), discriminator.eval()
        images = generator(latents, labels)
        assert torch.equal(images, generator(latents, labels))
        assert torch.equal(discriminator(images, labels), discriminator(images, labels))


@pytest.mark.parametrize("networks", ["dcgan", "selu"])
def test_dropout_for_networks_that_would_not_heed_it_is_refused(networks, cli):
    outcome = cli("train", "cgan", "--networks", networks, "--dropout", 0.2)
    assert outcome.code == 2
    assert_says(outcome.message, "dropout", f"these are {networks}", "leave it out", "--preset mlp")


def test_mlp_may_follow_any_preset_whose_width_it_has_no_use_for():
    architecture = registry().architecture("cgan")
    options, _ = resolve(architecture, preset="dcgan", flags=dict(networks="mlp", dropout=0.2))
    assert (options.width, options.dropout) == (32, 0.2)


def test_maxout_gives_the_largest_piece_of_each_unit():
    from zoo_plugins.cgan.mlp import Maxout

    layer = Maxout(3, 2, 4)
    x = torch.randn(5, 3)
    pieces = x @ layer.weight.T + layer.bias
    expected = torch.stack([pieces[:, :4].max(1).values, pieces[:, 4:].max(1).values], 1)
    torch.testing.assert_close(layer(x), expected)


def test_mlp_trains_as_its_paper_does():
    options, *_ = build()
    assert (options.optimizer, options.batch_size, options.nesterov) == ("sgd", 100, False)
    assert (options.latent, options.latent_distribution) == (100, "unit")
    assert [rate_at(options, options.learning_rate, step, options.steps) for step in (0, 1)] == [0.1, 0.1 / 1.00004]
    assert rate_at(options, options.learning_rate, 10**6, options.steps) == 1e-6
    assert [momentum_at(options, step) for step in (0, 125_000, 10**6)] == [0.5, 0.7, 0.7]
    architecture = registry().architecture("cgan")
    assert choose_objective(architecture, options).kind == "non_saturating"
    assert (options.joined, options.discriminator_steps, options.ema, options.r1) == (False, 1, 0.0, 0.0)


@pytest.mark.parametrize(("channels", "size"), [(1, 8), (3, 9)])
def test_mlp_is_built_for_images_of_any_size(tmp_path, channels, size):
    data = write_images(tmp_path / "images.npz", size=size, channels=channels)
    more = dict(preset="mlp", batch_size=8, data=str(data), out="run", steps=2, samples=3)
    run = zoo.train("cgan", **tiny("cgan") | more)
    drawn = zoo.load(run)(labels=[0, 1, 2], seed=1)
    assert drawn.shape == (3, channels, size, size)
    assert -1 <= float(drawn.min()) < float(drawn.max()) <= 1


def test_mlp_stopped_goes_on_exactly(tmp_path):
    """Dropout's random numbers are part of what a checkpoint holds."""
    data = write_images(tmp_path / "images.npz")
    given = tiny("cgan") | dict(preset="mlp", data=str(data))
    whole = zoo.train("cgan", out="whole", **given | dict(steps=4))
    zoo.train("cgan", out="parts", **given | dict(steps=2))
    parts = zoo.resume("parts", steps=4)
    assert torch.equal(zoo.load(whole)(6, seed=2), zoo.load(parts)(6, seed=2))


@pytest.mark.parametrize(
    ("preset", "unlabelled", "kept"),
    [("dcgan", ("lsgan", "paper"), {"r1", "steps", "samples"}), ("dcgan64", ("dcgan", "radford64"), {"bias"})],
)
def test_the_convolutional_presets_are_those_without_labels(preset, unlabelled, kept):
    name, their_preset = unlabelled
    ours = resolve(registry().architecture("cgan"), preset=preset)[0].model_dump()
    theirs = resolve(registry().architecture(name), preset=their_preset)[0].model_dump()
    assert {key for key in ours.keys() & theirs.keys() if ours[key] != theirs[key]} <= kept
