"""``zoo evaluate … --against``: classes are compared by their names, and a run's data is read as that run read it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from support import assert_refused, tiny

import zoo

LEVELS = {"dark": 10, "grey": 120, "light": 240}


def folders(place: str, names: str, count: int = 70, seed: int = 0) -> str:
    """A folder for each class, whose pictures are as bright as its name says."""
    random = np.random.default_rng(seed)
    for name in names.split():
        folder = Path(place) / name
        folder.mkdir(parents=True)
        for number in range(count):
            picture = (LEVELS[name.split("-")[0]] + random.integers(-9, 10, (12, 12))).astype(np.uint8)
            Image.fromarray(picture).save(folder / f"{number}.png")
    return place


def scores(cli, *arguments) -> dict:
    outcome = cli("evaluate", *arguments, "--json")
    assert outcome.code == 0, outcome.err
    return json.loads(outcome.out)


CLASSES = ("--metric", "classes", "--extractor", "random")


def test_classes_of_pictures_are_those_of_the_same_name(cli):
    """Of three classes the last two are there: by their place they would be the first two."""
    real = folders("real", "dark grey light")
    fakes = folders("fakes", "grey light", seed=1)
    found = scores(cli, fakes, "--against", real, *CLASSES)["scores"]["classes"]
    assert found["accuracy"]["value"] == 1
    assert {"class_grey", "class_light"} <= set(found)
    assert "class_dark" not in found
    assert found["worst"]["value"] < 0.1


def test_a_class_that_the_real_images_do_not_have_is_refused(cli):
    real, fakes = folders("real", "dark light"), folders("fakes", "dark grey", seed=1)
    outcome = cli("evaluate", fakes, "--against", real, *CLASSES)
    assert_refused(outcome, "--metric classes", "no class 'grey'", "theirs are dark, light", "by their names")
    content = scores(cli, fakes, "--against", real, "--metric", "kid", "--extractor", "random")
    assert content["scores"]["kid"], "what compares no classes is none the worse for it"


def test_classes_of_a_run_are_those_of_the_same_name_in_other_data(cli, monkeypatch):
    """What it draws of a class is that class's brightness."""
    data = folders("data", "grey light")
    zoo.train("cgan", data=data, size=12, out="run", **tiny("cgan", width=4, steps=1))

    def drawn(network, latents, labels=None, *more):
        level = torch.tensor([120.0, 240.0])[labels] / 127.5 - 1
        noise = latents.flatten(1)[:, :1].clamp(-3, 3) / 100
        return (level[:, None] + noise)[:, :, None, None].expand(-1, 1, 12, 12).contiguous()

    monkeypatch.setattr("zoo.generate.generator.draw_images", drawn)
    found = scores(cli, "run", "--samples", 120, "--against", folders("real", "dark grey light", seed=2), *CLASSES)
    assert found["scores"]["classes"]["accuracy"]["value"] == 1
    outcome = cli("evaluate", "run", "--samples", 120, "--against", folders("other", "dark light"), *CLASSES)
    assert outcome.code == 2
    assert "no class 'grey'" in outcome.err


def test_the_labels_that_a_metric_is_given_are_by_the_numbers_of_real_classes(cli):
    real, fakes = folders("real", "dark grey light", 3), folders("fakes", "grey light", 3)
    sources = [zoo.data.open_source(each) for each in (fakes, real)]
    context = zoo.evaluate.PicturesContext(*sources)
    assert sorted(context.labels.tolist()) == [1, 1, 1, 2, 2, 2]
    assert (context.class_names, context.real_class_names) == (["grey", "light"], ["dark", "grey", "light"])
    assert context.unknown_classes == []
    turned = zoo.evaluate.PicturesContext(*reversed(sources))
    assert turned.unknown_classes == ["dark"]
    with pytest.raises(zoo.errors.DataError, match="no class 'dark'"):
        _ = turned.labels


@pytest.fixture
def two_runs():
    """Two runs on pictures of small numbers: one reads them as they are, the other says which are black and white."""
    values = np.random.default_rng(0).integers(0, 4, (120, 12, 12), dtype=np.uint8)
    np.save("values.npy", values)
    np.save("bright.npy", values * 85)
    zoo.train("dcgan", data="values.npy", out="plain", **tiny("dcgan", steps=1))
    zoo.train("dcgan", data="values.npy", levels="0,3", out="levels", **tiny("dcgan", steps=1))


def test_the_data_of_another_run_is_read_as_that_run_read_it(cli, two_runs):
    common = ("--samples", 60, "--metric", "kid", "--extractor", "random")
    found = scores(cli, "plain", "--against", "levels", *common)
    assert found["scores"] == scores(cli, "plain", "--against", "bright.npy", *common)["scores"]
    assert found["scores"] != scores(cli, "plain", *common, "--no-save")["scores"]
    assert (
        scores(cli, "levels", "--against", "plain", *common)["scores"]
        == scores(cli, "levels", "--against", "values.npy", *common)["scores"]
    )


def test_the_data_of_another_run_is_fitted_as_that_run_fitted_it(two_runs):
    np.save("wide.npy", np.random.default_rng(1).integers(0, 256, (40, 12, 24), dtype=np.uint8))
    zoo.train("dcgan", data="wide.npy", size=12, fit="stretch", out="stretched", **tiny("dcgan", steps=1))
    from zoo.evaluate.extractors.choose import Choice
    from zoo.plugins.evaluation import subject_of

    subject = subject_of("plain", "stretched", 0, None, True, None, Choice("random"))
    assert subject.context(4).fit == "stretch"
