"""The programs that measure whole steps: what is compared with what, and that zoo trains what the published loop trains."""

from __future__ import annotations

import json
import sys
from contextlib import closing
from importlib import import_module
from types import ModuleType
from typing import Any

import layers
import pytest
import steps
import torch
from messages import assert_says
from peers import agreement, chart, keras_side, torch_side
from peers.keras_side import Worker
from peers.table import table
from peers.torch_side import Bench
from peers.workloads import WORKLOADS, Workload

input_ = import_module("input")  # whose name is a built-in's
CPU = torch.device("cpu")
TINY = (
    Workload("tiny", "", "dcgan", "mnist", 4, {"width": 8}),
    Workload("tiny labels", "", "cgan", "dcgan", 4, {"width": 8}),
    Workload("tiny dense", "", "vanilla", "dense", 4),
)
SECONDS = {"zoo": 1.0, "official": 2.0, "zoo, simultaneous": 0.5, "jax, simultaneous": 2.0}


def report(seconds: dict[str, float] = SECONDS) -> dict:
    rounds = {name: [value] * 4 for name, value in seconds.items()}
    row = {
        "workload": "dcgan64-b64", "batch": 64, "seconds": seconds, "ratios": steps.ratios(rounds),
        "spread": {name: steps.quartiles(values) for name, values in rounds.items()},
        "losses_apart": {name: [0.0, 2e-7] for name in agreement.COMPARISONS}, "gigaflop_per_step": 146.0,
        "peak_gflops": 220.0, "share_of_peak": 0.6, "absent": {"jax": "no module named jax", "official, lean": "not asked for"},
    }  # fmt: skip
    machine = {"hardware": "a processor", "threads": 1, "torch": "2", "date": "today"}
    return {"schema": 1, "machine": machine, "rows": [row]}


@pytest.mark.parametrize("workload", TINY, ids=lambda workload: workload.name)
def test_zoo_trains_what_the_published_loop_trains(workload):
    with closing(Bench(workload, CPU)) as bench:
        found = agreement.agreement(bench)
    assert set(found) == set(agreement.COMPARISONS)
    assert all(len(steps) == agreement.STEPS for steps in found.values())
    assert max(found["zoo_float64"]) < 1e-10
    assert found["zoo"][0] < 1e-4  # before Adam makes more of rounding


def test_each_is_compared_with_zoo_of_the_same_update():
    assert report()["rows"][0]["ratios"] == {"official": 2.0, "jax, simultaneous": 4.0}


def test_what_is_in_bfloat16_is_compared_with_zoo_in_bfloat16():
    seconds = {
        "zoo": 1.0,
        "official": 2.0,
        "zoo, bfloat16": 0.5,
        "official, lean, bfloat16": 1.5,
        torch_side.PRODUCTS: 2.5,
    }
    row = report(seconds)["rows"][0]
    assert row["ratios"] == {"official": 2.0, "official, lean, bfloat16": 3.0, torch_side.PRODUCTS: 5.0}
    told = table({"rows": [row]})
    assert "**bfloat16**" in told
    assert told.index("PyTorch's DCGAN example") < told.index("**bfloat16**") < told.index("autocast | 3.00 ×")


def test_products_in_bfloat16_are_this_contenders_alone():
    backends = (torch.backends.mkldnn.matmul, torch.backends.mkldnn.conv)
    before = [each.fp32_precision for each in backends]
    with closing(Bench(TINY[0], CPU)) as bench:
        losses = bench.make(torch_side.PRODUCTS)()
    assert all(loss.dtype == torch.float32 and loss.isfinite() for loss in losses)
    assert [each.fp32_precision for each in backends] == before


def test_one_without_zoo_of_its_update_is_compared_with_nothing():
    row = report({"zoo": 1.0, "jax, simultaneous": 2.0})
    assert row["rows"][0]["ratios"] == {}
    assert "| Keras on JAX | 2,000 ms (2,000 to 2,000) |" in table(row)


def test_the_table_tells_the_two_updates_apart_and_why_something_is_missing():
    lines = table(report()).splitlines()
    first = [line.split(" | ")[0].strip("| ").partition(":")[0] for line in lines if line.startswith("|")]
    alternating, simultaneous = first.index("**alternating**"), first.index("**simultaneous**")
    assert first[alternating + 1 : simultaneous] == ["zoo", "PyTorch's DCGAN example"]
    assert first[simultaneous + 1 : simultaneous + 3] == ["zoo --simultaneous", "Keras on JAX"]
    assert "| PyTorch's DCGAN example | 2.00 × |" in lines
    assert "| the same, both in float64 | 2e-07 |" in lines
    assert lines[-1] == "- jax: no module named jax"


def test_the_chart_is_a_picture(tmp_path):
    pytest.importorskip("matplotlib", reason="matplotlib is not installed (the extra plots)")
    chart.draw(report(), tmp_path / "steps.png")
    assert (tmp_path / "steps.png").read_bytes().startswith(b"\x89PNG")


def test_the_clock_of_another_process_counts_the_rounds_alone():
    worker = Worker("python", WORKLOADS["dense-b32"], 0, "jax", "alternating")
    worker.seconds = [9.0, 9.0, 1.0, 3.0, 2.0, 4.0, 5.0, 5.0]  # twice to warm up, then three rounds of two
    assert worker.rounds(3) == [2.0, 3.0, 5.0]


@pytest.mark.parametrize(
    ("program", "arguments", "parts"),
    [
        (steps, ["dcgan65"], ["unknown workload", "'dcgan65'", "known: dcgan64-b64"]),
        (steps, ["--without", "keras"], ["unknown contender", "'keras'", "known: zoo"]),
        (steps, ["--only", "keras"], ["unknown contender", "'keras'", "known: zoo"]),
        (steps, ["--rounds", "2"], ["--rounds: '2'", "at least 3"]),
        (steps, ["--device", "tpu"], ["--device tpu", "torch"]),
        (steps, ["--keras", "no/python"], ["--keras: 'no/python'", "does not start"]),
        (steps, ["--json", "no/x.json"], ["--json: 'no/x.json'", "cannot be written", "file", "folder"]),
        (steps, ["--markdown", "."], ["--markdown: '.'", "cannot be written"]),
        (steps, ["--from", "no.json"], ["--from: 'no.json'", "cannot be read"]),
        (layers, ["dcgan65"], ["unknown workload", "'dcgan65'"]),
        (layers, ["--rounds", "none"], ["--rounds: 'none'", "at least 1"]),
        (layers, ["--json", "no/x.json"], ["--json: 'no/x.json'", "cannot be written"]),
        (layers, ["--markdown", "no/x.md"], ["--markdown: 'no/x.md'", "cannot be written"]),
        (input_, ["end"], ["unknown part", "'end'", "known: start"]),
        (input_, ["--count", "0"], ["--count: '0'", "does not do"]),
        (input_, ["--json", "no/x.json"], ["--json: 'no/x.json'", "cannot be written"]),
        (input_, ["--scratch", __file__], ["cannot be made"]),
    ],
)
def test_a_mistake_is_answered_in_words_before_anything_is_measured(
    program, arguments, parts, monkeypatch, capsys, tmp_path
):
    monkeypatch.chdir(tmp_path)
    assert_says(refused(program, arguments, monkeypatch, capsys), *parts)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("no", "is not JSON (Expecting value"),
        ("{}", "is JSON, but no report of whole steps"),
        ("[]", "is JSON, but no report of whole steps"),
        ('{"schema": 1, "machine": {}, "rows": []}', "is JSON, but no report of whole steps"),
        ('{"schema": 1, "machine": {}, "rows": [{"workload": "dense-b32", "lines": []}]}', "no report of whole steps"),
    ],
)
def test_only_reports_of_whole_steps_are_read(text, message, monkeypatch, capsys, tmp_path):
    file = tmp_path / "report.json"
    file.write_text(text, "utf-8")
    answer = refused(steps, ["--from", str(file)], monkeypatch, capsys)
    assert message in answer
    assert "give a file that steps.py --json has written" in answer


def test_a_chart_is_refused_at_once_without_matplotlib(monkeypatch, capsys, tmp_path):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert "cannot be drawn: matplotlib" in refused(steps, ["--chart", str(tmp_path / "x.png")], monkeypatch, capsys)


def refused(program: ModuleType, arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: Any) -> str:
    """What a program says of arguments that do not do."""
    monkeypatch.setattr(sys, "argv", ["program", *arguments])
    for name in ("facts", "keep_freed_memory"):  # where measuring begins
        monkeypatch.setattr(program, name, pytest.fail, raising=False)
    with pytest.raises(SystemExit) as ended:
        program.main()
    assert ended.value.code == 2
    return capsys.readouterr().err


def test_reports_are_joined_and_written_again(monkeypatch, capsys, tmp_path):
    file, written = tmp_path / "report.json", tmp_path / "written.md"
    file.write_text(json.dumps(report()), "utf-8")
    monkeypatch.setattr(sys, "argv", ["steps.py", "--from", str(file), str(file), "--markdown", str(written)])
    steps.main()
    assert written.read_text("utf-8").startswith("|  | dcgan64-b64 | dcgan64-b64 |")
    assert capsys.readouterr().out == written.read_text("utf-8")


def test_a_person_sees_that_it_is_alive(monkeypatch, capsys):
    monkeypatch.setattr(steps, "WORKLOADS", {"tiny dense": TINY[2]})
    monkeypatch.setattr(steps, "keep_freed_memory", lambda: None)  # which would outlive the test
    monkeypatch.setattr(steps, "facts", lambda device, effort: {})
    monkeypatch.setattr(steps, "interleaved", lambda calls, effort, device: {name: [1.0] * 3 for name in calls})
    monkeypatch.setattr(sys, "argv", ["steps.py", "--device", "cpu", "--rounds", "3", "--only", "official", "jax"])
    monkeypatch.setattr(keras_side, "obstacle", lambda python, backend: "no Keras here")
    steps.main()
    told = capsys.readouterr()
    assert [line.split(":")[0] for line in told.err.splitlines()] == ["tiny dense, 1 of 1", "tiny dense", "tiny dense"]
    assert "jax is not measured: no Keras here" in told.err
    assert "2 contenders are prepared, 3 rounds begin" in told.err
    assert "- jax: no Keras here" in told.out


def test_layers_measures_a_workload(monkeypatch):
    monkeypatch.setattr(layers, "WORKLOADS", {"tiny": TINY[0]})
    told = layers.table(layers.measure(TINY[0], CPU, 3))
    assert "**all convolutions and dense layers**" in told
    assert "**the rest of the step**" in told


def test_a_step_is_taken_apart_into_all_that_its_layers_are_asked_for():
    with closing(Bench(TINY[0], CPU)) as bench:
        step = bench.state().step
        calls = layers.watch(step)
        timed = layers.pieces(calls)
        rows = layers.shares(calls, dict.fromkeys(timed, 1.0))
        assert all(once() >= 0 for once in timed.values())
    found = {(row.what.partition(":")[0], row.direction): row for row in rows}
    first, last = "D layers.0", "G layers.6"
    assert (first, "weights' gradient") in found
    assert (first, "input's gradient") in found  # for G's update alone
    assert (last, "weights' gradient") in found
    assert "→ 1×28×28" in found[last, "forward"].what
    images = found[first, "forward"].flops / (2 * 14 * 14 * 8 * 16)
    assert images == 3 * 4  # real, fakes, and fakes once more for G
    assert found[first, "weights' gradient"].flops * 3 == found[first, "forward"].flops * 2
    assert found[first, "input's gradient"].flops * 3 == found[first, "forward"].flops
