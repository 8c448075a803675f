"""Runs of format 1 are gone on with exactly: `format1/README.md` tells where they are from."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

import zoo
from zoo.engine.checkpointing import networks, save_state
from zoo.run.checkpoint import read_state, write_checkpoint
from zoo.testing.comparing import run_differences, untimed

HERE = Path(__file__).resolve().parent / "format1"
STEPS = {"dcgan": (4, 8), "lsgan": (20, 24)}
"""Where each run was stopped, and how far it was gone on with."""


@pytest.fixture(params=STEPS)
def old(request) -> Path:
    """A run of format 1, to write in."""
    return Path(shutil.copytree(HERE / request.param, request.param))


def test_a_run_of_format_1_is_resumed_to_the_numbers_of_the_version_that_wrote_it(old):
    """To rounding, for the fixture may come from another machine; on the same one they are the same to the last bit."""
    run = zoo.resume(old, steps=STEPS[old.name][1])
    expected = [json.loads(line) for line in (HERE / f"{old.name}-after" / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in run.metrics()] == [line["step"] for line in expected]
    for ours, theirs in zip(untimed(run), expected, strict=True):
        assert ours == pytest.approx({name: theirs[name] for name in ours}, rel=2e-2, abs=1e-3)
    for role in ("generator", "discriminator"):
        ours, theirs = (
            load_file(folder / f"{role}.safetensors") for folder in (run.latest()[1], HERE / f"{old.name}-after")
        )
        assert ours.keys() == theirs.keys()
        for name, value in theirs.items():
            torch.testing.assert_close(ours[name], value, rtol=1e-2, atol=2e-3)
    assert json.loads((old / "config.json").read_text())["format"] == 2, "and an older zoo says so"


def test_every_tensor_of_format_1_is_where_it_belongs(old):
    """What is loaded and saved again is, tensor by tensor, what was there."""
    folder = zoo.Run(old).latest()[1]
    saved = read_state(folder)
    found = []

    def tensors(value):
        if isinstance(value, torch.Tensor):
            found.append(value)
        elif isinstance(value, dict):
            for each in value.values():
                tensors(each)

    tensors(saved.parts)
    before = load_file(folder / "state.safetensors")
    assert sorted(map(_content, found)) == sorted(map(_content, before.values()))


@pytest.mark.parametrize("form", [2, 3])
def test_format_1_and_later_ones_of_one_checkpoint_go_on_alike_to_the_last_bit(old, monkeypatch, form):
    start, steps = STEPS[old.name]
    new = Path(shutil.copytree(old, "new"))
    written = []

    def written_anew(run, state, *arguments):
        folder = run.latest()[1]
        write_checkpoint(folder, networks(state), save_state(state, start, 1.0))
        written.append(folder)
        return Untrained()

    class Untrained:
        def run_steps(self):
            return None

    with monkeypatch.context() as patched:
        patched.setattr("zoo.engine.train.TrainingLoop", written_anew)
        zoo.resume(new, steps=steps)
    state = json.loads((written[0] / "state.json").read_text())
    assert state["format"] == 3
    if form == 2:  # which had no digests
        state = {name: value for name, value in state.items() if name not in ("sha256", "files")}
        (written[0] / "state.json").write_text(json.dumps({**state, "format": 2}))
    assert run_differences(zoo.resume(old, steps=steps), zoo.resume(new)) == []


def test_a_checkpoint_of_format_1_that_lacks_something_is_refused_in_words(old):
    file = zoo.Run(old).latest()[1] / "state.json"
    values = json.loads(file.read_text())
    values["stepped"]["generator"].append(99)
    file.write_text(json.dumps(values))
    with pytest.raises(zoo.errors.RunError, match=r"optimizer\.generator\.99\.\w+' is missing"):
        zoo.resume(old, steps=99)


def _content(value: torch.Tensor) -> tuple[str, bytes]:
    return f"{value.dtype}{tuple(value.shape)}", value.contiguous().numpy().tobytes()
