"""The checks, in the order in which they run, and what it takes to run one."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from zoo.deprecated import warn_deprecated
from zoo.errors import OptionError, RunError, ZooError, unknown
from zoo.testing.checks.batch import batch
from zoo.testing.checks.bfloat16 import bfloat16
from zoo.testing.checks.compiled import compiled
from zoo.testing.checks.documented import documented
from zoo.testing.checks.gradients import gradients
from zoo.testing.checks.labels import labels
from zoo.testing.checks.learning import learning
from zoo.testing.checks.ops import ops
from zoo.testing.checks.presets import presets
from zoo.testing.checks.resume import resume
from zoo.testing.checks.seed import seed
from zoo.testing.checks.shapes import shapes
from zoo.testing.checks.state import state
from zoo.testing.outcome import CheckFailed, CheckSkipped, Outcome, State

if TYPE_CHECKING:
    from pathlib import Path

    from zoo.testing.subject import Subject


@dataclass(frozen=True)
class Check:
    """Something that every architecture is to do: a function that takes a `Subject` and raises CheckFailed or CheckSkipped.

    It may return a remark on what it had to leave out ("but for …").
    """

    function: Callable[[Subject], str | None]

    @property
    def name(self) -> str:
        """What it is called on the command line."""
        return self.function.__name__

    @property
    def sentence(self) -> str:
        """What holds where it passes."""
        return inspect.getdoc(self.function) or ""

    def run(self, subject: Subject) -> Outcome:
        """Run it. What the plugin's own code raises fails it, and is named by its file and line.

        Raises RunError where memory runs out or the machine cannot read or write, which says nothing about the architecture.
        """
        import torch

        from zoo.testing.attribution import machine

        began = time.perf_counter()
        failure: CheckFailed | None = None
        reason, remark = "", None
        subject.given = ""
        try:
            with torch.random.fork_rng(devices=[]):
                remark = self.function(subject)
        except CheckSkipped as error:
            reason = str(error)
        except CheckFailed as error:
            failure = error
        except (Exception, SystemExit) as error:
            if why := machine(error, subject.plugin):
                raise RunError(why) from error
            failure = _failed(subject, error)
        state_: State = "failed" if failure else "skipped" if reason else "passed"
        seconds = time.perf_counter() - began
        if failure is None:
            return Outcome(subject.name, self.name, self.sentence, state_, seconds, reason=reason, remark=remark or "")
        given, again = subject.situation, subject.command(self.name)
        return Outcome(subject.name, self.name, self.sentence, state_, seconds, given, again, failure)

    def outcome(self, subject: Subject) -> Outcome:
        """Deprecated: `run`."""
        warn_deprecated("Promise.outcome()")
        return self.run(subject)


def _failed(subject: Subject, error: BaseException) -> CheckFailed:
    """What the plugin's own code raised, or what zoo said of it."""
    if isinstance(error, ZooError):
        return CheckFailed(str(error), "mend what it names; ZOO_TRACEBACK=1 zoo train shows where it comes from")
    from zoo.testing.attribution import reason

    return CheckFailed(reason(error, subject.plugin), "mend that line, or what it is given")


_ALL = (documented, presets, shapes, gradients, labels, learning, batch, bfloat16, ops, state, seed, resume, compiled)

CHECKS: Mapping[str, Check] = MappingProxyType({function.__name__: Check(function) for function in _ALL})
"""Every check by its name, the slowest last."""


def select(only: Iterable[str] | None = None, without: Iterable[str] = ()) -> list[Check]:
    """The checks of these names, all of them for None, less those `without`; a text is one name.

    Raises OptionError for an unknown name, and where none is left.
    """
    wanted, left_out = None if only is None else _names(only), _names(without)
    for name in [*(wanted or ()), *left_out]:
        if name not in CHECKS:
            raise OptionError(unknown("check", name, CHECKS, "zoo check --help"))
    chosen = [each for name, each in CHECKS.items() if (wanted is None or name in wanted) and name not in left_out]
    if not chosen:
        raise OptionError("no check is left to run; leave out a --without, or name others with --only")
    return chosen


def _names(given: Iterable[str]) -> list[str]:
    return [given] if isinstance(given, str) else list(given)


def check(
    name: str,
    *,
    preset: str | None = None,
    config: Path | str | None = None,
    only: Iterable[str] | None = None,
    without: Iterable[str] = (),
    promises: Iterable[str] | None = None,
    **options: Any,
) -> list[Outcome]:
    """Whether the architecture `name` does what zoo relies on: an outcome for each check.

    `preset`, `config` and `options` are those of `zoo.train`; small values do (``width=8``). What is not given is chosen small
    where it only costs time: batches, steps, image sizes. The kit makes its own data. `only` names the checks to run, `without`
    those to leave out (`CHECKS`); a single name may be given as it is. Raises OptionError and PluginError for arguments that do not
    fit and an architecture that is not there, RunError where the machine fails; a check that fails is an outcome. (`promises`
    is the deprecated name of `only`.)
    """
    from zoo.testing.subject import Subject

    if promises is not None:
        warn_deprecated("zoo.testing.check(promises=…)")
        only = promises
    chosen = select(only, without)
    with Subject(name, preset=preset, config=config, **options) as subject:
        return [each.run(subject) for each in chosen]
