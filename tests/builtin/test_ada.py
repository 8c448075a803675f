"""ADA's augmentations: what each does to images, by the paper's parameters."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from support import tiny
from torch import nn
from zoo_plugins.ada import parts

import zoo
from zoo import ops
from zoo.plugins.kinds import AUGMENTATION
from zoo.plugins.registry import registry

NAMES = ("ada-blit", "ada-geom", "ada-color", "ada")


def augmentation(name: str) -> zoo.Augmentation:
    return registry().find(AUGMENTATION, name)()


def random_images(*shape: int) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(1)) * 2 - 1


def with_probability(name: str, images: torch.Tensor, probability: float) -> torch.Tensor:
    transform = zoo.Transform(images, torch.tensor(probability))
    assert augmentation(name).contribute(transform)
    return transform.images()


@pytest.mark.parametrize(
    "shape", [(16, 3, 32, 32), (4, 1, 28, 28), (3, 3, 5, 9), (1, 1, 1, 1), (2, 4, 8, 8), (2, 2, 6, 6)]
)
@pytest.mark.parametrize("name", NAMES)
def test_images_keep_their_shape_and_those_that_are_not_chosen_every_bit(name, shape):
    images = random_images(*shape)
    changed = augmentation(name)(images)
    assert changed.shape == shape
    assert changed.isfinite().all()
    assert torch.equal(with_probability(name, images, 0.0), images)


@pytest.mark.parametrize("name", NAMES)
def test_each_image_is_changed_in_its_own_way_in_one_pass_and_a_seed_repeats_it(name, monkeypatch):
    calls, augment = [], ops.augment
    monkeypatch.setattr(ops, "augment", lambda *arguments: calls.append(1) or augment(*arguments))
    images = random_images(1, 3, 16, 16).expand(12, -1, -1, -1)
    torch.manual_seed(3)
    first, second = augmentation(name)(images), augmentation(name)(images)
    torch.manual_seed(3)
    assert torch.equal(augmentation(name)(images), first)
    assert not torch.equal(first, second)
    assert len({one.numpy().tobytes() for one in first}) > 6
    assert len(calls) == 3


@pytest.mark.parametrize("name", NAMES)
def test_how_many_random_numbers_are_drawn_depends_on_nothing_but_how_many_images_there_are(name):
    found = []
    for probability in (0.0, 0.3, 1.0):
        torch.manual_seed(0)
        with_probability(name, random_images(5, 3, 8, 8), probability)
        found.append(float(torch.rand(())))
    assert len(set(found)) == 1


@pytest.mark.parametrize("name", NAMES)
def test_gradients_are_those_of_the_change(name):
    images = random_images(2, 3, 5, 5).double().requires_grad_()

    def changed(given):
        torch.manual_seed(0)
        return augmentation(name)(given)

    assert torch.autograd.gradcheck(changed, images)
    assert torch.autograd.gradgradcheck(changed, images)


def test_blits_flip_turn_and_shift_by_whole_pixels_and_nothing_else():
    image = random_images(1, 2, 8, 8)
    poses = set()
    for moved in augmentation("ada-blit")(image.expand(1000, -1, -1, -1)):
        found = [
            (flipped, turns, right, down)
            for flipped in (0, 1)
            for turns in range(4)
            for right in (-1, 0, 1)
            for down in (-1, 0, 1)
            if torch.equal(moved, posed(image, flipped, turns, right, down))
        ]
        assert len(found) == 1
        poses.add(found[0])
    assert len(poses) == 72


def posed(image: torch.Tensor, flipped: int, turns: int, right: int, down: int) -> torch.Tensor:
    image = (image.flip(3) if flipped else image).rot90(turns, (2, 3))
    wide = nn.functional.pad(image, (1, 1, 1, 1), "reflect")
    return wide[0, :, 1 - down : 9 - down, 1 - right : 9 - right]


def test_pictures_that_are_no_squares_are_not_turned():
    images = random_images(1, 1, 6, 8).expand(200, -1, -1, -1)
    found = {one.numpy().tobytes() for one in with_probability("ada-blit", images, 1.0)}
    assert len(found) == 2 * 3 * 3


def affine_of(name: str, probability: float, count: int = 20000) -> torch.Tensor:
    """The maps (count, 2, 3) of so many images of 1×1, about their middle."""
    transform = zoo.Transform(torch.zeros(count, 3, 1, 1), torch.tensor(probability))
    getattr(parts, name)(transform)
    return transform._affine


def test_maps_have_the_papers_scales_turns_and_shifts():
    torch.manual_seed(0)
    maps = affine_of("geometry", 1.0).double()
    linear = maps[:, :, :2]
    scale = torch.linalg.det(linear).sqrt().log2()  # stretching leaves areas alone
    assert abs(scale.mean()) < 0.01
    assert abs(scale.std() - parts.SCALE) < 0.01
    stretch = torch.linalg.svdvals(linear)
    assert abs((stretch[:, 0] / stretch[:, 1]).log2().square().mean().sqrt() - 2 * parts.SCALE) < 0.01
    shift = torch.linalg.solve(linear, maps[:, :, 2])
    assert torch.allclose(shift.std(0), torch.full((2,), parts.SHIFT).double(), atol=0.005)
    assert abs(linear[:, 0, 0].mean()) < 0.03, "turned any way"


def test_with_a_probability_two_turns_are_as_seldom_as_one():
    torch.manual_seed(0)
    linear = affine_of("geometry", 0.4)[:, :, :2].double()
    turned = (linear[:, 0, 1].abs() > 1e-6).double().mean()
    assert abs(turned - 0.4) < 0.015, "1 - (1 - p_rot)² is p"


def colours_of(channels: int, probability: float, count: int = 20000) -> tuple[torch.Tensor, torch.Tensor]:
    transform = zoo.Transform(torch.zeros(count, channels, 1, 1), torch.tensor(probability))
    parts.color(transform)
    matrix, of_means, bias = transform._color
    assert of_means is None
    return matrix.double(), bias.double()


def test_colours_have_the_papers_brightness_contrast_hue_and_saturation():
    torch.manual_seed(0)
    matrix, bias = colours_of(3, 1.0)
    grey = torch.ones(3).double() / math.sqrt(3)
    along = matrix @ grey @ grey
    torch.testing.assert_close(matrix @ grey, along[:, None] * grey, rtol=1e-4, atol=1e-5)
    assert abs((along < 0).double().mean() - 0.5) < 0.02, "light for dark in every second"
    contrast = along.abs().log2()
    assert abs(contrast.std() - parts.CONTRAST) < 0.02
    brightness = (bias / along[:, None])[:, 0]
    assert torch.allclose(bias, bias[:, :1].expand(-1, 3))
    assert abs(brightness.std() - parts.BRIGHTNESS) < 0.01
    red = torch.tensor([2.0, -1, -1]).double() / math.sqrt(6)
    other = torch.tensor([0.0, 1, -1]).double() / math.sqrt(2)
    turned = torch.stack([matrix @ red @ red, matrix @ red @ other], 1)
    saturation = turned.norm(dim=1).log2() - contrast
    assert abs(saturation.std() - parts.SATURATION) < 0.03
    hue = torch.atan2(turned[:, 1], turned[:, 0])
    assert abs(hue.abs().mean() - math.pi / 2) < 0.03, "any hue"


def test_grey_images_have_brightness_contrast_and_light_for_dark():
    matrix, bias = colours_of(1, 1.0, 2000)
    assert 0.4 < (matrix < 0).double().mean() < 0.6
    assert bias.std() > 0.1


def test_colours_change_neither_alpha_nor_what_is_transparent():
    images = random_images(4, 4, 8, 8)
    images[:, 3, 0] = -1
    images[:, :3, 0] = -1  # nothing is there
    changed = augmentation("ada-color")(images)
    torch.testing.assert_close(changed[:, 3], images[:, 3])
    torch.testing.assert_close(changed[:, :3, 0], images[:, :3, 0], rtol=0, atol=1e-5)
    assert not torch.allclose(changed[:, :3, 1:], images[:, :3, 1:])


def test_colours_of_opaque_images_are_those_of_images_without_alpha_and_of_half_transparent_ones_half():
    straight = random_images(6, 3, 8, 8)
    torch.manual_seed(0)
    plain = augmentation("ada-color")(straight)
    for alpha in (1.0, 0.5):
        torch.manual_seed(0)
        given = torch.cat([alpha * (straight + 1) - 1, torch.full((6, 1, 8, 8), 2 * alpha - 1)], 1)
        changed = augmentation("ada-color")(given)
        torch.testing.assert_close(changed[:, :3], alpha * (plain + 1) - 1, rtol=1e-4, atol=1e-4)


def test_the_parts_are_those_of_the_whole():
    images = random_images(5, 3, 8, 8)
    torch.manual_seed(0)
    whole = augmentation("ada")(images)
    torch.manual_seed(0)
    transform = zoo.Transform(images)
    for name in NAMES[:3]:
        augmentation(name).contribute(transform)
    assert torch.equal(transform.images(), whole)


def test_points_are_not_changed_as_if_they_were_pictures(cli):
    outcome = cli("train", "vanilla", "--data", "ring", "--augment", "ada", "--out", "run")
    assert outcome.code == 2
    assert "--augment ada: it changes images, and the data is points in the plane; leave it out" in outcome.err
    assert not Path("run").exists()


def test_a_run_has_it_with_the_probability_that_is_given(images):
    found = [
        zoo.train("dcgan", data=str(images), out=f"run{p}", augment=("ada",), augment_probability=p, **tiny("dcgan"))
        for p in (0.0, 1.0)
    ]
    files = [(run.latest()[1] / "discriminator.safetensors").read_bytes() for run in found]
    assert files[0] != files[1]
