"""The kernel of a notebook, if there is one."""

from __future__ import annotations

import importlib
import sys
from typing import Any


def in_notebook() -> bool:
    """Whether this process is the kernel of a notebook: IPython is there, and not in a terminal."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None and hasattr(ipython, "get_ipython") else None
    return getattr(shell, "kernel", None) is not None


class Output:
    """A place below the cell whose content is replaced as often as one likes; the newest stays in the saved notebook."""

    def __init__(self) -> None:
        self._handle: Any = None

    def show(self, content: dict[str, Any]) -> None:
        """Put this there: MIME types to what is shown where they can be; text is for whoever can show nothing else."""
        if self._handle is not None:
            self._handle.update(content, raw=True)
            return
        display = importlib.import_module("IPython.display").display
        self._handle = display(content, raw=True, display_id=True)
