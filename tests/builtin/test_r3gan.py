"""R3GAN against plain PyTorch written from the paper, its published sizes and figures, and what its options refuse."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import pairwise

import pytest
import torch
from support import assert_refused, state_of, tiny, write_images, zoo_process
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812
from zoo_plugins.r3gan.blocks import ResidualBlock
from zoo_plugins.r3gan.networks import FILTER, Discriminator, Generator, Shape

import zoo
from zoo.options.resolve import resolve
from zoo.plugins.registry import registry

# ---- the networks of the paper's section 4 (configuration E), as functions of their weights in order

Take = Callable[..., Tensor]
SPECS = {
    "constant": Shape(3, (32, 32), (8, 8, 8, 8), 2, 2, 4),
    "ladder": Shape(1, (32, 32), (4, 8, 16, 16), 1, 2, 4),
    "labels": Shape(3, (16, 16), (6, 6, 12), 2, 3, 6, classes=3),
    "rectangle": Shape(3, (32, 16), (4, 4, 8), 1, 2, 8),
}
LATENT = 5
specs = pytest.mark.parametrize("shape", SPECS.values(), ids=SPECS)


def taking(network: nn.Module) -> Take:
    """Gives the parameters of a network one after another, each of the shape that is asked for."""
    left: Iterator[Tensor] = iter(network.parameters())

    def take(*shape: int) -> Tensor:
        parameter = next(left)
        assert tuple(parameter.shape) == shape
        return parameter

    return take


def plain_block(x: Tensor, take: Take, shape: Shape) -> Tensor:
    width = x.shape[1]
    inner = width * shape.expansion
    y = F.leaky_relu(F.conv2d(x, take(inner, width, 1, 1), take(inner)), 0.2)
    groups = inner // shape.group_width
    y = F.leaky_relu(F.conv2d(y, take(inner, shape.group_width, 3, 3), take(inner), 1, 1, 1, groups), 0.2)
    return x + F.conv2d(y, take(width, inner, 1, 1))


def plain_up(x: Tensor) -> Tensor:
    """Bilinear, the image standing among zeros."""
    around = F.interpolate(F.pad(x, (1, 1, 1, 1)), scale_factor=2, mode="bilinear", align_corners=False)
    return around[:, :, 2:-2, 2:-2]


def plain_down(x: Tensor) -> Tensor:
    """[1, 2, 1] of pixels that are each the mean of four, moved by half a pixel: one direction after the other."""
    filtered = F.pad(x, (1, 1, 1, 1))
    for dim in (2, 3):
        pairs = filtered.unfold(dim, 4, 2)
        filtered = pairs @ torch.tensor([0.125, 0.375, 0.375, 0.125], dtype=x.dtype)
    return filtered


def plain_generator(take: Take, shape: Shape, latents: Tensor, labels: Tensor | None) -> Tensor:
    if labels is not None:
        embedding = take(LATENT, shape.classes)
        latents = torch.cat([latents, embedding.t()[labels]], 1)
    up = shape.widths[::-1]
    basis = take(up[0], *shape.smallest)
    x = torch.einsum("chw,cl,nl->nchw", basis, take(up[0], latents.shape[1]), latents)
    for _ in range(shape.blocks):
        x = plain_block(x, take, shape)
    for before, after in pairwise(up):
        x = F.conv2d(x, take(after, before, 1, 1)) if after != before else x
        x = plain_up(x)
        for _ in range(shape.blocks):
            x = plain_block(x, take, shape)
    return F.conv2d(x, take(shape.channels, up[-1], 1, 1))


def plain_discriminator(take: Take, shape: Shape, images: Tensor, labels: Tensor | None) -> Tensor:
    down = shape.widths
    x = F.conv2d(images, take(down[0], shape.channels, 1, 1))
    for _ in range(shape.blocks):
        x = plain_block(x, take, shape)
    for before, after in pairwise(down):
        x = plain_down(x)
        x = F.conv2d(x, take(after, before, 1, 1)) if after != before else x
        for _ in range(shape.blocks):
            x = plain_block(x, take, shape)
    outputs = down[-1] if shape.classes else 1
    numbers = torch.einsum("nchw,chw,kc->nk", x, take(down[-1], *shape.smallest), take(outputs, down[-1]))
    if labels is not None:
        return torch.einsum("nk,nk->n", numbers, take(outputs, shape.classes).t()[labels])
    return numbers[:, 0]


def with_random_weights(network: nn.Module) -> nn.Module:
    """In float64; the layers that begin at zero would hide what stands before them."""
    random = torch.Generator().manual_seed(0)
    for parameter in network.double().parameters():
        parameter.data.normal_(0.0, 1 / math.sqrt(max(1, parameter[0].numel())), generator=random)
    return network


def gradients(network: nn.Module, x: Tensor, y: Tensor) -> list[Tensor]:
    """Of the sum of squares of y, by x and every weight."""
    return list(torch.autograd.grad(y.square().sum(), [x, *network.parameters()]))


@specs
def test_the_generator_does_what_the_paper_says(shape):
    network = with_random_weights(Generator(LATENT, shape))
    latents = torch.randn(3, LATENT, dtype=torch.float64, requires_grad=True)
    labels = torch.tensor([2, 0, 1]) if shape.classes else None
    found = network(latents, *([] if labels is None else [labels]))
    take = taking(network)
    expected = plain_generator(take, shape, latents, labels)
    assert found.shape == (3, shape.channels, *shape.sides)
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(gradients(network, latents, found), gradients(network, latents, expected))
    with pytest.raises(StopIteration):
        take()


@specs
def test_the_discriminator_does_what_the_paper_says(shape):
    network = with_random_weights(Discriminator(shape))
    images = torch.randn(3, shape.channels, *shape.sides, dtype=torch.float64, requires_grad=True)
    labels = torch.tensor([2, 0, 1]) if shape.classes else None
    found = network(images, *([] if labels is None else [labels]))
    take = taking(network)
    expected = plain_discriminator(take, shape, images, labels)
    assert found.shape == (3,)
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(gradients(network, images, found), gradients(network, images, expected))
    with pytest.raises(StopIteration):
        take()


def test_a_penalty_on_the_gradient_has_the_gradients_of_the_plain_network():
    shape = SPECS["labels"]
    network = with_random_weights(Discriminator(shape))
    images = torch.randn(3, 3, 16, 16, dtype=torch.float64, requires_grad=True)
    labels = torch.tensor([2, 0, 1])

    def penalty(logits: Tensor) -> list[Tensor]:
        (slope,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
        return list(torch.autograd.grad(slope.square().sum(), list(network.parameters()), allow_unused=True))

    found = penalty(network(images, labels))
    expected = penalty(plain_discriminator(taking(network), shape, images, labels))
    torch.testing.assert_close(found, expected)


# ---- what is published

COUNTS = {  # of R3GAN/Networks.py, as train.py of https://github.com/brownvc/R3GAN configures it
    ("r3gan", "cifar10", 0): (20_732_160, 20_683_776),
    ("r3gan", "ffhq64", 0): (22_429_824, 22_381_440),
    ("r3gan", "ffhq256", 0): (23_057_952, 23_009_568),
    ("cr3gan", "cifar10", 10): (20_781_952, 21_280_512),
    ("cr3gan", "imagenet32", 1000): (82_914_304, 86_548_992),
    ("cr3gan", "imagenet64", 1000): (103_570_432, 107_205_120),
}


@pytest.mark.parametrize(("name", "preset", "classes"), COUNTS)
def test_the_published_configurations_have_as_many_parameters(name, preset, classes):
    architecture = registry().architecture(name)
    options, _ = resolve(architecture, preset=preset)
    data = zoo.DataSpec(3, options.size, options.size, classes)
    with torch.device("meta"):
        networks = architecture.generator(options, data), architecture.discriminator(options, data)
    counts = tuple(sum(parameter.numel() for parameter in network.parameters()) for network in networks)
    assert counts == COUNTS[name, preset, classes]


FIGURES = {  # images a batch, gamma at first, half-life of the average and burn-in in thousands of images (train.py, README.md)
    ("r3gan", "cifar10"): (512, 0.05, 5000, 20_000),
    ("r3gan", "ffhq64"): (256, 2, 500, 20_000),
    ("r3gan", "ffhq256"): (256, 150, 500, 20_000),
    ("cr3gan", "cifar10"): (512, 0.05, 5000, 20_000),
    ("cr3gan", "imagenet32"): (4096, 0.5, 50_000, 200_000),
    ("cr3gan", "imagenet64"): (4096, 1, 50_000, 200_000),
}


@pytest.mark.parametrize(("name", "preset"), FIGURES)
def test_the_published_configurations_train_by_the_published_figures(name, preset):
    options, _ = resolve(registry().architecture(name), preset=preset)
    batch, gamma, ema, burn_in = FIGURES[name, preset]
    assert (options.batch_size, options.r1, options.r2, options.r1_every) == (batch, gamma, gamma, 1)
    assert (options.final_r1, options.final_r2) == pytest.approx((gamma / 10, gamma / 10))
    assert (options.ema_kimg, options.burn_in, options.ema_rampup * options.burn_in) == (ema, burn_in, ema)
    assert (options.learning_rate, options.final_learning_rate) == (2e-4, 5e-5)
    assert (options.beta1, options.beta2, options.final_beta2) == (0.0, 0.9, 0.99)
    assert (options.latent, options.flip) == (64, True)


def test_both_architectures_play_relativistic_pairing():
    assert {registry().architecture(name).objective for name in ("r3gan", "cr3gan")} == {"relativistic"}


# ---- first weights


def test_a_block_begins_as_the_identity():
    x = torch.randn(2, 8, 4, 4)
    assert torch.equal(ResidualBlock(8, 2, 4, depth=6)(x), x)


def test_first_weights_shrink_with_the_number_of_blocks():
    torch.manual_seed(0)
    for depth in (1, 16):
        block = ResidualBlock(64, 2, 4, depth)
        for layer, inputs in ((block.expand, 64), (block.mix, 32 * 9)):
            expected = math.sqrt(2 / 1.04 / inputs) * depth**-0.25
            assert float(layer.weight.detach().std()) == pytest.approx(expected, rel=0.05)
            assert not layer.bias.any()


def test_images_and_logits_begin_at_the_size_of_one():
    torch.manual_seed(0)
    shape = Shape(3, (32, 32), (32, 64, 128, 128), 2, 2, 16)
    images = Generator(64, shape)(torch.randn(64, 64))
    assert 0.3 < float(images.detach().std()) < 3
    assert 0.1 < float(Discriminator(shape)(images).detach().std()) < 3


# ---- resampling


def test_resampling_is_bilinear_inside_the_image_and_takes_zeros_around_it():
    x = torch.randn(2, 3, 6, 8, dtype=torch.float64)
    up = zoo.nn.Upsample2d(FILTER)(x)
    bilinear = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
    torch.testing.assert_close(up[:, :, 1:-1, 1:-1], bilinear[:, :, 1:-1, 1:-1])
    torch.testing.assert_close(up, plain_up(x))
    torch.testing.assert_close(zoo.nn.Downsample2d(FILTER)(up), plain_down(up))


def test_downsampling_is_a_quarter_of_the_adjoint_of_upsampling():
    x, y = torch.randn(1, 2, 4, 6, dtype=torch.float64), torch.randn(1, 2, 8, 12, dtype=torch.float64)
    up, down = zoo.nn.Upsample2d(FILTER), zoo.nn.Downsample2d(FILTER)
    torch.testing.assert_close((up(x) * y).sum(), 4 * (x * down(y)).sum())


# ---- sizes, labels, pictures


@pytest.mark.parametrize("name", ["r3gan", "cr3gan"])
@pytest.mark.parametrize("size", [8, 16, 32, 64, 128, 256])
def test_it_is_built_for_every_power_of_two(name, size):
    architecture = registry().architecture(name)
    options, _ = resolve(architecture, flags=tiny(name))
    assert size in architecture.sizes(options)
    data = zoo.DataSpec(3, size, size, 5)
    with torch.device("meta"):
        labels = (torch.zeros(2, dtype=torch.int64),) if architecture.conditional else ()
        images = architecture.generator(options, data)(torch.empty(2, options.latent), *labels)
        assert images.shape == (2, *data.shape)
        assert architecture.discriminator(options, data)(images, *labels).shape == (2,)


def test_the_shorter_side_of_a_rectangle_goes_down_to_four():
    architecture = registry().architecture("r3gan")
    options, _ = resolve(architecture)
    generator = architecture.generator(options, zoo.DataSpec(3, 32, 128))
    assert generator.layers[0].basis.shape == (128, 4, 16)


def test_only_in_training_do_images_leave_the_range(images):
    state = state_of("r3gan", images, **tiny("r3gan"))
    generator, latents = state.step.generator, 1000 * torch.randn(4, 4)
    assert float(generator.train()(latents).detach().abs().max()) > 1
    assert float(generator.eval()(latents).detach().abs().max()) == 1
    state.batches.close()


def test_a_rectangle_with_labels_trains_and_draws(tmp_path):
    data = write_images(tmp_path / "images.npz", size=16, channels=3)
    run = zoo.train("cr3gan", data=str(data), size="16x8", out=tmp_path / "run", **tiny("cr3gan", steps=2))
    assert zoo.load(run)(labels=[0, 2]).shape == (2, 3, 8, 16)


# ---- what is refused


@pytest.mark.parametrize(
    ("given", "parts"),
    [
        (("--width", 12), ("group-width 16", "24 inner channels", "give another")),
        (("--multipliers", 0, 1), ("multipliers", "1 or more")),
        (("--blocks", 0), ("--blocks",)),
    ],
)
def test_networks_that_cannot_be_are_refused(given, parts):
    assert_refused(zoo_process("train", "r3gan", *given, "--steps", 1), *parts)
