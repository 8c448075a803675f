"""The convolutions of the DCGANs, ours and torch's side by side.

    python benchmarks/convolutions.py [--threads 1] [--rounds 15] [--batch 64] [--layout channels_last|contiguous]

For every layer and direction: the time of each call of `zoo.ops` and of torch's convolution on the same tensors, one after
the other in every round; the median of their times and of the ratios of the rounds, with the middle half of these; and the
relative error against float64 in units of torch's. On one thread the time is that of the processor for this thread, which
neighbours on the same machine lengthen least.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from zoo import ops
from zoo.ops import library
from zoo.ops.families import convolution_heuristics

# channels of x, of y, size of x, kernel, stride, padding
LAYERS = {
    "DCGAN-64, 3 to 64": (3, 64, 64, 4, 2, 1),
    "DCGAN-64, 64 to 128": (64, 128, 32, 4, 2, 1),
    "DCGAN-64, 128 to 256": (128, 256, 16, 4, 2, 1),
    "DCGAN-64, 256 to 512": (256, 512, 8, 4, 2, 1),
    "digits, 1 to 32": (1, 32, 28, 4, 2, 1),
    "digits, 32 to 64": (32, 64, 14, 4, 2, 1),
    "digits, 64 to 128": (64, 128, 7, 3, 2, 1),
    "5x5/2, 64 to 128": (64, 128, 28, 5, 2, 2),
    "3x3/2, 64 to 128": (64, 128, 28, 3, 2, 1),
    "3x3/1, 64 to 64": (64, 64, 28, 3, 1, 1),
}
Call = Callable[[], Tensor]


def calls(batch: int, layer: tuple[int, ...], layout: torch.memory_format) -> dict[str, tuple[Call, Call, Call, bool]]:
    """direction → (ours, torch's, torch's in float64, whether the rule chooses ours)"""
    channels, outputs, size, kernel, stride, padding = layer
    x = torch.randn(batch, channels, size, size).contiguous(memory_format=torch.channels_last)
    weight = (torch.randn(outputs, channels, kernel, kernel) / (channels * kernel**2) ** 0.5).contiguous(
        memory_format=layout
    )
    y = torch.randn_like(F.conv2d(x, weight, None, stride, padding)).contiguous(memory_format=torch.channels_last)
    last = layout == torch.channels_last
    options = (None, [stride] * 2, [padding] * 2, [1, 1], False, [0, 0], 1)

    def backward(index: int, dtype: torch.dtype) -> Call:
        tensors = [t.to(dtype) for t in (y, x, weight)]
        mask = [index == 0, index == 1, False]
        return lambda: torch.ops.aten.convolution_backward(*tensors, *options, mask)[index]

    def forward(dtype: torch.dtype) -> Call:
        tensors = [t.to(dtype) for t in (x, weight)]
        return lambda: F.conv2d(*tensors, None, stride, padding)

    geometry = convolution_heuristics.Geometry.of_conv2d(x, weight, stride, padding)
    wide = torch.float64
    ours = {
        "forward": lambda: torch.ops.zoo.conv2d_forward(x, weight, stride, padding),
        "transposed": lambda: torch.ops.zoo.conv_transpose2d_forward(y, weight, stride, padding, size, size),
        "weight": lambda: torch.ops.zoo.conv2d_weight_gradient(x, y, kernel, stride, padding, last),
    }
    theirs = {
        "forward": (forward(x.dtype), forward(wide)),
        "transposed": (backward(0, x.dtype), backward(0, wide)),
        "weight": (backward(1, x.dtype), backward(1, wide)),
    }
    return {
        d: (ours[d], *theirs[d], convolution_heuristics.pays(d, geometry)) for d in convolution_heuristics.DIRECTIONS
    }


def measure(contenders: list[Call], rounds: int, clock: Callable[[], float]) -> list[list[float]]:
    """Seconds of each contender in each round."""
    times: list[list[float]] = [[] for _ in contenders]
    for call in contenders:
        call()
    for number in range(rounds):
        for index in range(len(contenders)):
            which = (index + number) % len(contenders)
            start = clock()
            contenders[which]()
            times[which].append(clock() - start)
    return times


def error(value: Tensor, exact: Tensor) -> float:
    return float((value.double() - exact).norm() / exact.norm())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--layout", choices=["channels_last", "contiguous"], default="channels_last", help="of weights")
    given = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(given.threads)
    clock = time.thread_time if given.threads == 1 else time.perf_counter
    layout = torch.channels_last if given.layout == "channels_last" else torch.contiguous_format
    print(f"torch {torch.__version__}, {library.instruction_set()}, {given.threads} thread(s), batch {given.batch}")
    print(
        "| layer | direction | ours ms | torch ms | ours / torch | middle half | GFLOP/s | error / torch's | served |"
    )
    print("|---|---|--:|--:|--:|--:|--:|--:|---|")
    for name, layer in LAYERS.items():
        channels, outputs, size, kernel, stride, padding = layer
        out = (size + 2 * padding - kernel) // stride + 1
        work = 2 * given.batch * out * out * channels * outputs * kernel**2
        for direction, (ours, theirs, exact, pays) in calls(given.batch, layer, layout).items():
            true = exact()
            ratio_of_errors = error(ours(), true) / error(theirs(), true)
            mine, torchs = measure([ours, theirs], given.rounds, clock)
            ratios = [a / b for a, b in zip(mine, torchs, strict=True)]
            quarters = statistics.quantiles(ratios, n=4)
            print(
                f"| {name} | {direction} | {statistics.median(mine) * 1e3:.2f} | {statistics.median(torchs) * 1e3:.2f} "
                f"| {quarters[1]:.2f} | {quarters[0]:.2f} to {quarters[2]:.2f} "
                f"| {work / statistics.median(mine) / 1e9:.0f} | {ratio_of_errors:.2f} | {'ours' if pays else 'torch'} |",
                flush=True,
            )


if __name__ == "__main__":
    if ops.status()["conv2d"]["cpu"]["served_by"] != "native":
        raise SystemExit(f"no native convolution here: {ops.status()['conv2d']['cpu']['why']}")
    main()
