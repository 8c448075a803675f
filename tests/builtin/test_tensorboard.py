"""TensorBoard: what it reads back from a run's event files is what the run's own files hold."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.request
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support import flags

import zoo
from zoo.run.scores import read_scores


@pytest.fixture
def options(images):
    return dict(data=str(images), width=2, batch_size=8, samples=4, log_every=1, sample_every=2, checkpoint_every=2)


def events(run: zoo.Run):
    """What TensorBoard itself reads from the run's folder."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the packages that it is built on
        loader = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    found = loader.EventAccumulator(str(run.path / "tensorboard"), size_guidance={"scalars": 0, "images": 0})
    return found.Reload()


def curve(found, tag: str) -> dict[int, float]:
    return {event.step: event.value for event in found.Scalars(tag)}


pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def test_scalars_pictures_and_options_are_read_back(options):
    pytest.importorskip("tensorboard")
    run = zoo.train("dcgan", steps=4, watch=("tensorboard",), out="run", **options)
    found = events(run)
    for tag, key in (("loss/d", "d_loss"), ("loss/g", "g_loss"), ("judgement/d_real", "d_real"),
                     ("training/learning_rate", "learning_rate")):  # fmt: skip
        ours = {line["step"]: line[key] for line in run.metrics()}
        assert curve(found, tag) == pytest.approx(ours, rel=1e-6), tag
    assert [event.step for event in found.Images("samples")] == [0, 2, 4]
    (run.path / "last.png").write_bytes(found.Images("samples")[-1].encoded_image_string)
    theirs, ours = (Image.open(path).convert("RGB") for path in (run.path / "last.png", run.samples[-1]))
    assert np.array_equal(np.asarray(theirs), np.asarray(ours))
    text = found.Tensors("options/text_summary")[0].tensor_proto.string_val[0].decode()
    assert '"width": 2' in text


def test_a_resumed_run_goes_on_in_the_same_curves(options):
    pytest.importorskip("tensorboard")
    zoo.train("dcgan", steps=3, watch=("tensorboard",), out="run", **options)
    run = zoo.resume("run", steps=5)
    assert curve(events(run), "loss/d") == pytest.approx({line["step"]: line["d_loss"] for line in run.metrics()})


def test_a_run_that_does_not_ask_for_it_has_none_and_imports_none(options):
    source = "import sys; from zoo.cli import run; code = run(sys.argv[1:]); print('tensorboard' in sys.modules); sys.exit(code)"
    done = subprocess.run(
        [sys.executable, "-c", source, "train", "dcgan", *flags(options), "--steps", "1", "--out", "run"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.splitlines()[-1] == "False"
    assert not Path("run/tensorboard").exists()


def test_without_the_package_it_says_what_to_install(cli, options, monkeypatch):
    monkeypatch.setattr("zoo_plugins.tensorboard.find_spec", lambda name: None)
    outcome = cli("train", "dcgan", *flags(options), "--steps", 1, "--out", "run", "--watch", "tensorboard")
    assert outcome.code == 2
    assert "pip install tensorboard" in outcome.err
    assert not Path("run").exists()


# ---- zoo tensorboard


def test_the_command_serves_the_runs_of_a_folder_until_it_is_interrupted(options):
    """On a port of the loopback address that the system chooses, in a process that is ended again."""
    pytest.importorskip("tensorboard")
    zoo.train("dcgan", steps=1, watch=("tensorboard",), out="runs/one", **options)
    process = subprocess.Popen(
        [sys.executable, "-m", "zoo", "tensorboard", "runs", "--port", "0", "--host", "127.0.0.1", "--load_fast", "false"],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    watch = threading.Timer(100, process.kill)
    watch.start()
    try:
        said = ""
        for line in process.stderr:
            said += line
            if place := re.search(r"http://127\.0\.0\.1:\d+/", line):
                break
        else:
            pytest.fail(said)
        for _ in range(100):  # it reads the files in a thread of its own
            with urllib.request.urlopen(f"{place[0]}data/runs", timeout=30) as answer:
                found = json.load(answer)
            if found:
                break
            time.sleep(0.2)
        assert found == ["one/tensorboard"]
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 0
    finally:
        watch.cancel()
        process.kill()
        process.stderr.close()
        process.wait()


def test_a_run_is_served_from_its_own_folder_and_options_are_passed_on(cli, options, monkeypatch):
    pytest.importorskip("tensorboard")
    served = []
    monkeypatch.setattr("zoo_plugins.tensorboard.command.serve", lambda *given: served.append(given) or 0)
    zoo.train("dcgan", steps=1, watch=("tensorboard",), out="run", **options)
    assert cli("tensorboard", "run", "--port", "7000").code == 0
    assert served == [(Path("run/tensorboard"), ["--port", "7000"])]


def test_where_there_is_nothing_to_show_it_says_how_to_get_it(cli, options):
    zoo.train("dcgan", steps=1, out="runs/one", **options)
    for place, message in {
        "runs/one": "runs/one was trained without --watch tensorboard and has no event files; zoo resume",
        "runs": "no run in runs was trained with --watch tensorboard",
        "nowhere": "there is no run and no folder at nowhere",
    }.items():
        outcome = cli("tensorboard", place)
        assert outcome.code == 2
        assert message in outcome.err
        assert outcome.err.count("\n") == 1


def test_without_the_package_the_command_says_what_to_install(cli, monkeypatch):
    (Path("run") / "tensorboard").mkdir(parents=True)
    (Path("run") / "tensorboard" / "events.out.tfevents.1").touch()
    monkeypatch.setattr("zoo_plugins.tensorboard.command.find_spec", lambda name: None)
    outcome = cli("tensorboard", ".")
    assert outcome.code == 2
    assert (
        "zoo tensorboard needs the package tensorboard, which is not installed; pip install tensorboard" in outcome.err
    )


def test_help_and_arguments_that_do_not_fit(cli):
    outcome = cli("tensorboard", "--help")
    assert (outcome.code, outcome.err) == (0, "")
    assert "usage: zoo tensorboard" in outcome.out
    outcome = cli("tensorboard")
    assert (outcome.code, outcome.out) == (2, "")
    assert "RUN_OR_FOLDER" in outcome.err


def test_scores_are_shown_with_their_intervals(options):
    pytest.importorskip("tensorboard")
    more = dict(options, data="digits", evaluate_every=2, evaluate_samples=64, evaluate_metric=("frechet",))
    run = zoo.train("dcgan", steps=4, watch=("tensorboard",), out="run", **more)
    found = events(run)
    for end, key in (("", "value"), ("_low", "low"), ("_high", "high"), ("_floor", "floor")):
        ours = {each.step: getattr(each.of("frechet", "distance"), key) for each in read_scores(run.path)}
        assert sorted(ours) == [2, 4]
        assert curve(found, f"scores/frechet_distance{end}") == pytest.approx(ours, rel=1e-5)
    assert "custom_scalars__config__" in found.Tags()["tensors"], "the charts that show a band"
