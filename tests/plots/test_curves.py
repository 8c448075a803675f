"""Curves of a run: what is drawn of metrics.jsonl, and that all works without matplotlib."""

from __future__ import annotations

import builtins
import json
import os
import subprocess
import sys

import numpy as np
import pytest
from messages import assert_says, saying
from PIL import Image
from support import Notes, flags, tiny, zoo_process

import zoo
import zoo.cli
from zoo.errors import RunError
from zoo.plots import curves as drawing
from zoo.plots import figure as figures
from zoo.plots.curves import curves_figure, draw_curves, draw_curves_if_possible, series, smooth
from zoo.run.run import Run


def lines(count: int, **more):
    random = np.random.default_rng(0)
    names = ("d_loss", "g_loss", "d_real", "d_fake")
    return [{"step": 10 * i, **dict(zip(names, random.random(4).tolist(), strict=True)), **more} for i in range(count)]


@pytest.fixture
def run(tmp_path) -> Run:
    """A run with enough lines for curves, which a test has not drawn yet."""
    trained = zoo.train("vanilla", out=tmp_path / "run", **tiny("vanilla", steps=2))
    (trained.path / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines(60)))
    return Run(trained.path)


@pytest.fixture
def without_matplotlib(monkeypatch):
    """As if matplotlib were not installed."""
    real = builtins.__import__

    def refuse(name, *rest, **keywords):
        if name.partition(".")[0] == "matplotlib":
            raise ModuleNotFoundError("No module named 'matplotlib'", name="matplotlib")
        return real(name, *rest, **keywords)

    monkeypatch.setattr(builtins, "__import__", refuse)
    for module in (figures, drawing):
        monkeypatch.setattr(module, "can_draw", lambda: False)


# ---- numbers


def test_a_number_that_a_line_lacks_or_has_as_null_is_a_gap():
    found = series([{"a": 1}, {"a": None}, {}, {"a": 2.5}], "a")
    assert np.isnan(found[1:3]).all()
    assert found[[0, 3]].tolist() == [1.0, 2.5]


def test_smoothing_is_a_mean_of_neighbours_and_keeps_a_straight_line():
    values = np.linspace(0, 5, 400)
    assert smooth(values)[10:-10] == pytest.approx(values[10:-10])
    noisy = values + np.random.default_rng(0).normal(0, 1, 400)
    assert np.std(smooth(noisy) - values) < 0.6


def test_smoothing_steps_over_gaps():
    values = np.ones(200)
    values[50:55] = np.nan
    assert smooth(values) == pytest.approx(np.where(np.isnan(smooth(values)), smooth(values), 1.0), nan_ok=True)
    assert np.isfinite(smooth(np.where(np.arange(200) % 2, np.nan, 1.0))).all()


# ---- figures


def test_the_losses_and_what_d_thinks_are_drawn_over_the_steps():
    pytest.importorskip("matplotlib")
    above, below = curves_figure(lines(60), "a run").axes
    assert [line.get_label() for line in above.get_lines() if not line.get_label().startswith("_")] == [
        "D", "G", "thin: as logged",
    ]  # fmt: skip
    labels = [text.get_text() for text in below.get_legend().get_texts()]
    assert labels[:2] == ["D(x), real", "D(G(z)), generated"]
    assert below.get_ylim() == (0, 1)
    assert below.get_xlabel() == "step"
    raw = above.get_lines()[0]
    assert raw.get_xdata().tolist() == [10 * i for i in range(60)]


@pytest.mark.parametrize(
    ("losses", "scale"),
    [(np.geomspace(100, 0.01, 80), "log"), (np.linspace(2, 1, 80), "linear"), (np.linspace(-5, 5, 80), "linear")],
)
def test_a_loss_that_falls_by_orders_of_magnitude_has_a_logarithmic_axis(losses, scale):
    pytest.importorskip("matplotlib")
    logged = [{**line, "d_loss": loss, "g_loss": loss} for line, loss in zip(lines(80), losses.tolist(), strict=True)]
    assert curves_figure(logged, "a run").axes[0].get_yscale() == scale


def test_outputs_that_are_no_probabilities_get_their_own_limits():
    pytest.importorskip("matplotlib")
    logged = [{**line, "d_real": 40 + 10 * line["d_real"], "d_fake": -30.0} for line in lines(60)]
    low, high = curves_figure(logged, "a run").axes[1].get_ylim()
    assert low < -30
    assert high > 49


# ---- runs


def test_events_are_marked_and_named_and_counted_as_no_metrics(run):
    pytest.importorskip("matplotlib")
    events = [
        {"step": 50, "event": "collapsed"},
        {"step": 50, "event": "exploded"},
        {"step": 90, "event": "$\\bad\n_one"},
    ]
    figure = curves_figure(lines(20), "title", events)
    assert [text.get_text() for text in figure.axes[0].texts] == ["collapsed, exploded", "  bad  one"]
    with (run.path / "metrics.jsonl").open("a", encoding="utf-8") as file:
        file.writelines(json.dumps({**event, "message": "…"}) + "\n" for event in events)
    assert drawing.left_out(run) == ""
    assert len(run.metrics()) == 60
    assert draw_curves(run).is_file()
    assert "step 90: " in run._repr_html_()


def test_a_finished_run_has_its_curves(tmp_path):
    pytest.importorskip("matplotlib")
    run = zoo.train("vanilla", out=tmp_path / "run", **tiny("vanilla", steps=6))
    with Image.open(run.path / "curves.png") as picture:
        assert picture.width > 600


def test_a_resumed_run_draws_the_whole(tmp_path, monkeypatch):
    pytest.importorskip("matplotlib")
    run = zoo.train("vanilla", out=tmp_path / "run", **tiny("vanilla", steps=6))
    seen = []
    monkeypatch.setattr(
        drawing, "curves_figure", lambda metrics, *rest: seen.append(metrics) or curves_figure(metrics, *rest)
    )
    zoo.resume(run.path, steps=9)
    assert [line["step"] for line in seen[0]] == list(range(1, 10))


def test_zoo_curves_draws_a_run_that_is_not_finished_too(run, capsys):
    pytest.importorskip("matplotlib")
    assert zoo.cli.run(["curves", str(run.path)]) == 0
    assert (run.path / "curves.png").exists()
    assert str(run.path / "curves.png") in capsys.readouterr().out
    elsewhere = run.path.parent / "new" / "picture.png"
    assert zoo.cli.run(["curves", str(run.path), "--out", str(elsewhere)]) == 0
    assert elsewhere.exists()


@pytest.mark.parametrize("out", ["picture.pdf", "picture"])
def test_zoo_curves_writes_png(run, out, capsys):
    assert zoo.cli.run(["curves", str(run.path), "--out", out]) == 2
    assert "NAME.png" in capsys.readouterr().err


def test_too_few_lines_are_no_curve(tmp_path):
    run = zoo.train("vanilla", out=tmp_path / "run", **tiny("vanilla", steps=2))
    assert not (run.path / "curves.png").exists()
    with pytest.raises(RunError, match=saying("2 lines in metrics.jsonl", "at least 5")):
        draw_curves(run)


def test_metrics_that_are_missing_or_damaged_are_told_of(run, capsys):
    file = run.path / "metrics.jsonl"

    def refused() -> str:
        assert zoo.cli.run(["curves", str(run.path)]) == 2
        message = capsys.readouterr().err
        assert message.count("\n") == 1
        return message

    file.write_text("no\n" * 60)
    assert_says(refused(), "0 lines in metrics.jsonl", "of 60", "at least 5")
    file.unlink()
    assert_says(refused(), f"{file} is missing")
    file.mkdir()
    assert f"{file} cannot be read: " in refused()


def test_what_is_left_out_of_the_curves_is_told(run, capsys):
    pytest.importorskip("matplotlib")
    assert zoo.cli.run(["curves", str(run.path)]) == 0
    assert "left out" not in capsys.readouterr().out
    logged = lines(60)
    logged[3] |= {"d_loss": "high", "g_loss": None, "d_real": True}
    logged[4] |= {"step": 10**400}
    damaged = [json.dumps(line) for line in logged]
    damaged[9] = "cut o"
    (run.path / "metrics.jsonl").write_text("".join(line + "\n" for line in damaged))
    assert zoo.cli.run(["curves", str(run.path)]) == 0
    said = capsys.readouterr().out.splitlines()[-1]
    assert_says(said, "metrics.jsonl", "1 line and 3 values")


def test_without_matplotlib_a_run_ends_as_ever_and_zoo_curves_says_what_to_install(run, without_matplotlib, capsys):
    assert draw_curves_if_possible(run) is None
    assert not (run.path / "curves.png").exists()
    assert zoo.cli.run(["curves", str(run.path)]) == 2
    message = capsys.readouterr().err
    assert message.count("\n") == 1
    assert "pip install matplotlib" in message


def test_nothing_but_drawing_imports_matplotlib(tmp_path):
    code = (
        "import sys, zoo, zoo.plots.curves, zoo.engine.train\n"
        f"zoo.train('vanilla', out={str(tmp_path / 'run')!r}, steps=2, batch_size=8, generator_batch_size=8, samples=4)\n"
        "sys.exit('matplotlib' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=120).returncode == 0


# ---- what cannot be drawn spoils no training


class End(zoo.Callback):
    """Remembers that a run came to its end; puts a folder where a picture is to be, if asked to."""

    def __init__(self, *in_the_way: str) -> None:
        self.in_the_way, self.finished = in_the_way, False

    def on_start(self, run, step, steps):
        for name in self.in_the_way:
            (run.path / name / "taken").mkdir(parents=True)

    def on_end(self, run, step, finished):
        self.finished = finished


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("raise ImportError('numpy.core.multiarray failed to import\\nlong advice')", "numpy.core.multiarray failed"),
        ("raise AttributeError('_ARRAY_API not found')", "AttributeError: _ARRAY_API not found"),
        ("", "No module named 'matplotlib.figure'"),
    ],
    ids=["ImportError", "AttributeError", "half"],
)
def test_a_matplotlib_that_does_not_load_costs_the_curves_and_not_the_training(tmp_path, source, words):
    (tmp_path / "broken" / "matplotlib").mkdir(parents=True)
    (tmp_path / "broken" / "matplotlib" / "__init__.py").write_text(source)
    given = flags(tiny("vanilla", steps=6, out="run", log_every=1))
    path = os.pathsep.join([str(tmp_path / "broken"), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    outcome = zoo_process("train", "vanilla", *given, PYTHONPATH=path)
    assert (outcome.code, outcome.err) == (0, "")
    said = [line for line in outcome.out.splitlines() if "curves.png" in line]
    assert len(said) == 1
    assert said[0].startswith("curves.png is left out: matplotlib does not load")
    assert words in said[0]
    assert "done: 6 steps" in outcome.out
    asked = zoo_process("curves", "run", PYTHONPATH=path)
    assert asked.code == 2
    assert asked.err.count("\n") == 1
    assert words in asked.err


@pytest.mark.parametrize("name", ["curves.png", "samples.gif"])
def test_a_picture_that_cannot_be_written_costs_that_picture_and_not_the_training(tmp_path, name):
    if name == "curves.png":
        pytest.importorskip("matplotlib")
    said, end = [], End(name)
    run = zoo.train("vanilla", out=tmp_path / "run", callbacks=[end, Notes(said)], **tiny("vanilla", steps=6))
    assert end.finished
    assert run.latest()[0] == 6
    (line,) = [line for line in said if name in line]
    assert line.startswith(f"{name} is left out: cannot write")
    assert "\n" not in line
    assert not list(run.path.glob(".*part")), "no temporary file stays"


def test_the_metrics_are_read_once_for_the_curves(run, monkeypatch):
    pytest.importorskip("matplotlib")
    reads = []
    monkeypatch.setattr(Run, "metrics", lambda self, most: reads.append(self) or lines(60))
    assert draw_curves_if_possible(run) == run.path / "curves.png"
    assert len(reads) == 1
