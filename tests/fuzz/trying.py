"""One try: a file damaged as its number says, read, and what came of it."""

from __future__ import annotations

import os
import shutil
import sys
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from corpus import Kind, corpus
from mutate import mutated

from zoo.errors import ZooError

SLOW = 10.0
"""Seconds that nothing may take."""

MEMORY = 1 << 30
"""Bytes beyond those of the program that nothing may take."""


@dataclass
class Findings:
    """What came of many tries."""

    tried: int = 0
    refused: int = 0
    """Tries that ended with one ZooError; the others gave data."""
    wrong: list[str] = field(default_factory=list)
    """What is to be mended, by the number of the try."""
    slowest: float = 0.0
    """Seconds."""
    kinds: Counter[str] = field(default_factory=Counter)


class Fuzzer:
    """Tries by number: the same number is the same file everywhere."""

    def __init__(self, folder: Path) -> None:
        """Lay out the corpus in an empty folder."""
        self.folder = folder
        self.kinds = corpus(folder / "corpus")
        self._place = folder / "try"
        self._all = [(kind.place / name).read_bytes() for kind in self.kinds for name in kind.victims]
        for kind in self.kinds:  # what libraries do once, they do now
            kind.read(Path(shutil.copytree(kind.place, self._place / kind.name)))
        self._small = [content for content in self._all if len(content) < 20_000]

    def run(self, numbers: Iterator[int] | range, only: str = "") -> Findings:
        """Try these."""
        findings = Findings()
        kinds = [kind for kind in self.kinds if only in kind.name]
        with watching(self._place.parent) as deeds:
            for number in numbers:
                kind = kinds[number % len(kinds)]
                deeds.clear()
                self._one(kind, number, findings)
                findings.wrong += [f"{number} {kind.name}: {deed}" for deed in deeds]
        return findings

    def prepared(self, kind: Kind, number: int) -> Path:
        """The folder with the damaged file of that number."""
        shutil.rmtree(self._place, ignore_errors=True)
        place = self._place / kind.name
        shutil.copytree(kind.place, place)
        victim = kind.victims[number // 7 % len(kind.victims)]
        content = mutated((place / victim).read_bytes(), number, self._small)
        (place / victim).write_bytes(content)
        return place

    def _one(self, kind: Kind, number: int, findings: Findings) -> None:
        place = self.prepared(kind, number)
        findings.tried += 1
        findings.kinds[kind.name] += 1
        before, began = peak(), time.monotonic()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                kind.read(place)
        except ZooError as error:
            findings.refused += 1
            if problem := _unfit(str(error)):
                findings.wrong.append(f"{number} {kind.name}: {problem}: {error!s:.300}")
        except BaseException as error:  # what a reader must not raise, MemoryError and RecursionError among them
            if isinstance(error, KeyboardInterrupt):
                raise
            frames = traceback.extract_tb(error.__traceback__)
            where = " ← ".join(f"{Path(each.filename).name}:{each.lineno}" for each in reversed(frames[-4:]))
            findings.wrong.append(f"{number} {kind.name}: {type(error).__name__}: {error!s:.200} ({where})")
        took = time.monotonic() - began
        findings.slowest = max(findings.slowest, took)
        if took > SLOW:
            findings.wrong.append(f"{number} {kind.name}: took {took:.1f} s")
        if peak() - before > MEMORY:
            findings.wrong.append(f"{number} {kind.name}: took {(peak() - before) >> 20:,} MiB")


def _unfit(message: str) -> str:
    if "\n" in message:
        return "more than one line"
    if len(message) > 3000:
        return "too long"
    if any(ord(letter) < 32 or ord(letter) == 127 for letter in message):
        return "control characters"
    return ""


def peak() -> int:
    """The most bytes that this process has had in memory; 0 where the system does not say."""
    try:
        import resource
    except ImportError:
        return 0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


_deeds: list[list[str]] = []
_inside: list[str] = []
_hooked = False


@contextmanager
def watching(folder: Path) -> Iterator[list[str]]:
    """Notes what nothing that is read may do: write outside the folder, start a program, speak to the network."""
    global _hooked
    if not _hooked:  # such a hook cannot be taken out again
        sys.addaudithook(_audit)
        _hooked = True
    deeds: list[str] = []
    _deeds.append(deeds)
    _inside[:] = [os.path.realpath(folder)]
    try:
        yield deeds
    finally:
        _deeds.remove(deeds)


def _audit(event: str, arguments: tuple[object, ...]) -> None:
    if not _deeds:
        return
    if event in (
        "subprocess.Popen",
        "os.system",
        "os.exec",
        "os.posix_spawn",
        "os.fork",
        "socket.connect",
        "webbrowser.open",
    ):
        _deeds[-1].append(f"{event} {arguments!r:.200}")
    elif event in ("os.remove", "os.rmdir", "os.rename", "os.mkdir", "shutil.rmtree"):
        if not any(
            isinstance(each, int) and each >= 0 for each in arguments[-1:]
        ):  # else within a folder that was looked at
            _check(event, arguments[0])
    elif event == "open":
        path, mode, flags = arguments
        writes = isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC)
        if writes or (isinstance(mode, str) and set(mode) & set("wax+")):
            _check(f"open {mode}", path)


def _check(event: str, path: object) -> None:
    if not isinstance(path, str | bytes | os.PathLike):
        return
    name = os.path.realpath(os.fsdecode(path))
    if not name.startswith(_inside[0] + os.sep) and not name.startswith("/dev/") and "__pycache__" not in name:
        _deeds[-1].append(f"{event} {name}")
