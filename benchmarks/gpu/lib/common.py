"""What the stages share: results as lines of JSON, written at once, and the question whether there is a device."""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any

BEGAN = time.perf_counter()


def tell(kind: str, **facts: Any) -> None:
    """A result: a line for people, and one of JSON where RESULTS says."""
    print(
        f"{time.perf_counter() - BEGAN:6.1f}s {kind}: "
        + ", ".join(f"{key}={_short(value)}" for key, value in facts.items()),
        flush=True,
    )
    path = os.environ.get("RESULTS")
    if path:
        with open(path, "a", encoding="utf-8") as file:
            file.write(json.dumps({"kind": kind, **facts}) + "\n")


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def need_device() -> str:
    """ "cuda", or what DEVICE says; ends with status 3 where there is none."""
    import torch

    device = os.environ.get("DEVICE", "cuda")
    if device == "cuda" and not torch.cuda.is_available():
        print("no CUDA device: torch.cuda.is_available() is False")
        sys.exit(3)
    return device
