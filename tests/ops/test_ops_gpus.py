"""A CUDA library that this machine's GPUs cannot run: known before a kernel is launched, and served by the references."""

from __future__ import annotations

import pytest
import torch

from zoo.ops import gpus, library

RECORD = {"cuda_architectures": [80, 90], "cuda_compiler": "Build cuda_13.0.r13.0/compiler.36424714_0"}


@pytest.fixture
def machine(monkeypatch):
    """Makes up the GPUs and the driver of a machine."""

    def made(*capabilities, driver=13):
        monkeypatch.setattr(torch.cuda, "device_count", lambda: len(capabilities))
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda index: capabilities[index])
        monkeypatch.setattr(torch.cuda, "get_device_name", lambda index: f"GPU {index}")
        monkeypatch.setattr(gpus, "driver_version", lambda: driver)

    return made


@pytest.mark.parametrize(
    ("built", "capability", "runs"),
    [
        ([90], 90, True),
        ([90], 100, True),  # from its PTX
        ([90], 80, False),
        ([80], 86, True),
        ([86], 80, False),
        ([75, 90], 75, True),
        ([75, 90], 80, False),  # 7.5 has machine code alone
        ([70, 75], 72, True),
        ([70, 75], 86, True),
        ([70], 61, False),
    ],
)
def test_what_runs_where(built, capability, runs):
    assert gpus.runs_on(built, capability) == runs


def test_gpus_that_can_are_suited(machine):
    machine((8, 0), (9, 0), (12, 0))
    assert gpus.unsuited(RECORD) == ""
    machine((7, 0))
    assert gpus.unsuited({}) == "", "nothing is known of a library without a record"


def test_an_older_gpu_is_named_and_what_to_do(machine):
    machine((9, 0), (7, 5))
    reason = gpus.unsuited(RECORD)
    assert "capability 8.0, 9.0, and GPU 1 has 7.5" in reason
    assert "CUDA_VISIBLE_DEVICES" in reason


def test_a_driver_older_than_the_librarys_cuda_is_told(machine):
    machine((9, 0), driver=12)
    assert "built by CUDA 13, and the driver is for CUDA 12" in gpus.unsuited(RECORD)
    machine((9, 0), driver=0)
    assert gpus.unsuited(RECORD) == "", "where no version is known, none is too old"


def test_the_references_serve_where_the_library_is_given_up(monkeypatch):
    monkeypatch.setattr(library, "_native", {**library._native, "cuda": frozenset({"bias_act"})})
    monkeypatch.setattr(library, "_missing", dict(library._missing))
    monkeypatch.setattr(library, "unsuited", lambda record: "This GPU is too old.")
    monkeypatch.setattr(torch.cuda, "init", lambda: None)
    assert library.native("bias_act", "cuda")
    with library.references():
        library._give_up_unsuited()
    assert not library.native("bias_act", "cuda")
    assert library.dispatch("bias_act", "cuda") is library.implementation("bias_act").reference
    entry = library.status()["bias_act"]["cuda"]
    assert entry == {"served_by": "reference", "why": "This GPU is too old."}
