"""An environment of its own, as a person would make one, in which packages are really installed and used from outside."""

from __future__ import annotations

import os
import sys
import venv
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest


def environment(folder: Path, cache: Path) -> dict[str, str]:
    """A new Python environment in `folder`: the variables with which a command runs in it.

    It sees what is installed where the tests run, zoo included, and asks no index: `pip install -e .` works at once and
    anywhere, and what it installs is seen in there alone. Nothing of it reaches the environment of the tests.
    """
    try:
        version("pip")  # looked up, not imported: setuptools has its own idea of when that may be done
    except PackageNotFoundError:
        pytest.skip("pip is not installed here, which is to install packages")
    venv.create(folder, with_pip=False, symlinks=os.name != "nt")
    python = folder / "bin/python"
    places = [path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")]
    (site,) = folder.glob("lib/python*/site-packages")
    # addsitedir, not the bare path: zoo may be installed as editable, by a .pth file over there.
    (site / "outside.pth").write_text(
        "".join(f"import site; site.addsitedir({place!r})\n" for place in places), "utf-8"
    )
    _script(folder / "bin/zoo", f'exec "{python}" -m zoo "$@"')
    _script(folder / "bin/pip", f'exec "{python}" -m pip "$@" --no-build-isolation')  # with the setuptools that is here
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "ZOO_", "PYTEST_"))}
    return variables | {
        "PATH": os.pathsep.join([str(folder / "bin"), os.environ["PATH"]]),
        "PIP_NO_INDEX": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_NO_PYTHON_VERSION_WARNING": "1",
        "VIRTUAL_ENV": str(folder),
        "ZOO_CACHE": str(cache),
        "OMP_NUM_THREADS": "1",
        "COLUMNS": "200",
    }


def _script(path: Path, line: str) -> None:
    path.write_text(f"#!/bin/sh\n{line}\n", "utf-8")
    path.chmod(0o755)
