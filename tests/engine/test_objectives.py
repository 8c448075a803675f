"""Objectives that ask for more: real logits in G's phase, penalties at real images and fakes, a state of their own."""

from __future__ import annotations

import pytest
import torch
from support import Stop, state_of, tiny
from torch.nn.functional import softplus
from toy_step import build, same, weights

import zoo
from zoo.engine.losses import squared_gradient_norm
from zoo.errors import OptionError, PluginError
from zoo.objective import Relativistic
from zoo.testing.comparing import run_differences


@pytest.mark.parametrize("reuse_fakes", [False, True])
@pytest.mark.parametrize("classes", [0, 3])
def test_a_relativistic_objective_sees_real_and_fake_together_in_gs_phase_too(reuse_fakes, classes):
    step = build(objective=Relativistic(), reuse_fakes=reuse_fakes)
    before = weights(step.generator)
    statistics = step.run(0)
    assert not same(before, step.generator)
    assert float(statistics["g_loss"]) > 0
    assert step.draw.count == 1, "the fakes of G's phase meet the real images of D's: a step is one batch of the data"


def test_gs_gradient_is_that_of_the_formula():
    step = build(objective=Relativistic(), reuse_fakes=True, learning_rate=1e-30)
    step.run(0)
    found = [parameter.grad.clone() for parameter in step.generator.parameters()]
    again = build(objective=Relativistic(), reuse_fakes=True)
    real = again.draw().images
    fakes = again.generator(again.latents.draw(8))
    loss = softplus(again.discriminator(real).flatten().detach() - again.discriminator(fakes).flatten()).mean()
    for ours, theirs in zip(found, torch.autograd.grad(loss, list(again.generator.parameters())), strict=True):
        torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("joined", [False, True])
@pytest.mark.parametrize(("r1", "r2"), [(0.5, 0.0), (0.0, 0.5), (0.5, 0.25)])
def test_ds_loss_is_that_of_the_formula_with_r1_at_real_images_and_r2_at_fakes(r1, r2, joined):
    given = dict(objective=Relativistic(), reuse_fakes=True, learning_rate=1e-30, r1=r1, r2=r2, r1_every=3)
    step = build(**given)
    step.joint_pass = joined
    statistics = step.run(0)
    again = build(**given)
    real = again.draw().images.requires_grad_()
    fakes = again.generator(again.latents.draw(8)).detach().requires_grad_()
    of_real, of_fakes = again.discriminator(real).flatten(), again.discriminator(fakes).flatten()
    penalty = 3 * (r1 * squared_gradient_norm(of_real, real) + r2 * squared_gradient_norm(of_fakes, fakes)) / 2
    expected = softplus(of_fakes - of_real).mean() + penalty
    torch.testing.assert_close(statistics["d_loss"], expected.detach())
    for name, weight in (("r1", r1), ("r2", r2)):
        assert (name in statistics) == (weight > 0)
    assert not {"r1", "r2"} & build(**given).run(1).keys(), "the penalties come every third step"


class Watching(Relativistic):
    """Tells whether what G is compared with holds a graph."""

    def generator_loss(self, fake_logits, *, real_logits=None, scale):
        assert not real_logits.requires_grad, "a graph of D that no gradient needs"
        return super().generator_loss(fake_logits, real_logits=real_logits, scale=scale)


def test_gs_turn_holds_no_graph_of_ds_view_of_real_images_whatever_the_penalty_asked_of_them():
    build(objective=Watching(), reuse_fakes=True, r1=0.1, r1_every=1).run(0)


def test_r2_changes_nothing_of_what_g_learns_where_both_learn_at_once():
    with_r2, without = (build(simultaneous=True, learning_rate=1e-30, r1=0.1, r2=r2) for r2 in (0.5, 0.0))
    for step in (with_r2, without):
        step.run(0)
    for ours, theirs in zip(with_r2.generator.parameters(), without.generator.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, theirs.grad)


def test_the_relativistic_objective_is_known_by_name_and_goes_on_exactly(images):
    options = tiny("dcgan", steps=6, objective="relativistic", r1=0.1, r2=0.1, r1_every=2, reuse_fakes=True)
    whole = zoo.train("dcgan", data=str(images), out="whole", **options)
    zoo.train("dcgan", data=str(images), out="parts", callbacks=[Stop(3)], **options)
    assert run_differences(whole, zoo.resume("parts")) == []
    assert {"r1", "r2"} <= whole.metrics()[-1].keys()


SOURCE = '''
import torch
from torch.nn.functional import softplus
import zoo

class Pairs(zoo.Objective):
    needs_real_logits = True
    def discriminator_loss(self, real_logits, fake_logits, *, scale):
        return scale * softplus(fake_logits - real_logits).mean(), torch.stack([real_logits.mean(), fake_logits.mean()]).detach()
    def generator_loss(self, fake_logits, *, scale, real_logits):
        return scale * softplus(real_logits - fake_logits).mean(), fake_logits.mean().detach()[None]

class Balanced:
    """One that keeps something: a running mean of D's logits of real images."""
    kind = "balanced"
    def __init__(self):
        self.mean, self.calls = torch.zeros(()), 0
    def discriminator_loss(self, real_logits, fake_logits, *, scale):
        self.calls += 1
        self.mean = 0.9 * self.mean + 0.1 * real_logits.mean().detach()
        loss = scale * (softplus(fake_logits) + softplus(-real_logits) + 0.1 * (real_logits - self.mean) ** 2).mean()
        return loss, torch.stack([real_logits.mean(), fake_logits.mean()]).detach()
    def generator_loss(self, fake_logits, *, scale):
        return scale * softplus(-fake_logits).mean(), fake_logits.mean().detach()[None]
    def state_dict(self):
        return {"mean": self.mean, "calls": self.calls}
    def load_state_dict(self, state):
        self.mean, self.calls = state["mean"], state["calls"]

@zoo.hookimpl
def zoo_register_objectives(register):
    register(Pairs("pairs"))
    register(Balanced())
'''


@pytest.mark.parametrize("name", ["vanilla", "dcgan", "cgan", "lsgan"])
def test_every_architecture_can_be_trained_relativistically(install, images, name):
    install(SOURCE, "zoo_pairs")
    options = tiny(
        name, steps=2, batch_size=7, drop_remainder=False, joined=False, reuse_fakes=True, evaluate_fakes=False
    )
    run = zoo.train(name, data=str(images), objective="pairs", order="sequential", **options)
    assert run.metrics()[-1]["g_loss"] > 0


def test_another_number_of_fakes_than_of_real_images_is_refused_with_the_way_out(install, images):
    install(SOURCE, "zoo_pairs")
    options = tiny("dcgan", generator_batch_size=4, reuse_fakes=False)
    with pytest.raises(OptionError, match=r"--generator-batch-size 4: .* pairs compares .* give 8"):
        zoo.train("dcgan", data=str(images), objective="pairs", out="run", **options)


def test_an_objective_with_a_state_goes_on_exactly(install, images):
    install(SOURCE, "zoo_pairs")
    options = tiny("dcgan", steps=6, objective="balanced")
    whole = zoo.train("dcgan", data=str(images), out="whole", **options)
    again = zoo.train("dcgan", data=str(images), out="again", **options)
    assert run_differences(whole, again) == [], "each run has an objective of its own"
    zoo.train("dcgan", data=str(images), out="parts", callbacks=[Stop(3)], **options)
    assert run_differences(whole, zoo.resume("parts")) == []


def test_a_class_whose_objective_keeps_something_begins_anew_with_each_run(install, images):
    install(
        SOURCE
        + """
from zoo_plugins.vanilla import Vanilla

class Own(Vanilla):
    name = "own"
    objective = Balanced()

@zoo.hookimpl
def zoo_register_architectures(register):
    register(Own)
""",
        "zoo_pairs",
    )
    runs = [zoo.train("own", data=str(images), out=out, **tiny("vanilla", steps=3)) for out in ("one", "two")]
    assert run_differences(*runs) == []


@pytest.mark.parametrize(("method", "when"), [("state_dict", "train"), ("load_state_dict", "resume")])
@pytest.mark.parametrize("error", ["AttributeError", "KeyError"])
def test_an_objective_whose_state_fails_is_named(install, images, method, when, error):
    install(
        SOURCE.replace(f"def {method}(self", f"def {method}(self, *_, broken=True")
        .replace(
            "@zoo.hookimpl",
            f"""
class Broken(Balanced):
    kind = "broken"
    def {method}(self, *arguments):
        raise {error}("of its own")

@zoo.hookimpl""",
            1,
        )
        .replace("register(Balanced())", "register(Broken())")
        .replace(", *_, broken=True", ""),
        "zoo_pairs",
    )

    def go():
        return zoo.train("vanilla", data=str(images), out="run", objective="broken", **tiny("vanilla", steps=2))

    if when == "resume":
        go()
    with pytest.raises(PluginError, match=rf"zoo-pairs .*{method}\(\) of its objective failed: .*of its own"):
        zoo.resume("run", steps=3) if when == "resume" else go()


def test_an_epoch_of_a_relativistic_objective_is_one_pass_over_the_data(install, images):
    """24 images in batches of 8."""
    install(SOURCE, "zoo_pairs")
    options = tiny("dcgan", objective="pairs", epochs=2, reuse_fakes=False, evaluate_fakes=False, batch_size=8)
    options.pop("steps")
    assert zoo.train("dcgan", data=str(images), **options).config["steps"] == 6
    state = state_of("dcgan", images, **options)
    for number in range(state.steps):
        state.run(number)
    assert state.batches.drawn == 6
    state.batches.close()
