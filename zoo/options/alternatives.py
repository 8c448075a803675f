"""Options that say the same in different units: the one that is given last counts. Importing this imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zoo.options.length import LENGTHS
from zoo.options.optimizer import FINALS

_ENDS = tuple(f"final_{name}" for name in FINALS)

ALTERNATIVES = (LENGTHS, ("ema", "ema_kimg"))
"""Names of which one is in force. The first has a value always, which counts where the others have none."""


def superseded(given: Mapping[str, Any], before: Mapping[str, Any]) -> list[str]:
    """The options `before` that no longer count where some are `given`. Raises ValueError where two of these are lengths.

    Where a value is given, so is its end, if it has one: what ``--burn-in`` led to before does not undo it. Nor does a burn-in
    count that changes nothing any more.
    """
    found: list[str] = []
    for names in ALTERNATIVES:
        named = [name for name in names if (name == names[0] and name in given) or given.get(name) is not None]
        if len(named) > 1 and names is LENGTHS:
            flags = " and ".join(f"--{name}" for name in named)
            raise ValueError(f"{flags} both say how long to train; give one of them")
        found += [name for name in names[1:] if named and name not in named]
    ends = [f"final_{name}" for name in FINALS if name in given and given.get(f"final_{name}") is None]
    left = {name for name in _ENDS if before.get(name) is not None and name not in ends}
    lost = any(before.get(name) is not None for name in ends)
    if lost and not left and "burn_in" not in given and not any(given.get(name) is not None for name in _ENDS):
        ends.append("burn_in")
    return found + ends


def in_force(options: Mapping[str, Any]) -> dict[str, Any]:
    """All options of a run but the first of alternatives of which another is in force."""
    idle = {names[0] for names in ALTERNATIVES if any(options.get(name) is not None for name in names[1:])}
    return {name: value for name, value in options.items() if name not in idle}
