"""sanitize.py TOOL: every kernel in every plan once, on small and odd tensors, for compute-sanitizer. No torch kernel is needed."""

from __future__ import annotations

import os
import sys

import torch
from common import need_device

from zoo.engine.runtime.device import synchronize
from zoo.ops.kinds import Loss

DEVICE = need_device()
ops = torch.ops.zoo


def on_device(*shape: int, dtype: torch.dtype = torch.float32, layout: str = "contiguous") -> torch.Tensor:
    x = torch.randn(shape).to(dtype)
    if layout == "channels_last" and x.dim() == 4:
        x = x.contiguous(memory_format=torch.channels_last)
    if layout == "unaligned":  # begins one element after a multiple of 16 bytes; exactly as long as it must be
        whole = torch.empty(x.numel() + 1, dtype=dtype, device=DEVICE)
        whole[1:].copy_(x.flatten())
        return whole[1:].view(shape)
    return x.to(DEVICE)


def batch_norm(shape: tuple[int, ...], groups: int, dtype: torch.dtype, layout: str) -> None:
    channels = shape[1]
    wide = torch.float64 if dtype == torch.float64 else torch.float32
    x, gradient = on_device(*shape, dtype=dtype, layout=layout), on_device(*shape, dtype=dtype, layout=layout)
    weight, bias, mean = (on_device(channels, dtype=wide) for _ in range(3))
    var = torch.ones(channels, dtype=wide).to(DEVICE)
    for training in (True, False):
        _, m, s = ops.batch_norm_act_forward(x, weight, bias, mean, var, training, 0.1, 1e-5, 2, 0.2, 0, groups)
        ops.batch_norm_act_backward(gradient, x, weight, bias, m, s, training, 2, 0.2, 0, groups)
    ops.batch_norm_act_forward(x, None, None, None, None, True, 0.1, 1e-5, 3, 0.0, 1, groups)
    ops.bias_act_backward(gradient, ops.bias_act_forward(x, bias, 3, 0.0), 3, 0.0)


def filters_and_augmentation(dtype: torch.dtype, layout: str) -> None:
    """Up and down by 2, on a side that no vector divides; colour, a warp in either padding, and a box."""
    x, bias = on_device(3, 5, 9, 7, dtype=dtype, layout=layout), on_device(5, dtype=dtype)
    taps = [0.125, 0.375, 0.375, 0.125]
    ops.upfirdn2d_forward(x, bias, taps, 2, 1, 2, 2, 18, 14, 2, 0.2)
    ops.upfirdn2d_forward(x, None, taps, 1, 2, 1, 1, 5, 4, 0, 0.0)
    images = on_device(4, 3, 17, 13, dtype=dtype, layout=layout)
    affine = (torch.eye(2, 3) + 0.1 * torch.randn(4, 2, 3)).to(DEVICE)
    color, box = (
        torch.randn(4, 3, 7).to(DEVICE),
        torch.tensor([[2, 3, 9, 8], [-4, -4, 3, 3], [0, 0, 0, 0], [9, 9, 40, 40]]).to(DEVICE),
    )
    for padding in (0, 1):
        y = ops.augment_forward(images, affine, color, box, padding, False)
        ops.augment_backward(y, affine, color, box, padding)
        ops.augment_forward(images, affine, None, None, padding, True)


def main() -> None:
    tool = sys.argv[1] if len(sys.argv) > 1 else "memcheck"
    shapes = [((48, 19), 3), ((6, 19, 5, 7), 3), ((64, 1), 2), ((70, 24), 2), ((4, 40, 6, 6), 2), ((2, 64, 16, 16), 1)]
    if tool == "memcheck":
        shapes += [((16, 24, 32, 32), 2), ((3, 5, 17, 31), 1)]
    for plan in ("block", "cooperative", "split"):
        os.environ["ZOO_CUDA_PLAN"] = plan
        for dtype in (
            (torch.float32, torch.bfloat16) if tool != "memcheck" else (torch.float32, torch.bfloat16, torch.float64)
        ):
            for shape, groups in shapes:
                for layout in ("contiguous", "channels_last", "unaligned"):
                    batch_norm(shape, groups, dtype, layout)
        synchronize(torch.device(DEVICE))
        print("plan", plan, "done", flush=True)
    for dtype in (torch.float32, torch.bfloat16, torch.float64):
        for layout in ("contiguous", "channels_last", "unaligned"):
            filters_and_augmentation(dtype, layout)
        for reals, fakes in ((1, 3), (128, 128), (4099, 1), (70_000, 70_001)):
            real, fake = on_device(reals, dtype=dtype), on_device(fakes, dtype=dtype)
            for kind in Loss:
                loss, _, dreal, dfake = ops.discriminator_loss_forward(real, fake, kind, 0.0, 1.0, 0.5)
                ops.discriminator_loss_backward(loss, dreal, dfake)
                loss, _, dfake = ops.generator_loss_forward(fake, kind, 0.0, 1.0, 1.0, 0.5)
                ops.generator_loss_backward(loss, dfake)
    synchronize(torch.device(DEVICE))
    print("filters, augmentation and losses done", flush=True)


if __name__ == "__main__":
    main()
