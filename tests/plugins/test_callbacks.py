"""Watchers of plugins: always on or by name, and never what a run depends on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from messages import assert_says
from support import untimed

import zoo

WATCHER = """
import zoo

class Log(zoo.Callback):
    name = NAME

    def __init__(self, run):
        self.path = run.path / "log.txt"

    def on_metrics(self, metrics):
        with self.path.open("a") as file:
            file.write(f"{metrics['step']} ")
        if metrics["step"] == FAILS_AT:
            raise OSError("the log is full")

@zoo.hookimpl
def zoo_training_callbacks(run):
    return Log(run)
"""


def watcher(name: str | None = None, fails_at: int = 0) -> str:
    return WATCHER.replace("NAME", repr(name)).replace("FAILS_AT", str(fails_at))


@pytest.fixture
def common(images):
    return ["--data", images, "--width", 2, "--batch-size", 8, "--samples", 4, "--log-every", 1]


def test_one_without_a_name_watches_every_run(install, cli, common):
    install(watcher(), "zoo_log")
    assert cli("train", "dcgan", *common, "--steps", 2, "--out", "run").code == 0
    assert Path("run/log.txt").read_text() == "1 2 "


def test_one_with_a_name_watches_the_runs_that_ask_for_it_and_their_resumes(install, cli, common):
    install(watcher("log"), "zoo_log")
    assert cli("train", "dcgan", *common, "--steps", 2, "--out", "without").code == 0
    assert not Path("without/log.txt").exists()
    assert cli("train", "dcgan", *common, "--steps", 2, "--out", "with", "--watch", "log").code == 0
    assert cli("resume", "with", "--steps", 3).code == 0
    assert Path("with/log.txt").read_text() == "1 2 3 "


def test_a_resume_may_ask_for_other_watchers(install, cli, common):
    install(watcher("log"), "zoo_log")
    assert cli("train", "dcgan", *common, "--steps", 1, "--out", "run").code == 0
    assert cli("resume", "run", "--steps", 2, "--watch", "log").code == 0
    assert Path("run/log.txt").read_text() == "2 "
    assert json.loads(Path("run/config.json").read_text())["options"]["watch"] == ["log"]
    assert cli("resume", "run", "--steps", 3, "--watch").code == 0
    assert Path("run/log.txt").read_text() == "2 "


def test_an_unknown_name_is_told_and_nothing_is_left_behind(install, cli, common):
    install(watcher("log"), "zoo_log")
    outcome = cli("train", "dcgan", *common, "--steps", 1, "--out", "run", "--watch", "lgo")
    assert outcome.code == 2
    assert_says(outcome.err, "--watch 'lgo'", "'log'")
    assert not Path("run").exists()


def test_one_that_fails_is_named_and_the_run_goes_on_without_it(install, cli, common):
    install(watcher(fails_at=2), "zoo_log", distribution="zoo-log", version="0.4")
    outcome = cli("train", "dcgan", *common, "--steps", 4, "--out", "run")
    assert outcome.code == 0
    said = " ".join(outcome.out.split())
    assert_says(said, "'zoo_log' of zoo-log 0.4", "on_metrics", "OSError: the log is full")
    assert "the run goes on without this callback" in said
    assert said.count("the log is full") == 1
    assert Path("run/log.txt").read_text() == "1 2 "
    assert zoo.Run("run").latest()[0] == 4


def test_from_python_a_failing_watcher_is_a_warning_in_the_log(install, images, caplog):
    install(watcher(fails_at=1), "zoo_log")
    with caplog.at_level("WARNING", "zoo"):
        zoo.train("dcgan", data=str(images), width=2, batch_size=8, samples=4, log_every=1, steps=2)
    assert "on_metrics failed: OSError" in caplog.text


@pytest.mark.parametrize("fails", ["raise OSError('no disk')", "yield zoo.Callback(); raise OSError('no disk')"])
def test_a_hook_that_fails_is_named_and_the_run_does_without_its_watchers(install, cli, common, fails):
    install(watcher().replace("return Log(run)", fails), "zoo_log", distribution="zoo-log")
    outcome = cli("train", "dcgan", *common, "--steps", 1, "--out", "run")
    assert outcome.code == 0
    said = " ".join(outcome.out.split())
    assert_says(said, "'zoo_log' of zoo-log 1.0", "zoo_training_callbacks", "OSError: no disk")
    assert "the run goes on without its callbacks" in said


def test_what_a_hook_says_in_zoos_own_errors_stops_the_run_before_it_begins(install, cli, common):
    install(watcher().replace("return Log(run)", "raise zoo.errors.OptionError('it needs a disk')"), "zoo_log")
    outcome = cli("train", "dcgan", *common, "--steps", 1, "--out", "run")
    assert (outcome.code, outcome.err) == (2, "zoo: it needs a disk\n")
    assert not Path("run").exists()


def test_a_folder_that_was_there_stays_where_a_run_cannot_begin(install, cli, common):
    Path("mine").mkdir()
    assert cli("train", "dcgan", *common, "--steps", 1, "--out", "mine", "--watch", "nobody").code == 2
    assert Path("mine").is_dir()
    assert list(Path("mine").iterdir()) == []


def test_two_of_one_name_are_refused(install, cli, common):
    install(watcher("log"), "zoo_left", distribution="left")
    install(watcher("log"), "zoo_right", distribution="right")
    assert cli("train", "dcgan", *common, "--steps", 1, "--out", "without").code == 0
    outcome = cli("train", "dcgan", *common, "--steps", 1, "--out", "run", "--watch", "log")
    assert outcome.code == 2
    assert_says(outcome.err, "left 1.0", "right 1.0", "callback")


def test_a_run_whose_watcher_is_gone_says_how_to_go_on_without(install, cli, common, tmp_path, fresh_registry):
    install(watcher("log"), "zoo_log")
    assert cli("train", "dcgan", *common, "--steps", 1, "--out", "run", "--watch", "log").code == 0
    for path in (tmp_path / "site-packages").glob("*.dist-info/entry_points.txt"):
        path.unlink()
    fresh_registry()
    outcome = cli("resume", "run", "--steps", 2)
    assert outcome.code == 2
    assert_says(outcome.err, "zoo resume run --watch", "without a name")
    assert cli("resume", "run", "--steps", 2, "--watch").code == 0


def test_a_hook_sees_the_watchers_that_a_resume_asks_for(install, cli, common):
    source = watcher("log").replace(
        "return Log(run)", "print('asked for', run.config['options']['watch']); return Log(run)"
    )
    install(source, "zoo_log")
    assert cli("train", "dcgan", *common, "--steps", 1, "--out", "run").code == 0
    assert "asked for ['log']" in cli("resume", "run", "--steps", 2, "--watch", "log").out


def test_who_watches_changes_no_number_of_the_run(install, images):
    noisy = """
import torch, zoo

class Noisy(zoo.Callback):
    def on_step(self, step):
        torch.rand(3)
    def on_metrics(self, metrics):
        metrics.clear()

@zoo.hookimpl
def zoo_training_callbacks(run):
    return Noisy()
"""
    options = dict(data=str(images), preset="mlp", batch_size=8, samples=4, log_every=1, steps=3)  # which has dropout
    alone = zoo.train("cgan", **options)
    install(noisy, "zoo_noisy")
    assert untimed(zoo.train("cgan", **options)) == untimed(alone)


@pytest.mark.parametrize("given", ["log", ["log"], ("log",), "log,"])
def test_names_may_be_given_as_one_text(given):
    assert zoo.Options(watch=given).watch == ("log",)


def test_a_watcher_of_the_callers_own_may_stop_the_run(images):
    class Enough(zoo.Callback):
        def on_step(self, step):
            raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        zoo.train("dcgan", data=str(images), width=2, batch_size=8, samples=4, steps=2, callbacks=[Enough()])
