"""An interpreter of its own, for what a process has imported or changed."""

from __future__ import annotations

import subprocess
import sys

HEAVY = """
import sys
def heavy(*unwanted):
    found = [name for name in unwanted if name in sys.modules]
    if found:
        sys.exit(f"{found} imported by {sys.argv}")
"""


def alone(code: str) -> None:
    """Runs code in an interpreter of its own."""
    done = subprocess.run([sys.executable, "-c", HEAVY + code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
