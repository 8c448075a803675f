"""Assembling a batch: rows of the prepared store become floats in the layout that a network wants.

`gather` is the native function of `zoo._host` where that module is present and ZOO_NATIVE does not forbid it, and
`reference` otherwise (`zoo.ops.build_info()["batch_assembly"]` tells which, and why). Both write the same numbers, bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import numpy as np
import numpy.typing as npt

from zoo.errors import NativeError
from zoo.system.native import does_not_load, host_module

Gather = Callable[
    [
        npt.NDArray[np.uint8],
        npt.NDArray[np.int64],
        "npt.NDArray[np.bool_] | None",
        float,
        float,
        npt.NDArray[np.float32],
    ],
    None,
]


def reference(
    images: npt.NDArray[np.uint8],
    indices: npt.NDArray[np.int64],
    flips: npt.NDArray[np.bool_] | None,
    low: float,
    high: float,
    out: npt.NDArray[np.float32],
) -> None:
    """Write images[indices] into `out` as floats.

    images: uint8 (N, H, W, C). indices: int64 (B,), each in 0..N-1. flips: bool (B,), True mirrors that image
    left to right, or None. out: float32 view (B, C, H, W) of any strides; NCHW and channels-last memory are the usual
    ones. A value v becomes the float32 nearest to low + (high - low) · v / 255. Raises IndexError for an index outside.
    """
    rows = images[indices]
    if flips is not None:
        rows[flips] = rows[flips, :, ::-1]
    # A table of the 256 possible results: the rounding is that of double precision, whatever the layout.
    table = (low + (high - low) * np.arange(256, dtype=np.float64) / 255).astype(np.float32)
    # "clip" never clips a byte; it only spares NumPy a copy of the output.
    np.take(table, rows.transpose(0, 3, 1, 2), out=out, mode="clip")


def _choose() -> Gather:
    try:
        native, _ = host_module()
    except ImportError as error:
        raise NativeError(does_not_load("zoo._host", error)) from error
    return reference if native is None else cast(Gather, native.gather)


gather = _choose()
