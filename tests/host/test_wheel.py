"""A wheel where there is no compiler and no CUDA: installed, native at once, trained with, and covered by the other zoo."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from outside import environment

from zoo import ops
from zoo.ops import library

ROOT = Path(__file__).resolve().parents[2]
QUICK = ["--width", 2, "--steps", 3, "--batch-size", 4, "--samples", 4, "--log-every", 1]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (ROOT / "setup.py").exists(), reason="setup.py is not beside the tests"),
    pytest.mark.skipif(
        "cpu" not in library.build_record().get("libraries", ()), reason="the CPU library is not built here"
    ),
]


@pytest.fixture(scope="module")
def bare(tmp_path_factory, shared_cache):
    """An environment in which a wheel of this checkout was installed, with nothing on the path but its own commands."""
    folder = tmp_path_factory.mktemp("bare")
    variables = {**os.environ, "ZOO_NATIVE": "cpu", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    subprocess.run(  # the libraries that are built already are packed, not built again
        [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", str(folder), str(ROOT)],
        env=variables, check=True, timeout=900,
    )  # fmt: skip
    (wheel,) = folder.glob("zoo_gan-*.whl")
    variables = environment(folder / "environment", shared_cache)
    variables["PATH"] = str(folder / "environment/bin")
    variables.pop("CXX", None)

    def run(*command: object, fails: bool = False) -> str:
        first = shutil.which(str(command[0]), path=variables["PATH"])
        done = subprocess.run(
            [first, *map(str, command[1:])], cwd=folder, env=variables,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=600,
        )  # fmt: skip
        assert (done.returncode != 0) == fails, done.stdout
        return done.stdout

    for tool in ("c++", "g++", "gcc", "clang++", "nvcc", "ninja"):
        assert shutil.which(tool, path=variables["PATH"]) is None
    run("pip", "install", "--no-deps", wheel)
    return run


def test_a_wheel_trains_natively_and_draws(bare):
    where = bare("zoo", "doctor")
    assert "linear              cpu     native" in where or "linear" not in ops.status()
    code = "import zoo, zoo.ops; print(zoo.__file__, zoo.ops.status()['batch_norm_act']['cpu']['served_by'])"
    place, served = bare("python", "-c", code).split()
    assert "site-packages" in place
    assert served == "native"
    bare("zoo", "train", "dcgan", *QUICK, "--out", "run")
    assert "zoo resume" in bare("zoo", "resume", "run", fails=True)
    bare("zoo", "sample", "run", "--n", 4)
    bare("zoo", "sample", "dcgan", "--n", 4)  # with the weights that come with it


def test_the_other_zoo_over_ours_is_said_in_one_line(bare, tmp_path):
    wheel = tmp_path / "zoo-0.1a0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("zoo/__init__.py", "'''A framework for remote procedure calls.'''\n")
        info = "zoo-0.1a0.dist-info"
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: zoo\nVersion: 0.1a0\n")
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", f"zoo/__init__.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")
    bare("pip", "install", "--no-deps", wheel)
    said = bare("zoo", "list", fails=True)
    assert said.startswith("zoo: ")
    assert "is not zoo's: zoo 0.1a0 of the package index is installed" in said
    assert "Traceback" not in said
