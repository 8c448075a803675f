"""Packages of other people, as they would make and use them: installed, listed, trained, tested and removed, all from outside."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from outside import environment

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

EXAMPLES = sorted(file.parent for file in (Path(__file__).parents[2] / "examples").glob("*/pyproject.toml"))
NEW = "zoo-my-gan"
"""What `zoo new my-gan` writes."""

PACKAGES = [NEW, *(folder.name for folder in EXAMPLES)]
SOURCES = shutil.ignore_patterns("*.egg-info", "__pycache__", ".*", "build", "runs")
QUICK = ["--steps", 2, "--batch-size", 4, "--samples", 4, "--log-every", 1]

pytestmark = pytest.mark.slow


@dataclass
class World:
    """An environment with packages in it, and the folder that their sources are in."""

    folder: Path
    variables: dict[str, str]

    def run(self, *command: object, at: Path | None = None) -> str:
        """Run a command to a good end; returns what it printed."""
        done = subprocess.run(
            [*map(str, command)],
            cwd=at or self.folder,
            env=self.variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=600,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}"
        return done.stdout

    def architectures(self) -> dict[str, dict[str, Any]]:
        """What `zoo list` knows."""
        known: dict[str, dict[str, Any]] = json.loads(self.run("zoo", "list", "--json"))["architectures"]
        return known


def world(folder: Path, cache: Path) -> World:
    folder.mkdir(exist_ok=True)
    return World(folder, environment(folder / "environment", cache))


@pytest.fixture(scope="session")
def outside(tmp_path_factory: pytest.TempPathFactory, shared_cache: Path) -> World:
    """All packages, installed by one command as their authors would."""
    made = world(tmp_path_factory.mktemp("outside"), shared_cache)
    made.run("zoo", "new", "my-gan")
    for example in EXAMPLES:  # a copy: installing leaves files beside the sources
        shutil.copytree(example, made.folder / example.name, ignore=SOURCES)
    made.run("pip", "install", *(word for package in PACKAGES for word in ("-e", f"./{package}[test]")))
    return made


@pytest.fixture(scope="session")
def listed(outside: World) -> dict[str, dict[str, Any]]:
    return outside.architectures()


def contributed(package: str, listed: dict[str, dict[str, Any]]) -> list[str]:
    """The architectures of a package, of the version that its pyproject.toml says."""
    return [name for name, about in listed.items() if about["from"].partition(" ")[0] == package]


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_is_listed_with_its_distribution_and_version(outside, listed, package):
    project = tomllib.loads((outside.folder / package / "pyproject.toml").read_text("utf-8"))["project"]
    assert contributed(package, listed)
    for name in contributed(package, listed):
        assert listed[name]["from"] == f"{project['name']} {project['version']}"
        assert listed[name]["summary"]


@pytest.mark.parametrize("package", PACKAGES)
def test_what_it_brings_trains_goes_on_and_draws(outside, listed, package):
    for name in contributed(package, listed):
        run = outside.folder / f"run-{name}"
        preset = min(listed[name]["presets"], key=lambda preset: preset != "quick")  # or the first
        outside.run("zoo", "train", name, "--preset", preset, *QUICK, "--out", run)
        assert "zoo sample" in outside.run("zoo", "resume", run, "--steps", 3)
        assert [json.loads(line)["step"] for line in (run / "metrics.jsonl").read_text().splitlines()] == [1, 2, 3]
        outside.run("zoo", "sample", run, "--n", 4, "--out", run / "four.png")
        assert (run / "four.png").read_bytes()[:4] == b"\x89PNG"
        plugin = json.loads((run / "config.json").read_text())["plugin"]
        assert f"{plugin['distribution']} {plugin['version']}" == listed[name]["from"]


@pytest.mark.parametrize("package", PACKAGES)
def test_its_own_tests_pass_untouched(outside, package):
    said = outside.run("python", "-m", "pytest", at=outside.folder / package)
    assert " passed" in said
    assert "warning" not in said


def test_what_is_removed_is_gone(tmp_path, shared_cache):
    here = world(tmp_path, shared_cache)
    shutil.copytree(EXAMPLES[0].with_name("zoo-hinge"), tmp_path / "zoo-hinge", ignore=SOURCES)
    before = here.architectures()
    here.run("pip", "install", "-e", "./zoo-hinge")
    assert here.architectures().keys() - before.keys() == {"hinge"}
    here.run("python", "-m", "pip", "uninstall", "--yes", "zoo-hinge")
    assert here.architectures() == before
