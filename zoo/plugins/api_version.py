"""The version of what plugins are written against, and whether a plugin fits it."""

from __future__ import annotations

import ast
from pathlib import Path

from zoo.errors import PluginError

API_VERSION = "1.2"
"""The version of the plugin API: hooks, public names, what an architecture must keep.

The second number grows where something is added, the first where a plugin may have to be changed. A plugin's module says
what it was written for: ``zoo_api = ">=1.0,<2"``.
"""


def check_api(declared: object) -> None:
    """Raise PluginError where a plugin's ``zoo_api`` does not hold `API_VERSION`, or is no range of versions."""
    if declared is None:
        return
    from packaging.specifiers import InvalidSpecifier, SpecifierSet  # only for plugins that declare one

    try:
        fits = SpecifierSet(declared).contains(API_VERSION) if isinstance(declared, str) else None
    except InvalidSpecifier:
        fits = None
    if fits is None:
        raise PluginError(f'zoo_api is {declared!r}; write a range of versions, as in zoo_api = ">=1.0,<2"')
    if not fits:
        raise PluginError(
            f"it is written for zoo's plugin API {declared}, and this zoo has {API_VERSION}; "
            "install a version of it for that, or another version of zoo"
        )


def declared_api(file: Path) -> str | None:
    """The text assigned to ``zoo_api`` at the top level of a source file, which is read and not run; None where there is none.

    For a plugin that fails as it is imported: that it was written for another version may well be the reason.
    """
    try:
        tree = ast.parse(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, SyntaxError):
        return None
    for line in tree.body:
        if not isinstance(line, ast.Assign | ast.AnnAssign):
            continue
        targets = line.targets if isinstance(line, ast.Assign) else [line.target]
        if any(isinstance(target, ast.Name) and target.id == "zoo_api" for target in targets):
            value = line.value
            return value.value if isinstance(value, ast.Constant) and isinstance(value.value, str) else None
    return None
