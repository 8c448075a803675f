"""augment: colour, warp and box against plain torch in float64, copies that are exact, and gradients of every order."""

from __future__ import annotations

from itertools import product

import pytest
import torch
from op_cases import DTYPES, close, gradients, leaves, tensor
from torch import nn

from zoo import ops
from zoo.ops import reference
from zoo.ops.kinds import PADDINGS

SHAPES = [(3, 3, 13, 11), (2, 1, 8, 8), (2, 4, 5, 17), (2, 6, 4, 9), (1, 3, 1, 1), (2, 2, 1, 7), (2, 3, 33, 40)]
LAYOUTS = ["contiguous", "channels_last", "transposed", "expanded"]


def laid(x: torch.Tensor, layout: str) -> torch.Tensor:
    if layout == "channels_last":
        return x.contiguous(memory_format=torch.channels_last)
    if layout == "transposed":
        return x.transpose(2, 3).contiguous().transpose(2, 3)
    return x[..., :1].expand(x.shape) if layout == "expanded" else x


def parameters(shape: tuple[int, ...], seed: int = 1) -> dict[str, torch.Tensor]:
    """Maps that turn, scale and shift by parts of pixels, and beyond the edge; colours; boxes, some of which reach beyond it."""
    count, channels, height, width = shape
    affine = tensor((count, 2, 3), seed=seed).float() * 0.3 + torch.eye(2, 3)
    affine[:, :, 2] *= 4
    affine[0] *= 2.5  # looks well beyond the edge
    color = tensor((count, channels, 2 * channels + 1), seed=seed + 1).float() / 2
    color[-1, :, channels:-1] = 0  # no means
    box = torch.tensor([[-2, 1, height // 2, width + 3], [1, 0, 3, 2], [3, 3, 3, 9]])[:count]
    return {"affine": affine, "color": color, "box": box}


def subsets(given: dict[str, torch.Tensor]) -> list[dict[str, torch.Tensor]]:
    names = [("affine",), ("color",), ("box",), ("affine", "color"), ("affine", "color", "box"), ()]
    return [{name: given[name] for name in some} for some in names]


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_equals_the_reference_in_float64(dtype, layout):
    for shape, padding in product(SHAPES, PADDINGS):
        x = laid(tensor(shape, dtype), layout)
        for given in subsets(parameters(shape)):
            inputs, wide = leaves(x), leaves(x, dtype=torch.float64)
            y = ops.augment(*inputs, **given, padding=padding)
            expected = reference.augment(*wide, **given, padding=padding)
            what = f"{shape} {padding} {sorted(given)}"
            assert y.dtype == dtype, what
            assert y.is_contiguous(memory_format=torch.channels_last) or layout != "channels_last", what
            close(y, expected, dtype, factor=3, what=what)
            (got,), (want,) = gradients(y, inputs, dtype=dtype), gradients(expected, wide, dtype=dtype)
            assert got.dtype == dtype, what
            close(got, want, dtype, factor=6, what=f"gradient, {what}")


@pytest.mark.parametrize("padding", PADDINGS)
def test_the_backward_is_the_adjoint_of_the_linear_part(padding):
    for shape, layout in product(SHAPES, LAYOUTS[:2]):
        for given in subsets(parameters(shape)):
            x, y = laid(tensor(shape, torch.float64), layout), laid(tensor(shape, torch.float64, 7), layout)
            all_of_it = [given.get("affine"), given.get("color"), given.get("box"), PADDINGS.index(padding)]
            there = torch.ops.zoo.augment_forward(x, *all_of_it, True)
            back = torch.ops.zoo.augment_backward(y, *all_of_it)
            torch.testing.assert_close((there * y).sum(), (x * back).sum(), rtol=1e-11, atol=1e-11)
            torch.testing.assert_close(back, reference.augment_adjoint(y, **given, padding=padding))
            constant = ops.augment(torch.zeros_like(x), **given, padding=padding)
            torch.testing.assert_close(there + constant, ops.augment(x, **given, padding=padding))


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("shape", [(2, 2, 4, 5), (2, 1, 3, 3)])
def test_gradients_of_first_and_second_order_in_float64(shape, padding):
    for given in subsets(parameters(shape)):
        (x,) = leaves(tensor(shape, torch.float64))

        def call(x, given=given):
            return ops.augment(x, **given, padding=padding)

        assert torch.autograd.gradcheck(call, x)
        assert torch.autograd.gradgradcheck(call, x)


def test_a_penalty_on_gradients_is_that_of_the_reference():
    shape = (3, 3, 6, 7)
    found = []
    for module in (ops, reference):
        (x,) = leaves(tensor(shape, torch.float64))
        logits = module.augment(x, **parameters(shape), padding="reflect").pow(3).sum((1, 2, 3))
        (gradient,) = torch.autograd.grad(logits.sum(), x, create_graph=True)
        found.append(torch.autograd.grad(gradient.square().sum(), x)[0])
    torch.testing.assert_close(*found)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("layout", LAYOUTS[:2])
def test_pixels_that_only_move_are_copied_bit_by_bit(dtype, layout):
    x = laid(tensor((6, 3, 9, 9), dtype), layout)
    x[:, :, 4, 4] = float("inf")
    x[:, :, 4, 5] = float("nan")
    x[:, :, 5, 5] = -0.0
    maps = {
        "stays": ([1, 0, 0, 0, 1, 0], x[0]),
        "shifts": ([1, 0, 2, 0, 1, -3], nn.functional.pad(x[1], (0, 2, 3, 0))[:, :9, 2:]),
        "flips": ([-1, 0, 8, 0, 1, 0], x[2].flip(2)),
        "turns": ([0, 1, 0, -1, 0, 8], x[3].rot90(-1, (1, 2))),
        "swaps": ([0, 1, 0, 1, 0, 0], x[4].transpose(1, 2)),
        "thins": ([2, 0, 0, 0, 2, 0], nn.functional.pad(x[5, :, ::2, ::2], (0, 4, 0, 4))),
    }
    affine = torch.tensor([each for each, _ in maps.values()], dtype=torch.float32).view(6, 2, 3)
    for name, got, (_, want) in zip(maps, ops.augment(x, affine), maps.values(), strict=True):
        assert bits(got) == bits(want), name


def bits(x: torch.Tensor) -> bytes:
    if x.dtype.itemsize == 2:  # which NaN it is, torch's own conversion to halves does not keep
        x = torch.where(x.isnan(), torch.full_like(x, float("nan")), x)
    return x.contiguous().view(torch.uint8).numpy().tobytes()


def test_a_mirror_is_that_of_torchs_padding_as_far_as_one_looks():
    x = tensor((1, 2, 5, 6), torch.float64)
    wide = nn.functional.pad(nn.functional.pad(x, (5, 5, 4, 4), "reflect"), (9, 9, 7, 7), "reflect")
    for right, down in ((0, 0), (3, -2), (-9, 8), (14, 11), (-14, -11)):
        affine = torch.tensor([[[1.0, 0.0, right], [0.0, 1.0, down]]])
        expected = wide[:, :, 11 + down : 16 + down, 14 + right : 20 + right]
        assert torch.equal(ops.augment(x, affine, padding="reflect"), expected)


def test_a_warp_is_that_of_torchs_grid_sample():
    shape = (3, 3, 13, 11)
    x, affine = tensor(shape, torch.float64), parameters(shape)["affine"]
    rows, columns = torch.meshgrid(torch.arange(13.0), torch.arange(11.0), indexing="ij")
    places = torch.stack([columns, rows, torch.ones_like(rows)], -1).double() @ affine.double().transpose(1, 2)[:, None]
    grid = 2 * places / torch.tensor([10.0, 12.0]) - 1
    for padding, theirs in (("zeros", "zeros"), ("reflect", "reflection")):
        expected = nn.functional.grid_sample(x, grid, padding_mode=theirs, align_corners=True)
        torch.testing.assert_close(ops.augment(x, affine, padding=padding), expected)


def test_infinities_spread_to_pixels_that_they_are_part_of_and_no_further():
    x = tensor((1, 1, 6, 6))
    x[0, 0, 2, 2] = float("inf")
    affine = torch.tensor([[[1.0, 0.0, 0.5], [0.0, 1.0, 0.0]]])
    for module in (ops, reference):
        assert (module.augment(x, affine) == float("inf")).nonzero()[:, 2:].tolist() == [[2, 1], [2, 2]]
        boxed = module.augment(x, affine, box=torch.tensor([[2, 1, 3, 3]]))
        assert boxed.isfinite().all()
        assert module.augment(x, torch.tensor([[[1.0, 0.0, 9.0], [0.0, 1.0, 0.0]]])).eq(0).all()


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("value", [1e30, -1e30, float("nan"), float("inf"), 3e6])
def test_maps_that_look_absurdly_far_read_nothing_that_is_not_there(value, padding):
    x = tensor((4, 2, 5, 7), torch.float64)
    affine = torch.eye(2, 3).repeat(4, 1, 1)
    affine[0, 0, 2] = affine[1, 1, 1] = affine[2, 0, 0] = affine[3] = value
    (leaf,), (twin,) = leaves(x), leaves(x)
    y, expected = ops.augment(leaf, affine, padding=padding), reference.augment(twin, affine, padding=padding)
    torch.testing.assert_close(y, expected)
    torch.testing.assert_close(gradients(y, [leaf]), gradients(expected, [twin]))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_any_number_of_threads_gives_the_same_bits(dtype):
    shape, found = (7, 3, 31, 29), []
    for threads in (1, 3):
        torch.set_num_threads(threads)
        (x,) = leaves(tensor(shape, dtype))
        given = parameters((3, *shape[1:]))
        given = {name: each[torch.arange(7) % 3] for name, each in given.items()}
        y = ops.augment(x, **given, padding="reflect")
        found.append((y, *gradients(y, [x])))
    torch.set_num_threads(1)
    assert all(torch.equal(*pair) for pair in zip(*found, strict=True))


def test_an_empty_batch_and_a_result_that_is_never_the_input_itself():
    empty = ops.augment(*leaves(torch.zeros(0, 3, 4, 4)), torch.zeros(0, 2, 3))
    assert empty.shape == (0, 3, 4, 4)
    empty.sum().backward()
    x = tensor((1, 2, 3, 3))
    for module in (ops, reference):
        assert module.augment(x).data_ptr() != x.data_ptr()
        assert torch.equal(module.augment(x), x)


def test_a_box_in_place_of_another_is_seen_by_the_backward():
    (x,), box = leaves(tensor((2, 1, 3, 3))), torch.zeros(2, 4, dtype=torch.int64)
    y = ops.augment(x, box=box)
    box += 1
    if not y.grad_fn.__class__.__name__.startswith("Augment"):
        pytest.skip("the reference keeps masks of its own")
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


FITTING = {"images": torch.zeros(2, 3, 4, 5)}


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ({"images": torch.zeros(2, 3, 4)}, ValueError, "images have shape (2, 3, 4); (N, C, H, W) with sides"),
        ({"images": torch.zeros(2, 3, 4, 4, dtype=torch.uint8)}, TypeError, "torch.uint8"),
        ({"affine": torch.zeros(2, 3)}, ValueError, "affine has shape (2, 3), but images of shape (2, 3, 4, 5) need"),
        (
            {"affine": torch.zeros(2, 2, 3).double()},
            TypeError,
            "affine of shape (2, 2, 3) is torch.float64; torch.float32",
        ),
        ({"affine": torch.zeros(2, 2, 3).requires_grad_()}, ValueError, "affine wants a gradient"),
        ({"color": torch.zeros(2, 3, 4)}, ValueError, "need one of shape (2, 3, 7)"),
        ({"color": torch.zeros(2, 3, 7, device="meta")}, ValueError, "on meta"),
        ({"box": torch.zeros(2, 4)}, TypeError, "torch.int64 is needed"),
        ({"box": torch.zeros(1, 4, dtype=torch.int64)}, ValueError, "need one of shape (2, 4)"),
        ({"padding": "reflection"}, ValueError, "unknown padding 'reflection'; did you mean 'reflect'?"),
    ],
)
def test_bad_input_is_refused_with_a_message_that_names_it(given, error, words):
    with pytest.raises(error) as caught:
        ops.augment(**{**FITTING, **given})
    assert words in str(caught.value)


@pytest.mark.parametrize("layout", LAYOUTS[:2])
def test_opcheck(layout):
    shape = (3, 3, 5, 6)
    given = parameters(shape)
    x = laid(tensor(shape), layout)
    for affine, color, box in ((given["affine"], given["color"], given["box"]), (None, None, None)):
        for leaf in (x, x.clone(memory_format=torch.preserve_format).requires_grad_()):
            torch.library.opcheck(torch.ops.zoo.augment_forward, (leaf, affine, color, box, 1, False))
            torch.library.opcheck(torch.ops.zoo.augment_backward, (leaf, affine, color, box, 0))


def test_it_is_one_node_of_a_compiled_graph():
    shape = (3, 3, 5, 6)
    given = parameters(shape)
    compiled = torch.compile(lambda x: ops.augment(x, **given).square(), backend="aot_eager", fullgraph=True)
    found = []
    for call in (compiled, lambda x: ops.augment(x, **given).square()):
        (x,) = leaves(tensor(shape))
        y = call(x)
        found.append((y, *gradients(y, [x])))
    for got, want in zip(*found, strict=True):
        torch.testing.assert_close(got, want)
