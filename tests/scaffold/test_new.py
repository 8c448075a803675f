"""`zoo new`: a package that is whole and tidy, or nothing and one sentence."""

from __future__ import annotations

import ast
import errno
import importlib.util
import os
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest
from support import assert_refused

import zoo
from zoo.plugins.api_version import check_api
from zoo.plugins.registry import GROUP
from zoo.plugins.validation import NAME
from zoo.scaffold.names import LONGEST, Names, choose_names
from zoo.scaffold.package import FILES, render

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

GOOD = ["my-gan", "wgan2", "a_b", "x", "class-gan", "gan-" + "w" * (LONGEST - 4)]


def everything(folder: Path) -> dict[str, str]:
    return {str(p.relative_to(folder)): p.read_text("utf-8") for p in sorted(folder.rglob("*")) if p.is_file()}


# ---- what it writes


def test_the_package_and_what_to_do_with_it(cli):
    outcome = cli("new", "my-gan")
    assert outcome.code == 0, outcome
    assert set(everything(Path("zoo-my-gan"))) == {
        ".github/workflows/test.yml",
        ".gitignore",
        "README.md",
        "pyproject.toml",
        "tests/test_my_gan.py",
        "zoo_my_gan.py",
    }
    assert [child.name for child in Path().iterdir()] == ["zoo-my-gan"]
    for line in (*everything(Path("zoo-my-gan")), "pip install -e 'zoo-my-gan[test]'", "zoo train my-gan"):
        assert f"  {line}\n" in outcome.out
    assert "  python -m pytest zoo-my-gan\n" in outcome.out


@pytest.mark.parametrize(
    ("given", "architecture", "distribution", "module", "class_name"),
    [
        ("my-gan", "my-gan", "zoo-my-gan", "zoo_my_gan", "MyGan"),
        ("zoo-my-gan", "my-gan", "zoo-my-gan", "zoo_my_gan", "MyGan"),
        ("zoo_my_gan", "my_gan", "zoo-my-gan", "zoo_my_gan", "MyGan"),
        ("wgan2", "wgan2", "zoo-wgan2", "zoo_wgan2", "Wgan2"),
        ("a_b", "a_b", "zoo-a-b", "zoo_a_b", "AB"),
    ],
)
def test_every_name_is_made_from_one(given, architecture, distribution, module, class_name):
    names = choose_names(given)
    assert (names.architecture, names.distribution, names.module, names.class_name) == (
        architecture, distribution, module, class_name,
    )  # fmt: skip


@pytest.mark.parametrize("name", GOOD)
def test_the_files_fit_each_other_under_any_name(name):
    names = choose_names(name)
    content = render(names)
    project = tomllib.loads(content["pyproject.toml"])
    assert project["project"]["name"] == names.distribution
    assert project["project"]["entry-points"][GROUP] == {name: names.module}
    assert project["tool"]["setuptools"]["py-modules"] == [names.module]
    module = ast.parse(content[f"{names.module}.py"])
    assert names.class_name in [node.name for node in module.body if isinstance(node, ast.ClassDef)]
    assert f'zoo_architecture("{name}"' in content[f"tests/test_{names.identifier}.py"]
    assert "python-version: ${{ matrix.python-version }}" in content[".github/workflows/test.yml"]


@pytest.mark.parametrize("name", GOOD)
@pytest.mark.skipif(importlib.util.find_spec("ruff") is None, reason="ruff is not installed (the extra lint)")
def test_the_files_are_formatted_and_linted_under_any_name(cli, name):
    assert cli("new", name, "--out", "package").code == 0
    wide = ["--select", "E,F,W,I,UP,B,C4,SIM,PT,PIE,RET,N,RUF"]
    for command in (["format", "--check"], ["check"], ["check", *wide]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--isolated", "--no-cache", "package"],
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_module_is_written_for_the_api_that_wrote_it():
    module = ast.parse(render(Names("my-gan"))["zoo_my_gan.py"])
    (declared,) = [node.value.value for node in module.body if ast.unparse(node).startswith("zoo_api = ")]
    check_api(declared)


def test_the_dependency_is_this_zoo_and_not_an_older_package_of_the_same_name():
    assert tomllib.loads(render(Names("my-gan"))["pyproject.toml"])["project"]["dependencies"] == ["zoo-gan>=0.1"]
    assert zoo.__version__ >= "0.1"


def test_the_template_holds_what_is_written_and_nothing_else():
    """And by that name: what does not end so is not installed with zoo."""
    held = {file.name for file in files("zoo.scaffold").joinpath("template").iterdir()}
    assert held == {f"{source}.template" for source in FILES.values()}


def test_out_names_the_folder(cli):
    outcome = cli("new", "my-gan", "--out", "a/b c")
    assert outcome.code == 0
    assert everything(Path("a/b c")) == render(Names("my-gan"))
    assert "pip install -e 'a/b c[test]'" in outcome.out
    assert "python -m pytest 'a/b c'" in outcome.out


def test_an_empty_folder_is_filled_and_stays_the_same_folder(cli):
    before = os.stat(".").st_ino
    assert cli("new", "my-gan", "--out", ".").code == 0
    assert os.stat(".").st_ino == os.stat(Path.cwd()).st_ino == before
    assert everything(Path()) == render(Names("my-gan"))


# ---- names that do not fit


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("My Gan", "my-gan"), ("gan!", "gan"), ("1gan", "gan"), ("", "my-gan"), ("..", "my-gan"), ("a--b", "a-b"),
        ("-x", None), ("gan-", "gan"), ("a/b", "a-b"), ("zoo-", "my-gan"), ("gän", "g-n"), ("../up", "up"),
        ("gan\n", "gan"), ("MyGAN", "mygan"), ("zoo-1", "my-gan"),
    ],
)  # fmt: skip
def test_a_name_that_is_none(cli, given, meant):
    outcome = cli("new", given)
    assert outcome.code == 2
    if meant:
        assert_refused(outcome, "is no name for an architecture", f"zoo new {meant}\n")
    assert list(Path().iterdir()) == []


@pytest.mark.parametrize("given", ["class", "true", "none", "field", "import"])
def test_a_name_that_python_has_a_meaning_for(cli, given):
    assert_refused(cli("new", given), repr(given), "Python", f"zoo new {given}-gan")


def test_a_name_that_is_too_long(cli):
    assert_refused(cli("new", "g" * (LONGEST + 1)), f"is {LONGEST + 1} letters long", f"{LONGEST} at most")


def test_every_name_it_takes_is_one_that_the_registry_takes():
    import re

    assert all(re.fullmatch(NAME, choose_names(name).architecture) for name in GOOD)


@pytest.mark.parametrize("given", ["dcgan", "zoo-dcgan"])
def test_the_name_of_an_architecture_that_is_there(cli, given):
    words = "'dcgan' already", f"zoo-gan {zoo.__version__}", "another", "zoo list"
    assert_refused(cli("new", given), *words)


def test_a_name_that_two_plugins_fight_over(cli, install):
    source = "import zoo\nclass A(zoo.Architecture):\n name = 'mine'\n generator = discriminator = print\n"
    source += "@zoo.hookimpl\ndef zoo_register_architectures(register): register(A)\n"
    install(source, "first_mine")
    install(source, "second_mine")
    assert_refused(cli("new", "mine"), "there is an architecture 'mine' already", "first-mine 1.0", "second-mine 1.0")


def test_the_name_of_a_module_that_is_there(cli, install):
    install("", "zoo_mine", point="other")
    assert_refused(cli("new", "mine"), "there is a module zoo_mine already", "zoo_mine.py; choose another name")
    assert_refused(cli("new", "plugins"), "there is a module zoo_plugins already")


# ---- places that do not fit


def test_a_folder_that_holds_something(cli):
    Path("zoo-my-gan").mkdir()
    Path("zoo-my-gan/notes.txt").write_text("mine")
    assert_refused(cli("new", "my-gan"), "zoo-my-gan holds 'notes.txt' already", "--out")
    assert everything(Path()) == {"zoo-my-gan/notes.txt": "mine"}


def test_a_file_in_the_way(cli):
    Path("file").write_text("mine")
    assert_refused(cli("new", "my-gan", "--out", "file"), "cannot write file", "a file of that name is in the way")
    assert_refused(cli("new", "my-gan", "--out", "file/x"), "cannot write file/x", "in the way")
    Path("link").symlink_to("nowhere")
    assert_refused(cli("new", "my-gan", "--out", "link"), "a file of that name is in the way")
    assert everything(Path()) == {"file": "mine"}


def test_an_empty_out(cli):
    assert_refused(cli("new", "my-gan", "--out", ""), "--out is empty")


def test_a_place_without_permission(cli, monkeypatch):
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(Path, "mkdir", refuse)
    assert_refused(cli("new", "my-gan"), "cannot write zoo-my-gan", "no permission", "--out")
    assert list(Path().iterdir()) == []


@pytest.mark.parametrize("out", ["zoo-my-gan", "empty", "a/b"])
@pytest.mark.parametrize("room", range(len(FILES)))
@pytest.mark.parametrize("why", [OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), KeyboardInterrupt()])
def test_what_is_broken_off_leaves_nothing(cli, monkeypatch, out, room, why):
    Path("empty").mkdir()
    write, written = Path.write_text, []

    def limited(path: Path, text: str, **how: str) -> None:
        written.append(path)
        write(path, text[: len(text) // 2], **how)
        if len(written) > room:
            raise why
        write(path, text, **how)

    monkeypatch.setattr(Path, "write_text", limited)
    outcome = cli("new", "my-gan", "--out", out)
    if isinstance(why, KeyboardInterrupt):
        assert outcome.code == 130
    else:
        assert_refused(outcome, f"cannot write {out}", "the disk is full; make room", "--out")
    assert [str(path) for path in Path().rglob("*")] == ["empty"]
