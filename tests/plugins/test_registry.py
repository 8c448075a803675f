"""Plugins: found through entry points, isolated when broken, and as able as the built-in ones."""

from __future__ import annotations

import inspect
import json
import re
from pathlib import Path

import pytest
from support import assert_same_checkpoint, zoo_process

import zoo
from zoo.callback import Callback
from zoo.errors import PluginError
from zoo.plugins import hookspecs
from zoo.plugins.registry import registry
from zoo.plugins.validation import check_architecture

DESIGN_PLUGIN = '''
from typing import Annotated
from pydantic import Field
from torch import nn
import zoo

class Hinge(zoo.Architecture):
    """Two dense networks trained with the hinge loss."""
    name = "hinge"

    class Options(zoo.Options):                      # inherits data, schedule, optimiser, seed, …
        width: Annotated[int, Field(ge=8)] = 256
        """Units of each hidden layer."""

    presets = {"quick": dict(width=64, steps=200)}
    objective = "hinge"                              # or an object with discriminator_loss / generator_loss

    def generator(self, options, data):              # data: channels, height, width, classes
        return nn.Sequential(
            nn.Linear(options.latent, options.width, bias=False),
            zoo.nn.BatchNormAct(options.width, activation="leaky_relu", slope=0.2),
            nn.Linear(options.width, data.numel), nn.Tanh(), nn.Unflatten(1, data.shape))

    def discriminator(self, options, data):
        return nn.Sequential(nn.Flatten(), nn.Linear(data.numel, options.width),
                             nn.LeakyReLU(0.2), nn.Linear(options.width, 1))

@zoo.hookimpl
def zoo_register_architectures(register):
    register(Hinge)
'''
"""The smallest plugin that makes sense, letter by letter as DESIGN.md shows it."""

ARCHITECTURE = '''
import zoo

class {name}(zoo.Architecture):
    """{about}"""
    name = "{lower}"
    def generator(self, options, data): ...
    def discriminator(self, options, data): ...

@zoo.hookimpl
def zoo_register_architectures(register):
    register({name})
'''


def architecture(name: str, about: str = "Nothing much.") -> str:
    return ARCHITECTURE.format(name=name.title(), lower=name, about=about)


# ---- hooks

HOOKS = sorted(name for name in vars(hookspecs) if name.startswith("zoo_"))


def test_the_hooks_are_those_of_the_contract():
    assert HOOKS == [
        "zoo_register_architectures",
        "zoo_register_augmentations",
        "zoo_register_commands",
        "zoo_register_data_sources",
        "zoo_register_exporters",
        "zoo_register_metrics",
        "zoo_register_objectives",
        "zoo_training_callbacks",
    ]


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_is_documented(hook):
    assert len(inspect.getdoc(getattr(hookspecs, hook)) or "") > 40


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_is_implemented_by_a_plugin_of_these_tests(hook):
    here = Path(__file__).parent
    sources = [
        (here / name).read_text("utf-8") for name in ("test_registry.py", "test_good_neighbours.py", "test_doors.py")
    ]
    assert any(re.search(rf"def {hook}\(", source) for source in sources)


def test_the_built_ins_come_through_the_same_entry_points_as_everybody(fresh_registry):
    found = {plugin.name: plugin for plugin in registry().plugins if plugin.distribution == "zoo-gan"}
    assert {"vanilla", "dcgan", "cgan", "lsgan"} <= found.keys()
    for name in ("vanilla", "dcgan", "cgan", "lsgan"):
        assert (found[name].module, found[name].error) == (f"zoo_plugins.{name}", None)
        assert registry().contribution(name).plugin is found[name]


def test_list_architectures_takes_a_pattern():
    assert {"cgan", "dcgan", "lsgan", "vanilla"} <= set(zoo.list_architectures())
    assert "vanilla" not in zoo.list_architectures("*gan")
    assert zoo.list_architectures("dc*") == ["dcgan"]


# ---- the smallest plugin


def test_the_smallest_plugin_of_the_design_is_listed_trains_samples_and_resumes(install, cli, images):
    install(DESIGN_PLUGIN, "zoo_hinge", distribution="zoo-hinge", version="0.3")
    listed = json.loads(cli("list", "--json").out)["architectures"]["hinge"]
    assert listed["from"] == "zoo-hinge 0.3"
    assert listed["summary"] == "Two dense networks trained with the hinge loss."
    assert "--width" in cli("train", "hinge", "--help").out
    assert "Units of each hidden layer." in cli("info", "hinge").out

    common = ["--data", images, "--preset", "quick", "--width", 8, "--batch-size", 8, "--samples", 4]
    assert cli("train", "hinge", *common, "--steps", 6, "--out", "whole").code == 0
    assert cli("train", "hinge", *common, "--steps", 3, "--out", "parts").code == 0
    assert cli("resume", "parts", "--steps", 6).code == 0
    assert_same_checkpoint(Path("whole/checkpoints/step-00000006"), Path("parts/checkpoints/step-00000006"))
    assert cli("sample", "parts", "--n", 4, "--out", "x.png").code == 0
    assert Path("x.png").is_file()
    assert json.loads(Path("whole/config.json").read_text())["plugin"] == {
        "name": "zoo_hinge",
        "distribution": "zoo-hinge",
        "version": "0.3",
    }


def test_the_smallest_plugin_works_in_a_process_of_its_own(install, images):
    install(DESIGN_PLUGIN, "zoo_hinge", distribution="zoo-hinge")
    done = zoo_process(
        "train", "hinge", "--data", images, "--width", 8, "--batch-size", 8, "--steps", 2, "--out", "run"
    )
    assert (done.code, done.err) == (0, "")
    assert zoo.load("run")(2).shape == (2, 1, 8, 8)


# ---- data sources and callbacks

STRIPES = '''
import numpy
import zoo
from zoo.data import Images

class Stripes(zoo.DataSource):
    """Stripes."""
    name = "stripes"
    summary = "Stripes, made on the fly."

    @classmethod
    def accepts(cls, location):
        return location == ""

    def __init__(self, location):
        self.title = "stripes"
        self.channels, self.height, self.width = 1, 8, 8
        self.class_names = ["horizontal", "vertical"]

    def __len__(self):
        return 40

    def fingerprint(self):
        return "stripes-1"

    def chunks(self):
        return range(0, 40, 10)

    def decode(self, item, spec):
        labels = numpy.arange(item, item + 10) % 2
        pixels = numpy.zeros((10, 8, 8, 1), numpy.uint8)
        pixels[labels == 0, ::2] = 255
        pixels[labels == 1, :, ::2] = 255
        yield Images(pixels, labels)

@zoo.hookimpl
def zoo_register_data_sources(register):
    register(Stripes)
'''


def test_a_data_source_of_a_plugin_trains_and_resumes(install, cli):
    install(STRIPES, "zoo_stripes")
    assert json.loads(cli("list", "--json").out)["data"]["stripes"] == "Stripes, made on the fly."
    common = ["--data", "stripes", "--width", 2, "--batch-size", 8, "--samples", 4]
    assert cli("train", "cgan", *common, "--steps", 2, "--out", "run").code == 0
    data = json.loads(Path("run/config.json").read_text())["data"]
    assert (data["title"], data["images"], data["class_names"]) == ("stripes", 40, ["horizontal", "vertical"])
    assert cli("resume", "run", "--steps", 3).code == 0
    assert cli("sample", "run", "--labels", "vertical,horizontal", "--out", "x.png").code == 0


def test_an_unknown_data_name_suggests_that_of_a_plugin(install, cli):
    install(STRIPES, "zoo_stripes")
    outcome = cli("train", "dcgan", "--data", "strpes")
    assert outcome.code == 2
    assert "did you mean 'stripes'?" in outcome.err


def test_a_data_source_that_is_none_is_reported_and_the_others_work(install, cli):
    install(STRIPES.replace("register(Stripes)", "register(42)"), "zoo_stripes")
    outcome = cli("list")
    assert outcome.code == 0
    assert "plugin 'zoo_stripes' of zoo-stripes 1.0 failed to load" in outcome.out
    assert "dcgan" in outcome.out


def test_two_data_sources_of_one_name_are_told_of_and_the_architectures_are_still_listed(install, cli):
    install(STRIPES, "zoo_stripes")
    install(STRIPES, "zoo_lines")
    outcome = cli("list")
    assert outcome.code == 0
    assert "dcgan" in outcome.out
    assert "zoo-stripes" in outcome.out
    assert "zoo-lines" in outcome.out


LOGGER = """
import zoo
from zoo.callback import Callback

class Log(Callback):
    def __init__(self, path):
        self.path = path
    def on_metrics(self, metrics):
        with open(self.path, "a") as file:
            file.write(f"{metrics['step']} ")

@zoo.hookimpl
def zoo_training_callbacks(run):
    return [Log(run.path / "one.txt"), Log(run.path / "two.txt")]
"""


def test_training_callbacks_of_a_plugin_watch_a_run(install, cli, images):
    install(LOGGER, "zoo_logger")
    arguments = ["--data", images, "--width", 2, "--batch-size", 8, "--steps", 3, "--log-every", 1, "--out", "run"]
    assert cli("train", "dcgan", *arguments).code == 0
    assert Path("run/one.txt").read_text() == Path("run/two.txt").read_text() == "1 2 3 "


@pytest.mark.parametrize("returned", ["42", "[42]", "['loss']"])
def test_a_callback_that_is_no_watcher_is_told_of_and_the_run_does_without(install, cli, images, returned):
    install(LOGGER.replace('[Log(run.path / "one.txt"), Log(run.path / "two.txt")]', returned), "zoo_logger")
    outcome = cli("train", "dcgan", "--data", images, "--width", 2, "--batch-size", 8, "--steps", 1, "--out", "run")
    assert outcome.code == 0
    assert "plugin 'zoo_logger' of zoo-logger 1.0: zoo_training_callbacks failed: TypeError: it returned" in outcome.out


def test_a_callback_may_leave_every_method_out():
    for name, method in inspect.getmembers(Callback, inspect.isfunction):
        assert method(Callback(), *[None] * (len(inspect.signature(method).parameters) - 1)) is None, name


# ---- broken plugins

BROKEN = {
    "raises": ("raise RuntimeError('no GPU on Sundays')", "RuntimeError: no GPU on Sundays"),
    "imports": ("import a_package_that_is_not_there", "No module named 'a_package_that_is_not_there'"),
    "leaves": ("raise SystemExit('bye')", "SystemExit: bye"),
    "syntax": ("def broken(:\n", "SyntaxError"),
    "misspelt": (
        "import zoo\n@zoo.hookimpl\ndef zoo_register_architecture(register): pass\n",
        "zoo_register_architecture",
    ),
    "misspelt argument": (
        "import zoo\n@zoo.hookimpl\ndef zoo_register_architectures(registr): pass\n",
        "zoo_register_architectures takes 'registr', and zoo passes 'register'; write zoo_register_architectures(register)",
    ),
    "hook fails": (
        "import zoo\n@zoo.hookimpl\ndef zoo_register_architectures(register): 1 / 0\n",
        "ZeroDivisionError",
    ),
    "registers rubbish": (
        "import zoo\n@zoo.hookimpl\ndef zoo_register_architectures(register): register(int)\n",
        "register() takes a subclass of zoo.Architecture; given <class 'int'>",
    ),
}


@pytest.mark.parametrize(("source", "error"), BROKEN.values(), ids=BROKEN)
def test_a_broken_plugin_is_reported_and_every_other_one_works(install, cli, source, error):
    install(source, "zoo_broken", distribution="zoo-broken")
    outcome = cli("list")
    assert outcome.code == 0
    assert "plugin 'zoo_broken' of zoo-broken 1.0 failed to load" in outcome.out
    assert error in outcome.out
    listed = json.loads(cli("list", "--json").out)
    assert {"cgan", "dcgan", "lsgan", "vanilla"} <= listed["architectures"].keys()
    assert cli("info", "dcgan").code == 0


def test_a_hook_may_leave_arguments_out_and_have_others_with_a_default(install, cli):
    install("import zoo\n@zoo.hookimpl\ndef zoo_training_callbacks(verbose=False): return []\n", "zoo_quiet")
    assert {row["name"]: row["error"] for row in json.loads(cli("plugins", "--json").out)["plugins"]}[
        "zoo_quiet"
    ] is None


def test_a_plugin_that_registers_nothing_is_told_why_that_may_be(install, cli):
    install("import zoo\n", "zoo_empty")
    assert "nothing: no function of its module is a hook" in " ".join(cli("plugins").out.split())


def test_info_tells_the_rest_of_an_architecture_whose_sizes_fail(install, cli):
    source = architecture("sized").replace("def generator", "def sizes(self, options): return 1 / 0\n    def generator")
    install(source.replace("def generator", "presets = {'quick': {}}\n    def generator"), "zoo_sized")
    outcome = cli("info", "sized")
    told = " ".join(outcome.out.split())
    assert outcome.code == 0
    assert "images: plugin 'zoo_sized' of zoo-sized 1.0: sizes() failed: ZeroDivisionError" in told
    assert "quick" in told
    assert "zoo train sized --help lists every option" in told


def test_an_unknown_architecture_is_told_together_with_the_plugins_that_failed(install, cli):
    install("raise RuntimeError", "zoo_broken")
    outcome = cli("train", "hinge")
    assert outcome.code == 2
    assert "plugins that failed to load: zoo_broken" in outcome.err


def test_doctor_shows_where_a_plugin_went_wrong(install, cli):
    install("def sunday():\n    raise RuntimeError('closed')\nsunday()\n", "zoo_broken")
    assert "in sunday" not in cli("doctor").out
    outcome = cli("doctor", "--plugins")
    assert outcome.code == 0
    assert "RuntimeError: closed" in outcome.out
    assert "in sunday" in outcome.out


def test_a_plugin_that_fails_half_way_contributes_nothing(install):
    install(architecture("half").replace("register(Half)", "register(Half); raise ValueError('second')"), "zoo_half")
    assert "half" not in zoo.list_architectures()
    (error,) = [plugin.error for plugin in registry().plugins if plugin.name == "zoo_half"]
    assert error.startswith("ValueError: second (")


# ---- two of one name


def test_an_architecture_registered_twice_is_an_error_that_names_both_distributions(install, cli):
    install(architecture("twin"), "zoo_left", distribution="left-gans", version="1.2")
    install(architecture("twin"), "zoo_right", distribution="right-gans", version="3.4")
    sentence = (
        "architecture 'twin' is registered twice, by left-gans 1.2 (plugin 'zoo_left') and right-gans 3.4 "
        "(plugin 'zoo_right')"
    )
    outcome = cli("train", "twin")
    assert outcome.code == 2
    assert sentence in outcome.err
    listed = cli("list")
    assert listed.code == 0
    assert sentence in listed.out.replace("\n", " ").replace("  ", " ")
    assert "twin" not in json.loads(cli("list", "--json").out)["architectures"]
    assert cli("info", "dcgan").code == 0


def test_a_plugin_cannot_take_the_place_of_a_built_in(install, cli):
    install(architecture("dcgan"), "zoo_impostor", distribution="impostor")
    outcome = cli("train", "dcgan", "--steps", 1)
    assert outcome.code == 2
    assert "zoo-gan " in outcome.err
    assert "impostor 1.0" in outcome.err


def test_zoo_plugins_settles_a_conflict(install, monkeypatch):
    install(architecture("twin", "The left."), "zoo_left")
    install(architecture("twin", "The right."), "zoo_right")
    monkeypatch.setenv("ZOO_PLUGINS", "zoo_right, dcgan")
    assert zoo.list_architectures() == ["dcgan", "twin"]
    assert registry().contribution("twin").value.summary() == "The right."


def test_zoo_plugins_restricts_loading_to_the_names_it_gives(install, monkeypatch, fresh_registry):
    install("raise RuntimeError('must not be imported')", "zoo_broken")
    monkeypatch.setenv("ZOO_PLUGINS", "vanilla")
    assert [plugin.name for plugin in registry().plugins] == ["vanilla"]
    assert zoo.list_architectures() == ["vanilla"]


def test_an_empty_zoo_plugins_loads_none(monkeypatch, fresh_registry):
    monkeypatch.setenv("ZOO_PLUGINS", "")
    assert zoo.list_architectures() == []


def test_an_unknown_name_in_zoo_plugins_is_an_error_that_suggests_the_nearest(monkeypatch, fresh_registry, cli):
    monkeypatch.setenv("ZOO_PLUGINS", "dcgan,lsgn")
    outcome = cli("list")
    assert outcome.code == 2
    assert "unknown plugin 'lsgn'; did you mean 'lsgan'? (from ZOO_PLUGINS)" in outcome.err


# ---- what an architecture must be


class Whole(zoo.Architecture):
    """Fit."""

    name = "whole"

    def generator(self, options, data): ...

    def discriminator(self, options, data): ...


def test_a_whole_architecture_passes_the_check():
    check_architecture(Whole)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (dict(name="With Space"), "name is 'With Space'"),
        (dict(name=None), "name is None"),
        (dict(name="-dash"), "name is '-dash'"),
        (dict(Options=dict), "Options must be a subclass of zoo.Options"),
        (dict(generator=zoo.Architecture.generator), "does not define generator"),
        (dict(discriminator=zoo.Architecture.discriminator), "does not define discriminator"),
        (dict(presets={"small": {}}, default_preset="smal"), "did you mean 'small'"),
        (
            dict(presets={"small": {}}, preset_notes={"smal": "A note."}),
            "preset in preset_notes of whole 'smal'; did you mean",
        ),
    ],
    ids=str,
)
def test_an_architecture_that_breaks_the_contract_is_refused_in_words(change, message):
    with pytest.raises(PluginError, match=re.escape(message)):
        check_architecture(type("Bad", (Whole,), change))


def test_notes_on_presets_that_are_not_inherited_with_them_are_left_alone():
    """Who replaces another architecture's presets need not know that there were notes on them."""

    class Parent(Whole):
        presets = {"small": {}}
        preset_notes = {"small": "A note."}

    class Child(Parent):
        presets = {"large": {}}

    check_architecture(Child)
