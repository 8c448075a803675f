"""Whether an architecture can be compared with itself at all."""

from __future__ import annotations

import torch
from torch import Tensor

from zoo.testing.outcome import CheckSkipped
from zoo.testing.subject import Subject


def identical(one: Tensor, other: Tensor) -> bool:
    """Whether two tensors are the same bit for bit; so NaN is the same as NaN."""
    return (one.dtype, one.shape) == (other.dtype, other.shape) and torch.equal(_bytes(one), _bytes(other))


def _bytes(tensor: Tensor) -> Tensor:
    return tensor.detach().reshape(-1).contiguous().view(torch.uint8)


def must_be_reproducible(subject: Subject) -> None:
    """Raise CheckSkipped where two networks that are built alike do not learn alike: what is compared would differ anyhow.

    Asked where a comparison has failed, so that a message does not blame it on what was compared.
    """
    given = subject.given
    found = []
    for _ in range(2):
        repeated = subject.repeated_step()
        statistics = [repeated.run(number) for number in repeated.numbers(2)]
        values = [value for each in statistics for value in each.values()]
        found.append([*values, *repeated.parameters().values()])
    subject.given = given
    if not all(bool(torch.isfinite(value).all()) for values in found for value in values):
        raise CheckSkipped("losses or parameters are NaN or infinity: see the check 'gradients'")
    if not all(identical(one, other) for one, other in zip(*found, strict=True)):
        raise CheckSkipped("two networks that are built alike learn differently: see the check 'seed'")
