"""The processor's instructions for bfloat16, and who is told that it has none."""

from __future__ import annotations

import pytest
import torch
from support import Notes, tiny

import zoo
from zoo import ops
from zoo.engine.runtime import precision
from zoo.engine.runtime.precision import precision_advice
from zoo.system.processor import bfloat16_instructions

CPU = torch.device("cpu")


@pytest.fixture
def has(monkeypatch):
    """Makes up what torch says of the processor."""
    return lambda **found: monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: found, raising=False)


def test_what_torch_says(has, monkeypatch):
    has(amx_bf16=True, avx512_bf16=True, avx2=True)
    assert bfloat16_instructions() == ["amx_bf16", "avx512_bf16"]
    has(avx2=True, avx512_bf16=False)
    assert bfloat16_instructions() == []
    has(avx512_bf16=True, cpu_name="Intel Xeon")
    assert bfloat16_instructions() == [], "half as fast as float32 there"
    has(avx512_bf16=True, cpu_name="AMD EPYC")
    assert bfloat16_instructions() == ["avx512_bf16"]
    monkeypatch.delattr(torch.cpu, "get_capabilities")
    assert bfloat16_instructions() is None


def test_who_is_advised(has, monkeypatch):
    has(avx2=True)
    assert "float32 is faster here" in precision_advice("bfloat16", CPU)
    assert precision_advice("float32", CPU) == ""
    assert precision_advice("bfloat16", torch.device("cuda")) == ""
    has(bf16=True)
    assert precision_advice("bfloat16", CPU) == ""
    monkeypatch.delattr(torch.cpu, "get_capabilities")
    assert precision_advice("bfloat16", CPU) == "", "where nothing is known, nothing is said"


def test_a_training_says_so(images, tmp_path, monkeypatch):
    monkeypatch.setattr(precision, "bfloat16_instructions", list)
    said: list[str] = []
    options = tiny("vanilla", steps=1, precision="bfloat16")
    zoo.train("vanilla", data=str(images), out=str(tmp_path / "run"), callbacks=[Notes(said)], **options)
    assert sum("float32 is faster here" in line for line in said) == 1


def test_doctor_knows(has):
    has(avx512_bf16=True)
    info = ops.build_info()
    if "reason" in info:
        pytest.skip(info["reason"])
    assert info["bfloat16"] == ["avx512_bf16"]
