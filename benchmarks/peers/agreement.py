"""Whether zoo trains what the published loop trains: ten steps of both from the same weights, and how far their losses are apart.

In float32 rounding alone sets the two apart: Adam divides a gradient by its own size, so one of which little more than rounding is
left moves its weight as far as any other, by 0.0002. Three more numbers tell rounding from a difference in what is computed: the
same comparison in float64, where Adam's 1e-8 hides what rounding leaves; and how far the published loop is from itself, in
channels last and in float64.
"""

from __future__ import annotations

import torch

from peers.torch_side import Bench, Step

STEPS = 10
COMPARISONS = {
    "zoo": "zoo's losses from the official loop's, float32",
    "zoo_float64": "the same, both in float64",
    "official_channels_last": "the official loop's from its own in channels last, float32",
    "official_float64": "the official loop's from its own in float64",
}
Losses = list[tuple[float, float]]


def agreement(bench: Bench) -> dict[str, list[float]]:
    """For each of COMPARISONS the relative difference of the losses in each step, the larger of D's and G's."""
    official, exact = play(bench.make("official")), play(bench.make("official", torch.float64))
    return {
        "zoo": apart(play(bench.make("zoo")), official),
        "zoo_float64": apart(play(bench.make("zoo, references", torch.float64)), exact),
        "official_channels_last": apart(play(bench.make("official, channels last")), official),
        "official_float64": apart(official, exact),
    }


def play(step: Step) -> Losses:
    """D's loss and G's in each step."""
    return [(float(d_loss), float(g_loss)) for d_loss, g_loss in (step() for _ in range(STEPS))]


def apart(losses: Losses, others: Losses) -> list[float]:
    return [
        max(abs(one - other) / abs(other) for one, other in zip(pair, against, strict=True))
        for pair, against in zip(losses, others, strict=True)
    ]
