"""A plugin whose code fails is named with its distribution, version and file, and commands that do not need it work on."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from support import tiny, zoo_process

import zoo
from zoo.errors import PluginError
from zoo.plugins.api_version import API_VERSION
from zoo.plugins.registry import registry

ODD = '''
import torch
from torch import nn
import zoo

HEADER

class Odd(zoo.Architecture):
    """Two dense layers, and one mistake."""
    name = "odd"
    presets = {"plain": {}}

    def generator(self, options, data):
        GENERATOR
        return nn.Sequential(nn.Linear(options.latent, data.numel), nn.Tanh(), nn.Unflatten(1, data.shape))

    def discriminator(self, options, data):
        DISCRIMINATOR
        return nn.Sequential(nn.Flatten(), nn.Linear(data.numel, 1))

    def phases(self, options):
        PHASES
        return [zoo.Phase("discriminator", loss=self.loss), zoo.Phase("generator")]

    def loss(self, turn):
        LOSS
        return turn.default_loss()

    MORE

@zoo.hookimpl
def zoo_register_architectures(register):
    register(Odd)
'''
PLACES = ("HEADER", "GENERATOR", "DISCRIMINATOR", "PHASES", "LOSS", "MORE")


def odd(**mistakes: str) -> str:
    """The source of a plugin with a line of its own in some places."""
    source = ODD
    for place in PLACES:
        source = source.replace(place, mistakes.get(place.lower(), "" if place in ("HEADER", "MORE") else "pass"))
    return source


@pytest.fixture
def images(images):
    """The shared images, and options that fit them."""
    return images, "--batch-size", 4, "--samples", 4


def line_of(source: str, text: str) -> int:
    return next(number for number, line in enumerate(source.splitlines(), 1) if text in line)


WHERE = {
    "generator()": dict(generator="raise KeyError('weights')"),
    "discriminator()": dict(discriminator="raise KeyError('weights')"),
    "phases()": dict(phases="raise KeyError('weights')"),
    "sizes()": dict(more="def sizes(self, options): raise KeyError('weights')"),
    "preset_for()": dict(more="def preset_for(self, data): raise KeyError('weights')"),
    "objective_for()": dict(more="def objective_for(self, options): raise KeyError('weights')"),
}


@pytest.mark.parametrize("what", WHERE)
def test_a_method_that_raises_is_told_with_distribution_version_file_and_line(install, cli, images, what):
    source = odd(**WHERE[what])
    install(source, "zoo_odd", distribution="zoo-odd", version="1.7")
    outcome = cli("train", "odd", "--data", *images, "--out", "run", "--steps", 1)
    assert outcome.code == 2
    assert f"plugin 'zoo_odd' of zoo-odd 1.7: {what} failed: KeyError: 'weights'" in outcome.err
    assert f"zoo_odd.py:{line_of(source, 'raise KeyError')}" in outcome.err
    assert "Traceback" not in outcome.err
    assert not Path("run").exists()
    assert cli("list").code == cli("info", "dcgan").code == 0


def test_a_preset_that_preset_for_makes_up_is_the_plugins_mistake(install, cli, images):
    install(odd(more="def preset_for(self, data): return 'plane'"), "zoo_odd")
    outcome = cli("train", "odd", "--data", *images)
    assert outcome.code == 2
    assert "plugin 'zoo_odd' of zoo-odd 1.0: unknown preset that preset_for() names" in outcome.err
    assert "did you mean 'plain'?" in outcome.err


def test_an_exit_that_a_plugin_asks_for_is_a_mistake_like_others(install, cli, images):
    install(odd(generator="raise SystemExit(3)"), "zoo_odd")
    outcome = cli("train", "odd", "--data", *images, "--out", "run")
    assert outcome.code == 2
    assert "generator() failed: SystemExit: 3" in outcome.err


def test_a_mistake_in_another_module_of_the_distribution_is_found_there(install, cli, images, tmp_path):
    install(odd(generator="import zoo_odd_nets; zoo_odd_nets.build()"), "zoo_odd")
    place = tmp_path / "site-packages"
    (place / "zoo_odd_nets.py").write_text("def build():\n    raise KeyError('weights')\n", "utf-8")
    (place / "zoo_odd-1.0.dist-info" / "top_level.txt").write_text("zoo_odd\nzoo_odd_nets\n", "utf-8")
    assert f"{place / 'zoo_odd_nets.py'}:2" in cli("train", "odd", "--data", *images).err


def test_the_plugin_is_blamed_whose_line_it_was(install, cli, images):
    install(
        GAME.replace("OBJECT", 'Offset("offset")').replace("loss = scale", "raise KeyError('mine'); loss = scale"),
        "zoo_game",
    )
    outcome = cli("train", "dcgan", "--data", *images, "--width", 2, "--steps", 1, "--objective", "offset")
    assert outcome.code == 2
    assert "plugin 'zoo_game' of zoo-game 1.0: discriminator_loss() failed: KeyError: 'mine'" in outcome.err


def test_what_the_system_says_is_blamed_on_nobody():
    with pytest.raises(OSError, match="the disk is gone"), registry().architecture("dcgan").guard("step 1 failed"):
        raise OSError(5, "the disk is gone")
    with (
        pytest.raises(PluginError, match="plugin 'dcgan' of zoo"),
        registry().architecture("dcgan").guard("step 1 failed"),
    ):
        raise ValueError("two numbers that do not fit")


MISTAKES = {
    "presets = {'quick': None}": "Odd.presets['quick'] is None; give the values of options by name",
    "presets = ['quick']": "Odd.presets is ['quick']; give a dictionary",
    "smallest_batch = '4'": "Odd.smallest_batch is '4'; give a number of images, 1 or more",
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_attributes_that_do_not_fit_are_told_when_it_is_loaded(install, cli, mistake):
    install(odd(more=mistake), "zoo_odd")
    assert MISTAKES[mistake] in rows(cli)["zoo_odd"]["error"]


ODDITIES = {
    "speechless": "class Mute(Exception):\n    def __str__(self): raise ValueError\nraise Mute",
    "replaced": "import sys\nsys.modules[__name__] = object()\nraise ValueError('gone')",
    "panics": "class Panic(BaseException): pass\nraise Panic('out of luck')",
    "talks": "print('hello')",
}


BEGINNERS = {
    "width: int": "Odd.Options.width has no default; give it one",
    "batch_size: str = 'a'": "Odd.Options.batch_size is 'a'; it is an option of zoo's own",
    "batch_size: int = 0": "Odd.Options.batch_size is 0; it is an option of zoo's own",
}


@pytest.mark.parametrize("option", BEGINNERS)
def test_options_that_could_never_work_are_told_when_it_is_loaded(install, cli, option):
    install(odd(more=f"class Options(zoo.Options):\n        {option}"), "zoo_odd")
    assert BEGINNERS[option] in rows(cli)["zoo_odd"]["error"]


def test_a_default_outside_its_own_range_stops_the_first_run_and_not_the_resume(install, cli, images):
    install(
        odd(
            more="class Options(zoo.Options):\n        width: int = Field(8, gt=9)", header="from pydantic import Field"
        ),
        "zoo_odd",
    )
    outcome = cli("train", "odd", "--data", *images, "--out", "run")
    assert outcome.code == 2
    assert "plugin 'zoo_odd'" in outcome.err
    assert "Odd.Options.width has the default 8, which does not fit" in outcome.err
    assert "--width" not in outcome.err, "a flag that nobody gave"
    assert not Path("run").exists()


def test_a_hook_that_is_not_marked_is_told_of(install, cli):
    install(odd().replace("@zoo.hookimpl", ""), "zoo_odd")
    assert "zoo_register_architectures is not marked as a hook; write @zoo.hookimpl" in rows(cli)["zoo_odd"]["error"]


def test_a_misspelt_hook_suggests_the_nearest(install, cli):
    install(odd().replace("zoo_register_architectures", "zoo_register_architecture"), "zoo_odd")
    assert "did you mean 'zoo_register_architectures'?" in rows(cli)["zoo_odd"]["error"]


@pytest.mark.parametrize("command", [["train", "odd"], ["info", "odd"], ["check", "odd"]])
def test_asked_for_what_a_broken_plugin_would_bring_its_own_error_is_told(install, cli, command, monkeypatch):
    install("def broken(:", "zoo_odd", point="odd", distribution="zoo-odd", version="1.7")
    outcome = cli(*command)
    assert outcome.code == 2
    assert "plugin 'odd' of zoo-odd 1.7 failed to load: SyntaxError" in outcome.err
    assert "zoo_odd.py:1" in outcome.err
    monkeypatch.setenv("ZOO_PLUGINS", "dcgan")
    registry.cache_clear()
    assert "plugin 'odd' of zoo-odd 1.7 is left out: ZOO_PLUGINS does not name it" in cli(*command).err


def test_asked_for_what_a_plugin_does_not_register_it_is_told(install, cli):
    install(odd().replace("register(Odd)", "pass"), "zoo_odd", point="odd")
    assert "brings no architecture 'odd'; does it register one?" in cli("train", "odd").err


NETWORKS = {
    "return nn.Identity()": "the generator of 'odd' has no parameter that requires a gradient",
    "return 1, 2": "returned tuple, not a torch.nn.Module",
    "data = zoo.DataSpec(1, 3, 3)": "makes (2, 1, 3, 3) of 2 latents",
}


@pytest.mark.parametrize("mistake", NETWORKS)
def test_networks_that_do_not_fit_are_told_with_the_plugin(install, cli, images, mistake):
    install(odd(generator=mistake), "zoo_odd", distribution="zoo-odd", version="1.7")
    outcome = cli("train", "odd", "--data", *images)
    assert outcome.code == 2
    assert "plugin 'zoo_odd' of zoo-odd 1.7: " in outcome.err
    assert NETWORKS[mistake] in outcome.err


def test_an_architecture_that_cannot_be_made_is_told(install, cli):
    install(odd(more="def __init__(self, depth): ..."), "zoo_odd")
    for command in ("info", "train", "check"):
        outcome = cli(command, "odd")
        assert outcome.code == 2
        assert "plugin 'zoo_odd' of zoo-odd 1.0: Odd() failed: TypeError" in outcome.err


def test_one_that_registers_twice_is_told_to_do_it_once(install, cli):
    install(odd().replace("register(Odd)", "register(Odd); register(Odd)"), "zoo_odd")
    assert "let it register it once" in cli("train", "odd").err


@pytest.mark.parametrize("source", ODDITIES.values(), ids=ODDITIES)
def test_nothing_that_a_plugin_does_as_it_is_loaded_takes_the_list_down(install, cli, source):
    install(source, "zoo_broken")
    assert "dcgan" in json.loads(cli("list", "--json").out)["architectures"]


def test_two_plugins_of_one_module_are_told_of(install, cli):
    install(odd(), "zoo_odd", distribution="left", point="one")
    install(odd(), "zoo_odd", distribution="right", point="two")
    found = rows(cli)
    assert (found["one"]["error"], found["two"]["error"]) == (
        None,
        "it is the very module of left, plugin one; uninstall one of the two",
    )


def test_a_run_of_another_version_of_a_plugin_goes_on_with_a_word(install, cli, images, tmp_path, fresh_registry):
    install(odd(), "zoo_odd", version="1.0")
    assert cli("train", "odd", "--data", *images, "--steps", 1, "--out", "run").code == 0
    (tmp_path / "site-packages" / "zoo_odd-1.0.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: zoo-odd\nVersion: 2.0\n"
    )
    fresh_registry()
    assert "plugin is 2.0, and was 1.0: the numbers may differ" in cli("resume", "run", "--steps", 2).out


def test_the_traceback_is_there_for_the_plugins_author(install, cli, images, monkeypatch):
    install(odd(generator="raise KeyError('weights')"), "zoo_odd")
    assert "ZOO_TRACEBACK=1" in cli("train", "odd", "--data", *images).err
    monkeypatch.setenv("ZOO_TRACEBACK", "1")
    told = cli("train", "odd", "--data", *images).err
    assert "Traceback (most recent call last)" in told
    assert "in generator" in told


def test_what_fails_in_the_middle_of_a_training_costs_only_what_came_after_the_checkpoint(
    install, cli, images, tmp_path, fresh_registry
):
    source = odd(loss="if turn.number == 3: raise ZeroDivisionError('in step 4')")
    install(source, "zoo_odd", distribution="zoo-odd", version="1.7")
    options = ["--data", *images, "--checkpoint-every", 2, "--steps", 6]
    outcome = cli("train", "odd", *options, "--out", "run")
    assert outcome.code == 2
    assert "plugin 'zoo_odd' of zoo-odd 1.7: step 4 failed: ZeroDivisionError: in step 4" in outcome.err
    assert f"zoo_odd.py:{line_of(source, 'ZeroDivisionError')}" in outcome.err
    assert "the checkpoint of step 2 is whole: mend it, then zoo resume run" in outcome.err
    (tmp_path / "site-packages" / "zoo_odd.py").write_text(odd(), "utf-8")
    sys.modules.pop("zoo_odd")
    fresh_registry()
    assert cli("resume", "run").code == 0
    assert zoo.Run("run").latest()[0] == 6


def test_a_generator_that_cannot_draw_is_told_of(install, cli, images, tmp_path, fresh_registry):
    module = """class Fails(torch.nn.Linear):
    def forward(self, x):
        if not self.training and FAILS: raise KeyError('weights')
        return super().forward(x)"""
    source = odd(header=module).replace("nn.Linear(options", "Fails(options")
    install(source.replace("FAILS", "False"), "zoo_odd")
    assert cli("train", "odd", "--data", *images, "--steps", 1, "--out", "run").code == 0
    (tmp_path / "site-packages" / "zoo_odd.py").write_text(source.replace("FAILS", "True"), "utf-8")
    sys.modules.pop("zoo_odd")
    fresh_registry()
    outcome = cli("sample", "run")
    assert outcome.code == 2
    assert "plugin 'zoo_odd' of zoo-odd 1.0: its generator failed: KeyError: 'weights'" in outcome.err


def test_a_lack_of_memory_in_a_plugins_step_is_told_as_such(install, cli, images):
    install(odd(loss="raise RuntimeError('DefaultCPUAllocator: can\\'t allocate memory')"), "zoo_odd")
    outcome = cli("train", "odd", "--data", *images, "--steps", 1)
    assert outcome.code == 2
    assert "not enough memory; lower --batch-size" in outcome.err


def test_what_a_plugin_says_in_zoos_own_errors_is_left_as_it_is(install, cli, images):
    install(odd(generator="raise zoo.errors.OptionError('this needs --latent 4')"), "zoo_odd")
    assert cli("train", "odd", "--data", *images).err == "zoo: this needs --latent 4\n"


def test_options_that_cannot_be_checked_are_told_of(install, cli, images):
    more = """class Options(zoo.Options):
        def model_post_init(self, context): raise KeyError('depth')"""
    install(odd(more=more), "zoo_odd")
    outcome = cli("train", "odd", "--data", *images)
    assert outcome.code == 2
    assert "its Options cannot be checked: KeyError: 'depth'" in outcome.err


def test_sizes_that_are_none_are_told_of(install, cli, images):
    install(odd(more="def sizes(self, options): return []"), "zoo_odd")
    outcome = cli("train", "odd", "--data", *images)
    assert outcome.code == 2
    assert "sizes() of 'odd' returned []" in outcome.err


@pytest.mark.parametrize("phases", ["return []", "return [1]"])
def test_phases_that_are_none_are_told_of(install, cli, images, phases):
    install(odd(phases=phases), "zoo_odd")
    outcome = cli("train", "odd", "--data", *images)
    assert outcome.code == 2
    assert "return one zoo.Phase or more" in outcome.err


def test_a_run_of_a_plugin_that_was_uninstalled_says_so(install, cli, images, tmp_path, fresh_registry):
    install(odd(), "zoo_odd")
    assert cli("train", "odd", "--data", *images, "--steps", 1, "--out", "run").code == 0
    for path in (tmp_path / "site-packages").glob("*.dist-info/entry_points.txt"):
        path.unlink()
    fresh_registry()
    outcome = cli("sample", "run")
    assert outcome.code == 2
    assert "unknown architecture 'odd'" in outcome.err
    assert "run was trained with zoo-odd 1.0: is it installed?" in outcome.err


# ---- data sources

SOURCE = """
import numpy
import zoo

class Dots(zoo.DataSource):
    name = "dots"
    summary = "Dots."

    @classmethod
    def accepts(cls, location):
        ACCEPTS
        return location == ""

    def __init__(self, location):
        INIT
        self.title, self.channels, self.height, self.width, self.class_names = "dots", 1, 8, 8, []

    def __len__(self):
        return 40

    def fingerprint(self):
        return "dots-FAILS"

    def chunks(self):
        return [40]

    def decode(self, item, spec):
        DECODE
        yield zoo.Images(numpy.zeros((40, 8, 8, 1), numpy.uint8))

@zoo.hookimpl
def zoo_register_data_sources(register):
    register(Dots)
"""


@pytest.mark.parametrize(
    ("place", "said"),
    [("ACCEPTS", "accepts('') failed"), ("INIT", "--data '' cannot be opened"), ("DECODE", "its data cannot be read")],
)
def test_a_data_source_that_raises_is_named_and_other_data_is_read(install, cli, images, place, said):
    source = SOURCE.replace(place, "raise KeyError('weights')").replace("FAILS", place)
    for other in ("ACCEPTS", "INIT", "DECODE"):
        source = source.replace(other, "pass")
    install(source, "zoo_dots", distribution="zoo-dots", version="1.7")
    common = ["--batch-size", 4, "--samples", 4, "--width", 2, "--steps", 1]
    outcome = cli("train", "dcgan", "--data", "dots", *common)
    assert outcome.code == 2
    assert f"plugin 'zoo_dots' of zoo-dots 1.7: {said}: KeyError: 'weights'" in outcome.err
    assert f"zoo_dots.py:{line_of(source, 'raise KeyError')}" in outcome.err
    assert cli("train", "dcgan", "--data", *images, *common[4:]).code == 0


# ---- versions of the plugin API


def test_a_plugin_for_this_version_is_loaded(install, cli):
    install(odd(header='zoo_api = ">=1.0,<2"'), "zoo_odd")
    assert cli("info", "odd").code == 0
    row = next(row for row in json.loads(cli("plugins", "--json").out)["plugins"] if row["name"] == "zoo_odd")
    assert (row["zoo_api"], row["loaded"]) == (">=1.0,<2", True)


def test_a_plugin_for_another_version_is_not_loaded_and_told_of(install, cli):
    install(odd(header='zoo_api = ">=7,<8"'), "zoo_odd", distribution="zoo-odd", version="3.1")
    listed = cli("list")
    assert listed.code == 0
    assert f"it is written for zoo's plugin API >=7,<8, and this zoo has {API_VERSION}" in " ".join(listed.out.split())
    assert "odd" not in zoo.list_architectures()
    assert "it is written for zoo's plugin API >=7,<8" in cli("train", "odd").err


@pytest.mark.parametrize("spelt", ["zoo_api", "zoo_api: str"])
def test_that_it_is_for_another_version_is_told_of_a_plugin_that_cannot_even_be_imported(install, cli, spelt):
    install(odd(header=f'{spelt} = ">=7"\nzoo.name_of_the_future'), "zoo_odd")
    assert "it is written for zoo's plugin API >=7" in " ".join(cli("list").out.split())


@pytest.mark.parametrize("range_", ["1", "'eins'", "['>=1']"])
def test_a_range_of_versions_that_is_none_is_refused_with_how_to_write_it(install, cli, range_):
    install(odd(header=f"zoo_api = {range_}"), "zoo_odd")
    assert 'write a range of versions, as in zoo_api = ">=1.0,<2"' in " ".join(cli("list").out.split())


# ---- zoo plugins, ZOO_PLUGINS

BRINGER = '''
import zoo

class Mine(zoo.Objective):
    """A game of its own."""

@zoo.hookimpl
def zoo_register_objectives(register):
    register(Mine("mine"))

@zoo.hookimpl
def zoo_training_callbacks(run):
    return []
'''


def rows(cli) -> dict[str, dict]:
    return {row["name"]: row for row in json.loads(cli("plugins", "--json").out)["plugins"]}


def test_plugins_lists_what_each_brings(install, cli):
    install(BRINGER, "zoo_bringer", distribution="zoo-bringer", version="0.2")
    install("raise RuntimeError('closed')", "zoo_broken")
    found = rows(cli)
    assert (found["dcgan"]["from"], found["dcgan"]["architectures"]) == (f"zoo-gan {zoo.__version__}", ["dcgan"])
    assert (found["zoo_bringer"]["objectives"], found["zoo_bringer"]["training_callbacks"]) == (["mine"], True)
    assert (found["zoo_broken"]["loaded"], found["dcgan"]["loaded"]) == (False, True)
    assert "RuntimeError: closed" in found["zoo_broken"]["error"]
    assert "zoo_broken.py:1" in found["zoo_broken"]["error"]
    shown = cli("plugins")
    assert shown.code == 0
    assert "--objective mine, watches runs" in shown.out
    assert "failed to load: RuntimeError: closed" in shown.out


def test_zoo_plugins_takes_distributions_too(install, cli, monkeypatch, fresh_registry):
    install(odd(), "zoo_odd", distribution="Zoo.Odd")
    for value in ("zoo-odd", "Zoo.Odd", "zoo_odd"):
        monkeypatch.setenv("ZOO_PLUGINS", value)
        fresh_registry()
        assert zoo.list_architectures() == ["odd"]
    monkeypatch.setenv("ZOO_PLUGINS", "zoo-gan")
    fresh_registry()
    assert "odd" not in zoo.list_architectures()
    assert "dcgan" in zoo.list_architectures()
    assert rows(cli)["zoo_odd"]["loaded"] is False
    assert "left out: ZOO_PLUGINS does not name it" in cli("plugins").out


def test_two_plugins_of_one_entry_point_are_told_apart_by_their_distributions(install, monkeypatch, fresh_registry):
    install(odd(), "zoo_left", distribution="left", point="odd")
    install(odd(), "zoo_right", distribution="right", point="odd")
    with pytest.raises(PluginError, match=r"registered twice, by left 1.0 .* and right 1.0"):
        registry().architecture("odd")
    monkeypatch.setenv("ZOO_PLUGINS", "right")
    fresh_registry()
    assert registry().contribution("odd").plugin.origin == "right 1.0"


def test_a_broken_plugin_takes_no_command_down_in_a_process_of_its_own(install, images):
    install("raise SystemExit('closed')", "zoo_broken")
    listed = zoo_process("list")
    assert (listed.code, "SystemExit: closed" in listed.out) == (0, True)
    options = ["--data", *images, "--width", "2", "--steps", "1"]
    assert zoo_process("train", "dcgan", *options).code == 0


# ---- objectives by name

GAME = """
import torch
import zoo

class Offset(zoo.Objective):
    def discriminator_loss(self, real_logits, fake_logits, *, scale):
        loss = scale * (fake_logits.mean() - real_logits.mean() + 7)
        return loss, torch.stack([real_logits.mean(), fake_logits.mean()]).detach()

    def generator_loss(self, fake_logits, *, scale):
        return -scale * fake_logits.mean(), fake_logits.mean().detach()[None]

@zoo.hookimpl
def zoo_register_objectives(register):
    register(OBJECT)
"""


@pytest.mark.parametrize("name", ["vanilla", "dcgan", "cgan", "lsgan"])
def test_every_architecture_plays_an_objective_of_a_plugin_by_name(install, images, name):
    install(GAME.replace("OBJECT", 'Offset("offset")'), "zoo_game")
    options = dict(tiny(name, objective="offset"), data=str(images[0]), out="run")
    line = zoo.train(name, **options | dict(steps=1, joined=False, r1=0.0)).metrics()[0]
    assert line["d_loss"] == pytest.approx(line["d_fake"] - line["d_real"] + 7, rel=1e-5)


def test_an_architecture_may_name_an_objective_of_another_plugin(install, images):
    install(GAME.replace("OBJECT", 'Offset("offset")'), "zoo_game")
    install(odd(more='objective = "offset"'), "zoo_odd")
    run = zoo.train("odd", data=str(images[0]), steps=1, batch_size=4, samples=4, log_every=1)
    assert run.metrics()[0]["d_loss"] > 4


def test_an_unknown_objective_is_told_before_anything_is_prepared(install, cli, images):
    install(GAME.replace("OBJECT", 'Offset("offset")'), "zoo_game")
    outcome = cli("train", "dcgan", "--data", *images, "--objective", "ofset", "--out", "run")
    assert outcome.code == 2
    assert "unknown --objective 'ofset'; did you mean 'offset'?" in outcome.err
    assert not Path("run").exists()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("Offset", "takes an objective, not its class: write register(Offset("),
        ('Offset("hinge")', "an objective that comes with zoo; choose another"),
        ('Offset("With Space")', "kind is 'With Space'"),
        ("42", "int.kind is None"),
        ('type("Half", (), dict(kind="half", generator_loss=print))()', "Half does not define discriminator_loss"),
    ],
)
def test_an_objective_that_is_none_is_refused_in_words(install, cli, given, said):
    install(GAME.replace("OBJECT", given), "zoo_game")
    assert said in rows(cli)["zoo_game"]["error"]


def test_two_objectives_of_one_name_are_an_error_only_where_they_are_asked_for(install, cli, images):
    install(GAME.replace("OBJECT", 'Offset("offset")'), "zoo_game")
    install(GAME.replace("OBJECT", 'Offset("offset")'), "zoo_sport")
    common = ["--data", *images, "--width", 2, "--steps", 1]
    outcome = cli("train", "dcgan", *common, "--objective", "offset")
    assert outcome.code == 2
    assert "objective 'offset' is registered twice" in outcome.err
    assert cli("train", "dcgan", *common, "--objective", "hinge").code == 0
