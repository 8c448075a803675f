"""Scores while training: what is measured and kept, no bit of the training changes, and a run that goes on has the same."""

from __future__ import annotations

import contextlib
import json
import shutil
import signal
from pathlib import Path

import pytest
import torch
from support import Notes, Stop, assert_refused, assert_same_checkpoint, tiny, untimed

import zoo
from zoo.engine.build import build, prepare_data
from zoo.engine.evaluation import cost, prepare
from zoo.engine.evaluation.prepare import share_in_words
from zoo.engine.evaluation.progress import Progress, Ranking
from zoo.engine.plan import plan_run
from zoo.engine.replay import Replay
from zoo.errors import OptionError, PluginError, RunError
from zoo.evaluate.features import ComputedFeatures
from zoo.run.listing import runs_below
from zoo.run.marks import marks
from zoo.run.scores import Score, read_scores
from zoo.testing.comparing import run_differences

METRICS = """
import json, random
from pathlib import Path
import numpy as np, torch
import zoo
from zoo.metric import Estimate

class Drawn(zoo.Metric):
    name = "drawn"
    summary = "What is drawn: it hangs on every bit of the weights."
    samples = 6
    numbers = {"mean": "of all values", "least": "of them"}
    best = {"mean": "highest", "least": "lowest"}

    def unsuited(self, context):
        return None if context.spec.channels == 1 else "it is for grey images"

    def compute(self, context):
        torch.rand(3), random.random(), np.random.rand()  # as a metric may that knows no better
        found = float(context.fakes.images.double().mean())
        return {"mean": Estimate(found, found - 1e-9, found + 1e-9), "least": float(context.fakes.images.min())}

class Listed(zoo.Metric):
    name = "listed"
    summary = "A number for each step, as a file says."
    samples = 6
    best = {"value": "lowest"}

    def compute(self, context):
        value = json.loads(Path("values.json").read_text())[str(context.generator.step)]
        if isinstance(value, str):
            raise RuntimeError(value)
        return {"value": Estimate(value, value - 1, value + 1, 0.5)}

class Flat(zoo.Metric):
    name = "flat"
    summary = "A number that ranks nothing."
    samples = 6

    def compute(self, context):
        return {"value": 1.0}

@zoo.hookimpl
def zoo_register_metrics(register):
    for each in (Drawn, Listed, Flat):
        register(each)
"""


@pytest.fixture
def metrics(install) -> None:
    install(METRICS, "zoo_some_metrics")


def train(images: Path, out: str = "run", said: list[str] | None = None, **options) -> zoo.Run:
    options = tiny("dcgan", **{"evaluate_every": 2, "evaluate_metric": "drawn", "steps": 8, **options})
    return zoo.train("dcgan", data=str(images), out=out, callbacks=[Notes([] if said is None else said)], **options)


def listed(values: list[object], every: int = 1) -> None:
    """What the metric ``listed`` gives, step by step."""
    Path("values.json").write_text(json.dumps({every * (at + 1): value for at, value in enumerate(values)}))


def kept(run: zoo.Run) -> dict[int, dict[str, str]]:
    """The marks of each checkpoint."""
    return {step: dict(marks(folder)) for step, folder in run.checkpoints}


def scored(run: zoo.Run) -> list[int]:
    return [scores.step for scores in read_scores(run.path)]


# ---- what is measured


def test_every_so_many_steps_there_is_a_score_with_its_provenance(images, metrics):
    said: list[str] = []
    run = train(images, said=said, steps=7)
    assert scored(run) == [2, 4, 6], "multiples alone, so that a longer run has the same"
    last = read_scores(run.path)[-1]
    score = last.of("drawn", "mean")
    assert score.low < score.value < score.high
    assert (last.provenance["samples"], last.provenance["during"], last.provenance["averaged"]) == (6, "training", True)
    assert last.provenance["shape"] == [1, 8, 8]
    assert any(line.startswith("every 2 steps") and "6 samples" in line for line in said)
    assert any(line.startswith("step 6: drawn ") for line in said)


def test_what_hangs_on_real_images_alone_is_computed_once_and_the_same_to_the_last_bit(monkeypatch):
    names = ("frechet", "kid", "precision_recall", "density_coverage", "copies", "classes")
    options = tiny("cgan", evaluate_every=1, evaluate_metric=names, evaluate_samples=600, keep_best="kid")
    plan = plan_run("cgan", flags={"data": "digits", "device": "cpu", **options})
    state = build(plan, prepare_data(plan))
    prepare.prepare_evaluations(plan, state)
    evaluations = state.evaluations
    first = evaluations.evaluate(1, plan.device)
    known = dict(evaluations.context._known)
    assert {name.partition(".")[0] for name in known} == set(names)
    monkeypatch.setattr("zoo.evaluate.measures.copies.usual_distances", lambda *more: pytest.fail("it is known"))
    again = evaluations.evaluate(1, plan.device)
    monkeypatch.undo()
    assert all(evaluations.context._known[name] is value for name, value in known.items())
    monkeypatch.setattr(ComputedFeatures, "once", lambda self, name, compute: compute())
    anew = evaluations.evaluate(1, plan.device)
    assert first.scores == again.scores == anew.scores
    state.batches.close()


@pytest.mark.parametrize("data", ["ring", "grid", "line"])
def test_points_are_ranked_by_what_of_the_data_they_cover(data):
    said: list[str] = []
    options = tiny("vanilla", steps=4, evaluate_every=2, checkpoint_every=4, keep_best="modes")
    run = zoo.train("vanilla", data=data, out="run", callbacks=[Notes(said)], **options)
    scores = read_scores(run.path)
    best = max(scores, key=lambda each: each.of("modes", "covered").value)  # of those that are equal the first
    assert kept(run)[best.step] == {"best modes": f"{best.of('modes', 'covered').value:.6g}"}
    assert any(line.startswith("step 2: modes ") and ", covered 0" in line for line in said)


def test_it_is_the_averaged_generator_of_fixed_latents_that_is_measured(images, metrics):
    run = train(images, steps=4, checkpoint_every=2, ema=0.5)
    for scores in read_scores(run.path):
        latents_of = scores.provenance["seed"]
        drawn = zoo.load(run, step=scores.step)(6, seed=latents_of)
        assert scores.of("drawn", "mean").value == pytest.approx(float(drawn.double().mean()), rel=1e-6)


@pytest.mark.parametrize(("name", "more"), [("dcgan", {}), ("dcgan", {"ema": 0.0}), ("cgan", {})])
def test_no_bit_of_the_training_changes(images, metrics, name, more):
    options = tiny(name, steps=6, checkpoint_every=3, **more)
    plain = zoo.train(name, data=str(images), out="plain", **options)
    measured = zoo.train(name, data=str(images), out="run", evaluate_every=1, evaluate_metric="drawn", **options)
    found = [line for line in run_differences(plain, measured) if line != "state.json: parts"]
    assert found == []
    assert len(read_scores(measured.path)) == 6


def test_frechet_is_measured_where_nobody_says(tmp_path):
    said: list[str] = []
    options = tiny("dcgan", steps=2, evaluate_every=2, evaluate_samples=64, keep_best="frechet")
    run = zoo.train("dcgan", data="digits", out="run", callbacks=[Notes(said)], **options)
    (scores,) = read_scores(run.path)
    assert set(scores.scores) == {"frechet"}
    assert (scores.provenance["extractor"], scores.provenance["samples"], scores.provenance["real"]) == (
        "digits",
        64,
        5000,
    )
    assert scores.of("frechet", "distance").floor > 0
    assert kept(run) == {2: {"best frechet": f"{scores.of('frechet', 'distance').value:.6g}"}}


def test_points_are_measured_by_what_suits_them(metrics):
    run = zoo.train(
        "vanilla", data="ring", out="run", evaluate_every=1, evaluate_metric="modes", **tiny("vanilla", steps=1)
    )
    assert set(read_scores(run.path)[0].scores) == {"modes"}


# ---- how many samples


def test_the_number_of_samples_follows_from_the_options_alone():
    def a_million_each(count: int) -> float:
        return 1e6 * count

    assert cost.samples_for(1e12, a_million_each, most=5000) == 5000
    assert cost.samples_for(1e11, a_million_each, most=5000) == 960
    assert cost.samples_for(1e11, lambda count: 5e8 + 1e6 * count, most=5000) == 448
    assert cost.samples_for(0, a_million_each, most=5000) == cost.FEWEST
    assert cost.samples_for(0, a_million_each, most=6) == 6
    assert cost.share_of(a_million_each(cost.samples_for(1e11, a_million_each, 5000)), 1e11) <= cost.SHARE


def test_fewer_samples_than_features_cost_what_they_are_not_what_the_features_are():
    few, many = (cost.metric_cost("frechet", samples, 5000, 1280) for samples in (256, 2560))
    assert 20 * few < many
    assert few < 10 * cost.metric_cost("frechet", 256, 5000, 256)


def test_arithmetic_is_counted_by_layers():
    layers = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3, padding=1), torch.nn.Flatten(), torch.nn.Linear(8 * 16, 5))
    images = torch.zeros(2, 3, 4, 4)
    passes = cost.PASS * (2 * 8 * 16 + 2 * 8 * 16 + 2 * 5)
    assert cost.count(layers, lambda: layers(images)) == 2 * (8 * 3 * 9 * 16 + 8 * 16 * 5) + passes
    back = torch.nn.Sequential(torch.nn.ConvTranspose2d(8, 3, 4, stride=2, padding=1))
    assert cost.count(back, lambda: back(torch.zeros(2, 8, 4, 4))) == 2 * 8 * 3 * 16 * 16 + cost.PASS * 2 * 3 * 64


def test_a_run_that_goes_on_judges_as_many_samples_as_before(images, metrics, monkeypatch):
    run = train(images, steps=4, checkpoint_every=2)
    monkeypatch.setattr(prepare, "samples_for", lambda *arguments: 3)
    zoo.resume(run.path, steps=6, batch_size=12)
    zoo.resume(run.path, steps=8, evaluate_samples=4)
    assert [scores.provenance["samples"] for scores in read_scores(run.path)] == [6, 6, 6, 4]


# ---- going on


@pytest.mark.parametrize("after", [1, 2, 3, 5, 7])
def test_scores_are_the_same_where_a_run_is_stopped_and_goes_on(images, metrics, after):
    options = dict(keep_best="drawn", checkpoint_every=3)
    whole = train(images, "whole", **options)
    settings = tiny("dcgan", evaluate_every=2, evaluate_metric="drawn", steps=8, **options)
    zoo.train("dcgan", data=str(images), out="parts", callbacks=[Stop(after)], **settings)
    parts = zoo.resume("parts")
    assert run_differences(whole, parts) == []
    assert read_scores(whole.path) == read_scores(parts.path)
    best = {step: found for step, found in kept(whole).items() if found}
    assert best
    assert best == {step: found for step, found in kept(parts).items() if found}


@pytest.mark.parametrize("place", ["scores", "checkpoint", "mark"])
def test_a_run_that_is_killed_anywhere_goes_on_to_the_same_scores(images, metrics, monkeypatch, place):
    """Killed when the scores are written and the checkpoint is not; when that is, and it is not marked; and when it is."""
    listed([5, 4, 3, 6, 2, 7, 8, 9])
    options = dict(evaluate_every=1, evaluate_metric="listed", keep_best="listed", checkpoint_every=4)
    whole = train(images, "whole", **options)

    class Killed(BaseException):
        pass

    from zoo.engine import checkpoint_writer, loop

    def killing(function, when):
        def call(*arguments, **keywords):
            result = function(*arguments, **keywords)
            if when(*arguments):
                raise Killed
            return result

        return call

    with monkeypatch.context() as patch:
        if place == "scores":
            patch.setattr(loop, "write_scores", killing(loop.write_scores, lambda path, scores: scores.step == 5))
        elif place == "checkpoint":
            written = killing(checkpoint_writer.write_snapshot, lambda path, *more: path.name.endswith("5"))
            patch.setattr(checkpoint_writer, "write_snapshot", written)
        else:
            patch.setattr(
                checkpoint_writer, "mark", killing(checkpoint_writer.mark, lambda path, *more: path.name.endswith("5"))
            )
        with pytest.raises(Killed):
            train(images, "parts", **options)
    parts = zoo.resume("parts")
    assert scored(parts) == list(range(1, 9))
    assert read_scores(whole.path) == read_scores(parts.path)
    assert kept(whole)[5] == kept(parts)[5] == {"best listed": "2"}
    assert_same_checkpoint(whole.latest()[1], parts.latest()[1])


def test_scores_are_on_the_disk_before_the_checkpoint_is_seen(images, metrics, monkeypatch):
    from zoo.engine import checkpoint_writer

    write, seen = checkpoint_writer.write_snapshot, []

    def watching(path, snapshot, before_commit):
        seen.append((snapshot.step, scored(zoo.Run("run"))))
        write(path, snapshot, before_commit)

    monkeypatch.setattr(checkpoint_writer, "write_snapshot", watching)
    train(images, checkpoint_every=4)
    assert seen == [(4, [2, 4]), (8, [2, 4, 6, 8])]


def test_going_on_from_an_earlier_checkpoint_cuts_the_scores_behind_it(images, metrics):
    run = train(images, checkpoint_every=2, keep_checkpoints=9)
    before = read_scores(run.path)
    with pytest.raises(PluginError):
        zoo.resume(run.path, from_step=4, evaluate_metric="nothing")
    assert read_scores(run.path) == before
    shutil.copytree(run.path, "again")
    zoo.resume("again", from_step=4)
    assert read_scores(Path("again")) == before


def test_a_run_may_begin_to_evaluate_when_it_goes_on(images, metrics):
    run = zoo.train("dcgan", data=str(images), out="run", **tiny("dcgan", steps=3))
    zoo.resume(run.path, steps=6, evaluate_every=2, evaluate_metric=("drawn",))
    assert scored(run) == [4, 6]


def test_other_steps_are_done_again_bit_for_bit(images, metrics):
    run = train(images, checkpoint_every=4, keep_best="drawn")
    replay = Replay(run)
    Path("again").mkdir()
    assert replay.run_in(Path("again"), replay.prepare()).differs == []


def test_healing_cuts_the_scores_behind_the_checkpoint(images, metrics):
    listed([3] * 40)
    steep = dict(steps=10, learning_rate=1e30, optimizer="sgd", log_every=1, checkpoint_every=2, heal_times=20)
    options = dict(evaluate_every=1, evaluate_metric="listed", on_trouble="heal", **steep)
    with contextlib.suppress(RunError):
        train(images, **options)
    run = zoo.Run("run")
    assert run.healing
    steps = scored(run)
    assert steps == sorted(set(steps)), "none twice"


# ---- the best is kept


def test_the_best_checkpoint_is_kept_beside_the_newest(images, metrics):
    listed([5, 2, 3, 4, 5, 6, 7, 8])
    run = train(
        images, evaluate_every=1, evaluate_metric="listed", keep_best="listed", checkpoint_every=4, keep_checkpoints=1
    )
    assert kept(run) == {2: {"best listed": "2"}, 8: {}}, "at the step that was evaluated, though none was due"
    assert zoo.load(run, checkpoint="best").step == 2
    assert zoo.load(run, checkpoint="last").step == zoo.load(run).step == 8


def test_the_highest_is_best_where_the_metric_says_so(images, metrics):
    run = train(images, keep_best="drawn:mean", keep_checkpoints=1)
    (step,) = [step for step, found in kept(run).items() if "best drawn" in found]
    means = {scores.step: scores.of("drawn", "mean").value for scores in read_scores(run.path)}
    assert step == max(means, key=means.__getitem__)
    other = train(images, "other", keep_best="drawn:least", keep_checkpoints=1)
    least = {scores.step: scores.of("drawn", "least").value for scores in read_scores(other.path)}
    (step,) = [step for step, found in kept(other).items() if "best drawn:least" in found]
    assert step == min(least, key=least.__getitem__)


def test_a_best_checkpoint_that_is_gone_is_looked_for_anew(images, metrics):
    listed([5, 2, 3, 4, 5, 4, 3, 8])
    options = dict(
        evaluate_every=1, evaluate_metric="listed", keep_best="listed", checkpoint_every=4, keep_checkpoints=1
    )
    run = train(images, steps=4, **options)
    shutil.rmtree(run.path / "checkpoints" / "step-00000002")
    said: list[str] = []
    zoo.resume(run.path, steps=8, callbacks=[Notes(said)])
    assert kept(run) == {7: {"best listed": "3"}, 8: {}}
    assert any("step 2, the best so far, is gone" in line for line in said)


# ---- the end


def test_a_run_ends_where_nothing_is_gained(images, metrics, cli):
    listed([5, 4.5, 2, 2.5, 1.9, 3, 1.95, 1])
    said: list[str] = []
    options = dict(evaluate_every=1, evaluate_metric="listed", log_every=1, checkpoint_every=4)
    stop = Stop(99)
    settings = tiny("dcgan", steps=8, stop_after_no_gain=3, **{**options, "log_every": 1})
    run = zoo.train("dcgan", data=str(images), out="run", callbacks=[Notes(said), stop], **settings)
    assert stop.told == (6, True), "2.5, 1.9 and 3 are no gain beyond 2 ± 1"
    assert run.latest()[0] == 6
    assert (run.path / "samples.gif").is_file()
    line = next(line for line in said if line.startswith("ended after step 6 of 8"))
    assert "3 evaluations without a gain in listed" in line
    assert [listed_run.state for listed_run in runs_below(run.path)] == ["finished"]
    assert_refused(cli("resume", run.path), "ended after step 6 of 8", "--stop-after-no-gain 6 goes on")
    whole = train(images, "whole", **options)
    assert cli("resume", run.path, "--stop-after-no-gain", 0).code == 0
    assert scored(run) == scored(whole)
    assert untimed(run) == untimed(whole)


def test_a_run_that_was_killed_as_it_ended_gets_its_film(images, metrics):
    listed([5, 5, 5, 5])
    run = train(images, evaluate_every=1, evaluate_metric="listed", stop_after_no_gain=2)
    (run.path / "samples.gif").unlink()
    zoo.resume(run.path)
    assert (run.path / "samples.gif").is_file()
    with pytest.raises(RunError, match="ended after step 3 of 8"):
        zoo.resume(run.path)


def test_gains_are_counted_beyond_the_interval():
    ranking = Ranking("m", "n", "lowest")
    progress = Progress(10)
    for step, (value, best, without) in enumerate(
        [(5, True, 0), (4.5, True, 1), (3.9, True, 0), (None, False, 0), (4, False, 1)]
    ):
        score = Score(value, None if value is None else value - 1, None if value is None else value + 1)
        assert (progress.update(step + 1, score, ranking, "key"), progress.without_gain) == (best, without)
    assert progress.update(9, Score(7.0), ranking, "another key"), "what does not compare begins anew"
    again = Progress(1)
    again.load_state_dict(progress.state_dict())
    assert again == progress
    assert Ranking("m", "n", "highest").better(2, 1)


# ---- what fails, and what is refused


def test_a_metric_that_fails_is_a_line(images, metrics):
    listed([3, "it is broken", 2, 1])
    said: list[str] = []
    run = train(images, said=said, steps=4, evaluate_every=1, evaluate_metric="listed", keep_best="listed")
    assert scored(run) == [1, 3, 4]
    assert any("step 2" in line and "it is broken" in line for line in said)
    assert run.latest()[0] == 4


def test_that_nothing_could_be_ranked_is_said_at_the_end_and_why_once(images, metrics):
    listed(["it is broken"] * 4)
    said: list[str] = []
    train(images, said=said, steps=4, evaluate_every=1, evaluate_metric="listed", keep_best="listed")
    assert len([line for line in said if "it is broken" in line]) == 1
    assert "no checkpoint is kept as the best: no evaluation gave a number of listed" in said


def test_a_number_that_is_ranked_by_and_was_not_computed_is_named_with_what_is_there(images, install):
    install(METRICS.replace('"least": float(context.fakes.images.min())', ""), "zoo_drawn")
    said: list[str] = []
    train(images, said=said, evaluate_every=1, evaluate_metric="drawn", keep_best="drawn:least")
    (line,) = [line for line in said if "has no least" in line]
    assert "nothing is ranked by it; a higher --evaluate-samples may give it, or rank by mean" in line
    assert "no checkpoint is kept as the best: no evaluation gave a number of drawn:least" in said


def test_a_line_names_the_numbers_and_which_one_is_the_best_so_far(images, metrics):
    said: list[str] = []
    train(images, said=said, evaluate_every=2, keep_best="drawn:least", steps=2)
    (line,) = [line for line in said if line.startswith("step 2: drawn mean ")]
    assert ", least " in line
    assert line.endswith(", the best least so far")
    train(images, "other", said=(said := []), evaluate_every=2, steps=2)
    assert not [line for line in said if "so far" in line], "nothing is kept by it"


def test_that_a_run_is_too_short_to_be_evaluated_is_said(images, metrics):
    said: list[str] = []
    train(images, said=said, evaluate_every=100, steps=4)
    assert "--evaluate-every 100: the run has 4 steps, and is not evaluated; give 4 or less" in said


def test_what_evaluations_take_is_said_with_how_seldom_they_take_little():
    assert share_in_words(0.004, 500) == "less than 1% of the training's time at most"
    assert share_in_words(0.02, 500) == "about 2% of the training's time at most"
    assert share_in_words(0.503, 20).startswith(
        "about 50% of the training's time at most; --evaluate-every 510 takes 2%"
    )
    assert share_in_words(399.253, 1) == "about 39,925% of the training's time at most; --evaluate-every 20000 takes 2%"


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        (dict(evaluate_metric="modes"), OptionError, "--evaluate-metric modes: the modes of the data are not known"),
        (dict(evaluate_metric="frechet"), OptionError, "--evaluate-metric frechet: it takes"),
        (dict(evaluate_metric="drwan"), PluginError, "did you mean 'drawn'"),
        (dict(keep_best="kid"), OptionError, "--keep-best kid: it is not measured, drawn is; give --evaluate-metric kid"),
        (dict(evaluate_metric=(), keep_best="kid"), OptionError, "--keep-best kid: it takes"),
        (dict(evaluate_metric=(), keep_best="nonsense"), PluginError, "unknown metric for --keep-best 'nonsense'"),
        (dict(keep_best="drawn:men"), OptionError, "did you mean 'mean'"),
        (dict(evaluate_metric="flat", keep_best="flat"), OptionError, "--keep-best flat: flat has no number"),
        (dict(evaluate_metric="flat", stop_after_no_gain=2), OptionError, "--stop-after-no-gain 2: flat has no number"),
        (dict(evaluate_every=0), OptionError, "--evaluate-metric goes by evaluations"),
        (dict(evaluate_every=0, evaluate_metric=(), keep_best="drawn"), OptionError, "--keep-best goes by evaluations"),
        (dict(evaluate_every=-1), OptionError, "evaluate-every"),
        (dict(evaluate_samples=0), OptionError, "evaluate-samples"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_before_there_is_a_run(images, metrics, options, error, words):
    with pytest.raises(error) as caught:
        train(images, **options)
    assert words in str(caught.value)
    assert not Path("run").exists()


# ---- by name


@pytest.fixture
def best(images, metrics) -> zoo.Run:
    listed([5, 2, 3, 4])
    return train(images, steps=4, evaluate_every=1, evaluate_metric="listed", keep_best="listed", checkpoint_every=3)


@pytest.mark.parametrize(
    ("given", "step"), [("best", 2), ("best:listed", 2), ("last", 4), ("3", 3), ("step-00000003", 3), (2, 2)]
)
def test_a_checkpoint_has_a_name(best, given, step):
    assert zoo.load(best, checkpoint=given).step == step


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("best:kid", "has no checkpoint that is best by kid; it has that of best:listed"),
        ("bset", "--checkpoint 'bset'"), ("7", "has no checkpoint of step 7; it has 2, 3, 4"),
    ],
)  # fmt: skip
def test_a_name_that_no_checkpoint_has_is_refused_with_those_that_there_are(best, cli, given, words):
    assert_refused(cli("sample", best.path, "--checkpoint", given), words)


def test_commands_take_the_best_checkpoint(best, cli):
    assert "step 2" in cli("sample", best.path, "--checkpoint", "best").out
    assert json.loads(cli("evaluate", best.path, "--metric", "flat", "--checkpoint", "best", "--json").out)["step"] == 2
    assert "step 2" in cli("export", best.path, "--checkpoint", "best", "--out", "best.pt2").out
    assert_refused(cli("sample", best.path, "--checkpoint", "best", "--step", 2), "--checkpoint and --step")


def test_a_run_that_keeps_no_best_says_how_to(images, cli):
    zoo.train("dcgan", data=str(images), out="run", **tiny("dcgan", steps=1))
    assert_refused(
        cli("sample", "run", "--checkpoint", "best"), "has no checkpoint that is marked as the best", "--keep-best"
    )


def test_who_watches_is_told_the_scores(images, metrics):
    told = []

    class Watching(zoo.Callback):
        def on_evaluation(self, scores):
            told.append(scores)

    settings = tiny("dcgan", steps=4, evaluate_every=2, evaluate_metric="drawn")
    run = zoo.train("dcgan", data=str(images), out="run", callbacks=[Watching()], **settings)
    assert told == read_scores(run.path)


def test_a_run_that_is_told_to_stop_does_not_wait_for_an_evaluation_that_is_not_due(images, metrics):
    settings = tiny("dcgan", steps=8, evaluate_every=4, evaluate_metric="drawn")
    run = zoo.train("dcgan", data=str(images), out="run", callbacks=[Stop(3, signal.SIGTERM)], **settings)
    assert scored(run) == []


def test_a_best_checkpoint_from_behind_the_good_one_outlives_healing_under_another_name(images, metrics):
    """As marks do: the run looks for its best anew, and what was the best of the try that failed is not lost."""
    listed([9, 8, 7, 1, 5, 4, 3, 2.5])

    class Breaking(zoo.Callback):
        done = False

        def on_evaluation(self, scores):
            if scores.step == 4 and not self.done:
                self.done = True
                loop_of["monitoring"]._report([Trouble("exploded", 4, 2, "it is said to explode")])

    from zoo.engine import loop
    from zoo.engine.health.monitor import Trouble

    loop_of = {}
    original = loop.Monitoring.__init__

    def remembering(self, *arguments):
        original(self, *arguments)
        loop_of["monitoring"] = self

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop.Monitoring, "__init__", remembering)
        options = tiny(
            "dcgan", steps=8, evaluate_every=1, evaluate_metric="listed", keep_best="listed", checkpoint_every=2
        )
        run = zoo.train("dcgan", data=str(images), out="run", on_trouble="heal", callbacks=[Breaking()], **options)
    assert [each["step"] for each in run.healing] == [2]
    assert scored(run) == list(range(1, 9))
    best = [step for step, found in kept(run).items() if "best listed" in found]
    assert best == [4], "of the other rate"
    assert (run.path / "checkpoints" / "step-00000003.aside").is_dir(), "the best of the try that failed"
