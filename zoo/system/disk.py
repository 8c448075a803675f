"""What the system says when a file cannot be written: why in words, and what to do. Importing this imports no torch."""

from __future__ import annotations

import errno
from collections.abc import Callable

Remedies = Callable[[str], str]
"""From what would mend the place (empty for nothing that could be named) to what a person can do."""

_CAUSES = {
    errno.ENOSPC: ("the disk is full", "make room"),
    errno.EDQUOT: ("the disk quota is used up", "make room"),
    errno.EFBIG: ("files of that size are not allowed there", "raise the limit"),
    errno.EROFS: ("the place is read-only", ""),
    errno.EACCES: ("no permission to write there", ""),
    errno.EPERM: ("no permission to write there", ""),
    errno.ENOTDIR: ("a part of the path is a file, not a folder", ""),
    errno.EEXIST: ("a file of that name is in the way", ""),
}

NO_ROOM = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS))
"""What is wrong with the disk, whoever writes and whatever its name."""


def why_not_written(error: OSError, remedies: Remedies) -> str:
    """``No space left on device; the disk is full; make room, or choose another place``: cause, and remedies.

    >>> why_not_written(OSError(errno.ENOTDIR, "Not a directory"), lambda mend: f"{mend}, or" if mend else "choose another")
    'Not a directory; a part of the path is a file, not a folder; choose another'
    """
    cause, mend = _CAUSES.get(error.errno or 0, ("", ""))
    return "; ".join(part for part in (error.strerror or str(error), cause, remedies(mend)) if part)


def size(count: int) -> str:
    """Bytes in the unit in which they are a number of few digits.

    >>> size(3_136_000), size(800), size(200 * 10**9)
    ('3.1 MB', '800 bytes', '200 GB')
    """
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("KB", 10**3)):
        if count >= factor:
            return f"{count / factor:,.0f} {unit}" if count >= 100 * factor else f"{count / factor:,.1f} {unit}"
    return f"{count} byte{'' if count == 1 else 's'}"
