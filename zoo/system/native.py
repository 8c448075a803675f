"""What every native part has in common: whether it is wanted, and the module that needs no torch.

ZOO_NATIVE=0 (or off, false, no) at run time forces the references; any other value leaves the choice to what is built.
"""

from __future__ import annotations

import importlib
import os
from types import ModuleType
from typing import Final

REBUILD: Final = "pip install --force-reinstall --no-deps ."


def native_wanted() -> bool:
    """Whether the environment lets native code serve."""
    return os.environ.get("ZOO_NATIVE", "").strip().lower() not in ("0", "off", "false", "no")


def does_not_load(name: str, error: BaseException) -> str:
    """What to say of a native part that is present and does not load."""
    return (
        f"the native core {name} is present but does not load ({error}); "
        f"rebuild it with `{REBUILD}`, or set ZOO_NATIVE=0 to do without"
    )


def host_module() -> tuple[ModuleType | None, str]:
    """The native module `zoo._host`, or None, and in a sentence why; ImportError if it is present and does not load."""
    if not native_wanted():
        return None, "ZOO_NATIVE=0 asks for the reference."
    try:
        return importlib.import_module("zoo._host"), "The host module of the native core is loaded."
    except ModuleNotFoundError as error:
        if error.name != "zoo._host":
            raise
        return None, "The host module is not built."
