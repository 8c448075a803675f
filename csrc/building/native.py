"""Builds the CPU and the CUDA library: one file for ninja, which compiles in parallel and only what has changed."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import toolchain

TARGET_MACRO = "-DTORCH_TARGET_VERSION=0x020b000000000000"
# No trapping arithmetic and no errno: what lets ?: on vectors become a blend. No vectorising of straight code by the compiler:
# the kernels are vectors already, and GCC 12 breaks off over it with an internal error. Nothing here changes a result.
CPP_FLAGS = ["-O3", "-g0", "-fno-math-errno", "-fno-trapping-math", "-fvisibility=hidden", "-Wall"]
GCC_FLAGS = ["-fno-tree-slp-vectorize"]
NOTES = "-Wno-psabi"  # vectors as arguments are those of static functions: no other compiler's code is called with them

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Library:
    """A library to build."""

    name: str
    objects: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Object file to its source and the rule that compiles it."""
    rules: str = ""
    """Those of its objects, and the one that links it."""
    link_rule: str = ""
    facts: dict[str, object] = field(default_factory=dict)
    """What the record of the build says of it."""


def cpu_library(torch: toolchain.Torch, sets: list[str]) -> Library:
    """The kernels of these instruction sets, and the ops that call them. RuntimeError where there is no compiler."""
    library = Library("cpu", facts={"instruction_sets": sets})
    lacking = [name for name in toolchain.INSTRUCTION_SETS if name not in sets]
    for source in sorted((ROOT / "csrc/cpu").rglob("*.cpp")):
        if source.parent.name not in lacking:
            name = "-".join(source.relative_to(ROOT / "csrc").with_suffix("").parts)
            library.objects[f"{name}.o"] = (str(source), "cxx")
    command = toolchain.compiler()
    flags = [*CPP_FLAGS, TARGET_MACRO, "-std=c++20", "-fPIC", NOTES, *(f"-I{path}" for path in torch.includes)]
    flags += [
        f"-ffile-prefix-map={ROOT}/=",
        f"-ffile-prefix-map={torch.folder}/=",
    ]  # in messages, and no builder's folders
    if "clang" not in _version(command):
        flags += GCC_FLAGS
    flags += [f"-DZOO_WITHOUT_{name.upper()}" for name in lacking]
    library.facts["compiler"] = _version(command)
    library.link_rule = "link_cpp"
    library.rules = (
        f"rule cxx\n command = {_words([*command, *flags])} -MMD -MF $out.d -c $in -o $out\n depfile = $out.d\n deps = gcc\n"
        " description = c++ $in\n"
        f"rule link_cpp\n command = {_words([*command, '-shared'])} $in -o $out {_words(_libraries(torch))}\n"
        " description = link $out\n"
    )
    return library


def cuda_library(torch: toolchain.Torch, architectures: list[int]) -> Library:
    """The kernels of a GPU. nvcc itself compiles and links: torch's own helper insists on a CUDA edition of torch."""
    library = Library("cuda", facts={"cuda_architectures": architectures})
    for source in sorted((ROOT / "csrc/cuda").rglob("*.cu")):
        library.objects[f"cuda-{source.stem}.o"] = (str(source), "nvcc")
    flags = ["-std=c++20", "-O3", "-DUSE_CUDA", TARGET_MACRO, "-Xcompiler", "-fPIC,-fvisibility=hidden"]
    flags += [f"-I{path}" for path in torch.includes] + ["-diag-suppress", "20012,20014"]
    if "--compress-mode" in toolchain.output("nvcc", "--help"):  # CUDA 12.8 and newer
        flags.append("--compress-mode=size")
    flags += code_generation(architectures)
    # libtorch.so is what brings libtorch_cuda.so along where this is loaded; here there may be none.
    libraries = ["-Xlinker", "--no-as-needed", *_libraries(torch)]
    nvcc = [*toolchain.ccache(), "nvcc"]
    library.facts["cuda_compiler"] = toolchain.output("nvcc", "--version").strip().splitlines()[-1]
    library.link_rule = "link_nvcc"
    library.rules = (
        f"rule nvcc\n command = {_words([*nvcc, *flags])} -MD -MF $out.d -c $in -o $out\n depfile = $out.d\n deps = gcc\n"
        " description = nvcc $in\n"
        f"rule link_nvcc\n command = nvcc -shared -cudart static $in -o $out {_words(libraries)}\n description = link $out\n"
    )
    return library


def code_generation(architectures: list[int]) -> list[str]:
    """nvcc's flags for these architectures, and for those yet to come.

    No kernel uses what only chips after 8.0 have, so one pass of the compiler's front end serves all of them.
    """
    old = [number for number in architectures if number < 80]
    new = [number for number in architectures if number >= 80]
    base = min(new) if new else old[-1]
    codes = ",".join([*(f"sm_{number}" for number in new), f"compute_{base}"])
    return [*(f"-gencode=arch=compute_{n},code=sm_{n}" for n in old), f"-gencode=arch=compute_{base},code=[{codes}]"]


def build(libraries: list[Library], folder: Path) -> dict[str, str]:
    """Build them in `folder`, NAME.abi3.so each; returns why not, by name, for those that could not be."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = ["ninja_required_version = 1.5", *(library.rules for library in libraries)]
    for library in libraries:
        for target, (source, rule) in library.objects.items():
            lines.append(f"build {target}: {rule} {_escaped(source)}")
        lines.append(f"build {library.name}.abi3.so: {library.link_rule} {' '.join(library.objects)}")
    (folder / "build.ninja").write_text("\n".join(lines) + "\n", "utf-8")
    targets = [f"{library.name}.abi3.so" for library in libraries]
    if _run(folder, targets) == "":
        return {}
    # One that fails takes no other along: what the first run has left is tried by itself.
    return {
        library.name: why for library, target in zip(libraries, targets, strict=True) if (why := _run(folder, [target]))
    }


def _run(folder: Path, targets: list[str]) -> str:
    """Have ninja make the targets; returns what it says where it cannot, and nothing else."""
    jobs = ["-j", os.environ["MAX_JOBS"]] if os.environ.get("MAX_JOBS") else []
    command = [*toolchain.ninja(), "-C", str(folder), "-k", "0", *jobs, *targets]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    sys.stdout.write(done.stdout)
    if done.returncode == 0:
        return ""
    failed = done.stdout[done.stdout.find("FAILED:") :] if "FAILED:" in done.stdout else done.stdout
    return failed.strip() or f"ninja ended with status {done.returncode}"


def _libraries(torch: toolchain.Torch) -> list[str]:
    if sys.platform == "darwin":
        return [f"-L{torch.libraries}", "-ltorch", "-ltorch_cpu", "-lc10", "-undefined", "dynamic_lookup"]
    return [f"-L{torch.libraries}", "-ltorch", "-ltorch_cpu", "-lc10"]


def _version(command: list[str]) -> str:
    try:
        return toolchain.output(*command, "--version").splitlines()[0]
    except (OSError, subprocess.CalledProcessError, IndexError):
        return command[-1]


def _words(words: list[str]) -> str:
    """A command line of ninja's, for the shell."""
    return shlex.join(words).replace("$", "$$")


def _escaped(path: str) -> str:
    """A path as ninja writes it."""
    return path.replace("$", "$$").replace(" ", "$ ").replace(":", "$:")
