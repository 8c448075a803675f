"""Whether the torch that is installed is one that zoo works with. Importing this imports no torch."""

from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError, version

from zoo.errors import NativeError

OLDEST = "2.11"
"""The oldest release of torch that has the stable ABI which the native core uses."""


@cache
def check_torch() -> None:
    """Raise NativeError where torch is older, with what to install. One that pip does not know of is left to be tried."""
    try:
        found = version("torch")
    except PackageNotFoundError:
        return
    from packaging.version import Version  # here and not above: zoo --help imports this file

    if Version(found) < Version(OLDEST):
        raise NativeError(
            f"torch {found} is installed, and zoo needs {OLDEST} or newer: pip install --upgrade 'torch>={OLDEST}'"
        )
