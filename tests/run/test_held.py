"""A run is trained by one process at a time, which whoever comes second is told of; readers take no notice."""

from __future__ import annotations

import errno
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from messages import assert_says, saying
from support import Notes, assert_refused, flags, tensors, tiny, zoo_process

import zoo
from zoo.errors import RunError
from zoo.run.holding import Holder, holder
from zoo.run.listing import runs_below
from zoo.system import lock
from zoo.system.lock import FileLock
from zoo.testing.comparing import run_differences

GATE = """
import os, pathlib, time
import zoo

class Gate(zoo.Callback):
    '''Waits after a step until it is let through.'''
    def on_step(self, step):
        if step == int(os.environ.get("GATE", 0)):
            pathlib.Path("reached").touch()
            while not pathlib.Path("go").exists():
                time.sleep(0.01)

@zoo.hookimpl
def zoo_training_callbacks(run):
    return Gate()
"""

OPTIONS = tiny("dcgan", steps=8, sample_every=2, checkpoint_every=2, keep_checkpoints=9)


@contextmanager
def at_the_gate(step: int, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """A process of zoo's that has done so many steps, and goes on when the block ends."""
    process = subprocess.Popen(
        [sys.executable, "-m", "zoo", *map(str, arguments)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "GATE": str(step), "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    try:
        while not Path("reached").exists():
            assert process.poll() is None, process.communicate()
            time.sleep(0.01)
        yield process
        Path("go").touch()
        process.out, process.err = process.communicate(timeout=300)
    finally:
        process.kill()
        process.communicate()
        for name in ("go", "reached"):
            Path(name).unlink(missing_ok=True)


@pytest.fixture(scope="module")
def whole(images, tmp_path_factory) -> zoo.Run:
    """A run of eight steps that nobody has disturbed, and all of its checkpoints."""
    return zoo.train("dcgan", data=str(images), out=tmp_path_factory.mktemp("whole") / "run", **OPTIONS)


@pytest.fixture
def stopped(whole, install) -> Path:
    """The same, stopped after two steps."""
    install(GATE, "zoo_gate")
    run = Path(shutil.copytree(whole.path, "run"))
    for step in (4, 6, 8):
        shutil.rmtree(run / "checkpoints" / f"step-{step:08d}")
    (run / "samples.gif").unlink()
    return run


# ---- one process


def test_of_two_that_go_on_with_a_run_one_is_refused_and_the_other_is_not_disturbed(whole, stopped, cli):
    with at_the_gate(5, "resume", stopped) as first:
        who = ["run is being trained by", f"process {first.pid} on {socket.gethostname()}"]
        assert_refused(zoo_process("resume", stopped), *who, "wait until it ends")
        assert_refused(cli("resume", stopped, "--steps", 600), *who)
        assert_refused(
            cli("train", "dcgan", "--out", stopped, "--steps", 1), "run is not empty", who[1], "another --out"
        )
        (listed,) = json.loads(cli("list", ".", "--runs", "--json").out)
        assert (listed["path"], listed["state"], listed["step"], listed["steps"]) == ("run", "running", 5, 8)
        assert (listed["holder"]["pid"], listed["holder"]["host"]) == (first.pid, socket.gethostname())
        assert cli("sample", stopped, "--n", 1, "--out", "x.png").out.count("step 4") == 1
        assert len(zoo.Run(stopped).metrics()) == 5
    assert (first.returncode, first.err) == (0, "")
    assert run_differences(whole, zoo.Run(stopped)) == []
    assert not (stopped / ".lock").exists()


def test_a_killed_holder_is_taken_over_from_and_the_run_goes_on_exactly(whole, stopped, cli):
    with at_the_gate(5, "resume", stopped) as first:
        assert holder(stopped).pid == first.pid
        first.kill()
        first.wait()
        assert (stopped / ".lock").exists()
        assert holder(stopped) is None
        assert [(each.state, each.step) for each in runs_below(stopped)] == [("stopped", 5)]
    outcome = cli("resume", stopped)
    assert (outcome.code, outcome.err) == (0, "")
    assert run_differences(whole, zoo.Run(stopped)) == []
    assert not (stopped / ".lock").exists()


class At(zoo.Callback):
    """Calls something after a step."""

    def __init__(self, step: int, action) -> None:
        self.step, self.action = step, action

    def on_step(self, step: int) -> None:
        if step == self.step:
            self.action()


def test_a_lock_whose_file_a_person_removes_is_taken_again(images):
    seen = []

    def look() -> None:
        seen.append(zoo.Run("run").holder)

    options = tiny("dcgan", steps=6, checkpoint_every=2)
    callbacks = [At(1, Path("run/.lock").unlink), At(3, look)]
    zoo.train("dcgan", data=str(images), out="run", callbacks=callbacks, **options)
    assert seen[0].is_me
    assert not Path("run/.lock").exists()


def test_a_lock_that_another_has_by_then_ends_the_training_that_had_it(images):
    other = FileLock(Path("run/.lock"))

    def steal() -> None:
        Path("run/.lock").unlink()
        assert other.take()

    options = tiny("dcgan", steps=6, checkpoint_every=2)
    with pytest.raises(RunError, match="is trained by another process too"):
        zoo.train("dcgan", data=str(images), out="run", callbacks=[At(3, steal)], **options)
    assert zoo.Run("run").latest()[0] == 2
    other.release(remove=True)


def test_a_configuration_and_a_journal_that_a_person_removes_are_written_again(images):
    def remove() -> None:
        Path("run/config.json").unlink()
        Path("run/metrics.jsonl").unlink()

    options = tiny("dcgan", steps=6, checkpoint_every=2, log_every=1)
    run = zoo.train("dcgan", data=str(images), out="run", callbacks=[At(3, remove)], **options)
    assert zoo.Run("run").config == run.config
    assert [line["step"] for line in run.metrics()] == [5, 6]


def test_a_folder_that_is_moved_away_is_told_of_with_what_it_holds(images):
    options = tiny("dcgan", steps=6, checkpoint_every=2)
    with pytest.raises(RunError, match="run was moved or removed: put it back, then zoo resume run goes on"):
        zoo.train(
            "dcgan", data=str(images), out="run", callbacks=[At(3, lambda: Path("run").rename("away"))], **options
        )
    Path("away").rename("run")
    assert zoo.resume("run").latest()[0] == 6


@pytest.mark.parametrize(
    ("path", "words"),
    [("config.json", "is a file; give the folder of the run"), ("checkpoints/step-00000002", "--from 2")],
)
def test_what_lies_in_a_run_is_no_run_and_its_run_is_named(stopped, path, words):
    with pytest.raises(RunError, match=words):
        zoo.Run(stopped / path)


def test_a_new_run_is_held_from_its_beginning(whole, images, install, cli):
    install(GATE, "zoo_gate")
    arguments = ["train", "dcgan", "--data", images, *flags(OPTIONS), "--out", "run"]
    with at_the_gate(1, *arguments) as first:
        assert_refused(
            zoo_process(*arguments), "run is not empty", f"process {first.pid}", "trains a run there", "--out"
        )
        assert_refused(cli("resume", "run"), f"process {first.pid}")
        assert_refused(cli("sample", "run"), "no checkpoint yet", f"process {first.pid}", "trains it: wait")
    assert run_differences(whole, zoo.Run("run")) == []


def test_within_one_process_too(stopped):
    with zoo.Run(stopped).held(), pytest.raises(RunError, match=saying("being trained by this very process")):
        zoo.resume(stopped)
    assert zoo.resume(stopped).latest()[0] == 8


def test_a_folder_that_a_killed_beginning_has_left_is_begun_in():
    for name in ("samples", "checkpoints"):
        (Path("run") / name).mkdir(parents=True)
    for name in (".lock", ".config.123.part.json"):
        (Path("run") / name).touch()
    run = zoo.Run.create("run", {"architecture": "dcgan", "options": {}})
    assert sorted(path.name for path in run.path.iterdir()) == ["checkpoints", "config.json", "samples"]


def test_a_file_system_without_locks_is_told_of(stopped, monkeypatch):
    monkeypatch.setattr(lock, "_take", lambda *arguments, **keywords: None)
    notes: list[str] = []
    zoo.resume(stopped, callbacks=[Notes(notes)])
    assert any("the file system of run has no locks" in note for note in notes), notes
    assert [each.state for each in runs_below(stopped)] == ["finished"]
    shutil.rmtree(stopped / "checkpoints")
    (stopped / ".lock").touch()
    assert [each.state for each in runs_below(stopped)] == ["unknown"]


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", '{"pid": "x", "host": 3, "since": null}', '{"pid": 3, "host": "\\u001b[2J", "since": ""}'],
)
def test_a_holder_that_cannot_be_read_is_one_all_the_same(content, stopped):
    with zoo.Run(stopped).held():
        (stopped / ".lock").write_text(content)
        assert holder(stopped) == Holder()
        with pytest.raises(RunError, match=saying("being trained by another process")):
            zoo.resume(stopped)


# ---- readers


READ = """
import sys, time
from pathlib import Path
import torch, zoo
from support import tensors
count, deadline = 0, time.monotonic() + 120
while time.monotonic() < deadline and not Path("done").exists():
    generator = zoo.load("run", averaged=count % 2 == 0)
    if Path("run/.lock").exists():
        assert generator.discriminator is not None
    torch.save((generator.step, generator.network.state_dict()), f"loaded-{count % 40:02d}.pt")
    count += 1
print(count)
"""


def test_loads_while_a_training_prunes_give_one_whole_checkpoint_each(images):
    """Each of them: no error, and the weights of the step that it says, as a training that keeps all has them."""
    options = tiny("vanilla", steps=120, checkpoint_every=1, keep_checkpoints=1, sample_every=500, ema=0.5)
    kept = zoo.train("vanilla", data=str(images), out="kept", **{**options, "keep_checkpoints": 999})
    zoo.train("vanilla", data=str(images), out="run", **{**options, "steps": 1})
    reader = subprocess.Popen(
        [sys.executable, "-c", READ], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    try:
        while not Path("loaded-00.pt").exists():
            assert reader.poll() is None, reader.communicate()
            time.sleep(0.01)
        zoo.resume("run", steps=120)
    finally:
        Path("done").touch()
        out, err = reader.communicate(timeout=300)
    assert (reader.returncode, err) == (0, "")
    assert int(out) > 1
    import torch

    for path in Path().glob("loaded-*.pt"):
        step, weights = torch.load(path)
        whole = tensors(dict(kept.checkpoints)[step])
        raw = {name.removeprefix("generator."): value for name, value in whole.items() if name.startswith("generator.")}
        average = {
            name.removeprefix("state.ema.weights."): value for name, value in whole.items() if ".ema.weights." in name
        }
        assert any(all((weights[name].numpy() == of[name]).all() for name in weights) for of in (raw, average)), step


def test_a_checkpoint_that_is_pruned_while_it_is_read_is_read_again_from_the_newer_one(whole, monkeypatch):
    from zoo.plugins import load as module

    run = Path(shutil.copytree(whole.path, "run"))
    newest = run / "checkpoints" / "step-00000008"
    read = module.read_state

    def prune(folder):
        if folder == newest:
            shutil.rmtree(folder)
        return read(folder)

    monkeypatch.setattr(module, "read_state", prune)
    assert zoo.load(run).step == 6


def test_what_is_damaged_is_not_tried_again(whole, cli):
    run = Path(shutil.copytree(whole.path, "run"))
    (run / "checkpoints" / "step-00000008" / "state.safetensors").write_bytes(b"no")
    assert_refused(cli("sample", run), "state.safetensors cannot be read")


def test_a_discriminator_that_was_pruned_since_is_told_of(whole):
    run = Path(shutil.copytree(whole.path, "run"))
    generator = zoo.load(run)
    shutil.rmtree(run / "checkpoints" / "step-00000008")
    with pytest.raises(
        RunError, match=saying("is gone since the generator was loaded", "zoo.load", "--keep-checkpoints")
    ):
        assert generator.discriminator is not None
    with zoo.Run(run).held():
        generator = zoo.load(run)
    shutil.rmtree(run / "checkpoints" / "step-00000006")
    assert generator.discriminator is not None, "of a run that is being trained it is read at once"


# ---- what is left of a killed process


def test_what_killed_processes_left_half_written_is_swept_by_whoever_goes_on(whole, stopped):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    gone = gone.pid
    left = [
        stopped / name
        for name in (
            "checkpoints/.step-00000004.123.part/generator.safetensors",
            "checkpoints/.step-00000002-old.7.part/state.json",
            "samples/.step-00000004.123.part.png",
            ".config.123.part.json",
            ".metrics.123.part.jsonl",
            ".samples.123.part.gif",
            f".curves.{gone}.part.png",
        )
    ]
    for path in left:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(bytes(1000))
    others = [
        stopped / name for name in (f".curves.{os.getppid()}.part.png", ".mine", "samples/.hidden.png", "notes.part")
    ]
    for path in others:
        path.touch()
    zoo.resume(stopped)
    assert [path for path in left if path.exists() or path.parent.name.endswith(".part")][len(left) :] == []
    assert not any(path.exists() for path in left)
    assert {path.name for path in (stopped / "checkpoints").iterdir()} == {f"step-{step:08d}" for step in (2, 4, 6, 8)}
    assert all(path.exists() for path in others), "somebody may be writing it, or it is a person's"
    assert run_differences(whole, zoo.Run(stopped)) == []


def test_what_a_killed_reader_left_is_swept_after_a_day(stopped):
    left = stopped / ".curves.123.part.png"
    left.touch()
    long_ago = time.time() - 2 * 24 * 3600
    os.utime(left, (long_ago, long_ago))
    with zoo.Run(stopped).held():
        assert not left.exists()


# ---- the journal


def test_the_journal_is_on_the_disk_before_the_checkpoint_is_seen(images, monkeypatch):
    done: list[str] = []
    fsync, replace = os.fsync, os.replace

    def synced(descriptor):
        if Path(f"/proc/self/fd/{descriptor}").exists():
            done.append(Path(os.readlink(f"/proc/self/fd/{descriptor}")).name)
        elif os.path.samestat(os.fstat(descriptor), os.stat("run/metrics.jsonl")):
            done.append("metrics.jsonl")
        fsync(descriptor)

    def replaced(source, target):
        done.append(Path(target).name)
        replace(source, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", replaced)
    zoo.train("dcgan", data=str(images), out="run", **tiny("dcgan", steps=2, checkpoint_every=1))
    order = [
        name for name in done if name == "metrics.jsonl" or (name.startswith("step-") and not name.endswith(".png"))
    ]
    assert order == ["metrics.jsonl", "step-00000001", "metrics.jsonl", "step-00000002"]


@pytest.mark.parametrize(
    ("lines", "every", "told"),
    [(8, 1, False), (7, 1, True), (0, 1, True), (7, 7, False), (6, 7, True), (7, 3, False), (5, 3, True)],
)
def test_a_gap_between_journal_and_checkpoint_is_told(whole, lines, every, told):
    run = Path(shutil.copytree(whole.path, "run"))
    config = json.loads((run / "config.json").read_text())
    config["options"]["log_every"] = every
    (run / "config.json").write_text(json.dumps(config))
    journal = run / "metrics.jsonl"
    journal.write_text("".join(journal.read_text().splitlines(keepends=True)[:lines]))
    notes: list[str] = []
    zoo.resume(run, steps=9, callbacks=[Notes(notes)])
    note = [note for note in notes if "is lost" in note]
    assert bool(note) == told
    if told:
        assert_says(note[0], f"metrics.jsonl ends at step {lines}", "the checkpoint is of step 8")


def test_what_was_logged_seldom_before_and_often_since_is_no_gap(whole, images):
    run = zoo.train("dcgan", data=str(images), out="run", **tiny("dcgan", steps=4, log_every=4))
    zoo.resume("run", steps=5, log_every=1)
    notes: list[str] = []
    zoo.resume("run", steps=6, callbacks=[Notes(notes)])
    assert [line["step"] for line in run.metrics()] == [4, 5, 6]
    assert not any("is lost" in note for note in notes)


# ---- nothing outside of the run


def victim() -> dict[Path, bytes]:
    """What is in the folder elsewhere."""
    return {path: path.read_bytes() for path in Path("elsewhere").rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    "item",
    ["checkpoints", "samples", "metrics.jsonl", "config.json", ".lock", "tensorboard", "checkpoints/step-00000002"],
)
def test_a_run_whose_items_lead_elsewhere_is_not_gone_on_with(whole, stopped, cli, item):
    shutil.copytree(whole.path, "elsewhere")
    target = Path("elsewhere") / item
    if not target.exists():
        target.touch()
    place = stopped / item
    if place.is_dir():
        shutil.rmtree(place)
    place.unlink(missing_ok=True)
    place.symlink_to(Path("..") / ".." / target if "/" in item else Path("..") / target)
    before = victim()
    outcome = cli("resume", stopped, "--keep-checkpoints", 1)
    assert_refused(outcome, f"run/{item} is a link to", str(target.resolve()), "outside of the run")
    assert victim() == before


def test_a_run_that_is_reached_by_a_link_or_has_links_within_goes_on(whole, stopped):
    os.rename(stopped / "samples", stopped / "pictures")
    (stopped / "samples").symlink_to("pictures")
    Path("link").symlink_to("run")
    assert run_differences(whole, zoo.resume("link")) == []


def test_a_checkpoint_that_becomes_a_link_while_it_trains_is_removed_without_what_it_leads_to(whole, stopped):
    from zoo.run.retention import prune

    shutil.copytree(whole.path, "elsewhere")
    before = victim()
    shutil.rmtree(stopped / "checkpoints/step-00000002")
    (stopped / "checkpoints/step-00000002").symlink_to(Path("../../elsewhere/checkpoints/step-00000002"))
    shutil.copytree(whole.path / "checkpoints/step-00000008", stopped / "checkpoints/step-00000008")
    prune(stopped / "checkpoints", 1)
    assert [path.name for path in (stopped / "checkpoints").iterdir()] == ["step-00000008"]
    assert victim() == before


# ---- zoo list --runs


def test_runs_are_listed_with_how_far_they_are(whole, stopped, cli):
    shutil.copytree(whole.path, "more/of/them")
    Path("more/broken").mkdir()
    Path("more/broken/config.json").write_text("{")
    Path("more/.hidden").mkdir()
    Path("more/.hidden/config.json").write_text("{}")
    found = {str(each.path): (each.state, each.step, each.steps, each.architecture) for each in runs_below(Path())}
    assert found == {
        "run": ("stopped", 8, 8, "dcgan"),  # as its journal is ahead of its checkpoint
        "more/broken": ("damaged", 0, None, ""),
        "more/of/them": ("finished", 8, 8, "dcgan"),
    }
    outcome = cli("list", "--runs", "more")
    assert outcome.code == 0
    assert_says(
        outcome.out, "more/of/them", "finished", "8 of 8", "dcgan", "images.npz", "ago", "more/broken", "damaged"
    )
    assert cli("list", "--runs", "run/samples").out == "no runs in run/samples\n"
    assert_refused(cli("list", "--runs"), "there is no folder runs")
    assert_refused(cli("list", "more"), "zoo list more: give --runs too")


def test_a_run_that_cannot_be_written_to_is_told_before_anything_else(stopped, cli, monkeypatch):
    opened = os.open

    def refuse(path, how, *more, **keywords):
        if str(path).endswith(".lock") and how & os.O_CREAT:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))
        return opened(path, how, *more, **keywords)

    monkeypatch.setattr(os, "open", refuse)
    assert_refused(
        cli("resume", stopped), "cannot write run/.lock: Read-only file system", "goes on from step 2, which is saved"
    )
