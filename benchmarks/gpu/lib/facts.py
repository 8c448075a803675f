"""The machine, the versions, who serves each op, and how fast a large copy is."""

from __future__ import annotations

import platform
import shutil
import subprocess
import sys

import torch
from common import need_device, tell


def output(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=20).stdout.strip()
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)


def main() -> None:
    import zoo
    from zoo import ops

    query = "--query-gpu=name,memory.total,driver_version,clocks.sm,clocks.mem,temperature.gpu,power.draw"
    print(output("nvidia-smi", query, "--format=csv"))
    nvcc = output("nvcc", "--version").splitlines()[-1:] if shutil.which("nvcc") else ["no nvcc"]
    sanitizer = (
        output("compute-sanitizer", "--version").splitlines()[-1:] if shutil.which("compute-sanitizer") else ["none"]
    )
    tell(
        "versions",
        zoo=zoo.__version__,
        torch=torch.__version__,
        cuda=torch.version.cuda,
        python=platform.python_version(),
        nvcc="".join(nvcc),
        sanitizer="".join(sanitizer),
        glibc=platform.libc_ver()[1],
        cudnn=torch.backends.cudnn.version() if torch.cuda.is_available() else None,
    )
    for op, rows in ops.status().items():
        print(
            f"  {op:20s} cpu {rows['cpu']['served_by']:10s} cuda {rows['cuda']['served_by']:10s} {rows['cuda']['why']}"
        )
    tell(
        "served natively on cuda",
        ops=[op for op, rows in ops.status().items() if rows["cuda"]["served_by"] == "native"],
    )
    device = need_device()
    if device != "cuda":
        sys.exit(0)
    p = torch.cuda.get_device_properties(0)
    tell("device", name=p.name, multiprocessors=p.multi_processor_count, l2_mb=p.L2_cache_size / 2**20,
         memory_gib=p.total_memory / 2**30, capability=f"{p.major}.{p.minor}")  # fmt: skip
    x = torch.randn(1 << 29, device=device)  # 2 GiB
    y = torch.empty_like(x)
    times = []
    for _ in range(12):
        begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        begin.record()
        y.copy_(x)
        end.record()
        torch.cuda.synchronize()
        times.append(begin.elapsed_time(end))
    tell("copy", gb_per_s=2 * x.nbytes / 1e6 / sorted(times)[len(times) // 2], megabytes=x.nbytes / 2**20)


if __name__ == "__main__":
    main()
