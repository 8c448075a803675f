"""An installed plugin: where it came from, and how it is named when its code fails."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.metadata import EntryPoint
from importlib.util import find_spec
from pathlib import Path

from zoo.errors import ZooError
from zoo.system.distribution import DISTRIBUTION


@dataclass(frozen=True)
class Plugin:
    """A plugin, and what went wrong when it was loaded, if anything did."""

    name: str
    distribution: str
    version: str
    module: str
    modules: tuple[str, ...] = ()
    """The top-level modules that its distribution brings."""
    api: str | None = None
    """The versions of zoo's plugin API that it was written for (its module's ``zoo_api``); None where it does not say."""
    error: str | None = None
    details: str | None = None

    @classmethod
    def of(cls, point: EntryPoint) -> Plugin:
        """The plugin behind an entry point, which is not loaded for it."""
        if point.dist is None:
            return cls(point.name, "(unknown distribution)", "", point.value)
        modules = (point.dist.read_text("top_level.txt") or "").split()
        return cls(point.name, point.dist.name, point.dist.version, point.value, tuple(modules))

    @property
    def origin(self) -> str:
        """The distribution with its version, as in ``zoo-gan 0.1.0``."""
        return f"{self.distribution} {self.version}".strip()

    @property
    def title(self) -> str:
        """How messages call it: ``plugin 'dcgan' of zoo-gan 0.1.0``."""
        return f"plugin {self.name!r} of {self.origin}"

    @property
    def key(self) -> str:
        """What tells it from every other plugin: two distributions may give theirs the same name."""
        return f"{self.distribution}:{self.name}"

    @property
    def names(self) -> set[str]:
        """What someone may type who means what it brings: its own name, or its distribution's without ``zoo-``."""
        if self.distribution == DISTRIBUTION:
            return {self.name}
        return {self.name, self.distribution.removeprefix("zoo-")}

    def failed(self, error: BaseException) -> Plugin:
        """The same plugin, with the reason why it could not be loaded and the traceback."""
        try:
            trace = "".join(traceback.format_exception(error))
        except Exception:
            trace = ""
        return replace(self, error=self.reason(error), details=trace)

    def failure(self, error: BaseException, what: str) -> str:
        """The sentence for code of this plugin that failed: ``plugin 'my-gan' of zoo-my-gan 0.1: generator() failed: …``."""
        return f"{self.title}: {what}: {self.reason(error)}"

    def reason(self, error: BaseException) -> str:
        """What an error says, and the line of the plugin's own files that led to it, as far as there is one."""
        return f"{_words(error)}{self.brackets(error)}"

    def brackets(self, error: BaseException) -> str:
        """The place of an error as it stands behind what is said of it; empty where there is none."""
        place = self.place(error)
        return f" ({place})" if place else ""

    def place(self, error: BaseException) -> str:
        """``file:line`` of the innermost line of this plugin that led to the error; empty where none did."""
        if isinstance(error, SyntaxError) and error.filename:
            return f"{error.filename}:{error.lineno}"
        homes = list(self.homes())
        for frame in reversed(traceback.extract_tb(error.__traceback__)):
            if any(Path(frame.filename).is_relative_to(home) for home in homes):
                return f"{frame.filename}:{frame.lineno}"
        return ""

    def files(self) -> Iterator[Path]:
        """Where the source of the plugin's module would be; nothing is imported to find out."""
        top, *below = self.module.partition(":")[0].split(".")
        for home in _homes(top):
            inside = home.joinpath(*below)
            yield from [inside / "__init__.py", inside.with_suffix(".py")] if home.is_dir() else [home]

    def homes(self) -> Iterator[Path]:
        """The files and folders of the plugin's code: its module's own, then all that its distribution brings."""
        top, *below = self.module.partition(":")[0].split(".")
        for home in _homes(top):
            yield home.joinpath(*below) if home.is_dir() else home
        for name in sorted({top, *self.modules} - {"zoo"}):  # whose own mistakes are no plugin's
            yield from _homes(name)


def _homes(top: str) -> Iterator[Path]:
    """The file of a top-level module, or the folder of a top-level package."""
    try:
        spec = getattr(sys.modules[top], "__spec__", None) if top in sys.modules else find_spec(top)
    except (ImportError, ValueError):
        return
    if spec is not None:
        yield from map(Path, spec.submodule_search_locations or ([spec.origin] if spec.origin else []))


def _words(error: BaseException) -> str:
    """The kind of an error and what it says; of zoo's own, what it says."""
    try:
        words = str(error)
    except Exception:  # whoever cannot be imported may well be unable to say why
        words = ""
    if isinstance(error, ZooError) and words:
        return words
    return f"{type(error).__name__}: {words}" if words else type(error).__name__
