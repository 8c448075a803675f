"""Completion: what is offered where, and that real shells put it into the line."""

from __future__ import annotations

import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from interpreter import alone
from messages import assert_says
from support import assert_refused, zoo_process

from zoo.cli.completing.answer import Answer
from zoo.cli.completing.complete import complete
from zoo.cli.completing.line import split
from zoo.cli.completion import SHELLS
from zoo.command import OWN_COMMANDS
from zoo.plugins.registry import registry

OWN = '''
from typing import Annotated, Literal
from pydantic import Field
import zoo

class Mine(zoo.Architecture):
    """Mine."""
    name = "mine"
    class Options(zoo.Options):
        charm: Literal["strange", "up"] = "up"
        """How it is."""
        neat: bool = True
        """Whether it is."""
    presets = {"small": {}, "large": {}}
    preset_notes = {"small": "takes little: a moment"}
    def generator(self, options, data):
        raise NotImplementedError
    discriminator = generator

class Hello(zoo.Command):
    name = "hello"
    summary = "says so"
    def run(self, arguments):
        return 0

@zoo.hookimpl
def zoo_register_architectures(register):
    register(Mine)

@zoo.hookimpl
def zoo_register_commands(register):
    register(Hello)
'''
BROKEN = """
# zoo_register_commands
import os
print("to stdout")
os.write(1, b"to stdout, past Python")
os.write(2, b"to stderr, past Python")
raise {error}
"""


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder to stand in: runs/one (of classes), more/two of them, one of which has a blank in its name; and others."""
    for path in ("runs/one", "my runs/two", "my runs/sü ß"):
        folder = tmp_path / path
        (folder / "checkpoints/step-00000004").mkdir(parents=True)
        (folder / "checkpoints/step-00000012").mkdir()
        config = {"architecture": "cgan", "preset": "mlp", "steps": 12, "data": {"class_names": ["cat", "dog"]}}
        (folder / "config.json").write_text(json.dumps(config), "utf-8")
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures/config").touch()
    return tmp_path


def offered(line: str) -> Answer:
    """What is offered behind ``zoo``, at the end of a line as bash has it."""
    found = split(f"zoo {line}")
    return complete(found.words[1:], found.current)


def values(line: str) -> list[str]:
    """Those that begin with what is typed."""
    begun = split(f"zoo {line}").current
    return [value for value in offered(line).values if value.startswith(begun)]


# ---- what is offered


def test_commands_are_offered_with_their_sentences_those_of_plugins_too(install):
    install(OWN, "zoo_mine")
    assert offered("").values.items() >= {**OWN_COMMANDS, "hello": "says so"}.items()
    assert values("tr") == ["train"]
    assert values("--") == ["--help", "--version"]


def test_architectures_presets_and_options_are_offered_those_of_plugins_too(install):
    install(OWN, "zoo_mine")
    for command in ("train", "info", "check"):
        assert {"dcgan", "mine"} <= set(values(f"{command} "))
        assert offered(f"{command} ").values["mine"] == "Mine."
    assert offered("train mine --preset ").values == {"small": "takes little: a moment", "large": ""}
    assert values("train mine --preset=s") == ["--preset=small"]
    assert values("train mine --ch") == ["--checkpoint-every", "--channels", "--charm"]
    assert values("train mine --charm ") == ["strange", "up"]
    assert values("train mine --no-nea") == ["--no-neat"]
    assert "strange" not in values("train dcgan --charm ")
    assert values("train nothing --") == ["--help"]


@pytest.mark.parametrize("name", registry().names)
@pytest.mark.parametrize("command", ["train", "check"])
def test_the_options_of_an_architecture_are_those_of_its_help(cli, monkeypatch, command, name):
    monkeypatch.setenv("COLUMNS", "90")  # in a wider one, help has columns
    assert flags_of(complete([command, name], "--no-").values) == flags_of(cli(command, name, "--help").out)


@pytest.mark.parametrize("command", sorted(OWN_COMMANDS.keys() - {"train", "check", "completion"}))
def test_the_options_of_a_command_are_those_of_its_help(cli, monkeypatch, command):
    monkeypatch.setenv("COLUMNS", "90")
    assert flags_of(complete([command], "--no-").values) == flags_of(cli(command, "--help").out)


def flags_of(text: object) -> set[str]:
    """The flags in values that are offered, or at the beginnings of a help's lines."""
    if not isinstance(text, str):
        return {flag for flag in text if flag != "--help"}
    shown = re.findall(r"^ {2}(--\w.*?)(?: {2,}|$)", text, re.M)
    return {flag for row in shown for flag in re.findall(r"--\w[-\w]*", row) if flag != "--help"}


def test_runs_and_what_comes_trained_are_offered_to_begin_with(place):
    assert values("train dcgan --from ") == values("sample ") == ["runs/one", "my runs/"]
    assert "dcgan" in values("train cgan --from d")


def test_values_are_offered_by_what_an_option_is_called():
    assert {"digits", "ring"} <= set(values("train dcgan --data "))
    assert offered("train dcgan --data ").kind == "files"
    assert "hinge" in values("train dcgan --objective ")
    assert "cutout" in values("train dcgan --augment color ")
    assert values("train dcgan --augment color --precision f") == ["float32", "float16"]
    assert "modes" in values("evaluate RUN --metric ")
    assert values("export RUN --to ") == ["torch"]
    assert "learning" in values("check dcgan --only ")
    assert "bias_act" in values("bench --op ")
    assert values("resume RUN --capture ") == ["on", "off"]
    assert values("resume RUN --precision f") == ["float32", "float16"]
    assert "digits" in values("resume RUN --data ")
    assert values("theory --source ") == ["line", "ring", "grid"]
    assert values("train dcgan --device c") == ["cpu", "cuda"]
    assert offered("train dcgan --config ") == offered("sample RUN --out ") == Answer({}, "files")
    assert offered("train dcgan --steps ") == Answer({})
    assert values("completion ") == ["bash", "zsh", "fish"]


def test_an_option_is_offered_once_and_a_word_that_nothing_takes_is_not_answered():
    assert "--seed" in values("sample RUN --")
    assert "--seed" not in values("sample RUN --seed 3 --")
    assert "--seed" not in values("sample RUN --seed=3 --")
    assert "--seed" in values("sample RUN ")
    assert offered("sample RUN x") == Answer({})
    assert "--theta" not in values("sample RUN --")


def test_runs_are_offered_below_runs_and_below_what_is_typed(place):
    assert offered("sample ").values == {"runs/one": "cgan, mlp, 12 steps", "my runs/": ""}
    assert offered("sample ").kind == "paths"
    assert values("sample r") == ["runs/one"]
    assert values("sample 'my runs/'") == ["my runs/sü ß", "my runs/two"]
    assert values(f"resume {place}/ru") == [f"{place}/runs/"]
    assert values("sample pic") == ["pictures/"]
    assert values("sample nowhere/") == []
    assert values("tensorboard ru")[0] == "runs/one"


def test_what_a_run_holds_is_offered(place):
    assert values("sample runs/one --step ") == ["12", "4"]
    assert values("sample runs/one --checkpoint ") == ["best", "last", "12", "4"]
    assert values("sample 'my runs/two' --class=d") == ["--class=dog"]
    assert values("interpolate runs/one --class ") == ["cat", "dog"]
    (place / "runs/one/config.json").write_text("[", "utf-8")
    assert values("sample runs/one --class ") == []
    assert values("sample runs/o") == ["runs/one"]


# ---- a line


@pytest.mark.parametrize(
    ("line", "words", "current", "rest"),
    [
        ("zoo ", ["zoo"], "", ""),
        ("zoo  train dc", ["zoo", "train"], "dc", "dc"),
        ("zoo train x --preset=qu", ["zoo", "train", "x"], "--preset=qu", "qu"),
        ("zoo train x --data=folder:a", ["zoo", "train", "x"], "--data=folder:a", "a"),
        ("zoo sample my\\ ru", ["zoo", "sample"], "my ru", "my ru"),
        ("zoo sample 'a=b c", ["zoo", "sample"], "a=b c", "a=b c"),
        ('zoo sample "a\\"b\\c', ["zoo", "sample"], 'a"b\\c', 'a"b\\c'),
        ("zoo sample '' b\\", ["zoo", "sample", ""], "b", "b"),
    ],
)
def test_a_line_is_taken_apart_as_bash_does(line, words, current, rest):
    found = split(line)
    assert (found.words, found.current, found.current[found.cut :]) == (words, current, rest)


def test_what_bash_would_take_apart_is_escaped_unless_a_quote_is_open():
    answer = Answer({"tabby cat": "", "it's": ""})
    assert list(split("zoo ").replies(answer)) == ["tabby\\ cat", "it\\'s"]
    assert list(split('zoo "t').replies(answer)) == ["tabby cat"]


def test_a_value_that_is_not_one_line_is_not_offered():
    assert Answer({"a\nb": "", "c": "two\nlines", "": ""}).lines() == "words\nc\ttwo lines\n"


# ---- the command


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_says_where_to_put_it(cli, shell):
    outcome = cli("completion", shell)
    assert (outcome.code, outcome.err) == (0, "")
    assert SHELLS[shell] in outcome.out
    assert "--words" in outcome.out
    assert SHELLS[shell] in cli("completion").out


def test_another_shell_is_refused(cli):
    assert_refused(cli("completion", "fsh"), "'fsh'", "'fish'")
    assert_says(cli("completion", "bash", "zsh").err, "'zsh'")


@pytest.mark.parametrize("error", ["RuntimeError('no')", "SystemExit(3)", "KeyboardInterrupt"])
def test_a_broken_plugin_is_not_seen(install, error):
    install(BROKEN.format(error=error), "zoo_broken")
    install(OWN, "zoo_mine")
    for words in (["tr"], ["train", "mine", "--preset", ""]):
        outcome = zoo_process("completion", "--words", "zsh", *words)
        assert (outcome.code, outcome.err) == (0, "")
        assert "past" not in outcome.out
        assert "stdout" not in outcome.out
        if error != "KeyboardInterrupt":
            assert ("small\ttakes little: a moment" if len(words) > 1 else "hello\tsays so") in outcome.out


@pytest.mark.parametrize("words", [[], ["bash"], ["bash", " ", "zoo 'x", "y"], ["zsh", "train", "\udcff", "--data="]])
def test_a_call_that_makes_no_sense_prints_no_error(words, monkeypatch):
    monkeypatch.setenv("ZOO_PLUGINS", "nothing")
    outcome = zoo_process("completion", "--words", *words)
    assert (outcome.code, outcome.err) == (0, "")


def test_no_answer_imports_torch_and_most_import_no_pydantic():
    alone(
        "from zoo.cli.completion import run\n"
        "def ask(*words): run(['--words', 'zsh', *words])\n"
        "for command in ('sample', 'bench', 'new', 'list'): ask(command, '--'); ask(command, '')\n"
        "ask(''); heavy('torch', 'tyro', 'pydantic', 'rich', 'numpy')\n"
        "ask('resume', '--'); ask('resume', ''); ask('train', '')\n"
        "ask('train', 'dcgan', '--'); ask('train', 'dcgan', '--data', ''); ask('check', 'dcgan', '--only', '')\n"
        "ask('bench', '--op', ''); heavy('torch', 'tyro', 'rich')\n"
    )


# ---- real shells


@pytest.fixture
def shell(place, monkeypatch):
    """Runs a shell's code where `zoo` is on the path; returns what it prints, where nothing may have gone wrong."""
    (place / "bin").mkdir()
    (place / "bin/zoo").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m zoo "$@"\n', "utf-8")
    (place / "bin/zoo").chmod(0o755)
    monkeypatch.setenv("PATH", os.pathsep.join([str(place / "bin"), os.environ["PATH"]]))

    def run(name: str, code: str, *arguments: str) -> str:
        if shutil.which(name) is None:
            pytest.skip(f"{name} is not installed")
        start = {"bash": ["--norc", "--noprofile"], "zsh": ["-f"], "fish": ["--no-config"]}[name]
        done = subprocess.run(
            [name, *start, "-c", code, *arguments], cwd=place, capture_output=True, text=True, timeout=60
        )
        assert done.stderr == ""
        return done.stdout

    return run


BASH = """
eval "$(zoo completion bash)"
compopt() { printf '+%s\\n' "${@: -1}"; }  # which bash has while it completes alone
COMP_LINE=$1 COMP_POINT=${2:-${#1}}
_zoo zoo
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.mark.parametrize(
    ("line", "replies"),
    [
        ("zoo tr", ["train"]),
        ("zoo train dcgan --preset=rad", ["radford64"]),
        ("zoo train dcgan --preset rad", ["radford64"]),
        ("zoo train dcgan --dat", ["--data"]),
        ("zoo sample ", ["+filenames", "my runs", "runs/one"]),
        ('zoo sample "my runs/t', ["+filenames", "my runs/two"]),
        ("zoo sample my\\ runs/", ["+filenames", "my runs/sü ß", "my runs/two"]),
        ("zoo train dcgan --config=pict", ["+default", "+filenames"]),
        ("zoo train dcgan --data=ri", ["+filenames", "ring"]),
        ("zoo train dcgan --data=pi", ["+default", "+filenames"]),
        ("zoo sample x --out ", ["+default", "+filenames"]),
        ("zoo nothing-like-it '", ["+filenames", "my runs", "runs/one"]),
        ("zoo train nothing --x ", ["--help"]),
    ],
)
def test_bash(shell, line, replies):
    found = [reply for reply in shell("bash", BASH, "bash", line).splitlines() if reply]
    wanted = {reply for reply in found if not reply.startswith(("bin", "pictures")) and reply != "runs"}
    assert wanted == set(replies)


def test_bash_with_the_cursor_in_the_middle(shell):
    assert shell("bash", BASH, "bash", "zoo tr dcgan --data x", "6").split() == ["train"]


def test_bash_is_told_nothing_where_zoo_is_not_there(shell):
    assert shell("bash", BASH.replace("_zoo zoo", "_zoo ./no-zoo-here"), "bash", "zoo tr").strip() == ""


def typed_into_zsh(start: str, keys: str, written: str) -> str:
    """What an interactive zsh shows of some keys, up to `written` if that comes."""
    import pty  # which not every system has

    child, terminal = pty.fork()
    if child == 0:
        os.execvp("zsh", ["zsh", "-f", "-i"])
    try:
        os.write(terminal, f"{start}; echo rea''dy\n".encode())
        _read_until(terminal, "ready")
        os.write(terminal, keys.encode())
        return _read_until(terminal, written)
    finally:
        os.kill(child, signal.SIGKILL)
        os.close(terminal)
        os.waitpid(child, 0)


def _read_until(terminal: int, end: str) -> str:
    shown, nothing_for = "", 0
    while end not in shown and nothing_for < 60:
        if select.select([terminal], [], [], 0.5)[0]:
            shown, nothing_for = shown + os.read(terminal, 4096).decode("utf-8", "replace"), 0
        else:
            nothing_for += 1
    return shown


@pytest.mark.parametrize(
    ("line", "written"),
    [
        ("zoo tra", "zoo train "),
        ("zoo train dcgan --preset=rad", "--preset=radford64 "),
        ("zoo sample my", "zoo sample my\\ runs/"),
        ("zoo sample my\\ runs/t", "my\\ runs/two "),
        ('zoo sample "my runs/t', '"my runs/two" '),
        ("zoo train dcgan --config=pict", "--config=pictures/"),
    ],
)
def test_zsh(shell, place, line, written):
    (place / "script").write_text(shell("zsh", "zoo completion zsh"), "utf-8")
    start = "PROMPT='> ' TERM=dumb; autoload -U compinit; compinit -u -D; source ./script"
    assert written in typed_into_zsh(start, f"{line}\t", written)


@pytest.mark.parametrize(
    ("line", "replies"),
    [
        ("zoo tr", ["train\ttrain a GAN: zoo train dcgan"]),
        ("zoo train dcgan --preset=rad", ["--preset=radford64"]),
        ("zoo sample ", ["my runs/", "runs/one\tcgan, mlp, 12 steps"]),
        ("zoo sample my\\ runs/t", ["my runs/two\tcgan, mlp, 12 steps"]),
        ('zoo sample "my runs/t', ["my runs/two\tcgan, mlp, 12 steps"]),
        ("zoo train dcgan --config=pict", ["--config=pictures/"]),
        ("zoo train dcgan --config pictures/c", ["pictures/config"]),
    ],
)
def test_fish(shell, line, replies):
    code = 'zoo completion fish | source; complete -C "$argv[1]"'
    found = shell("fish", code, line).splitlines()
    assert [row for row in found if row.startswith(tuple(replies))] == found
    assert len(found) == len(replies)


def test_the_scripts_are_installed_with_the_package():
    assert {path.name for path in (Path(complete.__code__.co_filename).parent).glob("zoo.*")} == {
        f"zoo.{shell}" for shell in SHELLS
    }


def test_data_in_the_place_of_an_architecture_is_completed_as_a_path_and_takes_what_every_architecture_does():
    place = complete(["train"], "")
    assert place.kind == "files"
    assert "dcgan" in place.values
    assert complete(["check"], "").kind == "words"
    options = complete(["train", "./pictures"], "--").values
    assert {"--steps", "--balance", "--from", "--out"} <= set(options)
    assert "--width" not in options
    assert complete(["train", "./pictures", "--preset"], "").values == {}
    assert "--steps" not in complete(["train", "nonsense"], "--").values
