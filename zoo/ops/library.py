"""The operator library `zoo::`: loading what is built, and the one decision between kernel and reference.

Every operator gets the reference as its kernel for any device. A native library, once loaded, adds kernels for its own
device, which torch's dispatcher then prefers. `dispatch` is where every public op asks who serves it; nobody decides
for themselves.
"""

from __future__ import annotations

import ctypes
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import torch
from torch import Tensor
from torch.autograd import forward_ad

from zoo.errors import NativeError
from zoo.ops.gpus import incompatibility
from zoo.ops.table import DEVICES, NEEDS_WIDE_VECTORS, SCHEMAS, TABLE
from zoo.system.native import REBUILD, does_not_load, native_wanted
from zoo.system.torch_version import check_torch

NATIVE_FOLDER: Final = Path(__file__).resolve().parent.parent / "_native"

check_torch()
_torch: Any = torch  # its operator library is not typed
# For the life of the process: dropping it drops the operators.
definitions: Final = _torch.library.Library("zoo", "DEF")
for _name, _schema in SCHEMAS.items():
    definitions.define(_name + _schema, tags=(torch.Tag.pt2_compliant_tag,))


def bind(name: str, kernel: Callable[..., Any], key: str) -> None:
    """Makes `kernel` what the dispatcher calls for the op `name` under `key`."""
    definitions.impl(name, kernel, key)


Normal = Callable[..., Tensor]
"""Random numbers of the shape that is given, in float64 on the CPU."""
Sample = tuple[Callable[..., Any], list[Tensor]]
"""``call(op, tensors)``, for a public function or its reference, and the tensors."""


class Implementation(NamedTuple):
    """One op of `zoo.ops`. Its three ways to compute take the same arguments, which the public function has checked."""

    public: Callable[..., Any]
    """The function that users call."""
    reference: Callable[..., Any]
    """Plain PyTorch: any transform and any derivative."""
    traced: Callable[..., Any]
    """Through torch.ops.zoo, where a graph is being recorded."""
    eager: Callable[..., Any]
    """Straight to the kernels."""
    samples: Callable[[Normal], Iterator[Sample]]
    """Calls by which `zoo doctor --check` compares kernel and reference on this machine."""


_implementations: dict[str, Implementation] = {}  # filled by the file of each op
_missing: dict[str, str] = {}  # device → why no native library serves there
_failures: dict[str, str] = {}  # device → its library, which is there and does not load
_asked = ""  # why the references serve everywhere, where somebody wants that
_native: dict[str, frozenset[str]] = {}  # device → ops whose kernels are loaded
_too_slow: frozenset[str] = frozenset()  # ops whose kernels are loaded for the CPU and better not used
_amx = False  # whether they compute convolutions in bfloat16 by AMX

# Of torch's own making, and asked with every call. Forward-mode derivatives are on from level 0.
_transforming: Callable[[], bool] = torch._C._are_functorch_transforms_active
_tracing: Callable[[], Any] = torch._C._get_tracing_state  # torch.jit.trace, in which sizes are tensors


def offer(op: str, implementation: Implementation) -> None:
    """Tells `dispatch` what it can choose from for an op."""
    _implementations[op] = implementation


def implementation(op: str) -> Implementation:
    """What `offer` was told."""
    return _implementations[op]


def dispatch(op: str, device: str) -> Callable[..., Any]:
    """THE decision: what computes this op on this type of device, here and now.

    Forward-mode derivatives, the transforms of torch.func and torch.jit.trace look inside an op, which a kernel does not
    allow: there the reference serves.

    Raises:
        NativeError: if the native library of the device is present but does not load.
    """
    ways = _implementations[op]
    if not native(op, device):
        if device in _failures:
            raise NativeError(_failures[device])
        return ways.reference
    if torch.compiler.is_compiling():
        return ways.traced
    return ways.reference if transforming() or _tracing() is not None else ways.eager


def transforming() -> bool:
    """Whether a forward-mode derivative or a transform of torch.func is under way."""
    return forward_ad._current_level >= 0 or _transforming()


def native(op: str, device: str) -> bool:
    """Whether a kernel for this op is loaded; ops ask `dispatch`, reports ask this."""
    served = _native.get(device)
    return served is not None and op in served


def has_amx() -> bool:
    """Whether CPU kernels serve that compute convolutions in bfloat16 by AMX: without it, torch is the faster one."""
    return _amx and native("conv2d", "cpu")


@contextmanager
def references() -> Iterator[None]:
    """Within it the references serve every op on every device: what ZOO_NATIVE=0 does for a whole process."""
    global _asked
    loaded, failed, asked = dict(_native), dict(_failures), _asked
    _native.clear()
    _failures.clear()
    _asked = "The references are asked for, for the time being."
    try:
        yield
    finally:
        _native.update({device: ops for device, ops in loaded.items() if device not in _missing})
        _failures.update(failed)
        _asked = asked


def status() -> dict[str, dict[str, dict[str, str]]]:
    """For every op and device: who serves it ("native", "reference" or "error") and, in a sentence, why.

    An "error" is a native library that is present and does not load: the op raises NativeError there.
    Of the CUDA library it is known once CUDA has started whether this machine's GPUs can run it.
    """
    return {op: {device: _entry(op, device) for device in DEVICES} for op in TABLE}


def _entry(op: str, device: str) -> dict[str, str]:
    facts = TABLE[op]
    if native(op, device):
        why = f"The {device} library of the native core is loaded."
        if facts.where_faster:
            why += " It takes the shapes for which it is the faster one, and leaves the others to torch."
        return {"served_by": "native", "why": why}
    if device in _failures:
        return {"served_by": "error", "why": f"{_failures[device][:1].upper()}{_failures[device][1:]}."}
    if _asked:
        why = _asked
    elif device in facts.no_kernel:
        why = facts.no_kernel[device]
    elif device == "cpu" and op in _too_slow:
        why = NEEDS_WIDE_VECTORS
    else:
        why = _missing.get(device, f"The {device} library of the native core has no kernel for it.")
    return {"served_by": "reference", "why": why}


def not_served(device: str) -> dict[str, str]:
    """The ops that have a kernel for this device by the table, and are not served by it here: op → why."""
    rows = status()
    return {
        op: rows[op][device]["why"]
        for op, facts in TABLE.items()
        if device in facts.devices and rows[op][device]["served_by"] != "native"
    }


def build_record() -> dict[str, Any]:
    """What setup.py wrote down about the build; empty with a "reason" when nothing was built."""
    try:
        record = json.loads((NATIVE_FOLDER / "build.json").read_text("utf-8"))
    except (OSError, ValueError):
        return {"reason": f"the native core has not been built (to build it: {REBUILD})"}
    return dict(record)


def winograd_tiles() -> str:
    """Which tiles of convolutions were asked for: "small", "large", or "chosen" where ZOO_WINOGRAD names neither."""
    asked = os.environ.get("ZOO_WINOGRAD", "")
    return asked if asked in ("small", "large") else "chosen"


def instruction_set() -> str | None:
    """What the loaded CPU kernels are compiled for: "avx512", "avx2" or "baseline"; None without them.

    Empty where none of those that were compiled is for this processor.
    """
    path = _library_file("cpu")
    if path is None or "cpu" not in _native:
        return None
    name = ctypes.CDLL(str(path)).zoo_instruction_set
    name.restype = ctypes.c_char_p
    answer: bytes = name()
    return answer.decode()


def _library_file(device: str) -> Path | None:
    for suffix in (".abi3.so", ".so", ".pyd", ".dll", ".dylib"):
        path = NATIVE_FOLDER / f"{device}{suffix}"
        if path.exists():
            return path
    return None


def _has_kernels(op: str, device: str) -> bool:
    key = device.upper()
    return all(torch._C._dispatch_has_kernel_for_dispatch_key(f"zoo::{name}", key) for name in TABLE[op].schemas)


def _load() -> None:
    """Loads the native libraries once, at import, so that no op has to ask whether that has happened."""
    global _asked, _amx, _too_slow
    if not native_wanted():
        _asked = "ZOO_NATIVE=0 asks for the reference."
        return
    for device in DEVICES:
        path = _library_file(device)
        if path is None:
            record = build_record()
            reason = record.get("missing", {}).get(device) or record.get("reason") or "this build has none"
            _missing[device] = f"No native {device} library: {reason}."
        elif device == "cuda" and not torch.cuda.is_available():
            _missing[device] = "The CUDA library is built, but torch sees no CUDA device here."
        else:
            try:
                _torch.ops.load_library(str(path))
                if device == "cpu":
                    _amx = bool(ctypes.CDLL(str(path)).zoo_has_amx())
            except (
                OSError,
                RuntimeError,
                AttributeError,
            ) as error:  # the other device's library is none the worse for it
                _failures[device] = does_not_load(path.name, error)
            else:
                loaded = frozenset(op for op in TABLE if _has_kernels(op, device))
                _native[device] = loaded
                if device == "cuda":
                    # As torch does with its own kernels: asking for a GPU starts CUDA, which an import must not.
                    _torch.cuda._lazy_call(_give_up_incompatible)
                if device == "cpu" and instruction_set() == "":
                    built = ", ".join(build_record().get("instruction_sets", ()))
                    _failures[device] = does_not_load(
                        path.name, RuntimeError(f"its kernels are for {built}, not this processor")
                    )
                if device == "cpu" and instruction_set() == "baseline":
                    _too_slow = frozenset(op for op in loaded if TABLE[op].wide_vectors)
                    _native[device] -= _too_slow


def _give_up_incompatible() -> None:
    """Leaves the GPU to the references where it could not run the kernels."""
    try:
        reason = incompatibility(build_record())
    except Exception:  # which would keep CUDA from starting, for torch too; the library itself tells what is wrong
        return
    if reason:
        _native.pop("cuda", None)
        _missing["cuda"] = reason


_load()
