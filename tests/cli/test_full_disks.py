"""Places that cannot be written to: the message says what is wrong with the place, and what the command at hand has against it."""

from __future__ import annotations

import errno
import os
import resource
import shutil
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest
from messages import assert_says
from support import Outcome, assert_refused, flags, tiny

import zoo
from zoo.data.store_writer import _check_room
from zoo.errors import DataError, RunError
from zoo.generate.pictures.output import write_arrays
from zoo.run.files import advising, writing
from zoo.system.disk import size, why_not_written
from zoo.testing.comparing import run_differences


@pytest.fixture(scope="module")
def run(images, tmp_path_factory) -> Path:
    """A run of four steps with two checkpoints."""
    out = tmp_path_factory.mktemp("run") / "run"
    return zoo.train("dcgan", data=str(images), out=out, **tiny("dcgan", checkpoint_every=2)).path


def with_room(run: Path, limit: int, *arguments: object) -> Outcome:
    """A command in a process that the system lets write files of so many bytes at most."""
    done = subprocess.run(
        [sys.executable, "-m", "zoo", arguments[0], str(run), *map(str, arguments[1:])],
        capture_output=True, text=True, timeout=300, env={**os.environ, "OMP_NUM_THREADS": "1"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )  # fmt: skip
    return Outcome(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize(
    "arguments", [("export", "--out", "x.pt2"), ("sample", "--n", 99, "--out", "x.npy")], ids=lambda given: given[0]
)
def test_what_the_system_refuses_to_write_is_told_in_a_line_and_leaves_nothing(run, arguments):
    outcome = with_room(run, 2000, *arguments)
    assert_refused(outcome, f"cannot write {arguments[-1]}: File too large", "raise the limit", "--out")
    assert list(Path().iterdir()) == []


def test_an_array_is_written_as_numpy_writes_it():
    images = np.arange(24, dtype=np.uint8).reshape(2, 2, 2, 3)
    write_arrays(Path("a.npy"), images)
    np.save("b.npy", images)
    assert Path("a.npy").read_bytes() == Path("b.npy").read_bytes()


def test_a_full_disk_is_no_mistake_of_an_exporter(cli, run, monkeypatch):
    def full(*arguments):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", full)
    assert_refused(cli("export", run, "--out", "x.pt2"), "cannot write x.pt2: No space left", "the disk is full")


def test_other_errors_of_the_system_are_an_exporters_own(cli, run, monkeypatch):
    def missing(*arguments):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), "template.txt")

    monkeypatch.setattr(Path, "write_bytes", missing)
    outcome = cli("export", run, "--out", "x.pt2")
    assert outcome.code == 2
    assert_says(outcome.err, "the exporter 'torch' failed", "template.txt")


@pytest.mark.parametrize(
    "arguments", [("sample",), ("interpolate", "--seeds", "1,2"), ("arithmetic", "3"), ("export",)]
)
@pytest.mark.parametrize(
    ("flag", "words"), [(os.ST_RDONLY, "Read-only file system"), (0, "Permission denied")], ids=["read-only", "locked"]
)
def test_a_read_only_file_system_is_told_from_a_locked_folder(cli, run, monkeypatch, arguments, flag, words):
    told = namedtuple("Told", "f_flag")(flag)
    monkeypatch.setattr(os, "access", lambda *_: False)
    monkeypatch.setattr(os, "statvfs", lambda _: told)
    command, *more = arguments
    out = "x.pt2" if command == "export" else "x.png"
    assert_refused(cli(command, run, *more, "--out", out), f"cannot write {out}: {words}", "--out")


# ---- the advice is for the command at hand


def test_advice_is_what_is_given_within_and_the_usual_one_outside():
    with (
        pytest.raises(RunError, match="make room, then dance"),
        advising(lambda mend: f"{mend}, then dance"),
        writing(Path("x")),
    ):
        raise OSError(errno.ENOSPC, "full")  # fmt: skip
    with pytest.raises(RunError, match="make room, or choose another place with --out"), writing(Path("x")):
        raise OSError(errno.ENOSPC, "full")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES], ids=errno.errorcode.get)
@pytest.mark.parametrize("place", ["config", "metrics", "step-00000006"])
def test_resume_names_no_flag_that_it_has_not(cli, run, monkeypatch, number, place):
    run = shutil.copytree(run, "run")
    replace = os.replace

    def refuse(source, target):
        if Path(source).name.startswith((place, f".{place}")):
            raise OSError(number, os.strerror(number))
        replace(source, target)

    monkeypatch.setattr(os, "replace", refuse)
    if place == "metrics":  # whose lines behind the newest checkpoint are cut off, in its place
        with Path(run, "metrics.jsonl").open("a") as journal:
            journal.write('{"step": 5}\n')
        monkeypatch.setattr("zoo.run.journal.cut", refuse)
    outcome = cli("resume", run, "--steps", 8)
    assert_refused(
        outcome, "cannot write run", os.strerror(number), "zoo resume run goes on from step 4, which is saved"
    )
    assert "--out" not in outcome.err


def test_a_run_without_a_checkpoint_begins_again_once_there_is_room(cli, images, monkeypatch):
    replace = os.replace

    def refuse(source, target):
        if "step-00000004" in str(target):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        replace(source, target)

    monkeypatch.setattr(os, "replace", refuse)
    arguments = ["train", "dcgan", "--data", images, *flags(tiny("dcgan", sample_every=9)), "--out"]
    assert_refused(cli(*arguments, "new"), "make room, then zoo resume new begins again at step 0")
    monkeypatch.setattr(os, "replace", replace)
    assert cli("resume", "new").code == 0
    assert cli(*arguments, "whole").code == 0
    assert run_differences(zoo.Run("whole"), zoo.Run("new")) == []


# ---- the cache


@pytest.mark.parametrize(
    ("needed", "free", "words"),
    [(3_136_000, 126_848, ("3.1 MB", "127 KB")), (800, 12, ("800 bytes", "12 bytes")), (2 * 10**11, 10**9, ("200 GB", "1.0 GB"))],
)  # fmt: skip
def test_a_cache_without_room_says_how_much_in_numbers_that_differ(monkeypatch, needed, free, words):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: namedtuple("Usage", "free")(free))
    with pytest.raises(DataError) as refused:
        _check_room(Path("cache"), needed)
    assert_says(str(refused.value), *words, "ZOO_CACHE")


def test_a_cache_that_is_no_folder_comes_with_a_remedy(cli, images, monkeypatch):
    monkeypatch.setenv("ZOO_CACHE", os.devnull)
    outcome = cli("train", "dcgan", "--data", images, "--batch-size", 8, "--out", "run")
    assert_refused(outcome, os.devnull, "is a file, not a folder", "set ZOO_CACHE to a folder")
    assert "make room" not in outcome.err


def test_causes_and_sizes_in_words():
    error = OSError(errno.EIO, "broken")
    assert why_not_written(error, lambda mend: mend or "buy another") == "broken; buy another"
    assert why_not_written(OSError("7 requested and 3 written"), str) == "7 requested and 3 written"
    assert [size(count) for count in (0, 999, 1000, 123_456, 10**6)] == [
        "0 bytes",
        "999 bytes",
        "1.0 KB",
        "123 KB",
        "1.0 MB",
    ]
