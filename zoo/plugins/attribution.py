"""Names the plugin whose code failed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from zoo.errors import PluginError, ZooError
from zoo.plugins.plugin import Plugin
from zoo.system.memory import ran_out


class Guard(Protocol):
    """Makes a block in which code of one plugin runs: ``with guard("phases() failed"): …``."""

    def __call__(self, what: str, then: str = "") -> AbstractContextManager[None]:
        """`what` says what went on, `then` what to do next."""


@contextmanager
def attributing(find: Callable[[BaseException], Plugin | None], what: str, then: str = "") -> Iterator[None]:
    """A block in which a plugin's code runs: what it raises becomes a PluginError that names it, and what to do next (`then`).

    `find` says whose mistake it is, asked only where something was raised. What zoo itself says passes as it is, but for a
    PluginError that does not say whose it is, or not what to do next; so do a lack of memory and, of None, everything: that is
    nobody's fault here. An exit that was asked for is a mistake like others.
    """
    try:
        yield
    except (KeyboardInterrupt, GeneratorExit):
        raise
    except BaseException as error:
        advice = f"; {then}" if then else ""
        if isinstance(error, PluginError) and error.named:
            if not advice or error.advised:
                raise
            raise _named(f"{error}{advice}", advised=True) from error.__cause__
        # A check of zoo's own, which does not know whose it is.
        refused = isinstance(error, PluginError)
        plugin = find(error) if refused or not (isinstance(error, ZooError) or ran_out(error)) else None
        if plugin is None:
            raise
        message = f"{plugin.title}: {error}{plugin.brackets(error)}" if refused else plugin.failure(error, what)
        raise _named(f"{message}{advice}", advised=bool(then)) from (error.__cause__ if refused else error)


def _named(message: str, advised: bool) -> PluginError:
    error = PluginError(message)
    error.named, error.advised = True, advised
    return error
