"""Watchers of plugins: always on or by name, and never what a run depends on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import zoo

WATCHER = """
import zoo

class Log(zoo.Watcher):
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
    assert "unknown watcher 'lgo'; did you mean 'log'?" in outcome.err
    assert not Path("run").exists()


def test_one_that_fails_is_named_and_the_run_goes_on_without_it(install, cli, common):
    install(watcher(fails_at=2), "zoo_log", distribution="zoo-log", version="0.4")
    outcome = cli("train", "dcgan", *common, "--steps", 4, "--out", "run")
    assert outcome.code == 0
    said = " ".join(outcome.out.split())
    assert "plugin 'zoo_log' of zoo-log 0.4: on_metrics failed: OSError: the log is full" in said
    assert "the run goes on without this watcher" in said
    assert said.count("the log is full") == 1
    assert Path("run/log.txt").read_text() == "1 2 "
    assert zoo.Run("run").latest()[0] == 4


def test_from_python_a_failing_watcher_is_a_warning(install, images):
    install(watcher(fails_at=1), "zoo_log")
    with pytest.warns(UserWarning, match="on_metrics failed: OSError"):
        zoo.train("dcgan", data=str(images), width=2, batch_size=8, samples=4, log_every=1, steps=2)


def test_a_hook_that_fails_is_named_and_stops_the_run_before_it_begins(install, cli, common):
    install(watcher().replace("return Log(run)", "raise OSError('no disk')"), "zoo_log", distribution="zoo-log")
    outcome = cli("train", "dcgan", *common, "--steps", 1, "--out", "run")
    assert outcome.code == 2
    assert "plugin 'zoo_log' of zoo-log 1.0: zoo_training_callbacks failed: OSError: no disk" in outcome.err
    assert not Path("run").exists()


def test_a_watcher_of_the_callers_own_may_stop_the_run(images):
    class Enough(zoo.Watcher):
        def on_step(self, step):
            raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        zoo.train("dcgan", data=str(images), width=2, batch_size=8, samples=4, steps=2, watchers=[Enough()])
