"""Scores over the steps: which are drawn, with what."""

from __future__ import annotations

import numpy as np
import pytest

from zoo.plots.curves import curves_figure
from zoo.plots.scores import score_curves
from zoo.run.scores import Score, Scores

MADE = {"samples": 64, "during": "training"}


def scores(step: int, value: float | None, **made: object) -> Scores:
    interval = () if value is None else (value - 1, value + 2, 0.5)
    return Scores(step, {"frechet": {"distance": Score(value, *interval), "unbiased": Score(0.0)}}, {**MADE, **made})


def test_the_first_number_of_a_metric_is_drawn_with_its_interval_and_floor():
    pytest.importorskip("matplotlib")
    (curve,) = score_curves([scores(20, 3.0), scores(10, 5.0), scores(30, None)])
    assert (curve.metric, curve.number) == ("frechet", "distance")
    assert np.array_equal(curve.rows[:2], [[10, 5, 4, 7, 0.5], [20, 3, 2, 5, 0.5]])
    assert np.isnan(curve.rows[2, 1:]).all()
    lines = [{"step": step, "d_loss": 1.0, "g_loss": 1.0} for step in range(10, 40)]
    *_, axes = curves_figure(lines, "a run", (), [scores(10, 5.0), scores(20, 3.0)]).axes
    assert axes.get_ylabel() == "frechet"
    assert {text.get_text() for text in axes.get_legend().get_texts()} == {
        "95 %",
        "frechet distance",
        "real images: 0.5",
    }
    assert len(curves_figure(lines, "a run").axes) == 2


def test_a_floor_near_0_does_not_squeeze_the_curve():
    pytest.importorskip("matplotlib")
    found = [
        Scores(step, {"kid": {"kid": Score(value, 1e-9, 9.0, 5e-4)}}, MADE) for step, value in ((10, 8.0), (20, 0.2))
    ]
    lines = [{"step": step, "d_loss": 1.0, "g_loss": 1.0} for step in range(10, 40)]
    *_, axes = curves_figure(lines, "a run", (), found).axes
    assert axes.get_yscale() == "log"
    assert axes.get_ylim()[0] > 0.01
    assert "real images: 0.0005" in [text.get_text() for text in axes.get_legend().get_texts()]


def test_what_does_not_compare_with_the_last_is_no_part_of_the_curve():
    assert score_curves([]) == []
    assert score_curves([scores(10, 5.0)]) == [], "one point is no curve"
    assert score_curves([scores(10, 5.0, samples=32), scores(20, 3.0)]) == []
    found = score_curves([scores(10, 5.0), scores(15, 1.0, during=None), scores(20, 3.0), scores(20, 4.0)])
    assert found[0].rows[:, 1].tolist() == [5.0, 4.0], "by hand, and again"
