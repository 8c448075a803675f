"""All callbacks of a run as one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from zoo.callback import Callback
from zoo.engine.runtime.log import Listener, listening
from zoo.errors import OptionError
from zoo.run.run import Run
from zoo.run.scores import Scores


def check_callbacks(callbacks: object) -> list[Callback]:
    """The callbacks that were given. Raises OptionError for what is no list of them."""
    if isinstance(callbacks, Callback) or not isinstance(callbacks, Iterable):
        raise OptionError(f"callbacks is {_named(callbacks)}; give a list: callbacks=[{type(callbacks).__name__}()]")
    found = list(callbacks)
    for each in found:
        if isinstance(each, type) and issubclass(each, Callback):
            raise OptionError(
                f"callbacks has the class {each.__name__}; give an object of it: callbacks=[{each.__name__}()]"
            )
        if not isinstance(each, Callback):
            raise OptionError(f"callbacks has {_named(each)}; give objects of a subclass of zoo.Callback")
    return found


def _named(given: object) -> str:
    """A thing by what it is: ``3``, or ``a Counter``."""
    plain = isinstance(given, str | int | float | type | None)
    return repr(given) if plain else f"a {type(given).__name__}"


class Callbacks(Callback):
    """Tells each callback, in order."""

    def __init__(self, callbacks: Iterable[Callback] = ()) -> None:
        self._all = list(callbacks)

    def add(self, callbacks: Iterable[Callback]) -> None:
        """Tell these from now on, too."""
        self._all += callbacks

    def on_note(self, line: str) -> None:
        """Tell each."""
        for callback in self._all:
            callback.on_note(line)

    def on_prepare(self, done: int, total: int) -> None:
        """Tell each."""
        for callback in self._all:
            callback.on_prepare(done, total)

    def on_start(self, run: Run, step: int, steps: int) -> None:
        """Tell each."""
        for callback in self._all:
            callback.on_start(run, step, steps)

    def on_step(self, step: int) -> None:
        """Tell each."""
        for callback in self._all:
            callback.on_step(step)

    def on_metrics(self, metrics: Mapping[str, float]) -> None:
        """Tell each."""
        for callback in self._all:
            callback.on_metrics(metrics)

    def on_sample(self, step: int, picture: Path) -> None:
        """Tell each."""
        for callback in self._all:
            callback.on_sample(step, picture)

    def on_evaluation(self, scores: Scores) -> None:
        """Tell each."""
        for callback in self._all:
            callback.on_evaluation(scores)

    def on_checkpoint(self, step: int, checkpoint: Path) -> None:
        """Tell each."""
        for callback in self._all:
            callback.on_checkpoint(step, checkpoint)

    def on_end(self, run: Run, step: int, finished: bool) -> None:
        """Tell each."""
        for callback in self._all:
            callback.on_end(run, step, finished)

    @contextmanager
    def forward_log(self) -> Iterator[None]:
        """Within it what this thread logs to the logger ``zoo``, of level INFO and above, is each callback's `on_note`.

        Other handlers are given what they would be given otherwise. Where there is no callback, nothing changes.
        """
        if not self._all:
            yield
            return
        with listening(Listener(self.on_note, any(type(one).on_note is not Callback.on_note for one in self._all))):
            yield
