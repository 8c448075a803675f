"""A run that goes on where its numbers may differ says why, in words; one that goes on as it began says nothing."""

from __future__ import annotations

import json

import pytest
import torch
from support import tiny

import zoo
from zoo.engine.runtime import environment as room
from zoo.engine.runtime.environment import ARITHMETIC, differences, environment

HINT = ": the numbers may differ, at first in their last digits"
NOW = {
    "device": "cpu",
    "torch": "2.13.0",
    "threads": 2,
    "arithmetic": 3,
    "instruction_set": "avx2",
    "winograd": "chosen",
    "bfloat16": None,
    "ops": {
        "bias_act": {"cpu": "native", "cuda": "reference"},
        "linear": {"cpu": "native", "cuda": "reference"},
        "conv2d": {"cpu": "native", "cuda": "reference"},
    },
    "plugin": "1.0",
}


def without(*names):
    return {name: value for name, value in NOW.items() if name not in names}


def served(**by):
    return {"ops": {op: {"cpu": who, "cuda": "reference"} for op, who in by.items()}}


def test_nothing_is_told_where_nothing_has_changed():
    assert differences(NOW, NOW) == []


def test_what_is_not_the_same_is_told():
    assert differences({**NOW, "threads": 4, "torch": "2.11.0"}, NOW) == [
        "torch is 2.13.0, and was 2.11.0: the numbers may differ from what they would have been",
        "threads is 2, and was 4: the numbers may differ from what they would have been",
    ]


def test_kernels_of_another_instruction_set_are_told():
    assert differences({**NOW, "instruction_set": "avx512"}, NOW) == [
        "the kernels use avx2 here, and used avx512 when it began" + HINT
    ]


def test_other_tiles_of_convolutions_are_told():
    assert differences({**NOW, "winograd": "small"}, NOW) == [
        "ZOO_WINOGRAD has chosen tiles here, and had small ones when it began" + HINT
    ]
    assert differences(without("winograd"), NOW) == []


def test_convolutions_in_bfloat16_by_another_are_told():
    half = {**NOW, "bfloat16": "AMX"}
    said = ["convolutions in bfloat16 are AMX's here, and were torch's when it began" + HINT]
    assert differences({**NOW, "bfloat16": "torch"}, half) == differences(without("bfloat16"), half) == said
    assert differences(half, half) == differences(NOW, half) == differences(half, NOW) == []
    device = torch.device("cpu")
    assert (environment(device, "float32")["bfloat16"], environment(device, "float16")["bfloat16"]) == (None, None)
    assert environment(device, "bfloat16")["bfloat16"] in ("AMX", "torch")


@pytest.mark.parametrize(
    ("then", "line"),
    [
        (
            served(bias_act="native"),
            "linear and conv2d are served natively here, and were not when it began",
        ),
        (
            served(bias_act="reference", linear="reference", conv2d="reference"),
            "bias_act, linear and conv2d are served natively here, and were not when it began",
        ),
        (
            served(bias_act="native", linear="native", conv2d="reference"),
            "conv2d is served natively here, and was not when it began",
        ),
        (
            served(bias_act="native", linear="native", conv2d="native", batch_norm_act="native"),
            "batch_norm_act is not served natively here, and was when it began",
        ),
    ],
)
def test_ops_that_are_served_otherwise_are_told_in_words(then, line):
    assert differences({**NOW, **then}, NOW) == [line + HINT]


def test_kernels_of_other_devices_than_the_runs_own_are_not_told():
    there = {"ops": {op: {**by, "cuda": "native"} for op, by in NOW["ops"].items()}, "instruction_set": "avx512"}
    assert differences({**NOW, "ops": there["ops"]}, NOW) == []
    gpu = {"device": "cuda:0"}
    assert differences({**NOW, **there, **gpu}, {**NOW, "ops": there["ops"], **gpu}) == []


def test_where_the_device_is_another_kernels_are_not_told_as_well():
    assert differences({**NOW, **served(), "device": "cuda:0"}, NOW) == [
        "device is cpu, and was cuda:0: the numbers may differ from what they would have been"
    ]


@pytest.mark.parametrize("then", [without("arithmetic"), {**NOW, "arithmetic": 2}])
def test_another_arithmetic_is_told_and_runs_without_the_number_are_the_first(then):
    assert differences(then, NOW) == ["zoo computes a step in another order since this run began" + HINT]
    assert differences(without("arithmetic"), {**NOW, "arithmetic": 1}) == []


def test_what_an_older_zoo_did_not_write_down_is_not_compared():
    assert differences(without("instruction_set", "ops", "threads", "plugin"), NOW) == []
    assert differences({"arithmetic": 3}, NOW) == []


def test_a_run_keeps_what_computes_it():
    found = environment(torch.device("cpu"), "float32")
    assert found["arithmetic"] == ARITHMETIC
    assert found["instruction_set"] == zoo.ops.library.instruction_set()
    with zoo.ops.references():
        assert environment(torch.device("cpu"), "float32")["instruction_set"] is None


def test_a_run_goes_on_with_other_kernels_and_says_so(images, cli, monkeypatch):
    monkeypatch.setattr(room, "instruction_set", lambda: "avx512")
    run = zoo.train("dcgan", data=str(images), out="run", **tiny("dcgan", device="cpu", steps=2))
    assert run.config["environment"]["instruction_set"] == "avx512"
    assert "may differ" not in cli("resume", "run", "--steps", 3).out
    monkeypatch.setattr(room, "instruction_set", lambda: "avx2")
    outcome = cli("resume", "run", "--steps", 4)
    assert outcome.code == 0
    assert "the kernels use avx2 here, and used avx512 when it began" in outcome.out


def test_a_run_of_an_older_zoo_goes_on_and_is_told_in_short_lines(images, cli):
    run = zoo.train("dcgan", data=str(images), out="run", **tiny("dcgan", device="cpu", steps=2))
    config = json.loads((run.path / "config.json").read_text("utf-8"))
    for name in ("arithmetic", "instruction_set"):
        del config["environment"][name]
    for op in ("linear", "conv2d", "conv_transpose2d"):
        del config["environment"]["ops"][op]
    (run.path / "config.json").write_text(json.dumps(config), "utf-8")
    outcome = cli("resume", "run", "--steps", 3)
    assert outcome.code == 0
    assert "zoo computes a step in another order since this run began" in outcome.out
    assert "{" not in outcome.out
