"""Which preset and which size a run has where none is named, and the line that tells of both."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from photographs import write_photographs
from support import Notes, tiny, write_images

import zoo
from zoo.engine.choice import preset_on
from zoo.engine.forecast import describe_plan
from zoo.engine.plan import plan_run
from zoo.plugins.calling import call_offering
from zoo.plugins.registry import registry

LOOKS = {
    "28 grey": (1, 28), "32 grey": (1, 32), "48 grey": (1, 48), "64 grey": (1, 64),
    "28 colour": (3, 28), "32 colour": (3, 32), "64 colour": (3, 64), "128 colour": (3, 128),
}  # fmt: skip
DIGITS = {"28 grey", "32 grey"}
FAMILY = {"dcgan": "mnist", "lsgan": "paper", "cgan": "dcgan"}


@pytest.fixture(scope="session")
def data(tmp_path_factory) -> dict[str, Path]:
    """Data of each look, labelled, enough for the largest batch."""
    folder = tmp_path_factory.mktemp("looks")
    made = {
        look: write_images(folder / f"{look.replace(' ', '-')}.npz", 128, size, channels, 2)
        for look, (channels, size) in LOOKS.items()
    }
    return {**made, "photographs": write_photographs(folder / "photographs", 128, classes=("one", "two"))}


@pytest.fixture
def on(monkeypatch):
    """``on("cuda")``: the device that a plan finds, here or not."""
    return lambda kind: monkeypatch.setattr("zoo.engine.plan.choose_device", lambda _: torch.device(kind))


@pytest.mark.parametrize("device", ["cpu", "mps", "cuda"])
@pytest.mark.parametrize("look", [*LOOKS, "photographs"])
@pytest.mark.parametrize("name", FAMILY)
def test_the_preset_is_chosen_by_size_channels_and_device(name, look, device, data, on):
    on(device)
    plan = plan_run(name, flags={"data": str(data[look])})
    expected = FAMILY[name] if look in DIGITS else "medium" if device == "cuda" else "small"
    assert plan.preset == expected
    assert plan.options.steps == registry().architecture(name).presets[expected]["steps"]
    channels, size = LOOKS.get(look, (3, 64))
    assert plan.spec == zoo.DataSpec(channels, min(size, 64), min(size, 64), 2)


@pytest.mark.parametrize(
    ("look", "shape"), [("28 grey", (1, 28, 28)), ("64 colour", (3, 32, 32)), ("photographs", (3, 32, 32))]
)
def test_dense_networks_take_small_grey_pictures_as_they_are_and_others_small(look, shape, data, on):
    on("cpu")
    plan = plan_run("vanilla", flags={"data": str(data[look])})
    assert (plan.preset, plan.spec.shape) == ("dense" if shape[0] == 1 else "small", shape)


def test_larger_pictures_are_had_by_size(data, on):
    on("cpu")
    plan = plan_run("dcgan", flags={"data": str(data["photographs"]), "size": 128})
    assert (plan.preset, plan.spec.shape) == ("small", (3, 128, 128))
    assert "larger" not in describe_plan(plan, by_hand=False)


def test_a_size_that_is_given_decides_the_preset_too(data, on):
    on("cuda")
    assert plan_run("dcgan", flags={"data": str(data["photographs"]), "size": 256}).preset == "large"
    assert plan_run("dcgan", flags={"data": str(data["28 grey"]), "size": 64}).preset == "medium"
    assert plan_run("dcgan", flags={"data": str(data["photographs"]), "size": 28, "channels": 1}).preset == "mnist"


# ---- named


def test_a_preset_that_is_named_is_never_replaced(data, on, tmp_path):
    on("cpu")
    flags = {"data": str(data["photographs"])}
    assert plan_run("dcgan", preset="mnist", flags=flags).preset == "mnist"
    (tmp_path / "named.toml").write_text('preset = "mnist"\nsteps = 7\n')
    plan = plan_run("dcgan", config=tmp_path / "named.toml", flags=flags)
    assert (plan.preset, plan.options.steps, plan.options.width) == ("mnist", 7, 32)
    assert plan.options.latent == 16


def test_a_file_that_names_no_preset_leaves_the_choice_to_the_data(data, on, tmp_path):
    on("cpu")
    (tmp_path / "unnamed.toml").write_text("steps = 7\n")
    plan = plan_run("dcgan", config=tmp_path / "unnamed.toml", flags={"data": str(data["photographs"])})
    assert (plan.preset, plan.options.steps, plan.options.latent) == ("small", 7, 64)


def test_a_run_goes_on_with_the_preset_and_size_that_it_began_with(tmp_path):
    """Also one from before larger pictures became 64×64."""
    photographs = write_photographs(tmp_path / "photographs", 8)
    small = tiny("dcgan", steps=1, size=72, width=1, batch_size=4)
    run = zoo.train("dcgan", preset="mnist", data=str(photographs), out="run", **small)
    config = json.loads((run.path / "config.json").read_text())
    config["options"]["size"] = None
    (run.path / "config.json").write_text(json.dumps(config))
    went_on = zoo.resume("run", steps=2)
    assert (went_on.config["preset"], went_on.geometry()[0].shape) == ("mnist", (3, 72, 72))


# ---- told


@pytest.mark.parametrize(
    ("name", "look", "device", "flags", "line"),
    [
        ("dcgan", "28 grey", "cpu", {}, "preset mnist, for 28×28 grey on the CPU: 6,000 steps (--preset chooses another)"),
        ("dcgan", "photographs", "cpu", dict(steps=900),
         "preset small, for 64×64 colour on the CPU: 900 steps (--preset chooses another, --size 128 gives larger pictures)"),
        ("lsgan", "64 colour", "cuda", {},
         "preset medium, for 64×64 colour on the GPU: 50,000 steps (--preset chooses another)"),
        ("cgan", "photographs", "cpu", dict(size=32, epochs=2),
         "preset small, for 32×32 colour on the CPU: 2 epochs (--preset chooses another)"),
    ],
)  # fmt: skip
def test_a_line_names_the_preset_the_size_and_the_length(name, look, device, flags, line, data, on):
    on(device)
    assert describe_plan(plan_run(name, flags={"data": str(data[look]), **flags}), by_hand=False) == line


def test_the_line_comes_before_anything_is_prepared_and_does_not_advise_who_has_chosen(images):
    class Order(Notes):
        def on_prepare(self, done, total):
            self.lines.append("prepared")

    said: list[str] = []
    zoo.train("dcgan", data=str(images), out="run", preset="mnist", callbacks=[Order(said)], **tiny("dcgan", steps=1))
    assert said[0] in ("preset mnist, for 8×8 grey on the CPU: 1 step", "preset mnist, for 8×8 grey on the GPU: 1 step")


def test_the_command_names_what_it_has_chosen_for_photographs(cli, tmp_path):
    photographs = write_photographs(tmp_path / "photographs", 8)
    small = ("--width", 1, "--batch-size", 4, "--samples", 1, "--steps", 1, "--device", "cpu", "--out", "run")
    outcome = cli("train", "dcgan", "--data", photographs, *small)
    assert outcome.code == 0, outcome
    lines = outcome.out.splitlines()
    assert lines[0].startswith("preset small, for 64×64 colour on the CPU: 1 step (")
    assert "178×218×3 images are resized to 64×64 (the middle is kept)" in lines


@pytest.mark.parametrize("name", FAMILY)
def test_info_tells_which_preset_is_chosen_for_what(name, cli):
    rows = [line.split("  ") for line in cli("info", name).out.splitlines()]
    cells = {row[0]: [cell.strip() for cell in row[1:] if cell.strip()] for row in rows}
    assert cells["28×28 grey"] == [FAMILY[name]] * 2
    assert cells["32×32 colour"] == ["small", "medium"]
    assert cells["64×64 colour, and larger"] == ["small", "medium"]
    assert "points" not in cells


# ---- plugins


class Plain(zoo.Architecture):
    """Knows of no device, as those of version 1.1 of the plugin API."""

    name = "plain"
    presets = {"small": {}, "large": {}}

    def preset_for(self, data):
        return "large" if data.height > 32 else "small"


class Modern(Plain):
    """Asks for the device."""

    name = "modern"

    def preset_for(self, data, device="cpu"):
        return "large" if device == "cuda" else super().preset_for(data)


def test_an_architecture_is_told_the_device_if_it_asks_for_it():
    small, large = zoo.DataSpec(3, 16, 16), zoo.DataSpec(3, 64, 64)
    assert [preset_on(Plain(), spec, "cuda") for spec in (small, large)] == ["small", "large"]
    assert [preset_on(Modern(), small, device) for device in ("cpu", "cuda")] == ["small", "large"]
    assert zoo.Architecture().preset_for(small) is None
    assert preset_on(zoo.Architecture(), small, "cuda") is None


OLD_AND_NEW = '''
import zoo
from zoo_plugins.dcgan import DCGAN


class Old(DCGAN):
    """A subclass of dcgan that was written before there was a device to ask for."""

    name = "old"

    def preset_for(self, data):
        return super().preset_for(data)


class New(DCGAN):
    """One that takes whatever comes."""

    name = "new"

    def preset_for(self, data, **more):
        return super().preset_for(data, **more)


class Wrong(DCGAN):
    """One that names what no preset is."""

    name = "wrong"

    def preset_for(self, data, device="cpu"):
        return "smal"


@zoo.hookimpl
def zoo_register_architectures(register):
    for each in (Old, New, Wrong):
        register(each)
'''


def test_a_plugin_of_before_is_asked_as_before(install, cli):
    install(OLD_AND_NEW, "zoo_old_and_new")
    spec = zoo.DataSpec(3, 64, 64)
    assert preset_on(registry().architecture("old"), spec, "cuda") == "small"
    assert preset_on(registry().architecture("new"), spec, "cuda") == "medium"
    assert registry().architecture("new").preset_for(spec) == "small"
    with pytest.raises(zoo.errors.PluginError, match=r"preset_for\(\) names .*did you mean 'small'"):
        preset_on(registry().architecture("wrong"), spec, "cuda")
    outcome = cli("info", "wrong")
    assert outcome.code == 0
    assert "did you mean 'small'" in outcome.out


def test_a_function_is_given_what_it_takes_and_no_more():
    assert call_offering(lambda one: one, 1, device="cpu") == 1
    assert call_offering(lambda one, device: (one, device), 1, device="cpu", other=2) == (1, "cpu")
    assert call_offering(lambda one, **more: (one, more), 1, device="cpu") == (1, {"device": "cpu"})
    assert call_offering(len, "abc", device="cpu") == 3
