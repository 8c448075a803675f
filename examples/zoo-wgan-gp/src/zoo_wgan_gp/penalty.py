"""The critic's loss: the objective's, and the gradient penalty of Gulrajani et al. 2017, section 4."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

import zoo


def penalised(context: zoo.StepContext) -> tuple[Tensor, dict[str, Tensor]]:
    """L = E D(G(z)) - E D(x) + λ E (|∇D(x̂)| - 1)², with x̂ between real and generated images.

    A phase's loss is a function of the step's context: what it returns by name is logged. `wasserstein` is the estimate of the
    Wasserstein distance between the data and G's images, E D(x) - E D(G(z)): what the critic maximises but for the penalty.
    """
    loss, statistics = context.default_loss()
    slopes = slopes_of(context.discriminate, between(context.real, context.fakes.images))
    penalty = context.options.penalty * excess(slopes, context.options.one_sided).square().mean()
    statistics["wasserstein"] = statistics["d_real"] - statistics["d_fake"]
    statistics["slope"] = slopes.detach().mean()
    statistics["penalty"] = penalty.detach()
    return loss + context.scale * penalty, statistics


def between(real: Tensor, fake: Tensor) -> Tensor:
    """Points x̂ = ε x + (1 - ε) G(z), (N, C, H, W), with an ε for each image, uniform in [0, 1). They are new leaves."""
    share = torch.rand(len(real), 1, 1, 1, device=real.device)
    return (share * real.detach() + (1 - share) * fake.detach()).requires_grad_()


def slopes_of(critic: Callable[[Tensor], Tensor], images: Tensor) -> Tensor:
    """|∇D(x̂)| at each image, (N,): the length of the gradient over all its pixels. Can be differentiated once more."""
    (gradients,) = torch.autograd.grad(critic(images).sum(), images, create_graph=True)
    lengths: Tensor = torch.linalg.vector_norm(gradients.flatten(1), dim=1)
    return lengths


def excess(slopes: Tensor, one_sided: bool) -> Tensor:
    """How far each slope is from 1; where only steeper ones count, 0 for those below."""
    return torch.relu(slopes - 1) if one_sided else slopes - 1
