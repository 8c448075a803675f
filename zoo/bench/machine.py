"""What was measured on: the facts without which a number means nothing."""

from __future__ import annotations

import datetime
import os
import platform
from pathlib import Path
from typing import Any

import torch

import zoo
from zoo import ops
from zoo.bench.measure import Effort, copying, interleaved, median


def facts(device: torch.device, effort: Effort) -> dict[str, Any]:
    """Date, versions, hardware, build of the native core, and the bandwidth of a large copy."""
    build = ops.build_info()
    known = {
        name: build[name] for name in ("compiler", "instruction_set", "cuda_architectures", "reason") if name in build
    }
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d"),
        "zoo": zoo.__version__,
        "torch": torch.__version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "device": str(device),
        "hardware": torch.cuda.get_device_name(device) if device.type == "cuda" else processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "native_core": known,
        "copy_gb_per_s": round(copy_bandwidth(device, effort), 1),
    }


def processor() -> str:
    """The name of the CPU."""
    try:
        for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def copy_bandwidth(device: torch.device, effort: Effort) -> float:
    """GB read and written per second by a copy that no cache holds (two tensors of 256 MiB; 1 MiB when quick)."""
    size = (1 << 18) if effort == Effort.quick() else (1 << 26)
    source = torch.ones(size, device=device)
    times = interleaved({"copy": copying(source)}, Effort(rounds=min(effort.rounds, 15), seconds=0, warm_up=0), device)
    return 2 * source.nbytes / median(times["copy"]) / 1e9
