"""Optimisers that compute what torch's compute, without loading torch's compiler."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from torch import nn, optim

from zoo.engine.optim import lean

CASES = [
    ("Adam", {"betas": (0.5, 0.99), "fused": True}),
    ("Adam", {"weight_decay": 0.1}),
    ("RMSprop", {"momentum": 0.3}),
    ("SGD", {"momentum": 0.9, "nesterov": True, "fused": True}),
]


def pair() -> list[list[nn.Parameter]]:
    """The same weights twice."""
    torch.manual_seed(0)
    weights = [torch.randn(3, 4), torch.randn(5)]
    return [[nn.Parameter(weight.clone()) for weight in weights] for _ in range(2)]


def step(optimizer: optim.Optimizer, weights: list[nn.Parameter], number: int) -> None:
    optimizer.zero_grad()
    sum((weight**2 * (number + 1)).sum() for weight in weights).backward()
    optimizer.step()


@pytest.mark.parametrize(("name", "options"), CASES, ids=lambda value: str(value))
def test_a_lean_optimiser_takes_torchs_steps_to_the_bit_also_from_its_state(name, options):
    ours, theirs = pair()
    lean_one, plain = getattr(lean, name)(ours, 0.01, **options), getattr(optim, name)(theirs, 0.01, **options)
    for number in range(6):
        if number == 3:  # each goes on from what the other keeps
            first, second = lean_one.state_dict(), plain.state_dict()
            lean_one, plain = getattr(lean, name)(ours, 1.0, **options), getattr(optim, name)(theirs, 1.0, **options)
            lean_one.load_state_dict(second)
            plain.load_state_dict(first)
        step(lean_one, ours, number)
        step(plain, theirs, number)
    for one, other in zip(ours, theirs, strict=True):
        assert torch.equal(one, other)
        assert one.requires_grad
        assert one.grad_fn is None


def test_a_lean_optimiser_takes_more_parameters_and_keeps_hooks():
    ours, more = pair()
    optimizer = lean.SGD(ours, 0.1)
    optimizer.add_param_group({"params": more, "lr": 0.5})
    seen = []
    optimizer.register_step_post_hook(lambda *_: seen.append("stepped"))
    before = more[1].clone()
    step(optimizer, more, 0)
    assert seen == ["stepped"]
    assert torch.equal(more[1], before - 0.5 * 2 * before)


def test_torchs_own_classes_stay_as_they_are():
    for name in ("Adam", "RMSprop", "SGD"):
        assert getattr(lean, name) is not getattr(optim, name)
        assert "zero_grad" not in vars(getattr(optim, name))


@pytest.mark.parametrize("options", [{}, {"optimizer": "adamw"}, {"optimizer": "sgd"}, {"optimizer": "rmsprop"},
                                     {"epsilon_style": "keras"}, {"optimizer": "rmsprop", "epsilon_style": "keras"}])  # fmt: skip
def test_making_an_optimiser_and_stepping_loads_no_compiler(options):
    code = (
        "import sys, torch, zoo\n"
        "from zoo.engine.optim.build import build_optimizer\n"
        "weight = torch.nn.Parameter(torch.ones(3))\n"
        f"optimizer = build_optimizer([weight], zoo.Options(**{options!r}), 0.1)\n"
        "weight.sum().backward()\n"
        "optimizer.step(); optimizer.zero_grad(); optimizer.load_state_dict(optimizer.state_dict())\n"
        "assert 'torch._dynamo' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
