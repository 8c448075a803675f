"""The families of networks that dcgan and vanilla choose among: sizes, labels, first weights, and what their presets train."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from messages import saying
from support import Notes, state_of, tiny, write_images
from torch import nn

import zoo
from zoo.engine.build import build_networks
from zoo.errors import OptionError
from zoo.options.resolve import resolve
from zoo.plugins.registry import registry

FAMILIES = ("dcgan", "upsample", "selu", "tf64", "tf64_as_printed")
families = pytest.mark.parametrize("family", FAMILIES)


def build(name: str, data: zoo.DataSpec, preset: str | None = None, **flags):
    architecture = registry().architecture(name)
    options, _ = resolve(architecture, preset=preset, flags=flags)
    return build_networks(architecture, options, data)


def all_of(network: nn.Module, *kinds: type[nn.Module]) -> list[nn.Module]:
    return [module for module in network.modules() if isinstance(module, kinds)]


# ---- any size, channels, labels


@families
def test_a_family_is_built_for_every_size_that_it_says(family):
    architecture = registry().architecture("dcgan")
    options, _ = resolve(architecture, flags=dict(networks=family, width=2, latent=4))
    sizes = list(architecture.sizes(options))
    for size in {sizes[0], sizes[1], *sizes[2::5], sizes[-1]}:
        data = zoo.DataSpec(3, size, size)
        with torch.device("meta"):
            images = architecture.generator(options, data)(torch.empty(2, 4))
            assert images.shape == (2, *data.shape), size
            assert architecture.discriminator(options, data)(images).shape == (2,), size


@families
@pytest.mark.parametrize("name", ["dcgan", "cgan", "lsgan"])
def test_every_family_learns_in_every_architecture_that_has_dcgans_networks(name, family, tmp_path):
    path = write_images(tmp_path / "images.npz", size=16, channels=3)
    flags = tiny(name, networks=family, reuse_fakes=False, r1=0.0)
    made = state_of(name, path, **flags)
    networks = made.step.generator, made.step.discriminator
    try:
        before = [[value.detach().clone() for value in network.parameters()] for network in networks]
        made.step.run(0)
        made.step.run(1)
    finally:
        made.batches.close()
    for old, network in zip(before, networks, strict=True):
        still = [
            key
            for (key, new), value in zip(network.named_parameters(), old, strict=True)
            if torch.equal(new, value) and not _has_no_say(family, network, key)
        ]
        assert still == []


def _has_no_say(family: str, network: nn.Module, key: str) -> bool:
    """upsample's second bias is taken out again by the normalisation that follows: its gradient is rounding, or zero."""
    return family == "upsample" and key == "layers.1.bias" and len(all_of(network, nn.Upsample)) > 0


@families
def test_labels_reach_both_networks_of_every_family(family):
    generator, discriminator = (
        network.eval() for network in build("cgan", zoo.DataSpec(1, 16, 16, 3), networks=family, width=2, latent=4)
    )
    latents, zeros, twos = torch.randn(4, 4), torch.zeros(4, dtype=torch.int64), torch.full((4,), 2)
    with torch.no_grad():
        images = generator(latents, zeros)
        assert images.shape == (4, 1, 16, 16)
        assert not torch.equal(images, generator(latents, twos))
        assert not torch.equal(discriminator(images, zeros), discriminator(images, twos))


def test_images_that_do_not_fit_are_resized_with_a_line_that_says_so(tmp_path):
    path = write_images(tmp_path / "images.npz", size=32, channels=3)
    said: list[str] = []
    flags = tiny("dcgan", steps=1, batch_size=2, samples=2)
    run = zoo.train("dcgan", preset="tf64", data=str(path), out=tmp_path / "run", callbacks=[Notes(said)], **flags)
    assert "32×32×3 images are resized to 64×64" in said
    assert zoo.load(run)(1).shape == (1, 3, 64, 64)


@pytest.mark.parametrize(
    ("preset", "size", "words"),
    [
        ("tf64", 28, "every multiple of 16 from 16 to 256"),
        ("selu", 30, "every multiple of 4 from 8 to 256"),
        ("upsample", 8, "every multiple of 4 from 12 to 256"),
    ],
)
def test_a_size_that_a_family_cannot_take_is_refused_with_those_that_it_can(preset, size, words, tmp_path):
    with pytest.raises(OptionError, match=f"--size {size}: dcgan works for {words}"):
        zoo.train("dcgan", preset=preset, size=size, steps=1, out=tmp_path / "run")
    assert not Path(tmp_path / "run").exists()


# ---- the default family stays what it was


def test_the_default_networks_keep_the_names_and_the_first_weights_that_checkpoints_have():
    generator, discriminator = build("dcgan", zoo.DataSpec(1, 28, 28), width=4, latent=3)
    norm = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
    assert [*generator.state_dict()] == [
        "layers.0.weight", *(f"layers.1.{key}" for key in norm),
        "layers.2.weight", *(f"layers.3.{key}" for key in norm),
        "layers.4.weight", *(f"layers.5.{key}" for key in norm),
        "layers.6.weight", "layers.6.bias",
    ]  # fmt: skip
    assert [*discriminator.state_dict()] == [
        "layers.0.weight", "layers.0.bias",
        "layers.1.weight", *(f"layers.2.{key}" for key in norm),
        "layers.3.weight", *(f"layers.4.{key}" for key in norm),
        "layers.5.weight", "layers.5.bias",
    ]  # fmt: skip
    first = (
        generator.state_dict()["layers.0.weight"].flatten()[:3],
        discriminator.state_dict()["layers.5.weight"].flatten()[:3],
    )
    torch.testing.assert_close(first[0], torch.tensor(FIRST[0]), atol=1e-6, rtol=0)
    torch.testing.assert_close(first[1], torch.tensor(FIRST[1]), atol=1e-6, rtol=0)


FIRST = ([-0.0058827, 0.0171692, -0.0190029], [-0.0127445, -0.0441391, 0.0045673])
"""Of seed 0, before there were families."""


# ---- global average pooling


def test_pooled_the_logit_is_the_mean_of_a_map():
    _, discriminator = build("dcgan", zoo.DataSpec(1, 28, 28), width=4, pooled=True)
    *body, last, pool = discriminator.layers
    assert isinstance(pool, nn.AdaptiveAvgPool2d)
    assert (last.kernel_size, last.out_channels) == ((1, 1), 1)
    discriminator.eval()
    images = torch.randn(3, 1, 28, 28)
    places = last(nn.Sequential(*body)(images))
    assert places.shape == (3, 1, 4, 4)
    torch.testing.assert_close(discriminator(images), places.mean((1, 2, 3)))
    plain = build("dcgan", zoo.DataSpec(1, 28, 28), width=4)[1]
    fewer = sum(p.numel() for p in plain.parameters()) - sum(p.numel() for p in discriminator.parameters())
    assert fewer == 15 * body[-1].num_features, "one weight for each channel instead of sixteen"


@pytest.mark.parametrize("name", ["dcgan", "cgan", "lsgan"])
def test_pooled_networks_learn(name, tmp_path):
    path = write_images(tmp_path / "images.npz")
    run = zoo.train(name, data=str(path), out=tmp_path / "run", **tiny(name, steps=1, pooled=True))
    assert zoo.load(run)


@pytest.mark.parametrize("family", FAMILIES[1:])
def test_pooled_is_refused_where_the_last_layer_is_the_familys_own(family):
    with pytest.raises(OptionError, match=saying("pooled", "networks dcgan", family)):
        resolve(registry().architecture("dcgan"), flags=dict(networks=family, pooled=True))


# ---- first weights


@pytest.mark.parametrize(("name", "preset"), [("vanilla", "selu"), ("dcgan", "upsample"), ("dcgan", "selu")])
def test_kerass_networks_start_with_its_uniform_weights_and_zero_biases(name, preset):
    for network in build(name, zoo.DataSpec(1, 28, 28), preset):
        for layer in all_of(network, nn.Linear, nn.Conv2d, nn.ConvTranspose2d):
            inputs, outputs = layer.weight.shape[:2]
            bound = (6 / ((inputs + outputs) * layer.weight[0, 0].numel())) ** 0.5
            assert bool((layer.bias == 0).all())
            assert 0.95 * bound < float(layer.weight.detach().abs().max()) <= bound


@pytest.mark.parametrize("preset", ["tf64", "tf64_as_printed"])
def test_tf64_starts_with_normal_weights_of_002(preset):
    for network in build("dcgan", zoo.DataSpec(3, 64, 64), preset, width=16):
        for layer in all_of(network, nn.Linear, nn.Conv2d, nn.ConvTranspose2d):
            assert bool((layer.bias == 0).all())
            if layer.weight.numel() > 5000:
                assert abs(float(layer.weight.detach().std()) - 0.02) < 2e-3
        for norm in all_of(network, zoo.nn.BatchNormAct):
            assert (norm.momentum, norm.eps, norm.order) == (pytest.approx(0.01), 1e-3, "act_norm")
            assert bool((norm.weight == 1).all())


# ---- the presets


RMSPROP = dict(
    optimizer="rmsprop", learning_rate=1e-3, rho=0.9, epsilon=1e-7, epsilon_style="keras", momentum=0.0, batch_size=32,
    joined=True, evaluate_fakes=True, order="buffer", shuffle_buffer=1000, drop_remainder=True, epochs=50,
    latent_distribution="normal", ema=0.0,
)  # fmt: skip
RADFORD = dict(
    optimizer="adam", learning_rate=2e-4, beta1=0.5, beta2=0.999, batch_size=128, joined=False, evaluate_fakes=False,
    size=64, width=128, latent=100, latent_distribution="normal",
)  # fmt: skip


@pytest.mark.parametrize(
    ("name", "preset", "expected"),
    [
        ("vanilla", "selu", RMSPROP | dict(networks="selu", latent=30)),
        ("dcgan", "selu", RMSPROP | dict(networks="selu", latent=100, width=64)),
        ("dcgan", "upsample", dict(
            networks="upsample", optimizer="sgd", learning_rate=5e-4, momentum=0.9, nesterov=True, batch_size=128,
            latent=100, latent_distribution="uniform", joined=True, evaluate_fakes=True, order="sequential",
            drop_remainder=True, epochs=100, sample_every=20, width=64, schedule="constant",
        )),
        ("dcgan", "tf64", RADFORD | dict(networks="tf64")),
        ("dcgan", "tf64_as_printed", RADFORD | dict(networks="tf64_as_printed")),
    ],
)  # fmt: skip
def test_a_preset_trains_as_its_document_does(name, preset, expected):
    options, _ = resolve(registry().architecture(name), preset=preset)
    assert {key: getattr(options, key) for key in expected} == expected


@pytest.mark.parametrize("name", ["vanilla", "dcgan"])
def test_every_preset_has_a_sentence(name):
    architecture = registry().contribution(name).value
    assert architecture.preset_notes.keys() == architecture.presets.keys()


def test_the_two_readings_of_tf64_differ_by_the_fourth_convolution_alone():
    chain, printed = (build("dcgan", zoo.DataSpec(3, 64, 64), preset, width=2) for preset in FAMILIES[3:])
    assert str(chain[0]) == str(printed[0])
    assert [layer.out_channels for layer in all_of(chain[1], nn.Conv2d)] == [2, 4, 8, 16]
    assert [layer.out_channels for layer in all_of(printed[1], nn.Conv2d)] == [2, 4, 8]
    assert [network[1].layers[-1].in_features for network in (chain, printed)] == [16 * 4 * 4, 8 * 8 * 8]


@torch.no_grad()
def test_the_dense_selu_networks_see_images_between_0_and_1():
    generator, discriminator = build("vanilla", zoo.DataSpec(1, 8, 8), "selu")
    seen = {}
    generator[-3].register_forward_hook(lambda module, inputs, output: seen.update(drawn=output))
    discriminator[1].register_forward_hook(lambda module, inputs, output: seen.update(judged=output))
    images = generator(10 * torch.randn(16, 30))
    discriminator(images)
    assert -1 <= float(images.min()) < -0.5 < 0.5 < float(images.max()) <= 1
    np.testing.assert_allclose(seen["judged"], seen["drawn"], atol=1e-6)
    assert float(seen["drawn"].min()) >= 0
