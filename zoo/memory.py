"""Says in words that memory ran out. Importing this imports no torch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from zoo.errors import RunError


@contextmanager
def enough_memory(advice: str) -> Iterator[None]:
    """Turn what torch and Python say when memory runs out into a RunError that ends with `advice`."""
    import torch

    try:
        yield
    except (MemoryError, torch.OutOfMemoryError) as error:
        raise RunError(f"not enough memory; {advice}") from error
    except RuntimeError as error:
        if "allocate" not in str(error) or "memory" not in str(error):
            raise
        raise RunError(f"not enough memory; {advice}") from error
