"""Whether the GPUs of this machine can run what the CUDA library was built for."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from zoo.system.native import REBUILD


def unsuited(record: Mapping[str, Any]) -> str:
    """Why a GPU or the driver cannot run a library of which setup.py wrote this record; empty where all can. Starts CUDA."""
    built = record.get("cuda_architectures") or ()
    for index in range(torch.cuda.device_count() if built else 0):
        major, minor = torch.cuda.get_device_capability(index)
        if not runs_on(built, 10 * major + minor):
            kernels = ", ".join(f"{number / 10:.1f}" for number in built)
            name = torch.cuda.get_device_name(index)
            return (
                f"The CUDA library has kernels for GPUs of compute capability {kernels}, and {name} has {major}.{minor}: to build "
                f"it for all that are here, {REBUILD}; or leave this one out by CUDA_VISIBLE_DEVICES."
            )
    toolkit = re.search(r"cuda_(\d+)\.", str(record.get("cuda_compiler", "")))
    driver = driver_version()
    if toolkit and driver and driver < int(toolkit[1]):
        return (
            f"The CUDA library was built by CUDA {toolkit[1]}, and the driver is for CUDA {driver}: update it, or rebuild the "
            f"library by a CUDA that it knows ({REBUILD})."
        )
    return ""


def runs_on(built: Sequence[int], capability: int) -> bool:
    """Whether kernels for these architectures (90 for 9.0) run on a GPU of that one.

    Machine code serves the later GPUs of its own generation; beside it there is PTX of the oldest from 8.0 on (of the newest where
    all are older; see code_generation in csrc/building/native.py), which drivers translate for whatever came after.
    """
    new = [number for number in built if number >= 80]
    translated = min(new) if new else max(built)
    return capability >= translated or any(
        number // 10 == capability // 10 and number <= capability for number in built
    )


def driver_version() -> int:
    """The major version of CUDA that the driver serves; 0 where that is not known."""
    ask = getattr(torch._C, "_cuda_getDriverVersion", None)
    return 0 if ask is None else int(ask()) // 1000
