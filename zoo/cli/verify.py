"""``zoo verify RUN``."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import tyro
from rich.markup import escape

from zoo.callback import Callback
from zoo.cli.arguments import parse
from zoo.cli.console import standard_output
from zoo.cli.importing import importing
from zoo.cli.stopping import stopping_by_signals
from zoo.errors import DataError, PluginError, RunError, ZooError
from zoo.system.names import printable

if TYPE_CHECKING:
    from rich.console import Console

    from zoo.engine.replay import Replayed
    from zoo.run.run import Run
    from zoo.run.verification import Finding

SHOWN = 3
"""How many differences are named."""

STYLES = {"whole": "green", "damaged": "bold red", "unknown": "yellow"}


@dataclass
class Verify:
    """Check that a run is whole: config.json, metrics.jsonl, scores.jsonl and the checksum of every file of every checkpoint and of
    the prepared data; then do the steps from the last but one checkpoint to the last again, which takes as long as it took, and
    compare bit for bit. Exit code 0 where nothing is wrong, 1 where something is. Nothing of the run is changed."""

    run: tyro.conf.Positional[Path]
    """The folder that zoo train named."""
    quick: bool = False
    """Look at the files alone."""
    data: str | None = None
    """Where the run's data is now, if it was moved."""


def run(arguments: Sequence[str]) -> int:
    """Verify; returns the exit code."""
    given = parse(Verify, "verify", arguments)

    with importing():
        from zoo.run.run import Run
        from zoo.run.verification import Finding, verify_files

    console = standard_output()
    try:
        found = Run(given.run)
        found.geometry()
        _ = found.changes
    except RunError as error:
        if not (given.run / "config.json").is_file():
            raise
        return _conclude(console, given.run, [_show(console, Finding("config.json", str(error)))])
    files = [_config(found), *verify_files(found)]
    damaged = {each.what for each in files if each.damage}
    shown = [_show(console, finding) for finding in files]
    rest = [_show(console, finding) for finding in _of_the_data(found, given, damaged)]
    return _conclude(console, found.path, shown + rest)


def _config(run: Run) -> Finding:
    """Whether config.json is what zoo wrote, and what its architecture takes."""
    from zoo.plugins.registry import architecture_of
    from zoo.run.verification import Finding

    if not run.config_intact:
        return Finding("config.json", "it was changed since zoo wrote it: its checksum does not match")
    try:
        run.options(architecture_of(run))
    except PluginError as error:  # which is not here
        return Finding("config.json", note=f"its options cannot be checked: {error}")
    except ZooError as error:
        return Finding("config.json", str(error))
    return Finding("config.json")


def _of_the_data(found: Run, given: Verify, damaged: Collection[str]) -> Iterator[Finding]:
    """What needs the run's data: whether it is prepared as it was, and the replay."""
    with importing():
        from zoo.engine.replay import NotReplayedError, Replay
        from zoo.run.verification import Finding

    try:
        replay = Replay(found, given.data)
    except NotReplayedError as error:
        yield Finding("prepared data", note=str(error), seen=False)
        return
    store = _store(replay.store)
    yield store
    if given.quick:
        return
    if holder := found.holder:
        yield Finding("replay", note=f"{holder} trains the run; verify it again when that is done", seen=False)
        return
    needed = {"config.json", "prepared data", replay.before.name, replay.after.name}
    if bad := sorted(needed & {*damaged, *([store.what] if store.damage else [])}):
        yield Finding("replay", note=f"it needs {', '.join(bad)}, which is damaged", seen=False)
        return
    if replay.impossible:
        yield Finding("replay", note=replay.impossible, seen=False)
        return
    try:
        with stopping_by_signals(), _temporary() as folder, Counting(replay.end) as counting:
            replayed = replay.run_in(folder, replay.prepare(), [counting])
    except ZooError as error:
        yield Finding("replay", note=str(error), seen=False)
    else:
        yield _told(replayed)


@contextmanager
def _temporary() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="zoo-verify-") as folder:
        yield Path(folder)


def _store(folder: Path) -> Finding:
    """Whether the prepared data in the cache is what was prepared."""
    from zoo.data.store import ImageStore
    from zoo.run.verification import Finding

    if not folder.is_dir():
        return Finding("prepared data", note="it is not prepared here", seen=False)
    try:
        store = ImageStore(folder)
    except DataError as error:
        return Finding("prepared data", str(error))
    try:
        damage = store.damage()
    except DataError as error:  # it may be whole
        return Finding("prepared data", note=str(error), seen=False)
    if damage:
        remedy = f"zoo cache clear {folder.name[:10]} removes it, and it is prepared anew when it is needed"
        return Finding("prepared data", f"{folder}: {damage}; {remedy}")
    return Finding("prepared data", note="" if store.has_digests else "without digests")


class Counting(Callback):
    """Shows on a terminal which step is done again; use it as a context."""

    def __init__(self, end: int) -> None:
        self._end = end
        self._status = standard_output().status("preparing what is to be done again")

    def __enter__(self) -> Counting:
        self._status.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._status.stop()

    def on_step(self, step: int) -> None:
        """Show it."""
        self._status.update(f"step {step} of {self._end} again")


def _told(replayed: Replayed) -> Finding:
    from zoo.run.verification import Finding

    steps = f"steps {replayed.start + 1} to {replayed.end}"
    if not replayed.differs:
        return Finding("replay", note=f"{steps} again: the same to the last bit")
    more = len(replayed.differs) - SHOWN
    names = ", ".join(replayed.differs[:SHOWN]) + (f" and {more} more" if more > 0 else "")
    if replayed.circumstances:
        note = f"{steps} again: {names} differ, which proves nothing: {'; '.join(replayed.circumstances)}"
        return Finding("replay", note=note, seen=False)
    return Finding("replay", f"{steps} again: {names} differ")


def _show(console: Console, finding: Finding) -> bool:
    """Print what was found; whether it is damage."""
    style = STYLES[finding.state]
    words = escape(printable(finding.damage or finding.note))
    console.print(
        f"[{style}]{finding.state:<7}[/{style}]  {escape(finding.what):<13}  {words}".rstrip(), soft_wrap=True
    )
    return bool(finding.damage)


def _conclude(console: Console, path: Path, damaged: Sequence[bool]) -> int:
    """Print the sum of it; returns the exit code."""
    count = sum(damaged)
    console.print(
        f"\n{printable(str(path))}: {f'{count} damaged' if count else 'no damage'}", markup=False, soft_wrap=True
    )
    return int(count > 0)
