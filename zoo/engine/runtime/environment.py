"""What computes a run, as its config.json keeps it, and what is told where a run goes on with something else."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from typing import Any, Final

import torch

import zoo
from zoo import ops
from zoo.ops.library import has_amx, instruction_set, winograd_tiles

# Grows by one whenever zoo computes a step with other roundings than before, though the mathematics is the same: sums in
# another order, a kernel in the place of torch's, another layout. Runs are told of it when they go on, which a version of
# zoo or the names of the native ops cannot do: many changes come within one version, and to ops that were native before.
#   1  runs that have no such number
#   2  networks of convolutions lie channels last; products and convolutions of zoo's own; D sees both halves in one pass
#   3  convolutions by larger tiles, shorter sums in them
ARITHMETIC: Final = 3


def environment(device: torch.device, precision: str) -> dict[str, Any]:
    """Versions, and what computes on `device`; `instruction_set` is that of the CPU kernels, None without them, `winograd`
    which tiles of convolutions were asked for, and `bfloat16` who computes convolutions in that, None in another `precision`.
    """
    return {
        "zoo": zoo.__version__,
        "torch": torch.__version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "device": str(device),
        "threads": torch.get_num_threads(),
        "arithmetic": ARITHMETIC,
        "instruction_set": instruction_set(),
        "winograd": winograd_tiles(),
        "bfloat16": None if precision != "bfloat16" else "AMX" if has_amx() else "torch",
        "ops": {op: {kind: row["served_by"] for kind, row in rows.items()} for op, rows in ops.status().items()},
    }


def differences(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What is not as it was when a run began, a sentence each, where that can change its numbers.

    Both are an `environment`, and `plugin`, the version of the architecture's plugin, beside it. What an older zoo did not
    write down of `then` is not compared, but for the arithmetic, which was the first.
    """
    lines = [
        f"{name} is {now[name]}, and was {then[name]}: the numbers may differ from what they would have been"
        for name in ("device", "torch", "threads", "plugin")
        if then.get(name) is not None and then[name] != now[name]
    ]
    roundings = []
    if then.get("arithmetic", 1) != now["arithmetic"]:
        roundings.append("zoo computes a step in another order since this run began")
    kind = _kind(now)
    if kind == _kind(then):  # another device says all there is to say about kernels
        before, after = _native(then, kind), _native(now, kind)
        if before is not None and after is not None:
            roundings += _served([op for op in after if op not in before], "served natively here", "not")
            roundings += _served([op for op in before if op not in after], "not served natively here", "")
        sets = then.get("instruction_set"), now["instruction_set"]
        if kind == "cpu" and None not in sets and sets[0] != sets[1]:
            roundings.append(f"the kernels use {sets[1]} here, and used {sets[0]} when it began")
        tiles = then.get("winograd"), now["winograd"]
        if kind == "cpu" and None not in tiles and tiles[0] != tiles[1]:
            roundings.append(f"ZOO_WINOGRAD has {tiles[1]} tiles here, and had {tiles[0]} ones when it began")
        half = then.get("bfloat16", "torch"), now["bfloat16"]  # torch's before there were others
        if kind == "cpu" and None not in half and half[0] != half[1]:
            roundings.append(f"convolutions in bfloat16 are {half[1]}'s here, and were {half[0]}'s when it began")
    return lines + [f"{line}: the numbers may differ, at first in their last digits" for line in roundings]


def _kind(of: Mapping[str, Any]) -> str:
    """cpu, cuda or mps; of an environment that lacks it, nothing."""
    return str(of.get("device") or "").partition(":")[0]


def _native(of: Mapping[str, Any], kind: str) -> list[str] | None:
    """The ops that kernels serve on such a device; None where that is not known."""
    rows = of.get("ops")
    return (
        None if rows is None else [op for op, by in rows.items() if isinstance(by, dict) and by.get(kind) == "native"]
    )


def _served(names: Sequence[str], here: str, then: str) -> list[str]:
    """The sentence for ops that are served otherwise; none for no ops."""
    if not names:
        return []
    one = len(names) == 1
    listed = names[0] if one else f"{', '.join(names[:-1])} and {names[-1]}"
    was = " ".join(["was" if one else "were", *([then] if then else [])])
    return [f"{listed} {'is' if one else 'are'} {here}, and {was} when it began"]
