"""A training that is told to stop: it saves, and the stop goes on to whom it was meant for."""

from __future__ import annotations

import faulthandler
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import Stop, tiny

import zoo
from zoo.callback import Callback
from zoo.engine.runtime.interrupt import STOPS, Interrupt, stop_signals

NUMBERS = [int(getattr(signal, name)) for name in STOPS if hasattr(signal, name)]
OTHERS = [number for number in NUMBERS if number != signal.SIGINT]


def name_of(number: int) -> str:
    return signal.Signals(number).name


@pytest.fixture(autouse=True)
def _handlers() -> Iterator[None]:
    """Ctrl-C is Python's, whoever started the tests; and all handlers are put back."""
    former = {number: signal.getsignal(number) for number in NUMBERS}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    for number, handler in former.items():
        signal.signal(number, handler)


def train(images: Path, *callbacks: Callback, **more: object) -> zoo.Run:
    return zoo.train("dcgan", data=str(images), out="run", callbacks=callbacks, **tiny("dcgan", **more))


def test_ctrl_c_saves_and_then_raises_keyboard_interrupt(images):
    stop = Stop(2, signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        train(images, stop)
    assert stop.told == (2, False)
    assert zoo.Run("run").latest()[0] == 2


def test_a_loop_over_seeds_does_not_go_on(images):
    seeds = []

    def study():
        for seed in range(3):
            seeds.append(seed)
            options = {**tiny("dcgan"), "seed": seed}
            zoo.train("dcgan", data=str(images), out=f"run{seed}", callbacks=[Stop(1, signal.SIGINT)], **options)

    with pytest.raises(KeyboardInterrupt):
        study()
    assert seeds == [0]


@pytest.mark.parametrize("number", NUMBERS, ids=name_of)
def test_a_handler_that_was_there_is_called_once_all_is_written(images, number):
    called = []

    def handler(given, frame):
        run = zoo.Run("run")
        called.append((given, frame is not None, run.latest()[0], [line["step"] for line in run.metrics()]))

    signal.signal(number, handler)
    stop = Stop(2, number)
    run = train(images, stop)
    assert called == [(number, True, 2, [1, 2])]
    assert (stop.told, run.latest()[0]) == ((2, False), 2)
    assert signal.getsignal(number) is handler


def test_what_the_handler_raises_leaves_train(images):
    def leave(number, frame):
        raise SystemExit(7)

    signal.signal(signal.SIGTERM, leave)
    with pytest.raises(SystemExit) as leaving:
        train(images, Stop(1))
    assert leaving.value.code == 7


@pytest.mark.parametrize("number", NUMBERS, ids=name_of)
def test_a_signal_that_is_ignored_stays_ignored(images, number):
    """As SIGHUP is under nohup."""
    signal.signal(number, signal.SIG_IGN)
    stop = Stop(1, number)
    train(images, stop)
    assert stop.told == (4, True)
    assert signal.getsignal(number) is signal.SIG_IGN


def test_resume_hands_it_on_too(images):
    train(images, steps=1)
    with pytest.raises(KeyboardInterrupt):
        zoo.resume("run", steps=4, callbacks=[Stop(2, signal.SIGINT)])
    assert zoo.Run("run").latest()[0] == 2


def test_a_stop_in_the_last_step_is_not_lost(images):
    """The run is finished, and what comes after it in the script is not to begin."""
    stop = Stop(4, signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        train(images, stop)
    assert stop.told == (4, True)


def test_a_stop_is_handed_on_where_saving_fails(images, monkeypatch):
    called = []
    signal.signal(signal.SIGTERM, lambda number, frame: called.append(number))

    def full(*arguments):
        raise zoo.errors.RunError("the disk is full")

    monkeypatch.setattr("zoo.engine.checkpoint_writer.write_snapshot", full)
    with pytest.raises(zoo.errors.RunError, match="the disk is full"):
        train(images, Stop(1))
    assert called == [signal.SIGTERM]

    with pytest.raises(KeyboardInterrupt) as stopped:
        zoo.train("dcgan", data=str(images), out="other", callbacks=[Stop(1, signal.SIGINT)], **tiny("dcgan"))
    assert str(stopped.value.__context__) == "the disk is full"


class Twice(Stop):
    def on_step(self, step):
        super().on_step(step)
        super().on_step(step)


def test_a_second_ctrl_c_interrupts_at_once(images):
    with pytest.raises(KeyboardInterrupt):
        train(images, Twice(2, signal.SIGINT))
    assert zoo.Run("run").checkpoints == []


def test_another_signal_that_is_sent_twice_is_handed_on_once_and_nothing_is_lost(images):
    called = []
    signal.signal(signal.SIGTERM, lambda number, frame: called.append(number))
    train(images, Twice(2, signal.SIGTERM))
    assert called == [signal.SIGTERM]
    assert [step for step, _ in zoo.Run("run").checkpoints] == [2]


def test_signals_are_as_they_were_once_training_is_over(images):
    before = [signal.getsignal(number) for number in NUMBERS]
    train(images, Stop(1))
    assert [signal.getsignal(number) for number in NUMBERS] == before


def test_outside_the_main_thread_nothing_is_listened_to():
    found = []
    thread = threading.Thread(target=lambda: found.append(stop_signals()))
    thread.start()
    thread.join()
    assert found == [[]]
    assert stop_signals() == NUMBERS


def test_a_handler_outside_python_is_left_alone(monkeypatch):
    """Python could not put it back. Where one is known from the kernel, faulthandler's is such a one."""
    with monkeypatch.context() as patched:
        patched.setattr("signal.getsignal", lambda number: None)
        assert stop_signals() == []
    if not Path("/proc/self/status").exists():
        pytest.skip("only Linux tells of handlers that Python does not know")
    signal.signal(signal.SIGUSR1, signal.SIG_DFL)
    assert signal.SIGUSR1 in stop_signals()
    with Path("trace").open("w") as file:
        faulthandler.register(signal.SIGUSR1, file)
        try:
            assert signal.SIGUSR1 not in stop_signals()
            with Interrupt().listening():
                signal.raise_signal(signal.SIGUSR1)
        finally:
            faulthandler.unregister(signal.SIGUSR1)
    assert "test_a_handler_outside_python" in Path("trace").read_text()


SEEDS = """
import signal, sys
import zoo

number = int(sys.argv[2])
signal.signal(number, signal.SIG_DFL)

class Stop(zoo.Callback):
    def on_step(self, step):
        if step == 2:
            signal.raise_signal(number)

    def on_end(self, run, step, finished):
        print("end", step, finished)

for seed in range(2):
    print("seed", seed)
    zoo.train("vanilla", data=sys.argv[1], out=f"run{seed}", callbacks=[Stop()], seed=seed, steps=4, latent=4, batch_size=8,
              samples=4)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="a process does not end by a signal there")
@pytest.mark.parametrize("number", OTHERS, ids=name_of)
def test_where_there_is_no_handler_the_process_ends_by_the_signal(images, number):
    done = subprocess.run(
        [sys.executable, "-c", SEEDS, str(images), str(number)], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == -number, done.stderr
    assert done.stdout.splitlines() == ["seed 0", "end 2 False"], "what was printed is not lost"
    assert zoo.Run("run0").latest()[0] == 2


# ---- the command line

KILLER = """
import os, signal
import zoo

class Killer(zoo.Callback):
    def on_step(self, step):
        if step == 2:
            signal.raise_signal(int(os.environ["KILL_WITH"]))

@zoo.hookimpl
def zoo_training_callbacks(run):
    return Killer()
"""

ARGUMENTS = ("--latent", 4, "--batch-size", 8, "--samples", 4, "--steps", 4, "--out", "run")


@pytest.mark.parametrize("number", NUMBERS, ids=name_of)
def test_the_command_says_how_to_go_on_and_leaves_with_the_code_of_the_signal(
    cli, images, install, monkeypatch, number
):
    install(KILLER, "zoo_killer")
    monkeypatch.setenv("KILL_WITH", str(number))
    before = signal.getsignal(number)
    outcome = cli("train", "vanilla", "--data", images, *ARGUMENTS)
    assert (outcome.code, outcome.err) == (128 + number, "")
    assert outcome.out.endswith("stopped after step 2, saved; go on with: zoo resume run\n")
    assert signal.getsignal(number) is before


def test_the_command_that_is_stopped_and_cannot_save_says_why(cli, images, install, monkeypatch):
    def full(*arguments):
        raise zoo.errors.RunError("the disk is full")

    install(KILLER, "zoo_killer")
    monkeypatch.setenv("KILL_WITH", str(int(signal.SIGTERM)))
    monkeypatch.setattr("zoo.engine.checkpoint_writer.write_snapshot", full)
    outcome = cli("train", "vanilla", "--data", images, *ARGUMENTS)
    assert (outcome.code, outcome.err) == (128 + signal.SIGTERM, "zoo: the disk is full\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=name_of)
def test_the_command_that_is_stopped_before_it_trains_leaves_nothing(cli, images, monkeypatch, number):
    monkeypatch.setattr("zoo.engine.train.prepare_data", lambda *given: signal.raise_signal(number))
    outcome = cli("train", "vanilla", "--data", images, *ARGUMENTS)
    assert (outcome.code, outcome.err) == (128 + number, "zoo: interrupted\n")
    assert not Path("run").exists()
