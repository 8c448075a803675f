"""The loop of the official PyTorch DCGAN example, written plainly: its order of operations, torch.nn and torch.optim alone.

https://github.com/pytorch/examples/tree/main/dcgan: D's update on a real and then on a fake batch, each with a backward pass of its
own; then G's update through D, which computes gradients of D's weights too that nobody uses. Labels, where there are any, go to
both networks as zoo's conditional architectures take them.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from zoo.data.loader import Batch
from zoo.generate.latent.latents import Latents


@dataclass
class Loop:
    """One contender: two networks of torch.nn, batches, latents.

    `lean`: without the gradients of D's weights that G's update does not use. The published loop computes them.
    `autocast`: what the networks' passes run in, if not in the precision of the weights.
    """

    generator: nn.Module
    discriminator: nn.Module
    draw: Callable[[], Batch]
    latents: Latents
    classes: int
    lean: bool
    autocast: Callable[[], AbstractContextManager[Any]] = nullcontext

    def __post_init__(self) -> None:
        self.loss = nn.BCELoss()
        self.optimizer_d = torch.optim.Adam(self.discriminator.parameters(), lr=2e-4, betas=(0.5, 0.999))
        self.optimizer_g = torch.optim.Adam(self.generator.parameters(), lr=2e-4, betas=(0.5, 0.999))

    def step(self) -> tuple[Tensor, Tensor]:
        """Both updates; D's loss and G's."""
        real, given = self.draw()
        labels = (given,) if self.classes else ()
        count = len(real)
        one, zero = real.new_ones(count), real.new_zeros(count)

        self.discriminator.zero_grad()
        error_real = self.loss(self.judge(real, *labels), one)
        error_real.backward()
        with self.autocast():
            fake = self.generator(self.latents.draw(count), *labels)
        error_fake = self.loss(self.judge(fake.detach(), *labels), zero)
        error_fake.backward()
        self.optimizer_d.step()

        self.generator.zero_grad()
        if self.lean:
            self.discriminator.requires_grad_(False)
        error = self.loss(self.judge(fake, *labels), one)
        error.backward()
        if self.lean:
            self.discriminator.requires_grad_(True)
        self.optimizer_g.step()
        return (error_real + error_fake).detach(), error.detach()

    def judge(self, images: Tensor, *labels: Any) -> Tensor:
        """D's probabilities (N,), as the example's D ends in a sigmoid."""
        with self.autocast():
            logits = self.discriminator(images, *labels).view(-1)
        return logits.to(torch.promote_types(logits.dtype, torch.float32)).sigmoid()
