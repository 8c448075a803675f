"""DiffAugment: what each change does to images, and that a run with it is a run like any other."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from support import Stop, assert_same_checkpoint, flags, tiny
from torch import nn

import zoo
from zoo.engine.step import Step
from zoo.plugins.kinds import AUGMENTATION
from zoo.plugins.registry import registry
from zoo.testing.comparing import run_differences

NAMES = ("color", "translation", "cutout")


def augmentation(name: str) -> zoo.Augmentation:
    return registry().find(AUGMENTATION, name)()


def random_images(*shape: int) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(1)) * 2 - 1


@pytest.mark.parametrize(
    "shape", [(16, 3, 32, 32), (4, 1, 28, 28), (3, 3, 5, 9), (1, 1, 1, 1), (2, 1, 8, 8), (2, 4, 8, 8)]
)
@pytest.mark.parametrize("name", NAMES)
def test_images_keep_their_shape_and_lie_contiguous(name, shape):
    changed = augmentation(name)(random_images(*shape))
    assert changed.shape == shape
    assert changed.is_contiguous()
    assert changed.isfinite().all()


@pytest.mark.parametrize("name", NAMES)
def test_each_image_is_changed_in_its_own_way_and_a_seed_repeats_it(name):
    images = random_images(1, 3, 32, 32).expand(12, -1, -1, -1)
    torch.manual_seed(3)
    first = augmentation(name)(images)
    second = augmentation(name)(images)
    torch.manual_seed(3)
    assert torch.equal(augmentation(name)(images), first)
    assert not torch.equal(first, second)
    assert len({one.numpy().tobytes() for one in first}) > 6


def test_color_changes_neither_alpha_nor_what_is_transparent():
    images = random_images(4, 4, 8, 8)
    images[:, :, 0] = -1  # nothing is there
    changed = augmentation("color")(images)
    assert torch.equal(changed[:, 3], images[:, 3])
    assert (changed[:, :3, 0] == -1).all()
    assert not torch.equal(changed[:, :3, 1:], images[:, :3, 1:])


def test_color_of_opaque_images_is_that_of_images_without_alpha():
    images = random_images(4, 3, 8, 8)
    torch.manual_seed(0)
    plain = augmentation("color")(images)
    torch.manual_seed(0)
    opaque = augmentation("color")(torch.cat([images, torch.ones(4, 1, 8, 8)], 1))
    torch.testing.assert_close(opaque[:, :3], plain)


@pytest.mark.parametrize("name", NAMES)
def test_gradients_are_those_of_the_change(name):
    images = random_images(3, 3, 6, 6).double().requires_grad_()

    def changed(given):
        torch.manual_seed(0)
        return augmentation(name)(given)

    assert torch.autograd.gradcheck(changed, images)
    assert torch.autograd.gradgradcheck(changed, images), "penalties on gradients differentiate twice"
    augmentation(name)(images).square().sum().backward()
    assert images.grad.abs().sum() > 0


def test_a_translation_moves_by_whole_pixels_up_to_an_eighth_with_zeros():
    images = random_images(200, 2, 16, 24)
    moves = set()
    for image, moved in zip(images, augmentation("translation")(images), strict=True):
        found = [
            (down, right)
            for down in range(-2, 3)
            for right in range(-3, 4)
            if torch.equal(moved, shifted(image, down, right))
        ]
        assert len(found) == 1
        moves.add(found[0])
    assert len(moves) > 25, "35 there are"


def shifted(image, down, right):
    """By rolling a padded image."""
    padded = nn.functional.pad(image, (4, 4, 4, 4))
    return padded.roll((down, right), (1, 2))[:, 4:-4, 4:-4]


def test_a_cutout_is_a_square_of_half_the_side_that_may_reach_beyond_the_edge():
    images = 1 + random_images(300, 1, 12, 12).abs()
    changed = augmentation("cutout")(images)
    gone = changed == 0
    assert torch.equal(changed[~gone], images[~gone])
    sizes = set()
    for hole in gone[:, 0]:
        rows, columns = hole.any(1).nonzero().flatten(), hole.any(0).nonzero().flatten()
        assert hole.sum() == len(rows) * len(columns) > 0
        assert [len(part) == part[-1] - part[0] + 1 for part in (rows, columns)] == [True, True]
        sizes |= {len(rows), len(columns)}
    assert max(sizes) == 6
    assert min(sizes) < 6


def test_color_changes_brightness_saturation_and_contrast_within_their_ranges():
    images = random_images(500, 3, 8, 8)
    changed = augmentation("color")(images)
    moved = changed.mean((1, 2, 3)) - images.mean((1, 2, 3))
    assert moved.abs().max() <= 0.5
    assert moved.abs().max() > 0.4
    grey = images.mean(1, keepdim=True)
    spread = (changed.mean(1) - changed.mean((1, 2, 3))[:, None, None]).flatten(1).std(1)
    contrast = spread / grey.flatten(1).std(1)
    assert 0.5 - 1e-4 <= contrast.min() < 0.55
    assert 1.45 < contrast.max() <= 1.5 + 1e-4
    hue = (changed - changed.mean(1, keepdim=True)).flatten(1).std(1) / (images - grey).flatten(1).std(1)
    saturation = hue / contrast
    assert 0 <= saturation.min() < 0.1
    assert 1.9 < saturation.max() <= 2 + 1e-3


def test_d_sees_changed_images_and_g_learns_through_the_change(images, monkeypatch):
    seen = []
    discriminate = Step.discriminate

    def watched(self, images, labels):
        seen.append(len(self.augmentations))
        return discriminate(self, images, labels)

    monkeypatch.setattr(Step, "discriminate", watched)
    options = tiny("dcgan", data=str(images), steps=2)
    plain = zoo.train("dcgan", out="plain", **options)
    assert set(seen) == {0}
    changed = zoo.train("dcgan", out="changed", augment=("translation", "cutout"), **options)
    assert seen[-1] == 2
    for part in ("generator", "discriminator"):
        weights = [(run.latest()[1] / f"{part}.safetensors").read_bytes() for run in (plain, changed)]
        assert weights[0] != weights[1], part


@pytest.mark.parametrize("name", ["dcgan", "cgan", "lsgan"])
def test_a_run_with_it_that_was_stopped_goes_on_exactly(images, name):
    options = dict(tiny(name, steps=6), data=str(images), augment=NAMES, r1=0.1)
    whole = zoo.train(name, out="whole", **options)
    stop = Stop(3)
    zoo.train(name, out="parts", callbacks=[stop], **options)
    assert stop.told == (3, False)
    parts = zoo.resume("parts")
    assert run_differences(whole, parts) == []
    assert_same_checkpoint(whole.latest()[1], parts.latest()[1])


def test_the_command_line_takes_names(cli, images):
    options = flags(tiny("dcgan", data=str(images), steps=1))
    assert cli("train", "dcgan", *options, "--augment", "translation", "--out", "run").code == 0
    assert zoo.Run("run").config["options"]["augment"] == ["translation"]


def test_an_unknown_name_suggests_the_nearest_and_nothing_is_written(cli, images):
    outcome = cli("train", "dcgan", "--data", images, "--augment", "translate", "--out", "run")
    assert outcome.code == 2
    assert "unknown --augment 'translate'; did you mean 'translation'? (zoo plugins)" in outcome.err
    assert not Path("run").exists()


def test_points_are_not_changed_as_if_they_were_pictures(cli):
    outcome = cli("train", "vanilla", "--data", "ring", "--augment", "cutout", "--out", "run")
    assert outcome.code == 2
    assert "--augment cutout: it changes images, and the data is points in the plane; leave it out" in outcome.err
    assert not Path("run").exists()
