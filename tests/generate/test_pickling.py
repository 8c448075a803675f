"""A generator is copied and pickled: it draws the same to the last bit, wherever its plugin is."""

from __future__ import annotations

import copy
import io
import multiprocessing
import pickle
import shutil
import subprocess
import sys

import pytest
import torch
from messages import assert_says
from support import TINY
from torch import nn

import zoo
from zoo.errors import PluginError, RunError

OTHER = '''
import zoo
from torch import nn

class Closed(nn.Module):
    """A network that does not pickle by itself."""
    def __init__(self, latent, shape):
        super().__init__()
        self.layer = nn.Linear(latent, shape.numel)
        self.end = lambda x: x.tanh().unflatten(1, shape.shape)
    def forward(self, latents):
        return self.end(self.layer(latents))

class Other(zoo.Architecture):
    name = "other"
    def generator(self, options, data):
        return Closed(options.latent, data)
    def discriminator(self, options, data):
        return nn.Sequential(nn.Flatten(), nn.Linear(data.numel, 1))

@zoo.hookimpl
def zoo_register_architectures(register):
    register(Other)
'''


class ByHand(zoo.Architecture):
    name = "by-hand"


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda g: pickle.loads(pickle.dumps(g))])
@pytest.mark.parametrize("which", ["plain", "conditional", "uniform"])
def test_another_draws_the_same_to_the_last_bit(request, which, again):
    generator = request.getfixturevalue(which)
    other = again(generator)
    assert type(other) is zoo.Generator
    assert repr(other) == repr(generator)
    for arguments in ({"n": 5, "seed": 3}, {"seeds": [3, 17]}, {"n": 2, "best_of": 3}):
        assert torch.equal(other(**arguments), generator(**arguments))
    assert not any(each.requires_grad for each in other.network.parameters())
    assert not other.network.training


def test_a_deep_copy_has_networks_of_its_own_and_a_copy_shares_them(plain):
    before = plain(2)
    assert copy.copy(plain).network is plain.network
    deep = copy.deepcopy([plain, plain])
    assert deep[0] is deep[1]
    with torch.no_grad():
        for parameter in deep[0].network.parameters():
            parameter.zero_()
    assert torch.equal(plain(2), before)
    assert not torch.equal(deep[0](2), before)


def test_a_pickle_is_as_large_as_the_weights_and_disturbs_no_random_numbers(plain):
    weights = sum(value.nbytes for value in plain.network.state_dict().values())
    plain(1, best_of=2)  # which loads D: it stays out
    torch.manual_seed(0)
    before = torch.get_rng_state()
    pickled = pickle.dumps(plain)
    pickle.loads(pickled)
    assert torch.equal(before, torch.get_rng_state())
    assert len(pickled) < weights + 20_000


def test_weights_keep_their_type_and_layout(plain):
    plain.network.double().to(memory_format=torch.channels_last)
    other = pickle.loads(pickle.dumps(plain))
    for mine, yours in zip(plain.network.state_dict().values(), other.network.state_dict().values(), strict=True):
        assert (mine.dtype, mine.stride()) == (yours.dtype, yours.stride())


def test_it_goes_through_a_process_that_is_spawned(plain):
    with multiprocessing.get_context("spawn").Pool(
        1, torch.set_num_threads, (1,)
    ) as pool:  # as many as here: sums are split by threads
        assert torch.equal(pool.apply(plain, (3,), {"seed": 7}), plain(3, seed=7))


def test_torch_saves_it(plain):
    file = io.BytesIO()
    torch.save(plain, file)
    file.seek(0)
    assert torch.equal(torch.load(file, weights_only=False)(2), plain(2))


def test_a_device_that_is_not_there_is_the_cpu(plain):
    restore, (*facts, _) = plain.__reduce_ex__(4)
    other = restore(*facts, "cuda:63")
    assert torch.equal(other(2), plain(2))


def test_it_is_of_a_plugin_whose_network_does_not_pickle_and_says_so_where_that_is_missing(
    install, images, tmp_path, fresh_registry
):
    install(OTHER, "zoo_other")
    options = {name: TINY[name] for name in ("latent", "batch_size", "steps", "samples", "log_every", "seed")}
    generator = zoo.load(zoo.train("other", data=str(images), out=tmp_path / "run", **options))
    pickled = pickle.dumps(generator)
    assert torch.equal(pickle.loads(pickled)(2), generator(2))
    (tmp_path / "pickled").write_bytes(pickled)
    code = "import pickle; pickle.load(open('pickled', 'rb'))"
    done = subprocess.run([sys.executable, "-c", code], env={"ZOO_PLUGINS": "dcgan"}, capture_output=True, text=True)
    last = done.stderr.splitlines()[-1]
    assert last.startswith("zoo.errors.PluginError: ")
    assert_says(last, "'other'", "zoo-other 1.0")


def test_a_plugin_that_has_changed_says_so(plain):
    restore, (*facts, weights, device) = plain.__reduce_ex__(4)
    name = next(iter(weights))
    with pytest.raises(RunError, match="other layers"):
        restore(*facts, {key: value for key, value in weights.items() if key != name}, device)


def test_ranking_says_where_the_discriminator_is_missing(runs, tmp_path):
    shutil.copytree(runs / "dcgan", tmp_path / "run")
    other = pickle.loads(pickle.dumps(zoo.load(tmp_path / "run")))
    shutil.rmtree(tmp_path / "run")
    assert len(other(2)) == 2
    with pytest.raises(RunError, match="discriminator"):
        other(2, best_of=2)


def test_one_that_was_made_by_hand_pickles_as_its_parts_do(plain):
    network = nn.Sequential(nn.Linear(plain.options.latent, 64), nn.Unflatten(1, (1, 8, 8)))
    spec = zoo.DataSpec(1, 8, 8, 0, False)
    made = zoo.Generator(network.eval(), ByHand(), plain.options, spec, [], 0)
    with torch.no_grad():
        assert torch.equal(pickle.loads(pickle.dumps(made))(2), made(2))


def test_the_error_of_a_missing_plugin_is_a_plugin_error(plain, monkeypatch, fresh_registry):
    pickled = pickle.dumps(plain)
    monkeypatch.setenv("ZOO_PLUGINS", "vanilla")
    fresh_registry()
    with pytest.raises(PluginError, match="zoo-gan"):
        pickle.loads(pickled)
