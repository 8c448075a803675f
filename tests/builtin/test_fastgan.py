"""FastGAN's networks against plain PyTorch written from the paper, its losses against their formulas, and that its runs resume."""

from __future__ import annotations

import copy

import fastgan_paper as paper
import pytest
import torch
from support import Stop, assert_same_checkpoint, state_of, tiny, write_images
from torch import nn
from torch.nn import functional as F  # noqa: N812
from torch.nn.utils import parametrize
from zoo_plugins.fastgan import PatchHinge, decoder, layers
from zoo_plugins.fastgan.passes import current, watched

import zoo
from zoo.engine.build import build_networks
from zoo.engine.plan import choose_objective
from zoo.options.resolve import resolve
from zoo.plugins.registry import registry

SIZES = (64, 256, 512)
sizes = pytest.mark.parametrize("size", SIZES)
modes = pytest.mark.parametrize("training", [False, True], ids=["evaluating", "training"])


def build(size: int, channels: int = 3, **flags):
    architecture = registry().architecture("fastgan")
    options, _ = resolve(architecture, flags=flags)
    return build_networks(architecture, options, zoo.DataSpec(channels, size, size))


def layers_of(network: nn.Module) -> list[nn.Module]:
    """What holds weights, in the order in which it was made."""
    kinds = (nn.Conv2d, nn.ConvTranspose2d, nn.BatchNorm2d, zoo.nn.BatchNormAct, layers.Noise, paper.Noise)
    return [module for module in network.modules() if isinstance(module, kinds)]


def hold_still(network: nn.Module) -> None:
    """Let no pass move what spectral normalisation knows of the weights."""
    for module in network.modules():
        if parametrize.is_parametrized(module):
            module.parametrizations.eval()


@torch.no_grad()
def copy_weights(ours: nn.Module, theirs: nn.Module) -> None:
    """Random statistics and noise weights into ours, and all of it into the paper's network, in float64."""
    for module, twin in zip(layers_of(ours.double()), layers_of(theirs.double()), strict=True):
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            assert (module.stride, module.padding, module.weight.shape) == (
                twin.stride,
                twin.padding,
                twin.weight.shape,
            )
            twin.weight.copy_(module.weight)
        elif isinstance(module, layers.Noise):
            twin.weight.copy_(module.weight.normal_())
            twin.given = module.fixed
        else:
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
            twin.load_state_dict(module.state_dict())


def pair(size: int, training: bool):
    """Our two networks and the paper's, of the same weights."""
    torch.manual_seed(0)
    generator, discriminator = build(size, width=8, discriminator_width=8, latent=6)
    theirs = paper.Generator(size, 6, 3, 8), paper.Discriminator(size, 3, 8)
    for ours, twin in zip((generator, discriminator), theirs, strict=True):
        ours.eval()  # the weights that are copied are those of evaluation: the power method rests
        copy_weights(ours, twin)
        ours.train(training)
        twin.train(training)
        hold_still(ours)
    return generator, discriminator, *theirs


@sizes
@modes
def test_both_networks_compute_what_the_papers_do(size, training):
    generator, discriminator, their_generator, their_discriminator = pair(size, training)
    latents = torch.randn(3, 6, dtype=torch.float64)
    with torch.no_grad():
        torch.manual_seed(1)
        images = generator(latents)
        torch.manual_seed(1)
        torch.testing.assert_close(images, their_generator(latents))
        with watched() as passes:
            logits = discriminator(images)
        patches = their_discriminator(images)
    torch.testing.assert_close(passes[0].patches, patches)
    torch.testing.assert_close(logits, patches.mean(1))
    assert patches.shape == (3, 50)


@pytest.mark.parametrize(("size", "part"), [(64, 0), (64, 1), (64, 2), (64, 3), (256, 1)])
def test_decoders_are_compared_with_the_image_and_with_one_quarter_of_it(size, part, monkeypatch):
    _, discriminator, _, theirs = pair(size, training=False)
    images = torch.rand(2, 3, size, size, dtype=torch.float64) * 2 - 1
    monkeypatch.setattr(decoder.torch, "randint", lambda *shape, **more: torch.tensor([part]))
    with torch.no_grad():
        with watched() as passes:
            discriminator(images)
        missed = passes[0].decoders(images, passes[0].features)
        row, column = (size // 2 * place for place in divmod(part, 2))
        cut = images[:, :, row : row + size // 2, column : column + size // 2]
        made = theirs.reconstruct(images, part)
        wanted = [F.interpolate(each, size=theirs.side, mode="area") for each in (images, cut, images)]
        expected = sum(
            F.l1_loss(*(F.avg_pool2d(picture, scale) for picture in both))
            for both in zip(made, wanted, strict=True)
            for scale in (1, 2, 4)
        )
    torch.testing.assert_close(missed, expected / 3)


def test_at_full_width_the_networks_have_as_many_weights_as_the_authors():
    """The layers of their models.py at 256×256, ngf = ndf = 64, nz = 256, as copies have it (KuanChaoCHU/FastGAN-pytorch).

    But for one: their G has a 1×1 convolution from 64 channels to an image of 128×128, for D; here D shrinks the image itself.
    """
    architecture, data = registry().architecture("fastgan"), zoo.DataSpec(3, 256, 256)
    options, _ = resolve(architecture, preset="paper")
    with torch.device("meta"):
        generator, discriminator = architecture.generator(options, data), architecture.discriminator(options, data)

    def conv(inputs: int, outputs: int, kernel: int, norm: bool = True) -> int:
        return inputs * outputs * kernel**2 + 2 * outputs * norm

    def excite(inputs: int, outputs: int) -> int:
        return conv(inputs, outputs, 4, norm=False) + conv(outputs, outputs, 1, norm=False)

    noisy = [
        (1024, 512),
        (256, 128),
        (128, 64),
    ]  # each with two convolutions, twice as wide for the gates, and two noises
    plain = [(512, 256), (128, 128), (64, 32)]
    of_g = (
        conv(256, 2048, 4)
        + sum(conv(given, 2 * made, 3) + conv(made, 2 * made, 3) + 2 for given, made in noisy)
        + sum(conv(given, 2 * made, 3) for given, made in plain)
        + excite(1024, 128) + excite(512, 64) + excite(256, 32)
        + conv(32, 3, 3, norm=False)
    )  # fmt: skip
    down = [(16, 32), (32, 64), (64, 128), (128, 256), (256, 512)]

    def decode(inputs: int) -> int:
        return (
            conv(inputs, 256, 3) + conv(128, 128, 3) + conv(64, 128, 3) + conv(64, 64, 3) + conv(32, 3, 3, norm=False)
        )

    of_d = (
        conv(3, 16, 3, norm=False)
        + sum(conv(given, made, 4) + conv(made, made, 3) + conv(given, made, 1) for given, made in down)
        + conv(512, 1024, 1) + conv(1024, 1, 4, norm=False)
        + excite(16, 128) + excite(32, 256) + excite(64, 512)
        + conv(3, 32, 4, norm=False) + conv(32, 64, 4) + conv(64, 128, 4) + conv(128, 256, 4) + conv(256, 1, 4, norm=False)
        + decode(512) + 2 * decode(256)
    )  # fmt: skip
    assert sum(weight.numel() for weight in generator.parameters()) == of_g
    assert sum(weight.numel() for weight in discriminator.parameters()) == of_d


def test_every_convolution_is_divided_by_its_largest_singular_value():
    generator, discriminator = build(64, width=2, discriminator_width=2, latent=4)
    for network in (generator, discriminator):
        convolutions = [module for module in network.modules() if isinstance(module, nn.Conv2d | nn.ConvTranspose2d)]
        assert convolutions
        for layer in convolutions:
            for _ in range(200):  # in training mode each look is one iteration of the power method
                weight = layer.weight
            rows = 1 if isinstance(layer, nn.ConvTranspose2d) else 0
            largest = torch.linalg.matrix_norm(weight.movedim(rows, 0).flatten(1), 2)
            torch.testing.assert_close(largest, torch.ones(()), rtol=0.05, atol=0)
            assert layer.bias is None


def test_evaluated_a_latent_has_one_picture_and_training_has_noise():
    generator, _ = build(64, width=2, latent=4)
    with torch.no_grad():
        for module in generator.modules():
            if isinstance(module, layers.Noise):
                module.weight.fill_(1.0)
        latents = torch.randn(3, 4)
        generator.eval()
        assert torch.equal(generator(latents), generator(latents))
        torch.testing.assert_close(generator(latents)[1:], generator(latents[1:]))
        generator.train()
        assert not torch.equal(generator(latents), generator(latents))


# ---- losses


def test_the_hinge_is_that_of_patches_and_an_images_logit_their_mean():
    real, fake = torch.randn(4, 50, requires_grad=True), torch.randn(4, 50, requires_grad=True)
    with watched() as passes:
        passes += [_pass(real), _pass(fake)]
        assert current() == passes
        loss, statistics = PatchHinge("hinge").discriminator_loss(real.mean(1), fake.mean(1), scale=0.5)
    expected = 0.5 * (F.relu(1 - real).mean() + F.relu(1 + fake).mean())
    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(statistics, torch.stack([real.mean(), fake.mean()]).detach())
    loss, _ = PatchHinge("hinge").generator_loss(fake.mean(1), scale=1.0)
    torch.testing.assert_close(loss, -fake.mean())


def _pass(patches: torch.Tensor):
    from zoo_plugins.fastgan.passes import Pass

    return Pass(patches, patches, None, None)


def test_margins_are_drawn_for_each_patch_between_what_smoothing_leaves_and_one():
    logits = torch.zeros(1000)
    torch.manual_seed(5)
    loss, _ = PatchHinge("hinge", smoothing=0.2).discriminator_loss(logits, logits, scale=1.0)
    torch.manual_seed(5)
    margins = [1 - 0.2 * torch.rand(1000) for _ in range(2)]
    torch.testing.assert_close(loss, margins[0].mean() + margins[1].mean())


@pytest.mark.parametrize(
    "more", [{}, dict(joined=True, reuse_fakes=False), dict(simultaneous=True, reuse_fakes=False)], ids=str
)
def test_decoders_learn_from_real_images_alone_in_every_way_of_playing(more, tmp_path):
    path = write_images(tmp_path / "images.npz", size=32, channels=3)
    state = state_of("fastgan", path, **tiny("fastgan", augment=(), **more))
    seen = []
    decoders = state.step.discriminator.decoders
    decoders.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    draws = []
    draw, state.step.draw = state.step.draw, lambda: draws.append(draw()) or draws[-1]
    try:
        statistics = state.step.run(0)
    finally:
        state.batches.close()
    (images,) = seen
    assert torch.equal(images, draws[0].images)
    assert statistics["reconstruction"] > 0


def test_what_decoders_miss_is_weighed_and_without_weight_there_are_none(tmp_path):
    path = write_images(tmp_path / "images.npz", size=32, channels=3)
    losses = []
    for weight in (0.0, 1.0, 3.0):
        state = state_of("fastgan", path, **tiny("fastgan", smoothing=0.0, augment=(), reconstruction=weight))
        try:
            losses.append(state.step.run(0))
        finally:
            state.batches.close()
        assert (state.step.discriminator.decoders is None) == (weight == 0)
    difference = losses[2]["d_loss"] - losses[1]["d_loss"]
    torch.testing.assert_close(difference, 2 * losses[1]["reconstruction"])


def test_with_another_objective_and_with_a_penalty_it_trains_as_others_do(tmp_path):
    path = write_images(tmp_path / "images.npz", size=32, channels=3)
    state = state_of("fastgan", path, **tiny("fastgan", objective="non_saturating", r1=1.0))
    try:
        assert {"r1", "reconstruction", "d_loss"} <= state.step.run(0).keys()
        assert all(bool(value.isfinite()) for value in state.step.run(1).values())
    finally:
        state.batches.close()


def test_its_own_objective_is_the_hinge_by_name_too():
    architecture = registry().architecture("fastgan")
    for flags in ({}, {"objective": "hinge"}):
        objective = choose_objective(architecture, resolve(architecture, flags=flags)[0])
        loss, _ = objective.discriminator_loss(torch.zeros(8), torch.zeros(8), scale=1.0)
        assert objective.kind == "hinge"
        assert 1.6 < loss < 2.0, "the margins are smaller than 1"


# ---- runs


def test_a_run_that_was_stopped_goes_on_exactly_with_its_parts_margins_and_noise(tmp_path):
    data = write_images(tmp_path / "images.npz", size=32, channels=3)
    options = dict(tiny("fastgan", steps=6), data=str(data), augment=("color", "translation"), reuse_fakes=True, r1=0.5)
    whole = zoo.train("fastgan", out=tmp_path / "whole", **options)
    zoo.train("fastgan", out=tmp_path / "parts", callbacks=[Stop(3)], **options)
    parts = zoo.resume(tmp_path / "parts")
    assert_same_checkpoint(whole.latest()[1], parts.latest()[1])


def test_the_second_scale_is_an_option():
    with_it, without = (build(64, width=2, second_scale=choice)[1] for choice in (True, False))
    images = torch.rand(2, 3, 64, 64)
    for network, patches in ((with_it, 50), (without, 25)):
        with watched() as passes:
            assert network(images).shape == (2,)
        assert passes[0].patches.shape == (2, patches)
    assert "second" not in without.decoders


def test_a_discriminator_that_has_been_watched_can_be_copied():
    network = build(32, width=2)[1]
    with watched():
        network(torch.rand(2, 3, 32, 32))
    copied = copy.deepcopy(network).state_dict()
    assert copied.keys() == network.state_dict().keys()
    assert all(torch.equal(copied[name], value) for name, value in network.state_dict().items())


def test_the_published_size_is_for_a_gpu():
    architecture = registry().architecture("fastgan")
    photos = zoo.DataSpec(3, 256, 256)
    assert architecture.preset_for(photos, "cuda") == "paper"
    assert architecture.preset_for(photos, "cpu") == "small"
    assert architecture.preset_for(zoo.DataSpec(3, 64, 64), "cuda") == "small"
