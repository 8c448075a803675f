"""Side by side with torch-fidelity, pytorch-fid and clean-fid, where they are installed: the same pictures, the same weights, the
same resizing, and the same score.

Their Inception has random weights here, which are in one file for all: nobody has to download any.
"""

from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from zoo.evaluate.extractors import inception
from zoo.evaluate.extractors.inception import Inception
from zoo.evaluate.extractors.resizing import RESIZINGS, clean_fid
from zoo.evaluate.measures import frechet
from zoo.evaluate.measures.kernel import kernel_distance
from zoo.evaluate.measures.neighbours import within

pytestmark = pytest.mark.filterwarnings("ignore")  # of packages that are not ours

_torchvision: list[torch.library.Library] = []


def package(name: str):
    """A module of another package, or the test is skipped. All of them import torchvision, of which only Python is used: where its
    library is built for another edition of torch, the operators that it would bring are declared, and never called."""
    if importlib.util.find_spec(name.partition(".")[0]) is None:
        pytest.skip(f"{name} is not installed")
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
        pytest.skip(f"{name} cannot be imported: {error}")


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


def features(weights: Path, resize: str) -> list[np.ndarray]:
    """Of two sets of pictures, as few of them as there are pictures for."""
    network = Inception(weights, resize)
    return [network(pictures(40, 12, seed))[:, ::256] for seed in (0, 1)]


@pytest.mark.parametrize("resize", RESIZINGS)
def test_the_score_of_the_same_features_is_theirs(weights, resize):
    """To a thousandth, of the same pictures under each resizing."""
    one, other = features(weights, resize)
    ours = frechet.distance(frechet.Moments.of(one), frechet.Moments.of(other))
    statistics = [(each.mean(0), np.cov(each.astype(float), rowvar=False)) for each in (one, other)]
    if resize == "torch-fidelity":
        metric = package("torch_fidelity.metric_fid")
        known = [{"mu": mean, "sigma": covariance} for mean, covariance in statistics]
        theirs = metric.fid_statistics_to_metric(*known, False)["frechet_inception_distance"]
    elif resize == "pytorch-fid":
        theirs = package("pytorch_fid.fid_score").calculate_frechet_distance(*statistics[0], *statistics[1])
    else:
        theirs = package("cleanfid.fid").frechet_distance(*statistics[0], *statistics[1])
    assert ours == pytest.approx(theirs, rel=1e-3)


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
