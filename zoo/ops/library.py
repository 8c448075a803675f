"""The operator library `zoo::`: schemas, loading what is built, and the one decision between kernel and reference.

Every operator gets the reference as its kernel for any device. A native library, once loaded, adds kernels for its own
device, which torch's dispatcher then prefers. Nobody else asks which of the two it is.
"""

from __future__ import annotations

import ctypes
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import torch

from zoo.errors import NativeError

NATIVE_FOLDER: Final = Path(__file__).resolve().parent.parent / "_native"
REBUILD: Final = "pip install --force-reinstall --no-deps ."
DEVICES: Final = ("cpu", "cuda")

# `mean` and `invstd` are (groups, C), or (1, C) in evaluation, in float32 (float64 for float64), new tensors always.
# csrc/ holds the kernels, zoo/ops/codes.py the meaning of the integers.
SCHEMAS: Final[dict[str, str]] = {
    "batch_norm_act_forward": (
        "(Tensor x, Tensor? weight, Tensor? bias, Tensor(a!)? running_mean, Tensor(b!)? running_var, bool training, "
        "float momentum, float eps, int activation, float slope, int order, int groups) "
        "-> (Tensor y, Tensor mean, Tensor invstd)"
    ),
    "batch_norm_act_backward": (
        "(Tensor gradient, Tensor x, Tensor? weight, Tensor? bias, Tensor mean, Tensor invstd, bool training, "
        "int activation, float slope, int order, int groups) -> (Tensor dx, Tensor dweight, Tensor dbias)"
    ),
    "bias_act_forward": "(Tensor x, Tensor? bias, int activation, float slope) -> Tensor",
    "bias_act_backward": "(Tensor gradient, Tensor y, int activation, float slope) -> (Tensor dx, Tensor dbias)",
    "discriminator_loss_forward": (
        "(Tensor real, Tensor fake, int kind, float a, float b, float scale) "
        "-> (Tensor loss, Tensor statistics, Tensor dreal, Tensor dfake)"
    ),
    "discriminator_loss_backward": "(Tensor gradient, Tensor dreal, Tensor dfake) -> (Tensor, Tensor)",
    "generator_loss_forward": (
        "(Tensor fake, int kind, float a, float b, float c, float scale) "
        "-> (Tensor loss, Tensor statistics, Tensor dfake)"
    ),
    "generator_loss_backward": "(Tensor gradient, Tensor dfake) -> Tensor",
}
FAMILIES: Final = ("batch_norm_act", "bias_act", "discriminator_loss", "generator_loss")

_torch: Any = torch  # its operator library is not typed
definitions: Final = _torch.library.Library(
    "zoo", "DEF"
)  # for the life of the process: dropping it drops the operators
for _name, _schema in SCHEMAS.items():
    definitions.define(_name + _schema, tags=(torch.Tag.pt2_compliant_tag,))


def bind(name: str, kernel: Callable[..., Any], key: str) -> None:
    """Makes `kernel` what the dispatcher calls for the op `name` under `key`."""
    definitions.impl(name, kernel, key)


_why: dict[str, str] = {}  # device → why the reference serves there
_failure: str | None = None  # a library that is there and does not load
_native: dict[str, frozenset[str]] = {}  # device → families whose kernels are loaded


def native(family: str, device: str) -> bool:
    """Whether a kernel serves this family of ops on this type of device.

    Raises:
        NativeError: if a native library is present but does not load.
    """
    if _failure is not None:
        raise NativeError(_failure)
    served = _native.get(device)
    return served is not None and family in served


def status() -> dict[str, dict[str, dict[str, str]]]:
    """For every op and device: who serves it ("native" or "reference") and, in a sentence, why."""
    rows: dict[str, dict[str, dict[str, str]]] = {}
    for family in FAMILIES:
        rows[family] = {}
        for device in DEVICES:
            if family in _native.get(device, ()):
                entry = {"served_by": "native", "why": f"The {device} library of the native core is loaded."}
            else:
                entry = {"served_by": "reference", "why": _failure or _why.get(device, "No kernel is built for it.")}
            rows[family][device] = entry
    return rows


def build_record() -> dict[str, Any]:
    """What setup.py wrote down about the build; empty with a "reason" when nothing was built."""
    try:
        record = json.loads((NATIVE_FOLDER / "build.json").read_text("utf-8"))
    except (OSError, ValueError):
        return {"reason": f"the native core has not been built (to build it: {REBUILD})"}
    return dict(record)


def instruction_set() -> str | None:
    """What the loaded CPU kernels are compiled for: "avx512", "avx2" or "baseline"; None without them."""
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


def _has_kernels(family: str, device: str) -> bool:
    key = device.upper()
    names = [f"zoo::{name}" for name in SCHEMAS if name.startswith(f"{family}_")]
    return all(torch._C._dispatch_has_kernel_for_dispatch_key(name, key) for name in names)


def _load() -> None:
    """Loads the native libraries once, at import, so that no op has to ask whether that has happened."""
    global _failure
    if os.environ.get("ZOO_NATIVE", "").strip().lower() in ("0", "off", "false", "no"):
        _why.update(dict.fromkeys(DEVICES, "ZOO_NATIVE=0 asks for the reference."))
        return
    for device in DEVICES:
        path = _library_file(device)
        if path is None:
            record = build_record()
            reason = record.get("missing", {}).get(device) or record.get("reason") or "this build has none"
            _why[device] = f"No native {device} library: {reason}."
        elif device == "cuda" and not torch.cuda.is_available():
            _why[device] = "The CUDA library is built, but torch sees no CUDA device here."
        else:
            try:
                _torch.ops.load_library(str(path))
            except OSError as error:
                _failure = (
                    f"the native core {path.name} is present but does not load ({error}); "
                    f"rebuild it with `{REBUILD}`, or set ZOO_NATIVE=0 to do without"
                )
                return
            _native[device] = frozenset(family for family in FAMILIES if _has_kernels(family, device))


_load()
