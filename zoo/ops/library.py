"""The operator library `zoo::`: schemas, loading what is built, and the one decision between kernel and reference.

Every operator gets the reference as its kernel for any device. A native library, once loaded, adds kernels for its own
device, which torch's dispatcher then prefers. `dispatch` is where every public op asks who serves it; nobody decides
for themselves.
"""

from __future__ import annotations

import ctypes
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import torch
from torch.autograd import forward_ad

from zoo.errors import NativeError
from zoo.system.native import REBUILD, does_not_load, native_wanted

NATIVE_FOLDER: Final = Path(__file__).resolve().parent.parent / "_native"
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
    "linear_forward": "(Tensor x, Tensor weight) -> Tensor",
    "conv2d_forward": "(Tensor x, Tensor weight, int stride, int padding) -> Tensor",
    "conv2d_weight_gradient": (
        "(Tensor x, Tensor gradient, int kernel, int stride, int padding, bool channels_last) -> Tensor"
    ),
    "conv_transpose2d_forward": (
        "(Tensor x, Tensor weight, int stride, int padding, SymInt height, SymInt width) -> Tensor"
    ),
}
FAMILIES: Final = (
    "batch_norm_act", "bias_act", "discriminator_loss", "generator_loss", "linear", "conv2d",
    "conv_transpose2d",
)  # fmt: skip
# Without wide vectors torch's products and convolutions are the faster ones, whatever the shape.
_NEED_VECTORS: Final = frozenset({"linear", "conv2d", "conv_transpose2d"})

_torch: Any = torch  # its operator library is not typed
definitions: Final = _torch.library.Library(
    "zoo", "DEF"
)  # for the life of the process: dropping it drops the operators
for _name, _schema in SCHEMAS.items():
    definitions.define(_name + _schema, tags=(torch.Tag.pt2_compliant_tag,))


def bind(name: str, kernel: Callable[..., Any], key: str) -> None:
    """Makes `kernel` what the dispatcher calls for the op `name` under `key`."""
    definitions.impl(name, kernel, key)


class Ways(NamedTuple):
    """The ways to compute a family of ops; all three take the same arguments."""

    reference: Callable[..., Any]  # plain PyTorch: any transform and any derivative
    traced: Callable[..., Any]  # through torch.ops.zoo, where a graph is being recorded
    eager: Callable[..., Any]  # straight to the kernels


_ways: dict[str, Ways] = {}  # family → what to call, filled by the file of each family
_why: dict[str, str] = {}  # device → why the reference serves there
_failures: dict[str, str] = {}  # device → its library, which is there and does not load
_NOT_WANTED: Final = "ZOO_NATIVE=0 asks for the reference."
_native: dict[str, frozenset[str]] = {}  # device → families whose kernels are loaded
_too_slow: frozenset[str] = frozenset()  # families whose kernels are loaded for the CPU and better not used

# Of torch's own making, and asked with every call. Forward-mode derivatives are on from level 0.
_transforming: Callable[[], bool] = torch._C._are_functorch_transforms_active
_tracing: Callable[[], Any] = torch._C._get_tracing_state  # torch.jit.trace, in which sizes are tensors


def offer(family: str, reference: Callable[..., Any], traced: Callable[..., Any], eager: Callable[..., Any]) -> None:
    """Tells `dispatch` what it can choose from for a family of ops."""
    _ways[family] = Ways(reference, traced, eager)


def dispatch(family: str, device: str) -> Callable[..., Any]:
    """THE decision: what computes this family of ops on this type of device, here and now.

    Forward-mode derivatives, the transforms of torch.func and torch.jit.trace look inside an op, which a kernel does not
    allow: there the reference serves.

    Raises:
        NativeError: if the native library of the device is present but does not load.
    """
    ways = _ways[family]
    if not native(family, device):
        if device in _failures:
            raise NativeError(_failures[device])
        return ways.reference
    if torch.compiler.is_compiling():
        return ways.traced
    return ways.reference if transforming() or _tracing() is not None else ways.eager


def transforming() -> bool:
    """Whether a forward-mode derivative or a transform of torch.func is under way."""
    return forward_ad._current_level >= 0 or _transforming()


def native(family: str, device: str) -> bool:
    """Whether a kernel for this family of ops is loaded; ops ask `dispatch`, reports ask this."""
    served = _native.get(device)
    return served is not None and family in served


@contextmanager
def references() -> Iterator[None]:
    """Within it the references serve every op on every device: what ZOO_NATIVE=0 does for a whole process."""
    tables: tuple[dict[str, Any], ...] = (_native, _failures, _why)
    kept = [dict(table) for table in tables]
    _native.clear()
    _failures.clear()
    _why.update(dict.fromkeys(DEVICES, "The references are asked for, for the time being."))
    try:
        yield
    finally:
        for table, entries in zip(tables, kept, strict=True):
            table.clear()
            table.update(entries)


def status() -> dict[str, dict[str, dict[str, str]]]:
    """For every op and device: who serves it ("native", "reference" or "error") and, in a sentence, why.

    An "error" is a native library that is present and does not load: the op raises NativeError there.
    """
    rows: dict[str, dict[str, dict[str, str]]] = {}
    for family in FAMILIES:
        rows[family] = {}
        for device in DEVICES:
            if native(family, device):
                why = f"The {device} library of the native core is loaded."
                if family in _NEED_VECTORS:
                    why += " It takes the shapes for which it is the faster one, and leaves the others to torch."
                entry = {"served_by": "native", "why": why}
            elif device == "cpu" and family in _too_slow:
                entry = {"served_by": "reference", "why": "Its kernels need AVX2 or AVX-512 to be the faster ones."}
            elif device in _failures:
                entry = {"served_by": "error", "why": f"{_failures[device][:1].upper()}{_failures[device][1:]}."}
            else:
                entry = {"served_by": "reference", "why": _why.get(device, "No kernel is built for it.")}
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
    global _too_slow
    if not native_wanted():
        _why.update(dict.fromkeys(DEVICES, _NOT_WANTED))
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
            except (OSError, RuntimeError) as error:  # the other device's library is none the worse for it
                _failures[device] = does_not_load(path.name, error)
            else:
                ours = frozenset(family for family in FAMILIES if _has_kernels(family, device))
                _native[device] = ours
                if device == "cpu" and instruction_set() == "baseline":
                    _too_slow = ours & _NEED_VECTORS
                    _native[device] -= _too_slow


_load()
