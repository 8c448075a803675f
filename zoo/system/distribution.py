"""What zoo is called where packages are installed, and the stranger of nearly that name. Importing this imports nothing heavy."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, distribution, requires

from zoo.system.native import REBUILD

DISTRIBUTION = "zoo-gan"
"""What pip knows zoo by. The module, the command and the group of entry points are called zoo."""

_WITHOUT = f"pip uninstall zoo, then install this one anew: {REBUILD} in a clone, else with {DISTRIBUTION} for the dot"


def foreign() -> str | None:
    """What is wrong where a distribution called zoo is installed too; None where there is none.

    It is another project (a framework for remote procedure calls), and its files may lie over ours. Or it is ours, from
    before it was called otherwise.
    """
    try:
        found = distribution("zoo")
    except PackageNotFoundError:
        return None
    if any(point.group == "zoo" for point in found.entry_points):
        return f"zoo {found.version} is this project from before it was called {DISTRIBUTION}; {_WITHOUT}"
    return (
        f"zoo {found.version} of the package index is installed: another project, where this one is called {DISTRIBUTION}; "
        f"{_WITHOUT}"
    )


def asks_for_foreign(name: str) -> bool:
    """Whether the distribution of that name depends on the other zoo, as packages do that an early `zoo new` has made."""
    try:
        wanted = requires(name) or []
    except PackageNotFoundError:
        return False
    return any(re.match(r"zoo\s*($|[<>=!~;@ (\[])", line) for line in wanted)
