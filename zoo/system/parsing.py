"""JSON and TOML that somebody else may have written: what is nested without end, or takes without end to parse, is refused."""

from __future__ import annotations

import json
import sys
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

DEEPEST = 64
"""Lists and tables within each other that are read."""

_LONGEST_TOML = 256 << 10  # letters
_DOTS = 64  # in a line: each part of a dotted key is looked up in all before it


def parse_json(text: str | bytes) -> Any:
    """What a JSON text says. Raises ValueError (`json.JSONDecodeError` among them), also where it is nested too deeply."""
    try:
        content = json.loads(text)
    except RecursionError:
        raise ValueError(_too_deep()) from None
    _check_depth(content)
    return content


def parse_toml(text: str) -> dict[str, Any]:
    """What a TOML text says. Raises ValueError, also where it is nested too deeply or has keys that no person writes."""
    if len(text) > _LONGEST_TOML:
        raise ValueError(f"it has {len(text):,} letters; {_LONGEST_TOML:,} are read at most")
    if any(line.count(".") > _DOTS for line in text.splitlines()):
        raise ValueError(f"a line has more than {_DOTS} dots")
    try:
        content: dict[str, Any] = tomllib.loads(text)
    except RecursionError:
        raise ValueError(_too_deep()) from None
    _check_depth(content)
    return content


def _check_depth(content: Any) -> None:
    """Raise ValueError where lists and tables lie deeper in each other than anything is that walks through them."""
    level = [content]
    for _ in range(DEEPEST):
        level = [
            each
            for one in level
            if isinstance(one, dict | list)
            for each in (one.values() if isinstance(one, dict) else one)
            if isinstance(each, dict | list)
        ]
        if not level:
            return
    raise ValueError(_too_deep())


def _too_deep() -> str:
    return f"more than {DEEPEST} lists or tables lie within each other"
