"""OpenMP's threads let go of their processors, unless the person has said how they are to wait."""

from __future__ import annotations

import os
import sys

import pytest
from support import zoo_process

from zoo.system.spinning import SPIN_COUNT, bound_spinning


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """As in a process that has just begun."""
    for name in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY"):
        monkeypatch.setenv(name, "")  # so that it is put back, or removed, afterwards
        monkeypatch.delenv(name)
    monkeypatch.delitem(sys.modules, "torch")
    return monkeypatch


def test_the_spin_is_bounded_before_torch_is_imported(fresh):
    bound_spinning()
    assert os.environ["GOMP_SPINCOUNT"] == str(SPIN_COUNT)


@pytest.mark.parametrize(("name", "value"), [("GOMP_SPINCOUNT", "7"), ("OMP_WAIT_POLICY", "active")])
def test_what_the_person_has_set_is_kept(fresh, name, value):
    fresh.setenv(name, value)
    bound_spinning()
    assert os.environ[name] == value
    assert os.environ.get("GOMP_SPINCOUNT") == (value if name == "GOMP_SPINCOUNT" else None)


def test_it_is_too_late_once_torch_is_there(fresh):
    fresh.setitem(sys.modules, "torch", sys)
    bound_spinning()
    assert "GOMP_SPINCOUNT" not in os.environ


def test_the_command_line_does_it_in_time(fresh):
    told = zoo_process("doctor", OMP_DISPLAY_ENV="verbose").err
    if "GOMP_SPINCOUNT" not in told:
        pytest.skip("this torch brings another OpenMP than libgomp")
    assert f"GOMP_SPINCOUNT = '{SPIN_COUNT}'" in told
