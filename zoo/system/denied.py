"""Says of a file or a folder that is there that this user may not read it."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def denied(path: Path | str, error: PermissionError | None = None) -> str:
    """The sentence for what may not be read: whose it is, and what to do. `error` knows better than `path` what was asked for."""
    asked = getattr(error, "filename", None)
    name = os.fsdecode(asked) if isinstance(asked, str | bytes) else str(path)
    return (
        f"{name} cannot be read: permission denied{_owner(name)}; ask whoever it belongs to for the right to read it, "
        "or for a copy"
    )


def _owner(name: str) -> str:
    with suppress(OSError, ValueError, AttributeError):
        owner = os.stat(name).st_uid
        if owner != os.geteuid():
            return f" (it belongs to {_user(owner)})"
    return ""


def _user(number: int) -> str:
    with suppress(ImportError, KeyError):
        import pwd

        return f"the user {pwd.getpwuid(number).pw_name!r}"
    return f"user {number}"
