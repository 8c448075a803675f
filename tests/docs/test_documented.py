"""Every public name, hook and command: what it is is written down, the reference has it, and a test uses it.

The names of a list are asked for what they lack, so that a name which nobody wrote down comes back: the first tests make one up.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

import pytest

import zoo
from zoo.cli import COMMANDS
from zoo.plugins.kinds import COMMAND
from zoo.plugins.registry import registry

ROOT = Path(__file__).parents[2]
REFERENCE = "".join(page.read_text("utf-8") for page in sorted((ROOT / "docs/reference").glob("*.md")))
ENTRIES = set(re.findall(r"^::: (\S+)", REFERENCE, re.MULTILINE))
PAGES = REFERENCE + "".join(page.read_text("utf-8") for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
TESTS = "".join(path.read_text("utf-8") for path in (ROOT / "tests").rglob("*.py") if path != Path(__file__))
PACKAGES = [
    path for room in ("plugins", "examples") for path in (ROOT / room).rglob("*.py") if "tests" not in path.parts
]

MODULES = ["zoo.evaluate", "zoo.generate", "zoo.nn", "zoo.ops", "zoo.testing"]
SPECS = "zoo.plugins.hookspecs"
HOOKS = [f"{SPECS}.{name}" for name in vars(importlib.import_module(SPECS)) if name.startswith("zoo_")]
ERRORS = [
    f"zoo.errors.{name}"
    for name, value in vars(zoo.errors).items()
    if isinstance(value, type) and issubclass(value, zoo.errors.ZooError)
]
PUBLIC = [f"zoo.{name}" for name in zoo.__all__ if not inspect.ismodule(getattr(zoo, name))]
PUBLIC += [f"{module}.{name}" for module in MODULES for name in importlib.import_module(module).__all__]


def without_docstring(names: Iterable[str]) -> list[str]:
    """The names, and the methods and properties of classes, that say nothing of themselves; what is inherited does not count."""
    found = []
    for name in names:
        module, _, last = name.rpartition(".")
        value = getattr(importlib.import_module(module), last, None)
        if not (_own_words(value) or _words_below(module, last)):
            found.append(name)
        if isinstance(value, type):
            found += [
                f"{name}.{member}"
                for member, what in vars(value).items()
                if not member.startswith("_") and member not in OF_TORCH and _is_code(what) and not _own_words(what)
            ]
    return found


OF_TORCH = {"extra_repr"}
"""What torch.nn.Module declares and documents."""


def _is_code(value: object) -> bool:
    return inspect.isfunction(value) or isinstance(value, (property, classmethod, staticmethod))


def _own_words(value: object) -> str | None:
    """The docstring of a class or a function, not that of the class which a value is an instance of."""
    written = inspect.isclass(value) or inspect.ismodule(value) or _is_code(value)
    words = vars(value).get("__doc__") if inspect.isclass(value) else getattr(value, "__doc__", None)
    generated = inspect.isclass(value) and words and words.startswith(f"{value.__name__}(")  # as dataclasses do
    return words if written and not generated else None


def _words_below(module: str, name: str) -> bool:
    """Whether the text below an assignment says what the name is, in the module or where the module has it from."""
    tree = ast.parse(inspect.getsource(importlib.import_module(module)))
    homes = [
        node.module
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and name in [alias.name for alias in node.names]
    ]
    return any(_words_below(home, name) for home in homes if home) or any(
        isinstance(line, (ast.Assign, ast.AnnAssign))
        and name in [ast.unparse(target) for target in (getattr(line, "targets", None) or [line.target])]
        and isinstance(following, ast.Expr)
        and isinstance(following.value, ast.Constant)
        for line, following in pairwise(tree.body)
    )


def without_entry(names: Iterable[str]) -> list[str]:
    """The names that no page of the reference has an entry for."""
    return [name for name in names if name not in ENTRIES]


def without_test(names: Iterable[str]) -> list[str]:
    """The names that no test uses: as `ops.check`, or imported from where they live."""
    found = []
    for name in names:
        module, last = name.split(".")[-2:]
        used = rf"{module}\.{last}\b|import .*\b{last}\b" if module != "hookspecs" else rf"\b{last}\b"
        if not re.search(used, TESTS):
            found.append(name)
    return found


def without_implementation(hooks: Iterable[str]) -> list[str]:
    """The hooks that no package of this repository implements, be it built in or an example."""
    implemented = {
        node.name
        for path in PACKAGES
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef)
        and any(ast.unparse(mark) == "zoo.hookimpl" for mark in node.decorator_list)
    }
    return [hook for hook in hooks if hook.rpartition(".")[2] not in implemented]


def commands_without(pattern: str, text: str, commands: Iterable[str]) -> list[str]:
    """The commands for which the pattern, with the command's name in place of NAME, is not in the text."""
    return [name for name in commands if not re.search(pattern.replace("NAME", re.escape(name)), text)]


SHOWN = r"\bzoo NAME\b"
TRIED = r"[\"'(]NAME[\"' ]"
HELPED = r"<!-- help: NAME -->"


@pytest.mark.parametrize("lacking", [without_docstring, without_entry, without_test, without_implementation])
def test_a_name_that_is_made_up_is_found_to_lack_everything(lacking):
    assert lacking(["zoo.plugins.hookspecs.zoo_made_up"]) == ["zoo.plugins.hookspecs.zoo_made_up"]
    assert lacking(["zoo.plugins.hookspecs.zoo_register_architectures"]) == []


@pytest.mark.parametrize(("pattern", "text"), [(SHOWN, PAGES), (HELPED, REFERENCE), (TRIED, TESTS)])
def test_a_command_that_is_made_up_is_found_to_lack_everything(pattern, text):
    assert commands_without(pattern, text, ["made-up", "train"]) == ["made-up"]


def test_a_docstring_that_is_inherited_is_not_one(monkeypatch):
    class Silent(zoo.Architecture):
        def generator(self, options, data):
            pass

    monkeypatch.setattr(zoo, "Silent", Silent, raising=False)
    assert without_docstring(["zoo.Silent"]) == ["zoo.Silent", "zoo.Silent.generator"]


@pytest.mark.parametrize("names", [HOOKS, ERRORS, PUBLIC], ids=["hooks", "errors", "public names"])
@pytest.mark.parametrize("lacking", [without_docstring, without_entry, without_test])
def test_every_name_is_documented_and_tested(names, lacking):
    assert names
    assert lacking(names) == []


def test_every_hook_is_implemented_by_a_package_of_this_repository():
    assert without_implementation(HOOKS) == []


def test_every_command_is_shown_has_its_help_in_the_reference_and_is_tested():
    known = registry()
    ours = [name for name, command in known.of_kind(COMMAND).items() if command.__module__.startswith("zoo_plugins")]
    assert ours
    names = [*COMMANDS, *ours]
    assert commands_without(SHOWN, PAGES, names) == []
    assert commands_without(HELPED, REFERENCE, names) == []
    assert commands_without(TRIED, TESTS, names) == []


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_says_what_it_does(command):
    words = inspect.getdoc(importlib.import_module(f"zoo.cli.{command}"))
    assert words
    assert f"zoo {command}" in words


def test_the_options_and_presets_of_every_built_in_architecture_are_in_the_reference():
    known = registry()
    ours = [name for name in known.names if known.contribution(name).plugin.distribution == "zoo-gan"]
    lacking = [
        f"{what} of {name}"
        for name in ours
        for what in ("options", "presets")
        if f"<!-- {what}: {name} -->" not in REFERENCE
    ]
    assert ours
    assert lacking == []
