"""Damages many files and reads them: ``make fuzz``.

    python tests/fuzz/many.py [COUNT] [--first N] [--only KIND] [--jobs N]

Each try has a number, which decides its file: what is found is found again with --first N and a COUNT of 1. The work is done by
processes that the system holds to a few GiB; one that dies, or stands still, is named with the number at which it was.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
PART = 2000
"""Tries of a process."""

ROOM = 4 << 30
"""Bytes that a process may take beside its libraries."""

PATIENCE = 1200
"""Seconds for a process."""


def main() -> int:
    """Run; returns the exit code: 1 where something is to be mended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int, nargs="?", default=100_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--only", default="")
    parser.add_argument("--jobs", type=int, default=max(1, (os.cpu_count() or 1)))
    parser.add_argument("--part", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.part:
        return _part(given)
    waiting = [
        (first, min(PART, given.first + given.count - first))
        for first in range(given.first, given.first + given.count, PART)
    ]
    running: list[tuple[int, subprocess.Popen[str]]] = []
    tried = refused = 0
    slowest = 0.0
    wrong: list[str] = []
    while waiting or running:
        while waiting and len(running) < given.jobs:
            first, count = waiting.pop(0)
            running.append((first, _start(first, count, given.only)))
        first, process = running.pop(0)
        try:
            out, err = process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
        lines = out.splitlines()
        if process.returncode or not lines:
            wrong.append(f"the process of {first} ended with {process.returncode} at {lines[-1:]}: {err[-500:]}")
            print(wrong[-1], flush=True)
            continue
        found = json.loads(lines[-1])
        tried, refused = tried + found["tried"], refused + found["refused"]
        slowest = max(slowest, found["slowest"])
        wrong += found["wrong"]
        print("".join(f"{line}\n" for line in found["wrong"]), end="")
        print(f"{tried:,} tried, {refused:,} refused, {len(wrong)} to mend, the slowest {slowest:.1f} s", flush=True)
    return int(bool(wrong))


def _start(first: int, count: int, only: str) -> subprocess.Popen[str]:
    helpers = os.pathsep.join([str(HERE), str(HERE.parent / "helpers"), os.environ.get("PYTHONPATH", "")])
    return subprocess.Popen(
        [sys.executable, __file__, str(count), "--first", str(first), "--only", only, "--part"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": helpers.rstrip(os.pathsep), "OMP_NUM_THREADS": "1", "ZOO_NATIVE": "0"},
    )  # fmt: skip


def _part(given: argparse.Namespace) -> int:
    """The work of one process: the number of each hundredth try, and what was found as JSON in the last line."""
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        os.chdir(folder)
        os.environ["ZOO_CACHE"] = str(Path(folder) / "cache")
        from trying import Fuzzer

        fuzzer = Fuzzer(Path(folder))
        os.fsync = lambda _: None
        _bound()
        findings = fuzzer.run(_counted(range(given.first, given.first + given.count)), given.only)
        print(json.dumps({key: getattr(findings, key) for key in ("tried", "refused", "wrong", "slowest")}))
    return 0


def _counted(numbers: range):
    for number in numbers:
        print(number, flush=True)
        yield number


def _bound() -> None:
    """Have the system refuse this process more memory than it has, and ROOM."""
    try:
        import resource
    except ImportError:
        return
    pages = int(Path("/proc/self/statm").read_text().split()[0]) if Path("/proc/self/statm").exists() else 0
    limit = pages * resource.getpagesize() + ROOM if pages else resource.RLIM_INFINITY
    resource.setrlimit(resource.RLIMIT_AS, (limit, resource.getrlimit(resource.RLIMIT_AS)[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 30, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))


if __name__ == "__main__":
    sys.exit(main())
