"""Makes of a trained run the one that a package may bring (`Architecture.pretrained`): python benchmarks/pretrained.py RUN FOLDER

What draws is kept: config.json, the averaged weights of G in place of its own, and those of D. It cannot be gone on with.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from zoo.run.checkpoint import read_state, read_tensors, write_checkpoint
from zoo.run.files import write_json
from zoo.run.run import Run
from zoo.run.snapshot import State


def main(source: str, target: str) -> None:
    """Write the folder anew."""
    run, folder = Run(source), Path(target)
    step, checkpoint = run.latest()
    state = read_state(checkpoint)
    ema = state.parts.get("ema")
    networks = {role: read_tensors(checkpoint, role) for role in ("generator", "discriminator")}
    if ema is not None:
        networks["generator"] = ema["weights"]
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "checkpoints").mkdir(parents=True)
    write_checkpoint(folder / "checkpoints" / checkpoint.name, networks, State(step, state.seconds, {}))
    kept = ("zoo", "torch", "python", "device")
    environment = {name: run.config["environment"][name] for name in kept}
    write_json(folder / "config.json", {**run.config, "environment": environment})


if __name__ == "__main__":
    main(*sys.argv[1:])
