"""More than 2³¹ elements on CUDA: every index must have 64 bits."""

from __future__ import annotations

import gc
import math

import pytest
import torch
from cuda_cases import DEVICE

from zoo import ops

pytestmark = pytest.mark.ops("batch_norm_act")

CASES = [
    ((2**25 + 3, 72), False),  # nhwc in packs of 16 bytes
    ((2**26 + 3, 33), False),  # nhwc, element by element
    ((3, 72, 3200, 3200), False),  # nchw in packs
    ((3, 33, 4801, 4801), False),  # nchw, element by element
    ((3, 72, 3200, 3200), True),  # channels_last
    ((2**31 + 24, 1), False),  # one channel
]


@pytest.mark.parametrize(("shape", "channels_last"), CASES, ids=str)
@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
def test_more_elements_than_32_bits_count(shape, channels_last, training):
    gc.collect()
    torch.cuda.empty_cache()
    numel, channels = math.prod(shape), shape[1]
    assert numel > 2**31
    needed, free = 5 * 2 * numel + 8 * 8 * numel // channels, torch.cuda.mem_get_info()[0]
    if free < needed:
        pytest.skip(f"needs {needed / 2**30:.0f} GiB of device memory, {free / 2**30:.0f} GiB are free")
    memory_format = torch.channels_last if channels_last else torch.contiguous_format
    x = torch.empty(shape, dtype=torch.float16, device=DEVICE, memory_format=memory_format).normal_().requires_grad_()
    mean, var = torch.zeros(channels, device=DEVICE), torch.ones(channels, device=DEVICE)
    y = ops.batch_norm_act(x, None, None, mean, var, training, momentum=1.0, activation="leaky_relu", slope=0.2)

    # Exact in float64 for the last channel, which is where an index of 32 bits goes astray.
    last = x.detach()[:, -1].double()
    center, width = (last.mean(), last.var(correction=0)) if training else (0.0, 1.0)
    if training:
        torch.testing.assert_close(mean[-1].double(), center, rtol=0, atol=1e-6)
        torch.testing.assert_close(var[-1].double(), last.var(), rtol=1e-5, atol=0)
    normalised = (last - center) / (width + 1e-5) ** 0.5
    expected = torch.where(normalised > 0, normalised, 0.2 * normalised)
    assert float((y.detach()[:, -1].double() - expected).abs().max()) < 5e-3
    del expected

    gradient = torch.zeros_like(y)
    gradient[-1, -1] = 1
    (dx,) = torch.autograd.grad(y, x, gradient)
    del y
    g = gradient[:, -1].double() * torch.where(normalised > 0, 1.0, 0.2)
    if training:
        g = g - g.mean() - normalised * (g * normalised).mean()
    assert float((dx[:, -1].double() - g / (width + 1e-5) ** 0.5).abs().max()) < 5e-3
    assert channels == 1 or float(dx[:, 0].abs().max()) == 0
