"""The promises, in the order in which they are checked, and what it takes to check one."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from zoo.errors import OptionError, RunError, ZooError, unknown
from zoo.testing.outcome import BrokenPromise, NotChecked, Outcome, State
from zoo.testing.promises.batch import batch
from zoo.testing.promises.bfloat16 import bfloat16
from zoo.testing.promises.compiled import compiled
from zoo.testing.promises.documented import documented
from zoo.testing.promises.gradients import gradients
from zoo.testing.promises.labels import labels
from zoo.testing.promises.learning import learning
from zoo.testing.promises.ops import ops
from zoo.testing.promises.presets import presets
from zoo.testing.promises.resume import resume
from zoo.testing.promises.seed import seed
from zoo.testing.promises.shapes import shapes
from zoo.testing.promises.state import state

if TYPE_CHECKING:
    from pathlib import Path

    from zoo.testing.subject import Subject


@dataclass(frozen=True)
class Promise:
    """Something that every architecture is to keep: a function that takes a `Subject` and raises BrokenPromise or NotChecked.

    It may return a remark on what it had to leave out ("but for …").
    """

    function: Callable[[Subject], str | None]

    @property
    def name(self) -> str:
        """What it is called on the command line."""
        return self.function.__name__

    @property
    def sentence(self) -> str:
        """What is promised."""
        return inspect.getdoc(self.function) or ""

    def outcome(self, subject: Subject) -> Outcome:
        """Check it. What the plugin's own code raises breaks the promise, and is named by its file and line.

        Raises RunError where memory runs out or the machine cannot read or write, which says nothing about the architecture.
        """
        import torch

        from zoo.testing.blame import machine

        began = time.perf_counter()
        broken: BrokenPromise | None = None
        reason, remark = "", None
        subject.given = ""
        try:
            with torch.random.fork_rng(devices=[]):
                remark = self.function(subject)
        except NotChecked as error:
            reason = str(error)
        except BrokenPromise as error:
            broken = error
        except (Exception, SystemExit) as error:
            if why := machine(error, subject.plugin):
                raise RunError(why) from error
            broken = _failed(subject, error)
        state_: State = "broken" if broken else "not checked" if reason else "kept"
        seconds = time.perf_counter() - began
        if broken is None:
            return Outcome(subject.name, self.name, self.sentence, state_, seconds, reason=reason, remark=remark or "")
        given, again = subject.situation, subject.command(self.name)
        return Outcome(subject.name, self.name, self.sentence, state_, seconds, given, again, broken)


def _failed(subject: Subject, error: BaseException) -> BrokenPromise:
    """What the plugin's own code raised, or what zoo said of it."""
    if isinstance(error, ZooError):
        return BrokenPromise(str(error), "mend what it names; ZOO_TRACEBACK=1 zoo train shows where it comes from")
    from zoo.testing.blame import reason

    return BrokenPromise(reason(error, subject.plugin), "mend that line, or what it is given")


_ALL = (documented, presets, shapes, gradients, labels, learning, batch, bfloat16, ops, state, seed, resume, compiled)

PROMISES: Mapping[str, Promise] = MappingProxyType({function.__name__: Promise(function) for function in _ALL})
"""Every promise by its name, the slowest last."""


def select(promises: Iterable[str] | None = None, without: Iterable[str] = ()) -> list[Promise]:
    """The promises of these names, all of them for None, less those `without`; a text is one name.

    Raises OptionError for an unknown name, and where none is left.
    """
    wanted, left_out = None if promises is None else _names(promises), _names(without)
    for name in [*(wanted or ()), *left_out]:
        if name not in PROMISES:
            raise OptionError(unknown("promise", name, PROMISES, "zoo check --help"))
    chosen = [
        promise for name, promise in PROMISES.items() if (wanted is None or name in wanted) and name not in left_out
    ]
    if not chosen:
        raise OptionError("no promise is left to check; leave out a --without, or name others with --promise")
    return chosen


def _names(given: Iterable[str]) -> list[str]:
    return [given] if isinstance(given, str) else list(given)


def check(
    name: str,
    *,
    preset: str | None = None,
    config: Path | str | None = None,
    promises: Iterable[str] | None = None,
    without: Iterable[str] = (),
    **options: Any,
) -> list[Outcome]:
    """Whether the architecture `name` keeps its promises: an outcome for each.

    `preset`, `config` and `options` are those of `zoo.train`; small values do (``width=8``). What is not given is chosen small
    where it only costs time: batches, steps, image sizes. The kit makes its own data. `promises` names those to check,
    `without` those to leave out (`PROMISES`); a single name may be given as it is. Raises OptionError and PluginError for
    arguments that do not fit and an architecture that is not there, RunError where the machine fails; a broken promise is an
    outcome.
    """
    from zoo.testing.subject import Subject

    chosen = select(promises, without)
    with Subject(name, preset=preset, config=config, **options) as subject:
        return [promise.outcome(subject) for promise in chosen]
