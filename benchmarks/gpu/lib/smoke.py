"""smoke.py batch_norm_act | bias_act | losses | whole: each op on the device against the reference in float64, with gradients.

A line for each case that fails, one for each group of cases that do not; all of it in some seconds. `whole` runs training steps.
"""

from __future__ import annotations

import functools
import os
import sys
import traceback
from collections import defaultdict
from typing import Any

import torch
from common import need_device, tell

from zoo import ops
from zoo.ops import kinds, reference

DEVICE = need_device()
DTYPES = (torch.float32, torch.bfloat16, torch.float16, torch.float64)
LIMITS = {torch.float64: 1e-10, torch.float32: 1e-4, torch.bfloat16: 4e-2, torch.float16: 6e-3}
ACTIVATIONS = [(name, 0.2 if name == "leaky_relu" else 0.0) for name in kinds.ACTIVATIONS]
PLANS = ("", "block", "cooperative", "split")
# (shape, groups): odd, one channel, rows, and what DCGAN-64 normalises at batch 128
SHAPES = [
    ((48, 19), 3),
    ((6, 19, 5, 7), 3),
    ((64, 1), 2),
    ((2, 1, 3, 5), 1),
    ((64, 256), 2),
    ((3000, 24), 3),
    ((8, 64, 4, 4), 2),
]
LARGE = [
    ((128, 64, 32, 32), 1),
    ((128, 128, 16, 16), 1),
    ((128, 256, 8, 8), 1),
    ((128, 512, 4, 4), 1),
    ((128, 64, 32, 32), 2),
]

worst: dict[tuple[Any, ...], float] = defaultdict(float)
counts: dict[str, int] = {"right": 0, "wrong": 0}


@functools.lru_cache(64)
def random(shape: tuple[int, ...], dtype: torch.dtype, seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed + 31 * sum(shape))
    return torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype)


def laid(x: torch.Tensor, layout: str) -> torch.Tensor:
    x = x.to(DEVICE)
    if layout == "channels_last" and x.dim() == 4:
        return x.contiguous(memory_format=torch.channels_last)
    if layout == "unaligned":
        return torch.cat([x.new_zeros(1), x.flatten()])[1:].view(x.shape)
    return x


def leaves(*tensors: torch.Tensor | None, dtype: torch.dtype | None = None) -> list[Any]:
    return [None if t is None else t.detach().to(dtype or t.dtype).requires_grad_() for t in tensors]


def compare(
    group: tuple[Any, ...],
    what: str,
    dtype: torch.dtype,
    pairs: dict[str, tuple[torch.Tensor, torch.Tensor]],
    factor: float = 1.0,
) -> None:
    for name, (got, want) in pairs.items():
        want = want.detach().double()
        got = got.detach().to(want.device).double()
        scale = max(1.0, float(want.abs().max()) if want.numel() else 1.0)
        error = float((got - want).abs().max()) / scale if want.numel() else 0.0
        right = got.shape == want.shape and error <= LIMITS[dtype] * factor  # never so for NaN
        counts["right" if right else "wrong"] += 1
        worst[group] = max(worst[group], error) if error == error else float("nan")
        if not right and counts["wrong"] <= 40:
            tell("WRONG", case=f"{what}: {name}", error=error, limit=LIMITS[dtype] * factor)


def batch_norm_act() -> None:
    for large in (False, True):
        for plan in PLANS:
            os.environ["ZOO_CUDA_PLAN"] = plan
            for dtype in DTYPES if not large else DTYPES[:2]:
                wide = torch.float64 if dtype == torch.float64 else torch.float32
                for shape, groups in LARGE if large else SHAPES:
                    for layout in (
                        ("contiguous", "channels_last") if large else ("contiguous", "channels_last", "unaligned")
                    ):
                        if len(shape) == 2 and layout == "channels_last":
                            continue
                        for number, (activation, slope) in enumerate(ACTIVATIONS if not large else ACTIVATIONS[2:3]):
                            order = ("norm_act", "act_norm")[number % 2] if not large else "norm_act"
                            for training in (True, False) if not large else (True,):
                                case(shape, groups, dtype, wide, layout, activation, slope, order, training, plan)
            mine = {dtype: error for (a, b, dtype), error in worst.items() if (a, b) == (plan, large)}
            errors = {str(dtype)[6:]: mine.get(dtype) for dtype in DTYPES}
            tell("batch_norm_act", plan=plan or "chosen", large=large, **counts, worst=errors)


def case(shape, groups, dtype, wide, layout, activation, slope, order, training, plan) -> None:
    channels = shape[1]
    x = laid(random(shape, dtype, 0) * 2 + 0.5, layout)
    weight, bias = (1 + 0.3 * random((channels,), wide, 1)).to(DEVICE), random((channels,), wide, 2).to(DEVICE)
    kept = [random((channels,), wide, 3).to(DEVICE), random((channels,), wide, 4).exp().to(DEVICE)]
    # The reference in float64, on the CPU; that of large tensors on the device, where torch's own kernels take no time.
    place = DEVICE if len(shape) == 4 and shape[0] == 128 else "cpu"
    inputs, twins = (
        leaves(x, weight, bias),
        leaves(*(t.to(place).contiguous() for t in (x, weight, bias)), dtype=torch.float64),
    )
    expected_kept = [t.to(place).double() for t in kept]
    options = (training, 0.1, 1e-5, activation, slope, order, groups)
    y, expected = (
        ops.batch_norm_act(*inputs, *kept, *options),
        reference.batch_norm_act(*twins, *expected_kept, *options),
    )
    upstream = random(shape, dtype, 5)
    got = torch.autograd.grad(y, inputs, upstream.to(DEVICE))
    want = torch.autograd.grad(expected, twins, upstream.double().to(place))
    names = ("dx", "dweight", "dbias")
    pairs = {
        "y": (y, expected),
        "running mean": (kept[0], expected_kept[0]),
        "running variance": (kept[1], expected_kept[1]),
    }
    large = len(shape) == 4 and shape[0] == 128
    what = f"batch_norm_act {shape} groups={groups} {dtype} {layout} {activation} {order} {training=} plan={plan or 'chosen'}"
    compare((plan, large, dtype), what, dtype, pairs)
    compare((plan, large, dtype), what, dtype, dict(zip(names, zip(got, want, strict=False), strict=False)), factor=4)


def bias_act() -> None:
    for dtype in DTYPES:
        for shape in [*(shape for shape, _ in SHAPES), (128, 64, 32, 32), (128, 3, 64, 64)]:
            large = len(shape) == 4 and shape[0] == 128
            place = DEVICE if large else "cpu"
            for layout in ("contiguous", "channels_last", "unaligned"):
                for activation, slope in ACTIVATIONS[2:] if large else ACTIVATIONS:
                    for given in (
                        [torch.float32]
                        if large and dtype != torch.float64
                        else list(
                            dict.fromkeys([dtype, None] if dtype == torch.float64 else [dtype, torch.float32, None])
                        )
                    ):
                        x = laid(random(shape, dtype, 0), layout)
                        bias = None if given is None else random((shape[1],), given, 1).to(DEVICE)
                        inputs = leaves(x, bias)
                        twins = leaves(
                            x.to(place).contiguous(), None if bias is None else bias.to(place), dtype=torch.float64
                        )
                        y, expected = (
                            ops.bias_act(*inputs, activation, slope),
                            reference.bias_act(*twins, activation, slope),
                        )
                        upstream = random(shape, dtype, 5)
                        asked = [t for t in inputs if t is not None], [t for t in twins if t is not None]
                        got = torch.autograd.grad(y, asked[0], upstream.to(DEVICE))
                        want = torch.autograd.grad(expected, asked[1], upstream.double().to(place))
                        what = f"bias_act {shape} {dtype} {layout} {activation} bias={given}"
                        compare((dtype,), what, dtype, {"y": (y, expected), "dx": (got[0], want[0])})
                        if bias is not None:
                            compare((dtype,), what, dtype, {"dbias": (got[1], want[1])}, factor=4)
        tell("bias_act", dtype=str(dtype)[6:], **counts, worst=worst[(dtype,)])


def losses() -> None:
    for dtype in DTYPES:
        for kind in kinds.LOSSES:
            for shapes in (
                ((), (3,)),
                ((64, 1), (64, 1)),
                ((128,), (128,)),
                ((4099,), (1,)),
                ((65536,), (65537,)),
                ((3, 99999), (200003,)),
            ):
                inputs = leaves(*(random(s, dtype, i).mul(3).to(DEVICE) for i, s in enumerate(shapes)))
                twins = leaves(*(t.cpu() for t in inputs), dtype=torch.float64)
                pairs = {}
                for name, call in (("d", "discriminator_loss"), ("g", "generator_loss")):
                    chosen = slice(None) if name == "d" else slice(1, 2)
                    ours, theirs = (
                        getattr(ops, call)(*inputs[chosen], kind, scale=0.5),
                        getattr(reference, call)(*twins[chosen], kind, scale=0.5),
                    )
                    pairs |= {
                        f"{name} loss": (ours.loss, theirs.loss),
                        f"{name} statistics": (ours.statistics, theirs.statistics),
                    }
                    got, want = (
                        torch.autograd.grad(ours.loss, inputs[chosen]),
                        torch.autograd.grad(theirs.loss, twins[chosen]),
                    )
                    if dtype != torch.float16 or max(t.numel() for t in got) < 10_000:
                        pairs |= {
                            f"{name} gradient {i}": (a * a.numel(), b * b.numel())
                            for i, (a, b) in enumerate(zip(got, want, strict=False))
                        }
                compare((dtype,), f"{kind} {shapes} {dtype}", dtype, pairs, factor=2)
        tell("losses", dtype=str(dtype)[6:], **counts, worst=worst[(dtype,)])


def whole() -> None:
    """Some steps of each architecture on the device, captured and not, beside the CPU's."""
    import logging

    from zoo.engine.build import build, prepare_data
    from zoo.engine.plan import plan_run

    log = logging.getLogger("zoo")
    log.setLevel(logging.INFO)
    for name in ("vanilla", "dcgan", "lsgan", "cgan"):
        told: dict[str, list[float]] = {}
        for way, device, more in (
            ("cpu", "cpu", {}),
            ("cuda", DEVICE, {}),
            ("captured", DEVICE, {"capture": True}),
            ("bfloat16", DEVICE, {"precision": "bfloat16"}),
        ):
            said: list[str] = []
            handler = logging.Handler()
            handler.emit = lambda record, said=said: said.append(record.getMessage())  # type: ignore[method-assign]
            log.addHandler(handler)
            try:
                if way == "captured" and DEVICE != "cuda":
                    continue
                plan = plan_run(name, flags={"batch_size": 16, "device": device, **more})
                made = build(plan, prepare_data(plan))
                told[way] = []
                for number in range(3 if way == "cpu" else 12):
                    statistics = made.run(number)
                    told[way].append(float(statistics["d_loss"]))
                made.batches.close()
                tell(
                    "steps",
                    of=name,
                    way=way,
                    losses=[round(v, 5) for v in told[way][:3]],
                    finite=all(v == v for v in told[way]),
                    said=said,
                )
                counts["right"] += 1
            except Exception as error:
                counts["wrong"] += 1
                tell("WRONG", case=f"steps of {name}, {way}", error=f"{type(error).__name__}: {error}"[:300], said=said)
                traceback.print_exc()
            finally:
                log.removeHandler(handler)
        if {"cpu", "cuda"} <= told.keys():
            told.setdefault("captured", [])
            apart = {
                way: max((abs(a - b) for a, b in zip(told[one], told["cuda"], strict=False)), default=None)
                for way, one in (("cuda_from_cpu", "cpu"), ("captured_from_cuda", "captured"))
            }
            tell("first losses apart", of=name, **apart)


if __name__ == "__main__":
    torch.set_num_threads(3)
    family = sys.argv[1]
    try:
        {"batch_norm_act": batch_norm_act, "bias_act": bias_act, "losses": losses, "whole": whole}[family]()
    except Exception as error:
        tell("WRONG", case=f"{family} broke off", error=f"{type(error).__name__}: {error}"[:400])
        traceback.print_exc()
        counts["wrong"] += 1
    tell("smoke", family=family, **counts)
    sys.exit(1 if counts["wrong"] else 0)
