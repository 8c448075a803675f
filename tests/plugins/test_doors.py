"""Metrics, augmentations, exporters and commands of plugins: listed, found by name, and named with their plugin where they fail."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from support import tiny

import zoo
from zoo.command import OWN_COMMANDS
from zoo.errors import PluginError
from zoo.plugins.kinds import AUGMENTATION, COMMAND, EXPORTER, METRIC
from zoo.plugins.listing import commands_of_plugins
from zoo.plugins.registry import registry

DOORS = """
import zoo

class Measure(zoo.Metric):
    name = "measure"
    summary = "Nothing much."
    samples = 2
    order = 1

    def unsuited(self, context):
        UNSUITED_METRIC
        return None

    def compute(self, context):
        METRIC
        return {"one": 1}

class Change(zoo.Augmentation):
    name = "change"
    summary = "Nothing much."

    def unsuited(self, data):
        UNSUITED_AUGMENTATION
        return None

    def __call__(self, images):
        AUGMENTATION
        return -images

class Write(zoo.Exporter):
    name = "write"
    summary = "Nothing much."
    suffix = ".txt"

    def unsuited(self, generator):
        UNSUITED_EXPORTER
        return None

    def export(self, generator, path):
        EXPORTER
        path.write_text(f"{generator.architecture}, {generator.step}")

class Greet(zoo.Command):
    name = "greet"
    summary = "say hello"

    def run(self, arguments):
        COMMAND
        print("hello", *arguments)
        return len(arguments)

@zoo.hookimpl
def zoo_register_metrics(register):
    register(Measure)

@zoo.hookimpl
def zoo_register_augmentations(register):
    register(Change)

@zoo.hookimpl
def zoo_register_exporters(register):
    register(Write)

@zoo.hookimpl
def zoo_register_commands(register):
    register(Greet)
"""
PLACES = (
    "UNSUITED_METRIC", "UNSUITED_AUGMENTATION", "UNSUITED_EXPORTER", "METRIC", "AUGMENTATION", "EXPORTER", "COMMAND",
)  # fmt: skip


def doors(**mistakes: str) -> str:
    """The source of a plugin of all four, with a line of its own in some places."""
    lines = []
    for line in DOORS.splitlines():
        place = line.strip()
        lines.append(line.replace(place, mistakes.get(place.lower(), "pass")) if place in PLACES else line)
    return "\n".join(lines)


@pytest.fixture(scope="module")
def run(images, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "run"
    zoo.train("dcgan", data=str(images), out=folder, **tiny("dcgan", steps=1))
    return folder


def words(what: str, run: Path, images: Path) -> list[object]:
    """The command that uses one of the four."""
    return {
        "metric": ["evaluate", run, "--metric", "measure"],
        "augmentation": ["train", "dcgan", "--data", images, "--width", 2, "--batch-size", 4, "--steps", 1,
                         "--samples", 4, "--augment", "change", "--out", "new"],
        "exporter": ["export", run, "--to", "write", "--out", "written.txt"],
        "command": ["greet"],
    }[what]  # fmt: skip


FAILURES = {
    "metric": "the metric 'measure' failed",
    "unsuited_metric": "unsuited() of the metric 'measure' failed",
    "augmentation": "the augmentation 'change' failed",
    "unsuited_augmentation": "unsuited() of the augmentation 'change' failed",
    "exporter": "the exporter 'write' failed",
    "unsuited_exporter": "unsuited() of the exporter 'write' failed",
    "command": "zoo greet failed",
}


@pytest.mark.parametrize("place", FAILURES)
def test_one_that_raises_is_told_with_plugin_distribution_version_file_and_line(install, cli, run, images, place):
    source = doors(**{place: "raise KeyError('weights')"})
    install(source, "zoo_doors", distribution="zoo-doors", version="1.7", point="doors")
    outcome = cli(*words(place.removeprefix("unsuited_"), run, images))
    assert outcome.code == 2
    line = next(number for number, text in enumerate(source.splitlines(), 1) if "raise KeyError" in text)
    assert f"plugin 'doors' of zoo-doors 1.7: {FAILURES[place]}: KeyError: 'weights'" in outcome.err
    assert f"zoo_doors.py:{line})" in outcome.err
    assert "Traceback" not in outcome.err
    assert not Path("written.txt").exists()
    assert not Path("new").exists(), "no run has begun"
    assert cli("evaluate", "--help").code == cli("list").code == 0


CLASSES = {"metric": "Measure", "augmentation": "Change", "exporter": "Write", "command": "Greet"}


@pytest.mark.parametrize("place", CLASSES)
def test_one_that_cannot_be_made_is_told_of_too(install, cli, run, images, place):
    name = CLASSES[place]
    head = f"class {name}(zoo.{place.capitalize()}):\n"
    assert head in doors()
    source = doors().replace(head, head + "    def __init__(self):\n        raise ValueError('no')\n\n")
    install(source, "zoo_doors", distribution="zoo-doors", version="1.7", point="doors")
    outcome = cli(*words(place, run, images))
    assert outcome.code == 2
    assert f"plugin 'doors' of zoo-doors 1.7: {name}() failed: ValueError: no (" in outcome.err


MISFITS = {
    "metric": ("return 7", "the metric 'measure' returned 7; return numbers by name"),
    "augmentation": (
        "return images[:, :, 1:]",
        "the augmentation 'change' made images of shape (4, 1, 7, 8) of images",
    ),
    "exporter": ("return", "the exporter 'write' has written no file; write to the path that it is given"),
    "command": ("return 'done'", "zoo greet: run() returned 'done'; return the exit code"),
    "unsuited_metric": (
        "return 3",
        "unsuited() of the metric 'measure' returned 3; return the reason in words, or None",
    ),
    "unsuited_augmentation": (
        "return True",
        "unsuited() of the augmentation 'change' returned True; return the reason",
    ),
    "unsuited_exporter": ("return ['no']", "unsuited() of the exporter 'write' returned ['no']; return the reason"),
}


@pytest.mark.parametrize("place", MISFITS)
def test_what_does_not_fit_is_the_plugins_mistake(install, cli, run, images, place):
    line, message = MISFITS[place]
    install(doors(**{place: line}), "zoo_doors", distribution="zoo-doors", version="1.7")
    outcome = cli(*words(place.removeprefix("unsuited_"), run, images))
    assert outcome.code == 2
    assert f"plugin 'zoo_doors' of zoo-doors 1.7: {message}" in outcome.err


UNSUITED = {
    "metric": "--metric measure: not today",
    "augmentation": "--augment change: not today; leave it out",
    "exporter": "--to write: not today",
}


@pytest.mark.parametrize("place", UNSUITED)
def test_what_does_not_suit_is_refused_with_the_reason(install, cli, run, images, place):
    install(doors(**{f"unsuited_{place}": "return 'not today'"}), "zoo_doors")
    outcome = cli(*words(place, run, images))
    assert (outcome.code, outcome.err) == (2, f"zoo: {UNSUITED[place]}\n")


@pytest.mark.parametrize("place", CLASSES)
def test_all_four_work(install, cli, run, images, place):
    install(doors(), "zoo_doors")
    assert cli(*words(place, run, images)).code == 0
    if place == "exporter":
        assert Path("written.txt").read_text() == "dcgan, 1"


def test_what_an_error_of_zoos_own_says_is_left_as_it_is(install, cli):
    install(doors(command="raise zoo.errors.OptionError('greet takes a name')"), "zoo_doors")
    assert cli("greet").err == "zoo: greet takes a name\n"


def test_a_command_is_given_what_was_typed_and_its_exit_code_is_the_processs(install, cli):
    install(doors(), "zoo_doors")
    outcome = cli("greet", "a", "--help", "-x")
    assert (outcome.code, outcome.out) == (3, "hello a --help -x\n")


@pytest.mark.parametrize("code", [300, 256, -1])
def test_an_exit_code_that_the_system_would_change_is_the_plugins_mistake(install, cli, code):
    install(doors(command=f"return {code}"), "zoo_doors")
    outcome = cli("greet")
    assert outcome.code == 2
    assert f"plugin 'zoo_doors' of zoo-doors 1.0: zoo greet: run() returned {code}; return the exit code" in outcome.err


@pytest.mark.parametrize("as_json", [False, True])
def test_a_metric_that_fails_hides_no_other(install, cli, run, as_json):
    source = doors(metric="raise KeyError('weights')")
    second = source[source.index("class Measure") : source.index("class Change")].replace("Measure", "Other")
    second = second.replace("measure", "other").replace("raise KeyError('weights')", "pass")
    source = source.replace("class Change", f"{second}class Change").replace(
        "register(Measure)", "register(Measure); register(Other)"
    )
    install(source, "zoo_doors")
    outcome = cli("evaluate", run, "--metric", "measure", "other", *(["--json"] if as_json else []))
    assert outcome.code == 2
    assert "zoo: plugin 'zoo_doors' of zoo-doors 1.0: the metric 'measure' failed: KeyError: 'weights'" in outcome.err
    if as_json:
        content = json.loads(outcome.out)
        assert content["metrics"]["other"]["numbers"] == {"one": 1}
        assert content["failed"].keys() == {"measure"}
    else:
        assert "other" in outcome.out


@pytest.mark.parametrize("code", [0, 2, 5])
def test_an_exit_that_a_command_asks_for_is_its_end(install, cli, code):
    install(doors(command=f"raise SystemExit({code})"), "zoo_doors")
    outcome = cli("greet")
    assert (outcome.code, outcome.err) == (code, "")


# ---- found by name, listed


def test_plugins_lists_all_that_each_brings(install, cli):
    install(doors(), "zoo_doors")
    rows = {row["name"]: row for row in json.loads(cli("plugins", "--json").out)["plugins"]}
    kinds = (METRIC, AUGMENTATION, EXPORTER, COMMAND)
    assert [rows["zoo_doors"][kind.column] for kind in kinds] == [["measure"], ["change"], ["write"], ["greet"]]
    assert rows["metrics"]["metrics"] == [
        "classes", "copies", "density_coverage", "digits", "frechet", "kid", "modes", "precision_recall"
    ]  # fmt: skip
    assert rows["diffaugment"]["augmentations"] == ["color", "cutout", "translation"]
    assert rows["torch-export"]["exporters"] == ["torch"]
    assert rows["tensorboard"]["commands"] == ["tensorboard"]
    assert "--metric measure, --augment change, --to write, zoo greet" in cli("plugins").out


@pytest.mark.parametrize(
    ("kind", "name", "near"),
    [(METRIC, "mesure", "measure"), (AUGMENTATION, "chance", "change"), (EXPORTER, "writ", "write")],
)
def test_an_unknown_name_suggests_the_nearest(install, kind, name, near):
    install(doors(), "zoo_doors")
    with pytest.raises(PluginError, match=rf"unknown {kind.flag}'{name}'; did you mean '{near}'\? \(zoo plugins\)"):
        registry().find(kind, name)


@pytest.mark.parametrize(("typed", "near"), [("gret", "greet"), ("evalute", "evaluate"), ("tensorbord", "tensorboard")])
def test_an_unknown_command_suggests_the_nearest_of_zoos_and_of_plugins(install, cli, typed, near):
    install(doors(), "zoo_doors")
    outcome = cli(typed)
    assert (outcome.code, outcome.err) == (2, f"zoo: unknown command {typed!r}; did you mean {near!r}? (zoo --help)\n")


def test_two_of_one_name_are_an_error_only_where_they_are_asked_for(install, cli, run):
    install(doors(), "zoo_left", distribution="left")
    install(doors(), "zoo_right", distribution="right")
    for what in ("metric", "augmentation", "exporter", "command"):
        outcome = cli(*words(what, run, "digits"))
        assert outcome.code == 2
        assert "is registered twice, by left 1.0 (plugin 'zoo_left') and right 1.0 (plugin 'zoo_right')" in outcome.err
    assert "command 'greet' is registered twice" in " ".join(cli("plugins").out.split())
    assert cli("export", run, "--to", "torch").code == 0


REFUSED = {
    'name = "greet"': (
        'name = "train"',
        "Greet.name is 'train', which is a command that comes with zoo; choose another",
    ),
    'name = "measure"': ("", "Measure.name is None; give it lower-case letters"),
    "order = 1": ("order = True", "Measure.order is True; give a whole number: the lowest is shown first"),
    "samples = 2": ("samples = 0", "Measure.samples is 0; give a number of images, 1 or more"),
    "    samples = 2": ("    numbers = None", "Measure.numbers is None; give a dictionary"),
    'suffix = ".txt"': ('suffix = "txt"', 'Write has no suffix; say how its files end: ".pt2"'),
    "register(Change)": ("register(Change())", "register() takes a subclass of zoo.Augmentation; given <"),
    "def compute": ("def computes", "Measure does not define compute; zoo.Metric shows what it takes and returns"),
    'summary = "say hello"': ("", "Greet has no summary; give it one sentence"),
}


@pytest.mark.parametrize("text", REFUSED)
def test_one_that_is_none_is_refused_in_words_and_the_rest_works(install, cli, text):
    instead, message = REFUSED[text]
    install(DOORS.replace(text, instead).replace("COMMAND", "pass"), "zoo_doors")
    rows = {row["name"]: row for row in json.loads(cli("plugins", "--json").out)["plugins"]}
    assert message in rows["zoo_doors"]["error"]
    assert cli("train", "--help").code == 0


@pytest.mark.parametrize("name", OWN_COMMANDS)
def test_zoos_own_commands_are_never_a_plugins(install, cli, name):
    install(doors().replace('"greet"', f'"{name}"'), "zoo_doors")
    with pytest.raises(PluginError, match="unknown"):
        registry().find(COMMAND, name)


# ---- zoo --help


def test_help_has_a_section_of_plugins_commands(install, cli):
    install(doors(), "zoo_doors")
    own, others = cli("--help").out.split("of plugins:\n")
    assert "  greet        say hello\n  tensorboard  " in others
    assert "greet" not in own


@pytest.mark.parametrize(
    "source",
    ["def broken(:\n# zoo_register_commands", "raise SystemExit('zoo_register_commands')", "zoo_register_commands = 7",
     "print('zoo_register_commands')", "def zoo_register_commands(register): register(7)"],
)  # fmt: skip
def test_a_broken_plugin_is_left_out_of_the_help(install, cli, source):
    install(source, "zoo_broken")
    outcome = cli("--help")
    assert outcome.code == 0
    assert "tensorboard" in outcome.out
    assert "zoo_register" not in outcome.out


def test_help_lists_what_the_registry_finds(install, monkeypatch):
    install(doors(), "zoo_doors")
    expected = {name: command.summary for name, command in registry().of_kind(COMMAND).items()}
    assert commands_of_plugins() == expected
    assert set(expected) == {"greet", "tensorboard"}
    monkeypatch.setenv("ZOO_PLUGINS", "zoo_doors")
    assert list(commands_of_plugins()) == ["greet"]
    monkeypatch.setenv("ZOO_PLUGINS", "nobody")
    assert commands_of_plugins() == {}


def test_a_hook_of_another_name_is_found(install):
    hook = "@zoo.hookimpl\ndef zoo_register_commands("
    assert hook in doors()
    install(doors().replace(hook, '@zoo.hookimpl(specname="zoo_register_commands")\ndef mine('), "zoo_doors")
    assert "greet" in commands_of_plugins()
    assert "greet" in registry().of_kind(COMMAND)


def test_a_hook_that_was_taken_in_from_another_module_is_found(install, tmp_path):
    install("from zoo_doors_hooks import *", "zoo_doors")
    (tmp_path / "site-packages" / "zoo_doors_hooks.py").write_text(doors(), "utf-8")
    assert "greet" in commands_of_plugins()


def test_help_imports_only_plugins_that_may_have_a_command(install):
    """It is to answer at once: neither pydantic, on which options stand, nor a plugin that has something else to bring."""
    install("import torch\nimport zoo\n", "zoo_slow")
    code = (
        "import sys, zoo.cli; zoo.cli.run(['--help']); "
        "print([name for name in ('torch', 'pydantic', 'numpy', 'zoo_slow', 'zoo_plugins.dcgan') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=100, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    assert "tensorboard" in done.stdout
