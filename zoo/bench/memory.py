"""Keeps freed memory in the process, so that what is measured is the op and not the system clearing pages."""

from __future__ import annotations

import ctypes
import platform

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_LARGEST = 32 << 20  # the most that glibc accepts for the second


def keep_freed_memory() -> bool:
    """Tells glibc to keep what is freed, for the life of the process; returns whether it does.

    By default it gives large blocks back to the system, which clears their pages anew at every allocation: tens of
    gigabytes per second of copying become a few. Blocks above 32 MiB are given back all the same. Nothing happens on
    systems without glibc.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    return bool(mallopt(_M_MMAP_THRESHOLD, _LARGEST) and mallopt(_M_TRIM_THRESHOLD, 2**31 - 1))
