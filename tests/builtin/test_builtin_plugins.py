"""What the built-in architectures are by default, against the documents that they come from."""

from __future__ import annotations

import pytest
import torch
from support import tiny, untimed
from torch import nn

import zoo
from zoo.engine.build import build_networks
from zoo.engine.plan import choose_objective
from zoo.options.resolve import resolve
from zoo.plugins.registry import registry

DIGITS = zoo.DataSpec(1, 28, 28, 10)


def build(name: str, preset: str, data: zoo.DataSpec, **flags):
    architecture = registry().architecture(name)
    options, _ = resolve(architecture, preset=preset, flags=flags)
    return options, *build_networks(architecture, options, data)


def layers(network: nn.Module, kinds: tuple[type[nn.Module], ...]) -> list[nn.Module]:
    return [module for module in network.modules() if isinstance(module, kinds)]


@pytest.mark.parametrize(
    ("name", "preset"), [("vanilla", "dense"), ("dcgan", "mnist"), ("cgan", "dcgan"), ("lsgan", "paper")]
)
def test_the_default_preset_is_the_one_that_is_meant(name, preset):
    assert resolve(registry().architecture(name))[1] == preset


# ---- vanilla / dense


def test_vanilla_has_the_dense_layers_of_its_document():
    _, generator, discriminator = build("vanilla", "dense", DIGITS)
    dense = layers(generator, (nn.Linear,))
    assert [(layer.in_features, layer.out_features) for layer in dense] == [
        (100, 256), (256, 512), (512, 1024), (1024, 784)
    ]  # fmt: skip
    assert dense[-1].activation == "tanh"
    for norm in layers(generator, (zoo.nn.BatchNormAct,)):
        assert (norm.order, norm.activation, norm.slope) == ("act_norm", "leaky_relu", 0.2)
        assert norm.momentum == pytest.approx(1 - 0.8), "Keras' momentum is torch's from the other end"
        assert norm.eps == 1e-3
    judge = layers(discriminator, (nn.Linear,))
    assert [(layer.in_features, layer.out_features) for layer in judge] == [(784, 784), (784, 392), (392, 1)]
    assert [(layer.activation, layer.slope) for layer in judge[:2]] == [("leaky_relu", 0.2)] * 2


def test_vanilla_trains_as_its_document_does():
    options, *_ = build("vanilla", "dense", DIGITS)
    assert (options.optimizer, options.learning_rate, options.beta1) == ("adam", 2e-4, 0.5)
    assert (options.schedule, options.schedule_decay) == ("inverse_time", 8e-8)
    assert (options.epsilon, options.epsilon_style, options.evaluate_fakes) == (1e-7, "keras", True), "Keras' defaults"
    assert (options.latent, options.latent_distribution) == (100, "normal")
    assert (options.batch_size, options.generator_batch_size) == (16, 32)
    assert (options.joined, options.order) == (True, "slice")


@pytest.mark.parametrize("network", [1, 2])
def test_vanilla_is_initialised_as_keras_would(network):
    for layer in layers(build("vanilla", "dense", DIGITS)[network], (nn.Linear,)):
        bound = (6 / (layer.in_features + layer.out_features)) ** 0.5
        assert bool((layer.bias == 0).all())
        assert 0.95 * bound < float(layer.weight.detach().abs().max()) <= bound


# ---- the DCGAN family


def test_radford64_has_the_convolutions_of_the_paper():
    options, generator, discriminator = build("dcgan", "radford64", zoo.DataSpec(3, 64, 64))
    up, down = layers(generator, (nn.ConvTranspose2d,)), layers(discriminator, (nn.Conv2d,))
    assert [layer.out_channels for layer in up] == [512, 256, 128, 64, 3]
    assert [layer.out_channels for layer in down] == [64, 128, 256, 512, 1]
    assert {layer.kernel_size for layer in up + down} == {(4, 4)}
    assert [layer.stride for layer in up[1:] + down[:-1]] == [(2, 2)] * 8
    assert [layer.padding for layer in up[1:] + down[:-1]] == [(1, 1)] * 8
    assert [norm.activation for norm in layers(generator, (zoo.nn.BatchNormAct,))] == ["relu"] * 4
    norms = layers(discriminator, (zoo.nn.BatchNormAct,))
    assert [(norm.activation, norm.slope, norm.num_features) for norm in norms] == [
        ("leaky_relu", 0.2, channels) for channels in (128, 256, 512)
    ], "none at D's input"
    assert up[-1].activation == "tanh"
    assert layers(generator, (nn.Linear,)) == layers(discriminator, (nn.Linear,)) == []
    assert (options.batch_size, options.latent, options.learning_rate, options.beta1) == (128, 100, 2e-4, 0.5)
    assert (options.joined, options.latent_distribution) == (False, "normal")


def test_dcgan_starts_with_the_weights_of_the_paper():
    _, generator, discriminator = build("dcgan", "radford64", zoo.DataSpec(3, 64, 64))
    for layer in layers(generator, (nn.ConvTranspose2d,))[1:4] + layers(discriminator, (nn.Conv2d,))[1:4]:
        assert abs(float(layer.weight.detach().std()) - 0.02) < 1e-3
        assert abs(float(layer.weight.detach().mean())) < 1e-3
    norms = layers(generator, (zoo.nn.BatchNormAct,)) + layers(discriminator, (zoo.nn.BatchNormAct,))
    gains = torch.cat([norm.weight.detach() for norm in norms])
    assert abs(float(gains.mean()) - 1) < 5e-3
    assert abs(float(gains.std()) - 0.02) < 5e-3
    assert all(bool((norm.bias == 0).all()) for norm in norms)


# ---- the games


@pytest.mark.parametrize("name", ["vanilla", "dcgan", "cgan"])
def test_the_game_of_equation_1_is_a_choice_and_the_other_one_the_default(name):
    architecture = registry().architecture(name)
    real, fake = torch.tensor([0.3, -2.0]), torch.tensor([1.5, -0.7, 4.0])
    chances = torch.sigmoid(fake)
    both = -torch.log(torch.sigmoid(real)).mean() - torch.log(1 - chances).mean()
    for given, expected in (({}, -torch.log(chances)), (dict(objective="minimax"), torch.log(1 - chances))):
        game = choose_objective(architecture, resolve(architecture, flags=given)[0])
        assert float(game.generator_loss(fake, scale=1.0)[0]) == pytest.approx(float(expected.mean()), abs=1e-5)
        assert float(game.discriminator_loss(real, fake, scale=1.0)[0]) == pytest.approx(float(both), abs=1e-5)


@pytest.mark.parametrize("name", ["vanilla", "dcgan", "cgan"])
def test_the_minimax_game_trains_and_goes_on(name, images):
    options = dict(tiny(name, objective="minimax", schedule="constant"), data=str(images))
    whole = zoo.train(name, out="whole", **options)
    logged = whole.metrics()
    assert all(line["g_loss"] < 0 < line["d_loss"] for line in logged), "log(1 - D), whose sign is the other one's"
    zoo.train(name, out="parts", **options | dict(steps=2))
    assert untimed(zoo.resume("parts", steps=4)) == untimed(whole)
    usual = zoo.train(name, out="usual", **options | dict(steps=1, objective="non_saturating")).metrics()
    assert usual[0]["d_loss"] == logged[0]["d_loss"], "D's game is the same"


def test_lsgan_plays_its_own_game_unless_another_is_named():
    architecture = registry().architecture("lsgan")
    games = [
        choose_objective(architecture, resolve(architecture, flags=given)[0])
        for given in ({}, dict(objective="least_squares"), dict(objective="minimax"))
    ]
    assert [game.kind for game in games] == ["least_squares", "least_squares", "minimax"]
    assert games[0] == games[1], "its own targets, also where its own game is named"


@pytest.mark.parametrize(("preset", "targets"), [("paper", (0, 1, 1)), ("pearson", (-1, 1, 0))])
def test_lsgan_plays_for_least_squares_with_the_targets_of_the_paper(preset, targets):
    architecture = registry().architecture("lsgan")
    options, _ = resolve(architecture, preset=preset)
    objective = choose_objective(architecture, options)
    assert (objective.kind, (objective.a, objective.b, objective.c)) == ("least_squares", targets)


def test_targets_that_are_given_by_hand_reach_the_loss():
    architecture = registry().architecture("lsgan")
    options, _ = resolve(architecture, flags=dict(a=-2.0, b=3.0, c=0.5))
    objective = choose_objective(architecture, options)
    real, fake = torch.tensor([1.0, 2.0]), torch.tensor([0.0, -1.0])
    loss, statistics = objective.discriminator_loss(real, fake, scale=1.0)
    assert float(loss) == pytest.approx(0.5 * ((real - 3) ** 2).mean() + 0.5 * ((fake + 2) ** 2).mean())
    assert len(statistics) >= 2
    loss, _ = objective.generator_loss(fake, scale=2.0)
    assert float(loss) == pytest.approx(2 * 0.5 * ((fake - 0.5) ** 2).mean())


def test_cgan_is_dcgan_that_also_sees_the_label():
    same = dict(width=8, latent=16)
    dcgan, cgan = build("dcgan", "mnist", DIGITS, **same), build("cgan", "dcgan", DIGITS, **same)
    for plain, conditional in zip(dcgan[1:], cgan[1:], strict=True):
        shapes = {key: tuple(value.shape) for key, value in plain.state_dict().items()}
        wider = {key: tuple(value.shape) for key, value in conditional.state_dict().items()}
        assert shapes.keys() == wider.keys()
        different = [key for key in shapes if shapes[key] != wider[key]]
        assert different == ["layers.0.weight"], "ten more inputs at the first layer, and nothing else"
        assert sum(wider["layers.0.weight"][:2]) == sum(shapes["layers.0.weight"][:2]) + 10
