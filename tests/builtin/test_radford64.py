"""radford64 against the networks of PyTorch's official DCGAN example, written out: the same weights fit, and do the same."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from messages import assert_says
from support import tiny, write_images
from torch import nn

import zoo
from zoo.engine.build import build_networks
from zoo.options.resolve import resolve
from zoo.plugins.registry import registry

DATA = zoo.DataSpec(3, 64, 64)
PARAMETERS = {"generator": 3_576_704, "discriminator": 2_765_568}


def published() -> dict[str, nn.Sequential]:
    """Both networks: latent 100, 64 feature maps next to the image, three colours, without D's last sigmoid."""
    up = [(100, 512, 1, 0), (512, 256, 2, 1), (256, 128, 2, 1), (128, 64, 2, 1)]
    g: list[nn.Module] = []
    for inputs, outputs, stride, padding in up:
        g += [nn.ConvTranspose2d(inputs, outputs, 4, stride, padding, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]
    g += [nn.ConvTranspose2d(64, 3, 4, 2, 1, bias=False), nn.Tanh()]
    d: list[nn.Module] = [nn.Conv2d(3, 64, 4, 2, 1, bias=False), nn.LeakyReLU(0.2)]
    for inputs, outputs in ((64, 128), (128, 256), (256, 512)):
        d += [nn.Conv2d(inputs, outputs, 4, 2, 1, bias=False), nn.BatchNorm2d(outputs), nn.LeakyReLU(0.2)]
    d += [nn.Conv2d(512, 1, 4, 1, 0, bias=False)]
    return {"generator": nn.Sequential(*g), "discriminator": nn.Sequential(*d)}


@pytest.fixture(scope="module")
def ours() -> dict[str, nn.Module]:
    architecture = registry().architecture("dcgan")
    options, _ = resolve(architecture, preset="radford64")
    return dict(zip(PARAMETERS, build_networks(architecture, options, DATA), strict=True))


@pytest.mark.parametrize("role", PARAMETERS)
def test_it_has_as_many_parameters_as_published(ours, role):
    assert sum(parameter.numel() for parameter in ours[role].parameters()) == PARAMETERS[role]


@pytest.mark.parametrize("role", PARAMETERS)
def test_a_state_dict_of_the_published_networks_fits_and_does_the_same(ours, role):
    torch.manual_seed(0)
    theirs = published()[role]
    for layer in theirs:
        if isinstance(layer, nn.BatchNorm2d):
            for value in (layer.weight, layer.running_var):
                nn.init.uniform_(value, 0.5, 1.5)
            for value in (layer.bias, layer.running_mean):
                nn.init.normal_(value, 0.0, 0.1)
    state = ours[role].state_dict()
    assert [value.shape for value in state.values()] == [value.shape for value in theirs.state_dict().values()]
    ours[role].load_state_dict(dict(zip(state, theirs.state_dict().values(), strict=True)))
    x = torch.randn(2, 100) if role == "generator" else torch.rand(2, 3, 64, 64) * 2 - 1
    with torch.no_grad():
        found = ours[role].eval()(x)
        expected = theirs.eval()(x[:, :, None, None] if role == "generator" else x)
    torch.testing.assert_close(found.flatten(), expected.flatten(), rtol=1e-5, atol=1e-5)


def test_a_run_from_before_the_option_has_its_biases_still(tmp_path):
    data = write_images(tmp_path / "images.npz", size=64, channels=3)
    small = tiny("dcgan", steps=1, batch_size=4)
    run = zoo.train("dcgan", preset="radford64", bias=True, data=str(data), out=tmp_path / "run", **small)
    file = Path(run.path / "config.json")
    config = json.loads(file.read_text())
    del config["options"]["bias"]  # an older zoo knew no such option
    file.write_text(json.dumps(config))
    assert any(name.endswith("bias") for name in zoo.load(run.path).network.state_dict())
    assert zoo.resume(run.path, steps=2).latest()[0] == 2
    architecture = registry().architecture("dcgan")
    again, preset = resolve(architecture, config=file)
    assert (again.bias, preset) == (True, "radford64")
    assert resolve(architecture, config=file, flags={"bias": False})[0].bias is False


@pytest.mark.parametrize(
    ("name", "networks"),
    [("dcgan", "upsample"), ("dcgan", "selu"), ("dcgan", "tf64"), ("cgan", "mlp"), ("lsgan", "folder64")],
)
def test_the_biases_of_other_networks_are_fixed(cli, name, networks):
    outcome = cli("train", name, "--networks", networks, "--no-bias")
    assert outcome.code == 2
    assert_says(outcome.err, "no-bias is for networks dcgan", networks, "give --bias")


def test_folder64_has_no_biases_in_its_convolutions_whatever_the_option_says():
    architecture = registry().architecture("lsgan")
    options, _ = resolve(architecture, preset="folder64")
    for network in build_networks(architecture, options, DATA):
        convolutions = [each for each in network.modules() if isinstance(each, nn.Conv2d | nn.ConvTranspose2d)]
        assert len(convolutions) == 5
        assert all(each.bias is None for each in convolutions)


@pytest.mark.parametrize(("name", "preset"), [("dcgan", "mnist"), ("cgan", "dcgan64"), ("lsgan", "paper64")])
def test_the_other_presets_keep_their_biases(name, preset):
    assert resolve(registry().architecture(name), preset=preset)[0].bias
