"""Resampling, 1×1 and grouped convolutions: ours, torch's and torch.compile's side by side.

    python benchmarks/modern_layers.py [--threads 1] [--rounds 15] [--batch 32] [--only WORD] [--no-compile]

For every layer: the time of the forward pass alone, and of the forward and the backward pass with the gradients of the image and
of the parameters, on the same channels_last tensors, one after the other in every round; the medians, and of ours to each of the
others the median of the ratios of the rounds. On one thread the time is that of the processor for this thread, which neighbours on
the same machine lengthen least. "torch" is what a user would write: a depthwise convolution with the filter's outer product for
the resampling, `torch.nn.Upsample`, `torch.nn.Conv2d`.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import torch
import torch.nn.functional as F  # noqa: N812
from convolutions import measure
from torch import Tensor, nn

import zoo.nn
from zoo import ops
from zoo.engine.runtime.memory import keep_freed_memory
from zoo.ops import library

SLOPE = 0.2
GROUPED = (
    *((256, 16, 4), (256, 32, 4), (128, 16, 8), (128, 32, 8)),
    *((64, 8, 16), (64, 16, 16), (64, 32, 16), (64, 16, 32), (64, 32, 32), (32, 8, 64)),
)
"""Channels, channels of a group, size of x."""


class Filtered(nn.Module):
    """Upsampling or downsampling by the taps (1, 2, 1) or others, as a depthwise convolution, then bias and leaky ReLU."""

    kernel: Tensor

    def __init__(self, channels: int, taps: tuple[float, ...], up: bool, activation: bool) -> None:
        super().__init__()
        row = torch.tensor(taps) / sum(taps) * (2 if up else 1)
        self.register_buffer("kernel", torch.outer(row, row).expand(channels, 1, -1, -1).contiguous())
        self.channels, self.up, self.edge = channels, up, (len(taps) - 1) // 2
        self.bias = nn.Parameter(torch.zeros(channels)) if activation else None

    def forward(self, x: Tensor) -> Tensor:
        if self.up:
            taps = self.kernel.shape[2]
            more = 2 * self.edge - taps + 2
            y = F.conv_transpose2d(x, self.kernel, self.bias, 2, self.edge, more, groups=self.channels)
        else:
            y = F.conv2d(x, self.kernel, self.bias, 2, self.edge, groups=self.channels)
        return y if self.bias is None else F.leaky_relu(y, SLOPE)


class Fused(nn.Module):
    """The same by zoo.ops.upfirdn2d."""

    def __init__(self, channels: int, taps: tuple[float, ...], up: bool) -> None:
        super().__init__()
        self.taps = tuple((2 if up else 1) * tap / sum(taps) for tap in taps)
        self.up = up
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        taps = len(self.taps)
        if self.up:
            before, after = taps // 2, taps // 2 + taps % 2 - 1
            return ops.upfirdn2d(x, self.taps, 2, 1, (before, after, before, after), self.bias, "leaky_relu", SLOPE)
        before, after = (taps - 1) // 2, (taps - 2) // 2
        return ops.upfirdn2d(x, self.taps, 1, 2, (before, after, before, after), self.bias, "leaky_relu", SLOPE)


def layers() -> dict[str, tuple[nn.Module, nn.Module, tuple[int, int]]]:
    """What it is → (ours, torch's, channels and size of x)."""
    found: dict[str, tuple[nn.Module, nn.Module, tuple[int, int]]] = {}
    for channels, size in ((128, 8), (64, 16), (32, 32)):
        for taps in ((1.0, 2.0, 1.0), (1.0, 3.0, 3.0, 1.0)):
            name = str(tuple(map(int, taps)))
            shape = f"{channels}×{size}×{size}"
            x = (channels, size)
            found[f"up {name} {shape}"] = zoo.nn.Upsample2d(taps), Filtered(channels, taps, True, False), x
            found[f"down {name} {shape}"] = zoo.nn.Downsample2d(taps), Filtered(channels, taps, False, False), x
        taps = (1.0, 3.0, 3.0, 1.0)
        for up in (True, False):
            way = "up" if up else "down"
            theirs = Filtered(channels, taps, up, True)
            found[f"{way} {name}, bias, leaky ReLU {shape}"] = Fused(channels, taps, up), theirs, x
    for channels, size in ((128, 8), (32, 32)):
        x, shape = (channels, size), f"{channels}×{size}×{size}"
        for mode in ("nearest", "bilinear"):
            theirs = nn.Upsample(scale_factor=2, mode=mode)
            found[f"up {mode} {shape}"] = zoo.nn.Upsample2d(mode), theirs, x
        found[f"down box {shape}"] = zoo.nn.Downsample2d("box"), nn.AvgPool2d(2), x
    for channels, size in ((256, 4), (128, 8), (64, 16), (32, 32)):
        x, shape = (channels, size), f"{channels}×{size}×{size}"
        ours, plain = zoo.nn.UpsampleConv2d(channels, channels), nn.Conv2d(channels, channels, 3, padding=1)
        found[f"nearest, 3×3 {shape}"] = ours, nn.Sequential(nn.Upsample(scale_factor=2), plain), x
    for channels, outputs, size in ((256, 128, 4), (128, 256, 8), (64, 128, 16), (128, 64, 16), (32, 64, 32)):
        ours, theirs = zoo.nn.Conv2dAct(channels, outputs, 1, bias=False), nn.Conv2d(channels, outputs, 1, bias=False)
        found[f"1×1 to {outputs} {channels}×{size}×{size}"] = ours, theirs, (channels, size)
    for channels, width, size in GROUPED:
        arguments = (channels, channels, 3, 1, 1, 1, channels // width, False)
        ours, theirs = zoo.nn.Conv2dAct(*arguments), nn.Conv2d(*arguments)
        found[f"3×3, groups of {width} {channels}×{size}×{size}"] = ours, theirs, (channels, size)
    return found


def passes(
    layer: Callable[[Tensor], Tensor], parameters: list[nn.Parameter], x: Tensor, backward: bool
) -> Callable[[], object]:
    """The forward pass, and the backward pass too."""
    if not backward:

        def forward() -> Tensor:
            with torch.no_grad():
                return layer(x)

        return forward
    leaf = x.clone(memory_format=torch.preserve_format).requires_grad_()
    upstream = torch.randn_like(layer(leaf))
    return lambda: torch.autograd.grad(layer(leaf), [leaf, *parameters], upstream)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--only", default="", help="the layers whose name has this in it")
    parser.add_argument(
        "--no-compile", action="store_true", help="without torch.compile, which takes a while per layer"
    )
    given = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(given.threads)
    keep_freed_memory()  # as in a training
    clock = time.thread_time if given.threads == 1 else time.perf_counter
    print(f"torch {torch.__version__}, {library.instruction_set()}, {given.threads} thread(s), batch {given.batch}")
    print("| layer | pass | ours ms | torch ms | compiled ms | ours / torch | ours / compiled |")
    print("|---|---|--:|--:|--:|--:|--:|")
    for name, (ours, theirs, (channels, size)) in layers().items():
        if given.only not in name:
            continue
        torch.compiler.reset()
        for layer in (ours, theirs):
            layer.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        x = torch.randn(given.batch, channels, size, size).contiguous(memory_format=torch.channels_last)
        for backward in (False, True):
            contenders = [
                passes(layer, [*whose.parameters()], x, backward)
                for layer, whose in (
                    (ours, ours),
                    (theirs, theirs),
                    *(() if given.no_compile else ((torch.compile(theirs), theirs),)),
                )
            ]
            times = measure(contenders, given.rounds, clock)
            medians = [f"{statistics.median(each) * 1e3:.2f}" for each in times]
            ratios = [
                f"{statistics.median(a / b for a, b in zip(times[0], other, strict=True)):.2f}" for other in times[1:]
            ]
            medians += ["-"] * (3 - len(medians))
            ratios += ["-"] * (2 - len(ratios))
            which = "forward, backward" if backward else "forward"
            print(f"| {name} | {which} | {' | '.join(medians)} | {' | '.join(ratios)} |", flush=True)


if __name__ == "__main__":
    main()
