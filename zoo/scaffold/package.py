"""Writes the package: every file of the template with the names put in, all of them or none."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from importlib.resources import files
from pathlib import Path
from string import Template

from zoo.errors import OptionError
from zoo.plugins.api_version import API_VERSION
from zoo.run.files import replacing, writing
from zoo.scaffold.names import Names

FILES = {
    "pyproject.toml": "pyproject.toml",
    "$module.py": "module.py",
    "tests/test_$identifier.py": "test.py",
    "README.md": "README.md",
    ".github/workflows/test.yml": "test.yml",
    ".gitignore": "gitignore",
}
"""Each file of a package, and what it is called in the template, where ``.template`` follows."""


def render(names: Names) -> dict[str, str]:
    """The files of the package by their paths."""
    template = files("zoo.scaffold").joinpath("template")
    major = int(API_VERSION.partition(".")[0])
    values = {
        "name": names.architecture,
        "distribution": names.distribution,
        "identifier": names.identifier,
        "module": names.module,
        "class_name": names.class_name,
        "api": f">={API_VERSION},<{major + 1}",
    }

    def fill(text: str) -> str:
        return Template(text).substitute(values)

    return {
        fill(path): fill(template.joinpath(f"{source}.template").read_text("utf-8")) for path, source in FILES.items()
    }


def write_package(names: Names, folder: Path) -> list[str]:
    """Write the package into `folder`, which is new or empty; returns the paths of its files, seen from there.

    Raises OptionError for a folder that holds something, RunError for a place that cannot be written to, a full disk too;
    then nothing is left behind.
    """
    content = render(names)
    with writing(folder):
        if folder.is_dir():
            _fill_empty(folder, content)
        elif os.path.lexists(folder):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
        else:
            _make(folder, content)
    return list(content)


def _fill_empty(folder: Path, content: Mapping[str, str]) -> None:
    """Into a folder that is there, which may be the one that the person stands in: it stays the same folder."""
    if held := sorted(child.name for child in folder.iterdir()):
        raise OptionError(f"{folder} holds {held[0]!r} already; give an empty folder or a new name with --out")
    try:
        _fill(folder, content)
    except BaseException:
        for child in list(folder.iterdir()):
            if child.is_dir():
                shutil.rmtree(child, ignore_errors=True)
            else:
                child.unlink(missing_ok=True)
        raise


def _make(folder: Path, content: Mapping[str, str]) -> None:
    """A new folder, and those it is in; they appear with all their files or not at all."""
    made = [place for place in folder.parents if not place.exists()]
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with replacing(folder) as temporary:
            _fill(temporary, content)
    except BaseException:
        for place in made:
            with suppress(OSError):  # somebody else may have put something there
                place.rmdir()
        raise


def _fill(folder: Path, content: Mapping[str, str]) -> None:
    for path, text in content.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8", newline="\n")
