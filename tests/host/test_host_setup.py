"""What setup.py says where a build cannot be."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
import setuptools
from messages import saying

SETUP = Path(__file__).resolve().parents[2] / "setup.py"


@pytest.fixture
def build(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """setup.py, without what it does when it runs."""
    if not SETUP.exists():
        pytest.skip("setup.py is not beside the tests")
    monkeypatch.setattr(setuptools, "setup", lambda **_: None)
    monkeypatch.setenv("ZOO_NATIVE", "0")
    spec = importlib.util.spec_from_file_location("zoo_setup", SETUP)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setenv("ZOO_NATIVE", "auto")
    monkeypatch.setattr(module, "output", lambda *_: "compute_80\ncompute_90\ncompute_90a\n")
    return module


@pytest.mark.parametrize(
    ("given", "chosen"),
    [("", [80, 90]), ("90", [90]), ("9.0, 8.0", [80, 90]), ("sm_80;compute_90", [80, 90]), ("80 80", [80])],
)
def test_architectures_that_fit(build, monkeypatch, given, chosen):
    monkeypatch.setenv("ZOO_CUDA_ARCHITECTURES", given)
    assert build.cuda_architectures() == chosen


@pytest.mark.parametrize("given", ["90a", "75", "hopper", "80 9.0a"])
def test_architectures_that_do_not_fit_are_answered_with_those_that_do(build, monkeypatch, given):
    monkeypatch.setenv("ZOO_CUDA_ARCHITECTURES", given)
    with pytest.raises(RuntimeError, match=saying(f"'{given.split()[-1]}'", "compiles for 80 90")):
        build.cuda_architectures()


def test_an_nvcc_that_knows_none_of_ours_is_said_to(build, monkeypatch):
    monkeypatch.delenv("ZOO_CUDA_ARCHITECTURES", raising=False)
    monkeypatch.setattr(build, "output", lambda *_: "compute_35\n")
    with pytest.raises(RuntimeError, match=saying("none of the architectures", "compiles for 35")):
        build.cuda_architectures()


@pytest.mark.parametrize("architectures", [[75], [80], [75, 80, 90], [90, 100]])
def test_code_is_generated_for_every_architecture_and_those_to_come(build, architectures):
    flags = " ".join(build.code_generation(architectures))
    assert all(f"sm_{number}" in flags for number in architectures)
    assert "code=[" in flags


def reason(build: ModuleType, message: str) -> str:
    command = SimpleNamespace(compiler=SimpleNamespace(compiler_cxx=["c++"]))
    build.RECORD.update(libraries=[], missing={})
    build.Build.failed(command, setuptools.Extension(build.HOST, []), RuntimeError(message))
    return build.RECORD["missing"]["host"]


def test_only_a_compiler_that_is_not_there_is_called_so(build, monkeypatch, tmp_path):
    (tmp_path / "Python.h").write_text("")
    monkeypatch.setattr(build.sysconfig, "get_path", lambda name: str(tmp_path))
    monkeypatch.setattr(build.shutil, "which", lambda name: "/usr/bin/c++")
    said = reason(build, "x.cpp:1: fatal error: wanted.h: No such file or directory")
    assert "no C++ compiler" not in said
    assert "wanted.h" in said
    monkeypatch.setattr(build.shutil, "which", lambda name: None)
    assert "no C++ compiler was found" in reason(build, "command 'c++' failed: No such file or directory")


def test_missing_headers_of_python_are_called_so(build, monkeypatch, tmp_path):
    monkeypatch.setattr(build.sysconfig, "get_path", lambda name: str(tmp_path))
    monkeypatch.setattr(build.shutil, "which", lambda name: "/usr/bin/c++")
    assert "Python's headers were not found" in reason(build, "Python.h: No such file or directory")
