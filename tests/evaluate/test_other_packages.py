"""Side by side with torch-fidelity, pytorch-fid and clean-fid, where they are installed: the same pictures, the same weights, the
same resizing, and the same score.

Their Inception has random weights here, which are in one file for all: nobody has to download any.
"""

from __future__ import annotations

import importlib
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import zoo
from zoo.evaluate.extractors import inception
from zoo.evaluate.extractors.inception import Inception
from zoo.evaluate.extractors.resizing import clean_fid
from zoo.evaluate.measures.kernel import kernel_distance
from zoo.evaluate.measures.neighbours import within

pytestmark = pytest.mark.filterwarnings("ignore")  # of packages that are not ours

_torchvision: list[torch.library.Library] = []


def package(name: str):
    """A module of another package, or the test is skipped. All of them import torchvision, of which only Python is used: where its
    library is built for another edition of torch, the operators that it would bring are declared, and never called."""
    if importlib.util.find_spec(name.partition(".")[0]) is None:
        _lacking(f"{name} is not installed (make test-compare)")
    if importlib.util.find_spec("torchvision") and not _torchvision:
        try:
            importlib.import_module("torchvision")
        except RuntimeError:
            _torchvision.append(torch.library.Library("torchvision", "DEF"))
            for operator in ("nms", "qnms"):
                _torchvision[0].define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    try:
        return importlib.import_module(name)
    except ImportError as error:
        _lacking(f"{name} cannot be imported: {error}")


def _lacking(reason: str) -> None:
    """Skip the test, or fail where all packages are to be there."""
    (pytest.fail if "ZOO_TEST_COMPARE" in os.environ else pytest.skip)(reason)


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> Path:
    """A file as pt_inception-2015-12-05 is, of random weights that neither vanish nor grow through the network."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = inception._Network()
        for module in network.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight)
                module.weight.data *= 0.8
        content = {**network.state_dict(), "fc.weight": torch.zeros(1008, 2048), "fc.bias": torch.zeros(1008)}
    path = tmp_path_factory.mktemp("weights") / inception.FILE
    torch.save(content, path)
    return path


def pictures(side: int, count: int = 3, seed: int = 0) -> torch.Tensor:
    """Smooth pictures with edges, uint8 (count, 3, side, side + 5)."""
    drawn = torch.rand(count, 3, 7, 7, generator=torch.Generator().manual_seed(seed))
    grown = nn.functional.interpolate(drawn, (side, side + 5), mode="bicubic").clamp(0, 1) * 255
    grown[:, :, side // 3 : side // 2] = 255
    return grown.round().byte()


SIDES = [32, 300, 420]


@pytest.mark.parametrize("side", SIDES)
def test_features_are_those_of_torch_fidelity(weights, side):
    module = package("torch_fidelity.feature_extractor_inceptionv3")
    theirs = module.FeatureExtractorInceptionV3("inception", ["2048"], feature_extractor_weights_path=str(weights))
    with torch.no_grad():
        expected = theirs(pictures(side))[0].numpy()
    assert np.abs(Inception(weights)(pictures(side)) - expected).max() < 1e-4 * expected.max()


@pytest.mark.parametrize("side", SIDES)
def test_features_are_those_of_pytorch_fid(weights, side, monkeypatch):
    module = package("pytorch_fid.inception")
    monkeypatch.setattr(module, "load_state_dict_from_url", lambda *a, **k: torch.load(weights, weights_only=True))
    theirs = module.InceptionV3().eval()
    with torch.no_grad():
        expected = theirs(pictures(side) / 255)[0].flatten(1).numpy()
    found = Inception(weights, "pytorch-fid")(pictures(side))
    assert np.abs(found - expected).max() < 1e-4 * expected.max()


@pytest.mark.parametrize("side", SIDES)
def test_pictures_are_resized_as_clean_fid_does(side):
    resize = package("cleanfid.resize").make_resizer("PIL", False, "bicubic", (299, 299))
    expected = np.stack([resize(each.permute(1, 2, 0).numpy()) for each in pictures(side)])
    assert np.array_equal(clean_fid(pictures(side), 299).permute(0, 2, 3, 1).numpy(), expected)


def test_the_kernel_distance_is_that_of_torch_fidelity():
    """Of all images in one subset, which is what ours is of."""
    metric = package("torch_fidelity.metric_kid")
    random = np.random.default_rng(0)
    one, other = random.normal(size=(60, 8)), random.normal(0.4, 1, (60, 8))
    options = {
        "kid_kernel": "poly",
        "kid_kernel_poly_degree": 3,
        "kid_kernel_poly_gamma": None,
        "kid_kernel_poly_coef0": 1,
    }
    kernels = [metric.kernel_poly(a, b, **options) for a, b in ((one, one), (one, other), (other, other))]
    assert kernel_distance(one, other).value == pytest.approx(float(metric.mmd2(*kernels)), rel=1e-6)


def test_precision_and_recall_are_those_of_torch_fidelity():
    metric = package("torch_fidelity.metric_prc")
    random = np.random.default_rng(0)
    fakes, real = (torch.tensor(random.normal(mean, 1, (90, 4)), dtype=torch.float32) for mean in (0.5, 0))
    precision, recall = metric.calculate_precision_recall_full(fakes, real)
    assert within(fakes.numpy(), real.numpy()).value == pytest.approx(precision)
    assert within(real.numpy(), fakes.numpy()).value == pytest.approx(recall)


# ---- from pictures to scores


def folders(place: Path, side: int) -> list[str]:
    """Two folders of pictures, a few of each: brighter ones, and darker ones."""
    found = []
    for name, count, seed, scale in (("fakes", 16, 0, 1.0), ("real", 20, 1, 0.7)):
        folder = place / name
        folder.mkdir()
        for number, picture in enumerate(pictures(side, count, seed)):
            shown = (picture.permute(1, 2, 0).numpy() * scale).astype(np.uint8)
            Image.fromarray(shown).save(folder / f"{number:02d}.png")
        found.append(str(folder))
    return found


def of_torch_fidelity(fakes: str, real: str, weights: Path, monkeypatch) -> float:
    metrics = package("torch_fidelity").calculate_metrics(
        input1=fakes, input2=real, fid=True, cuda=False, verbose=False, cache=False, save_cpu_ram=True,
        feature_extractor_weights_path=str(weights), batch_size=10,
    )  # fmt: skip
    return metrics["frechet_inception_distance"]


def of_pytorch_fid(fakes: str, real: str, weights: Path, monkeypatch) -> float:
    module = package("pytorch_fid.inception")
    monkeypatch.setattr(module, "load_state_dict_from_url", lambda *a, **k: torch.load(weights, weights_only=True))
    score = package("pytorch_fid.fid_score").calculate_fid_given_paths
    return score([fakes, real], 10, torch.device("cpu"), 2048, num_workers=0)


def of_clean_fid(fakes: str, real: str, weights: Path, monkeypatch) -> float:
    """With its own PyTorch Inception in the place of the TorchScript one, which it downloads: the same network, and pictures are
    prepared for it as for that one."""
    features, module = package("cleanfid.features"), package("cleanfid.inception_pytorch")
    monkeypatch.setattr(module, "load_state_dict_from_url", lambda *a, **k: torch.load(weights, weights_only=True))

    class InceptionV3W(nn.Module):
        def __init__(self, path, download=True, resize_inside=False):
            super().__init__()
            assert not resize_inside
            self.network = module.InceptionV3([3], resize_input=False, normalize_input=False)

        def forward(self, x):
            return self.network((x - 128) / 128)[0].flatten(1)

    monkeypatch.setattr(features, "InceptionV3W", InceptionV3W)
    options = dict(mode="clean", num_workers=0, device=torch.device("cpu"), use_dataparallel=False, verbose=False)
    return package("cleanfid.fid").compute_fid(fakes, real, batch_size=10, **options)


@pytest.mark.parametrize("side", [64, 320])
@pytest.mark.parametrize(
    ("resize", "theirs"),
    [("torch-fidelity", of_torch_fidelity), ("pytorch-fid", of_pytorch_fid), ("clean-fid", of_clean_fid)],
)
def test_the_score_of_the_same_pictures_is_theirs(weights, tmp_path, monkeypatch, resize, theirs, side):
    """To a thousandth, from the files on: each reads, resizes and looks at them itself."""
    fakes, real = folders(tmp_path, side)
    expected = theirs(fakes, real, weights, monkeypatch)
    monkeypatch.setattr("zoo.evaluate.metrics.feature_metric.FeatureMetric.fewest", 8)
    options = dict(against=real, metrics=["frechet"], extractor="inception", weights=weights, resize=resize)
    ours = zoo.evaluate(fakes, **options).scores.of("frechet", "distance").value
    assert ours == pytest.approx(float(expected), rel=1e-3)
