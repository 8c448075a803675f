"""zoo train on the device: captured or not the same run to the last bit; going on from a checkpoint; how fast each is."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from common import need_device, tell

STEPS = int(os.environ.get("STEPS", "200"))
FOLDER = Path(os.environ.get("WORK", "/tmp/zoo_gpu")) / "runs"


def start(name: str, *flags: str, command: str = "train") -> tuple[str, float, subprocess.Popen[str]]:
    arguments = ["resume", str(FOLDER / name)]
    if command == "train":
        device = os.environ.get("DEVICE", "cuda")
        arguments = ["train", "dcgan", "--steps", str(STEPS), "--device", device, "--out", str(FOLDER / name)]
    process = subprocess.Popen(
        [sys.executable, "-m", "zoo", *arguments, *flags], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    return name, time.perf_counter(), process


def finish(name: str, began: float, process: subprocess.Popen[str]) -> bool:
    output = process.communicate()[0]
    last = {}
    path = FOLDER / name / "metrics.jsonl"
    if path.exists():
        lines = [json.loads(line) for line in path.read_text().splitlines() if line.strip()]
        last = lines[-1] if lines else {}
    tell("train", run=name, rc=process.returncode, wall=time.perf_counter() - began,
         images_per_second=last.get("images_per_second"), d_loss=last.get("d_loss"), g_loss=last.get("g_loss"),
         said=[line for line in output.splitlines() if "--capture" in line or "rror" in line][:3])  # fmt: skip
    if process.returncode:
        print(output[-3000:])
    return process.returncode == 0


def main() -> None:
    need_device()
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    gpu = os.environ.get("DEVICE", "cuda") == "cuda"
    seldom = ("--sample-every", "1000", "--checkpoint-every", "100", "--log-every", "50")
    capture = ("--capture",) if gpu else ()
    exact = [
        start(name, "--deterministic", *seldom, *more)
        for name, more in (("plain", ()), ("again", ()), ("captured", capture))
    ]
    done = {run[0]: finish(*run) for run in exact}

    from zoo import Run
    from zoo.testing.comparing import run_differences

    for other in ("again", "captured"):
        if done.get("plain") and done.get(other):
            differences = run_differences(Run(FOLDER / "plain"), Run(FOLDER / other))
            tell(
                "bit-equality",
                of=f"plain and {other}, --deterministic, {STEPS} steps",
                equal=not differences,
                differences=differences[:4],
            )
    # One after the other: these are timed by zoo itself (the last fifty steps).
    for name, more in (
        ("fast", ()),
        ("fast-captured", capture),
        ("fast-bfloat16", ("--precision", "bfloat16")),
        ("fast-bfloat16-captured", ("--precision", "bfloat16", *capture)),
    ):
        finish(*start(name, *seldom, *more))
    large = ("--preset", "radford64", "--size", "64", "--channels", "3", "--batch-size", "128")
    for name, more in (
        ("64", ()),
        ("64-captured", capture),
        ("64-bfloat16-captured", ("--precision", "bfloat16", *capture)),
    ):
        finish(*start(name, *seldom, *large, *more))
    details = os.environ.get("DETAILS")
    if details:
        for name in ("plain", "64-captured"):
            for picture in sorted((FOLDER / name / "samples").glob("*.png"))[-1:]:
                shutil.copy2(picture, Path(details) / f"{name}-{picture.name}")


if __name__ == "__main__":
    main()
