"""What `zoo.train` and `zoo.resume` took in version 1.0 of the plugin API, as what they take today (zoo/deprecated.py)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from zoo.callback import Callback
from zoo.deprecated import warn_deprecated

_OLD = ("watchers", "say", "preparing", "plugins_watch")


def take_old_keywords(function: str, keywords: dict[str, Any]) -> tuple[list[Callback], bool]:
    """Take what is old out of the keywords given to zoo.`function`: the callbacks in it, and whether plugins' are wanted."""
    old = {name: keywords.pop(name) for name in _OLD if name in keywords}
    for name in old:
        warn_deprecated(f"zoo.{function}({name}=…)", stacklevel=3)
    callbacks: list[Callback] = list(old.get("watchers", ()))
    if old.get("say") or old.get("preparing"):
        callbacks.append(_Functions(old.get("say"), old.get("preparing")))
    return callbacks, bool(old.get("plugins_watch", True))


class _Functions(Callback):
    """Two functions as a callback."""

    def __init__(self, say: Callable[[str], object] | None, preparing: Callable[[int, int], object] | None) -> None:
        self._say, self._preparing = say, preparing

    def on_note(self, line: str) -> None:
        """Pass it on."""
        if self._say:
            self._say(line)

    def on_prepare(self, done: int, total: int) -> None:
        """Pass it on."""
        if self._preparing:
            self._preparing(done, total)
