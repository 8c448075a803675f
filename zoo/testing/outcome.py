"""What comes of checking a promise: kept, broken, or not checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from zoo.errors import ZooError

State = Literal["kept", "broken", "not checked"]


class BrokenPromise(ZooError):  # noqa: N818 (what it is, as a person would call it)
    """What an architecture does not keep: what was `found`, and what to do about it (`advice`).

    Whoever checks raises it. Which promise of what architecture it was, what the networks were given and how to check it
    again is known to the kit, whose `Outcome` tells the whole.
    """

    def __init__(self, found: str, advice: str) -> None:
        super().__init__(f"{found}; {advice}")
        self.found = found
        self.advice = advice


class NotChecked(ZooError):  # noqa: N818
    """A promise that does not concern an architecture, or cannot be checked here; the message says why."""


@dataclass(frozen=True)
class Outcome:
    """What came of checking one promise; as a text, the whole of it for a person."""

    architecture: str
    promise: str
    sentence: str
    """What is promised."""
    state: State
    seconds: float
    given: str = ""
    """What the networks were given, where it is broken."""
    again: str = ""
    """The command that checks it again, where it is broken."""
    broken: BrokenPromise | None = None
    """What was found and what to do, where it is broken."""
    reason: str = ""
    """Why it was not checked."""
    remark: str = ""
    """What was left out of a promise that is kept otherwise: "but for …"."""

    def __str__(self) -> str:
        if self.broken is None:
            more = self.reason or self.remark
            return f"{self.architecture}: {self.promise} is {self.state}" + (f", {more}" if more else "")
        rows = {"given": self.given, "found": self.broken.found, "to do": self.broken.advice, "again": self.again}
        lines = [f"{self.architecture} breaks the promise {self.promise!r}: {self.sentence}"]
        return "\n".join(lines + [f"  {title}: {text}" for title, text in rows.items() if text])

    def as_json(self) -> dict[str, Any]:
        """The same as plain values, for ``zoo check --json``."""
        row: dict[str, Any] = {"promise": self.promise, "sentence": self.sentence, "state": self.state}
        row["seconds"] = round(self.seconds, 3)
        if self.broken is not None:
            row |= {"given": self.given, "found": self.broken.found, "advice": self.broken.advice, "again": self.again}
        return row | {name: value for name in ("reason", "remark") if (value := getattr(self, name))}
