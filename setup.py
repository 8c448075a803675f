"""Builds the native core; everything declarative is in pyproject.toml, what it is built with and how in csrc/building.

ZOO_NATIVE=auto  what can be built is built, and what could not be is written down for `zoo doctor` (the default): the CPU library,
                 the host module, and the CUDA library for the GPUs that answer
ZOO_NATIVE=cpu   the CPU library and the host module; a failure fails the installation
ZOO_NATIVE=cuda  the same and the CUDA library, with a GPU at hand or not
ZOO_NATIVE=0     nothing
ZOO_NATIVE=keep  nothing, and what an earlier build left in zoo/_native stays

ZOO_CUDA_ARCHITECTURES="80 90"   the GPUs that the CUDA library is for; given, it is built with ZOO_NATIVE=auto too
ZOO_INSTRUCTION_SETS=native      the CPU's kernels for this processor alone: a third of the time, for this machine (default: all)
ZOO_TORCH=FOLDER                 the torch to compile against, where it is not the environment's
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

from setuptools import setup
from setuptools.command.build_ext import build_ext
from setuptools.extension import Extension

sys.path.insert(0, str(Path(__file__).resolve().parent / "csrc" / "building"))
import native
import toolchain
from toolchain import mode

HOST, NONE = "zoo._host", "zoo._none"
FOLDER = Path("build", "native")


class Record:
    """What was built, and what not and why: build.json, for `zoo doctor`."""

    def __init__(self) -> None:
        self.facts: dict[str, Any] = {"libraries": [], "missing": {}}

    def missing(self, name: str, why: str, required: bool = False) -> None:
        """Write down why a library is not built. SystemExit where it is `required`."""
        if required:
            raise SystemExit(f"ZOO_NATIVE={mode()}: the {name} library could not be built: {why}")
        self.facts["missing"].setdefault(name, " ".join(why.split())[-600:])

    def built(self, name: str, **facts: object) -> None:
        """Write down that a library is built."""
        self.facts["libraries"].append(name)
        self.facts |= facts

    def save(self, folder: Path) -> None:
        """Write the file."""
        if not self.facts["libraries"]:
            self.facts["reason"] = self.facts["missing"].get("cpu", "nothing was built")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "build.json").write_text(json.dumps(self.facts, indent=1) + "\n", "utf-8")


def cuda_wanted(torch: toolchain.Torch, record: Record) -> list[int]:
    """The architectures that the CUDA library is to be built for; empty, with the reason on record, where it is not to be."""
    asked = mode() == "cuda" or (mode() == "auto" and bool(os.environ.get("ZOO_CUDA_ARCHITECTURES", "").strip()))
    here = [] if mode() == "cuda" else toolchain.gpus()
    why = ""
    if mode() == "cpu":
        why = "ZOO_NATIVE=cpu was set when it was installed"
    elif not asked and not here:
        why = "no NVIDIA GPU answered when it was installed (ZOO_NATIVE=cuda builds it all the same)"
    elif not asked and not torch.has_cuda:
        why = f"torch {torch.version} is an edition without CUDA"
    elif toolchain.nvcc() is None:
        why = "nvcc was not found"
    if why:
        record.missing("cuda", why, required=mode() == "cuda")
        return []
    try:
        return toolchain.cuda_architectures(here)
    except (RuntimeError, OSError) as error:
        record.missing("cuda", str(error), required=mode() == "cuda")
        return []


def libraries(record: Record) -> list[native.Library]:
    """What is to be built with a compiler alone; `record` learns what not, and why."""
    required = mode() != "auto"
    torch = toolchain.find_torch()
    if torch is None or torch.too_old:
        why = (
            "torch was not there to build with"
            if torch is None
            else f"torch {torch.version} is older than {toolchain.OLDEST_TORCH}"
        )
        for name in ("cpu", "cuda"):
            record.missing(name, why, required)
        return []
    record.facts |= {"torch": torch.version, "torch_target": toolchain.OLDEST_TORCH}
    wanted: list[native.Library] = []
    if sys.platform == "win32":
        record.missing("cpu", "it is written for GCC and clang, which are not what Windows builds with", required)
    else:
        try:
            wanted.append(native.cpu_library(torch, toolchain.instruction_sets()))
        except RuntimeError as error:
            record.missing("cpu", str(error), required)
    if architectures := cuda_wanted(torch, record):
        wanted.append(native.cuda_library(torch, architectures))
    return wanted


def host_extension(record: Record) -> Extension | None:
    """The module for batches, which needs Python's headers and pybind11 and no torch; None, with the reason on record."""
    try:
        import pybind11
    except ImportError:
        record.missing("host", "pybind11 was not there to build with", required=mode() != "auto")
        return None
    if missing := toolchain.python_headers_missing():
        record.missing("host", missing, required=mode() != "auto")
        return None
    # The table of the 256 values must round as NumPy does.
    flags = [*native.CPP_FLAGS, "-std=c++17", "-ffp-contract=off"] if sys.platform != "win32" else ["/O2", "/std:c++17"]
    return Extension(
        HOST,
        sorted(str(path) for path in Path("csrc", "host").rglob("*.cpp")),
        include_dirs=[pybind11.get_include()],
        extra_compile_args=flags,
        language="c++",
    )


def put(file: Path, folder: Path) -> None:
    """Copy a file into a folder, at once: whoever looks meanwhile finds it whole or not at all."""
    beside = folder / f".{file.name}"
    shutil.copy2(file, beside)
    os.replace(beside, folder / file.name)


RECORD = Record()
EXTENSION = None
if mode() == "0":
    for each in ("cpu", "cuda", "host"):
        RECORD.missing(each, "ZOO_NATIVE=0 was set when it was installed")
elif mode() != "keep":
    EXTENSION = host_extension(RECORD)


class Build(build_ext):
    """Builds each library for itself, so that one that fails does not take the others along."""

    def run(self) -> None:
        super().run()
        if mode() == "keep":
            return
        folders = [Path(self.build_lib, "zoo", "_native")]
        if self.inplace:
            folders.append(Path("zoo", "_native"))
        for folder in folders:  # of an earlier build, perhaps with other options
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
        if mode() != "0":
            wanted = libraries(RECORD)
            failures = native.build(wanted, FOLDER) if wanted else {}
            for library in wanted:
                if library.name in failures:
                    self.failed(library.name, failures[library.name])
                    continue
                RECORD.built(library.name, **library.facts)
                for folder in folders:
                    put(FOLDER / f"{library.name}.abi3.so", folder)
        for folder in folders:
            RECORD.save(folder)
        if self.inplace:
            Path("zoo", "_native", ".gitignore").write_text("*\n", "utf-8")

    def build_extension(self, extension: Extension) -> None:
        if extension.name == NONE:
            return
        try:
            super().build_extension(extension)
        except Exception as error:
            extension.optional = True  # and so nobody looks for its file
            self.failed("host", str(error))
        else:
            RECORD.built("host")

    def failed(self, name: str, why: str) -> None:
        RECORD.missing(name, f"it could not be built: {why}", required=mode() != "auto")
        print(f"zoo: going on without the {name} library: {why}", file=sys.stderr)


# Without any extension setuptools would not call build_ext, and nobody would learn why there is none.
setup(ext_modules=[EXTENSION or Extension(NONE, [], optional=True)], cmdclass={"build_ext": Build})
