"""Data in an architecture's place: who is asked, who is taken, what is told of it, and what it comes to."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import numpy as np
import pytest
from support import Notes, tiny, write_images, zoo_process

import zoo
from zoo.engine.describing import as_flags, describe_choice
from zoo.engine.plan import plan_run
from zoo.engine.recommending import choose, is_place
from zoo.errors import DataError, OptionError, PluginError
from zoo.plugins.registry import registry

SMALL = dict(width=2, samples=4, steps=2, device="cpu")


@pytest.fixture(autouse=True)
def no_amx(monkeypatch):
    """What is chosen hangs on no processor but where a test says so."""
    monkeypatch.setattr("zoo.engine.plan.has_amx", lambda: False)


@pytest.fixture
def pictures(tmp_path) -> Path:
    """Forty pictures in colour in a folder."""
    return write_images(tmp_path / "pictures.npz", 40, 16, 3, 0).rename(tmp_path / "a b.npz")


def chosen(place: object, device: str = "cpu", **more):
    return choose(str(place), device=lambda asked: device if asked == "auto" else asked, **more)


# ---- what means data


def test_a_name_of_an_architecture_wins_over_a_folder_that_is_called_so(tmp_path):
    for name in ("dcgan", "pictures"):
        (tmp_path / name).mkdir()
    assert not is_place("dcgan")
    assert all(
        map(
            is_place, ("./dcgan", "dcgan/", "pictures", "./nowhere", "photos.zip", "~/x", "*.png", "digits", "hf:me/it")
        )
    )
    assert not any(map(is_place, ("dcgn", "Pictures", "", "folder")))


def test_a_folder_that_is_called_like_an_architecture_is_meant_by_its_path(cli, tmp_path):
    from PIL import Image

    (tmp_path / "dcgan").mkdir()
    for number in range(4):
        Image.fromarray(np.full((16, 16, 3), 60 * number, np.uint8)).save(tmp_path / f"dcgan/{number}.png")
    assert cli("train", "dcgan", *as_flags(tiny("dcgan", steps=1, out="named"))).code == 0
    outcome = cli("train", "./dcgan", *as_flags({**SMALL, "steps": 1, "out": "placed"}))
    assert outcome.code == 0, outcome
    images = [json.loads(Path(out, "config.json").read_text())["data"]["images"] for out in ("named", "placed")]
    assert images == [5000, 4]


def test_a_name_that_is_neither_gets_the_error_of_before_and_one_like_a_path_that_of_data(cli, tmp_path):
    (tmp_path / "pictures").mkdir()
    assert "unknown architecture 'dcgn'; did you mean 'dcgan'? (zoo list)\n" in cli("train", "dcgn").err
    outcome = cli("train", "./picturs")
    assert (outcome.code, "'./picturs' does not exist; did you mean 'pictures'" in outcome.err) == (2, True)
    assert "or is the folder meant? zoo train ./pictures" in cli("train", "picturs").err
    with pytest.raises(PluginError, match=r"zoo train \./pictures"):
        zoo.train("picturs")
    with pytest.raises(DataError, match="does not exist"):
        zoo.train("./picturs")


def test_data_twice_is_refused_with_the_way_out(cli, pictures):
    outcome = cli("train", "./a b.npz", "--data", "other")
    assert outcome.code == 2
    assert "give one of them: zoo train ./a b.npz, or zoo train NAME --data other" in outcome.err
    with pytest.raises(OptionError, match="is data too"):
        zoo.train("./a b.npz", data="other")


# ---- who is taken


def test_dcgan_is_taken_for_pictures_in_the_preset_that_suits_data_and_device(pictures, images):
    colour = chosen(pictures)
    assert (colour.architecture, colour.recommendation.preset, colour.others) == ("dcgan", "small", ())
    assert chosen(images).recommendation.preset == "mnist"
    assert chosen(pictures, "cuda", values={"size": 64}).recommendation.preset == "medium"
    assert chosen(pictures, "cuda", values={"size": 64, "device": "cpu"}).recommendation.preset == "small"
    assert chosen("ring").architecture == "vanilla"


@pytest.mark.parametrize(
    ("count", "classes", "name"),
    [(400, 4, "cgan"), (399, 4, "icgan"), (60, 60, "dcgan"), (2500, 25, "icgan"), (400, 0, "icgan")],
)
def test_labels_are_taken_for_few_classes_with_enough_pictures_each(count, classes, name, tmp_path):
    data = write_images(tmp_path / "labelled.npz", count, 8, 3, classes)
    assert chosen(data).architecture == name


def test_options_that_one_architecture_alone_has_decide(pictures, tmp_path):
    data = write_images(tmp_path / "labelled.npz", 300, 8, 3, 3)
    assert chosen(data).architecture == "cgan"
    assert chosen(data, preset="radford64").architecture == "dcgan"
    (tmp_path / "own.toml").write_text("dropout = 0.5\nbatch-size = 99\n")
    assert chosen(data, config="own.toml").architecture == "cgan"
    with pytest.raises(DataError, match="learns from labelled images"):
        chosen(pictures, names=("dropout",))
    with pytest.raises(OptionError, match=r"--size 5: .* works for"):
        chosen(pictures, values={"size": 5})


OFFERS = '''
import zoo
from zoo_plugins.dcgan import DCGAN

class Ready(DCGAN):
    """Offers itself for pictures in colour, and more than it has to."""
    name = "{name}"
    presets = {{"ready": dict(width=3, steps=500)}}
    default_preset = None
    def preset_for(self, data):
        return None
    def recommendation(self, data, count):
        {body}

class Heir(Ready):
    """Offers nothing of its own."""
    name = "heir-of-{name}"

@zoo.hookimpl
def zoo_register_architectures(register):
    register(Ready)
    register(Heir)
'''


def offering(body: str, name: str = "ready") -> str:
    return OFFERS.format(body=body, name=name)


def test_the_strongest_offer_is_taken_with_its_options_and_of_equal_ones_the_first_by_name(install, pictures):
    install(
        offering('return zoo.Recommendation("ready", "it is", 0.9, {"hold_out": 8, "flip": True}, 200)'), "zoo_ready"
    )
    found = chosen(pictures)
    assert (found.architecture, found.others) == ("ready", ("dcgan",))
    said: list[str] = []
    run = zoo.train("a b.npz", out="run", callbacks=[Notes(said)], **{**SMALL, "steps": 3})
    options = run.config["options"]
    assert (run.config["architecture"], run.config["preset"]) == ("ready", "ready")
    assert (options["hold_out"], options["flip"], options["batch_size"]) == (8, True, 32), "64 are more than 40 less 8"
    assert said[0] == "ready, preset ready, for 16×16 colour on the CPU: 3 steps"
    assert said[1] == "why: 40 pictures without labels; it is"
    assert said[2] == (
        "the same by hand: zoo train ready --data 'a b.npz' --preset ready --hold-out 8 --flip --batch-size 32 --width 2 "
        "--samples 4 --steps 3 --device cpu; others that offer themselves: dcgan (zoo list)"
    )
    install(offering('return zoo.Recommendation("ready", "it is", 0.5)', "a"), "zoo_first")
    install(offering('return zoo.Recommendation("ready", "it is", 0.5)', "z"), "zoo_last")
    registry.cache_clear()
    assert chosen(pictures).others == ("a", "dcgan", "z")


def test_what_is_given_by_hand_or_in_a_file_beats_what_is_recommended(install, pictures, tmp_path):
    install(offering('return zoo.Recommendation("ready", "it is", 0.9, {"hold_out": 8, "flip": True})'), "zoo_ready")
    (tmp_path / "own.toml").write_text("flip = false\nbatch-size = 5\n")
    run = zoo.train("a b.npz", config="own.toml", hold_out=3, out="run", **SMALL)
    options = run.config["options"]
    assert (options["hold_out"], options["flip"], options["batch_size"]) == (3, False, 5)


def test_a_processor_with_amx_takes_bfloat16_unless_a_precision_is_given(monkeypatch, pictures, tmp_path):
    (tmp_path / "own.toml").write_text('precision = "float32"\n')
    for amx in (True, False):
        monkeypatch.setattr("zoo.engine.plan.has_amx", lambda amx=amx: amx)
        plan, choice = plan_run(chosen(pictures), flags={"device": "cpu"}), chosen(pictures)
        assert plan.options.precision == ("bfloat16" if amx else "float32")
        _, why, by_hand = describe_choice(choice, plan, {"device": "cpu"})
        assert ("in bfloat16, which this processor multiplies faster" in why) == amx
        assert ("--precision bfloat16" in by_hand) == amx
        for given in ({"flags": {"precision": "float32", "device": "cpu"}}, {"config": "own.toml"}):
            assert plan_run(chosen(pictures), **given).options.precision == "float32"
        assert plan_run("dcgan", flags={"data": str(pictures), "device": "cpu"}).options.precision == "float32"
        assert plan_run(chosen("ring"), flags={"device": "cpu"}).options.precision == "float32"


def test_the_command_that_is_shown_does_the_same_by_hand(cli, pictures):
    outcome = cli(
        "train", "a b.npz", "--steps", 2, "--width", 2, "--samples", 4, "--flip", "--device", "cpu", "--out", "one"
    )
    assert outcome.code == 0, outcome
    line = next(line for line in outcome.out.splitlines() if "the same by hand: " in line)
    words = shlex.split(line.partition("by hand: ")[2].removesuffix(" (zoo list)"))
    assert cli(*words[1:], "--out", "two").code == 0
    one, two = (json.loads(Path(out, "config.json").read_text()) for out in ("one", "two"))
    assert [one[part] for part in ("architecture", "preset", "options")] == [
        two[part] for part in ("architecture", "preset", "options")
    ]


def test_a_preset_by_hand_is_told_beside_the_one_that_is_recommended(pictures):
    said: list[str] = []
    zoo.train("a b.npz", preset="mnist", out="run", callbacks=[Notes(said)], **SMALL)
    assert said[1] == "why: 40 pictures without labels, for which dcgan has preset small where none is asked for"
    assert "--preset mnist" in said[2]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("return 3", "returned 3; return a zoo.Recommendation, or None"),
        ('return zoo.Recommendation("raedy", "it is")', "did you mean 'ready'"),
        ('return zoo.Recommendation("ready", "it is", options={"fip": True})', "did you mean 'flip'"),
        ('return zoo.Recommendation("ready", "it is", 7)', "a number from 0 to 1"),
        ('return zoo.Recommendation("ready", "")', "give a clause"),
        ('return zoo.Recommendation("ready", "it is", first_shapes=0)', "give steps"),
        ('return zoo.Recommendation(3, "it is")', "give the name of a preset"),
        ('return zoo.Recommendation("ready", "it is", options=3)', "give values by the options' names"),
        ("raise KeyError('none')", "recommendation() failed"),
    ],
)
def test_a_plugin_that_fails_is_named_and_keeps_nobody_from_the_others(body, message, install, cli, pictures):
    install(offering(body), "zoo_ready")
    outcome = cli("train", "a b.npz", *as_flags({**SMALL, "out": "run"}))
    assert outcome.code == 0, outcome
    told = next(line for line in outcome.out.splitlines() if line.startswith("ready is not asked: "))
    assert "zoo_ready" in told
    assert message in told
    assert "dcgan, preset small" in outcome.out


def test_the_kit_asks_for_a_recommendation_and_names_one_that_does_not_fit(install):
    install(
        offering('return zoo.Recommendation("ready", "it is", options={"hold_out": -1}) if count > 9999 else None'),
        "zoo_ready",
    )
    found = zoo.testing.check("ready", only="presets")[0]
    assert found.state == "failed"
    assert "hold-out" in found.failure.found
    assert "300,000" in str(found)


@pytest.mark.parametrize("name", ["vanilla", "dcgan", "lsgan", "cgan"])
def test_what_the_built_in_architectures_recommend_fits(name):
    assert zoo.testing.check(name, only="presets", **tiny(name))[0].state == "passed"


def test_an_architecture_offers_nothing_unless_it_says_so(pictures):
    spec = zoo.DataSpec(3, 64, 64)
    assert zoo.Architecture().recommendation(spec, 100) is None
    assert registry().architecture("lsgan").recommendation(spec, 100) is None, "dcgan's offer is dcgan's"


def test_where_nobody_offers_himself_a_name_is_asked_for(monkeypatch, fresh_registry, cli):
    monkeypatch.setenv("ZOO_PLUGINS", "lsgan")
    fresh_registry()
    outcome = cli("train", "digits")
    assert outcome.code == 2
    assert "no architecture offers itself for" in outcome.err
    assert "zoo train NAME --data digits" in outcome.err


# ---- Python, help, runs


def test_a_path_of_pathlib_is_data_whatever_it_is_called(tmp_path):
    write_images(tmp_path / "dcgan.npz", 40, 16, 3, 0).rename(tmp_path / "digits")
    with pytest.raises(DataError, match="digits"):  # a file of that name, which is no data without its ending
        zoo.train(Path("digits"))
    write_images(tmp_path / "dcgan.npz", 40, 16, 3, 0)
    assert zoo.train(Path("dcgan.npz"), out="run", **SMALL).config["data"]["images"] == 40


def test_help_is_of_what_would_be_chosen(cli, pictures):
    outcome = cli("train", "./a b.npz", "--help")
    assert outcome.code == 0
    assert "Chosen for ./a b.npz on the CPU: train dcgan: " in outcome.out
    assert "(default: small)" in outcome.out
    large = cli("train", "a b.npz", "--size", 64, "--device", "cuda", "--help").out
    assert "Chosen for a b.npz on the GPU: " in large
    assert "(default: medium)" in large


def test_a_run_to_begin_with_decides_the_architecture_and_its_first_layers_can_be_kept(cli, pictures, tmp_path):
    shapes = dict(tiny("lsgan", size=16, channels=3, steps=2), device="cpu", out="first")
    first = zoo.train("lsgan", data="a b.npz", **shapes)
    hundred = write_images(tmp_path / "hundred.npz", 30, 16, 3, 0)
    outcome = cli(
        "train",
        hundred,
        "--from",
        "first",
        "--freeze-d",
        2,
        "--batch-size",
        8,
        "--steps",
        2,
        "--device",
        "cpu",
        "--out",
        "next",
    )
    assert outcome.code == 0, outcome
    config = json.loads(Path("next/config.json").read_text())
    assert (config["architecture"], config["data"]["images"], config["options"]["freeze_d"]) == ("lsgan", 30, 2)
    assert config["from"]["path"] == str(first.path.resolve())
    assert "why: lsgan is the architecture of the run that it begins with" in outcome.out
    assert cli("train", hundred, "--from", "first", "--help").out.startswith("usage: zoo train lsgan")
    again = zoo.train(str(hundred), from_run=first, freeze_d=2, batch_size=8, steps=2, device="cpu", out="python")
    assert again.config["architecture"] == "lsgan"


def test_the_command_as_a_process(pictures):
    outcome = zoo_process("train", "./a b.npz", *as_flags({**SMALL, "out": "run"}))
    assert outcome.code == 0, outcome
    assert outcome.out.splitlines()[0].startswith("dcgan, preset small, for 16×16 colour on the CPU: 2 steps")
    assert outcome.err == ""
