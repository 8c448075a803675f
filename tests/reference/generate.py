"""Makes the reference outputs: ``python tests/reference/generate.py`` proves the oracle, then writes ops.npz and
training.npz beside itself; with ``--check`` it writes nothing and says whether the stored numbers are still the same."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from oracle import store
from oracle.cases import all_cases
from oracle.complex_step import Arrays
from oracle.games import GAMES, Play
from oracle.proof import prove

HERE = Path(__file__).parent
TOLERANCE = 1e-12
"""What another processor or release of NumPy may change, relative to an array's largest value (at least 1)."""


def ops() -> tuple[Arrays, Any]:
    """Inputs and outputs of every case, and how the op is to be called."""
    arrays: Arrays = {}
    notes = {}
    for case in all_cases():
        notes[case.name] = {"op": case.op, "arguments": case.arguments, "condition": case.condition}
        arrays |= {f"{case.name}/in/{name}": array for name, array in (case.inputs | case.upstream).items()}
        arrays |= {f"{case.name}/out/{name}": array for name, array in case.outputs().items()}
    return arrays, notes


def training() -> tuple[Arrays, Any]:
    """What goes into the first steps of every game, and what comes out; large arrays as digests."""
    arrays: Arrays = {}
    for game in GAMES:
        play = Play(game).run()
        for side, found in (("in", play.inputs), ("out", play.outputs)):
            arrays |= {f"{game.name}/{side}/{name}": store.short(name, array) for name, array in found.items()}
    return arrays, {game.name: asdict(game) | {"targets": game.targets._asdict()} for game in GAMES}


FILES = {"ops.npz": ops, "training.npz": training}


def changes() -> list[str]:
    """A sentence for everything in which the stored files differ from what the program makes now."""
    found = []
    for file, make in FILES.items():
        (arrays, notes), (stored, old) = make(), store.load(HERE / file)
        if notes != old or [*arrays] != [*stored]:
            found.append(f"{file} holds other cases than the program; run generate.py")
            continue
        for name, array in arrays.items():
            condition = notes[name.partition("/")[0]].get("condition", 1.0)
            limit = TOLERANCE * condition * max(1.0, float(np.max(np.abs(array))))
            if array.shape != stored[name].shape or not np.max(np.abs(array - stored[name])) <= limit:
                found.append(f"{file}: {name} is no longer what is stored")
    return found


def main(arguments: list[str]) -> int:
    prove()
    if arguments == ["--check"]:
        found = changes()
        print(*found or ["the oracle is proven and the stored numbers are its numbers"], sep="\n")
        return bool(found)
    if arguments:
        print(__doc__)
        return 2
    for file, make in FILES.items():
        store.save(HERE / file, *make())
        print(f"{file}: {(HERE / file).stat().st_size / 1000:.0f} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
