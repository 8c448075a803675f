"""The copies check: of all training images, whatever their number, of data that holds pictures twice, and not of those held out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from support import tiny

import zoo
from zoo.data.registry import open_source
from zoo.evaluate import real, training_pixels
from zoo.evaluate.extractors.choose import Choice
from zoo.evaluate.measures import copies
from zoo.evaluate.measures.copies import closest, share_copied, usual_within
from zoo.evaluate.measures.distances import nearest, nearest_in_parts
from zoo.evaluate.metrics.copies import CopiedImages
from zoo.plugins.evaluation import subject_of


def normal(count: int, dimension: int = 20, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, dimension)).astype(np.float32)


def noise(count: int, side: int = 12, channels: int = 1, seed: int = 0) -> np.ndarray:
    shape = (count, side, side, channels) if channels > 1 else (count, side, side)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def found(fakes: np.ndarray, training: np.ndarray) -> zoo.Estimate:
    return copies.copies(nearest(fakes, training).distance, usual_within(training))


def test_images_of_the_training_set_are_copies_and_others_are_not():
    training = normal(400)
    assert found(training[:50], training).value == 1
    assert found(normal(300, seed=1), training).value < 0.05
    assert share_copied(normal(300, seed=1), training) == found(normal(300, seed=1), training).value
    mixed = np.concatenate([normal(3, seed=2), training[[7]] + 1e-4, training[[9]]])
    near = nearest(mixed, training)
    assert closest(near, 2).tolist() == [4, 3]
    assert near.place[[4, 3]].tolist() == [9, 7]
    assert near.distance[4] == 0


def test_each_of_the_closest_pairs_has_a_training_image_of_its_own():
    training = normal(50, 5)
    fakes = np.concatenate([training[[3]], training[[3]], training[[4]] + 0.01])
    assert closest(nearest(fakes, training), 2).tolist() == [0, 2]


@pytest.mark.parametrize("twice", [20, 500, 1000])
def test_pictures_that_are_in_the_data_twice_do_not_hide_copies(twice):
    training = normal(1000)
    again = np.concatenate([training, training[:twice], training[:10] + 1e-5])
    assert found(training[:300] + 1e-3, again).value == 1
    assert found(normal(600, seed=1), again).value < 0.04


def test_data_that_is_one_picture_alone_has_its_copies():
    same = np.ones((200, 5), np.float32)
    assert usual_within(same).threshold == 0
    assert found(same[:60], same).value == 1
    assert found(normal(60, 5), same).value == 0


def test_the_interval_of_copies_holds_the_share_that_chance_finds():
    """Of images that are no copies one in a hundred is found. Each set of training images has a threshold of its own, and the
    interval holds the share wherever that lies: chances below 49 of 60 are one in a thousand of 95 %."""
    held = 0
    for seed in range(60):
        drawn = normal(4000, 6, seed)
        one = found(drawn[:2000], drawn[2000:])
        held += one.low <= copies.QUANTILE <= one.high
    assert held >= 52


def test_the_nearest_of_parts_are_those_of_all():
    rows, columns = normal(40), normal(90, seed=1)
    parts = [columns[:31], columns[31:33], columns[33:]]
    for itself, of in ((None, rows), (np.arange(20, 60), columns[20:60])):
        whole, pieces = nearest(of, columns, itself), nearest_in_parts(of, parts, itself)
        assert whole.place.tolist() == pieces.place.tolist()
        assert whole.distance == pytest.approx(pieces.distance)
        assert itself is None or (whole.place != itself).all()


def measured(fakes: str, data: str) -> zoo.evaluate.PicturesContext:
    return zoo.evaluate.PicturesContext(open_source(fakes), open_source(data), choice=Choice("random"))


def test_copies_of_images_that_are_not_compared_with_are_found(monkeypatch):
    """Of 600 training images 200 are among those that features are of."""
    monkeypatch.setattr(real, "MOST", 200)
    monkeypatch.setattr("zoo.evaluate.context.MOST", 200)
    monkeypatch.setattr(real, "_VALUES", 144 * 70)  # in nine parts
    np.save("data.npy", noise(600))
    np.save("others.npy", noise(600, seed=1))
    context = measured("data.npy", "data.npy")
    numbers = CopiedImages().compute(context)
    assert numbers["pixels"].value == 1
    assert numbers["features"].value == pytest.approx(1, abs=0.02)
    assert len(context.features.real) == 200
    assert (context.nearest_training.distance == 0).all()
    stored = context.comparison.pixels_of(context.nearest_training.place)
    assert torch.equal(stored, context.pixels), "the pairs are true ones"
    for number in CopiedImages().compute(measured("others.npy", "data.npy")).values():
        assert number.value < 0.25


def test_the_search_is_done_once_for_the_share_and_the_picture(cli, monkeypatch):
    np.save("data.npy", noise(200))
    np.save("fakes.npy", noise(60, seed=1))
    rows: list[int] = []
    whole = training_pixels.TrainingPixels.nearest

    def counted(self, of, *more):
        rows.append(len(of))
        return whole(self, of, *more)

    monkeypatch.setattr(training_pixels.TrainingPixels, "nearest", counted)
    common = ("--against", "data.npy", "--extractor", "random", "--metric", "copies", "--copies", "pairs.png")
    assert cli("evaluate", "fakes.npy", *common).code == 0
    assert sorted(rows) == [60, 200], "of the pictures, and of the training images among each other"
    assert Path("pairs.png").exists()


@pytest.fixture
def held_out_run() -> zoo.Run:
    np.save("data.npy", noise(200))
    return zoo.train("dcgan", data="data.npy", out="run", hold_out=80, **tiny("dcgan", steps=1))


def test_images_that_a_run_holds_out_are_no_training_images_and_give_the_floor(held_out_run):
    def context(what: str):
        return subject_of(what, "run", 0, None, True, None, Choice("random")).context(60)

    held = context("run").training.held_out
    assert len(held) == 80
    np.save("held.npy", np.load("data.npy")[held])
    learnt = np.delete(np.load("data.npy"), held, 0)
    np.save("learnt.npy", learnt)
    numbers = {name: CopiedImages().compute(context(f"{name}.npy")) for name in ("held", "learnt")}
    for space in ("pixels", "features"):
        assert numbers["held"][space].value < 0.1
        assert numbers["learnt"][space].value == 1
        assert numbers["held"][space].floor < 0.1
    assert np.isin(context("run").nearest_training.place, held).sum() == 0
    of = context("held.npy")
    assert len(of.training) == 120
    shares = (
        of.training.nearest(of.training.rows(held)).distance
        <= usual_within(of.training.rows(of.training.places)).threshold
    )
    assert numbers["held"]["pixels"].floor == shares.mean()


def test_a_training_knows_which_images_it_holds_out():
    np.save("data.npy", noise(200))
    options = tiny("dcgan", steps=2, evaluate_every=2, evaluate_metric=("copies",), evaluate_samples=60)
    run = zoo.train("dcgan", data="data.npy", out="run", hold_out=80, **options)
    (during,) = run.scores()
    after = zoo.evaluate(run, metrics=["copies"], samples=60, save=False).scores
    assert during.of("copies", "pixels").floor == after.of("copies", "pixels").floor


@pytest.mark.parametrize("channels", [3, 4])
def test_real_images_are_floats_a_few_at_a_time(monkeypatch, channels):
    """Of images with transparency, whose colours are computed with floats: four bytes a value, several times over."""
    np.save("data.npy", noise(90, 10, channels))
    source = open_source("data.npy")
    images = real.RealImages(source, zoo.DataSpec(channels, 10, 10), "crop", 0)
    whole = images.pixels
    seen: list[int] = []
    monkeypatch.setattr(real, "straight", lambda part, of=real.straight: seen.append(part.numel()) or of(part))
    monkeypatch.setattr(real, "_VALUES", 3000)
    again = real.RealImages(source, zoo.DataSpec(channels, 10, 10), "crop", 0).pixels
    assert torch.equal(whole, again)
    assert all(count <= 3000 for count in seen)
    assert bool(seen) == (channels == 4)
