"""An installed plugin: where it came from, and how it is named when its code fails."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.metadata import EntryPoint
from importlib.util import find_spec
from pathlib import Path

from zoo.errors import PluginError, ZooError
from zoo.memory import ran_out


@dataclass(frozen=True)
class Plugin:
    """A plugin, and what went wrong when it was loaded, if anything did."""

    name: str
    distribution: str
    version: str
    module: str
    api: str | None = None
    """The versions of zoo's plugin API that it was written for (its module's ``zoo_api``); None where it does not say."""
    error: str | None = None
    details: str | None = None

    @classmethod
    def of(cls, point: EntryPoint) -> Plugin:
        """The plugin behind an entry point, which is not loaded for it."""
        name, version = (point.dist.name, point.dist.version) if point.dist else ("(unknown distribution)", "")
        return cls(point.name, name, version, point.value)

    @property
    def origin(self) -> str:
        """The distribution with its version, as in ``zoo 0.1.0``."""
        return f"{self.distribution} {self.version}".strip()

    @property
    def key(self) -> str:
        """What tells it from every other plugin: two distributions may give theirs the same name."""
        return f"{self.distribution}:{self.name}"

    def failed(self, error: BaseException) -> Plugin:
        """The same plugin, with the reason why it could not be loaded and the traceback."""
        trace = "".join(traceback.format_exception(error))
        return replace(self, error=self.reason(error), details=trace)

    def blame(self, error: BaseException, what: str) -> str:
        """The sentence for code of this plugin that failed: ``plugin 'my-gan' of zoo-my-gan 0.1: generator() failed: …``."""
        return f"plugin {self.name!r} of {self.origin}: {what}: {self.reason(error)}"

    def reason(self, error: BaseException) -> str:
        """What an error says, and where in the plugin's own files it came from, as far as that is known."""
        words = str(error) if isinstance(error, ZooError) else f"{type(error).__name__}: {error}".removesuffix(": ")
        place = self._place(error)
        return f"{words} ({place})" if place else words

    def _place(self, error: BaseException) -> str:
        """``file:line`` of the innermost line of this plugin that led to the error; else the plugin's file or folder."""
        if isinstance(error, SyntaxError) and error.filename:
            return f"{error.filename}:{error.lineno}"
        homes = list(self._homes())
        for frame in reversed(traceback.extract_tb(error.__traceback__)):
            if any(Path(frame.filename).is_relative_to(home) for home in homes):
                return f"{frame.filename}:{frame.lineno}"
        return str(homes[0]) if homes else ""

    def files(self) -> Iterator[Path]:
        """Where the source of the plugin's module would be; nothing is imported to find out."""
        below = self.module.partition(":")[0].split(".")[1:]
        for home in self._homes():
            inside = home.joinpath(*below)
            yield from [inside / "__init__.py", inside.with_suffix(".py")] if home.is_dir() else [home]

    def _homes(self) -> Iterator[Path]:
        """The file of the plugin's top-level module, or the folder of its top-level package."""
        top = self.module.partition(":")[0].partition(".")[0]
        try:
            spec = sys.modules[top].__spec__ if top in sys.modules else find_spec(top)
        except (ImportError, ValueError):
            return
        if spec is not None:
            yield from map(Path, spec.submodule_search_locations or ([spec.origin] if spec.origin else []))


@contextmanager
def blaming(find: Callable[[], Plugin | None], what: str, then: str = "") -> Iterator[None]:
    """A block in which a plugin's code runs: what it raises becomes a PluginError that names it, and what to do next (`then`).

    `find` says whose code it is, asked only where something was raised. What zoo itself says passes as it is, and so do a
    lack of memory and, of None, everything: that is nobody's fault here.
    """
    try:
        yield
    except ZooError:
        raise
    except Exception as error:
        plugin = None if ran_out(error) else find()
        if plugin is None:
            raise
        raise PluginError(plugin.blame(error, what) + (f"; {then}" if then else "")) from error
