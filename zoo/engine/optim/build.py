"""Builds an optimiser from its options."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from zoo.engine.optim.adam import FusedAdam
from zoo.engine.optim.keras import KerasAdam, KerasRMSprop
from zoo.engine.optim.lean import SGD, RMSprop
from zoo.engine.optim.schedule import rate_changes
from zoo.options.optimizer import OptimizerOptions


def build_optimizer(
    parameters: Iterable[nn.Parameter], options: OptimizerOptions, rate: float, capturable: bool = False
) -> Optimizer:
    """The optimiser that the options name, with `rate` as its learning rate.

    Adam, AdamW and SGD run as one fused kernel over all parameters, which gives the same numbers as the plain loop and
    spares a small network most of its optimiser's time.

    `capturable`: as a CUDA graph can hold it, with all that changes from step to step in tensors on the device (but for a
    momentum that changes). Every run on a GPU has it so, whether captured or not, for both are to give the same numbers.
    """
    parameters = list(parameters)
    return _build(
        parameters, options, _on_device(rate, parameters) if capturable and rate_changes(options) else rate, capturable
    )


def _build(parameters: list[nn.Parameter], options: OptimizerOptions, rate: Any, capturable: bool) -> Optimizer:
    decay = options.weight_decay
    keras = options.epsilon_style == "keras"
    if options.optimizer in ("adam", "adamw"):
        kind = KerasAdam if keras else FusedAdam
        betas = (options.beta1, options.beta2)
        decoupled = options.optimizer == "adamw"
        return kind(parameters, rate, betas, options.epsilon, decay, decoupled, capturable)
    if options.optimizer == "rmsprop":
        if keras:
            return KerasRMSprop(parameters, rate, options.rho, options.epsilon, decay, options.momentum)
        return RMSprop(parameters, rate, options.rho, options.epsilon, decay, options.momentum, capturable=capturable)
    return SGD(parameters, rate, options.momentum, weight_decay=decay, nesterov=options.nesterov, fused=True)


def _on_device(rate: float, parameters: list[nn.Parameter]) -> Tensor:
    return torch.tensor(rate, dtype=torch.float32, device=parameters[0].device)  # float32: fused kernels take no other
