"""The contract of every architecture that is registered, built in or not: the same tests for each."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch
from support import state_of, tensors, tiny, write_images
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812
from torch.nn.utils import parametrize

import zoo
import zoo.testing
from zoo.data import DataSpec
from zoo.engine.build import TrainingState, build_networks
from zoo.options.resolve import resolve
from zoo.plugins.registry import registry
from zoo.system.streams import stream_seed

NAMES = zoo.list_architectures()
CONDITIONAL = [name for name in NAMES if registry().contribution(name).value.conditional]
PRESETS = [(name, preset) for name in NAMES for preset in registry().contribution(name).value.presets]
CPU = torch.device("cpu")


def smallest(name: str) -> int:
    return registry().contribution(name).value.smallest_batch


everyone = pytest.mark.parametrize("name", NAMES)


def spec(channels: int = 1, size: int = 8) -> DataSpec:
    return DataSpec(channels, size, size, 3)


def shape(name: str, channels: int = 1) -> tuple[int, int, int]:
    """Of the images that it is trained on here: 8×8, or the smallest that its networks can be built for."""
    architecture = registry().architecture(name)
    sizes = architecture.sizes(resolve(architecture, flags=tiny(name))[0])
    size = 8 if sizes is None or 8 in sizes else min(sizes)
    return channels, size, size


def networks(name: str, data: DataSpec, **more) -> tuple[nn.Module, nn.Module]:
    architecture = registry().architecture(name)
    options, _ = resolve(architecture, flags=tiny(name, **more))
    return build_networks(architecture, options, data)


def put_together(name: str, images: Path, **more) -> TrainingState:
    """Everything of a tiny training of the architecture but the loop."""
    return state_of(name, images, **tiny(name, **more))


@pytest.fixture
def assembled(images):
    """`put_together` on the shared images; ends the threads that it started."""
    made = []

    def make(name: str, **more) -> TrainingState:
        made.append(put_together(name, images, **more))
        return made[-1]

    yield make
    for state in made:
        state.batches.close()


def parameters(network: nn.Module) -> list[Tensor]:
    return [parameter.detach().clone() for parameter in network.parameters()]


def changed(before: list[Tensor], network: nn.Module) -> list[bool]:
    return [not torch.equal(old, new) for old, new in zip(before, network.parameters(), strict=True)]


def labels_for(name: str, count: int) -> tuple[Tensor, ...]:
    return (torch.arange(count) % 3,) if name in CONDITIONAL else ()


def test_the_four_architectures_are_registered():
    assert {"vanilla", "dcgan", "cgan", "lsgan"} <= set(NAMES)
    assert "cgan" in CONDITIONAL


# ---- the checks that every architecture passes


@pytest.mark.filterwarnings("default")  # the compiler has warnings of its own
class TestChecks:
    pytestmark = [pytest.mark.zoo_architecture(name, **tiny(name)) for name in NAMES]

    def test_every_architecture_passes(self, zoo_check):
        zoo_check.run()


@pytest.mark.parametrize(("name", "preset"), [(name, preset) for name, preset in PRESETS if smallest(name) == 1])
def test_under_every_preset_one_image_is_enough_where_it_is_said_to_be(name, preset):
    (outcome,) = zoo.testing.check(name, preset=preset, only=["batch"], **{**tiny(name), "batch_size": 4})
    assert outcome.state == "passed", str(outcome)


def test_some_claim_that_one_image_is_enough():
    assert {"cgan", "lsgan"} <= {name for name in NAMES if smallest(name) == 1}


# ---- training


@everyone
@pytest.mark.parametrize("updates", ["discriminator", "generator"])
def test_each_phase_changes_only_its_own_network(assembled, name, updates):
    state = assembled(name)
    both = {"generator": state.step.generator, "discriminator": state.step.discriminator}
    state.step.phases = [phase for phase in state.step.phases if phase.updates == updates][:1]
    before = {role: parameters(network) for role, network in both.items()}
    state.step.run(0)
    for role, network in both.items():
        assert any(changed(before[role], network)) is (role == updates), role


@everyone
def test_a_step_yields_finite_statistics_of_both_networks(assembled, name):
    statistics = assembled(name).step.run(0)
    assert {"d_loss", "g_loss", "d_real", "d_fake"} <= statistics.keys()
    assert all(value.dim() == 0 and bool(torch.isfinite(value)) for value in statistics.values())


@everyone
def test_another_seed_gives_other_weights_latents_and_data(assembled, name):
    one, two = assembled(name, seed=1), assembled(name, seed=2)
    for role in ("generator", "discriminator"):
        pairs = zip(getattr(one.step, role).parameters(), getattr(two.step, role).parameters(), strict=True)
        assert any(not torch.equal(a, b) for a, b in pairs), role
    assert not torch.equal(one.step.latents.draw(2), two.step.latents.draw(2))
    assert not torch.equal(one.batches().images, two.batches().images)


# ---- pictures


@everyone
def test_saved_and_loaded_it_draws_the_same_pictures(images, name):
    run = zoo.train(name, data=str(images), out="run", **tiny(name, ema=0.0, ema_kimg=None))
    one, two = zoo.load(run), zoo.load("run")
    drawn = one(6, seed=5)
    assert drawn.shape == (6, *shape(name))
    assert drawn.dtype == torch.float32
    assert torch.equal(drawn, two(6, seed=5))
    assert not torch.equal(drawn, one(6, seed=6))

    network = networks(name, run.geometry()[0])[0].eval()
    saved = {key.partition(".")[2]: torch.from_numpy(value) for key, value in tensors(run.latest()[1]).items()
             if key.startswith("generator.")}  # fmt: skip
    network.load_state_dict(saved)
    with torch.no_grad():
        assert torch.equal(drawn, network(one.latents(6, 5), *labels_for(name, 6)))


@pytest.mark.parametrize("name", [name for name in NAMES if name not in CONDITIONAL])
def test_it_is_built_for_every_size_that_it_says(name):
    """On torch's meta device, which computes shapes and nothing else."""
    architecture = registry().architecture(name)
    options, _ = resolve(architecture, flags=tiny(name))
    for size in list(architecture.sizes(options) or (4, 5, 8, 28))[::7]:
        data = spec(size=size)
        with torch.device("meta"):
            images = architecture.generator(options, data)(torch.empty(2, 4))
            assert images.shape == (2, *data.shape), size
            assert architecture.discriminator(options, data)(images).numel() == 2, size


@everyone
def test_it_trains_on_colour_images(name, tmp_path):
    data = write_images(tmp_path / "colour.npz", channels=3)
    run = zoo.train(name, data=str(data), out="run", **tiny(name, steps=2))
    assert zoo.load(run)(2).shape == (2, *shape(name, 3))


@everyone
@pytest.mark.parametrize(
    "more", [dict(joined=True, reuse_fakes=False), dict(reuse_fakes=True, evaluate_fakes=False, joined=False),
             dict(evaluate_fakes=True, reuse_fakes=False), dict(accumulate=2), dict(discriminator_steps=2),
             dict(reuse_fakes=False, generator_batch_size=5), dict(epsilon_style="keras"),
             dict(simultaneous=True, evaluate_fakes=False, joined=False, generator_batch_size=None)],
    ids=str,
)  # fmt: skip
def test_it_trains_with_every_way_of_playing(assembled, name, more):
    if more.get("generator_batch_size") and registry().contribution(name).value.objective == "relativistic":
        pytest.skip("its objective compares each generated image with a real one")
    state = assembled(name, **more)
    before = [parameters(network) for network in (state.step.generator, state.step.discriminator)]
    statistics = state.step.run(0)
    assert all(bool(torch.isfinite(value)) for value in statistics.values())
    assert all(
        any(changed(old, network))
        for old, network in zip(before, (state.step.generator, state.step.discriminator), strict=True)
    )


# ---- labels


@pytest.mark.parametrize("name", CONDITIONAL)
def test_training_gives_each_network_the_labels_of_its_images(assembled, name):
    state = assembled(name, reuse_fakes=False)
    seen = []
    for network in (state.step.generator, state.step.discriminator):
        network.register_forward_pre_hook(lambda module, inputs: seen.append((module, inputs[1])))
    draws = []
    draw, state.step.draw = state.step.draw, lambda: draws.append(draw()) or draws[-1]
    state.step.run(0)
    of_d = [labels for module, labels in seen if module is state.step.discriminator]
    of_g = [labels for module, labels in seen if module is state.step.generator]
    assert torch.equal(of_d[0], draws[0].labels), "real images with their own labels"
    assert torch.equal(of_d[1], of_g[0]), "fakes with the labels that they were drawn for"
    assert torch.equal(of_d[2], of_g[1])
    assert all(int(labels.max()) <= 2 for labels in of_g)


@pytest.mark.parametrize("name", CONDITIONAL)
def test_pictures_follow_the_labels_that_are_asked_for(images, name):
    generator = zoo.load(zoo.train(name, data=str(images), out="run", **tiny(name)))
    both = generator(seed=1, labels=[0, 2])
    assert torch.equal(generator(2, seed=1, labels=["0", "2"]), both)
    assert not torch.equal(generator(seed=1, labels=[1, 1]), both)


@pytest.mark.parametrize("name", CONDITIONAL)
def test_without_labels_in_the_data_it_says_what_is_needed(name, tmp_path, cli):
    data = write_images(tmp_path / "bare.npz", classes=0)
    outcome = cli("train", name, "--data", data, "--out", "run")
    assert outcome.code == 2
    assert "learns from labelled images" in outcome.err
    assert "subfolder" in outcome.err
    assert not Path("run").exists()


# ---- presets and the rest


class PlainNorm(nn.BatchNorm2d):
    """torch's own batch normalisation, then (or after) torch's own activation."""

    def __init__(self, like: zoo.nn.BatchNormAct) -> None:
        super().__init__(like.num_features, like.eps, like.momentum, like.affine)
        self.like = [like]

    def _check_input_dim(self, input: Tensor) -> None: ...

    def forward(self, x: Tensor) -> Tensor:
        like, before = self.like[0], self.running_var.clone()
        y = super().forward(activate(like, x) if like.order == "act_norm" else x)
        if self.training and not like.unbiased:  # Keras' running variance
            count = x.numel() // x.shape[1]
            found = (self.running_var - (1 - self.momentum) * before) * (count - 1) / count
            self.running_var.copy_((1 - self.momentum) * before + found)
        return y if like.order == "act_norm" else activate(like, y)


def activate(like: nn.Module, x: Tensor) -> Tensor:
    return {
        "identity": lambda: x,
        "relu": lambda: F.relu(x),
        "leaky_relu": lambda: F.leaky_relu(x, like.slope),
        "tanh": lambda: torch.tanh(x),
    }[like.activation]()


def plain(network: nn.Module) -> nn.Module:
    """A copy in which every module of zoo.nn is the torch module whose parameter names it has; new weights.

    What is parametrised, as spectral normalisation does, has names that no torch module has, and stays.
    """
    network = copy.deepcopy(network)
    for parent in list(network.modules()):
        for key, child in list(parent.named_children()):
            if parametrize.is_parametrized(child):
                continue
            if isinstance(child, zoo.nn.BatchNormAct):
                setattr(parent, key, PlainNorm(child))
            elif isinstance(child, zoo.nn.LinearAct | zoo.nn.Conv2dAct | zoo.nn.ConvTranspose2dAct):
                base = type(child).__mro__[1]
                twin = copy.deepcopy(child)
                twin.__class__ = type("Plain" + base.__name__, (base,), {"forward": _plain_forward(base)})
                setattr(parent, key, twin)
    for module in network.modules():
        if hasattr(module, "reset_parameters"):
            module.reset_parameters()
    return network


def _plain_forward(base: type[nn.Module]):
    def forward(self: nn.Module, x: Tensor) -> Tensor:
        return activate(self, base.forward(self, x))

    return forward


@everyone
@pytest.mark.parametrize("training", [False, True], ids=["evaluating", "training"])
def test_state_dicts_move_to_plain_torch_and_back(name, training):
    generator, discriminator = networks(name, DataSpec(*shape(name), 3))
    random = torch.Generator().manual_seed(0)
    labels = labels_for(name, 6)
    inputs = {
        generator: torch.randn(6, 4, generator=random),
        discriminator: torch.rand(6, *shape(name), generator=random),
    }
    for network, given in inputs.items():
        for buffer in network.buffers():
            if buffer.is_floating_point():
                buffer.uniform_(0.5, 1.5, generator=random)
        twin = plain(network).train(training)
        network.train(training)
        before = {key: value.clone() for key, value in network.state_dict().items()}
        twin.load_state_dict(before, strict=True)
        with torch.no_grad():
            torch.testing.assert_close(network(given, *labels), twin(given, *labels))
        torch.testing.assert_close(network.state_dict(), twin.state_dict())
        assert network.load_state_dict(twin.state_dict(), strict=True)


# ---- the names of the random streams


def test_the_streams_of_a_seed_are_independent_and_stay_what_they_are():
    seeds = [
        stream_seed(seed, stream) for seed in (0, 1, 2**63 - 1) for stream in ("weights", "data", "latents", "grid")
    ]
    assert len(set(seeds)) == len(seeds)
    assert all(0 <= seed < 2**63 for seed in seeds)
    assert [stream_seed(0, stream) for stream in ("weights", "data", "latents", "grid")] == [
        4334430513956379144,
        2440950710608614359,
        8226343694796210948,
        6619194650426729951,
    ], "runs of earlier versions would no longer go on as they began"
