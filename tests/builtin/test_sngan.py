"""SNGAN's networks against plain PyTorch written from the papers, and what its training asks of spectral normalisation."""

from __future__ import annotations

import pytest
import sngan_papers as papers
import torch
from support import assert_same_checkpoint, checkpoint, state_of, tiny, write_images
from torch import nn
from torch.nn.utils import parametrize

import zoo
from zoo.engine.build import build_networks
from zoo.engine.optim.schedule import rate_at
from zoo.engine.plan import choose_objective
from zoo.options.resolve import resolve
from zoo.plugins.registry import registry

SIZES = (32, 48, 64, 128)
NAMES = ("sngan", "sngan-projection")


def build(name: str, size: int, channels: int = 3, classes: int = 3, **more) -> tuple[nn.Module, nn.Module]:
    architecture = registry().architecture(name)
    options, _ = resolve(architecture, flags=more)
    return build_networks(architecture, options, zoo.DataSpec(channels, size, size, classes))


def layers(network: nn.Module) -> list[nn.Module]:
    """What holds weights, in the order in which it was made."""
    kinds = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear, nn.Embedding, papers.Norm)
    ours = (zoo.nn.BatchNormAct, zoo.nn.ConditionalBatchNormAct)
    within = {id(module.norm) for module in network.modules() if isinstance(module, zoo.nn.ConditionalBatchNormAct)}
    return [module for module in network.modules() if isinstance(module, kinds + ours) and id(module) not in within]


@torch.no_grad()
def copy_weights(network: nn.Module, reference: nn.Module) -> None:
    """Other weights than those it begins with, into both; in the reference divided by algorithm 1's σ where ours are normalised."""
    for ours, theirs in zip(layers(network), layers(reference), strict=True):
        for parameter in ours.parameters():
            parameter += 0.1 * torch.randn_like(parameter)
        if parametrize.is_parametrized(ours):
            weight, u = ours.parametrizations.weight.original, ours.parametrizations.weight[0].u
            matrix = weight.flatten(1)
            v = matrix.T @ u
            v = v / v.norm()
            u = matrix @ v
            theirs.weight.copy_(weight / (u @ matrix @ v / u.norm()))
        else:
            theirs.weight.copy_(ours.weight.reshape(theirs.weight.shape))
        if getattr(ours, "bias", None) is not None:
            theirs.bias.copy_(ours.bias.reshape(theirs.bias.shape))


CASES = [(name, "resnet", size) for name in NAMES for size in SIZES] + [("sngan", "cnn", size) for size in (32, 48)]
every = pytest.mark.parametrize(("name", "networks", "size"), CASES)


def references(name: str, networks: str, size: int, share: int = 1, **more) -> tuple[nn.Module, nn.Module]:
    if networks == "cnn":
        return papers.ConvolutionalGenerator(size, share, **more), papers.ConvolutionalDiscriminator(size, share)
    classes = 3 if name == "sngan-projection" else 0
    return (
        papers.Generator(size, share, classes=classes, **more),
        papers.Discriminator(size, share, classes=classes),
    )


def flags(name: str, networks: str, **more) -> dict:
    return {**more, **({"networks": networks} if name == "sngan" else {})}


@every
def test_the_networks_give_what_the_papers_give(name, networks, size):
    torch.manual_seed(0)
    ours = build(name, size, **flags(name, networks, width=4, latent=5))
    theirs = references(name, networks, size, 16, latent=5)
    labels = (torch.tensor([0, 2, 1]),) if name == "sngan-projection" else ()
    given = [torch.randn(3, 5), torch.randn(3, 3, size, size)]
    for network, reference, x in zip(ours, theirs, given, strict=True):
        network, reference, x = network.double(), reference.double(), x.double()
        copy_weights(network, reference)
        torch.testing.assert_close(network(x, *labels), reference(x, *labels))


@every
def test_the_networks_have_the_papers_numbers_of_parameters(name, networks, size):
    with torch.device("meta"):
        theirs = references(name, networks, size)
    ours = build(name, size, **flags(name, networks, width=64, latent=128))
    for network, reference in zip(ours, theirs, strict=True):
        assert count(network) == count(reference)


def count(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def test_table_4_for_cifar10_added_up():
    """By hand: a 3×3 convolution of 256 channels has 590,080 numbers, of 128 has 147,584."""
    generator, discriminator = build("sngan", 32, width=64, latent=128)
    assert count(generator) == 129 * 4096 + 3 * (2 * 590_080 + 65_792 + 1024) + 512 + 6915 == 4_276_739
    assert count(discriminator) == (3584 + 147_584 + 512) + (2 * 147_584 + 16_512) + 4 * 147_584 + 128 == 1_053_824


def normalised(network: nn.Module) -> list[bool]:
    return [parametrize.is_parametrized(layer) for layer in layers(network)]


@every
def test_every_layer_of_d_is_normalised_and_none_of_g(name, networks, size):
    generator, discriminator = build(name, size, **flags(name, networks, width=1, latent=2))
    assert all(normalised(discriminator))
    assert not any(normalised(generator))


def vectors(network: nn.Module) -> list[torch.Tensor]:
    return [value.clone() for name, value in network.state_dict().items() if name.endswith(".u")]


@pytest.mark.parametrize("name", NAMES)
def test_the_vectors_move_in_every_pass_of_d_and_what_is_tried_before_a_run_leaves_them(name, tmp_path):
    data = write_images(tmp_path / "images.npz", size=32, channels=3)
    state = state_of(name, data, **tiny(name, reuse_fakes=False))
    fresh = build(name, 32, **tiny(name, steps=4))[1]
    for ours, theirs in zip(vectors(state.step.discriminator), vectors(fresh), strict=True):
        assert torch.equal(ours, theirs)
    passes = []
    state.step.discriminator.register_forward_pre_hook(lambda module, given: passes.append(len(given[0])))
    state.step.run(0)
    state.batches.close()
    assert passes == [8, 8, 8], "real images, fakes, and fakes again while G learns"
    moved = [not torch.equal(a, b) for a, b in zip(vectors(state.step.discriminator), vectors(fresh), strict=True)]
    assert sum(moved) >= len(moved) - 1  # the last layer's has one number, 1 or -1


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("more", [dict(), dict(r1=0.5, r1_every=2, discriminator_steps=2)], ids=["plain", "penalty"])
def test_a_run_that_was_stopped_goes_on_to_the_bit(name, more, tmp_path):
    data = write_images(tmp_path / "images.npz", size=32, channels=3)
    given = tiny(name, data=str(data), checkpoint_every=2, schedule="constant", **more)
    whole = zoo.train(name, out="whole", **given | dict(steps=4))
    zoo.train(name, out="parts", **given | dict(steps=2))
    parts = zoo.resume("parts", steps=4)
    assert_same_checkpoint(checkpoint(whole.path), checkpoint(parts.path))


def test_presets_train_as_published():
    for name, preset, size, images in (
        ("sngan", "cifar10", 32, 128),
        ("sngan", "stl10", 48, 128),
        ("sngan-projection", "cifar10", 32, 128),
        ("sngan-projection", "imagenet128", 128, 128),
        ("sngan-projection", "imagenet64", 64, None),
    ):
        architecture = registry().architecture(name)
        options, _ = resolve(architecture, preset=preset)
        assert (options.width, options.latent, options.size) == (64, 128, size)
        assert (options.batch_size, options.generator_batch_size) == (64, images)
        assert (options.beta1, options.beta2, options.discriminator_steps) == (0.0, 0.9, 5)
        assert choose_objective(architecture, options).kind == "hinge"
        rates = [rate_at(options, options.learning_rate, step, options.steps) for step in (0, options.steps - 1)]
        assert rates == [2e-4, pytest.approx(0, abs=1e-8)]
    published, _ = resolve(registry().architecture("sngan-projection"), preset="imagenet64")
    falls = [rate_at(published, 2e-4, step, 250_000) for step in (200_000, 225_000)]
    assert falls == [pytest.approx(2e-4), pytest.approx(1e-4)]
    cnn, _ = resolve(registry().architecture("sngan"), preset="cnn")
    assert (cnn.beta1, cnn.beta2, cnn.discriminator_steps, cnn.size) == (0.5, 0.999, 1, 32)


@pytest.mark.parametrize("name", NAMES)
def test_the_small_preset_updates_d_once_with_a_rate_of_its_own_and_averages_g(name):
    options, _ = resolve(registry().architecture(name))
    assert options.discriminator_steps == 1
    assert options.discriminator_learning_rate > options.learning_rate
    assert options.ema > 0


@pytest.mark.parametrize(("given", "trained"), [(8, 32), (40, 32), (50, 48), (64, 64), (100, 64)])
def test_images_of_other_sizes_are_resized_to_one_of_its_own(given, trained, tmp_path):
    data = write_images(tmp_path / "images.npz", size=given, channels=3)
    state = state_of("sngan", data, **tiny("sngan"))
    shape = state.step.draw().images.shape
    state.batches.close()
    assert shape[2:] == (trained, trained)
