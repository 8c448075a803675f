"""What comes of a check: passed, failed, or skipped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from zoo.deprecated import warn_deprecated
from zoo.errors import ZooError

State = Literal["passed", "failed", "skipped"]


class CheckFailed(ZooError):  # noqa: N818
    """What an architecture does not do: what was `found`, and what to do about it (`advice`).

    The function of a check raises it. Which check of what architecture it was, what the networks were given and how to run it
    again is known to the kit, whose `Outcome` tells the whole.
    """

    def __init__(self, found: str, advice: str) -> None:
        super().__init__(f"{found}; {advice}")
        self.found = found
        self.advice = advice


class CheckSkipped(ZooError):  # noqa: N818
    """A check that does not concern an architecture, or cannot run here; the message says why."""


@dataclass(frozen=True)
class Outcome:
    """What came of one check; as a text, the whole of it for a person."""

    architecture: str
    check: str
    sentence: str
    """What holds where it passes."""
    state: State
    seconds: float
    given: str = ""
    """What the networks were given, where it failed."""
    again: str = ""
    """The command that runs it again, where it failed."""
    failure: CheckFailed | None = None
    """What was found and what to do, where it failed."""
    reason: str = ""
    """Why it was skipped."""
    remark: str = ""
    """What was left out of a check that passed otherwise: "but for …"."""

    @property
    def promise(self) -> str:
        """Deprecated: `check`."""
        warn_deprecated("Outcome.promise")
        return self.check

    @property
    def broken(self) -> CheckFailed | None:
        """Deprecated: `failure`."""
        warn_deprecated("Outcome.broken")
        return self.failure

    def __str__(self) -> str:
        if self.failure is None:
            more = self.reason or self.remark
            return f"{self.architecture}: {self.check} {self.state}" + (f", {more}" if more else "")
        rows = {"given": self.given, "found": self.failure.found, "to do": self.failure.advice, "again": self.again}
        lines = [f"{self.architecture} fails the check {self.check!r}: {self.sentence}"]
        return "\n".join(lines + [f"  {title}: {text}" for title, text in rows.items() if text])

    def as_json(self) -> dict[str, Any]:
        """The same as plain values, for ``zoo check --json``."""
        row: dict[str, Any] = {"check": self.check, "sentence": self.sentence, "state": self.state}
        row["seconds"] = round(self.seconds, 3)
        if self.failure is not None:
            row |= {
                "given": self.given,
                "found": self.failure.found,
                "advice": self.failure.advice,
                "again": self.again,
            }
        return row | {name: value for name in ("reason", "remark") if (value := getattr(self, name))}
