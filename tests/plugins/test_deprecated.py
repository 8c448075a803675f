"""What version 1.0 of the plugin API called otherwise works in 1.1, and says what it is called now."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import tiny

import zoo
from zoo.callback import Callback
from zoo.deprecated import RENAMED
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


def test_every_deprecated_name_of_the_list_is_tried_here_or_with_the_kit():
    kit = Path(__file__).parents[1] / "testing"
    sources = [Path(__file__), *kit.glob("test_*.py")]
    text = "".join(path.read_text("utf-8") for path in sources)
    parts = {
        name: name.replace("zoo.testing.", "").replace("zoo.", "").rstrip("(…)=").split(".")[-1] for name in RENAMED
    }
    assert [name for name, part in parts.items() if part.split("(")[0].split("--")[-1] not in text] == []
