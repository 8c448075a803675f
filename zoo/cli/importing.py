"""Imports that take as long as they must and no longer."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from zoo.system.torch_version import check_torch


@contextmanager
def importing() -> Iterator[None]:
    """Around the imports of a command, those of torch and of what stands on it above all.

    Modules live as long as the process, but Python's collector does not know: it would go through hundreds of thousands of
    new objects again and again while torch is imported, in every full collection of the run, and once more when the process
    ends. So it rests meanwhile, and never looks at what was imported: half a second of the second and a half that a short
    run takes. Where torch is there already, or the collector is off, the process is somebody else's, and nothing is done.
    """
    if "torch" in sys.modules or not gc.isenabled():
        yield
        return
    check_torch()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
