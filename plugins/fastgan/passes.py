"""What a loss may know of D's passes beside its logits: the patches that these are the means of, and the planes behind them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple

import torch
from torch import Tensor
from zoo_plugins.fastgan.decoder import Decoders, Features


class Pass(NamedTuple):
    """One pass of a discriminator."""

    images: Tensor
    """(N, C, H, W): what it was given, augmented if it was."""
    patches: Tensor
    """The logits of the patches, (N, P)."""
    features: Features
    decoders: Decoders | None
    """The discriminator's own."""


_PASSES: ContextVar[list[Pass] | None] = ContextVar("passes of FastGAN's discriminator", default=None)


@contextmanager
def watched() -> Iterator[list[Pass]]:
    """Within it each pass of a discriminator is added to the list that this gives."""
    passes: list[Pass] = []
    token = _PASSES.set(passes)
    try:
        yield passes
    finally:
        _PASSES.reset(token)


def current() -> list[Pass]:
    """The passes since the innermost `watched` was entered; none outside of it."""
    return _PASSES.get() or []


@torch.compiler.disable  # type: ignore[untyped-decorator]
def note(done: Pass) -> None:
    """Called by a discriminator at the end of each pass."""
    passes = _PASSES.get()
    if passes is not None:
        passes.append(done)
