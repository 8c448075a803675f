"""``zoo train NAME --from RUN``: what is taken of another run, what is left, and what is frozen."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from support import Notes, Stop, assert_refused, state_of, tensors, tiny, write_images
from torch import nn

import zoo
from zoo.engine.freezing import freeze_layers, layers_of
from zoo.engine.origin import Origin, digest
from zoo.errors import OptionError, RunError
from zoo.run.checkpoint import read_state, read_tensors
from zoo.testing.comparing import run_differences


@pytest.fixture
def images(tmp_path):
    """Images that are large enough for three layers of convolutions."""
    return write_images(tmp_path / "images.npz", size=16)


@pytest.fixture
def origin(images):
    """A short run."""
    return zoo.train("dcgan", data=str(images), out="first", **tiny("dcgan", learning_rate=1e-2))


def start(run: str, name: str = "dcgan", **more):
    """A run of the architecture that begins with that one's weights and is stopped after one step; and what it said of weights."""
    said: list[str] = []
    made = zoo.train(
        name, from_run=run, callbacks=[Notes(said), Stop(1)], **{"out": "second", "steps": 3, "batch_size": 8, **more}
    )
    return made, [line for line in said if "begins with weights" in line]


def first_weights(monkeypatch) -> dict[str, dict[str, torch.Tensor]]:
    """Filled, when a training begins, with the weights that it begins with."""
    found: dict[str, dict[str, torch.Tensor]] = {}
    run_steps = zoo.engine.loop.TrainingLoop.run_steps

    def noting(self):
        for role in ("generator", "discriminator"):
            network = getattr(self.state.step, role)
            found[role] = {name: value.clone() for name, value in network.state_dict().items()}
        if self.state.ema is not None:
            found["average"] = {name: value.clone() for name, value in self.state.ema.network.state_dict().items()}
            assert self.state.ema.updates == 0
        run_steps(self)

    monkeypatch.setattr("zoo.engine.loop.TrainingLoop.run_steps", noting)
    return found


def same(ours, theirs) -> bool:
    """Whether the weights are: integers are counts, and what was stored of the data."""
    weights = [name for name, value in ours.items() if value.is_floating_point()]
    return ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in weights)


@pytest.mark.parametrize("ema", [0.9, 0.0])
def test_both_networks_begin_with_the_weights_and_g_with_its_average(images, monkeypatch, ema):
    zoo.train("dcgan", data=str(images), out="first", **tiny("dcgan", ema=ema, learning_rate=1e-2))
    folder = zoo.Run("first").latest()[1]
    begun = first_weights(monkeypatch)
    run, said = start("first", ema=0.9)
    raw = read_tensors(folder, "generator")
    average = read_state(folder).parts["ema"]["weights"] if ema else raw
    assert same(begun["generator"], average)
    assert same(begun["average"], average)
    assert same(begun["discriminator"], read_tensors(folder, "discriminator"))
    assert not ema or not same(begun["generator"], raw)
    words = ", averaged" if ema else ""
    assert f"begins with weights of first (dcgan), step 4{words}: 12 of 12 tensors of the generator, " in said[0]
    assert "anew" not in said[0]
    kept = run.config["from"]
    assert (kept["path"], kept["architecture"], kept["step"]) == (str(Path("first").resolve()), "dcgan", 4)
    assert kept["averaged"] is bool(ema)
    assert kept["digest"] == digest(Origin.read("first").networks)
    assert kept["copied"]["generator"] == [12, 12]


def test_optimisers_latents_and_data_begin_anew(origin):
    run, _ = start("first")
    parts = read_state(run.latest()[1]).parts
    assert parts["batches"] == {"drawn": 1}
    assert {int(kept["step"]) for kept in parts["optimizer.generator"]["state"].values()} == {1}


def test_it_goes_on_exactly_and_needs_the_origin_no_longer(images, origin):
    options = tiny("dcgan", steps=6, sample_every=2, freeze_d=1)
    whole = zoo.train("dcgan", from_run="first", out="whole", **options)
    zoo.train("dcgan", from_run="first", out="parts", callbacks=[Stop(3)], **options)
    shutil.rmtree("first")
    parts = zoo.resume("parts")
    assert run_differences(whole, parts) == []
    assert parts.config["from"] == whole.config["from"]


# ---- the options


def test_what_the_networks_are_is_the_origins_unless_given(images, origin, tmp_path):
    first = origin.config["options"]
    run, _ = start("first")
    options = run.config["options"]
    for name in ("data", "fit", "latent", "latent_distribution", "width", "networks"):
        assert options[name] == first[name]
    assert (options["size"], options["channels"]) == (origin.geometry()[0].height, origin.geometry()[0].channels)
    assert run.config["preset"] == origin.config["preset"]
    assert options["learning_rate"] != first["learning_rate"], "which is of the training"
    assert options["seed"] != first["seed"]
    assert start("first", out="third", width=3)[0].config["options"]["width"] == 3
    file = Path("mine.toml")
    file.write_text("width = 4\n")
    assert start("first", out="fourth", config=file)[0].config["options"]["width"] == 4


def test_a_preset_that_is_given_beats_the_origins_options(origin):
    run, _ = start("first", preset="mnist")
    assert (run.config["options"]["width"], run.config["options"]["latent"]) == (32, 16)


def test_other_data_is_taken_at_the_size_of_the_origin(origin, tmp_path):
    other = write_images(tmp_path / "other.npz", count=16, size=20, channels=3)
    run, said = start("first", data=str(other))
    spec, old = run.geometry()[0], origin.geometry()[0]
    assert (spec.channels, spec.height, spec.width) == (old.channels, old.height, old.width)
    assert run.data_count == 16
    assert "anew" not in said[0]


def test_what_does_not_fit_begins_anew_and_a_line_tells_how_much(origin, monkeypatch):
    begun = first_weights(monkeypatch)
    run, said = start("first", latent=5)
    line = said[0]
    assert "11 of 12 tensors of the generator, 9 of 9 tensors of the discriminator" in line
    assert "these begin anew: generator layers.0.weight ((4, " in line
    assert run.config["from"]["copied"] == {"generator": [11, 12], "discriminator": [9, 9]}
    assert same(begun["discriminator"], read_tensors(origin.latest()[1], "discriminator"))


def test_another_architecture_takes_what_has_the_same_name_and_shape(images, origin):
    run, said = start("first", "cgan", networks="dcgan", width=2)
    assert "tensors of the generator" in said[0]
    assert "these begin anew: generator layers.0.weight" in said[0], "which takes the labels too"
    assert run.config["from"]["architecture"] == "dcgan"
    assert run.config["options"]["latent"] == origin.config["options"]["latent"]


def test_the_name_of_an_architecture_that_comes_trained_is_one(images, cli):
    outcome = cli(
        "train", "dcgan", "--from", "dcgan", "--steps", 1, "--data", images, "--out", "run", "--batch-size", 8
    )
    assert outcome.code == 0
    assert "17 of 17 tensors of the generator" in outcome.out
    assert zoo.Run("run").config["options"]["width"] == 32


def test_a_run_whose_plugin_is_gone_still_gives_its_weights(origin):
    config = Path("first/config.json")
    config.write_text(json.dumps({**json.loads(config.read_text()), "architecture": "gone"}))
    run, said = start("first", width=2)
    assert any("begins with weights of first (gone)" in line for line in said)
    assert run.config["from"]["architecture"] == "gone"


# ---- what is refused, before anything is written


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        ("vanilla --from first --out new", ["--from first (dcgan): no weight of it has the name and shape", "vanilla"]),
        ("dcgan --from nowhere --out new", ["there is no run at nowhere"]),
        ("dcgan --from vanilla --out new", ["vanilla comes without trained weights"]),
        ("dcgan --from first --out first", ["first is not empty", "zoo resume first"]),
        ("dcgan --from first --freeze-d 3 --out new", ["--freeze-d 3", "has 3 layers", "give fewer than 3"]),
        ("dcgan --freeze-d 2 --out new", ["--freeze-d 2", "--from RUN"]),
        ("dcgan --from first --data nowhere.npz --out new", ["nowhere.npz"]),
    ],
)
def test_what_cannot_be_begun_with_is_refused(origin, cli, line, parts):
    before = sorted(Path().rglob("*"))
    assert_refused(cli("train", *line.split(), "--steps", 2, "--batch-size", 8), *parts)
    assert sorted(Path().rglob("*")) == before


def test_a_run_without_a_checkpoint_or_with_a_damaged_one_is_refused(origin, cli):
    line = ("train", "dcgan", "--from", "first", "--steps", 2, "--out", "new")
    file = origin.latest()[1] / "discriminator.safetensors"
    file.write_bytes(file.read_bytes()[:100])
    assert_refused(cli(*line), "discriminator.safetensors cannot be read")
    shutil.rmtree("first/checkpoints")
    assert_refused(cli(*line), "first", "checkpoint")
    assert not Path("new").exists()


def test_data_of_the_origin_that_is_gone_is_asked_for(tmp_path, images, cli):
    data = Path(shutil.copy(images, tmp_path / "mine.npz"))
    zoo.train("dcgan", data=str(data), out="first", **tiny("dcgan"))
    data.unlink()
    line = ("train", "dcgan", "--from", "first", "--steps", 1, "--batch-size", 8, "--out", "new")
    assert_refused(cli(*line), "first was trained on", "does not exist any more", "give --data")
    assert cli(*line, "--data", images).code == 0


# ---- FreezeD


@pytest.mark.parametrize(
    "way", [dict(), dict(optimizer="adamw", weight_decay=0.1), dict(optimizer="sgd", momentum=0.9)]
)
@pytest.mark.parametrize("name", ["dcgan", "vanilla", "cgan", "lsgan"])
def test_frozen_layers_stay_as_they_are_and_the_others_learn(images, name, way):
    zoo.train(name, data=str(images), out="first", **tiny(name, steps=1))
    count = 1
    zoo.train(name, from_run="first", out="second", **tiny(name, steps=4, freeze_d=count, r1=0.1, r1_every=1, **way))
    network = state_of(name, images, **tiny(name)).step.discriminator
    frozen = {id(parameter) for layer in layers_of(network)[:count] for parameter in layer}
    before = tensors(zoo.Run("first").latest()[1])
    after = tensors(zoo.Run("second").latest()[1])
    moved = {
        parameter_name: (before[key] != after[key]).any()
        for parameter_name, _ in network.named_parameters()
        if (key := f"discriminator.{parameter_name}") in before
    }
    names = {parameter_name for parameter_name, value in network.named_parameters() if id(value) in frozen}
    assert names
    assert not any(moved[each] for each in names)
    assert any(moved[each] for each in moved.keys() - names)


def test_layers_that_are_let_go_learn_again(images, origin):
    zoo.train("dcgan", from_run="first", out="second", callbacks=[Stop(2)], **tiny("dcgan", freeze_d=2))
    kept = tensors(zoo.Run("second").latest()[1])
    run = zoo.resume("second", freeze_d=0)
    after = tensors(run.latest()[1])
    assert (kept["discriminator.layers.0.weight"] != after["discriminator.layers.0.weight"]).any()
    assert [(change["step"], change["from"], change["to"]) for change in run.changes] == [(2, 2, 0)]


def test_a_layer_begins_with_a_matrix_and_takes_along_what_normalises_it():
    network = nn.Sequential(
        nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2)),
        nn.utils.parametrizations.spectral_norm(nn.Conv2d(2, 3, 3)),
        nn.LeakyReLU(),
        nn.LayerNorm(3),
        nn.Linear(3, 1),
    )
    names = {id(parameter): name for name, parameter in network.named_parameters()}
    assert [sorted(names[id(parameter)] for parameter in layer) for layer in layers_of(network)] == [
        ["0.0.bias", "0.0.weight", "0.1.bias", "0.1.weight"],
        ["1.bias", "1.parametrizations.weight.original", "3.bias", "3.weight"],
        ["4.bias", "4.weight"],
    ]
    freeze_layers(network, 2, "mine")
    assert [name for name, parameter in network.named_parameters() if parameter.requires_grad] == ["4.weight", "4.bias"]
    with pytest.raises(OptionError, match="mine has 3 layers"):
        freeze_layers(network, 3, "mine")
    with pytest.raises(OptionError, match=r"has 1 layer, .* leave it out"):
        freeze_layers(nn.Linear(2, 1), 1, "mine")


def test_batch_normalisation_in_frozen_layers_follows_the_data(images, origin):
    run = zoo.train("dcgan", from_run="first", out="second", **tiny("dcgan", freeze_d=2))
    before, after = tensors(origin.latest()[1]), tensors(run.latest()[1])
    statistics = [name for name in before if name.startswith("discriminator") and name.endswith("running_mean")]
    assert statistics
    assert all((before[name] != after[name]).any() for name in statistics)


def test_a_run_and_its_path_are_the_same_to_begin_with(origin):
    assert start(origin)[0].config["from"]["digest"] == start("first", out="third")[0].config["from"]["digest"]
    with pytest.raises(OptionError, match="a run's folder is 3"):
        zoo.train("dcgan", from_run=3, steps=1)
    with pytest.raises(RunError, match="there is no run"):
        zoo.train("dcgan", from_run="nowhere", steps=1)
