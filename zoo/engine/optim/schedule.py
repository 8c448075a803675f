"""How rates and weights change from step to step: functions of the step and the images seen alone, so nothing needs to be kept."""

from __future__ import annotations

import math

import torch
from torch.optim import Optimizer

from zoo.options.optimizer import OptimizerOptions


def base_rates(options: OptimizerOptions) -> dict[str, float]:
    """The learning rate of each network by the options, before any schedule."""
    rate = options.learning_rate
    return {"generator": rate, "discriminator": options.discriminator_learning_rate or rate}


def rate_changes(options: OptimizerOptions) -> bool:
    """Whether the learning rate differs from step to step."""
    return options.schedule != "constant" or options.warmup > 0 or options.final_learning_rate is not None


def rate_at(options: OptimizerOptions, rate: float, step: int, steps: int, kimg: float = 0.0) -> float:
    """The learning rate in step `step` (from 0) of `steps`, for one that is `rate` by the options.

    `kimg`: thousands of real images seen before.
    """
    burnt_in = burn_in_at(options, "learning_rate", options.learning_rate, kimg) / options.learning_rate
    return max(options.minimum_learning_rate, rate * burnt_in * rate_factor(options, step, steps))


def burn_in_at(options: OptimizerOptions, name: str, value: float, kimg: float) -> float:
    """What is `value` by the options after so many thousands of images: on half a cosine to its ``final_…``, if it has one.

    `name`: one of `zoo.options.optimizer.FINALS`. It is the schedule of R3GAN (Huang et al. 2024, https://arxiv.org/abs/2501.05441).
    """
    final = getattr(options, f"final_{name}")
    if final is None or options.burn_in is None:
        return value
    share = min(1.0, kimg / options.burn_in)
    return float(final + (value - final) * 0.5 * (1.0 + math.cos(math.pi * share)))


def rate_factor(options: OptimizerOptions, step: int, steps: int) -> float:
    """What the learning rate is multiplied with in step `step` (from 0) of `steps`.

    A pure function of the step: nothing needs to be kept for a run to go on. `inverse_time` is Keras' `decay`,
    1 / (1 + decay · step); `exponential` is Mirza & Osindero's (2014), 1 / decay ^ step.
    """
    warm = min(1.0, (step + 1) / options.warmup) if options.warmup else 1.0
    held = options.schedule_hold * steps
    fallen = min(1.0, max(0.0, step - held) / (steps - held))  # 0 while held, 1 at the end
    if options.schedule == "linear":
        return warm * (1.0 - fallen)
    if options.schedule == "cosine":
        return warm * 0.5 * (1.0 + math.cos(math.pi * fallen))
    if options.schedule == "inverse_time":
        return warm / (1.0 + options.schedule_decay * step)
    if options.schedule == "exponential":
        return warm * math.exp(-step * math.log(options.schedule_decay))  # decay ** step can be more than a float holds
    return warm


def momentum_at(options: OptimizerOptions, step: int) -> float:
    """The momentum in step `step` (from 0): on a straight line to `final_momentum`, where there is one, then that."""
    if options.final_momentum is None:
        return options.momentum
    share = min(1.0, step / options.momentum_steps)
    return (1.0 - share) * options.momentum + share * options.final_momentum


def set_rate(optimizer: Optimizer, rate: float) -> None:
    """Set the learning rate of every group of parameters."""
    for group in optimizer.param_groups:
        if isinstance(group["lr"], torch.Tensor):
            group["lr"].fill_(rate)
        else:
            group["lr"] = rate


def set_beta2(optimizer: Optimizer, beta2: float) -> None:
    """Set Adam's beta2 of every group of parameters."""
    for group in optimizer.param_groups:
        group["betas"] = (group["betas"][0], beta2)


def set_momentum(optimizer: Optimizer, momentum: float) -> None:
    """Set the momentum of every group of parameters, where the optimiser has one."""
    for group in optimizer.param_groups:
        if "momentum" in group:
            group["momentum"] = momentum
