"""Trainings that go wrong: told of, stopped or healed where that is asked for, and as exact as any other."""

from __future__ import annotations

import gc
import json
import shutil
import time
import weakref
from contextlib import suppress
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
from support import Notes, Stop, assert_refused, flags, reseal, tiny, untimed

import zoo
from zoo.engine import train as training
from zoo.engine.health import rollback
from zoo.engine.health.monitoring import Monitoring
from zoo.errors import PluginError, RunError
from zoo.run.checkpoint import read_state
from zoo.run.events import read_events
from zoo.run.journal import Journal, read_metrics, truncate
from zoo.run.marks import mark
from zoo.testing.comparing import run_differences, tensors

STEEP = dict(steps=8, learning_rate=5.0, discriminator_learning_rate=1e-3)
"""A training whose weights explode in its first steps."""


def train(images: Path, out: str = "run", name: str = "dcgan", **options) -> zoo.Run:
    return zoo.train(name, data=str(images), out=out, **tiny(name, **options))


def told(run: zoo.Run) -> list[tuple[int, str]]:
    return [(event["step"], event["event"]) for event in run.events()]


# ---- what is told of


def test_a_rate_of_five_is_told_in_a_line_and_an_event_and_goes_on(images):
    said: list[str] = []
    run = zoo.train("dcgan", data=str(images), out="run", callbacks=[Notes(said)], **tiny("dcgan", **STEEP))
    (event,) = [event for event in run.events() if event["event"] == "exploded"]
    assert "generator's weights have grown" in event["message"]
    assert event["values"]["norm"] > 50 * event["values"]["first"]
    assert any(line.startswith(f"step {event['step']}: {event['message']}; try ") for line in said)
    assert run.latest()[0] == 8
    assert [line["step"] for line in run.metrics()] == [*range(1, 9)], "events are no metrics"


def test_numbers_that_are_none_are_an_event_before_the_training_ends(images):
    with pytest.raises(RunError, match="diverged"):
        train(images, steps=8, learning_rate=1e30)
    assert told(zoo.Run("run"))[0] == (1, "not_finite")


@pytest.mark.parametrize("more", [dict(objective="hinge"), {}], ids=["hinge", "cross-entropy"])
def test_a_discriminator_that_learns_alone_has_won(images, more):
    slow, fast = dict(learning_rate=1e-9, r1=0.0, ema=0.0, schedule="constant"), dict(discriminator_learning_rate=0.02)
    run = train(images, width=4, **{**slow, **fast, **more, "steps": 300, "log_every": 20})
    assert "discriminator_won" in [kind for _, kind in told(run)]


def test_a_generator_that_draws_one_image_has_collapsed(images):
    """A healthy training, whose generator's rate then is one that puts every output to an end."""
    options = dict(
        steps=400, log_every=50, sample_every=20, samples=16, latent=8, width=8, ema=0.0, schedule="constant"
    )
    rates = dict(learning_rate=2e-3, discriminator_learning_rate=1e-3, beta1=0.5, beta2=0.999, r1=0.2)
    run = train(images, **{**options, **rates}, callbacks=[Stop(300)])
    assert "collapsed" not in [kind for _, kind in told(run)]
    run = zoo.resume("run", learning_rate=5.0)
    (event,) = [event for event in run.events() if event["event"] == "collapsed"]
    assert 300 < event["step"] <= 360
    assert event["values"]["variety"] < event["values"]["most"]


def test_float16_that_overflows_at_each_step_is_told(images):
    """The loss is finite, and its gradients are not: the scale falls by half each time."""
    run = train(images, name="lsgan", steps=20, log_every=5, precision="float16", loss_weight=1e7)
    assert "scale_collapsed" in [kind for _, kind in told(run)]


def test_images_known_by_heart_are_told_where_some_are_held_out(tmp_path):
    """Noise, of which nothing can be learnt but which is which."""
    noise = np.random.default_rng(0).integers(0, 256, (24, 8, 8, 1)).astype(np.uint8)
    np.savez(tmp_path / "noise.npz", images=noise)
    alone = dict(learning_rate=2e-4, discriminator_learning_rate=1e-3, ema=0.0, schedule="constant")
    run = train(tmp_path / "noise.npz", name="vanilla", **alone, steps=300, log_every=50, hold_out=16)
    assert "overfitted" in [kind for _, kind in told(run)]
    probed = [line for line in run.metrics() if "r_v" in line]
    assert [line["step"] for line in probed] == [100, 200, 300]
    assert probed[-1]["r_v"] >= 0.6
    assert probed[-1]["r_t"] > 0.9


@pytest.mark.parametrize("name", ["dcgan", "lsgan", "cgan", "vanilla"])
def test_a_training_that_goes_well_is_not_disturbed(images, name):
    run = train(images, name=name, steps=400, log_every=10, sample_every=20, samples=16, on_trouble="stop")
    assert told(run) == []


# ---- nothing changes by it


@pytest.mark.parametrize(
    ("name", "more"),
    [("dcgan", {}), ("dcgan", dict(hold_out=4)), ("cgan", dict(networks="mlp", hold_out=4)), ("dcgan", STEEP)],
    ids=["dcgan", "held out", "dropout", "trouble"],
)
def test_looking_changes_no_bit_of_a_training(images, name, more, monkeypatch):
    options = {**dict(steps=6, sample_every=2), **more}
    watched = train(images, "watched", name, **options)
    for method in ("update", "update_images"):
        monkeypatch.setattr(Monitoring, method, lambda *_: None)
    monkeypatch.setattr(Monitoring, "measure", lambda *_: {})
    blind = train(images, "blind", name, **options)
    ours, theirs = tensors(watched.latest()[1]), tensors(blind.latest()[1])
    assert ours.keys() == theirs.keys()
    assert [key for key in ours if ours[key].tobytes() != theirs[key].tobytes()] == []
    probed = ("r_v", "r_t", "d_train", "d_held_out", "d_generated")
    lines = [{key: value for key, value in line.items() if key not in probed} for line in untimed(watched)]
    assert lines == untimed(blind)


def test_a_checkpoint_from_before_there_were_monitors_goes_on(images):
    run = train(images, callbacks=[Stop(4)], steps=8)
    folder = run.latest()[1]
    state = (folder / "state.json").read_text("utf-8")
    values = json.loads(state)
    del values["parts"]["health"]
    (folder / "state.json").write_text(json.dumps(values), "utf-8")
    reseal(folder)
    assert zoo.resume("run").latest()[0] == 8


def test_events_are_the_same_where_a_run_is_stopped_and_goes_on(images):
    slow, fast = dict(learning_rate=1e-9, r1=0.0, ema=0.0, schedule="constant"), dict(discriminator_learning_rate=0.02)
    options = {**slow, **fast, **dict(steps=200, log_every=10, width=4, objective="hinge", hold_out=4)}
    whole = train(images, "whole", **options)
    assert whole.events()
    for step in (95, whole.events()[0]["step"]):
        parts = train(images, f"parts-{step}", callbacks=[Stop(step)], **options)
        parts = zoo.resume(parts.path)
        assert run_differences(whole, parts) == []
        assert parts.events() == whole.events()


# ---- stop


def test_stop_ends_with_the_checkpoint_from_before_the_trouble_as_the_newest(images, cli):
    options = tiny("dcgan", steps=12, checkpoint_every=2, ema=0.0)
    zoo.train("dcgan", data=str(images), out="run", callbacks=[Stop(6)], **options)
    outcome = cli("resume", "run", *flags({"learning_rate": 5.0, "on_trouble": "stop", "log_every": 4}))
    assert_refused(outcome, "the generator's weights have grown", "at step 8", "step 6", "zoo resume run")
    assert zoo.Run("run").latest()[0] == 6
    assert told(zoo.Run("run")) == [(8, "exploded")]
    assert cli("resume", "run", "--learning-rate", "1e-3").code == 0
    assert told(zoo.Run("run")) == []


def test_stop_puts_aside_what_was_saved_since_the_trouble_began(images):
    """Trouble that is told late, as it has to last."""
    slow, fast = dict(learning_rate=1e-9, r1=0.0, ema=0.0, schedule="constant"), dict(discriminator_learning_rate=0.02)
    often = dict(steps=300, log_every=10, checkpoint_every=10, keep_checkpoints=1)
    with pytest.raises(RunError, match=r"\.trouble.*zoo resume run"):
        train(images, width=4, objective="hinge", on_trouble="stop", **slow, **fast, **often)
    run = zoo.Run("run")
    (event,) = run.events()
    assert run.latest()[0] <= event["step"] - 150
    assert [path.name for path in Path("run/checkpoints").glob("*.trouble")] != []
    assert len(run.checkpoints) <= 6, "what may have to be gone back to is kept, and no more"


# ---- heal


def test_heal_goes_back_lowers_the_rate_and_ends_well(images):
    said: list[str] = []
    run = zoo.train(
        "dcgan", data=str(images), out="run", callbacks=[Notes(said)], **tiny("dcgan", **STEEP, on_trouble="heal")
    )
    assert run.latest()[0] == 8
    (event,) = run.events()
    assert (event["event"], event["step"], event["trouble"]) == ("healed", 0, "exploded")
    assert event["changes"] == {"learning_rate": 5e-3}
    assert run.healing == [event]
    assert [(c["step"], c["option"], c["from"], c["to"]) for c in run.changes] == [(0, "learning_rate", 5.0, 5e-3)]
    assert [line["step"] for line in run.metrics()] == [*range(1, 9)]
    assert any("healing 1 of 3: back to step 0, with --learning-rate 0.005" in line for line in said)
    assert zoo.Run("run").options(zoo.engine.plan.architecture_of(run)).learning_rate == 5e-3


def test_heal_goes_back_to_before_the_trouble_however_few_checkpoints_are_kept(images):
    slow, fast = dict(learning_rate=1e-9, r1=0.0, ema=0.0, schedule="constant"), dict(discriminator_learning_rate=0.02)
    often = dict(steps=300, log_every=10, checkpoint_every=10, keep_checkpoints=1)
    with suppress(RunError):  # its generator does not learn, and so there may be no mending it
        train(images, width=4, objective="hinge", on_trouble="heal", **slow, **fast, **often)
    first, *others = zoo.Run("run").healing
    assert first["trouble"] == "discriminator_won"
    assert 0 < first["step"] <= first["detected_at"] - 150
    assert first["changes"] == {"discriminator_learning_rate": 0.005}
    again = [healed for healed in others if healed["trouble"] == "discriminator_won"]
    assert [healed["step"] for healed in again if healed["step"] == first["step"]] == [], "then to the first checkpoint"


def test_heal_ends_after_so_many_times(images):
    with pytest.raises(RunError, match=r"tried 1 time \(--heal-times\).*zoo resume run"):
        train(images, steps=8, learning_rate=1e30, optimizer="sgd", on_trouble="heal", heal_times=1)
    run = zoo.Run("run")
    assert len(run.healing) == 1
    assert run.latest()[0] == 0


def test_heal_ends_where_nothing_is_left_to_be_tried(images, monkeypatch):
    monkeypatch.setitem(rollback.__dict__, "next_changes", lambda *_: (0, {}))
    with pytest.raises(RunError, match="nothing is left to be tried"):
        train(images, **STEEP, on_trouble="heal")


class Killed(BaseException):
    """As a signal that cannot be caught ends a process: nothing is done afterwards."""


def kill_at(monkeypatch, place: object, name: str, before: bool) -> None:
    """Once, where that function is called."""
    real = getattr(place, name)
    calls = []

    def killing(*arguments, **keywords):
        calls.append(name)
        if len(calls) > 1:
            return real(*arguments, **keywords)
        if not before:
            real(*arguments, **keywords)
        raise Killed

    monkeypatch.setattr(place, name, killing)


MOMENTS = {
    "before anything": (training, "plan_healing", True),
    "decided": (training, "plan_healing", False),
    "built": (training, "write_healing", True),
    "checkpoints gone": (rollback, "truncate", True),
    "metrics cut": (rollback, "truncate", False),
    "event written": (rollback, "write_healed", False),
    "changed": (training, "write_healing", False),
}


@pytest.mark.parametrize("moment", MOMENTS.values(), ids=MOMENTS)
def test_a_run_that_is_killed_while_it_heals_goes_on_to_the_same(images, moment, monkeypatch):
    """Two healings: one to step 0, one to a checkpoint in the midst; killed in the second, or in the first."""
    options = dict(steps=10, learning_rate=5.0, discriminator_learning_rate=1e-3, checkpoint_every=3, sample_every=5)
    whole = train(images, "whole", **options, on_trouble="heal")
    with monkeypatch.context() as patch:
        kill_at(patch, *moment)
        with pytest.raises(Killed):
            train(images, "parts", **options, on_trouble="heal")
    parts = zoo.resume("parts")
    assert run_differences(whole, parts) == []
    assert parts.events() == whole.events()
    assert parts.healing == whole.healing
    without = [[{**change, "time": ""} for change in run.changes] for run in (whole, parts)]
    assert without[0] == without[1]


@pytest.mark.parametrize("step", [1, 2, 4, 7])
def test_a_run_that_is_healed_goes_on_exactly_where_it_was_stopped_before_or_after(images, step):
    """The checkpoint of the step at which it was stopped is none that an unstopped run could go back to."""
    options = dict(steps=10, learning_rate=5.0, discriminator_learning_rate=1e-3, checkpoint_every=3)
    whole = train(images, "whole", **options, on_trouble="heal")
    stop = Stop(step)
    parts = train(images, "parts", **options, on_trouble="heal", callbacks=[stop])
    assert stop.told == (step, False)
    parts = zoo.resume(parts.path)
    shutil.rmtree(f"parts/checkpoints/step-{step:08d}", ignore_errors=True)
    assert run_differences(whole, parts) == []
    assert parts.healing == whole.healing


def test_a_checkpoint_that_is_marked_outlives_healing_under_another_name(images):
    class Mark(zoo.Callback):
        marked = False

        def on_step(self, step):
            if step == 3 and not self.marked:
                path = Path("run/checkpoints/step-00000002")
                while not path.exists():  # it is written beside the training
                    time.sleep(0.01)
                mark(path, "best frechet")
                self.marked = True

    options = dict(steps=8, learning_rate=5.0, checkpoint_every=2, log_every=4)
    run = train(images, **options, on_trouble="heal", callbacks=[Mark()])
    assert run.healing[0]["step"] == 0
    assert (run.path / "checkpoints" / "step-00000002.aside" / "kept.json").exists()


def test_what_is_to_be_tried_and_cannot_be_leaves_the_last_good_checkpoint_the_newest(images, monkeypatch):
    refusing = dict(rehearse=Mock(side_effect=[None, PluginError("it has no memory")]))
    for name, function in refusing.items():
        monkeypatch.setattr(training, name, function)
    with pytest.raises(
        RunError, match=r"--learning-rate 0.005 cannot be tried: it has no memory; the newest checkpoint is that"
    ):
        train(images, **STEEP, on_trouble="heal")
    assert zoo.Run("run").latest()[0] == 0


def test_the_networks_are_let_go_of_before_new_ones_are_built(images, monkeypatch):
    built, alive = training.build, []

    def watched(*arguments):
        gc.collect()
        alive.append([network() is not None for network in known])
        state = built(*arguments)
        known.append(weakref.ref(state.step.generator))
        return state

    known: list = []
    monkeypatch.setattr(training, "build", watched)
    train(images, **STEEP, on_trouble="heal")
    assert alive[:2] == [[], [False]]


def test_other_latents_are_drawn_from_a_change_on_and_from_no_other_place(images):
    plain = train(images, "plain", steps=6)
    stopped = train(images, "run", steps=6, callbacks=[Stop(3)])
    shutil.copytree("run", "again")
    first, second = zoo.resume(stopped.path, latent_seed=1), zoo.resume("again", latent_seed=1, callbacks=[Stop(4)])
    second = zoo.resume("again")
    assert run_differences(first, second) == []
    assert untimed(first)[:3] == untimed(plain)[:3]
    assert untimed(first)[3] != untimed(plain)[3]
    own = read_state(first.latest()[1]).parts["latents"]["random"]
    assert not own.equal(read_state(plain.latest()[1]).parts["latents"]["random"])


# ---- events among the metrics


def test_events_are_passed_over_by_what_reads_metrics_and_cut_with_them(tmp_path):
    path = tmp_path / "metrics.jsonl"
    with Journal(path) as journal:
        journal.write({"step": 1, "d_loss": 0.5})
        journal.write_event(1, "exploded", message="…", values={})
        journal.write({"step": 2, "d_loss": 0.5})
        journal.write_event(2, "collapsed", message="…", values={})
    assert [line["step"] for line in read_metrics(path)] == [1, 2]
    assert [event["event"] for event in read_events(path)] == ["exploded", "collapsed"]
    assert truncate(path, 1) == ""
    assert [event["event"] for event in read_events(path)] == ["exploded"]
