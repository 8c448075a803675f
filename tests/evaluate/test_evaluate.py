"""`zoo evaluate`: what is measured and printed, by zoo's metrics and by those of others, and what is said to a mistake."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from support import tiny

import zoo
from zoo import evaluate
from zoo.evaluate import reader
from zoo.plugins.registry import registry
from zoo.run.scores import incomparable, read_scores

METRIC = """
import zoo

class Spread(zoo.Metric):
    name = "spread"
    summary = "How far values are from 0."
    samples = 6
    numbers = {"fake": "of generated images"}

    def unsuited(self, context: zoo.EvaluationContext):
        return None if context.generator.spec.channels == 1 else "it is for grey images"

    def compute(self, context: zoo.EvaluationContext):
        real = context.real(5)
        assert real.min() >= -1 and real.max() <= 1 and real.shape[1:] == context.fakes.images.shape[1:]
        return {"fake": float(context.fakes.images.abs().mean()), "real": float(real.abs().mean()), "count": len(real)}

@zoo.hookimpl
def zoo_register_metrics(register):
    register(Spread)
"""


@pytest.fixture(scope="module")
def ring(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("ring") / "run"
    zoo.train("vanilla", data="ring", out=folder, **tiny("vanilla", steps=2, checkpoint_every=1))
    return folder


@pytest.fixture
def run(images) -> Path:
    zoo.train("cgan", data=str(images), out="run", **tiny("cgan", steps=1))
    return Path("run")


def measured(cli, *arguments) -> dict:
    outcome = cli("evaluate", *arguments, "--json")
    assert outcome.code == 0, outcome.err
    return json.loads(outcome.out)


def test_a_metric_of_a_plugin_is_computed_and_shown_with_what_it_means(install, cli, run):
    install(METRIC, "zoo_spread")
    content = measured(cli, run, "--metric", "spread")
    assert content["metrics"]["spread"]["samples"] == 6
    numbers = content["metrics"]["spread"]["numbers"]
    images = zoo.load(run)(6)
    assert numbers["fake"] == pytest.approx(float(images.abs().mean()))
    assert (list(numbers), numbers["count"]) == (["fake", "real", "count"], 5)
    shown = cli("evaluate", run, "--metric", "spread").out
    assert f"{numbers['fake']:.4g}" in shown
    assert "of generated images" in shown
    assert "6 samples of seed 0" in shown


def test_seed_samples_step_and_weights_decide_what_is_judged(install, cli, images):
    install(METRIC, "zoo_spread")
    zoo.train("dcgan", data=str(images), out="run", **tiny("dcgan", checkpoint_every=2, ema=0.5))
    common = ["run", "--metric", "spread", "--samples", "3", "--seed", "7", "--step", "2", "--raw"]
    content = measured(cli, *common)
    assert (content["seed"], content["step"], content["averaged"]) == (7, 2, False)
    expected = zoo.load("run", step=2, averaged=False)(3, seed=7).abs().mean()
    assert content["metrics"]["spread"]["numbers"]["fake"] == pytest.approx(float(expected))
    assert content == measured(cli, *common), "the same again"
    assert content["metrics"] != measured(cli, *common[:-1])["metrics"], "the averaged weights are others"


def test_real_images_are_those_that_d_saw(images, run):
    context = evaluate.RunContext(zoo.load(run), str(images), 4, seed=3)
    pictures = np.load(images)["images"].reshape(24, 1, 8, 8)
    every = context.real(100)
    assert torch.equal(every, torch.from_numpy(pictures).float() / 127.5 - 1)
    some = context.real(5)
    assert torch.equal(some, context.real(5))
    assert sum(any(torch.equal(one, other) for other in every) for one in some) == 5
    assert not torch.equal(some, evaluate.RunContext(zoo.load(run), str(images), 4, seed=4).real(5))


def test_points_are_real_ones_too(ring):
    points = evaluate.RunContext(zoo.load(ring), "ring", 4).real(50).flatten(1)
    assert points.shape == (50, 2)
    assert points.norm(dim=1).numpy() == pytest.approx(np.full(50, 0.8), abs=0.05)


def test_modes_is_what_zoo_theory_counts(cli, ring):
    numbers = measured(cli, ring)["metrics"]["modes"]["numbers"]
    assert cli("theory", ring, "--out", "counted").code == 0
    counted = json.loads(Path("counted/theory.json").read_text())
    assert (numbers["found"], numbers["modes"]) == (counted["found"], counted["modes"])
    assert numbers["high_quality"] == pytest.approx(counted["high_quality"])
    assert numbers["rarest"] == pytest.approx(min(counted["counts"]) / counted["samples"])


def test_modes_have_intervals_and_what_points_of_the_data_give(cli, ring):
    scores = measured(cli, ring)["scores"]["modes"]
    for name in ("high_quality", "rarest", "covered"):
        assert 0 <= scores[name]["low"] <= scores[name]["value"] <= scores[name]["high"] <= 1
    assert scores["covered"]["value"] <= scores["high_quality"]["value"] < 0.9 < scores["covered"]["floor"] <= 1
    assert scores["high_quality"]["floor"] == pytest.approx(0.989, abs=0.01)
    assert scores["rarest"]["floor"] == pytest.approx(0.11, abs=0.02)


def test_modes_counts_those_of_a_plugins_source_that_has_a_mixture(install, cli):
    source = """
import numpy
import zoo

class Two:
    modes = numpy.array([[0.0, 0.0], [0.5, 0.5]])
    deviation = 9.0

class Pair(zoo.DataSource):
    name, summary, points, mixture = "pair", "Two wide modes.", True, Two

    @classmethod
    def accepts(cls, location): return location == ""

    def __init__(self, location):
        self.title, self.channels, self.height, self.width, self.class_names = "pair", 1, 1, 2, []

    def __len__(self): return 40
    def fingerprint(self): return "pair"
    def chunks(self): return [40]
    def decode(self, item, spec): yield zoo.Images(numpy.zeros((40, 1, 2, 1), numpy.float32))

@zoo.hookimpl
def zoo_register_data_sources(register): register(Pair)
"""
    install(source, "zoo_pair")
    zoo.train("vanilla", data="pair", out="run", **tiny("vanilla", steps=1))
    numbers = measured(cli, "run")["metrics"]["modes"]["numbers"]
    assert (numbers["modes"], numbers["high_quality"], numbers["covered"] > 0.4) == (2, 1.0, True)


def test_what_does_not_suit_is_left_out_with_the_reason(cli, ring):
    content = measured(cli, ring)
    assert list(content["metrics"]) == ["modes"]
    assert "--data digits" in content["unsuited"]["digits"]
    assert "Not computed: digits: " in cli("evaluate", ring).out


def test_what_is_asked_for_first_is_shown_first_and_a_plugins_metric_where_it_says(install, cli):
    shown = ["frechet", "kid", "precision_recall", "density_coverage", "copies", "classes", "modes", "digits"]
    install(METRIC, "zoo_spread")
    assert list(registry().metrics) == [*shown, "spread"], "after zoo's own"
    install(METRIC.replace("samples = 6", "samples = 6; order = 5").replace('"spread"', '"spread5"'), "zoo_spread5")
    assert list(registry().metrics) == ["spread5", *shown, "spread"]
    zoo.train("cgan", out="run", **tiny("cgan", steps=1))
    content = measured(cli, "run", "--samples", 100)
    order = ["spread5", *(name for name in shown if name != "modes"), "spread"]
    assert list(content["metrics"]) == list(content["scores"]) == order
    assert list(read_scores(Path("run"))[0].scores) == order


def test_where_nothing_suits_the_reasons_are_told(cli, run):
    outcome = cli("evaluate", run)
    assert outcome.code == 2
    assert "no metric suits run: " in outcome.err
    assert "digits: it reads the digits" in outcome.err
    assert "frechet: it takes 100 real images or more, and the data has 24" in outcome.err
    assert "modes: the modes of the data are not known" in outcome.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--metric", "mode"], "unknown --metric 'mode'; did you mean 'modes'? (zoo plugins)"),
        (["--metric", "digits"], "--metric digits: it reads the digits that come with zoo"),
        (["--samples", "0"], "--samples 0: ask for at least 1"),
        (["--seed", "-1"], "--seed -1: give a number"),
        (["--step", "77"], "has no checkpoint of step 77; it has 1, 2"),
    ],
)
def test_a_mistake_is_one_line_that_says_what_fits(cli, ring, words, message):
    outcome = cli("evaluate", ring, *words)
    assert (outcome.code, outcome.out) == (2, "")
    assert message in outcome.err
    assert outcome.err.count("\n") == 1


@pytest.mark.parametrize(
    ("number", "words"),
    [
        ('float("nan")', "returned count nan; leave out what cannot be computed"),
        ('zoo.Estimate(3, 1, float("inf"))', "leave out what cannot be computed"),
        ("zoo.Estimate(3, 5, 1)", "returned count 3 with the interval 5 to 1; low is to be at most the number"),
        ("zoo.Estimate(3, 4, 5)", "returned count 3 with the interval 4 to 5"),
    ],
)
def test_numbers_that_are_none_and_intervals_that_do_not_hold_them_are_neither_shown_nor_kept(
    install, cli, run, number, words
):
    install(METRIC.replace('"count": len(real)', f'"count": {number}'), "zoo_spread")
    outcome = cli("evaluate", run, "--metric", "spread")
    assert (outcome.code, outcome.out) == (2, "")
    for part in ("zoo_spread", words):
        assert part in outcome.err
    assert read_scores(run) == []


def test_a_metric_that_ranks_by_what_it_does_not_compute_is_refused(install, cli, run):
    install(METRIC.replace("    numbers =", '    best = {"fkae": "lowest"}\n    numbers ='), "zoo_spread")
    outcome = cli("evaluate", run, "--metric", "spread")
    assert (outcome.code, outcome.out) == (2, "")
    assert "names 'fkae', which it does not compute; name one of fake, real, count" in outcome.err


def test_scores_of_a_plugins_metric_record_its_version_and_compare_with_those_of_no_other(install, run, tmp_path):
    found = []
    for version in ("1.0", "1.1"):
        shutil.rmtree(tmp_path / "site-packages" / "zoo_spread-1.0.dist-info", ignore_errors=True)
        install(METRIC, "zoo_spread", version=version)
        found.append(zoo.evaluate(run, metrics=["spread"], samples=3).scores)
    made = [scores.provenance_of("spread") for scores in found]
    assert [each["metric"] for each in made] == ["zoo-spread 1.0", "zoo-spread 1.1"]
    assert incomparable(*made) == ["plugin of the metric (zoo-spread 1.0, zoo-spread 1.1)"]


def test_scores_of_zoos_own_metrics_compare_whatever_the_version_of_zoo(ring):
    assert (
        zoo.evaluate(ring, metrics=["modes"], samples=20, save=False).scores.provenance_of("modes").get("metric")
        is None
    )


@pytest.mark.parametrize("number", ["numpy.float32({})", "torch.tensor({})", "numpy.array([{}])[0]", "int({})"])
def test_numbers_of_an_estimate_are_numbers_of_whatever_kind_they_are(install, cli, run, number):
    fields = ", ".join(number.format(each) for each in (3.0, 2.0, 5.0, 1.0))
    changed = METRIC.replace('"count": len(real)', f'"count": zoo.Estimate({fields})')
    install(f"import numpy, torch\n{changed}", "zoo_spread")
    found = measured(cli, run, "--metric", "spread")["scores"]["spread"]["count"]
    assert found == {"value": 3.0, "low": 2.0, "high": 5.0, "floor": 1.0}


@pytest.mark.parametrize("number", ["torch.zeros(2)", "numpy.zeros(3)", "'3'", "None", "[1.0]"])
def test_an_estimate_of_what_is_no_number_is_the_plugins_mistake(install, cli, run, number):
    changed = METRIC.replace('"count": len(real)', f'"count": zoo.Estimate(1, 0, {number})')
    install(f"import numpy, torch\n{changed}", "zoo_spread")
    outcome = cli("evaluate", run, "--metric", "spread")
    assert outcome.code == 2
    for words in ("zoo_spread", "'spread' failed", "high of an Estimate is"):
        assert words in outcome.err


# ---- the digit reader


def test_the_reader_reads_digits_it_has_not_seen():
    found = reader.trained_reader()
    assert found.right > 0.95
    images, labels = reader.digits()
    chances, seen = found.read(images[-500:])
    assert float((seen == labels[-500:]).float().mean()) == found.right
    assert float((chances > reader.SURE).float().mean()) == found.sure


def test_a_reader_that_is_damaged_is_named_and_what_to_do(tmp_path, monkeypatch):
    damaged = tmp_path / "reader.safetensors"
    damaged.write_bytes(b"damaged")
    monkeypatch.setattr(reader, "TRAINED", damaged)
    with pytest.raises(zoo.errors.RunError, match="damaged or missing; install zoo-gan again"):
        reader.digits_network()


def test_a_reader_learns_the_same_to_the_last_bit_in_one_thread_or_several():
    images, labels = reader.digits()
    before, torch_random = torch.get_num_threads(), torch.get_rng_state()
    learned = []
    try:
        for threads in (1, 3):
            torch.set_num_threads(threads)
            learned.append(reader.train(images[:400], labels[:400], 10, passes=2))
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    assert torch.equal(torch_random, torch.get_rng_state()), "nobody else's random numbers change"
    one, other = (network.state_dict() for network in learned)
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_a_reader_of_given_data_is_kept_and_trained_again_where_it_is_damaged(tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    images, labels = reader.digits()
    given = ("some", images[:200], labels[:200], 10, 1)
    first = reader.kept_network(*given)
    whole = reader.train
    monkeypatch.setattr(reader, "train", lambda *more: pytest.fail("it was kept"))
    second = reader.kept_network(*given)
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))
    (kept,) = (tmp_path / "cache/readers").glob("*.safetensors")
    kept.write_bytes(b"damaged")
    monkeypatch.setattr(reader, "train", whole)
    third = reader.kept_network(*given)
    flipped = bytearray(kept.read_bytes())
    flipped[-3] ^= 1
    kept.write_bytes(bytes(flipped))
    fourth = reader.kept_network(*given)
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), fourth.parameters(), strict=True))
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), third.parameters(), strict=True))


def test_a_reader_of_given_data_is_used_where_it_cannot_be_kept(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setattr(reader, "train", lambda images, labels, classes, passes: reader.build_network(classes))
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "file"))
    assert reader.kept_network("some", torch.zeros(2, 1, 28, 28), torch.zeros(2).long(), 3)[-1].out_features == 3


def test_digits_are_read_and_those_asked_for_compared(cli, monkeypatch):
    """Real digits in place of generated ones, and a reader that knows them all."""
    zoo.train("cgan", out="run", **tiny("cgan", steps=1))
    images, labels = reader.digits()
    known = {one.numpy().tobytes(): int(label) for one, label in zip(images, labels, strict=True)}

    class Knows(torch.nn.Module):
        def forward(self, x):
            return 9.0 * torch.nn.functional.one_hot(torch.tensor([known[one.numpy().tobytes()] for one in x]), 10)

    monkeypatch.setattr(reader, "trained_reader", lambda: reader.Reader(Knows(), 1.0, 0.97))
    drawn = [int((labels == place % 10).nonzero()[place // 10]) for place in range(40)]
    drawn[1] = drawn[0]
    monkeypatch.setattr("zoo.generate.generator.draw_images", lambda *more: images[drawn])
    numbers = measured(cli, "run", "--metric", "digits", "--samples", 40)["metrics"]["digits"]["numbers"]
    assert (numbers["sure"], numbers["sure_of_real"]) == (1.0, 0.97)
    assert numbers["as_asked"] == pytest.approx(39 / 40)
    assert (numbers["digit_0"], numbers["digit_1"], numbers["digit_2"]) == (5 / 40, 3 / 40, 4 / 40)
    assert sum(numbers[f"digit_{digit}"] for digit in range(10)) == pytest.approx(1)


METRICS = [
    evaluate.FrechetDistance, evaluate.KernelDistance, evaluate.PrecisionRecall, evaluate.DensityCoverage, evaluate.CopiedImages,
    evaluate.ClassScores, evaluate.ModeCoverage, evaluate.DigitReader,
]  # fmt: skip


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_the_metrics_that_come_with_zoo_say_what_their_numbers_are(metric):
    assert metric.summary
    assert all(metric.numbers.values())
    assert set(metric.best) <= set(metric.numbers)
