"""Ranks pictures by what the discriminator thinks of them."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from zoo.generate.sampling import BATCH, device_of
from zoo.nn.modes import evaluating


@torch.no_grad()
def logits_of(generator: nn.Module, discriminator: nn.Module, latents: Tensor, labels: Tensor | None = None) -> Tensor:
    """The discriminator's logits of the generator's images of the latents (and labels): float32 (n,), on the CPU.

    Both networks work in evaluation mode, so that a logit depends on its own image alone, and are left in the modes in
    which they came. BATCH images exist at a time, however many there are.
    """
    device = device_of(generator)
    logits = []
    with evaluating(generator), evaluating(discriminator):
        for start in range(0, len(latents), BATCH):
            z, *label = (part[start : start + BATCH].to(device) for part in (latents, labels) if part is not None)
            found: Tensor = discriminator(generator(z, *label), *label)
            logits.append(found.float().reshape(len(z)).cpu())
    return torch.cat(logits)


def best(logits: Tensor, keep: int, labels: Tensor | None = None, wanted: Tensor | None = None) -> Tensor:
    """Which of the candidates to keep: int64 (keep,), the best first; of equal logits the earlier first.

    With their `labels` (n,) and the `wanted` ones (keep,), each wanted place goes to the best of its class that is left:
    nothing is kept because its class is an easy one.
    """
    order = torch.sort(logits, descending=True, stable=True).indices
    if labels is None or wanted is None:
        return order[:keep]
    ranked = labels[order]
    chosen = torch.empty(keep, dtype=torch.int64)
    for label in set(wanted.tolist()):
        places = (wanted == label).nonzero().flatten()
        chosen[places] = order[ranked == label][: len(places)]
    return chosen
