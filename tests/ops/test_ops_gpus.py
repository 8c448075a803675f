"""A CUDA library that this machine's GPUs cannot run: known before a kernel is launched, and served by the references."""

from __future__ import annotations

import pytest
import torch

from zoo.ops import gpus, library

RECORD = {"cuda_architectures": [80, 90], "cuda_compiler": "Build cuda_13.0.r13.0/compiler.36424714_0"}


@pytest.fixture
def machine(monkeypatch):
    """Makes up the GPUs and the driver of a machine."""

    def made(*capabilities, driver=(13, 0)):
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
    assert (gpus.has_machine_code(built, capability) or gpus.translated(built, capability)) == runs


def test_gpus_that_can_are_suited(machine):
    machine((8, 0), (9, 0), (12, 0))
    assert gpus.incompatibility(RECORD) == ""
    machine((7, 0))
    assert gpus.incompatibility({}) == "", "nothing is known of a library without a record"


def test_an_older_gpu_is_named_and_what_to_do(machine):
    machine((9, 0), (7, 5))
    reason = gpus.incompatibility(RECORD)
    assert "capability 8.0, 9.0, and GPU 1 has 7.5" in reason
    assert "CUDA_VISIBLE_DEVICES" in reason


def test_a_driver_older_than_the_librarys_cuda_is_told(machine):
    machine((9, 0), driver=(12, 9))
    assert "built by CUDA 13.0, and the driver is for CUDA 12.9" in gpus.incompatibility(RECORD)
    machine((9, 0), driver=())
    assert gpus.incompatibility(RECORD) == "", "where no version is known, none is too old"


def test_a_driver_of_an_older_minor_version_runs_machine_code_and_translates_nothing(machine):
    newer = {"cuda_architectures": [80, 90], "cuda_compiler": "Build cuda_13.2.r13.2/compiler.1_0"}
    machine((9, 0))
    assert gpus.incompatibility(newer) == ""
    machine((12, 0))
    assert "built by CUDA 13.2, and the driver is for CUDA 13.0" in gpus.incompatibility(newer)
    machine((12, 0), driver=(13, 2))
    assert gpus.incompatibility(newer) == ""


def test_the_driver_is_asked_by_its_own_library(monkeypatch):
    class Driver:
        @staticmethod
        def cuDriverGetVersion(number):  # noqa: N802 (its name)
            number._obj.value = 13020
            return 0

    monkeypatch.setattr(gpus.ctypes, "CDLL", lambda name: Driver)
    assert gpus.driver_version() == (13, 2)

    def none_here(name):
        raise OSError(f"{name}: cannot open shared object file")

    monkeypatch.setattr(gpus.ctypes, "CDLL", none_here)
    assert gpus.driver_version() == ()


def test_a_record_that_cannot_be_read_does_not_keep_cuda_from_starting(monkeypatch):
    monkeypatch.setattr(library, "_native", {"cuda": frozenset({"bias_act"})})
    monkeypatch.setattr(library, "build_record", lambda: {"cuda_architectures": ["80"]})
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda index: (9, 0))
    library._give_up_incompatible()
    assert library.native("bias_act", "cuda")


def test_the_references_serve_where_the_library_is_given_up(monkeypatch):
    monkeypatch.setattr(library, "_native", {**library._native, "cuda": frozenset({"bias_act"})})
    monkeypatch.setattr(library, "_missing", dict(library._missing))
    monkeypatch.setattr(library, "_asked", "")  # with ZOO_NATIVE=0 too
    monkeypatch.setattr(library, "incompatibility", lambda record: "This GPU is too old.")
    assert library.native("bias_act", "cuda")
    with library.references():
        library._give_up_incompatible()
    assert not library.native("bias_act", "cuda")
    assert library.dispatch("bias_act", "cuda") is library.implementation("bias_act").reference
    entry = library.status()["bias_act"]["cuda"]
    assert entry == {"served_by": "reference", "why": "This GPU is too old."}
