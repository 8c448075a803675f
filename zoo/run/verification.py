"""Whether the files of a run are what was written: ``zoo verify RUN``, but for what needs its data."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from zoo.errors import RunError
from zoo.run.checkpoint import damage
from zoo.run.checkpoint_list import lacking
from zoo.run.items import refuse_links
from zoo.run.journal import faults
from zoo.run.run import Run
from zoo.run.scores import SCORES, score_faults
from zoo.system.digest import digest_state
from zoo.system.reading import read_plain


@dataclass(frozen=True)
class Finding:
    """What was found of one thing."""

    what: str
    """Its name: ``step-00001000``."""
    damage: str = ""
    """What is wrong with it; empty where it is whole."""
    note: str = ""
    """What else is to be known; where it was not looked at, why."""
    seen: bool = True
    """Whether it was looked at."""

    @property
    def state(self) -> str:
        """``whole``, ``damaged`` or, where nobody looked, ``unknown``."""
        return "damaged" if self.damage else "whole" if self.seen else "unknown"


def verify_files(run: Run) -> Iterator[Finding]:
    """The journal, the scores and every checkpoint of a run, all files read. That those of older zoos have no digests is noted."""
    found = run.checkpoints
    last = found[-1][0] if found else 0
    every = run.config["options"].get("log_every")
    if any(change["option"] == "log_every" for change in run.changes) or not isinstance(every, int) or every < 1:
        every = None
    try:
        lines = faults(run.path / "metrics.jsonl", every, last)
    except RunError as error:
        lines = [str(error)]
    yield Finding("metrics.jsonl", "; ".join(lines))
    if os.path.lexists(run.path / SCORES):
        try:
            lines = score_faults(run.path)
        except RunError as error:
            lines = [str(error)]
        yield Finding(SCORES, "; ".join(lines))
    for _, folder in found:
        try:
            wrong = damage(folder)
        except RunError as error:
            yield Finding(folder.name, note=str(error), seen=False)
            continue
        if wrong and not folder.exists():  # the training that goes on has removed it
            continue
        yield Finding(folder.name, "; ".join(wrong), "" if wrong or _has_digests(folder) else "without digests")
    if missing := lacking(run.path / "checkpoints"):
        yield Finding(missing.partition(" ")[0], missing)
    elif not found:
        yield _without_checkpoints(run)
    try:
        refuse_links(run.path)
    except RunError as error:  # a person may have put them there: they are read, and not written through
        yield Finding("links", note=str(error), seen=False)


def _without_checkpoints(run: Run) -> Finding:
    try:
        run.start()
    except RunError as error:
        return Finding("checkpoints", str(error))
    return Finding("checkpoints", note="there is none yet", seen=False)


def _has_digests(folder: Path) -> bool:
    return digest_state(read_plain(folder / "state.json")) == "whole"
