"""Builds the CPU kernels with AddressSanitizer and UBSan, for `make test-sanitized`: ``python build.py FOLDER``.

Not what setup.py builds: less optimised, with a check at every load, store and shift; for `matrix.py` alone. The kernels of an
instruction set that this processor lacks cannot run, and are compiled without checks, which is quicker.
"""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch
from torch.utils.cpp_extension import include_paths, library_paths

ROOT = Path(__file__).resolve().parents[2]
SANITIZERS = ["-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"]
FLAGS = [
    "-std=c++20", "-w", "-fPIC", "-fno-omit-frame-pointer", "-fvisibility=hidden", "-fno-math-errno", "-fno-trapping-math",
    "-DTORCH_TARGET_VERSION=0x020b000000000000",
]  # fmt: skip
CHECKED, UNCHECKED = ["-O1", "-g1", *SANITIZERS], ["-O0", "-g0"]
LACKING = {"AVX512": (), "AVX2": ("avx512",)}.get(torch.backends.cpu.get_cpu_capability(), ("avx512", "avx2"))


def main() -> int:
    """Compile what is older than its sources, then link."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    sources = sorted((ROOT / "csrc/cpu").rglob("*.cpp"))
    newest = max(path.stat().st_mtime for path in [*(ROOT / "csrc").rglob("*.h"), Path(__file__)])
    compiler = os.environ.get("CXX", "g++")

    def compiled(source: Path) -> str:
        target = folder / f"{'-'.join(source.relative_to(ROOT / 'csrc/cpu').with_suffix('').parts)}.o"
        if not target.exists() or target.stat().st_mtime < max(newest, source.stat().st_mtime):
            includes = [f"-I{path}" for path in include_paths()]
            how = UNCHECKED if source.parent.name in LACKING else CHECKED
            subprocess.run([compiler, *FLAGS, *how, *includes, "-c", str(source), "-o", str(target)], check=True)
        return str(target)

    # The longest first: those of the three instruction sets hold all kernels.
    sources.sort(key=lambda source: source.parent.parent.name != "isa")
    with ThreadPoolExecutor(int(os.environ.get("MAX_JOBS", os.cpu_count() or 1))) as pool:
        objects = list(pool.map(compiled, sources))
    libraries = [f"-L{path}" for path in library_paths()] + ["-ltorch", "-ltorch_cpu", "-lc10"]
    target = folder / "cpu.abi3.so"
    subprocess.run([compiler, "-shared", *SANITIZERS, *objects, "-o", str(target), *libraries], check=True)
    print(target)
    return 0


if __name__ == "__main__":
    sys.exit(main())
