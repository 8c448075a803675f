"""The ledger of time to quality: what its rows say, and that its contenders train."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import speedrun
from speedrunning import ledger, stopwatch
from speedrunning.data import DATA
from speedrunning.ledger import Curve, Outcome
from speedrunning.snapshots import read_snapshots
from speedrunning.stopwatch import marks

ABOUT = {"commit": "abc", "date": "2026-01-01", "machine": "one", "threads": 2, "torch": "2", "zoo": "0"}


def row(
    contender: str = "zoo", seed: int = 0, seconds: float = 10.0, over_floor: float = 4.0, data: str = "digits"
) -> dict:
    measured = {"step": 5, "low": 1.0, "high": 9.0, "distance": 3.0}
    return {
        "data": data,
        "contender": contender,
        "seed": seed,
        "seconds": seconds,
        "over_floor": over_floor,
        **measured,
        **ABOUT,
    }


def test_a_level_is_reached_between_two_snapshots_on_the_line_of_their_logarithms() -> None:
    curve = Curve("digits", "zoo", 0, [(10.0, 16.0), (20.0, 4.0), (40.0, 2.0)])
    assert curve.reached(8.0) == pytest.approx(15.0)
    assert curve.reached(4.0) == pytest.approx(20.0)
    assert curve.reached(16.0) == 10.0  # as the first snapshot has it already
    assert curve.reached(1.5) is None


def test_a_level_is_reached_when_it_is_first_and_what_comes_later_takes_nothing_back() -> None:
    assert Curve("digits", "zoo", 0, [(10.0, 2.0), (20.0, 9.0), (30.0, 1.0)]).reached(2.5) == 10.0


def test_what_half_of_the_trainings_reach_has_a_median_and_no_worst() -> None:
    curves = [Curve("digits", "zoo", seed, [(10.0 * (seed + 1), 2.9 if seed < 2 else 3.1)]) for seed in range(3)]
    assert Outcome(curves).seconds(3.0) == (20.0, None)
    assert Outcome(curves[1:]).seconds(3.0) == (None, None)
    assert Outcome(curves).last == (2.9, 3.1)


def test_rows_of_a_training_replace_those_that_were_there_of_it_and_no_others(tmp_path: Path) -> None:
    path = tmp_path / "results" / "speedrun.csv"
    ledger.add(path, [row(seconds=10.0), row(seconds=20.0), row(seed=1)])
    ledger.add(path, [row(seconds=15.0, over_floor=3.0)])
    found = [(each["seed"], each["seconds"], each["over_floor"]) for each in ledger.read(path)]
    assert found == [(0, 15.0, 3.0), (1, 10.0, 4.0)]


def test_the_table_has_zoo_first_and_a_dash_for_what_was_never_reached() -> None:
    rows = [row("plain PyTorch", seconds=50.0, over_floor=40.0), row(seconds=30.0, over_floor=2.5), row(data="tiles")]
    lines = ledger.table(rows).splitlines()
    assert [line.split(" | ")[:2] for line in lines[2:]] == [
        ["| digits", "zoo"],
        ["| digits", "plain PyTorch"],
        ["| tiles", "zoo"],
    ]
    assert lines[2].endswith("| zoo | 1 | 30 (30) | 30 (30) | 30 (30) | – | – | 2.50 (2.50) |")
    assert lines[3].endswith("| 1 | – | – | – | – | – | 40.00 (40.00) |")


def test_the_chart_is_drawn_of_trainings_of_different_lengths(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    from speedrunning.chart import draw

    rows = [row(seed=s, seconds=t + s, over_floor=60 / t) for s in range(2) for t in (10.0, 20.0)]
    draw([*rows, row("lightweight-gan", seconds=12.0), row("plain PyTorch", data="icons")], tmp_path / "chart.png")
    assert (tmp_path / "chart.png").read_bytes().startswith(b"\x89PNG")


def test_marks_are_even_on_a_scale_of_logarithms_and_end_with_the_last_second() -> None:
    assert marks(40.0) == pytest.approx([10, 11.9, 14.1, 16.8, 20, 23.8, 28.3, 33.6, 40], abs=0.05)
    assert marks(5.0) == [5.0]


def test_no_time_passes_while_the_watch_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    now = stopwatch.BEGAN + 5.0
    monkeypatch.setattr(stopwatch.time, "monotonic", lambda: now)
    watch = stopwatch.Stopwatch()
    with watch.stopped():
        now += 100.0
    now += 2.0
    assert watch.seconds == pytest.approx(7.0)


@pytest.mark.parametrize("contender", [*speedrun.CONTENDERS])
def test_a_contender_trains_in_a_process_of_its_own_and_leaves_pictures(contender: str, tmp_path: Path) -> None:
    if contender == "lightweight-gan" and importlib.util.find_spec("lightweight_gan") is None:
        pytest.skip("lightweight-gan is not installed: make speedrun installs it")
    import numpy as np

    command = [
        sys.executable, speedrun.__file__, "--worker", str(tmp_path), "--data", "digits", "--contenders", contender,
        "--seeds", "3", "--seconds", "0.01", "--count", "8", "--pictures", str(tmp_path),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    assert done.returncode == 0, done.stderr
    (snapshot,) = read_snapshots(tmp_path)  # after the first step, the only mark being past
    pictures = np.load(tmp_path / snapshot.pictures)
    side = DATA["digits"].side
    assert (snapshot.step, pictures.shape, pictures.dtype) == (1, (8, side, side, 1), np.uint8)
    assert json.loads((tmp_path / "snapshots.json").read_text())[0]["seconds"] > 0


def test_the_plain_contender_has_the_layers_and_weights_of_zoos_own() -> None:
    from speedrunning.plain_side import LATENT, networks

    from zoo.engine.build import build_networks
    from zoo.engine.plan import plan_run

    plain = networks(DATA["digits"], "digits")
    plan = plan_run("dcgan", flags={"data": "digits", "latent": LATENT})
    ours = build_networks(plan.architecture, plan.options, plan.spec)
    for one, other in zip(plain, ours, strict=True):
        assert [each.shape for each in one.parameters()] == [each.shape for each in other.parameters()]
        named = {type(module).__module__ for module in one.modules()}
        assert {each for each in named if not each.startswith("torch.nn.")} <= {
            "zoo.bench.plain",
            "zoo_plugins.dcgan.conditioning",
        }
