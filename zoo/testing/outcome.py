"""What comes of checking a promise: kept, broken, or not checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from zoo.errors import ZooError


class BrokenPromise(ZooError):  # noqa: N818 (what it is, as a person would call it)
    """A promise that an architecture does not keep: which, with what input, what was found, and what to do.

    Whoever checks raises it with `found` and `advice`; which promise it was of what architecture, what the networks were given
    and how to check it again is known to the kit, which fills it in.
    """

    def __init__(self, found: str, advice: str) -> None:
        super().__init__(found, advice)
        self.found = found
        self.advice = advice
        self.architecture = self.promise = self.sentence = self.given = self.again = ""

    def __str__(self) -> str:
        lines = [f"{self.architecture} breaks the promise {self.promise!r}: {self.sentence}"]
        rows = {"given": self.given, "found": self.found, "to do": self.advice, "again": self.again}
        return "\n".join(lines + [f"  {title}: {text}" for title, text in rows.items() if text])


class NotChecked(ZooError):  # noqa: N818
    """A promise that does not concern an architecture, or cannot be checked here; the message says why."""


@dataclass(frozen=True)
class Outcome:
    """What came of checking one promise."""

    promise: str
    sentence: str
    """What is promised."""
    state: Literal["kept", "broken", "not checked"]
    seconds: float
    broken: BrokenPromise | None = None
    reason: str = ""
    """Why it was not checked."""

    def as_json(self) -> dict[str, Any]:
        """The same as plain values, for ``zoo check --json``."""
        row: dict[str, Any] = {"promise": self.promise, "sentence": self.sentence, "state": self.state}
        row["seconds"] = round(self.seconds, 3)
        if self.broken is not None:
            row |= {name: getattr(self.broken, name) for name in ("given", "found", "advice", "again")}
        if self.reason:
            row["reason"] = self.reason
        return row
