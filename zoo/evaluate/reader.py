"""A small classifier of grey images: of digits, which comes trained with zoo, or of labelled data that is given."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

import zoo.assets
from zoo.data.cache import cache_directory, digest
from zoo.data.formats.digits import DigitsSource
from zoo.data.spec import DataSpec
from zoo.data.store import prepare
from zoo.errors import RunError
from zoo.evaluate.extractors.extractor import hash_of
from zoo.evaluate.kept import READERS, SHA256, SUFFIX
from zoo.run.files import replacing

log = logging.getLogger(__name__)

HELD_OUT = 500
"""Digits that it is tried on, and has not learned from."""

SURE = 0.9
"""The probability above which it is sure."""

FEATURES = 128
"""What it has seen before it decides: the numbers of its last layer but one."""

PASSES = 12
BATCH = 100
VERSION = 2
"""Grows with whatever changes what it learns: readers that are kept are known by it."""

TRAINED = Path(zoo.assets.__file__).with_name("digits-reader.safetensors")
"""The reader of digits, float16: made by ``python -m zoo.evaluate.reader``."""


@dataclass(frozen=True)
class Reader:
    """A trained classifier. `right`, `sure`: the share of the held-out digits that it reads right, and is sure of."""

    network: nn.Sequential
    right: float
    sure: float

    def read(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """For each image (N, 1, 28, 28) in [-1, 1] the probability of the likeliest digit, and the digit."""
        return read(self.network, images)


@cache
def trained_reader() -> Reader:
    """The reader of digits that comes with zoo: the same weights everywhere, so that its numbers compare."""
    network = digits_network()
    images, labels = digits()
    chances, seen = read(network, images[-HELD_OUT:])
    right = float((seen == labels[-HELD_OUT:]).float().mean())
    return Reader(network, right, float((chances > SURE).float().mean()))


def digits_network() -> nn.Sequential:
    """Its network, with its weights. Raises RunError where they are not what came with zoo."""
    network = build_network(10)
    try:
        network.load_state_dict({name: value.float() for name, value in load_file(TRAINED).items()}, strict=False)
    except Exception as error:  # damaged, in whatever way its reader puts that
        raise RunError(f"{TRAINED} is damaged or missing; install zoo-gan again") from error
    return _at_rest(network)


def digits() -> tuple[Tensor, Tensor]:
    """The embedded digits, (5000, 1, 28, 28) in [-1, 1], and their labels."""
    store = prepare(DigitsSource(), DataSpec(1, 28, 28))
    assert store.labels is not None
    images = torch.from_numpy(store.images.copy()).permute(0, 3, 1, 2).float() / 127.5 - 1
    return images, torch.from_numpy(store.labels.copy())


def kept_network(identity: str, images: Tensor, labels: Tensor, classes: int, passes: int = PASSES) -> nn.Sequential:
    """A classifier of labelled images (N, 1, H, W) in [-1, 1] that is found in the cache, or trained now and kept there.

    `identity`: what tells these images from others. One that cannot be kept is trained again next time.
    """
    key = digest(VERSION, identity, str(tuple(images.shape)), classes, torch.__version__, passes)
    place = cache_directory() / READERS / f"{key}{SUFFIX}"
    network = build_network(classes)
    try:
        with safe_open(place, framework="pt") as file:
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            if (file.metadata() or {}).get(SHA256) != hash_of(weights):
                raise ValueError("it is not what was written")
        network.load_state_dict(weights)
        with suppress(OSError):
            place.touch()  # it was used now
    except Exception:  # not there, or damaged, in whatever way its reader puts that
        log.info("training a small classifier of this data, once: a minute or two")
        network = train(images, labels, classes, passes)
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            with replacing(place) as temporary:
                save_file(network.state_dict(), temporary, metadata={SHA256: hash_of(network.state_dict())})
        except (OSError, RunError) as error:
            log.info("the classifier is not kept: %s", error)
    return _at_rest(network)


def build_network(classes: int) -> nn.Sequential:
    """Three convolutions and two dense layers, with weights drawn from torch's default generator."""
    layers: list[nn.Module] = []
    for inputs, outputs in ((1, 16), (16, 32), (32, 64)):
        layers += [nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]
        layers.append(nn.MaxPool2d(2))
    layers += [nn.AdaptiveAvgPool2d(3), nn.Flatten(), nn.Dropout(0.3)]  # 3×3 is what 28×28 comes to
    layers += [nn.Linear(64 * 9, FEATURES), nn.ReLU(), nn.Linear(FEATURES, classes)]
    return nn.Sequential(*layers)


def train(images: Tensor, labels: Tensor, classes: int, passes: int = PASSES) -> nn.Sequential:
    """A classifier that has learned these images, each turned and shifted anew in every pass: the same to the last bit however
    many threads there are, on one kind of processor."""
    with _own_random(), _one_thread():
        network = build_network(classes)
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
    """For each image the probability of the likeliest class, and the class."""
    chances, seen = torch.cat([network(part) for part in torch.split(images, 250)]).softmax(1).max(1)
    return chances, seen


def _at_rest(network: nn.Sequential) -> nn.Sequential:
    return network.eval().requires_grad_(False)


@contextmanager
def _own_random() -> Iterator[None]:
    """Within it torch's random numbers are those of one seed; nobody else's change."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


@contextmanager
def _one_thread() -> Iterator[None]:
    """Within it torch computes in one thread: how many there are decides the order of a sum, and so its last bits."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


if __name__ == "__main__":
    pictures, truth = digits()
    learned = train(pictures[:-HELD_OUT], truth[:-HELD_OUT], 10)
    counters = "num_batches_tracked"
    save_file({name: value.half() for name, value in learned.state_dict().items() if counters not in name}, TRAINED)
    print(f"{TRAINED}: reads {trained_reader().right:.1%} right")
