"""``zoo evaluate`` on runs, checkpoints, folders and files: what is stored and shown, and every mistake in one line."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from support import assert_refused, tiny

import zoo
from zoo.data.registry import open_source
from zoo.errors import DataError, OptionError, RunError
from zoo.evaluate import pictures, reader
from zoo.evaluate.extractors.choose import Choice
from zoo.run.scores import read_scores

FEATURES = ["frechet", "kid", "precision_recall", "density_coverage", "copies", "classes"]


@pytest.fixture(scope="module")
def digits() -> np.ndarray:
    """The digits that come with zoo, uint8 (5000, 28, 28)."""
    images, _ = reader.digits()
    return ((images + 1) * 127.5).round().byte().numpy()[:, 0]


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    """A conditional run of a few steps on digits."""
    folder = tmp_path_factory.mktemp("digits") / "run"
    zoo.train("cgan", out=folder, **tiny("cgan", width=8, steps=20, checkpoint_every=10))
    return folder


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> Path:
    """Two hundred grey noise pictures of 12×12, real ones that are quick to look at."""
    path = tmp_path_factory.mktemp("small") / "real.npy"
    np.save(path, noise(200, 12))
    return path


def noise(count: int, side: int, *channels: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, side, side, *channels), dtype=np.uint8)


def measured(cli, *arguments) -> dict:
    outcome = cli("evaluate", *arguments, "--json")
    assert outcome.code == 0, outcome.err
    return json.loads(outcome.out)


# ---- runs


def test_a_run_is_scored_with_intervals_floors_and_provenance_and_the_scores_are_stored(cli, run):
    content = measured(cli, run, "--samples", 300)
    assert [name for name in content["scores"] if name in FEATURES] == FEATURES
    distance = content["scores"]["frechet"]["distance"]
    assert 0 < distance["floor"] < distance["low"] < distance["value"] < distance["high"]
    assert content["scores"]["classes"]["accuracy"]["value"] < 0.5, "it has learnt nothing"
    assert set(content["scores"]["classes"]) >= {"worst", "class_0", "class_9"}
    made = content["provenance"]
    assert (made["extractor"], made["samples"], made["real"], made["seed"]) == ("digits", 300, 5000, 0)
    assert len(made["extractor_sha256"]) == 64
    assert {"resize", "fingerprint", "split", "truncation", "zoo", "torch", "data"} <= set(made)
    stored = read_scores(run)[-1]
    assert zoo.Run(run).scores()[-1] == stored
    assert stored.step == 20
    assert stored.as_json()["scores"] == content["scores"]
    assert stored.provenance == made
    shown = cli("evaluate", run, "--samples", 300, "--metric", "frechet").out
    assert f"{distance['value']:.4g}" in shown
    assert f"{distance['low']:.4g} to {distance['high']:.4g}" in shown
    assert "300 samples of seed 0" in shown
    assert "5,000 real images" in shown
    assert "Features of digits" in shown


def test_a_checkpoint_is_that_step_of_its_run(cli, run):
    content = measured(cli, run / "checkpoints/step-00000010", "--samples", 60, "--metric", "kid", "--no-save")
    assert (content["run"], content["step"]) == (str(run), 10)
    assert (
        content["scores"] == measured(cli, run, "--step", 10, "--samples", 60, "--metric", "kid", "--no-save")["scores"]
    )


def test_nothing_is_stored_where_that_is_asked_for_or_the_data_is_another(cli, run, tmp_path, digits):
    before = len(read_scores(run))
    measured(cli, run, "--samples", 60, "--metric", "kid", "--no-save")
    np.save("other.npy", digits[:300])
    measured(cli, run, "--samples", 60, "--metric", "kid", "--against", "other.npy")
    assert len(read_scores(run)) == before


def test_the_same_call_gives_the_same_numbers_and_another_seed_others(run):
    def numbers(seed):
        return zoo.evaluate(run, metrics=["kid", "precision_recall"], samples=80, seed=seed, save=False).scores.scores

    assert numbers(3) == numbers(3) != numbers(4)


def test_features_are_computed_once_and_those_of_real_images_are_kept(run, tmp_path, monkeypatch):
    from zoo.evaluate.extractors.classifiers import Digits

    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    seen = []
    whole = Digits.__call__
    monkeypatch.setattr(Digits, "__call__", lambda self, images: seen.append(len(images)) or whole(self, images))

    def numbers():
        return zoo.evaluate(run, metrics=FEATURES, samples=70, save=False).scores.scores

    first = numbers()
    assert sorted(seen) == [70, 5000]
    assert numbers() == first
    assert sorted(seen) == [70, 70, 5000]
    (kept,) = (tmp_path / "cache/features").glob("*.safetensors")
    kept.write_bytes(b"damaged")
    assert numbers() == first
    assert sorted(seen) == [70, 70, 70, 5000, 5000]
    whole_file = bytearray(kept.read_bytes())
    whole_file[-1000:] = bytes(each ^ 0x10 for each in whole_file[-1000:])  # finite numbers, and others
    kept.write_bytes(bytes(whole_file))
    assert numbers() == first
    assert sorted(seen) == [70, 70, 70, 70, 5000, 5000, 5000]


def test_a_run_that_comes_with_zoo_is_judged_and_not_written_to(cli):
    content = measured(cli, "dcgan", "--samples", 200, "--metric", "precision_recall", "kid")
    assert content["scores"]["precision_recall"]["precision"]["value"] > 0.4
    assert not (Path(content["run"]) / "scores.jsonl").exists()


# ---- pictures


def test_pictures_of_a_file_a_folder_and_an_archive_have_the_same_scores(cli, digits, tmp_path):
    np.save("fakes.npy", digits[:120])
    np.savez("fakes.npz", images=digits[:120])
    Path("folder").mkdir()
    with zipfile.ZipFile("fakes.zip", "w") as archive:
        for place, image in enumerate(digits[:120]):
            path = Path(f"folder/{place:03d}.png")
            Image.fromarray(image).save(path)
            archive.write(path, path.name)
    common = ["--against", "digits", "--metric", "kid", "frechet"]
    found = [measured(cli, name, *common) for name in ("fakes.npy", "fakes.npz", "folder", "fakes.zip")]
    assert [each["scores"] for each in found[1:]] == [found[0]["scores"]] * 3
    assert found[0]["metrics"]["kid"]["samples"] == 120
    assert "step" in found[0]
    assert found[0]["step"] is None


def test_what_needs_the_generator_is_left_out_of_pictures_with_the_reason(cli, digits):
    np.save("fakes.npy", digits[:120])
    content = measured(cli, "fakes.npy", "--against", "digits")
    assert set(content["scores"]) == set(FEATURES)
    assert "it asks for the generator" in content["unsuited"]["digits"]
    assert "accuracy" not in content["scores"]["classes"], "nobody asked for classes"


def test_the_data_itself_is_all_copies_and_a_picture_shows_the_closest(cli, digits):
    np.save("fakes.npy", digits[::40])
    content = measured(cli, "fakes.npy", "--against", "digits", "--metric", "copies", "--copies", "pairs.png")
    for space in ("pixels", "features"):
        assert content["scores"]["copies"][space]["value"] == 1
        assert content["scores"]["copies"][space]["floor"] < 0.05
    with Image.open("pairs.png") as picture:
        assert picture.width > picture.height * 0.5 > 50


def test_the_closest_pairs_are_kept_in_the_run_for_its_report_the_newest_alone(cli, digits):
    zoo.train("dcgan", data="digits", out="run", **tiny("dcgan", steps=4, checkpoint_every=2))
    common = ("run", "--metric", "copies", "--samples", 60)
    measured(cli, *common, "--no-save")
    measured(cli, *common, "--against", "digits")
    measured(cli, "run", "--metric", "kid", "--samples", 60)
    assert list(Path("run").glob("copies*")) == []
    for step in (4, 2):
        measured(cli, *common, "--step", step)
        (kept,) = Path("run").glob("copies*")
        assert kept.name == f"copies-step-{step:08d}.png"
    measured(cli, *common, "--step", 2, "--copies", "pairs.png", "--no-save")
    assert kept.read_bytes() == Path("pairs.png").read_bytes()
    assert cli("report", "run", "--out", "page.html").code == 0
    assert "Samples of run after 2 steps that are closest to a training image" in Path("page.html").read_text()


def test_that_the_closest_pairs_cannot_be_kept_is_a_line_and_the_scores_are(run, caplog):
    where = Path(shutil.copytree(run, "run"))
    (where / "copies-step-00000010.png").mkdir()  # of a step that no other test judges
    zoo.evaluate(where, metrics=["copies"], samples=60, step=10)
    assert "the picture of the closest pairs is not kept: cannot write" in caplog.text
    assert read_scores(where)[-1].of("copies", "pixels") is not None


def test_pictures_are_compared_with_the_data_of_a_run(cli, run, digits):
    np.save("fakes.npy", digits[:80])
    common = ["fakes.npy", "--metric", "kid", "--against"]
    assert measured(cli, *common, run)["scores"] == measured(cli, *common, "digits")["scores"]


def test_some_of_the_pictures_are_judged_where_fewer_are_asked_for(small):
    found = zoo.evaluate(str(small), against=str(small), metrics=["kid"], samples=60, extractor="random")
    assert found.measured.samples("kid") == 60
    assert found.scores.provenance["samples"] == 60


# ---- the order of pictures


def test_pictures_in_the_order_of_their_classes_have_the_scores_of_shuffled_ones(digits):
    """Of 2,000 real digits, of which the first thousand are of five classes."""
    places = np.random.default_rng(0).permutation(5000)
    np.save("real.npy", digits[places[:2000]])
    fakes = places[2000:4000]
    found = {}
    for name, order in (
        ("mixed", fakes),
        ("sorted", fakes[np.argsort(reader.digits()[1].numpy()[fakes], kind="stable")]),
    ):
        np.save(f"{name}.npy", digits[order])
        metrics = ["frechet", "precision_recall", "density_coverage"]
        found[name] = zoo.evaluate(f"{name}.npy", against="real.npy", metrics=metrics, extractor="digits").scores
    for metric, number in (("frechet", "over_floor"), ("precision_recall", "recall"), ("density_coverage", "coverage")):
        mixed, ordered = (found[name].of(metric, number) for name in ("mixed", "sorted"))
        assert ordered.low <= mixed.value <= ordered.high, number
        assert ordered.high - ordered.low < 1.5 * (mixed.high - mixed.low), number
    assert abs(found["sorted"].of("frechet", "unbiased").value) < found["mixed"].of("frechet", "distance").value


def test_a_conditional_generator_that_draws_real_digits_class_by_class_is_as_good_as_real(run, digits, monkeypatch):
    """Every class in turn: every fifth picture is of two of the ten."""
    labels = reader.digits()[1].numpy()
    places = np.random.default_rng(0).permutation(5000)
    real, rest = places[:2500], places[2500:]
    np.savez("real.npz", images=digits[real], labels=labels[real])
    of_class = [iter(rest[labels[rest] == label]) for label in range(10)]
    images = torch.from_numpy(digits).unsqueeze(1) / 127.5 - 1

    def draw(network, latents, classes, *more):
        return images[[next(of_class[label]) for label in classes.tolist()]]

    monkeypatch.setattr("zoo.generate.generator.draw_images", draw)
    found = zoo.evaluate(
        run, against="real.npz", metrics=["frechet", "classes"], samples=2000, extractor="digits"
    ).scores
    unbiased = found.of("frechet", "unbiased")
    assert unbiased.low < 0 < unbiased.high
    assert found.of("classes", "accuracy").value > 0.98, "pictures and labels are in one order"


def test_pictures_labels_and_features_of_a_run_are_in_one_random_order(run):
    generator = zoo.load(run)
    drawn = generator.sample(100, seed=5)
    one, other = (zoo.evaluate.RunContext(generator, "digits", 100, seed=5) for _ in range(2))
    place = [int((drawn.latents == each).all(1).nonzero()[0]) for each in one.fakes.latents]
    assert sorted(place) == list(range(100)) != place
    assert torch.equal(one.fakes.images, drawn.images[place])
    for context in (one, other):  # of which one has drawn them, the other draws them in parts
        assert torch.equal(context.pixels, ((drawn.images[place] + 1) * 127.5).round().byte())
        assert torch.equal(context.labels, drawn.labels[place])
    assert np.array_equal(other.features.fakes, other.network(other.pixels))


# ---- mistakes


@pytest.mark.parametrize(
    ("fakes", "arguments", "parts"),
    [
        (noise(200, 12), [], ["fakes.npy holds pictures", "--against DATA"]),
        (noise(20, 12), ["--against", "REAL", "--metric", "kid"], ["--metric kid", "50 pictures or more, and there are 20"]),
        (noise(20, 12), ["--against", "REAL"], ["no metric suits fakes.npy", "50 pictures or more"]),
        (noise(200, 9), ["--against", "REAL"], ["grey images of 9×9", "grey images of 12×12", "do not compare", "--against RUN"]),
        (noise(200, 12, 3), ["--against", "REAL"], ["colour images of 12×12", "grey images of 12×12"]),
        (noise(200, 12) * 3.0, ["--against", "REAL"], ["floats from 0 to 765", "[0, 1] or [-1, 1]"]),
        (np.full((200, 12, 12), np.nan), ["--against", "REAL"], ["image 0 holds NaN"]),
        (np.repeat(noise(1, 12), 200, 0), ["--against", "REAL", "--metric", "kid"], ["all 200 pictures are the same one"]),
        (noise(200, 12), ["--against", "REAL", "--metric", "classes"], ["--metric classes", "the data has no labels"]),
        (noise(200, 12), ["--against", "REAL", "--sha256", "abc", "--metric", "kid"], ["have the hash", "not abc"]),
        (noise(200, 12), ["--against", "REAL", "--extractor", "digits", "--metric", "kid"], ["it reads grey images of 28×28"]),
        (noise(200, 12), ["--against", "REAL", "--samples", "300"], ["--samples 300", "holds 200 pictures"]),
        (noise(200, 12), ["--against", "REAL", "--step", "3"], ["--step is for a run", "holds pictures"]),
        (noise(200, 12), ["--against", "none.npy"], ["--against 'none.npy' does not exist"]),
        (noise(200, 12), ["--against", "REAL", "--raw"], ["--raw is for a run", "holds pictures"]),
        (noise(200, 12), ["--against", "REAL", "--levels", "9,1"], ["--levels 9,1: black is to be lower than white"]),
        (noise(200, 12), ["--against", "REAL", "--copies", "pairs.txt"], ["--copies pairs.txt", ".png"]),
        (noise(200, 12), ["--against", "REAL", "--extractor", "inception"], ["needs the file pt_inception"]),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line_and_code_2(cli, small, fakes, arguments, parts):
    np.save("fakes.npy", fakes)
    words = [str(small) if word == "REAL" else word for word in arguments]
    extractor = [] if "--extractor" in words else ["--extractor", "random"]
    assert_refused(cli("evaluate", "fakes.npy", *words, *extractor), *parts)


def test_pictures_of_several_sizes_are_refused(cli, small):
    Path("folder").mkdir()
    for side in (12, 13):
        Image.fromarray(noise(1, side)[0]).save(f"folder/{side}.png")
    assert_refused(cli("evaluate", "folder", "--against", small), "pictures of several sizes")


def test_a_checkpoint_and_another_step_are_refused(cli, run):
    outcome = cli("evaluate", run / "checkpoints/step-00000010", "--step", 2)
    assert_refused(outcome, "--step 2", "is the checkpoint of step 10")


def test_floats_from_0_to_255_are_read_as_the_refusal_says(cli, small):
    whole = noise(200, 12, seed=1)
    np.save("floats.npy", whole.astype(np.float32))
    np.save("bytes.npy", whole)
    common = ["--against", small, "--metric", "kid", "--extractor", "random"]
    assert_refused(cli("evaluate", "floats.npy", *common), "--levels 0,255")
    found = [
        measured(cli, name, *common, *more) for name, *more in (["bytes.npy"], ["floats.npy", "--levels", "0,255"])
    ]
    assert found[0]["scores"] == found[1]["scores"]
    np.save("real.npy", noise(200, 12).astype(np.float32))
    common[1] = "real.npy"
    assert_refused(cli("evaluate", "bytes.npy", *common), "--levels 0,255")
    assert measured(cli, "bytes.npy", *common, "--levels", "0,255")["scores"] == found[0]["scores"]


def test_levels_of_a_run_are_its_own(cli, run):
    assert_refused(cli("evaluate", run, "--levels", "0,255"), "--levels 0,255 is for pictures that are given")


@pytest.mark.parametrize("name", ["nothing", "notes.txt"])
def test_real_images_that_are_none_are_named_once_and_as_they_were_typed(cli, run, name):
    Path("notes.txt").write_text("words")
    assert_refused(cli("evaluate", run, "--against", name, "--samples", 60), f"--against '{name}'")


def test_where_real_images_lie_is_said_once_for_all_metrics(cli, tmp_path, digits):
    np.save("digits.npy", digits[:300])
    zoo.train("dcgan", data="digits.npy", out="own", **tiny("dcgan"))
    outcome = cli("evaluate", "own", "--metric", "kid", "copies", "--samples", 60)
    assert outcome.err.count("real images are read from") == 1


def test_more_samples_than_memory_holds_are_refused_at_once(cli, run):
    outcome = cli("evaluate", run, "--samples", 10**12, "--metric", "kid")
    assert_refused(outcome, "not enough memory", "judge fewer images than 1,000,000,000,000: a lower --samples")


def test_what_cannot_be_written_costs_no_number(cli, run, monkeypatch):
    where = Path(shutil.copytree(run, "run"))
    Path("file").write_text("in the way")
    common = ("--metric", "kid", "--samples", 60)
    outcome = cli("evaluate", where, *common, "--copies", "file/pairs.png")
    assert outcome.code == 2
    assert "kid" in outcome.out
    assert "cannot write file/pairs.png" in outcome.err
    assert "choose another place with --copies" in outcome.err
    (where / "scores.jsonl").unlink()
    (where / "scores.jsonl").mkdir()
    outcome = cli("evaluate", where, *common, "--json")
    assert outcome.code == 2
    assert json.loads(outcome.out)["scores"]["kid"]
    assert "--no-save measures without it" in outcome.err
    assert cli("evaluate", where, *common, "--no-save").code == 0


def test_the_picture_of_the_closest_pairs_may_go_to_a_new_folder(cli, run):
    outcome = cli("evaluate", run, "--metric", "copies", "--samples", 60, "--copies", "new/pairs.png", "--no-save")
    assert outcome.code == 0, outcome.err
    assert Path("new/pairs.png").is_file()


def test_the_closest_pairs_differ_from_each_other(digits):
    from zoo.evaluate.closest import closest_pairs

    fakes = np.concatenate([np.repeat(digits[:1], 30, 0), digits[1:40]])
    fakes[:30, 0, 0] = np.arange(30)  # thirty of one kind, each a little further from the data
    np.save("fakes.npy", fakes)
    found = zoo.evaluate("fakes.npy", against="digits", metrics="copies", save=False)
    picture = np.asarray(closest_pairs(found.measured.contexts["copies"]).convert("L"))
    cells = [picture[row : row + 30] for row in range(0, len(picture) - 30, len(picture) // 5)]
    assert len({cell.tobytes() for cell in cells}) == 5


def test_copies_of_the_data_are_told_below_the_numbers(cli, digits):
    np.save("fakes.npy", digits[::40])
    assert (
        "100% of these pictures are training images"
        in cli("evaluate", "fakes.npy", "--against", "digits", "--metric", "copies", "kid").out
    )


def test_the_table_says_which_end_is_best_and_what_the_numbers_rest_on_line_by_line(cli, run):
    shown = cli("evaluate", run, "--metric", "kid", "precision_recall", "--samples", 60, "--no-save").out
    (kid,) = [line for line in shown.splitlines() if line.startswith("kid")]
    (recall,) = [line for line in shown.splitlines() if line.split()[:1] == ["recall"]]
    assert "lowest" in kid
    assert "highest" in recall
    assert "of the averaged weights, and 5,000 real images" in shown
    assert (
        "of the weights themselves"
        in cli("evaluate", run, "--metric", "kid", "--samples", 60, "--no-save", "--raw").out
    )


# ---- in Python


@pytest.mark.parametrize("given", [5, None, []])
def test_what_is_no_path_is_refused_in_python(given):
    with pytest.raises(OptionError, match=r"what is to be judged is .*; give a path"):
        zoo.evaluate(given)


def test_a_metric_may_be_named_alone_and_another_option_is_named_with_the_nearest(run):
    found = zoo.evaluate(run, metrics="kid", samples=60, save=False)
    assert list(found) == ["kid"]
    assert float(found["kid"]["kid"]) == found.scores.of("kid", "kid").value
    with pytest.raises(OptionError, match=r"unknown metric of this evaluation 'kit'; did you mean 'kid'"):
        found["kit"]
    with pytest.raises(OptionError, match=r"unknown option of zoo.evaluate 'metric'; did you mean 'metrics'"):
        zoo.evaluate(run, metric="frechet")


def test_a_metric_that_was_not_computed_is_told_with_the_reason(digits):
    np.save("fakes.npy", digits[:60])
    found = zoo.evaluate("fakes.npy", against="digits", samples=60)
    with pytest.raises(OptionError, match="digits was not computed: it asks for the generator"):
        found["digits"]


def test_what_is_nothing_is_refused(cli):
    assert_refused(cli("evaluate", "nothing"), "there is nothing at nothing; give the folder of a run")


def test_a_generator_that_draws_no_numbers_is_told(cli, run, monkeypatch):
    drawn = torch.full((60, 1, 28, 28), float("nan"))
    monkeypatch.setattr("zoo.generate.generator.draw_images", lambda network, latents, *more: drawn[: len(latents)])
    outcome = cli("evaluate", run, "--samples", 60, "--metric", "kid")
    assert_refused(outcome, "hold numbers that are none (nan or infinite)")


def test_a_generator_whose_pictures_are_all_the_same_has_scores_and_a_line_says_so(cli, run, monkeypatch):
    drawn = torch.zeros(60, 1, 28, 28)
    monkeypatch.setattr("zoo.generate.generator.draw_images", lambda network, latents, *more: drawn[: len(latents)])
    outcome = cli("evaluate", run, "--samples", 60, "--no-save", "--metric", *FEATURES, "--json")
    assert outcome.code == 0
    assert "all 60 pictures are the same one: the generator has collapsed" in outcome.err
    scores = json.loads(outcome.out)["scores"]
    assert all(number["value"] is not None for metric in scores.values() for number in metric.values())
    assert scores["density_coverage"]["coverage"]["value"] < 0.2


def test_what_pictures_lack_is_an_error_of_its_own(digits):
    np.save("fakes.npy", digits[:60])
    np.save("real.npy", digits[:200])
    fakes, real = (open_source(f"{name}.npy") for name in ("fakes", "real"))
    context = zoo.evaluate.PicturesContext(fakes, real, choice=Choice("random"))
    assert (context.samples, context.spec.shape, context.data) == (60, (1, 28, 28), str(Path("real.npy").resolve()))
    assert context.fakes.images.shape == (60, 1, 28, 28)
    assert isinstance(context.features, zoo.Features)
    assert context.features.fakes.shape[0] == 60
    assert [len(half) for half in context.features.halves] == [100, 100]
    with pytest.raises(zoo.errors.NoGeneratorError):
        _ = context.generator
    with pytest.raises(OptionError, match="holds 60 pictures"):
        zoo.evaluate.PicturesContext(fakes, real, 61)
    assert issubclass(zoo.errors.NoGeneratorError, RunError)
    with pytest.raises(DataError, match="several sizes"):
        pictures.shape_of(type("Mixed", (), {"height": None, "width": 3, "title": "mixed"})())
