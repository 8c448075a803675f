"""What setup.py and csrc/building decide: what is built where, and what is said where it cannot be."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
import setuptools
from messages import saying

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[2]
SETUP = ROOT / "setup.py"

pytestmark = pytest.mark.skipif(not SETUP.exists(), reason="setup.py is not beside the tests")


@pytest.fixture
def building(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """setup.py without what it does when it runs, and the modules that it stands on."""
    monkeypatch.setattr(setuptools, "setup", lambda **_: None)
    monkeypatch.setattr(sys, "path", [*sys.path])
    for name in ("ZOO_CUDA_ARCHITECTURES", "ZOO_INSTRUCTION_SETS", "ZOO_TORCH", "CXX"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ZOO_NATIVE", "0")
    modules = {}
    for name, path in {
        "toolchain": ROOT / "csrc/building/toolchain.py",
        "native": ROOT / "csrc/building/native.py",
        "setup": SETUP,
    }.items():
        spec = importlib.util.spec_from_file_location(name, path)
        module = importlib.util.module_from_spec(spec)
        if name != "setup":
            monkeypatch.setitem(sys.modules, name, module)
        spec.loader.exec_module(module)
        modules[name] = module
    monkeypatch.setenv("ZOO_NATIVE", "auto")
    return SimpleNamespace(**modules)


@pytest.fixture
def toolchain(building: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.setattr(building.toolchain, "output", lambda *_: "compute_80\ncompute_90\ncompute_90a\n")
    return building.toolchain


# ---- for which GPUs


@pytest.mark.parametrize(
    ("given", "chosen"),
    [("", [80, 90]), ("90", [90]), ("9.0, 8.0", [80, 90]), ("sm_80;compute_90", [80, 90]), ("80 80", [80])],
)
def test_architectures_that_fit(toolchain, monkeypatch, given, chosen):
    monkeypatch.setenv("ZOO_CUDA_ARCHITECTURES", given)
    assert toolchain.cuda_architectures([]) == chosen


def test_the_gpus_that_are_here_are_enough(toolchain):
    assert toolchain.cuda_architectures([90]) == [90]


@pytest.mark.parametrize("given", ["90a", "75", "hopper", "80 9.0a"])
def test_architectures_that_do_not_fit_are_answered_with_those_that_do(toolchain, monkeypatch, given):
    monkeypatch.setenv("ZOO_CUDA_ARCHITECTURES", given)
    with pytest.raises(RuntimeError, match=saying(f"'{given.split()[-1]}'", "compiles for 80 90")):
        toolchain.cuda_architectures([])


def test_an_nvcc_that_knows_none_of_ours_is_said_to(toolchain, monkeypatch):
    monkeypatch.setattr(toolchain, "output", lambda *_: "compute_35\n")
    with pytest.raises(RuntimeError, match=saying("none of the architectures", "compiles for 35")):
        toolchain.cuda_architectures([])


@pytest.mark.parametrize("architectures", [[75], [80], [75, 80, 90], [90, 100]])
def test_code_is_generated_for_every_architecture_and_those_to_come(building, architectures):
    flags = " ".join(building.native.code_generation(architectures))
    assert all(f"sm_{number}" in flags for number in architectures)
    assert "code=[" in flags


@pytest.mark.parametrize(
    ("mode", "asked", "here", "edition", "nvcc", "why"),
    [
        ("auto", "", [], True, "nvcc", "no NVIDIA GPU answered"),
        ("auto", "", [90], False, "nvcc", "an edition without CUDA"),
        ("auto", "", [90], True, None, "nvcc was not found"),
        ("auto", "80", [], False, None, "nvcc was not found"),
        ("cpu", "", [90], True, "nvcc", "ZOO_NATIVE=cpu"),
        ("auto", "", [90], True, "nvcc", ""),
        ("auto", "80", [], False, "nvcc", ""),
        ("cuda", "", [], False, "nvcc", ""),
    ],
)
def test_the_cuda_library_is_built_where_it_is_of_use_or_asked_for(
    building, toolchain, monkeypatch, mode, asked, here, edition, nvcc, why
):
    monkeypatch.setenv("ZOO_NATIVE", mode)
    monkeypatch.setenv("ZOO_CUDA_ARCHITECTURES", asked)
    monkeypatch.setattr(toolchain, "gpus", lambda: here)
    monkeypatch.setattr(toolchain, "nvcc", lambda: nvcc)
    record = building.setup.Record()
    found = building.setup.cuda_wanted(SimpleNamespace(has_cuda=edition, version="2.13.0+cpu"), record)
    assert bool(found) == (not why)
    assert why in record.facts["missing"].get("cuda", "")


def test_what_was_asked_for_and_cannot_be_had_ends_the_installation(building, toolchain, monkeypatch):
    monkeypatch.setenv("ZOO_NATIVE", "cuda")
    monkeypatch.setattr(toolchain, "nvcc", lambda: None)
    with pytest.raises(SystemExit, match="ZOO_NATIVE=cuda: the cuda library could not be built: nvcc was not found"):
        building.setup.cuda_wanted(SimpleNamespace(has_cuda=True, version="2.13.0"), building.setup.Record())


# ---- for which processors


@pytest.mark.parametrize(
    ("flags", "best"),
    [
        ("fpu sse2 avx2 fma avx512f avx512bw avx512dq avx512vl", "avx512"),
        ("fpu sse2 avx2 fma avx512f", "avx2"),
        ("fpu sse2 avx2", "baseline"),
    ],
)
def test_native_is_the_best_that_the_processor_has(toolchain, monkeypatch, tmp_path, flags, best):
    (tmp_path / "cpuinfo").write_text(f"processor : 0\nflags\t\t: {flags}\n")
    monkeypatch.setattr(toolchain, "Path", lambda _: tmp_path / "cpuinfo")
    monkeypatch.setattr(toolchain.platform, "machine", lambda: "x86_64")
    monkeypatch.setenv("ZOO_INSTRUCTION_SETS", "native")
    assert toolchain.instruction_sets() == [best]


def test_instruction_sets_are_all_unless_some_are_named(toolchain, monkeypatch):
    monkeypatch.setattr(toolchain.platform, "machine", lambda: "x86_64")
    assert toolchain.instruction_sets() == ["baseline", "avx2", "avx512"]
    monkeypatch.setenv("ZOO_INSTRUCTION_SETS", "avx2,baseline")
    assert toolchain.instruction_sets() == ["baseline", "avx2"]
    monkeypatch.setenv("ZOO_INSTRUCTION_SETS", "avx3")
    with pytest.raises(RuntimeError, match=saying("'avx3'", "all, native, or some of baseline avx2 avx512")):
        toolchain.instruction_sets()
    monkeypatch.setenv("ZOO_INSTRUCTION_SETS", "all")
    monkeypatch.setattr(toolchain.platform, "machine", lambda: "aarch64")
    assert toolchain.instruction_sets() == ["baseline"]


# ---- against which torch


@pytest.fixture
def environment(toolchain, monkeypatch, tmp_path):
    """An environment that has no torch on the path, and a folder for its packages."""
    monkeypatch.setattr(toolchain.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(toolchain.sysconfig, "get_path", lambda name: str(tmp_path / "site-packages"))
    monkeypatch.setattr(toolchain.site, "getsitepackages", list)
    monkeypatch.setattr(toolchain.site, "ENABLE_USER_SITE", False)
    return tmp_path / "site-packages"


def write_torch(folder: Path, version: str = "2.13.0+cpu", cuda: str = "None") -> Path:
    (folder / "torch/include/torch/csrc/stable").mkdir(parents=True)
    (folder / "torch/version.py").write_text(f"__version__ = '{version}'\ncuda: Optional[str] = {cuda}\n")
    return folder / "torch"


def test_an_isolated_build_compiles_against_the_torch_of_the_environment(toolchain, environment):
    assert toolchain.find_torch() is None
    folder = write_torch(environment)
    found = toolchain.find_torch()
    assert (found.folder, found.version, found.has_cuda, found.too_old) == (folder, "2.13.0+cpu", False, False)


@pytest.mark.parametrize(("version", "too_old"), [("2.10.1", True), ("2.11.0", False), ("3.0", False)])
def test_a_torch_that_is_too_old_and_one_with_cuda_are_seen_to_be(toolchain, environment, version, too_old):
    write_torch(environment, version, "'13.0'")
    assert (toolchain.find_torch().too_old, toolchain.find_torch().has_cuda) == (too_old, True)


@pytest.mark.parametrize(("mode", "asked"), [("auto", ["torch>=2.11"]), ("cuda", ["torch>=2.11"]), ("0", [])])
def test_torch_is_asked_for_only_where_there_is_none_and_it_is_needed(toolchain, environment, monkeypatch, mode, asked):
    spec = importlib.util.spec_from_file_location("backend", ROOT / "csrc/building/backend.py")
    backend = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(backend)
    monkeypatch.setenv("ZOO_NATIVE", mode)
    assert backend._torch() == asked
    write_torch(environment)
    assert backend._torch() == []


def test_an_old_torch_and_none_are_told(building, toolchain, environment):
    record = building.setup.Record()
    assert building.setup.libraries(record) == []
    assert "torch was not there" in record.facts["missing"]["cpu"]
    write_torch(environment, "2.10.0")
    record = building.setup.Record()
    assert building.setup.libraries(record) == []
    assert "torch 2.10.0 is older than 2.11" in record.facts["missing"]["cpu"]


# ---- with what


def test_a_compiler_that_is_not_there_is_said_to_be_missing(toolchain, monkeypatch):
    monkeypatch.setattr(toolchain.shutil, "which", lambda name: None)
    with pytest.raises(RuntimeError, match="no C\\+\\+ compiler was found"):
        toolchain.compiler()


def test_ccache_stands_before_the_compiler_where_it_is_installed(toolchain, monkeypatch):
    monkeypatch.setattr(toolchain.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setenv("CXX", "clang++ -fsomething")
    assert toolchain.compiler() == ["ccache", "clang++", "-fsomething"]
    monkeypatch.setenv("CXX", "ccache g++")
    assert toolchain.compiler() == ["ccache", "g++"]


def test_missing_headers_of_python_are_called_so(toolchain, monkeypatch, tmp_path):
    monkeypatch.setattr(toolchain.sysconfig, "get_path", lambda name: str(tmp_path))
    assert "Python's headers were not found" in toolchain.python_headers_missing()
    (tmp_path / "Python.h").write_text("")
    assert toolchain.python_headers_missing() == ""


@pytest.mark.slow
def test_a_library_that_fails_takes_no_other_along_and_what_the_compiler_said_is_kept(building, tmp_path):
    """Really compiled, by ninja."""
    libraries = []
    for name, code in (("good", "int good() { return 1; }"), ("bad", "int bad() { return wanted; }")):
        (tmp_path / f"{name}.cpp").write_text(code)
        rules = (
            f"rule {name}\n command = {' '.join(building.toolchain.compiler())} -fPIC -c $in -o $out\n"
            f"rule link_{name}\n command = {' '.join(building.toolchain.compiler())} -shared $in -o $out\n"
        )
        libraries.append(
            building.native.Library(
                name, {f"{name}.o": (str(tmp_path / f"{name}.cpp"), name)}, rules, link_rule=f"link_{name}"
            )
        )
    failures = building.native.build(libraries, tmp_path / "out here")
    assert list(failures) == ["bad"]
    assert "wanted" in failures["bad"]
    assert (tmp_path / "out here/good.abi3.so").exists()


def test_what_the_makefile_installs_first_is_what_the_build_asks_for():
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["build-system"]["requires"]
    line = next(line for line in (ROOT / "Makefile").read_text("utf-8").splitlines() if line.startswith("BUILD_WITH"))
    names = {word.partition(">=")[0] for word in wanted}
    assert names | {"torch", "wheel"} >= set(line.partition(":=")[2].split()) >= names | {"torch"}
