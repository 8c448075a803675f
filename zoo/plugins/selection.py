"""Which of the installed plugins are to be loaded: those that ``ZOO_PLUGINS`` names, or all of them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from importlib.metadata import EntryPoint

from zoo.errors import PluginError, unknown


def selected(points: Iterable[EntryPoint]) -> tuple[list[EntryPoint], list[EntryPoint]]:
    """The entry points that ``ZOO_PLUGINS=a,b`` names, by their own name or their distribution's, and the others.

    All of them are selected where it is not set. Raises PluginError for a name that no plugin and no distribution has.
    """
    available = sorted(points, key=lambda point: (point.name, point.dist.name if point.dist else ""))
    wanted = os.environ.get("ZOO_PLUGINS")
    if wanted is None:
        return available, []
    names = {name.strip(): _normal(name.strip()) for name in wanted.split(",") if name.strip()}
    called = {id(point): {point.name, _normal(point.dist.name) if point.dist else ""} for point in available}
    for name, normal in names.items():
        if not any({name, normal} & each for each in called.values()):
            known = set().union(*called.values()) - {""}
            raise PluginError(unknown("plugin", name, known, "from ZOO_PLUGINS"))
    chosen = {*names, *names.values()}
    return (
        [point for point in available if called[id(point)] & chosen],
        [point for point in available if not called[id(point)] & chosen],
    )


def _normal(name: str) -> str:
    """A distribution's name as package indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()
