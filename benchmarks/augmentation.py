"""zoo.ops.augment beside what one would write in torch, and its share of a training step: ``python benchmarks/augmentation.py``.

On one thread, in its own time: a shared machine takes turns. The two do so too, and of each the fastest turn counts. The plain
version is a product of matrices for the colours, `grid_sample` for the warp and a mask for the box; its warps with mirrors are
torch's "reflection".
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from zoo import ops
from zoo.engine import step
from zoo.engine.augmentation import apply
from zoo.engine.build import build, prepare_data
from zoo.engine.plan import plan_run
from zoo.ops.families.augment import Augment
from zoo.testing.data import write_images

SHAPES = ((32, 3, 64, 64), (64, 1, 28, 28))
TURNS = 40
AUGMENTING = ("augmented", "augmented_batches")
"""The functions of `zoo.engine.augmentation.apply` that a step calls."""


def plain(images: Tensor, affine: Tensor, color: Tensor, box: Tensor, padding: str) -> Tensor:
    """The same in torch."""
    count, channels, height, width = images.shape
    matrix, of_means, bias = color[:, :, :channels], color[:, :, channels:-1], color[:, :, -1:]
    more = of_means @ images.mean((2, 3))[:, :, None] + bias
    recoloured = torch.baddbmm(more, matrix, images.flatten(2)).view_as(images)
    rows, columns = torch.arange(height, device=images.device), torch.arange(width, device=images.device)
    places = torch.stack(torch.broadcast_tensors(columns, rows[:, None], torch.ones_like(rows[:, None])), -1).float()
    grid = places.view(1, -1, 3).expand(count, -1, -1) @ affine.transpose(1, 2)
    grid = 2 * grid.view(count, height, width, 2) / torch.tensor([width - 1, height - 1], device=images.device) - 1
    mode = "reflection" if padding == "reflect" else "zeros"
    warped = nn.functional.grid_sample(recoloured, grid, padding_mode=mode, align_corners=True)
    top, left, bottom, right = box[:, :, None].unbind(1)
    inside = ((rows >= top) & (rows < bottom))[:, None, :, None] & ((columns >= left) & (columns < right))[
        :, None, None
    ]
    return warped.masked_fill(inside, 0.0)


def fastest(*calls: Callable[[], object]) -> list[float]:
    """Milliseconds of each, in turns."""
    found = [float("inf")] * len(calls)
    for _ in range(TURNS):
        for place, call in enumerate(calls):
            start = time.thread_time()
            call()
            found[place] = min(found[place], 1000 * (time.thread_time() - start))
    return found


def parameters(shape: tuple[int, ...], turned: bool) -> tuple[Tensor, Tensor, Tensor]:
    """Colours, boxes, and maps: those of ADA's size, or shifts by whole pixels."""
    count, channels, height, _ = shape
    affine = torch.eye(2, 3).repeat(count, 1, 1)
    if turned:
        affine += torch.randn(count, 2, 3) * torch.tensor([0.3, 0.3, height / 8])
    else:
        affine[:, :, 2] = torch.randint(-height // 8, height // 8 + 1, (count, 2)).float()
    return affine, torch.randn(count, channels, 2 * channels + 1), torch.tensor([[8, 8, 20, 20]]).repeat(count, 1)


def row(shape: tuple[int, ...], turned: bool, padding: str) -> str:
    """Of the table: one input."""
    images, gradient, given = torch.randn(shape), torch.randn(shape), (*parameters(shape, turned), padding)
    torch.testing.assert_close(ops.augment(images, *given), plain(images, *given), rtol=1e-3, atol=1e-3)
    leaf, both = images.clone().requires_grad_(), (ops.augment, plain)
    forward = fastest(*(partial(op, images, *given) for op in both))
    backward = fastest(*(lambda op=op: torch.autograd.grad(op(leaf, *given), leaf, gradient) for op in both))
    cells = [f"{ours:.2f} ms | {theirs:.2f} ms | {theirs / ours:.1f}" for ours, theirs in (forward, backward)]
    return " | ".join(["×".join(map(str, shape)), "turned, mirrors" if turned else "shifted, zeros", *cells])


def share(names: tuple[str, ...], steps: int, **options: object) -> tuple[float, float]:
    """Milliseconds of a step, and what of it is spent in augmenting."""
    plan = plan_run("dcgan", flags={"augment": names, "device": "cpu", **options})
    state = build(plan, prepare_data(plan))
    spent, backward = [0.0], Augment.backward

    def timed(call: Callable[..., Any]) -> Callable[..., Any]:
        def timing(*arguments: object) -> Any:
            start = time.thread_time()
            found = call(*arguments)
            spent[0] += time.thread_time() - start
            return found

        return timing

    for name in AUGMENTING:
        setattr(step, name, timed(getattr(apply, name)))
    Augment.backward = staticmethod(timed(backward))  # type: ignore[method-assign]
    try:
        found = []
        for number in range(steps):
            spent[0], start = 0.0, time.thread_time()
            state.run(number)
            found.append((time.thread_time() - start, spent[0]))
    finally:
        for name in AUGMENTING:
            setattr(step, name, getattr(apply, name))
        Augment.backward = staticmethod(backward)  # type: ignore[method-assign]
        state.batches.close()
    return tuple(1000 * sorted(column)[len(found) // 2] for column in zip(*found, strict=True))  # type: ignore[return-value]


def main() -> None:
    """Both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=12, help="steps of each training whose share is told")
    steps = parser.parse_args().steps
    torch.manual_seed(0)
    torch.set_num_threads(1)
    print("| images | maps | forward, op | torch | times | forward+backward, op | torch | times |\n" + "|---" * 8 + "|")
    for shape in SHAPES:
        for turned, padding in ((False, "zeros"), (True, "reflect")):
            print(f"| {row(shape, turned, padding)} |", flush=True)
    print("\n| training | augmentations | a step | in augmenting | share |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        pictures = str(write_images(Path(folder, "pictures.npz"), count=256, size=64, channels=3))
        for what, data in (("64×64, batch 32", {"data": pictures, "width": 24, "batch_size": 32}), ("digits", {})):
            for names in (("color", "translation", "cutout"), ("ada",)):
                whole, part = share(names, steps, **data)
                print(
                    f"| {what} | {' '.join(names)} | {whole:.0f} ms | {part:.1f} ms | {part / whole:.1%} |", flush=True
                )


if __name__ == "__main__":
    main()
