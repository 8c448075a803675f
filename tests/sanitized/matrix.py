"""Every CPU kernel over a small matrix of shapes, under the sanitizers: ``python matrix.py LIBRARY``, for `make test-sanitized`.

The Makefile preloads the sanitizers and says which instruction set (ZOO_CPU). A read or write out of bounds, a misaligned access or
a shift too far ends the process with a report; here it is only seen that results are those of the references, roughly.
"""

from __future__ import annotations

import ctypes
import itertools
import os
import sys
from collections.abc import Callable, Iterator
from functools import partial

os.environ["ZOO_NATIVE"] = "0"  # the library that is built for use stays out of it

import torch
import torch.nn.grad
from torch import Tensor
from torch.nn import functional

from zoo import ops
from zoo.ops import library, reference
from zoo.ops.kinds import ACTIVATIONS, LOSSES, ORDERS, PADDINGS
from zoo.ops.table import TABLE

DTYPES = (torch.float32, torch.float64, torch.bfloat16, torch.float16)
SHAPES = ((1, 1), (3, 5), (5, 33), (2, 3, 5, 7), (4, 17, 3, 3), (2, 8, 1, 1), (3, 1, 4, 4), (1, 16, 9, 8))
Case = tuple[str, Callable[[], object], Callable[[], object]]


def exact(size: tuple[int, ...], dtype: torch.dtype, last: bool) -> Tensor:
    """A tensor that is the whole of its block of memory, so that one element too far is seen."""
    made = torch.randn(size).to(dtype)
    return made.contiguous(memory_format=torch.channels_last) if last and made.dim() == 4 else made


def layouts(shape: tuple[int, ...]) -> tuple[bool, ...]:
    return (False, True) if len(shape) == 4 else (False,)


def with_gradients(call: Callable[..., Tensor], *tensors: Tensor) -> list[Tensor]:
    given = [each.clone(memory_format=torch.preserve_format).requires_grad_() for each in tensors]
    result = call(*given)
    return [result.detach(), *torch.autograd.grad(result, given, torch.ones_like(result))]


def cases() -> Iterator[Case]:
    for shape, dtype in itertools.product(SHAPES, DTYPES):
        for last, activation in itertools.product(layouts(shape), ACTIVATIONS):
            x, bias = exact(shape, dtype, last), torch.randn(shape[1]).to(dtype)
            name = f"bias_act {shape} {dtype} {last} {activation}"
            yield (
                name,
                *_both(
                    "bias_act",
                    lambda op, x=x, b=bias, a=activation: with_gradients(lambda x, b: op(x, b, a, 0.2), x, b),
                ),
            )
        for last, (up, down) in itertools.product(layouts(shape), ((2, 1), (1, 2), (3, 2))):
            if len(shape) == 2:
                continue
            x, bias = exact(shape, dtype, last), torch.randn(shape[1]).to(dtype)
            for taps, sides in (((0.25, 0.5, 0.25), (2, 1, 1, 2)), ((0.5, -0.5, 1.0, 0.1, 0.2), (4, 6, -1, 7))):
                yield (
                    f"upfirdn2d {shape} {dtype} {last} {up} {down} {taps}",
                    *_both(
                        "upfirdn2d",
                        lambda op, x=x, b=bias, u=up, d=down, t=taps, s=sides: with_gradients(
                            lambda x, b: op(x, t, u, d, s, b, "leaky_relu"), x, b
                        ),
                    ),
                )
        for last, order, training in itertools.product(layouts(shape), ORDERS, (True, False)):
            x, weight = exact(shape, dtype, last), torch.randn(shape[1]).to(dtype)
            groups = (1, shape[0]) if training and shape[0] > 1 and len(shape) == 4 else (1,)
            for parts in groups:
                if training and x.numel() // (shape[1] * parts) < 2:
                    continue

                def normalised(op, x=x, w=weight, o=order, t=training, g=parts):
                    mean, var = torch.zeros(x.shape[1], dtype=x.dtype), torch.ones(x.shape[1], dtype=x.dtype)
                    return with_gradients(
                        lambda x, w: op(x, w, w, mean, var, t, 0.1, 1e-5, "leaky_relu", 0.2, o, g), x, w
                    )

                yield (
                    f"batch_norm_act {shape} {dtype} {last} {order} {training} {parts}",
                    *_both("batch_norm_act", normalised),
                )
    pictures = [shape for shape in SHAPES if len(shape) == 4]
    for shape, dtype, last, padding in itertools.product(pictures, DTYPES, (False, True), PADDINGS):
        x, (count, channels) = exact(shape, dtype, last), shape[:2]
        turned = torch.eye(2, 3) + torch.randn(count, 2, 3)
        turned[0] = torch.tensor([[-1.0, 0, shape[3] - 1], [0, 1, 3]])  # copied
        more = (turned, torch.randn(count, channels, 2 * channels + 1), torch.randint(-1, 5, (count, 4)), padding)
        yield (
            f"augment {shape} {dtype} {last} {padding}",
            *_both("augment", lambda op, x=x, more=more: with_gradients(lambda x: op(x, *more), x)),
        )
    empty = torch.zeros(0, 5, 3, 3)
    yield (
        "bias_act, empty",
        *_both(
            "bias_act", lambda op: [*with_gradients(lambda x, b: op(x, b, "relu"), empty, torch.ones(5)), torch.ones(1)]
        ),
    )
    for count, dtype, kind in itertools.product((1, 7, 129), DTYPES, LOSSES):
        real, fake = torch.randn(count).to(dtype), torch.randn(count + 2).to(dtype)
        yield (
            f"discriminator_loss {count} {dtype} {kind}",
            *_both(
                "discriminator_loss",
                lambda op, r=real, f=fake, k=kind: with_gradients(lambda r, f: op(r, f, k)[0], r, f),
            ),
        )
        yield (
            f"generator_loss {count} {dtype} {kind}",
            *_both("generator_loss", lambda op, f=fake, k=kind: with_gradients(lambda f: op(f, k)[0], f)),
        )
    kernels = torch.ops.zoo  # products and convolutions straight, whether or not they are the faster ones for a shape
    for batch, inputs, outputs in ((1, 1, 1), (32, 65, 130), (33, 100, 513), (128, 70, 257)):
        x, w, g = torch.randn(batch, inputs), torch.randn(outputs, inputs), torch.randn(batch, outputs)
        yield (
            f"linear {batch} {inputs} {outputs}",
            partial(kernels.linear_forward, x, w),
            partial(functional.linear, x, w),
        )
        yield (
            f"linear, x's {batch} {inputs} {outputs}",
            partial(kernels.linear_forward, g, w.T),
            partial(functional.linear, g, w.T),
        )
        yield (
            f"linear, weight's {batch} {inputs} {outputs}",
            partial(kernels.linear_forward, g.T, x.T),
            partial(functional.linear, g.T, x.T),
        )
    channels = ((1, 16), (3, 16), (16, 33), (33, 16), (64, 48))
    known = ((4, 2, 1), (5, 2, 2), (3, 2, 1), (3, 1, 1))
    more = ((1, 1, 0), (7, 3, 2), (4, 1, 3))  # in bfloat16 alone
    for (kernel, stride, padding), (ci, co), size in itertools.product(known + more, channels, (5, 16, 34)):
        if size == 34 and min(ci, co) < 16:
            continue
        dtypes = (torch.float32, torch.bfloat16) if (kernel, stride, padding) in known else (torch.bfloat16,)
        for last, dtype in itertools.product((False, True), dtypes):
            x, w = exact((2, ci, size, size + 1), dtype, True), exact((co, ci, kernel, kernel), dtype, last)
            y = functional.conv2d(x, w, None, stride, padding).contiguous(memory_format=torch.channels_last)
            name = f"{kernel} {stride} {padding} {ci} {co} {size} {last} {dtype}"
            yield (
                f"conv2d {name}",
                partial(kernels.conv2d_forward, x, w, stride, padding),
                partial(functional.conv2d, x, w, None, stride, padding),
            )
            yield (
                f"conv_transpose2d {name}",
                partial(kernels.conv_transpose2d_forward, y, w, stride, padding, size, size + 1),
                partial(torch.nn.grad.conv2d_input, x.shape, w, y, stride, padding),
            )
            yield (
                f"conv2d_weight_gradient {name}",
                partial(kernels.conv2d_weight_gradient, x, y, kernel, stride, padding, last),
                partial(torch.nn.grad.conv2d_weight, x, w.shape, y, stride, padding),
            )


def _both(
    op: str, call: Callable[[Callable[..., Tensor]], object]
) -> tuple[Callable[[], object], Callable[[], object]]:
    return lambda: call(getattr(ops, op)), lambda: call(getattr(reference, op))


def _list(made: object) -> list[Tensor]:
    return made if isinstance(made, list) else [made]  # type: ignore[list-item]


def main() -> int:
    torch.ops.load_library(sys.argv[1])
    name = ctypes.CDLL(sys.argv[1]).zoo_instruction_set
    name.restype = ctypes.c_char_p
    here, asked = name().decode(), os.environ.get("ZOO_CPU", "")
    if asked and here != asked:
        print(f"{asked}: this processor does not have it")
        return 0
    library._asked = ""
    library._native["cpu"] = frozenset(TABLE)
    torch.manual_seed(0)
    torch.set_num_threads(2)
    count, wrong = 0, []
    for name, ours, theirs in cases():
        if not name.startswith(tuple(sys.argv[2:]) or ""):
            continue
        count += 1
        one, other = (torch.cat([each.double().flatten() for each in _list(call())]) for call in (ours, theirs))
        if not float((one - other).abs().max()) <= 0.05 * float(other.abs().max()):
            wrong.append(name)
    print(
        f"{os.environ.get('ZOO_CPU', '')}: {count} cases under the sanitizers, {len(wrong)} wrong",
        *wrong[:20],
        sep="\n  ",
    )
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
