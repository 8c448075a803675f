"""What there is to build with, and for: torch's headers, compilers, this machine's processor and its GPUs."""

from __future__ import annotations

import importlib.util
import os
import platform
import re
import shlex
import shutil
import site
import subprocess
import sys
import sysconfig
from pathlib import Path

OLDEST_TORCH = "2.11"
"""The oldest release that has the stable ABI which the libraries use."""

ARCHITECTURES = (75, 80, 86, 90, 100, 120)
"""The GPUs that PyTorch's own packages are compiled for, as far as the toolkit at hand knows them."""

INSTRUCTION_SETS = ("baseline", "avx2", "avx512")


def output(*command: str) -> str:
    """What a command prints. Raises OSError or CalledProcessError where it does not end well, or takes a minute."""
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    except subprocess.TimeoutExpired as error:
        raise OSError(f"{command[0]} does not answer") from error


MODES = {
    "auto": "auto",
    "cpu": "cpu",
    "cuda": "cuda",
    "keep": "keep",
    "0": "0",
    "off": "0",
    "false": "0",
    "no": "0",
    "": "auto",
}


def mode() -> str:
    """What ZOO_NATIVE asks for: auto, cpu, cuda, keep or 0 (setup.py says what each means). SystemExit for anything else."""
    given = os.environ.get("ZOO_NATIVE", "auto").strip().lower()
    if given not in MODES:
        raise SystemExit(f"ZOO_NATIVE={given!r} is not known; it can be auto, cpu, cuda, keep or 0")
    return MODES[given]


def _release(version: str) -> tuple[int, ...]:
    """Major and minor number."""
    return tuple(int(part) for part in re.findall(r"\d+", version)[:2])


class Torch:
    """An installed torch, as far as compilers need it: nothing of it is imported."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        text = (folder / "version.py").read_text("utf-8")
        found = re.search(r"__version__\s*=\s*['\"]([^'\"]+)", text)
        self.version = found[1] if found else "0"
        self.has_cuda = re.search(r"^cuda\b[^=]*=\s*['\"]", text, re.M) is not None

    @property
    def includes(self) -> list[Path]:
        """Folders of headers."""
        return [self.folder / "include", self.folder / "include/torch/csrc/api/include"]

    @property
    def libraries(self) -> Path:
        """The folder of libtorch."""
        return self.folder / "lib"

    @property
    def too_old(self) -> bool:
        """Whether it lacks the stable ABI."""
        return _release(self.version) < _release(OLDEST_TORCH)


def find_torch() -> Torch | None:
    """The torch of the environment that is installed into, which an isolated build does not see on its path; or ZOO_TORCH's."""
    if given := os.environ.get("ZOO_TORCH"):
        if not (Path(given) / "include/torch/csrc/stable").is_dir():
            raise SystemExit(
                f"ZOO_TORCH={given}: there is no torch with its headers; give the folder of the package torch"
            )
        return Torch(Path(given))
    places = []
    spec = importlib.util.find_spec("torch")
    if spec is not None and spec.origin:
        places.append(Path(spec.origin).parent)
    folders = [*(sysconfig.get_path(name) for name in ("purelib", "platlib")), *site.getsitepackages()]
    if site.ENABLE_USER_SITE:
        folders.append(site.getusersitepackages())
    places += [Path(folder) / "torch" for folder in folders]
    return next((Torch(place) for place in places if (place / "include/torch/csrc/stable").is_dir()), None)


def compiler() -> list[str]:
    """The C++ compiler, through ccache where that is installed. Raises RuntimeError where there is none."""
    given = shlex.split(os.environ.get("CXX", ""))
    command = given or [next((name for name in ("c++", "g++", "clang++") if shutil.which(name)), "c++")]
    if shutil.which(command[0]) is None:
        raise RuntimeError(f"no C++ compiler was found ({command[0]} is not there)")
    return [*ccache(), *command] if "ccache" not in Path(command[0]).name else command


def ccache() -> list[str]:
    """``ccache`` in front of a compiler, where it is installed."""
    return ["ccache"] if shutil.which("ccache") else []


def nvcc() -> str | None:
    """NVIDIA's compiler, where it is found."""
    return shutil.which("nvcc")


def gpus() -> list[int]:
    """The architectures of the GPUs that answer, as in 90 for 9.0; none where there is no driver."""
    try:
        lines = output("nvidia-smi", "--query-gpu=compute_cap", "--format=csv,noheader").split()
    except (OSError, subprocess.CalledProcessError):
        return []
    return sorted({int(line.replace(".", "")) for line in lines if re.fullmatch(r"\d+\.\d", line)})


def cuda_architectures(here: list[int]) -> list[int]:
    """What to compile for: ZOO_CUDA_ARCHITECTURES, else the GPUs `here`, else all. RuntimeError for what nvcc cannot do."""
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
    chosen = sorted(wanted) or [number for number in here or ARCHITECTURES if number in known]
    if not chosen:
        raise RuntimeError(
            f"none of the architectures {' '.join(map(str, here or ARCHITECTURES))} is among what nvcc knows: {able}; "
            "choose with ZOO_CUDA_ARCHITECTURES, or build with ZOO_NATIVE=cpu"
        )
    return chosen


def instruction_sets() -> list[str]:
    """What to compile the CPU's kernels for: ZOO_INSTRUCTION_SETS, by default all of this family of processors.

    ``native`` is the best that this processor has, alone: a third of the work, for an installation that stays on this machine.
    RuntimeError for a name that is not known.
    """
    known = INSTRUCTION_SETS if platform.machine().lower() in ("x86_64", "amd64") else INSTRUCTION_SETS[:1]
    words = os.environ.get("ZOO_INSTRUCTION_SETS", "all").replace(",", " ").split() or ["all"]
    if words == ["all"]:
        return list(known)
    if words == ["native"]:
        return [_best() or "baseline"] if len(known) > 1 else list(known)
    if unknown := [word for word in words if word not in known]:
        raise RuntimeError(
            f"ZOO_INSTRUCTION_SETS has {unknown[0]!r}; it can be all, native, or some of {' '.join(known)} on this machine"
        )
    return [name for name in known if name in words]


def _best() -> str:
    """The best instruction set of this processor that kernels are written for, as Linux tells; empty where it does not."""
    try:
        flags = set(re.findall(r"^flags\s*:(.*)$", Path("/proc/cpuinfo").read_text(), re.M)[0].split())
    except (OSError, IndexError):
        return ""
    if {"avx512f", "avx512bw", "avx512dq", "avx512vl", "avx2", "fma"} <= flags:
        return "avx512"
    return "avx2" if {"avx2", "fma"} <= flags else "baseline"


def python_headers_missing() -> str:
    """The sentence that says so, or nothing."""
    header = Path(sysconfig.get_path("include"), "Python.h")
    if header.exists():
        return ""
    return f"Python's headers were not found ({header}; the package is called python3-dev or python3-devel)"


def ninja() -> list[str]:
    """The command ninja: of the package, or of the system."""
    if importlib.util.find_spec("ninja") is not None:
        return [sys.executable, "-m", "ninja"]
    return ["ninja"]
