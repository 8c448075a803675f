"""The program that made the reference outputs: on its own, proven, and of one mind with what is stored."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from oracle import cases, proof, store
from replay import imported_by

from zoo.plugins.registry import registry

HERE = Path(__file__).parent


def test_the_program_needs_numpy_alone() -> None:
    programs = [HERE / "generate.py", *(HERE / "oracle").glob("*.py")]
    imported = set().union(*map(imported_by, programs))
    assert imported - {*sys.stdlib_module_names} == {"numpy", "oracle"}


def test_the_program_is_proven_and_still_makes_the_stored_numbers() -> None:
    command = [sys.executable, "-W", "error", str(HERE / "generate.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_wrong_gradient_is_not_proven(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cases, "batch_norm_act_backward", lambda dy, x, weight, *rest: (dy, dy.sum(0), dy.sum(0)))
    with pytest.raises(proof.UnprovenError, match="batch_norm_act"):
        proof.prove()


COMPARED_ELSEWHERE = {"r3gan", "cr3gan", "sngan", "sngan-projection", "fastgan", "icgan"}
"""Their networks are compared with plain PyTorch, written from the papers, where they are tested: tests/builtin."""


def test_every_built_in_architecture_has_a_game() -> None:
    played = {notes["architecture"] for notes in store.load(HERE / "training.npz")[1].values()}
    built_in = {name for name in registry().names if registry().contribution(name).plugin.distribution == "zoo-gan"}
    assert played == built_in - COMPARED_ELSEWHERE


def test_a_digest_sees_every_element() -> None:
    array = np.linspace(-1.0, 1.0, 5000).reshape(50, 100)
    for place in [(0, 1), (31, 7), (49, 98)]:
        changed = array.copy()
        changed[place] += 1e-6
        assert np.abs(store.digest("w", changed) - store.digest("w", array)).max() > 5e-7
