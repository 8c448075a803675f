"""Truncation: latents kept near the middle of their distribution, for pictures that are more usual and less varied."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def truncate(latents: Tensor, distribution: str, limit: float, random: torch.Generator) -> Tensor:
    """Latents (n, size) of a distribution ("normal", "uniform", "unit"), truncated at `limit`; float32.

    Normal: each number beyond ±limit is drawn again until it lies within (Brock et al. 2019); the others stay. Uniform:
    every number is brought nearer to the middle of its range, its distance from there times `limit`, 0 < limit ≤ 1.
    """
    if distribution != "normal":
        middle = 0.5 if distribution == "unit" else 0.0
        return middle + limit * (latents - middle)
    # What drawing again and again comes to is one draw from the normal distribution cut off at the limit: by the inverse
    # of its distribution function, which takes no longer for a limit that hardly any draw would meet.
    uniform = torch.empty(latents.shape, dtype=torch.float64).uniform_(-1, 1, generator=random)
    again = math.sqrt(2) * torch.erfinv(uniform * math.erf(limit / math.sqrt(2)))
    within = torch.where(latents.abs() <= limit, latents.double(), again)
    highest = torch.tensor(limit, dtype=torch.float32)
    if float(highest) > limit:
        highest = torch.nextafter(highest, torch.zeros(()))  # float32's rounding would step over the limit
    return within.float().clamp(-highest, highest)
