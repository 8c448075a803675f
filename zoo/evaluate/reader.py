"""The classifier of the metric ``digits``: trained on the digits that come with zoo, tried on some of them, and kept."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from zoo.data.cache import cache_directory, digest
from zoo.data.formats.digits import DigitsSource
from zoo.data.spec import DataSpec
from zoo.data.store import prepare
from zoo.errors import RunError
from zoo.run.files import replacing

log = logging.getLogger(__name__)

HELD_OUT = 500
"""Digits that it is tried on, and has not learned from."""

SURE = 0.9
"""The probability above which it is sure."""

PASSES = 14
BATCH = 125
VERSION = 1
"""Grows with whatever changes what it learns: readers that are kept are known by it."""


@dataclass(frozen=True)
class Reader:
    """A trained classifier. `right`, `sure`: the share of the held-out digits that it reads right, and is sure of."""

    network: nn.Module
    right: float
    sure: float

    def read(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """For each image (N, 1, 28, 28) in [-1, 1] the probability of the likeliest digit, and the digit."""
        return read(self.network, images)


def trained_reader(passes: int = PASSES) -> Reader:
    """The reader of the cache, or one that is trained now, from a seed of its own, and kept there.

    One that cannot be kept is trained again next time.
    """
    images, labels = digits()
    key = digest(VERSION, DigitsSource().fingerprint(), torch.__version__, passes)
    place = cache_directory() / "readers" / f"digits-{key}.safetensors"
    with _own_random():
        network = build_network()
    try:
        network.load_state_dict(load_file(place))
    except Exception:  # not there, or damaged, in whatever way its reader puts that
        log.info("training a classifier of digits, once: a minute or two")
        with _own_random():
            network = train(images[:-HELD_OUT], labels[:-HELD_OUT], passes)
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            with replacing(place) as temporary:
                save_file(network.state_dict(), temporary)
        except (OSError, RunError) as error:
            log.info("the classifier is not kept: %s", error)
    network.eval().requires_grad_(False)
    chances, seen = read(network, images[-HELD_OUT:])
    right = float((seen == labels[-HELD_OUT:]).float().mean())
    return Reader(network, right, float((chances > SURE).float().mean()))


def digits() -> tuple[Tensor, Tensor]:
    """The embedded digits, (5000, 1, 28, 28) in [-1, 1], and their labels."""
    store = prepare(DigitsSource(), DataSpec(1, 28, 28))
    assert store.labels is not None
    images = torch.from_numpy(store.images.copy()).permute(0, 3, 1, 2).float() / 127.5 - 1
    return images, torch.from_numpy(store.labels.copy())


def build_network() -> nn.Sequential:
    """Three convolutions and two dense layers, with weights drawn from torch's default generator."""
    layers: list[nn.Module] = []
    for inputs, outputs in ((1, 32), (32, 32)):
        layers += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU()]
    layers += [nn.MaxPool2d(2), nn.Conv2d(32, 64, 3, padding=1), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(2)]
    layers += [nn.Flatten(), nn.Dropout(0.4), nn.Linear(64 * 49, 128), nn.ReLU(), nn.Linear(128, 10)]
    return nn.Sequential(*layers)


def train(images: Tensor, labels: Tensor, passes: int) -> nn.Sequential:
    """A classifier that has learned these images, each turned and shifted anew in every pass."""
    network = build_network()
    optimizer = torch.optim.Adam(network.parameters())
    batches = len(images) // BATCH
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, total_steps=passes * batches)
    for _ in range(passes):
        for chosen in torch.randperm(len(images))[: batches * BATCH].view(batches, BATCH):
            logits = network(turned(images[chosen]))
            loss = nn.functional.cross_entropy(logits, labels[chosen], label_smoothing=0.02)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
    return network


def turned(images: Tensor) -> Tensor:
    """The images, each turned, scaled and shifted a little."""
    count = len(images)
    angle, scale = 0.4 * (torch.rand(count) - 0.5), 1 + 0.2 * (torch.rand(count) - 0.5)
    shift = 0.2 * (torch.rand(count, 2) - 0.5)
    rows = [torch.stack([angle.cos(), -angle.sin()], 1), torch.stack([angle.sin(), angle.cos()], 1)]
    matrix = torch.cat([torch.stack(rows, 1) * scale[:, None, None], shift[:, :, None]], 2)
    field = nn.functional.affine_grid(matrix, list(images.shape), align_corners=False)
    return nn.functional.grid_sample(images + 1, field, align_corners=False) - 1


@torch.no_grad()
def read(network: nn.Module, images: Tensor) -> tuple[Tensor, Tensor]:
    """For each image the probability of the likeliest digit, and the digit."""
    chances, seen = torch.cat([network(part) for part in torch.split(images, 250)]).softmax(1).max(1)
    return chances, seen


@contextmanager
def _own_random() -> Iterator[None]:
    """Within it torch's random numbers are those of one seed; nobody else's change."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield
