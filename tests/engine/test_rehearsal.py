"""What would fail in the first step is told before there is a run, and no number changes by finding out."""

from __future__ import annotations

import random
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from support import flags, state_of, tiny
from torch import nn

import zoo
from zoo.engine import rehearsal
from zoo.engine.rehearsal import rehearse
from zoo.testing.comparing import run_differences

SOURCE = '''
import torch
from torch import nn
import zoo

class G(nn.Module):
    def __init__(self, options, data):
        super().__init__()
        self.dense, self.shape = nn.Linear(options.latent, data.numel), data.shape
        G_INIT

    def forward(self, latents):
        images = self.dense(latents).tanh().unflatten(1, self.shape)
        if self.training:
            G_FORWARD
        return images

class D(nn.Module):
    def __init__(self, options, data):
        super().__init__()
        self.dense = nn.Linear(data.numel, 1)
        D_INIT

    def forward(self, images):
        logits = self.dense(images.flatten(1))
        if self.training:
            D_FORWARD
        return logits

class Own(zoo.Objective):
    OBJECTIVE

def hers(context):
    LOSS
    return context.default_loss()

class Odd(zoo.Architecture):
    """Two dense layers, and one mistake."""
    name = "odd"
    objective = Own("own")

    def generator(self, options, data):
        return G(options, data)

    def discriminator(self, options, data):
        return D(options, data)

    def phases(self, options):
        PHASES
        return [zoo.Phase("discriminator", loss=hers), zoo.Phase("generator")]

@zoo.hookimpl
def zoo_register_architectures(register):
    register(Odd)
'''
GOOD = """def discriminator_loss(self, real_logits, fake_logits, *, scale):
        return scale * (fake_logits - real_logits).mean(), torch.stack([real_logits.mean(), fake_logits.mean()]).detach()

    def generator_loss(self, fake_logits, *, scale):
        return -scale * fake_logits.mean(), fake_logits.mean().detach()[None]"""


def odd(**places: str) -> str:
    """The source of a plugin with something of its own in some places."""
    source = SOURCE.replace("    OBJECTIVE", "    " + places.pop("objective", GOOD))
    for place in ("G_INIT", "G_FORWARD", "D_INIT", "D_FORWARD", "LOSS", "PHASES"):
        source = source.replace(place, places.get(place.lower(), "pass"))
    return source


def train(images: Path, **options: object) -> zoo.Run:
    return zoo.train("odd", data=str(images), **{"out": "run", **tiny("odd", **options)})


MISTAKES = {
    "an objective without scale": (
        dict(objective=GOOD.replace("fake_logits, *, scale):", "fake_logits, scal=1):").replace("scale *", "scal *")),
        "def discriminator_loss", ["unexpected keyword argument 'scale'", "zoo calls it as discriminator_loss("],
    ),
    "an objective without real_logits": (
        dict(objective="needs_real_logits = True\n    " + GOOD),
        "def generator_loss", ["unexpected keyword argument 'real_logits'", "generator_loss(fake_logits, real_logits=…, scale=…)"],
    ),
    "an objective that returns the loss alone": (
        dict(objective=GOOD.replace("return -scale * fake_logits.mean(), fake_logits.mean().detach()[None]",
                                    "return -scale * fake_logits.mean()")),
        None, ["generator_loss() of its objective returned Tensor; return (loss, statistics)"],
    ),
    "an objective with no mean": (
        dict(objective=GOOD.replace("(fake_logits - real_logits).mean()", "(fake_logits - real_logits)")),
        None, ["discriminator_loss() of its objective returned a loss that is of shape"],
    ),
    "an objective that fails": (
        dict(objective=GOOD.replace("return scale", "raise KeyError('margin')\n        return scale")),
        "raise KeyError", ["discriminator_loss() failed: KeyError: 'margin'"],
    ),
    "D gives many logits": (
        dict(d_forward="return logits.expand(-1, 3)"), None, ["the discriminator of 'odd' fails for images"],
    ),
    "G makes other channels": (
        dict(g_forward="images = images.expand(-1, 3, -1, -1)"), None,
        ["in training the generator of 'odd' makes (", "the data asks for"],
    ),
    "G fails": (dict(g_forward="raise KeyError('mix')"), "raise KeyError", ["the generator of 'odd' fails for", "KeyError: 'mix'"]),
    "another type": (
        dict(d_forward="return self.dense(images.flatten(1).double())"), "return self.dense(images.flatten(1).double", ["dtype"],
    ),
    "another device": (
        dict(d_init="self.shift = torch.zeros(1, device='meta')", d_forward="logits = logits + self.shift"), None, ["meta"],
    ),
    "a loss that is none": (
        dict(phases="return [zoo.Phase('discriminator', loss=0.5), zoo.Phase('generator')]"), "return [zoo.Phase('disc",
        ["Phase(loss=0.5): give a function of the zoo.StepContext"],
    ),
    "a loss of two": (
        dict(phases="def two(context, weight): ...\n        return [zoo.Phase('discriminator'), zoo.Phase('generator', loss=two)]"),
        "def two", ["missing 1 required positional argument: 'weight'", "zoo calls it as loss(context)"],
    ),
    "a loss that returns nothing": (dict(loss="return"), None, ["phase 1, which updates the discriminator, returned NoneType"]),
    "a loss for each image": (
        dict(loss="return context.discriminate(context.real)"), None, ["phase 1", "returned a tensor of shape ("],
    ),
    "a loss without gradient": (dict(loss="return context.default_loss()[0].detach()"), None, ["phase 1 has no gradient"]),
    "a loss that fails": (
        dict(loss="raise KeyError('margin')"), "raise KeyError", ["phase 1, which updates the discriminator, failed: KeyError"],
    ),
    "a statistic for each image": (
        dict(loss="return context.default_loss()[0], {'each': context.discriminate(context.real)}"), None,
        ["the statistic 'each' of a phase is a tensor of shape"],
    ),
    "a sparse gradient": (
        dict(g_init="self.shift = nn.Embedding(2, 1, sparse=True)",
             g_forward="images = images + self.shift(torch.zeros(1, dtype=torch.long))"), None,
        ["the generator's parameter 'shift.weight' has a sparse gradient", "leave out sparse=True"],
    ),
    "a network that fails on a whole batch alone": (
        dict(d_forward="""
            if len(images) > 4:
                raise ValueError("too many")"""), "raise ValueError",
        ["the discriminator of 'odd' fails for images (8,", "too many"],
    ),
    "a phase that comes later": (
        dict(phases="""def late(context): raise KeyError('late')
        return [zoo.Phase('discriminator'), zoo.Phase('generator'), zoo.Phase('discriminator', loss=late, every=4, offset=3)]"""),
        "def late", ["phase 3", "KeyError: 'late'"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_what_fails_in_a_step_is_told_with_the_plugin_before_there_is_a_run(install, cli, images, mistake):
    places, line, told = MISTAKES[mistake]
    source = odd(**places)
    install(source, "zoo_odd", distribution="zoo-odd", version="1.7")
    outcome = cli("train", "odd", "--data", images, *flags(tiny("odd")), "--out", "run")
    assert outcome.code == 2
    assert outcome.err.startswith("zoo: plugin 'zoo_odd' of zoo-odd 1.7: ")
    assert [part for part in told if part not in outcome.err] == [], outcome.err
    if line is not None:
        (number,) = (number for number, text in enumerate(source.splitlines(), 1) if line in text)
        assert f"zoo_odd.py:{number})" in outcome.err, outcome.err
    assert "Traceback" not in outcome.err
    assert not Path("run").exists()


def test_the_plugin_without_a_mistake_trains(install, images):
    install(odd(), "zoo_odd")
    assert train(images).latest()[0] == 4


def test_a_phase_that_never_comes_is_not_gone_through(install, images):
    install(odd(**MISTAKES["a phase that comes later"][0]), "zoo_odd")
    assert train(images, steps=3).latest()[0] == 3


@pytest.mark.parametrize("place", ["loss", "g_forward"])
def test_what_is_written_for_one_size_of_batch_is_no_mistake(install, images, place):
    line = {
        "loss": "assert context.real.shape[0] == context.options.batch_size == 8",
        "g_forward": "assert len(images) == 8",
    }[place]
    install(odd(**{place: line}), "zoo_odd")
    assert train(images, steps=1, batch_size=8).latest()[0] == 1


def test_what_cannot_be_copied_is_not_gone_through(install, images):
    install(odd(d_init="import threading\n        self.lock = threading.Lock()"), "zoo_odd")
    assert train(images, steps=1).latest()[0] == 1


def test_too_little_memory_is_told_as_such(install, cli, images):
    install(odd(g_forward="raise MemoryError"), "zoo_odd")
    outcome = cli("train", "odd", "--data", images, *flags(tiny("odd")), "--out", "run")
    assert (outcome.code, outcome.err) == (
        2,
        "zoo: not enough memory; lower --batch-size, --size or the networks' widths\n",
    )
    assert not Path("run").exists()


# ---- no number changes

WAYS = {
    "plain": ("dcgan", {}),
    "accumulated, r1": ("dcgan", dict(accumulate=3, r1=1.0, r1_every=2)),
    "at once": ("vanilla", dict(simultaneous=True, evaluate_fakes=False, joined=False)),
    "bfloat16": ("dcgan", dict(precision="bfloat16")),
    "float16": ("vanilla", dict(precision="float16")),
    "labels": ("cgan", dict(reuse_fakes=True)),
    "labels, dropout": ("cgan", dict(preset="mlp", hidden=8)),
    "augmented": ("dcgan", dict(augment=("translation", "color"), ema=0.9)),
    "more fakes": ("dcgan", dict(generator_batch_size=12, reuse_fakes=False, discriminator_steps=2)),
    "one image": ("lsgan", dict(batch_size=2)),
    "points": ("vanilla", dict(data="ring")),
}  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_every_way_of_training_is_gone_through_and_has_the_same_numbers(images, monkeypatch, way):
    name, options = WAYS[way]
    known = zoo.plugins.registry.registry().contribution(name).value.Options.model_fields
    options = {key: value for key, value in options.items() if key in known or key == "preset"}
    options = {"data": str(images), **tiny(name, steps=2), **options}
    passed = []
    go = rehearsal._go_through
    monkeypatch.setattr(
        rehearsal, "_go_through", lambda *given: (go(*given), passed.append(given[0].options.batch_size))
    )
    gone_through = zoo.train(name, out="gone-through", **options)
    assert passed == [2], "with a few images, at the first try"
    monkeypatch.setattr("zoo.engine.train.rehearse", lambda *given: None)
    assert run_differences(gone_through, zoo.train(name, out="plain", **options)) == []


KEEPING = """def discriminator_loss(self, real_logits, fake_logits, *, scale):
        KEPT["objective"] = self.calls = getattr(self, "calls", 0) + 1
        return scale * (fake_logits - real_logits).mean(), torch.stack([real_logits.mean(), fake_logits.mean()]).detach()

    def generator_loss(self, fake_logits, *, scale):
        return -scale * fake_logits.mean(), fake_logits.mean().detach()[None]

    def __setattr__(self, name, value):
        object.__setattr__(self, name, value)

KEPT = {}"""

KEEPING_PHASES = """pool = []
        self.calls = 0
        def pooled(context):
            pool.append(context.fakes.images.detach())
            self.calls += 1
            KEPT["closure"], KEPT["architecture"] = len(pool), self.calls
            return context.default_loss()
        return [zoo.Phase("discriminator", loss=pooled), zoo.Phase("generator")]"""


def test_what_objectives_losses_and_networks_keep_is_left_as_it_is(install, images):
    counting = "self.count = 0", "self.count += 1; KEPT['network'] = self.count"
    install(odd(objective=KEEPING, phases=KEEPING_PHASES, d_init=counting[0], d_forward=counting[1]), "zoo_odd")
    import zoo_odd

    train(images, steps=3, evaluate_fakes=False)
    kept = zoo_odd.KEPT
    assert kept == {"objective": 3, "closure": 3, "architecture": 3, "network": 3 * 3}


def test_nothing_is_drawn_updated_or_left_behind(images):
    state = state_of("cgan", images, **{k: v for k, v in tiny("cgan").items() if k != "data"})
    step = state.step
    before = [
        value.clone() for network in (step.generator, step.discriminator) for value in network.state_dict().values()
    ]

    def drawn() -> tuple[object, ...]:
        numpys = np.random.get_state()
        return (
            torch.get_rng_state().tolist(), random.getstate(), numpys[1].tolist(), numpys[2],
            step.latents.random.get_state().tolist(), state.batches.drawn,
        )  # fmt: skip

    numbers = drawn()

    class Noise(zoo.Augmentation):
        def __call__(self, images):
            return images + torch.rand(()) * random.random() * np.random.rand()

    step.augmentations = [Noise()]
    rehearse(state, state.batches.loader.store.spec)
    assert drawn() == numbers
    after = [value for network in (step.generator, step.discriminator) for value in network.state_dict().values()]
    assert all(map(torch.equal, before, after))
    assert all(p.grad is None for network in (step.generator, step.discriminator) for p in network.parameters())
    assert all(not optimizer.state for optimizer in step.optimizers.values())
    assert all(module.training for module in step.generator.modules() if isinstance(module, nn.BatchNorm2d))
    assert step.latest == {}


def test_a_loss_that_looks_for_one_layout_is_told_of_layouts(install, images):
    convolutional = """from torch import nn as layers
        self.convolution = layers.Conv2d(data.channels, 4, 3, padding=1)"""
    loss = """images = context.fakes.images.clone(memory_format=torch.channels_last)
    images.expand(-1, 4, -1, -1).contiguous(memory_format=torch.channels_last).view(len(images), -1)"""
    install(odd(d_init=convolutional, loss=loss), "zoo_odd")
    with pytest.raises(zoo.errors.PluginError, match=re.escape("which flatten and reshape take (docs/plugins.md)")):
        train(images)
