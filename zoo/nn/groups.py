"""Layers that look at several images of a batch at once, told where one batch ends and the next one begins."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn


class OfGroups:
    """Mixed into a module whose result for an image hangs on the others of its batch: `_groups` equal consecutive batches came."""

    _groups: int = 1


@contextmanager
def in_groups(network: nn.Module, groups: int) -> Iterator[None]:
    """Within it every layer of the network that is `OfGroups` takes a batch for so many equal consecutive ones."""
    layers = [module for module in network.modules() if isinstance(module, OfGroups)]
    for layer in layers:
        layer._groups = groups
    try:
        yield
    finally:
        for layer in layers:
            layer._groups = 1
