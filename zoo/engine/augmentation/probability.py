"""With what probability augmentations are made: a fixed one, or one that follows how sure D is of its real images.

Adaptive discriminator augmentation (ADA; Karras et al. 2020, https://arxiv.org/abs/2006.06676), section 3.1: a small data set is
learnt by heart sooner or later, and D's outputs for real images then leave those for fakes. r_t = E[sign D(real)] tells; every four
updates of D the probability goes up by a fixed amount for each image seen where r_t is above its target, and else down.
All of it lies on the device and is never read back, so that a captured step does it too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from zoo.errors import OptionError
from zoo.options import Options

EVERY = 4
"""Updates of D between two moves."""
LOGGED = ("augment_p", "augment_r_t")
"""What one that moves has to log."""


class Probability:
    """That with which each augmentation is made in each image."""

    def __init__(self, options: Options, device: torch.device | str) -> None:
        """As ``--augment-probability``, ``--augment-target`` and ``--augment-kimg`` say."""
        self._target = options.augment_target
        self._per_image = 1 / (1000 * options.augment_kimg)
        self._seen = self._ever_seen = False
        given = options.augment_probability
        first = given if given is not None else 1.0 if self._target is None else 0.0
        self.always = self._target is None and first == 1
        """Whether it is 1 and stays so."""
        self.value = torch.full((), first, device=device)
        """0-d float32, on the device."""
        self._r_t, self._signs, self._images, self._updates = (torch.zeros((), device=device) for _ in range(4))

    @property
    def adaptive(self) -> bool:
        """Whether it moves, and so is part of a checkpoint."""
        return self._target is not None

    @torch.no_grad()
    def observe(self, real_logits: Tensor, middle: Tensor | float) -> None:
        """Take note of D's logits (N,) of real images; `middle`: above which it says "real"."""
        if self.adaptive:
            self._signs += (real_logits.detach().float() - middle).sign().sum()
            self._images += len(real_logits)
            self._seen = self._ever_seen = True

    def check_seen(self) -> None:
        """Raise OptionError where it is to move and has never seen what D makes of real images."""
        if self.adaptive and not self._ever_seen:
            raise OptionError(
                "--augment-target follows D's output for real images, and the discriminator's loss of this architecture looks at "
                "none by themselves; leave it out, and give --augment-probability"
            )

    @torch.no_grad()
    def update(self) -> dict[str, Tensor]:
        """Move it, where that is due after an update of D. What is to be logged: augment_p, and augment_r_t as of the last move.

        An update whose loss has seen no logits of real images, as that of a penalty alone, does not count.
        """
        if self._target is None or not self._seen:
            return {}
        self._updates += 1
        self._seen = False
        due = self._updates >= EVERY
        r_t = self._signs / self._images
        moved = (self.value + (r_t - self._target).sign() * self._images * self._per_image).clamp(0, 1)
        self.value.copy_(torch.where(due, moved, self.value))
        self._r_t.copy_(torch.where(due, r_t, self._r_t))
        for each in (self._signs, self._images, self._updates):
            each *= ~due
        return dict(zip(LOGGED, (self.value.clone(), self._r_t.clone()), strict=True))

    def begin(self, probability: float) -> None:
        """Move from there on."""
        self.value.fill_(probability)

    def state_dict(self) -> dict[str, Any]:
        """What is kept from step to step."""
        return {name: each.clone() for name, each in self._tensors().items()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state_dict`."""
        for name, each in self._tensors().items():
            each.copy_(state[name])

    def _tensors(self) -> dict[str, Tensor]:
        return {
            "probability": self.value,
            "r_t": self._r_t,
            "signs": self._signs,
            "images": self._images,
            "updates": self._updates,
        }
