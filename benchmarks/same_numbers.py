"""Whether two checkouts of zoo compute the same numbers: short runs of both, compared to the last bit.

    python benchmarks/same_numbers.py OTHER_CHECKOUT [--only WORD]

For a change of the code that is to leave every number as it is. Both checkouts need an environment of their own, ``.venv``
(``make .venv/.test``), and must run on the same machine: another instruction set, thread count or torch has other last digits.

What is compared of each run: both networks by name; all other tensors of its newest checkpoint (EMA, optimisers, random
numbers) by content, as their names and files may differ between versions; metrics.jsonl but for what a clock says; pictures.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from safetensors.numpy import load_file

from zoo.testing.comparing import TIMING
from zoo.testing.data import write_images

SMALL = "--steps 6 --batch-size 8 --samples 4 --log-every 1 --seed 3"
TINY = f"{SMALL} --width 4 --latent 6"
RUNS = {
    "vanilla": f"vanilla {SMALL}",
    "vanilla selu": "vanilla --preset selu --batch-size 8 --samples 4 --log-every 1 --no-drop-remainder --order buffer"
    " --epochs 0.02",
    "vanilla ring": "vanilla --data ring --steps 20 --seed 1",
    "vanilla adamw": f"vanilla {SMALL} --optimizer adamw --weight-decay 0.1 --schedule linear --learning-rate 1e-3",
    "vanilla keras rmsprop": f"vanilla {SMALL} --optimizer rmsprop --epsilon-style keras --momentum 0.2"
    " --final-momentum 0.8 --momentum-steps 5",
    "vanilla bfloat16": f"vanilla {SMALL} --precision bfloat16",
    "dcgan": "dcgan --steps 4 --seed 3",
    "dcgan tiny": f"dcgan {TINY}",
    "dcgan colour": f"dcgan --data COLOUR --size 16 {TINY}",
    "dcgan radford64": f"dcgan --preset radford64 --data COLOUR {TINY} --steps 2",
    "dcgan tf64": f"dcgan --preset tf64 --data COLOUR {TINY} --steps 2",
    "dcgan upsample": f"dcgan --preset upsample {SMALL} --steps 2",
    "dcgan selu": f"dcgan --preset selu {SMALL} --steps 3 --no-drop-remainder",
    "dcgan bfloat16": f"dcgan {TINY} --precision bfloat16",
    "dcgan float16": f"dcgan {TINY} --precision float16",
    "dcgan simultaneous": f"dcgan {TINY} --simultaneous",
    "dcgan reused": f"dcgan {TINY} --reuse-fakes --flip --accumulate 2",
    "dcgan joined": f"dcgan {TINY} --joined --evaluate-fakes --no-reuse-fakes --ema 0",
    "dcgan r1": f"dcgan {TINY} --r1 0.5 --r1-every 2 --discriminator-steps 2",
    "dcgan sgd": f"dcgan {TINY} --optimizer sgd --momentum 0.9 --nesterov --schedule cosine --warmup 3 --order slice",
    "dcgan each epoch": f"dcgan --data GREY {TINY} --each-epoch --batch-size 7 --no-drop-remainder --order buffer"
    " --shuffle-buffer 5",
    "dcgan objectives": f"dcgan {TINY} --objective wasserstein --latent-distribution uniform",
    "cgan": f"cgan {TINY}",
    "cgan mlp": f"cgan --preset mlp {SMALL} --steps 3",
    "lsgan": f"lsgan {TINY} --discriminator-learning-rate 1e-3",
    "lsgan folder64": f"lsgan --preset folder64 --data COLOUR {TINY} --steps 4",
    "resumed": f"dcgan {TINY} --steps 3 --then 6",
}
"""Arguments of ``zoo train`` by name; COLOUR and GREY are made-up pictures, ``--then N`` resumes the run up to N steps."""


def train(checkout: Path, arguments: str, out: Path, data: dict[str, str]) -> str:
    """Train in a checkout; returns what went wrong, or nothing."""
    words, _, then = arguments.partition(" --then ")
    command = [str(checkout / ".venv/bin/python"), "-m", "zoo"]
    calls = [["train", *(data.get(word, word) for word in words.split()), "--out", str(out)]]
    calls += [["resume", str(out), "--steps", then]] if then else []
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "ZOO_CACHE": str(out.parent / "cache")}
    for call in calls:
        done = subprocess.run([*command, *call], cwd=checkout, env=environment, capture_output=True, text=True)
        if done.returncode:
            return f"{checkout}: zoo {' '.join(call)}\n{done.stdout}{done.stderr}"
    return ""


def content(run: Path) -> dict[str, object]:
    """What a run has computed, by name; tensors as hashes."""
    newest = max((run / "checkpoints").iterdir())
    found: dict[str, object] = {}
    for role in ("generator", "discriminator"):
        tensors = load_file(newest / f"{role}.safetensors")
        found |= {
            f"{role}.{name}": _hash(f"{value.dtype}{value.shape}", value.tobytes()) for name, value in tensors.items()
        }
    state = load_file(newest / "state.safetensors").values()
    found["state"] = sorted(_hash(f"{value.dtype}{value.shape}", value.tobytes()) for value in state)
    lines = map(json.loads, (run / "metrics.jsonl").read_text("utf-8").splitlines())
    found["metrics"] = [{name: value for name, value in line.items() if name not in TIMING} for line in lines]
    return found | {f"samples/{path.name}": _hash("", path.read_bytes()) for path in sorted(run.glob("samples/*.png"))}


def _hash(kind: str, values: bytes) -> str:
    return hashlib.sha256(kind.encode() + values).hexdigest()


def main() -> int:
    """Compare; 0 where all runs are the same."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("other", type=Path, help="the other checkout, with a .venv of its own")
    parser.add_argument("--only", default="", help="only the runs whose name holds this word")
    chosen = parser.parse_args()
    ours, theirs = Path(__file__).resolve().parent.parent, chosen.other.resolve()
    for checkout in (ours, theirs):
        if not (checkout / ".venv/bin/python").exists():
            parser.error(f"{checkout} has no .venv; run `make .venv/.test` there")
    if not any(chosen.only in name for name in RUNS):
        parser.error(f"--only {chosen.only}: no run has that in its name; there are {', '.join(RUNS)}")
    worst = 0
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(2) as pool:
        place = Path(folder)
        data = {
            "COLOUR": str(write_images(place / "colour.npz", 24, 32, 3, 3)),
            "GREY": str(write_images(place / "grey.npz", 24, 8, 1, 3)),
        }
        for number, (name, arguments) in enumerate(RUNS.items()):
            if chosen.only not in name:
                continue
            outs = [place / f"{number}-{side}" / "run" for side in ("ours", "theirs")]
            errors = list(pool.map(train, (ours, theirs), [arguments] * 2, outs, [data] * 2))
            if any(errors):
                worst = 2
                print(f"{name:24} failed\n{''.join(errors)}", flush=True)
                continue
            one, other = map(content, outs)
            differing = [key for key in {**one, **other} if one.get(key) != other.get(key)]
            worst = max(worst, int(bool(differing)))
            print(f"{name:24} {'differs: ' + ', '.join(differing[:6]) if differing else 'the same'}", flush=True)
    return worst


if __name__ == "__main__":
    sys.exit(main())
