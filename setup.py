"""Builds the native core; everything declarative is in pyproject.toml.

ZOO_NATIVE=auto  what can be built is built, and what could not be is written down for `zoo doctor` (the default)
ZOO_NATIVE=cpu   the CPU library and the host module; a failure fails the installation
ZOO_NATIVE=cuda  the same and the CUDA library, for the architectures in ZOO_CUDA_ARCHITECTURES ("80 90") if set
ZOO_NATIVE=0     nothing
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from setuptools import setup
from setuptools.command.build_ext import build_ext
from setuptools.extension import Extension

MODES = {"auto": "auto", "cpu": "cpu", "cuda": "cuda", "0": "0", "off": "0", "false": "0", "no": "0", "": "auto"}
TORCH_TARGET = "2.11"  # the oldest release whose stable ABI the libraries use
TARGET_MACRO = "-DTORCH_TARGET_VERSION=0x020b000000000000"
CPU, CUDA, HOST, NONE = "zoo._native.cpu", "zoo._native.cuda", "zoo._host", "zoo._none"
# No trapping arithmetic and no errno: what lets ?: on vectors become a blend. No vectorising of straight code by the compiler:
# the kernels are vectors already, and GCC 12 breaks off over it with an internal error. Nothing here changes a result.
CPP_FLAGS = [
    "-O3",
    "-g0",
    "-fno-tree-slp-vectorize",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-fvisibility=hidden",
    "-Wall",
]
# What PyTorch's own packages are compiled for, as far as the toolkit at hand knows them.
ARCHITECTURES = (75, 80, 86, 90, 100, 120)


def mode() -> str:
    given = os.environ.get("ZOO_NATIVE", "auto").strip().lower()
    if given not in MODES:
        raise SystemExit(f"ZOO_NATIVE={given!r} is not known; it can be auto, cpu, cuda or 0")
    return MODES[given]


def sources(folder: str, pattern: str) -> list[str]:
    return sorted(str(path) for path in Path("csrc", folder).rglob(pattern))


def output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def cuda_extension() -> tuple[Extension | None, str]:
    """The CUDA library, or why there is none: every .cu in csrc/cuda, compiled by nvcc with or without a GPU at hand."""
    files = sources("cuda", "*.cu")
    if not files:
        return None, "csrc/cuda holds no source"
    if shutil.which("nvcc") is None:
        return None, "nvcc was not found"
    return Extension(CUDA, files, py_limited_api=True), ""


def cuda_architectures() -> list[int]:
    """What to compile for; RuntimeError for what this nvcc cannot do, with what it can."""
    lines = output("nvcc", "--list-gpu-arch").split()
    known = sorted(int(line[8:]) for line in lines if line[:8] == "compute_" and line[8:].isdecimal())
    able = f"this nvcc compiles for {' '.join(map(str, known)) or 'nothing that it lists'}"
    given = os.environ.get("ZOO_CUDA_ARCHITECTURES", "")
    wanted = set()
    for word in given.replace(",", " ").replace(";", " ").split():
        number = word.replace(".", "").removeprefix("sm_").removeprefix("compute_")
        if not number.isdecimal() or int(number) not in known:
            raise RuntimeError(
                f"ZOO_CUDA_ARCHITECTURES={given!r}: {word!r} does not fit; {able}, written as in '80 9.0', "
                "and no kernel of zoo uses what only a variant such as 90a has"
            )
        wanted.add(int(number))
    chosen = sorted(wanted) or [number for number in ARCHITECTURES if number in known]
    if not chosen:
        raise RuntimeError(
            f"none of the architectures {' '.join(map(str, ARCHITECTURES))} is among what nvcc knows: {able}; "
            "choose with ZOO_CUDA_ARCHITECTURES, or build with ZOO_NATIVE=cpu"
        )
    return chosen


def code_generation(architectures: list[int]) -> list[str]:
    """nvcc's flags for these architectures, and for those yet to come.

    No kernel uses what only chips after 8.0 have, so one pass of the compiler's front end serves all of them.
    """
    old = [number for number in architectures if number < 80]
    new = [number for number in architectures if number >= 80]
    base = min(new) if new else old[-1]
    codes = ",".join([*(f"sm_{number}" for number in new), f"compute_{base}"])
    return [*(f"-gencode=arch=compute_{n},code=sm_{n}" for n in old), f"-gencode=arch=compute_{base},code=[{codes}]"]


def build_cuda(extension: Extension, target: Path, folder: Path) -> list[int]:
    """Compiles and links with nvcc itself: torch's own helper insists on a CUDA edition of torch."""
    from torch.utils.cpp_extension import include_paths, library_paths

    architectures = cuda_architectures()
    flags = ["-std=c++20", "-O3", "-DUSE_CUDA", TARGET_MACRO, "-Xcompiler", "-fPIC,-fvisibility=hidden"]
    flags += [f"-I{path}" for path in include_paths()] + ["-diag-suppress", "20012,20014"]
    if "--compress-mode" in output("nvcc", "--help"):  # CUDA 12.8 and newer
        flags.append("--compress-mode=size")
    flags += code_generation(architectures)
    headers = [*Path("csrc").glob("*.h"), *Path("csrc/cuda").rglob("*.h"), *Path("csrc/cuda").rglob("*.cuh")]
    newest_header = max(path.stat().st_mtime for path in [*headers, Path(__file__)])
    folder.mkdir(parents=True, exist_ok=True)

    def compile_one(source: str) -> str:
        result = folder / f"{'-'.join(Path(source).with_suffix('').parts[2:])}.o"
        if not result.exists() or result.stat().st_mtime < max(newest_header, Path(source).stat().st_mtime):
            run(["nvcc", *flags, "-c", source, "-o", str(result)])
        return str(result)

    with ThreadPoolExecutor(int(os.environ.get("MAX_JOBS", os.cpu_count() or 1))) as pool:
        objects = list(pool.map(compile_one, extension.sources))
    target.parent.mkdir(parents=True, exist_ok=True)
    # libtorch.so is what brings libtorch_cuda.so along where this is loaded; here there may be none.
    libraries = [f"-L{path}" for path in library_paths()]
    libraries += ["-Xlinker", "--no-as-needed", "-ltorch", "-ltorch_cpu", "-lc10"]
    run(["nvcc", "-shared", "-cudart", "static", *objects, "-o", str(target), *libraries])
    return architectures


def what_is_missing(compiler: list[str]) -> str:
    """The usual reason why C++ does not compile, in words, or nothing."""
    command = shlex.split(os.environ.get("CXX", "")) or compiler or ["c++"]
    if shutil.which(command[0]) is None:
        return f"no C++ compiler was found ({command[0]} is not there)"
    header = Path(sysconfig.get_path("include"), "Python.h")
    if not header.exists():
        return f"Python's headers were not found ({header}; the package is called python3-dev or python3-devel)"
    return ""


def short_name(extension: Extension) -> str:
    return extension.name.replace("_", ".").rsplit(".", 1)[-1]


def run(command: list[str]) -> None:
    print(shlex.join(command), flush=True)
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    sys.stdout.write(done.stdout)
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed: {done.stdout.strip()[-800:]}")


def compiler_version(command: list[str]) -> str:
    try:
        return output(*command[:1], "--version").splitlines()[0]
    except (OSError, subprocess.CalledProcessError, IndexError):
        return command[0] if command else "unknown"


def instruction_sets() -> list[str]:
    import platform

    return ["baseline", "avx2", "avx512"] if platform.machine().lower() in ("x86_64", "amd64") else ["baseline"]


def extensions(record: dict) -> list[Extension]:
    """What to try to build; `record` learns what not, and why."""
    if mode() == "0":
        record["missing"] = dict.fromkeys(("cpu", "cuda", "host"), "ZOO_NATIVE=0 was set when it was installed")
        return []
    try:
        import pybind11
        from torch.utils.cpp_extension import CppExtension
    except ImportError as error:
        if mode() != "auto":
            raise
        record["missing"] = dict.fromkeys(("cpu", "cuda", "host"), f"{error.name} was not there to build with")
        return []
    flags = [*CPP_FLAGS, TARGET_MACRO]
    wanted = [
        CppExtension(CPU, sources("cpu", "*.cpp"), extra_compile_args=flags, py_limited_api=True),
        Extension(
            HOST,
            sources("host", "*.cpp"),
            include_dirs=[pybind11.get_include()],
            # The table of the 256 values must round as NumPy does.
            extra_compile_args=[*CPP_FLAGS, "-std=c++17", "-ffp-contract=off"],
            language="c++",
        ),
    ]
    wanted = [extension for extension in wanted if extension.sources]
    if mode() != "cpu":
        cuda, reason = cuda_extension()
        if cuda is not None:
            wanted.append(cuda)
        elif mode() == "cuda":
            raise SystemExit(f"ZOO_NATIVE=cuda: {reason}")
        else:
            record["missing"]["cuda"] = reason
    else:
        record["missing"]["cuda"] = "ZOO_NATIVE=cpu was set when it was installed"
    return wanted


RECORD: dict = {"libraries": [], "missing": {}}
EXTENSIONS = extensions(RECORD)
try:
    from torch.utils.cpp_extension import BuildExtension
except ImportError:
    BuildExtension = build_ext


class Build(BuildExtension):
    """Builds each library for itself, so that one that fails does not take the others along."""

    def run(self) -> None:
        super().run()
        self.write_record()

    def copy_extensions_to_source(self) -> None:
        Path("zoo", "_native").mkdir(exist_ok=True)
        super().copy_extensions_to_source()

    def build_extensions(self) -> None:
        everything = list(self.extensions)
        # torch's helper refuses a .cu file where it finds no toolkit in the place that it expects.
        self.extensions[:] = [extension for extension in everything if extension.name != CUDA]
        try:
            super().build_extensions()
        except Exception as error:
            for extension in self.extensions:
                self.failed(extension, error)
        self.extensions[:] = everything
        for extension in everything:
            if extension.name == CUDA:
                self.build_extension(extension)

    def build_extension(self, extension: Extension) -> None:
        if extension.name == NONE:
            return
        name = short_name(extension)
        try:
            if extension.name == CUDA:
                target = Path(self.get_ext_fullpath(CUDA)).resolve()
                RECORD["cuda_architectures"] = build_cuda(extension, target, Path(self.build_temp) / "cuda")
                RECORD["cuda_compiler"] = output("nvcc", "--version").strip().splitlines()[-1]
            else:
                super().build_extension(extension)
        except Exception as error:
            self.failed(extension, error)
        else:
            RECORD["libraries"].append(name)

    def failed(self, extension: Extension, error: Exception) -> None:
        name = short_name(extension)
        extension.optional = True  # and so nobody looks for its file
        if extension.name == NONE:
            return
        if extension.name != CUDA and (missing := what_is_missing(list(getattr(self.compiler, "compiler_cxx", [])))):
            error = RuntimeError(f"{missing}: {error}")
        if mode() != "auto":
            raise SystemExit(f"ZOO_NATIVE={mode()}: the {name} library could not be built: {error}") from error
        if name not in RECORD["libraries"] and name not in RECORD["missing"]:
            RECORD["missing"][name] = f"it could not be built: {' '.join(str(error).split())[-600:]}"
            print(f"zoo: going on without the {name} library: {error}", file=sys.stderr)

    def write_record(self) -> None:
        if "cpu" in RECORD["libraries"]:
            import torch

            compiler = getattr(self.compiler, "compiler_cxx", None) or ["c++"]
            RECORD.update(
                compiler=compiler_version(list(compiler)),
                instruction_sets=instruction_sets(),
                torch=torch.__version__,
                torch_target=TORCH_TARGET,
            )
        if not RECORD["libraries"]:
            RECORD["reason"] = RECORD["missing"].get("cpu", "nothing was built")
        folders = {Path(self.build_lib, "zoo", "_native")}
        if self.inplace:
            folders.add(Path("zoo", "_native"))
        for folder in folders:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "build.json").write_text(json.dumps(RECORD, indent=1) + "\n", "utf-8")
        if self.inplace:
            Path("zoo", "_native", ".gitignore").write_text("*\n", "utf-8")


# Without any extension setuptools would not call build_ext, and nobody would learn why there is none.
setup(ext_modules=EXTENSIONS or [Extension(NONE, [], optional=True)], cmdclass={"build_ext": Build})
