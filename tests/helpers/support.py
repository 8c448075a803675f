"""Small tools of the tests: tiny data, tiny runs, third-party plugins as they would really be installed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo.callback import Callback
from zoo.engine.build import TrainingState, build, prepare_data
from zoo.engine.plan import plan_run
from zoo.run.file_record import FileRecord
from zoo.run.run import Run
from zoo.system.digest import with_digest
from zoo.testing.comparing import differences, tensors, untimed
from zoo.testing.data import write_images
from zoo.testing.messages import typed as flags

__all__ = [
    "TINY", "Notes", "Outcome", "Stop", "assert_refused", "assert_same_checkpoint", "flags", "reseal", "state_of", "tensors",
    "tiny", "untimed", "write_distribution", "write_images", "zoo_process",
]  # fmt: skip

TINY = dict(width=2, latent=4, batch_size=8, generator_batch_size=None, steps=4, samples=4, log_every=1, seed=3)
"""Options of a run that takes a moment; those that an architecture does not have are left out by `tiny`."""


def tiny(name: str, **more: Any) -> dict[str, Any]:
    """Options of a tiny run of the architecture `name`, and `more`."""
    from zoo.plugins.registry import registry

    known = registry().contribution(name).value.Options.model_fields
    return {**{key: value for key, value in TINY.items() if key in known}, **more}


@dataclass
class Outcome:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def message(self) -> str:
        """What it said was wrong, in one line, without the frames that a parser draws around it."""
        text = self.err
        for character in "│╭╮╰╯─":
            text = text.replace(character, " ")
        return " ".join(text.split())


class Stop(Callback):
    """Sends this process a signal after a step, and keeps what it is told at the end: (step, finished)."""

    def __init__(self, after: int, number: int = signal.SIGTERM) -> None:
        self.after, self.number = after, number
        self.told: tuple[int, bool] | None = None

    def on_step(self, step: int) -> None:
        if step == self.after:
            signal.raise_signal(self.number)

    def on_end(self, run: Run, step: int, finished: bool) -> None:
        self.told = (step, finished)


class Notes(Callback):
    """Keeps the lines worth knowing in a list."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines

    def on_note(self, line: str) -> None:
        self.lines.append(line)


def state_of(name: str, data: Path | str, **flags: Any) -> TrainingState:
    """Everything of a training but the loop, on the CPU if `flags` name no device; whoever draws batches closes them."""
    plan = plan_run(name, flags={"data": str(data), "device": "cpu", **flags})
    return build(plan, prepare_data(plan))


def assert_refused(outcome: Outcome, *parts: str, lines: int = 1) -> None:
    """Exit code 2, nothing like a traceback, and on stderr a message of `lines` lines with all of `parts`."""
    assert outcome.code == 2, outcome
    assert "Traceback" not in outcome.err
    assert outcome.err.startswith("zoo: ")
    assert len(outcome.err.strip().splitlines()) == lines, outcome.err
    assert [part for part in parts if part not in outcome.err] == [], outcome.err


def zoo_process(*arguments: object, check: bool = False, **environment: str) -> Outcome:
    """`python -m zoo ARGUMENTS` as a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "zoo", *map(str, arguments)],
        env={**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "200", **environment},
        capture_output=True,
        text=True,
        timeout=300,
    )
    outcome = Outcome(done.returncode, done.stdout, done.stderr)
    assert not check or outcome.code == 0, outcome
    return outcome


def write_distribution(
    folder: Path, source: str, module: str, *, distribution: str | None = None, version: str = "1.0", point: str = ""
) -> None:
    """What pip leaves behind of a package of one module: the module, and a .dist-info with its entry point."""
    name = distribution or module.replace("_", "-")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{module}.py").write_text(source, encoding="utf-8")
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(f"[zoo]\n{point or module} = {module}\n", encoding="utf-8")


def checkpoint(run: Path, step: int = 4) -> Path:
    """The folder of a checkpoint."""
    return run / "checkpoints" / f"step-{step:08d}"


def flip(path: Path, place: float = 0.5, bit: int = 0) -> None:
    """Turns one bit of a file."""
    content = bytearray(path.read_bytes())
    content[int(place * len(content))] ^= 1 << bit
    path.write_bytes(content)


def reseal(checkpoint: Path) -> None:
    """Write the digests of a checkpoint anew, as if zoo had written its files as they are now."""
    content = json.loads((checkpoint / "state.json").read_text())
    content.pop("sha256")
    for name in content["files"]:
        file = FileRecord.of((checkpoint / name).read_bytes())
        content["files"][name] = {"size": file.size, "sha256": file.sha256}
    (checkpoint / "state.json").write_bytes(with_digest(content))


def assert_same_checkpoint(one: Path, other: Path) -> None:
    """Bit for bit the same weights, averages, optimiser states, random numbers and positions."""
    assert differences(one, other) == []
