"""The latents of one seed, in order: latent i is a function of the seed and of i, however many are drawn and from where on."""

from __future__ import annotations

import hashlib

import torch
from torch import Tensor

from zoo.generate.latent.latents import Latents
from zoo.generate.latent.truncation import truncate

BLOCK = 64
"""Latents drawn at once: torch draws normal numbers sixteen at a time, and other ones at the end of what is no multiple of it."""


class LatentStream:
    """Rows of latents, float32 (…, size), each drawn once, forwards."""

    def __init__(self, seed: int, size: int, distribution: str, truncation: float | None = None) -> None:
        self._source = Latents(seed, size, distribution)
        self._truncation = truncation
        # What truncation draws again comes from numbers of its own: else it would change every latent behind it.
        again = hashlib.blake2b(f"truncation of {seed}".encode(), digest_size=7).digest()
        self._again = torch.Generator().manual_seed(int.from_bytes(again, "little"))
        self._block = torch.empty(0, size)
        self._end = 0

    def rows(self, start: int, stop: int) -> Tensor:
        """Latents `start` to `stop`, the latter not included; `start` is in the last block that was drawn, or behind it."""
        parts = []
        while start < stop:
            while self._end <= start:
                self._draw()
            first = self._end - len(self._block)
            parts.append(self._block[start - first : stop - first])
            start = min(stop, self._end)
        return torch.cat(parts)

    def _draw(self) -> None:
        block = self._source.draw(BLOCK)
        if self._truncation is not None:
            block = truncate(block, self._source.distribution, self._truncation, self._again)
        self._block = block
        self._end += BLOCK
