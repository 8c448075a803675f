"""How soon a run begins, and whether its data keeps up: python benchmarks/input.py [start] [batches] [pictures] [bench] [--quick]

start: from typing `zoo train dcgan --steps 1` to the end of its first step, part by part, beside a plain torch.nn script; and whole
commands beside `python -c "import torch"`. batches: assembling one, beside a step that takes it, torch's DataLoader, and an index
into a tensor. pictures: preparing folders of 10,000 pictures that it makes itself, beside pools of processes with Pillow.
bench: `zoo bench --quick`, three times.

Contenders take turns; the table has medians, quartiles, and the median of the ratios within each round.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import torch
from command import at_least, folder, new_file, one_of, say, write
from inputs import batches, pictures, start
from inputs.sides import Row

from zoo.engine.runtime.memory import keep_freed_memory

PARTS = ("start", "batches", "pictures", "bench")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument(
        "parts", nargs="*", type=one_of("part", PARTS), metavar="PART", help=f"by default all: {', '.join(PARTS)}"
    )
    arguments.add_argument("--quick", action="store_true", help="few rounds, few pictures: whether it works")
    arguments.add_argument("--rounds", type=at_least(1), default=9)
    arguments.add_argument("--count", type=at_least(1), default=10_000, help="pictures in a folder")
    arguments.add_argument("--scratch", type=folder, help="a folder to work in, kept; by default a temporary one")
    arguments.add_argument("--json", type=new_file)
    given = arguments.parse_args()
    chosen = given.parts or PARTS
    rounds, count = (2, 100) if given.quick else (given.rounds, given.count)
    keep_freed_memory()
    print(f"torch {torch.__version__}, {os.cpu_count()} cores, {torch.get_num_threads()} threads of torch's\n")
    print("| what | by | median (quartiles) | times as long |\n|---|---|--:|--:|", flush=True)
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as temporary:
        scratch = given.scratch or Path(temporary)
        if "start" in chosen:
            say("start: first steps and whole commands, each in a process of its own")
            rows += show(start.measure(scratch, rounds))
        if "batches" in chosen:
            rows += show(batches.measure(scratch, rounds if given.quick else max(rounds, 15), given.quick))
        if "pictures" in chosen:
            rows += show(pictures.measure(scratch, rounds if given.quick else min(rounds, 5), count))
        if "bench" in chosen:
            say("bench: zoo bench --quick, some times")
            rows += show([start.quick_bench(scratch, min(rounds, 3))])
    print("\n" + "\n".join(f"{row.title}: {note}" for row in rows for note in row.notes))
    if given.json:
        write(given.json, json.dumps([row.as_json() for row in rows], indent=1))


def show(rows: Iterable[Row]) -> Iterator[Row]:
    for row in rows:
        print("\n".join(row.markdown()), flush=True)
        yield row


if __name__ == "__main__":
    main()
