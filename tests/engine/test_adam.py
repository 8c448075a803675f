"""FusedAdam takes torch's steps, in whatever layout the weights lie."""

from __future__ import annotations

import pytest
import torch
from torch import nn, optim

from zoo.engine.optim.adam import FusedAdam

LAST = torch.channels_last
SHAPES = [(6, 5, 3, 3), (6, 1, 4, 4), (7, 3), (7,), ()]
GIVEN = dict(rate=0.01, betas=(0.5, 0.9), epsilon=1e-8, weight_decay=0.1)


def weights(last: bool) -> list[nn.Parameter]:
    torch.manual_seed(0)
    drawn = [torch.randn(shape) for shape in SHAPES]
    return [nn.Parameter(each.contiguous(memory_format=LAST) if last and each.dim() == 4 else each) for each in drawn]


def torchs(parameters, decoupled=False):
    kind = optim.AdamW if decoupled else optim.Adam
    return kind(parameters, 0.01, (0.5, 0.9), 1e-8, 0.1, fused=True)


def step(optimizer, parameters, number):
    optimizer.zero_grad()
    sum((weight**2 * (number + 1)).sum() for weight in parameters).backward()
    optimizer.step()


@pytest.mark.parametrize("decoupled", [False, True])
@pytest.mark.parametrize("last", [False, True])
def test_its_steps_are_torchs_and_its_state_goes_either_way(last, decoupled):
    ours, theirs = weights(last), weights(False)
    mine, plain = FusedAdam(ours, **GIVEN, decoupled=decoupled), torchs(theirs, decoupled)
    for number in range(6):
        if number == 3:  # each goes on from what the other keeps
            first, second = mine.state_dict(), plain.state_dict()
            for kept in first["state"].values():  # torch's kernel takes a state to lie as its weights do
                kept |= {key: value.contiguous() for key, value in kept.items()}
            mine, plain = FusedAdam(ours, **GIVEN, decoupled=decoupled), torchs(theirs, decoupled)
            mine.load_state_dict(second)
            plain.load_state_dict(first)
        step(mine, ours, number)
        step(plain, theirs, number)
    rounding = dict(rtol=1e-6, atol=1e-7) if last else dict(rtol=0, atol=0)  # the ends of rows are rounded apart
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, **rounding)
        for key in ("step", "exp_avg", "exp_avg_sq"):
            torch.testing.assert_close(mine.state[one][key], plain.state[other][key], **rounding)


def test_a_gradient_that_lies_otherwise_is_taken_all_the_same():
    ours, theirs = weights(last=True), weights(last=False)
    mine, plain = FusedAdam(ours, **GIVEN, decoupled=False), torchs(theirs)
    for one, other in zip(ours, theirs, strict=True):
        other.grad = torch.arange(float(one.numel())).view(one.shape)
        one.grad = other.grad.clone()
    mine.step()
    plain.step()
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other)


def test_weights_with_gaps_in_memory_and_of_two_types_go_torchs_way():
    def given():
        return [nn.Parameter(torch.ones(4, 6)[:, ::2]), nn.Parameter(torch.ones(3, dtype=torch.float64))]

    ours, theirs = given(), given()
    mine, plain = FusedAdam(ours, **GIVEN, decoupled=False), torchs(theirs)
    for number in range(3):
        step(mine, ours, number)
        step(plain, theirs, number)
    assert all(map(torch.equal, ours, theirs))


def test_a_sparse_gradient_is_refused_in_torchs_words():
    table = nn.Embedding(4, 3, sparse=True)
    table(torch.tensor([1])).sum().backward()
    with pytest.raises(RuntimeError, match="sparse"):
        FusedAdam(table.parameters(), **GIVEN, decoupled=False).step()


def test_an_update_whose_gradients_overflow_is_left_out_and_not_counted():
    parameters = weights(last=True)
    optimizer = FusedAdam(parameters, **GIVEN, decoupled=False)
    scaler = torch.amp.GradScaler("cpu", init_scale=4.0)
    for number, factor in enumerate((1.0, float("inf"), 1.0)):
        optimizer.zero_grad()
        scaler.scale(sum((weight**2).sum() for weight in parameters) * factor).backward()
        before = [weight.detach().clone() for weight in parameters]
        scaler.step(optimizer)
        scaler.update()
        assert all(map(torch.equal, before, parameters)) == (number == 1)
    assert optimizer.state[parameters[0]]["step"] == 2
