"""How long a training will take: measured on its first steps, told once, in words. No test waits for a clock: each has its own."""

from __future__ import annotations

import re

import pytest
from support import Notes, Stop, state_of, tiny

import zoo
from zoo.engine.forecast import ENOUGH, LONG, Forecast, StepTime, duration, forecast
from zoo.engine.runtime.clock import Clock


class Steps:
    """Steps of given lengths in seconds, and what is known after each."""

    def __init__(self, start: int = 0, **more) -> None:
        self.now, self.done, self.waits = 50.0, start, 0
        self.time = StepTime(start, seconds=lambda: self.now, wait=self._wait, **more)

    def _wait(self) -> None:
        self.waits += 1

    def known(self, *lengths: float) -> list[float | None]:
        found = []
        for length in lengths:
            self.now, self.done = self.now + length, self.done + 1
            found.append(self.time.after(self.done))
        return found


def test_steps_are_measured_until_there_is_enough_and_the_first_two_warm_up():
    steps = Steps()
    assert steps.known(1.5, 1.0, 0.5, 0.5, 0.5) == [None] * 5
    assert steps.known(0.5, 0.5) == [0.5, None], "it is told once"
    assert steps.waits == 2, "the device is waited for at the beginning and at the end of what is measured"


def test_long_steps_are_told_at_once():
    assert Steps().known(30.0, 30.0) == [30.0, None]
    assert Steps().known(5.0, 5.0) == [None, 5.0]
    assert Steps().known(3.0, 3.0, 3.0) == [None, None, 3.0]


def test_steps_that_differ_are_measured_over_a_whole_cycle():
    cycle = (1.6, 0.2, 0.2, 0.2)
    steps = Steps(cycle=4)
    assert steps.known(*cycle[:2]) == [None, None]
    found = steps.known(*(cycle[2:] + cycle[:2]))
    assert found[:3] == [None] * 3
    assert found[3] == pytest.approx(sum(cycle) / 4)


def test_a_long_cycle_is_not_waited_for():
    steps = Steps(cycle=1000)
    found = steps.known(1.0, 1.0, *[0.5] * 100)
    assert found.index(0.5) == 1 + LONG / 0.5  # the first two, and then as many as that takes
    assert ENOUGH < LONG


def test_more_steps_warm_up_where_that_is_asked_for():
    assert Steps(warm_up=5).known(1.0, 1.0, 1.0, 1.0, 1.0, 2.5) == [None] * 5 + [2.5]


def test_what_was_done_before_a_resume_does_not_count():
    steps = Steps(start=700)
    assert steps.known(0.3, 0.2, 1.0, 1.0) == [None, None, None, 1.0]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (60, "60 s"), (88, "90 s"), (94.9, "90 s"), (95, "2 min"), (724, "12 min"), (3560, "59 min"), (3590, "1 h"),
        (6100, "1 h 40 min"), (4 * 3600 + 5, "4 h"), (6.4 * 3600, "6 h"), (47 * 3600, "47 h"), (72 * 3600, "3 days"),
    ],
)  # fmt: skip
def test_a_time_is_told_as_people_say_it(seconds, words):
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("step", "words"),
    [(0.0042, "4.2 ms"), (0.0196, "20 ms"), (0.0994, "99 ms"), (0.0997, "0.1 s"), (0.24, "0.24 s"), (2.34, "2.3 s"),
     (9.96, "10 s"), (123.4, "123 s")],
)  # fmt: skip
def test_the_line_tells_what_a_step_takes(step, words):
    assert forecast(720, 3000, step, []) == f"about 12 min for 3,000 steps ({words} a step)"


@pytest.fixture
def now(monkeypatch):
    """The seconds that the clock of a training shows, to be changed."""
    seconds = [1000.0]
    monkeypatch.setattr("zoo.engine.runtime.clock.time.perf_counter", lambda: seconds[0])
    return seconds


def told(state, now, *, step: float, start: int = 0, pause: float = 0.0) -> list[str]:
    """All that is told in the first steps, each of so many seconds, after a picture of `pause` seconds."""
    clock = Clock(4000.0 if start else 0.0)
    with clock.paused():
        now[0] += pause
    clock.start(0)
    told = Forecast(state, start, clock)
    lines = []
    for done in range(start + 1, start + 40):
        now[0] += step
        lines.append(told.after(done))
    state.batches.close()
    return [line for line in lines if line]


def test_the_line_gives_a_way_to_shorten_a_long_training(images, now):
    large = dict(tiny("dcgan", steps=3000), size=64)
    line = "about 12 min for 3,000 steps (0.24 s a step; --steps N shortens it; --size 32 is faster)"
    assert told(state_of("dcgan", images, **large), now, step=0.24) == [line]
    small = tiny("dcgan", steps=3000)
    line = "about 12 min for 3,000 steps (0.24 s a step; --steps N shortens it)"
    assert told(state_of("dcgan", images, **small), now, step=0.24) == [line]


def test_of_passes_over_the_data_the_steps_are_told(images, now):
    epochs = {name: value for name, value in tiny("dcgan", epochs=400).items() if name != "steps"}
    line = "about 10 min for 1,200 steps (0.5 s a step; --epochs N shortens it)"
    assert told(state_of("dcgan", images, **epochs), now, step=0.5) == [line]


def test_a_short_training_is_told_without_advice_and_one_that_is_over_at_once_not_at_all(images, now):
    line = "about 2 min for 600 steps (0.24 s a step)"
    assert told(state_of("dcgan", images, **tiny("dcgan", steps=600)), now, step=0.24) == [line]
    assert told(state_of("dcgan", images, **tiny("dcgan", steps=200)), now, step=0.24) == []


def test_first_shapes_are_told_as_time_where_the_architecture_says_when_they_come(images, now):
    state = state_of("dcgan", images, **tiny("dcgan", steps=3000))
    state.first_shapes = 500
    line = "about 12 min for 3,000 steps, first shapes after about 2 min (0.24 s a step; --steps N shortens it)"
    assert told(state, now, step=0.24) == [line]
    line = "about 8 min for 2,000 steps (0.24 s a step)"
    assert told(state, now, step=0.24, start=1000) == [line], "not of a run that goes on"
    state.first_shapes = 3000
    assert "shapes" not in told(state, now, step=0.24)[0], "nor where it ends before"


def test_pictures_and_checkpoints_count_as_the_first_picture_took(images, now):
    often = tiny("dcgan", steps=1000, sample_every=1, checkpoint_every=500)
    line = "about 25 min for 1,000 steps (0.5 s a step; --steps N shortens it)"
    assert told(state_of("dcgan", images, **often), now, step=0.5, pause=1.0) == [line]
    often = tiny("dcgan", steps=300, each_epoch=True)  # of three steps
    line = "about 6 min for 300 steps (0.5 s a step; --steps N shortens it)"
    assert told(state_of("dcgan", images, **often), now, step=0.5, pause=1.0) == [line]


def test_a_run_that_goes_on_is_told_of_what_is_left(images, now):
    state = state_of("dcgan", images, **tiny("dcgan", steps=3000))
    line = "about 8 min for 2,000 steps (0.24 s a step)"
    assert told(state, now, step=0.24, start=1000) == [line]


def test_a_gradient_penalty_and_phases_by_turns_are_a_cycle(images, now):
    """Steps with the penalty take longer: the line comes after a whole number of cycles."""
    state = state_of("lsgan", images, **tiny("lsgan", steps=3000, by_turns=True, r1=0.1, r1_every=5))
    clock = Clock(0.0)
    clock.start(0)
    lines = Forecast(state, 0, clock)
    for done in range(1, 40):
        now[0] += 0.15 if done % 10 else 1.15
        if line := lines.after(done):
            break
    state.batches.close()
    assert (done - 2) % 10 == 0
    assert "0.25 s a step" in line


def test_the_line_reaches_whoever_listens_within_the_first_steps(images, monkeypatch, cli):
    """Callbacks (so terminals and notebooks) and the command's plain lines."""
    monkeypatch.setattr("zoo.engine.forecast.WORTH", 0.0)
    monkeypatch.setattr("zoo.engine.forecast.ENOUGH", 0.0)
    said: list[str] = []
    small = tiny("dcgan", steps=6, r1=0)
    zoo.train("dcgan", data=str(images), out="run", callbacks=[Notes(said)], **small)
    lines = [line for line in said if re.match(r"about .* for 6 steps \(.* a step.*\)$", line)]
    assert len(lines) == 1
    outcome = cli(
        "train", "dcgan", "--data", images, "--width", 2, "--batch-size", 8, "--steps", 6, "--r1", 0, "--out", "b"
    )
    assert re.search(r"^about .* for 6 steps \(.* a step", outcome.out, re.MULTILINE)
    assert outcome.out.index("about ") < outcome.out.index("done: ")


def test_a_training_that_is_stopped_before_it_is_known_says_nothing_of_it(images):
    said: list[str] = []
    zoo.train("dcgan", data=str(images), out="run", callbacks=[Notes(said), Stop(1)], **tiny("dcgan", steps=10**6))
    assert not any(line.startswith("about") for line in said)
