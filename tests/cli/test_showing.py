"""Showing how a training goes never ends it: where nobody can be shown anything any more, it goes on quietly."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image
from support import Outcome, flags, tiny

import zoo
from zoo import cli as command_line
from zoo.cli.streams import Unfailing, is_broken, unfailing_streams

posix = pytest.mark.skipif(os.name != "posix", reason="pipes and signals are others there")
full_device = pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")

LOUD = """
import torch
import zoo

class Loud(zoo.Callback):
    def on_step(self, step):
        print("loud " * 4000)

@zoo.hookimpl
def zoo_training_callbacks(run):
    return Loud()
"""


def started(*arguments: object, **streams: object) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "zoo", *map(str, arguments)], env={**os.environ, "OMP_NUM_THREADS": "1"}, **streams
    )


def training(images: Path, **more: object) -> list[object]:
    return ["train", "vanilla", "--data", images, *flags(tiny("vanilla", **more)), "--out", "run"]


def ended(process: subprocess.Popen[bytes]) -> Outcome:
    out, err = process.communicate(timeout=120)
    return Outcome(process.returncode, (out or b"").decode(), (err or b"").decode())


@posix
def test_a_reader_that_goes_away_leaves_a_training_that_goes_on_to_its_end(images):
    """As in `zoo train vanilla | head -1`."""
    read, write = os.pipe()
    os.close(read)
    outcome = ended(started(*training(images), stdout=write, stderr=subprocess.PIPE))
    os.close(write)
    assert outcome.code == 0
    assert outcome.err == "zoo: standard output cannot be written any more (Broken pipe); it goes on without\n"
    assert zoo.Run("run").latest()[0] == 4
    assert Path("run/samples.gif").exists()


@posix
def test_both_streams_may_go_away(images):
    read, write = os.pipe()
    os.close(read)
    assert ended(started(*training(images), stdout=write, stderr=write)).code == 0
    os.close(write)
    assert zoo.Run("run").latest()[0] == 4


@full_device
def test_a_log_on_a_full_disk_leaves_a_training_that_goes_on_to_its_end(images):
    with Path("/dev/full").open("w") as full:
        outcome = ended(started(*training(images), stdout=full, stderr=subprocess.PIPE))
        assert outcome.code == 0
        assert "(No space left on device); it goes on without" in outcome.err
        assert "Traceback" not in outcome.err
        assert ended(started("resume", "run", "--steps", 6, stdout=full, stderr=full)).code == 0
    assert zoo.Run("run").latest()[0] == 6


@posix
def test_streams_that_are_closed_from_the_beginning_do_no_harm(images):
    command = " ".join(map(str, [sys.executable, "-m", "zoo", *training(images)]))
    assert subprocess.run(["sh", "-c", f"{command} >&- 2>&-"], timeout=120).returncode == 0
    assert zoo.Run("run").latest()[0] == 4


@full_device
def test_what_a_plugin_prints_to_a_full_disk_is_no_failure_of_the_plugin(images, install):
    install(LOUD, "zoo_loud")
    with Path("/dev/full").open("w") as full:
        outcome = ended(started(*training(images), stdout=full, stderr=subprocess.PIPE))
    assert (outcome.code, outcome.err.count("\n")) == (0, 1), outcome


@posix
def test_a_terminal_that_went_away_is_written_to_no_more(images):
    """Its process group is not told (nohup, disown): what is left is that writing fails."""
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    process = started(*training(images, steps=40), stdout=theirs, stderr=subprocess.PIPE, preexec_fn=os.setsid)
    os.close(theirs)
    os.read(ours, 1)
    os.close(ours)
    outcome = ended(process)
    assert (outcome.code, "Traceback" in outcome.err) == (0, False), outcome
    assert zoo.Run("run").latest()[0] == 40


@full_device
@pytest.mark.parametrize("arguments", [["list"], ["--help"], ["--version"], ["train", "vanilla", "--help"]])
def test_a_command_whose_answer_cannot_be_written_says_so(arguments):
    with Path("/dev/full").open("w") as full:
        outcome = ended(started(*arguments, stdout=full, stderr=subprocess.PIPE))
    assert (outcome.code, outcome.err) == (2, "zoo: cannot write to standard output: No space left on device\n")


def test_an_error_of_the_system_that_is_of_something_else_is_not_taken_for_a_reader_that_went_away(monkeypatch):
    def lost(arguments):
        raise BrokenPipeError("of a connection")

    monkeypatch.setattr("zoo.cli.list.run", lost)
    with pytest.raises(BrokenPipeError, match="of a connection"):
        command_line.run(["list"])


# ---- the stream


class Full(io.StringIO):
    """A stream that takes so many lines, then fails as it is told."""

    def __init__(self, lines: int, error: Exception) -> None:
        super().__init__()
        self.left, self.error = lines, error

    def write(self, text: str) -> int:
        if self.left <= 0:
            raise self.error
        self.left -= 1
        return super().write(text)


@pytest.mark.parametrize("error", [OSError(28, "full"), BrokenPipeError(), ValueError("closed file")])
def test_a_stream_falls_silent_once_and_says_so_once(error):
    lines = io.StringIO()
    stream = Unfailing(Full(1, error), "the log", Unfailing(lines, "standard error"))
    for word in ("one", "two", "three"):
        assert stream.write(word) == len(word)
    stream.writelines(["four"])
    stream.flush()
    assert stream.getvalue() == "one"
    assert lines.getvalue().count("the log cannot be written any more") == 1


def test_a_stream_that_is_full_for_a_moment_loses_that_moment():
    full = Full(0, BlockingIOError())
    stream = Unfailing(full, "the log")
    stream.write("one")
    full.left = 1
    stream.write("two")
    assert stream.getvalue() == "two"


def test_streams_are_as_they_were_afterwards():
    before = sys.stdout, sys.stderr
    with unfailing_streams():
        assert isinstance(sys.stdout, Unfailing)
    assert (sys.stdout, sys.stderr) == before
    assert not is_broken(io.StringIO())
    assert is_broken(Full(0, OSError(28, "full")))


# ---- signals


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A folder whose preparation takes some seconds."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    picture = Image.effect_noise((900, 900), 90.0)
    picture.save(folder / "0000.png", compress_level=9)
    for number in range(1, 400):
        os.link(folder / "0000.png", folder / f"{number:04d}.png")
    return folder


@posix
@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGHUP", "SIGUSR1", "SIGXCPU"])
def test_a_signal_while_data_is_prepared_leaves_nothing_behind(pictures, tmp_path, monkeypatch, name):
    cache = tmp_path / "cache"
    monkeypatch.setenv("ZOO_CACHE", str(cache))
    number = getattr(signal, name)
    reset = lambda: signal.signal(number, signal.default_int_handler if name == "SIGINT" else signal.SIG_DFL)  # noqa: E731
    process = started(*training(pictures), stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=reset)
    while process.poll() is None and not list(cache.glob("prepared/.tmp-*/images.u8")):
        time.sleep(0.01)
    process.send_signal(number)
    outcome = ended(process)
    assert (outcome.code, outcome.err) == (128 + number, "zoo: interrupted\n")
    assert list((cache / "prepared").iterdir()) == []
    assert not Path("run").exists()


@posix
def test_a_signal_that_is_sent_twice_does_not_break_off_the_cleaning_up(cli, images, monkeypatch):
    cleaned = []

    def prepare(*given):
        try:
            signal.raise_signal(signal.SIGTERM)
        finally:
            signal.raise_signal(signal.SIGTERM)
            cleaned.append(True)

    monkeypatch.setattr("zoo.engine.train.prepare_data", prepare)
    outcome = cli(*training(images))
    assert (outcome.code, outcome.err, cleaned) == (143, "zoo: interrupted\n", [True])


LIMITED = """
import resource, time
import zoo

class Limited(zoo.Callback):
    def on_step(self, step):
        if step == 2:
            resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time()) + 1, resource.getrlimit(resource.RLIMIT_CPU)[1]))

@zoo.hookimpl
def zoo_training_callbacks(run):
    return Limited()
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits of processor time are told otherwise there")
def test_a_limit_of_processor_time_saves(images, install):
    install(LIMITED, "zoo_limited")
    options = training(images, steps=10**7, sample_every=10**7, checkpoint_every=10**7, log_every=1000)
    outcome = ended(started(*options, stdout=subprocess.PIPE, stderr=subprocess.PIPE))
    assert (outcome.code, outcome.err) == (128 + signal.SIGXCPU, ""), outcome
    assert "saved; go on with: zoo resume run" in outcome.out
    assert zoo.Run("run").latest()[0] > 1
