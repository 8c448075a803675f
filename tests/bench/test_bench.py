"""zoo bench: that it measures the right things and tells them clearly. How fast anything is, no test asks."""

from __future__ import annotations

import ast
import json
from itertools import product
from pathlib import Path

import pytest
import torch
from messages import assert_says
from support import zoo_process
from torch import nn

import zoo
from zoo import ops
from zoo.bench import sidebyside
from zoo.bench.contenders import build
from zoo.bench.goals import verdicts
from zoo.bench.measure import Effort, Footprint, footprint, interleaved
from zoo.bench.plain import CrossEntropy, plain
from zoo.bench.training import training_step
from zoo.bench.workloads import ALL, NAMES, ON_GPU, QUICK, Workload
from zoo.engine.build import build_networks
from zoo.ops import library, references
from zoo.options.resolve import resolve
from zoo.plugins.registry import registry
from zoo.system import compiling

CPU = torch.device("cpu")
ROOT = Path(zoo.__file__).parent
TINY_STEP = {"width": 2, "latent": 4, "batch_size": 8}


@pytest.fixture(scope="module")
def documentation() -> str:
    return (Path(__file__).parents[2] / "docs" / "performance.md").read_text("utf-8")


def keys(content: object) -> set[str]:
    """Every field name in a JSON document, but for the names of contenders and packages."""
    if isinstance(content, list):
        return set().union(*map(keys, content)) if content else set()
    if not isinstance(content, dict):
        return set()
    by_name = {"seconds", "ratios", "peak_bytes", "dispatched_ops", "absent", "native_core"}
    return set(content).union(*(keys(value) for name, value in content.items() if name not in by_name))


def test_quick_measures_every_op_a_step_and_a_batch_and_writes_the_documented_fields(cli, tmp_path, documentation):
    outcome = cli("bench", "--quick", "--no-keep-memory", "--json", tmp_path / "b.json")
    assert outcome.code == 0, outcome.err
    for name in (*NAMES[:-2], "training step", "batch assembly"):
        assert name in outcome.out
    content = json.loads((tmp_path / "b.json").read_text())
    assert content["schema"] == 1
    assert {row["op"] for row in content["ops"]} == set(NAMES[:-2])
    for row in content["ops"]:
        assert row["seconds"]["ours"] > 0
        assert row["ratios"]["eager"] > 0
        assert row["direction"] in ("forward", "forward+backward")
        assert row["peak_bytes"]["ours"] > 0
        assert row["dispatched_ops"]["ours"] >= 1
        assert "compile" in row["absent"]
        passes = row["op"] in ("batch_norm_act", "bias_act")
        assert (row["share_of_copy_bandwidth"] is not None) == passes
    assert content["training_steps"][0]["seconds"]["eager"] > 0
    assert content["batch_assembly"][0]["share_of_step"] > 0
    assert content["machine"]["torch"] == torch.__version__
    assert content["machine"]["keeps_freed_memory"] is False
    assert [key for key in keys(content) if f"`{key}`" not in documentation] == []


def test_one_op_alone(cli):
    outcome = cli("bench", "--quick", "--no-keep-memory", "--op", "bias-act")
    assert outcome.code == 0
    assert "bias_act" in outcome.out
    assert "generator_loss" not in outcome.out.replace("generator_loss: ours is the reference", "")
    assert "training step" not in outcome.out


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["--op", "batch_nrom_act"], ["op", "'batch_nrom_act'", "'batch_norm_act'", "zoo bench --help"]),
        (["--op", "softmax"], ["op", "'softmax'", "batch_assembly", "batch_norm_act", "bias_act"]),
        (["--threads", "0"], ["--threads 0", "at least 1"]),
        (["--json", "nowhere/b.json"], ["--json nowhere/b.json", "file", "folder that exists"]),
        (["--device", "cuda:99"], ["--device cuda:99", "torch"]),
    ],
)
def test_a_mistake_is_answered_at_once_and_in_words(cli, arguments, parts):
    outcome = cli("bench", *arguments)
    assert outcome.code == 2
    assert_says(outcome.message, *parts)
    assert outcome.out == ""


def test_with_references_only_it_works_and_says_so():
    outcome = zoo_process("bench", "--quick", "--op", "bias_act", ZOO_NATIVE="0")
    assert outcome.code == 0, outcome.err
    assert_says(outcome.out, "bias_act: ours is the reference", "ZOO_NATIVE=0")


def test_without_a_compiler_the_column_is_empty_and_the_reason_is_told(monkeypatch):
    def no_compiler(*arguments, **keywords):
        raise RuntimeError("InvalidCxxCompiler: No working C++ compiler found\nin a long traceback")

    monkeypatch.setattr(torch, "compile", no_compiler)
    compiling.obstacle.cache_clear()
    try:
        rows = list(sidebyside.rows(QUICK[0], CPU, Effort.quick()))
    finally:
        compiling.obstacle.cache_clear()
    assert all("compile" not in row.ratios and row.ratios["eager"] > 0 for row in rows)
    reason = "torch.compile failed: RuntimeError: InvalidCxxCompiler: No working C++ compiler found"
    assert [row.absent["compile"] for row in rows] == [reason] * 2


def test_rounds_are_interleaved():
    order: list[str] = []
    calls = {name: lambda name=name: order.append(name) for name in "ABC"}
    times = interleaved(calls, Effort(rounds=3, seconds=0, warm_up=0), CPU)
    assert "".join(order[-9:]) == "ABCABCABC"
    assert {name: len(rounds) for name, rounds in times.items()} == {"A": 3, "B": 3, "C": 3}


def test_memory_and_dispatched_ops_are_those_of_the_call():
    x = torch.ones(1 << 16)
    found = footprint(lambda: torch.mul(torch.add(x, x), x), CPU)
    assert found == Footprint(peak_bytes=2 * x.nbytes, dispatched=2)


def test_workloads_are_distinct_and_every_op_has_some():
    for workloads in (ALL, QUICK, ON_GPU):
        names = [w.name for w in workloads]
        assert len(names) == len(set(names))
        assert {w.op for w in workloads} == set(NAMES[:-2])


SMALL = [
    *QUICK,
    Workload("batch_norm_act", (16, 8), "", activation="leaky_relu", slope=0.2, order="act_norm"),
    Workload("batch_norm_act", (4, 8, 3, 3), "", activation="relu"),
    Workload("bias_act", (4, 3, 3, 3), "", activation="tanh"),
    *[
        Workload(op, (32,), "", kind=kind)
        for op, kind in product(("discriminator_loss", "generator_loss"), ("least_squares", "hinge", "wasserstein"))
    ],
]


@pytest.mark.parametrize("workload", SMALL, ids=lambda w: w.name)
def test_contenders_compute_the_same(workload):
    case = build(workload, CPU)
    ours, eager = case.functions["ours"], case.functions["eager"]
    if isinstance(ours, nn.Module):
        ours.load_state_dict(dict(zip(ours.state_dict(), eager.state_dict().values(), strict=True)))
    results = {name: function(*case.inputs) for name, function in case.functions.items()}
    expected = results["ours"] if isinstance(results["ours"], tuple) else (results["ours"],)
    for result in results.values():
        for own, other in zip(expected, result if isinstance(result, tuple) else (result,), strict=True):
            if other is not None:  # the loss alone
                torch.testing.assert_close(own, other, rtol=1e-5, atol=1e-5)
    gradients = {name: case.call(function, "forward+backward")() for name, function in case.functions.items()}
    for found in gradients.values():
        torch.testing.assert_close(found, gradients["ours"], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", ["dcgan", "vanilla", "lsgan", "cgan"])
def test_plain_networks_have_torchs_modules_and_give_the_same_images_and_logits(name):
    architecture = registry().architecture(name)
    flags = {key: value for key, value in TINY_STEP.items() if key in architecture.Options.model_fields}
    options, _ = resolve(architecture, flags=flags)
    spec = zoo.DataSpec(1, 28, 28, 10)
    labels = (torch.arange(8) % 10,) if architecture.conditional else ()
    inputs = torch.randn(8, options.latent)
    for network in build_networks(architecture, options, spec):
        ours, theirs = network.eval(), plain(network).eval()
        assert not [module for module in theirs.modules() if type(module).__module__.startswith("zoo.nn")]
        output = ours(inputs, *labels)
        torch.testing.assert_close(theirs(inputs, *labels), output, rtol=1e-4, atol=1e-5)
        inputs = output.detach()


@pytest.mark.parametrize("preset", ["upsample", "selu", "tf64"])
def test_plain_networks_pad_and_keep_statistics_as_keras_does(preset):
    architecture = registry().architecture("dcgan")
    options, _ = resolve(architecture, preset=preset, flags={"width": 2})
    inputs = torch.randn(4, options.latent)
    for network in build_networks(architecture, options, zoo.DataSpec(1, 32, 32)):
        for module in network.modules():
            if isinstance(module, nn.Dropout):
                module.p = 0.0
        ours, theirs = network, plain(network)
        output = ours(inputs)
        torch.testing.assert_close(theirs(inputs), output, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(list(theirs.buffers()), list(ours.buffers()), rtol=1e-4, atol=1e-5)
        inputs = output.detach()


def test_plain_networks_keep_their_parametrisations():
    ours = nn.Sequential(zoo.nn.spectral_norm(zoo.nn.Conv2dAct(2, 3, 3, activation="relu")))
    theirs = plain(ours)
    x = torch.randn(2, 2, 4, 4)
    torch.testing.assert_close(theirs(x), ours(x))
    assert [type(layer) is zoo.nn.Conv2dAct for layer in theirs.modules()].count(True) == 0
    assert theirs.state_dict().keys() == {f"0.0.{name.partition('.')[2]}" for name in ours.state_dict()}
    torch.testing.assert_close(list(theirs.buffers()), list(ours.buffers()))


def test_the_plain_objective_is_ours():
    real, fake = torch.randn(32), torch.randn(32)
    theirs = CrossEntropy()
    loss, statistics = theirs.discriminator_loss(real, fake, scale=0.5)
    ours = ops.discriminator_loss(real, fake, scale=0.5)
    torch.testing.assert_close(loss, ours.loss)
    torch.testing.assert_close(statistics, ours.statistics[:2])
    torch.testing.assert_close(theirs.generator_loss(fake, scale=0.5)[0], ops.generator_loss(fake, scale=0.5).loss)


def test_references_serve_inside_and_not_after():
    before = ops.status()
    with references():
        assert {entry["served_by"] for row in ops.status().values() for entry in row.values()} == {"reference"}
        assert not library.native("bias_act", "cpu")
    assert ops.status() == before


def test_a_step_of_another_game_leaves_out_what_is_not_written_out():
    row = training_step(CPU, Effort.quick(), False, "lsgan", batch_size=8)
    assert "ours" in row.seconds
    assert_says(row.absent["eager"], "lsgan", "least_squares")


def made_up_row(workload: Workload, served_by: str = "native", dispatched: int = 10) -> sidebyside.Row:
    rounds = {"ours": [1.0] * 3, "eager": [3.0] * 3, "compile": [1.2] * 3, "copy": [0.5] * 3}
    footprints = {"ours": Footprint(1, dispatched), "eager": Footprint(1, 40)}
    return sidebyside.Row(workload, "forward+backward", "cpu", served_by, rounds, footprints)


def test_goals_are_judged_by_medians_within_rounds():
    w = Workload("batch_norm_act", (64, 64, 32, 32), "", "channels_last", activation="leaky_relu", slope=0.2)
    found = {v.claim: (v.value, v.reached) for v in verdicts([made_up_row(w)])}
    assert found == {
        "times as fast as eager": (3.0, True),
        "times as fast as torch.compile": (1.2, False),
        "of the copy bandwidth": (1.0, True),
    }
    assert verdicts([made_up_row(w, "reference")]) == []
    loss = Workload("generator_loss", (64,), "", kind="hinge")
    assert [v.reached for v in verdicts([made_up_row(loss), made_up_row(loss, dispatched=14)])] == [True] * 3 + [False]


def test_nothing_but_its_command_imports_the_benchmarks():
    importing = {
        str(path.relative_to(ROOT))
        for path in ROOT.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if (isinstance(node, ast.ImportFrom) and (node.module or "").startswith("zoo.bench"))
        or (isinstance(node, ast.Import) and any(alias.name.startswith("zoo.bench") for alias in node.names))
    }
    assert {file for file in importing if not file.startswith("bench/")} == {"cli/bench.py", "cli/completing/values.py"}
