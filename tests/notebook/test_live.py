"""How a training shows itself in a notebook, with a place to show it that keeps what it is shown, and a clock of its own."""

from __future__ import annotations

import base64
import re
import sys
from types import ModuleType, SimpleNamespace

import pytest
from interpreter import alone
from support import tiny

import zoo
from zoo.callback import Callback
from zoo.errors import RunError
from zoo.notebook import live as live_module
from zoo.notebook.kernel import Output, in_notebook
from zoo.notebook.live import BAR_SECONDS, NOTES, PICTURE_SECONDS, Live


class Kept(list):
    """A place below a cell: all that was shown there, in order."""

    def show(self, content):
        self.append(content)


class Time:
    """Seconds that go on when they are told to."""

    def __init__(self):
        self.seconds = 100.0

    def __call__(self):
        return self.seconds


@pytest.fixture
def places():
    return []


@pytest.fixture
def time():
    return Time()


@pytest.fixture
def shown(places, time):
    def place():
        places.append(Kept())
        return places[-1]

    return Live(place, time)


@pytest.fixture
def notebook(monkeypatch, places):
    """This process is a notebook's kernel, as far as zoo sees."""

    def place():
        places.append(Kept())
        return places[-1]

    ipython = ModuleType("IPython")
    ipython.get_ipython = lambda: SimpleNamespace(kernel=object())
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setattr(live_module, "Live", lambda: Live(place))


def words(bar) -> str:
    return bar["text/plain"]


@pytest.fixture
def run(images, tmp_path):
    return zoo.train("dcgan", data=str(images), out=tmp_path / "finished", **tiny("dcgan"))


# ---- where


def test_a_script_and_a_terminal_are_no_notebook(monkeypatch):
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    assert not in_notebook()
    for shell in (None, SimpleNamespace()):
        ipython = ModuleType("IPython")
        ipython.get_ipython = lambda shell=shell: shell
        monkeypatch.setitem(sys.modules, "IPython", ipython)
        assert not in_notebook()
    monkeypatch.setitem(sys.modules, "IPython", ModuleType("IPython"))  # as it is half imported
    assert not in_notebook()


def test_nothing_of_ipython_is_imported_by_a_training(images, tmp_path):
    options = ", ".join(f"{name}={value!r}" for name, value in tiny("dcgan", data=str(images)).items())
    alone(f"import zoo\nzoo.train('dcgan', out={str(tmp_path / 'run')!r}, {options})\nheavy('IPython', 'ipykernel')\n")


def test_a_notebook_shows_the_bar_and_the_newest_grid(notebook, places, images, tmp_path):
    run = zoo.train("dcgan", data=str(images), out=tmp_path / "run", **tiny("dcgan"))
    bars, grids = places
    assert re.match(r"4 of 4 steps  D loss \S+  G loss \S+ .* in 0:", words(bars[-1]))
    assert base64.b64decode(grids[-1]["image/png"]) == run.samples[-1].read_bytes()
    assert '<progress value="4" max="4"' in bars[-1]["text/html"]
    zoo.resume(run.path, steps=6)
    assert words(places[2][-1]).startswith("6 of 6 steps")


@pytest.mark.parametrize(
    ("callbacks", "wanted", "expected"),
    [([], None, 2), ([], False, 0), ([Callback()], None, 0), ([Callback()], True, 2)],
)
def test_it_is_quiet_where_the_caller_has_callbacks_or_says_so(
    notebook, places, images, tmp_path, callbacks, wanted, expected
):
    zoo.train("dcgan", data=str(images), out=tmp_path / "run", callbacks=callbacks, notebook=wanted, **tiny("dcgan"))
    assert len(places) == expected


def test_elsewhere_nothing_is_shown_though_it_is_asked_for(places, images, tmp_path, capsys, monkeypatch):
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    zoo.train("dcgan", data=str(images), out=tmp_path / "run", notebook=True, **tiny("dcgan"))
    assert capsys.readouterr() == ("", "")


# ---- what


def test_the_bar_tells_steps_numbers_speed_and_the_time_that_is_left(shown, places, time, run):
    shown.on_start(run, 10, 110)
    time.seconds += 20
    shown.on_metrics({"step": 20, "d_loss": 1.25, "g_loss": 0.5, "images_per_second": 12345.6})
    shown.on_step(20)
    assert words(places[0][-1]) == "20 of 110 steps  D loss 1.250  G loss 0.500  12,346 images/s  3:00 left"


def test_bars_and_pictures_are_rate_limited_and_the_last_of_each_is_shown(shown, places, time, run):
    bars, grids = places
    shown.on_start(run, 0, 1000)
    for step in range(1, 1001):
        time.seconds += 0.01
        shown.on_sample(step, run.samples[step % 2 - 1])
        shown.on_step(step)
    assert len(bars) <= 10 / BAR_SECONDS + 1
    assert len(grids) <= 10 / PICTURE_SECONDS + 1
    shown.on_sample(1000, run.samples[-1])
    shown.on_end(run, 1000, True)
    assert words(bars[-1]).startswith("1000 of 1000 steps")
    assert base64.b64decode(grids[-1]["image/png"]) == run.samples[-1].read_bytes()


def test_a_picture_that_waits_is_shown_when_it_is_time(shown, places, time, run):
    shown.on_sample(0, run.samples[0])
    shown.on_sample(1, run.samples[1])
    assert len(places[1]) == 1
    time.seconds += PICTURE_SECONDS
    shown.on_step(2)
    assert base64.b64decode(places[1][-1]["image/png"]) == run.samples[1].read_bytes()


def test_preparation_and_lines_are_shown_and_escaped(shown, places):
    shown.on_prepare(1, 3)
    shown.on_prepare(2, 3)
    shown.on_prepare(3, 3)
    assert [words(each) for each in places[0]] == ["1 of 3 images prepared", "3 of 3 images prepared"]
    for line in range(NOTES + 1):
        shown.on_note(f"<b>{line}")
    assert words(places[0][-1]).splitlines()[1:] == [f"<b>{line}" for line in range(1, NOTES + 1)]
    assert "<b>" not in places[0][-1]["text/html"]


def test_a_stop_is_told(shown, places, run):
    shown.on_start(run, 0, 9)
    shown.on_end(run, 4, False)
    assert "stopped, saved: zoo.resume" in words(places[0][-1])


def test_an_error_is_told(notebook, places, images, tmp_path):
    class Failing(Callback):
        def on_step(self, step):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        zoo.train(
            "dcgan", data=str(images), out=tmp_path / "run", callbacks=[Failing()], notebook=True, **tiny("dcgan")
        )
    assert words(places[0][-1]).splitlines()[0].endswith("stopped by ZeroDivisionError")


def test_what_is_refused_before_anything_is_shown_shows_nothing(notebook, places, tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "there/file").touch()
    with pytest.raises(RunError):
        zoo.train("dcgan", out=tmp_path / "there")
    assert places == [[], []]


def test_a_training_does_not_depend_on_who_watches(run, tmp_path):
    class Gone:
        def show(self, content):
            raise ConnectionError

    shown = Live(Gone)
    shown.on_start(run, 0, 9)
    shown.on_sample(0, tmp_path / "missing.png")
    shown.on_sample(0, run.samples[0])
    shown.on_end(run, 9, True)


def test_a_place_is_made_once_and_its_content_replaced(monkeypatch):
    calls = []
    handle = SimpleNamespace(update=lambda content, raw: calls.append(("update", content)))
    display = ModuleType("IPython.display")
    display.display = lambda content, raw, display_id: calls.append(("display", content)) or handle
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    monkeypatch.setitem(sys.modules, "IPython", ModuleType("IPython"))
    place = Output()
    place.show({"text/plain": "1"})
    place.show({"text/plain": "2"})
    assert calls == [("display", {"text/plain": "1"}), ("update", {"text/plain": "2"})]
