"""Training and evaluation mode."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn


@contextmanager
def evaluating(network: nn.Module | None) -> Iterator[None]:
    """Within it the network is in evaluation mode: it uses its running statistics, and leaves them as they are.

    Afterwards each of its modules is in the mode in which it came: a part that was frozen in evaluation mode stays so.
    None is no network at all, for which nothing happens.
    """
    modes = [] if network is None else [(module, module.training) for module in network.modules()]
    if network is not None:
        network.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training
