"""What a processor with AVX-512 gives at most in float32 and in bfloat16: python benchmarks/peaks.py [--try-bfloat16]

One core's multiply-and-add instructions on registers alone (peaks.c, which the C compiler is asked for), VFMADD231PS beside
VDPBF16PS, which multiplies bfloat16 and sums in float32; and torch's products of matrices in both types on all threads. VDPBF16PS
is run where the processor says that it has it, or with --try-bfloat16: some have it and do not say so to a virtual machine,
others end the program.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import tempfile
from pathlib import Path

import torch

from zoo.bench.measure import Effort, interleaved, median

SIDE = 2048


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--try-bfloat16", action="store_true")
    given = arguments.parse_args()
    flags = Path("/proc/cpuinfo").read_text("ascii") if Path("/proc/cpuinfo").exists() else ""
    if "avx512f" not in flags:
        raise SystemExit("this processor has no AVX-512 (or does not say so), which peaks.c is written in")
    said = "avx512_bf16" in flags
    peaks = of_registers(given.try_bfloat16 or said)
    print(f"one core, registers alone: float32 {peaks['float32']:.0f} GFLOP/s", end="")
    if "bfloat16" in peaks:
        ratio = peaks["bfloat16"] / peaks["float32"]
        print(f", bfloat16 {peaks['bfloat16']:.0f}: {ratio:.2f} of it{'' if said else ' (not said to be there)'}")
    else:
        print("; no VDPBF16PS")
    products = of_products()
    ratio = products["bfloat16"] / products["float32"]
    print(
        f"torch, {torch.get_num_threads()} threads, {SIDE}×{SIDE} by itself: float32 {products['float32']:.0f} GFLOP/s, "
        f"bfloat16 {products['bfloat16']:.0f}: {ratio:.2f} of it"
    )


def of_registers(bfloat16: bool) -> dict[str, float]:
    """GFLOP/s by type."""
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder, "peaks")
        source = Path(__file__).with_name("peaks.c")
        compiler = os.environ.get("CC", "cc")
        subprocess.run([compiler, "-O2", "-mavx512f", "-mavx512bf16", str(source), "-o", str(program)], check=True)
        done = subprocess.run([str(program), *["bfloat16"] * bfloat16], capture_output=True, text=True)
    return {name: float(value) for name, value in map(str.split, done.stdout.splitlines())}


def of_products() -> dict[str, float]:
    """GFLOP/s of torch's product of two matrices by type, the medians of rounds in turn."""
    matrices = {name: torch.ones(SIDE, SIDE, dtype=getattr(torch, name)) for name in ("float32", "bfloat16")}
    calls = {name: (lambda a=a: a @ a) for name, a in matrices.items()}
    times = interleaved(calls, Effort(rounds=9, seconds=0.0), torch.device("cpu"))
    return {name: 2 * SIDE**3 / median(seconds) / 1e9 for name, seconds in times.items()}


if __name__ == "__main__":
    main()
