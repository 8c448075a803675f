"""Says in words that memory ran out, or would. Importing this imports no torch."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from zoo.errors import RunError


class OutOfMemoryError(RunError):
    """Memory ran out, or would."""


_SIGNS = (
    "out of memory",  # CUDA, Metal
    "not enough memory",
    "std::bad_alloc",
    "aoti_torch_empty",  # how torch's stable interface tells a kernel that it has no memory for it, without the reason
    "STATUS_ALLOC_FAILED",  # cuBLAS, cuDNN
)
"""What stands in the words of a RuntimeError that is about memory."""


@contextmanager
def enough_memory(advice: str) -> Iterator[None]:
    """Turn what torch and Python say when memory runs out into an OutOfMemoryError that ends with `advice`."""
    try:
        yield
    except (MemoryError, RuntimeError, OSError) as error:
        if not ran_out(error):
            raise
        raise OutOfMemoryError(f"not enough memory; {advice}") from error


def ran_out(error: BaseException) -> bool:
    """Whether an error is what Python, the system, torch on any device, or a kernel of ours says when memory runs out."""
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    if not isinstance(error, RuntimeError):
        return isinstance(error, MemoryError)
    words = str(error)
    return ("allocate" in words and "memory" in words) or any(sign in words for sign in _SIGNS)


def need_memory(needed: int, advice: str) -> None:
    """Raise OutOfMemoryError that ends with `advice` where `needed` bytes are more than this machine has left.

    Asked before the work begins: a system that promises more than it has ends the whole process later, without a word.
    """
    left = available_memory()
    if left is not None and needed > left:
        raise OutOfMemoryError(
            f"not enough memory: about {_size(needed)} are needed and {_size(left)} are left; {advice}"
        )


def available_memory() -> int | None:
    """Bytes that can still be used: Linux's own estimate, and its limit for this container; None elsewhere."""
    found: list[int] = []
    with suppress(OSError, ValueError, IndexError):
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        found += [int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")]
    with suppress(OSError, ValueError):  # "max" where there is no limit
        limit = int(Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii"))
        found.append(limit - int(Path("/sys/fs/cgroup/memory.current").read_text(encoding="ascii")))
    return max(0, min(found)) if found else None


def _size(count: int) -> str:
    return f"{count / 2**30:,.1f} GiB" if count < 2**60 else "more than a billion GiB"
