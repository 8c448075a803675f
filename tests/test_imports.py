"""Who may import whom: the rules of the design, read from the source."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from interpreter import alone

import zoo

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[1]  # the sources, though zoo may be installed elsewhere
PACKAGE = sorted((ROOT / "zoo").rglob("*.py"))
PLUGINS = sorted((ROOT / "plugins").rglob("*.py"))


class Import(NamedTuple):
    """An import that runs, now or when its function does; `name` is the module, with the name taken from it."""

    file: str
    line: int
    name: str


def imports(tree: ast.AST, file: str) -> Iterator[Import]:
    """Every import below a node, those inside functions too; those for the type checker alone never run."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if isinstance(node, ast.Import):
            yield from (Import(file, node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}:{node.lineno} is a relative import"
            yield from (Import(file, node.lineno, f"{node.module}.{alias.name}") for alias in node.names)
        else:
            yield from imports(node, file)


def imports_of(path: Path) -> list[Import]:
    return list(imports(ast.parse(path.read_text("utf-8")), str(path.relative_to(ROOT))))


def within(name: str, *packages: str) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def files(*rooms: str) -> list[Path]:
    """The files of some rooms of the package: "ops" is zoo/ops.py or all of zoo/ops/."""
    found = [p for p in PACKAGE if p.relative_to(ROOT / "zoo").with_suffix("").parts[0] in rooms]
    assert found
    return found


def breaches(paths: list[Path], allowed) -> list[str]:
    return [f"{i.file}:{i.line} imports {i.name}" for path in paths for i in imports_of(path) if not allowed(i.name)]


def stdlib(name: str) -> bool:
    return name.partition(".")[0] in sys.stdlib_module_names


def test_the_reader_of_imports_sees_those_inside_functions_and_not_those_for_the_type_checker():
    source = "if TYPE_CHECKING:\n    import a\ndef f():\n    from b import c\nclass D:\n    import e.f\n"
    assert [i.name for i in imports(ast.parse(source), "x")] == ["b.c", "e.f"]


def test_every_package_is_among_those_that_are_installed():
    setuptools = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]
    rooms = {path.parent.relative_to(ROOT) for path in [*PACKAGE, *PLUGINS] if path.name == "__init__.py"}
    names = {re.sub("^plugins", "zoo_plugins", ".".join(room.parts)) for room in rooms}
    assert names | {"zoo_plugins"} == set(setuptools["packages"])
    assert {path.suffix for path in (ROOT / "zoo/scaffold/template").iterdir()} == {".template"}


def test_errors_imports_nothing_of_ours():
    assert breaches(files("errors"), stdlib) == []


def test_native_imports_nothing_of_ours_and_no_torch():
    assert breaches([ROOT / "zoo/system/native.py"], stdlib) == []


def test_ops_imports_only_torch_numpy_errors_and_what_system_tells_of_them_and_the_processor():
    def allowed(name: str) -> bool:
        known = (
            "torch",
            "numpy",
            "zoo.errors",
            "zoo.system.native",
            "zoo.system.processor",
            "zoo.system.torch_version",
            "zoo.ops",
        )
        return stdlib(name) or within(name, *known)

    assert breaches(files("ops"), allowed) == []


def test_nn_imports_only_ops_and_errors_of_ours():
    def allowed(name: str) -> bool:
        return stdlib(name) or within(name, "torch", "numpy", "zoo.errors", "zoo.ops", "zoo.nn")

    assert breaches(files("nn"), allowed) == []


@pytest.mark.parametrize(
    "room",
    [
        "options",
        "architecture",
        "objective",
        "callback",
        "step_context",
        "metric",
        "augmentation",
        "transform",
        "exporter",
        "command",
        "data",
        "run",
        "generate",
        "evaluate",
        "ops",
        "nn",
        "plots",
        "plugins",
        "system",
    ],
)
def test_nothing_below_the_engine_imports_engine_or_cli(room):
    assert breaches(files(room), lambda name: not within(name, "zoo.engine", "zoo.cli")) == []


def test_only_the_cli_and_the_main_module_import_the_cli():
    others = [path for path in PACKAGE if path.relative_to(ROOT).parts[1] not in ("cli", "__main__.py")]
    assert breaches(others, lambda name: not within(name, "zoo.cli")) == []


def test_only_the_cli_imports_the_theory():
    others = [path for path in PACKAGE if path.relative_to(ROOT).parts[1] not in ("cli", "theory")]
    assert breaches(others, lambda name: not within(name, "zoo.theory")) == []


def test_the_scaffold_is_for_the_cli_and_needs_no_engine():
    others = [path for path in PACKAGE if path.relative_to(ROOT).parts[1] not in ("cli", "scaffold")]
    assert breaches(others, lambda name: not within(name, "zoo.scaffold")) == []
    assert breaches(files("scaffold"), lambda name: not within(name, "torch", "zoo.engine", "zoo.cli")) == []


def test_only_the_cli_imports_the_conformance_kit():
    others = [path for path in PACKAGE if path.relative_to(ROOT).parts[1] not in ("cli", "testing")]
    assert breaches(others, lambda name: not within(name, "zoo.testing")) == []


def test_the_conformance_kit_imports_no_torch_until_it_checks():
    alone("import zoo.testing; zoo.testing.CHECKS; heavy('torch', 'numpy', 'safetensors')")


def test_matplotlib_is_imported_in_one_place_and_where_it_is_used():
    """`zoo.plots.figure` says what to install where it is missing; nothing else may need it."""
    others = [path for path in PACKAGE if path.relative_to(ROOT).parts[1:] != ("plots", "figure.py")]
    assert breaches(others, lambda name: not within(name, "matplotlib")) == []


def test_nothing_in_zoo_imports_a_plugin():
    assert breaches(PACKAGE, lambda name: not within(name, "zoo_plugins", "plugins")) == []


def test_every_name_in_zoo_that_is_reached_by_text_is_no_plugin_either():
    """`importlib.import_module("zoo_plugins…")` would get round the rule above."""
    texts = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in PACKAGE
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("zoo_plugins")
    ]
    assert texts == []


def test_plugins_import_zoo_as_one_name_and_nothing_that_starts_with_an_underscore():
    def allowed(name: str) -> bool:
        ours = name == "zoo" or within(name, "zoo_plugins")
        private = any(part.startswith("_") and part != "__future__" for part in name.split("."))
        return (ours or not within(name, "zoo")) and not private

    assert breaches(PLUGINS, allowed) == []


def test_plugins_use_only_public_names_of_zoo():
    used = {
        (str(path.relative_to(ROOT)), node.attr)
        for path in PLUGINS
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "zoo"
    }
    assert used
    assert {(file, name) for file, name in used if name not in zoo.__all__} == set()


def test_every_public_name_resolves_and_is_listed():
    for name in zoo.__all__:
        assert getattr(zoo, name) is not None
    assert set(zoo.__all__) <= set(dir(zoo))


def test_a_name_that_zoo_does_not_have_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'zoo' has no attribute 'trian'"):
        _ = zoo.trian


def test_import_zoo_imports_neither_torch_nor_pydantic():
    alone("import zoo; heavy('torch', 'pydantic', 'numpy', 'tyro', 'rich', 'PIL', 'matplotlib')")


@pytest.mark.parametrize(
    "command",
    ["--help", "list", "info dcgan", "train dcgan --help", "train digits --help", "train ./nowhere",
     "train lsgan --preset pearson --help", "sample --help",
     "evaluate --help", "evaluate nowhere --metric nonsense", "export --help", "export nowhere --to nonsense", "tensorboard --help",
     "interpolate --help", "arithmetic --help", "arithmetic nowhere 3+", "resume --help", "verify --help", "theory --help",
     "curves --help", "curves nowhere", "info cgan", "train", "nonsense", "check --help", "check",
     "check dcgan --help", "check dcgan --only nonsense", "new --help", "new my-gan", "new dcgan"],
)  # fmt: skip
def test_a_command_that_builds_nothing_never_imports_torch(command):
    alone(
        "import io, zoo.cli\n"
        "sys.stdout = sys.stderr = io.StringIO()\n"
        f"try: zoo.cli.run({command.split()!r})\n"
        "except SystemExit: pass\n"
        "sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__\n"
        "heavy('torch', 'safetensors.torch', 'matplotlib')"
    )


def test_a_command_that_does_build_is_seen_to_import_torch():
    """The watch above would notice: `zoo doctor` looks for devices."""
    with pytest.raises(AssertionError, match="'torch'"):
        alone("import io, zoo.cli\nsys.stdout = io.StringIO()\nzoo.cli.run(['doctor'])\nheavy('torch')")
