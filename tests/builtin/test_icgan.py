"""IC-GAN: the features of pictures, which it stores, and that its runs resume."""

from __future__ import annotations

import math

import pytest
import torch
from support import Stop, assert_same_checkpoint, state_of, tensors, tiny, write_images
from zoo_plugins.dcgan import radford
from zoo_plugins.icgan.features import SIDE, LowFrequencies, max_features
from zoo_plugins.icgan.generator import Generator

import zoo
from zoo.plugins.registry import registry


def made(instances: int = 5, features: int = 6, jitter: float = 0.0) -> Generator:
    return Generator(features + 4, (3, 16, 16), 2, instances, features, jitter)


def choosing(share: float, generator: Generator, others: float = 0.0) -> torch.Tensor:
    """A latent that chooses the picture which lies behind this share of those kept."""
    latents = torch.full((1, generator.count + 4), others)
    latents[0, 0] = math.sqrt(2) * torch.erfinv(torch.tensor(2 * share - 1))
    return latents


def test_features_of_grey_8_by_8_are_its_cosine_transform():
    image = torch.rand(2, 1, SIDE, SIDE) * 2 - 1
    ours = LowFrequencies((1, SIDE, SIDE), max_features(1))
    cosine = torch.tensor(
        [
            [
                math.sqrt((1 if f == 0 else 2) / SIDE) * math.cos(math.pi * (2 * x + 1) * f / (2 * SIDE))
                for x in range(SIDE)
            ]
            for f in range(SIDE)
        ]
    )
    expected = (cosine @ image @ cosine.T).flatten(1)[:, ours.order]
    assert torch.allclose(ours(image) * ours.scale, expected, atol=1e-5)
    assert ours.order[0] == 0  # the mean comes first, then slow waves
    assert set(ours.order[1:3].tolist()) == {1, SIDE}


def test_a_larger_image_has_the_features_of_its_thumbnail():
    thumbnail = torch.rand(1, 3, 4, 4) * 2 - 1
    smooth = torch.nn.functional.interpolate(thumbnail, size=(64, 48), mode="bicubic")
    small = torch.nn.functional.adaptive_avg_pool2d(smooth, SIDE)
    ours, theirs = LowFrequencies((3, 64, 48), 20)(smooth), LowFrequencies((3, SIDE, SIDE), 20)(small)
    assert (ours - theirs).abs().max() < 0.1 * theirs.abs().max()


def test_features_leave_no_gradient_out():
    images = torch.rand(2, 3, 16, 16, requires_grad=True)
    LowFrequencies((3, 16, 16), 96)(images).square().sum().backward()
    assert (images.grad != 0).all()


def test_the_first_pictures_are_stored_and_stay():
    generator = made(instances=5)
    images = torch.rand(12, 3, 16, 16) * 2 - 1
    features = generator.features(images)
    for few, count in zip(images.split(3), (3, 5, 5, 5), strict=True):
        generator.store(few)
        assert generator.stored == count
        assert torch.allclose(generator.instance_features[:count] / 256, features[:count], atol=1 / 500)
    more = made(instances=5)
    more.store(images)  # more in a batch than there is room for
    assert torch.equal(more.instance_features, generator.instance_features)
    assert more.stored == 5


def test_a_latent_means_the_same_picture_once_all_are_stored(tmp_path):
    state = state_of("icgan", write_images(tmp_path / "images.npz", size=16, channels=3), **tiny("icgan", instances=9))
    latents = torch.randn(20, state.options.latent)
    for number in range(2):
        state.step.run(number)
    before = state.step.generator.target_features(latents)
    for number in range(2, 4):
        state.step.run(number)
    assert state.step.generator.stored == 9
    assert torch.equal(state.step.generator.target_features(latents), before)


def test_the_first_number_of_a_latent_chooses_among_those_stored_each_as_likely():
    generator = made(instances=4)
    assert (generator.target_features(choosing(0.9, generator)) == 0).all()  # none yet
    images = torch.rand(4, 3, 16, 16) * 2 - 1
    generator.store(images)
    for number in range(4):
        target = generator.target_features(choosing((number + 0.5) / 4, generator))
        assert torch.allclose(target, generator.features(images[number : number + 1]), atol=1 / 500)
    for far in (-40.0, 40.0):
        latents = torch.zeros(1, generator.count + 4)
        latents[0, 0] = far
        assert torch.isfinite(generator(latents)).all()


def test_the_next_numbers_are_how_far_from_the_features_it_draws():
    generator = made(jitter=0.5)
    generator.store(torch.rand(1, 3, 16, 16))
    near, off = (generator.target_features(choosing(0.5, generator, others)) for others in (0.0, 2.0))
    assert torch.allclose(off - near, torch.ones_like(near))


def test_an_average_of_weights_copies_what_is_stored(tmp_path):
    state = state_of(
        "icgan", write_images(tmp_path / "images.npz", size=16, channels=3), **tiny("icgan", ema=0.9, steps=3)
    )
    for _ in range(2):
        state.step.run(0)
        state.ema.update()
    assert torch.equal(state.ema.network.instance_features, state.step.generator.instance_features)
    assert state.ema.network.stored == state.step.generator.stored > 0


def test_g_loses_by_what_its_images_miss_of_what_it_was_given(tmp_path):
    data = write_images(tmp_path / "images.npz", size=16, channels=3)
    told = {}
    for weight in (0.0, 2.0):
        state = state_of("icgan", data, **tiny("icgan", consistency=weight, steps=3))
        told[weight] = {name: float(value) for name, value in state.step.run(0).items()}
    assert told[0.0]["feature_error"] == pytest.approx(told[2.0]["feature_error"])
    assert told[2.0]["g_loss"] - told[0.0]["g_loss"] == pytest.approx(2 * told[0.0]["feature_error"], rel=1e-4)


def test_its_layers_are_dcgans_with_features_among_the_latents():
    ours = made(features=6).layers
    assert [tuple(p.shape) for p in ours.parameters()] == [
        tuple(p.shape) for p in radford.generator(9, 3, (16, 16), 2).parameters()
    ]


def test_a_run_that_was_stopped_goes_on_exactly_with_the_pictures_stored(tmp_path):
    data = write_images(tmp_path / "images.npz", size=16, channels=3)
    options = dict(tiny("icgan", steps=6), data=str(data), instances=7, reuse_fakes=True, r1=0.5)
    whole = zoo.train("icgan", out=tmp_path / "whole", **options)
    zoo.train("icgan", out=tmp_path / "parts", callbacks=[Stop(3)], **options)
    parts = zoo.resume(tmp_path / "parts")
    assert_same_checkpoint(whole.latest()[1], parts.latest()[1])


def test_from_another_run_it_stores_the_pictures_of_its_own_data(tmp_path):
    first, second = (
        write_images(tmp_path / f"{name}.npz", count, 16, 3) for name, count in (("first", 40), ("second", 32))
    )
    zoo.train("icgan", data=str(first), out=tmp_path / "run", **tiny("icgan", instances=64))
    run = zoo.train("icgan", data=str(second), out=tmp_path / "on", from_run=str(tmp_path / "run"), steps=1)
    assert tensors(run.latest()[1])["generator.stored"] == run.config["options"]["batch_size"] == 16, "one batch"


@pytest.mark.parametrize(
    ("channels", "side", "device", "preset"),
    [
        (3, 32, "cpu", "sprites"),
        (3, 64, "cpu", "small"),
        (1, 64, "mps", "small"),
        (4, 64, "cuda", "medium"),
        (3, 256, "cuda", "large"),
        (1, 28, "cpu", None),
    ],
)
def test_it_offers_itself_for_a_hundred_pictures_that_are_not_like_digits(channels, side, device, preset):
    data = zoo.DataSpec(channels, side, side)
    offer = registry().architecture("icgan").recommendation(data, 100, device)
    assert (offer.preset if offer else None) == preset
    assert registry().architecture("icgan").recommendation(data, 99, device) is None


def test_there_are_no_more_features_than_pictures_and_latents_have(tmp_path):
    data = write_images(tmp_path / "images.npz", size=16, channels=3)
    for latent, channels, count in ((160, 1, max_features(1)), (160, 3, 96), (10, 3, 8)):
        state = state_of("icgan", data, **tiny("icgan", latent=latent, channels=channels))
        assert state.step.generator.count == count


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"latent": 2}, "--latent 160"),
        ({"features": 192}, "give --latent 256"),
        ({"latent_distribution": "uniform"}, "latent-distribution is uniform"),
    ],
)
def test_what_g_cannot_take_is_refused_with_what_can(options, told, tmp_path):
    with pytest.raises(zoo.errors.ZooError, match=told):
        zoo.train(
            "icgan",
            data=str(write_images(tmp_path / "images.npz", size=16, channels=3)),
            out=tmp_path / "run",
            **options,
        )
