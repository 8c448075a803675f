"""Options: defaults < preset < file < flags, and what is said about those that do not fit."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Annotated

import pytest
from messages import assert_says, saying
from pydantic import Field, ValidationError
from support import flags, tiny

import zoo
from zoo.cli.arguments import parse_training, training_defaults
from zoo.errors import OptionError, unknown
from zoo.options import GROUPS, MOST_USED
from zoo.options.resolve import resolve
from zoo.plugins.registry import registry


class Sample(zoo.Architecture):
    """Something to resolve options for."""

    name = "sample"

    class Options(zoo.Options):
        width: Annotated[int, Field(ge=1)] = 10
        """Channels."""

    presets = {
        "small": dict(width=20, latent=21, seed=22, batch_size=23),
        "other": dict(width=30),
        "long": dict(epochs=5),
    }


class Preset(Sample):
    default_preset = "small"


def write(name: str, text: str) -> Path:
    Path(name).write_text(text, encoding="utf-8")
    return Path(name)


# ---- precedence


def test_flags_beat_the_file_which_beats_the_preset_which_beats_the_defaults():
    file = write("a.toml", "latent = 31\nseed = 32\n")
    options, preset = resolve(Sample(), preset="small", config=file, flags={"seed": 42})
    assert preset == "small"
    assert (options.width, options.latent, options.seed, options.batch_size) == (20, 31, 42, 23)
    assert options.learning_rate == zoo.Options().learning_rate


def test_without_a_preset_the_default_one_is_meant_and_without_that_the_defaults():
    assert resolve(Preset())[0].width == 20
    assert resolve(Preset())[1] == "small"
    assert resolve(Preset(), preset="other")[0].width == 30
    assert resolve(Sample()) == (Sample.Options(), None)


def test_a_file_may_name_the_preset_and_the_flag_beats_it():
    file = write("a.toml", 'preset = "other"\nlatent = 7\n')
    options, preset = resolve(Preset(), config=file)
    assert (preset, options.width, options.latent) == ("other", 30, 7)
    assert resolve(Preset(), preset="small", config=file)[1] == "small"


@pytest.mark.parametrize("spelling", ["batch-size", "batch_size"])
def test_a_toml_file_takes_kebab_and_snake_case(spelling):
    assert resolve(Sample(), config=write("a.toml", f"{spelling} = 5\n"))[0].batch_size == 5


def test_the_config_of_a_run_gives_the_same_options_again(images):
    run = zoo.train("lsgan", data=str(images), out="run", **tiny("lsgan", preset="pearson", beta1=0.25))
    options, preset = resolve(registry().architecture("lsgan"), config=run.path / "config.json")
    assert preset == "pearson"
    assert options.model_dump(mode="json") == run.config["options"]
    assert (options.a, options.beta1, options.width) == (-1.0, 0.25, 2)


def test_a_flag_beats_the_config_of_a_run_and_steps_beat_its_epochs(images, cli):
    run = zoo.train("dcgan", data=str(images), out="run", width=2, batch_size=8, seed=3, epochs=2.0)
    assert run.config["steps"] == 6
    outcome = cli(
        "train", "dcgan", "--config", run.path / "config.json", "--steps", 2, "--latent", 5, "--out", "second"
    )
    assert outcome.code == 0
    second = zoo.Run("second").config
    assert (second["steps"], second["options"]["epochs"], second["options"]["latent"]) == (2, None, 5)
    assert second["options"]["seed"] == 3


def test_the_saved_config_holds_every_option(images, cli):
    assert cli("train", "dcgan", "--data", images, *flags(tiny("dcgan")), "--flip", "--out", "run").code == 0
    saved = zoo.Run("run").config["options"]
    assert saved.keys() == registry().contribution("dcgan").value.Options.model_fields.keys()
    assert (saved["flip"], saved["width"], saved["data"]) == (True, 2, str(images))


def test_no_flag_undoes_a_switch_of_a_file(images, cli):
    file = write("a.toml", "flip = true\njoined = true\n")
    arguments = ["--data", images, "--config", file, "--no-flip", *flags(tiny("dcgan"))]
    assert cli("train", "dcgan", *arguments, "--out", "run").code == 0
    saved = zoo.Run("run").config["options"]
    assert (saved["flip"], saved["joined"]) == (False, True)


@pytest.mark.parametrize("form", [["--config=a.toml", "--seed=5"], ["--config", "a.toml", "--seed", "5"]])
def test_flags_may_be_joined_to_their_values(images, cli, form):
    write("a.toml", "latent = 9\n")
    arguments = {key: value for key, value in tiny("dcgan").items() if key not in ("latent", "seed")}
    assert cli("train", "dcgan", "--data", images, *flags(arguments), *form, "--out", "run").code == 0
    saved = zoo.Run("run").config["options"]
    assert (saved["latent"], saved["seed"]) == (9, 5)


# ---- length


def test_steps_and_epochs_in_one_place_is_an_error():
    with pytest.raises(OptionError, match="--steps and --epochs both say how long"):
        resolve(Sample(), flags={"steps": 3, "epochs": 1.0})
    with pytest.raises(OptionError, match="--steps and --epochs both say how long"):
        resolve(Sample(), config=write("a.toml", "steps = 3\nepochs = 1\n"))


def test_the_length_that_is_given_last_counts():
    assert resolve(Sample(), preset="long")[0].epochs == 5
    assert resolve(Sample(), preset="long", flags={"steps": 3})[0].epochs is None
    assert resolve(Sample(), config=write("a.toml", "steps = 3\n"), flags={"epochs": 2.0})[0].epochs == 2


# ---- what does not fit


def test_an_unknown_preset_suggests_the_nearest():
    with pytest.raises(OptionError, match=saying("preset of sample", "'smal'", "'small'")):
        resolve(Sample(), preset="smal")


@pytest.mark.parametrize("key", ["latnt", "learning-rte"])
def test_an_unknown_key_of_a_file_suggests_the_nearest(key):
    near = {"latnt": "latent", "learning-rte": "learning_rate"}[key]
    with pytest.raises(OptionError, match=re.escape(f"did you mean '{near}'?")):
        resolve(Sample(), config=write("a.toml", f"{key} = 1\n"))


def test_an_unknown_keyword_from_python_suggests_the_nearest():
    with pytest.raises(OptionError, match=re.escape("unknown option 'stesp'; did you mean 'steps'?")):
        zoo.train("dcgan", stesp=3)


def test_an_unknown_flag_suggests_the_nearest(cli):
    outcome = cli("train", "dcgan", "--stps", 4)
    assert outcome.code == 2
    assert "--stps" in outcome.message
    assert "--steps" in outcome.message


def test_the_nearest_name_or_all_names_are_offered():
    assert unknown("thing", "dcgn", ["dcgan", "vanilla"]) == "unknown thing 'dcgn'; did you mean 'dcgan'?"
    assert unknown("thing", "xyz", {"b", "a"}, "look there") == "unknown thing 'xyz'; known: a, b (look there)"
    assert unknown("class", "xyz", ["2", "10"]) == "unknown class 'xyz'; known: 2, 10", "a list has an order of its own"
    assert unknown("thing", "xyz", []) == "unknown thing 'xyz'; none is known"
    many = [f"name{number}" for number in range(60)]
    assert (
        unknown("thing", "xyz", many, "look there")
        == "unknown thing 'xyz'; none of the 60 that are known is like it (look there)"
    )


@pytest.mark.parametrize(
    ("flag", "value"),
    [
        ("learning-rate", "nan"), ("learning-rate", "inf"), ("learning-rate", "-1"), ("learning-rate", "0"),
        ("beta1", "nan"), ("beta1", "1"), ("ema", "1.5"), ("weight-decay", "-1"), ("epochs", "nan"), ("epochs", "0"),
        ("steps", "0"), ("steps", "-4"), ("steps", "1.5"), ("steps", "many"), ("batch-size", "0"), ("seed", "-1"),
        ("seed", str(2**63)), ("size", "1"), ("size", "5000"), ("size", "big"), ("channels", "2"), ("width", "0"), ("latent", "0"),
        ("precision", "float17"), ("optimizer", "adamm"), ("schedule", "step"), ("device", "gpu"), ("order", "random"),
        ("accumulate", "0"), ("log-every", "0"), ("sample-every", "0"), ("checkpoint-every", "0"), ("samples", "0"),
    ],
)  # fmt: skip
def test_a_value_that_does_not_fit_is_refused_by_the_name_of_its_flag(cli, flag, value):
    outcome = cli("train", "dcgan", f"--{flag}", value, "--out", "run")
    assert outcome.code == 2
    assert f"--{flag}" in outcome.message
    assert value in outcome.message
    assert "zoo train dcgan --help" in outcome.message
    assert "Traceback" not in outcome.err
    assert "FieldInfo" not in outcome.err, "a message for a person, not a type of pydantic's"
    assert not Path("run").exists()


def test_every_value_that_does_not_fit_is_named_at_once():
    with pytest.raises(OptionError) as refused:
        resolve(Sample(), flags={"steps": 0, "learning_rate": float("nan")})
    assert "--steps" in str(refused.value)
    assert "--learning-rate" in str(refused.value)


def test_nesterov_needs_a_momentum():
    with pytest.raises(OptionError, match="add --momentum"):
        resolve(Sample(), flags={"nesterov": True, "optimizer": "sgd"})
    assert resolve(Sample(), flags={"nesterov": True, "momentum": 0.9})[0].nesterov


def test_reused_fakes_are_as_many_for_both_networks():
    with pytest.raises(OptionError, match="give --generator-batch-size"):
        resolve(Sample(), flags={"reuse_fakes": True, "generator_batch_size": 7})
    assert resolve(Sample(), flags={"reuse_fakes": True, "batch_size": 7, "generator_batch_size": 7})[0].reuse_fakes


def test_options_cannot_be_changed_once_made():
    with pytest.raises(ValidationError, match="frozen"):
        zoo.Options().steps = 3


# ---- files


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("bad.toml", "steps = = 3", "--config bad.toml does not parse"),
        ("bad.json", "{", "--config bad.json does not parse"),
        ("list.json", "[1]", "--config list.json holds a list"),
        ("deep.json", "[" * 100_000, "--config deep.json does not parse as JSON"),
        ("nan.toml", "learning-rate = nan", "nan.toml: learning-rate: nan does not fit"),
        ("type.toml", 'steps = "many"', "type.toml: steps: 'many' does not fit"),
        ("key.toml", "foobar = 3", "key.toml: unknown option 'foobar'"),
        ("table.toml", "[steps]\na = 1\n", "table.toml: 'steps' is a table"),
        ("out.toml", 'out = "runs/a"', "out.toml: out is no option of a file; give --out on the command line"),
        ("config.toml", 'config = "x"', "config.toml: config is no option of a file"),
        ("two.toml", "batch-size = 3\nbatch_size = 4", "two.toml: batch-size is given twice"),
        ("true.toml", "seed = true", "true.toml: seed: True does not fit: give a number"),
        ("true.toml", "epochs = false", "true.toml: epochs: False does not fit: give a number"),
        ("true.toml", "channels = true", "true.toml: channels: True does not fit: give a number"),
        ("run.json", '{"architecture": "sample", "options": []}', "is a run's config.json that is damaged"),
        ("run.json", '{"architecture": "sample"}', "is a run's config.json that is damaged"),
        ("preset.toml", 'preset = "smal"', "did you mean 'small'"),
        ("preset.toml", "preset = 3", "preset"),
        ("preset.toml", 'preset = ["small"]', "preset"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_in_words(name, text, message):
    with pytest.raises(OptionError, match=re.escape(message)):
        resolve(Sample(), config=write(name, text))


def test_a_value_that_a_flag_sets_right_is_not_looked_for_in_the_file():
    assert resolve(Sample(), config=write("a.toml", 'steps = "many"'), flags={"steps": 3})[0].steps == 3
    with pytest.raises(OptionError, match=r"^--steps: 0 does not fit"):
        resolve(Sample(), config=write("a.toml", "steps = 3"), flags={"steps": 0})


def test_switches_take_truth_values_and_numbers_do_not():
    assert resolve(Sample(), config=write("a.toml", "flip = true"))[0].flip
    with pytest.raises(OptionError, match=r"^--seed: True does not fit: give a number"):
        resolve(Sample(), flags={"seed": True})


def test_a_file_that_is_not_text_or_not_there_is_refused_in_words():
    Path("bytes.toml").write_bytes(b"\xff\xfe\x00")
    Path("folder.toml").mkdir()
    for name, reason in {"bytes.toml": "not UTF-8", "missing.toml": "No such file", "folder.toml": "director"}.items():
        with pytest.raises(OptionError, match=rf"cannot read --config {name}: .*{reason}.*give a TOML file"):
            resolve(Sample(), config=name)


def test_the_config_of_another_architecture_is_refused_by_name(images, cli):
    run = zoo.train("dcgan", data=str(images), out="run", **tiny("dcgan", steps=1))
    outcome = cli("train", "lsgan", "--config", run.path / "config.json")
    assert outcome.code == 2
    assert_says(outcome.err, "config.json", "'dcgan'", "'lsgan'", "zoo train dcgan")


def test_a_preset_whose_values_do_not_fit_is_refused_by_name_of_the_flag():
    class Bad(Sample):
        presets = {"bad": dict(latent=-1)}

    with pytest.raises(OptionError, match="--latent: -1 does not fit"):
        resolve(Bad(), preset="bad")


# ---- help


@pytest.mark.parametrize("name", zoo.list_architectures())
def test_every_option_is_listed_in_the_help_with_a_sentence(cli, name, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")  # on a wide screen groups stand beside each other
    text = " ".join(cli("train", name, "--help").message.split())
    out = " ".join(re.sub("[│╭╮╰╯─]", " ", cli("train", name, "--help").out).split())
    for field, info in registry().contribution(name).value.Options.model_fields.items():
        flag = "--" + field.replace("_", "-")
        assert flag in out, f"{flag} is missing"
        assert info.description, f"{flag} has no sentence"
        assert len(info.description) > 10
        assert " ".join(info.description.split())[:60] in out, f"{flag}'s sentence is missing"
    for flag in ("--preset", "--config", "--out"):
        assert flag in out
    assert text == ""


GROUP = re.compile(r"^(?:╭─)? (\S.*?) options [ ─]", re.MULTILINE)
"""The title of a group: in the line of a box, or where boxes cannot be drawn in a line of its own."""


@pytest.mark.parametrize("name", zoo.list_architectures())
def test_the_help_leads_with_what_people_change_most_then_the_architectures_own_then_all_others_by_concern(
    cli, name, monkeypatch
):
    monkeypatch.setenv("COLUMNS", "100")
    out = cli("train", name, "--help").out
    assert GROUP.findall(out) == ["most used", name, *GROUPS]
    first = re.split(rf"^(?:╭─)? {name} options ", out, flags=re.MULTILINE)[0]
    assert re.findall(r"--[a-z][a-z-]*", first)[1:4] == ["--preset", "--config", "--out"]
    assert all(f"--{option.replace('_', '-')} " in first for option in MOST_USED)


@pytest.mark.parametrize("name", ["3dgan", "class", "most-used", "steps", "data"])
def test_an_architecture_of_any_name_has_a_group_of_its_own(name, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")

    class Own(zoo.Architecture):
        """One more."""

        class Options(zoo.Options):
            depth: int = 3
            """How deep its networks are."""

    Own.name = name
    defaults, own = training_defaults(Own(), [])
    assert parse_training(Own(), ["--depth", "5"], defaults, own)["depth"] == 5
    with pytest.raises(SystemExit):
        parse_training(Own(), ["--help"], defaults, own)
    title = "data architecture" if name == "data" else name
    assert GROUP.findall(capsys.readouterr().out) == ["most used", title, *GROUPS]


def test_every_option_is_in_one_group_and_the_groups_are_the_options():
    names = [name for group in GROUPS.values() for name in group.model_fields]
    assert names == list(zoo.Options.model_fields)
    assert len(names) == len(set(names))
    assert set(MOST_USED) <= set(names)


def test_the_help_shows_the_defaults_of_the_preset_that_is_named(cli):
    assert "(default: 25000)" in cli("train", "dcgan", "--preset", "radford64", "--help").out
    assert "(default: 25000)" not in cli("train", "dcgan", "--help").out


def test_the_flags_of_the_contract_are_there(cli):
    out = cli("train", "dcgan", "--help").out
    for flag in (
        "--preset", "--config", "--data", "--size", "--steps", "--batch-size", "--seed", "--device", "--out",
        "--sample-every", "--checkpoint-every",
    ):  # fmt: skip
        assert re.search(rf"{flag}\b", out), flag


def test_every_preset_of_every_architecture_holds_known_options():
    for name in zoo.list_architectures():
        architecture = registry().architecture(name)
        for preset in architecture.presets:
            assert json.dumps(resolve(architecture, preset=preset)[0].model_dump(mode="json"))
