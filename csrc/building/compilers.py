"""Whether csrc is clean C++ for the other compilers that are installed: clang, and GCC for arm64. Part of make lint.

Checked and not compiled: with warnings, every template that a library has. Where one is not installed, a line says so.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import native
import toolchain

COMPILERS = {
    "clang": ("clang++", "clang++-19", "clang++-18", "clang++-17", "clang++-16", "clang++-15", "clang++-14"),
    "GCC for arm64": ("aarch64-linux-gnu-g++",),
}


def main() -> int:
    """Check with each; returns 1 where one has something to say."""
    torch = toolchain.find_torch()
    if torch is None:
        raise SystemExit("csrc is checked against torch's headers: install torch first")
    flags = ["-fsyntax-only", "-std=c++20", "-Wall", "-Werror", native.NOTES, native.TARGET_MACRO]
    flags += [f"-I{path}" for path in torch.includes]
    sources = sorted((native.ROOT / "csrc/cpu").rglob("*.cpp"))
    worst = 0
    for title, names in COMPILERS.items():
        command = next((name for name in names if shutil.which(name)), None)
        if command is None:
            print(f"csrc: {title} is not installed, and not asked")
            continue

        def said(source: Path, command: str = command) -> str:
            done = subprocess.run([command, *flags, str(source)], capture_output=True, text=True)
            return done.stderr if done.returncode else ""

        with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            complaints = [text for text in pool.map(said, sources) if text]
        print(f"csrc: {title} ({command}): {len(sources)} files, {len(complaints)} with complaints")
        sys.stdout.write("".join(complaints))
        worst = max(worst, int(bool(complaints)))
    return worst


if __name__ == "__main__":
    sys.exit(main())
