"""What version 1.0 of the plugin API called otherwise works in 1.1, and says what it is called now."""

from __future__ import annotations

import logging

import pytest
from support import tiny

import zoo
from zoo.callback import Callback
from zoo.deprecated import RENAMED
from zoo.errors import OptionError
from zoo.plugins.registry import registry
from zoo.step_context import StepContext

OLD = '''
import torch
from torch import nn
import zoo

class Old(zoo.Architecture):
    """Written for version 1.0 of the plugin API."""
    name = "old"

    def generator(self, options, data):
        return nn.Sequential(nn.Linear(options.latent, data.numel), nn.Tanh(), nn.Unflatten(1, data.shape))

    def discriminator(self, options, data):
        return nn.Sequential(nn.Flatten(), nn.Linear(data.numel, 1))

    def game(self, options):
        return "hinge"

    def phases(self, options):
        return [zoo.Phase("discriminator", loss=self.loss), zoo.Phase("generator")]

    def loss(self, turn):
        loss, statistics = turn.default_loss()
        real, fake = turn.judge_both(apart=turn.penalised)
        drift = turn.judge(turn.real, turn.labels).square().mean() + 0 * (real.sum() + fake.sum())
        return loss + turn.scale * drift, statistics | {"drift": drift.detach(), "turn": torch.tensor(float(turn.turn))}

@zoo.hookimpl
def zoo_register_architectures(register):
    register(Old)
'''


@pytest.mark.parametrize(("old", "new"), [("Turn", StepContext), ("Watcher", Callback)])
def test_an_old_name_of_zoo_is_the_new_one_and_says_so(old, new):
    with pytest.warns(DeprecationWarning, match=rf"zoo\.{old} is called {RENAMED[f'zoo.{old}']} since version 1.1"):
        assert getattr(zoo, old) is new


@pytest.mark.filterwarnings("always::DeprecationWarning")
def test_a_plugin_of_version_1_0_trains_and_is_told_each_new_name(install, images):
    install(OLD, "zoo_old")
    with pytest.warns(DeprecationWarning, match="since version 1.1") as told:
        run = zoo.train("old", data=str(images), **tiny("old", steps=2))
    said = {str(each.message).partition(" is called ")[0] for each in told}
    assert said == {
        "Architecture.game of old",
        "StepContext.judge",
        "StepContext.judge_both",
        "StepContext.penalised",
        "StepContext.turn",
    }
    assert [line["turn"] for line in run.metrics()] == [0, 1]
    assert "drift" in run.metrics()[0]


def test_game_of_a_subclass_builds_on_the_objective_of_the_class_that_it_changes(install):
    install(
        """
import zoo
from zoo_plugins.lsgan import LSGAN

class Old(LSGAN):
    name = "old"
    def game(self, options):
        return super().game(options)

class Both(LSGAN):
    name = "both"
    def game(self, options):
        return "hinge"
    def objective_for(self, options):
        return "wasserstein"

@zoo.hookimpl
def zoo_register_architectures(register):
    register(Old)
    register(Both)
""",
        "zoo_subclass",
    )
    lsgan, old, both = (registry().architecture(name) for name in ("lsgan", "old", "both"))
    options = lsgan.make_options({})
    with pytest.warns(DeprecationWarning, match="game"):
        found = [old.objective_for(options), lsgan.objective_for(options), lsgan.game(options)]
    assert {getattr(objective, "kind", None) for objective in found} == {"least_squares"}
    assert both.objective_for(options) == "wasserstein", "the newer of two says what counts"


def test_functions_may_still_be_given_as_say_and_preparing(images, monkeypatch, tmp_path):
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))  # or the images may be prepared already

    class Noted(Callback):
        def on_end(self, run: zoo.Run, step: int, finished: bool) -> None:
            logging.getLogger("zoo").info("the end")

    said: list[str] = []
    prepared: list[tuple[int, int]] = []
    with pytest.warns(DeprecationWarning, match=r"callbacks=") as told:
        run = zoo.train(
            "vanilla",
            data=str(images),
            out="run",
            say=said.append,
            preparing=lambda done, total: prepared.append((done, total)),
            plugins_watch=False,
            callbacks=[Noted()],
            **tiny("vanilla", steps=2),
        )
    assert len(told) == 3
    with pytest.warns(DeprecationWarning, match=r"zoo\.resume\(say=…\) is called zoo\.resume\(callbacks="):
        zoo.resume(run.path, steps=3, say=said.append)
    assert "the end" in said
    assert prepared[-1][0] == prepared[-1][1] > 0
    with pytest.raises(OptionError, match="unknown option 'sya'"):
        zoo.resume(run.path, steps=4, sya=said.append)


def test_callbacks_may_still_be_given_as_watchers(images):
    class Steps(Callback):
        def __init__(self) -> None:
            self.steps: list[int] = []

        def on_step(self, step: int) -> None:
            self.steps.append(step)

    watcher = Steps()
    with pytest.warns(DeprecationWarning, match=r"callbacks="):
        run = zoo.train("vanilla", data=str(images), out="run", watchers=[watcher], **tiny("vanilla", steps=2))
    with pytest.warns(DeprecationWarning, match=r"callbacks="):
        zoo.resume(run.path, steps=3, watchers=[watcher])
    assert watcher.steps == [1, 2, 3]
