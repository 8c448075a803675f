"""How many of a run's digits can be read: a classifier's opinion, to go with the eye's.

    python benchmarks/digits.py runs/dcgan-001 [runs/lsgan-001 …]

A small convolutional classifier learns the embedded digits (with shifts and turns) in about a minute, is tried on 500 of
them that it has not seen, and then reads 1,000 pictures of each run. Printed for each: the share it is sure of
(probability above 0.9; it is sure of 96 to 97 % of real digits), how many pictures it takes for each digit, and for
conditional runs the share that it reads as the digit that was asked for.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from torch import Tensor, nn

import zoo
from zoo.data.registry import open_source
from zoo.data.store import prepare

HELD_OUT = 500
PICTURES = 1000


def digits() -> tuple[Tensor, Tensor]:
    """The embedded digits, (5000, 1, 28, 28) in [-1, 1], and their labels."""
    store = prepare(open_source("digits"), zoo.DataSpec(1, 28, 28))
    images = torch.from_numpy(store.images.copy()).permute(0, 3, 1, 2).float() / 127.5 - 1
    return images, torch.from_numpy(store.labels.copy())


def turned(images: Tensor) -> Tensor:
    """The images, each turned, scaled and shifted a little."""
    count = len(images)
    angle, scale = 0.4 * (torch.rand(count) - 0.5), 1 + 0.2 * (torch.rand(count) - 0.5)
    shift = 0.2 * (torch.rand(count, 2) - 0.5)
    rows = [torch.stack([angle.cos(), -angle.sin()], 1), torch.stack([angle.sin(), angle.cos()], 1)]
    matrix = torch.cat([torch.stack(rows, 1) * scale[:, None, None], shift[:, :, None]], 2)
    field = nn.functional.affine_grid(matrix, list(images.shape), align_corners=False)
    return nn.functional.grid_sample(images + 1, field, align_corners=False) - 1


def classifier(images: Tensor, labels: Tensor, passes: int = 14, batch: int = 125) -> nn.Module:
    """A classifier that has learned all but the last HELD_OUT images."""
    torch.manual_seed(0)
    layers: list[nn.Module] = []
    for inputs, outputs in ((1, 32), (32, 32)):
        layers += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU()]
    layers += [nn.MaxPool2d(2), nn.Conv2d(32, 64, 3, padding=1), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(2)]
    layers += [nn.Flatten(), nn.Dropout(0.4), nn.Linear(64 * 49, 128), nn.ReLU(), nn.Linear(128, 10)]
    network = nn.Sequential(*layers)
    optimizer = torch.optim.Adam(network.parameters())
    count = len(images) - HELD_OUT
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, total_steps=passes * (count // batch))
    for _ in range(passes):
        order = torch.randperm(count)
        for start in range(0, count - batch + 1, batch):
            chosen = order[start : start + batch]
            loss = nn.functional.cross_entropy(network(turned(images[chosen])), labels[chosen], label_smoothing=0.02)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return network.eval()


@torch.no_grad()
def read(network: nn.Module, images: Tensor) -> tuple[Tensor, Tensor]:
    """For each image the probability of the likeliest digit, and the digit."""
    return torch.cat([network(part) for part in images.split(250)]).softmax(1).max(1)


def main(paths: list[str]) -> None:
    """Train the classifier, try it, read the runs."""
    images, labels = digits()
    network = classifier(images, labels)
    sure, seen = read(network, images[-HELD_OUT:])
    right = (seen == labels[-HELD_OUT:]).float().mean()
    print(
        f"classifier: {right:.1%} right on {HELD_OUT} digits it has not seen, sure of {(sure > 0.9).float().mean():.1%}"
    )
    for path in paths:
        generator = zoo.load(Path(path))
        sure, seen = read(network, generator(PICTURES, seed=123))
        counts = torch.bincount(seen, minlength=10).tolist()
        line = f"{path}: step {generator.step}, sure of {(sure > 0.9).float().mean():.1%}, digits 0 to 9 {counts}"
        if generator.class_names:
            line += f", the digit asked for {(seen == torch.arange(PICTURES) % 10).float().mean():.1%}"
        print(line)


if __name__ == "__main__":
    main(sys.argv[1:])
