"""Whether the GPUs of this machine can run what the CUDA library was built for."""

from __future__ import annotations

import ctypes
import re
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from zoo.system.native import REBUILD

Version = tuple[int, ...]


def incompatibility(record: Mapping[str, Any]) -> str:
    """Why a GPU or the driver cannot run a library of which setup.py wrote this record; empty where all can. Starts CUDA."""
    built = record.get("cuda_architectures") or ()
    toolkit, driver = toolkit_version(record), driver_version()
    older = bool(toolkit and driver and driver < toolkit)
    if older and driver[0] < toolkit[0]:
        return _older_driver(toolkit, driver)
    for index in range(torch.cuda.device_count() if built else 0):
        major, minor = torch.cuda.get_device_capability(index)
        capability = 10 * major + minor
        if has_machine_code(built, capability):
            continue
        if not translated(built, capability):
            kernels = ", ".join(f"{number / 10:.1f}" for number in built)
            name = torch.cuda.get_device_name(index)
            return (
                f"The CUDA library has kernels for GPUs of compute capability {kernels}, and {name} has {major}.{minor}: to build "
                f"it for all that are here, {REBUILD}; or leave this one out by CUDA_VISIBLE_DEVICES."
            )
        if older:
            return _older_driver(toolkit, driver)
    return ""


def _older_driver(toolkit: Version, driver: Version) -> str:
    built, here = (".".join(map(str, version)) for version in (toolkit, driver))
    return (
        f"The CUDA library was built by CUDA {built}, and the driver is for CUDA {here}: update it, or rebuild the library by a "
        f"CUDA that it knows ({REBUILD})."
    )


def has_machine_code(built: Sequence[int], capability: int) -> bool:
    """Whether there is code for a GPU (90 for 9.0) among these architectures: of its generation, and no newer than it."""
    return any(number // 10 == capability // 10 and number <= capability for number in built)


def translated(built: Sequence[int], capability: int) -> bool:
    """Whether the driver can make code for a GPU: of PTX, which is there for the oldest architecture from 8.0 on.

    Where all are older, for the newest: see code_generation in csrc/building/native.py. A driver translates PTX of its own version
    of CUDA and of older ones; machine code it runs of all minor versions of its major one.
    """
    new = [number for number in built if number >= 80]
    return capability >= (min(new) if new else max(built))


def toolkit_version(record: Mapping[str, Any]) -> Version:
    """Of the CUDA that built the library; empty where the record does not say."""
    found = re.search(r"cuda_(\d+)\.(\d+)", str(record.get("cuda_compiler", "")))
    return (int(found[1]), int(found[2])) if found else ()


def driver_version() -> Version:
    """The newest CUDA that the driver serves; empty where there is none to ask."""
    number = ctypes.c_int()
    try:
        ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1").cuDriverGetVersion(
            ctypes.byref(number)
        )
    except (OSError, AttributeError):
        return ()
    return (number.value // 1000, number.value % 1000 // 10)
