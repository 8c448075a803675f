"""What a checkpoint holds beside the networks, so that a run goes on exactly as if it had never stopped."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.optim import Adam, Optimizer, RMSprop

from zoo.engine.build import Assembly
from zoo.engine.optim.keras import KerasRMSprop
from zoo.errors import RunError
from zoo.run.checkpoint import State


def networks(assembly: Assembly) -> dict[str, dict[str, Tensor]]:
    """The state dicts of both networks."""
    return {
        "generator": assembly.step.generator.state_dict(),
        "discriminator": assembly.step.discriminator.state_dict(),
    }


def capture(assembly: Assembly, step: int, seconds: float) -> State:
    """Optimisers, average, random numbers, position in the data, the loss scale, and the time spent so far (seconds)."""
    tensors: dict[str, Tensor] = {}
    for name, optimizer in assembly.step.optimizers.items():
        tensors |= _optimizer_tensors(name, optimizer)
    values: dict[str, Any] = {"step": step, "batches": assembly.feed.drawn, "seconds": seconds}
    values["stepped"] = {name: sorted(each.state_dict()["state"]) for name, each in assembly.step.optimizers.items()}
    values["latest"] = {name: float(value) for name, value in assembly.step.latest.items()}
    if assembly.average:
        tensors |= {f"ema.{key}": value for key, value in assembly.average.network.state_dict().items()}
        values["ema_updates"] = assembly.average.updates
    tensors["random.latents"] = assembly.step.latents.random.get_state()
    tensors["random.torch"] = torch.get_rng_state()
    if assembly.device.type == "cuda":
        tensors["random.cuda"] = torch.cuda.get_rng_state(assembly.device)
    elif assembly.device.type == "mps":
        tensors["random.mps"] = torch.mps.get_rng_state()
    values["precision"] = assembly.step.precision.state()
    return State(tensors, values)


def restore(assembly: Assembly, state: State) -> float:
    """Set everything but the networks to a captured state; returns the seconds spent. Raises RunError where it does not fit."""
    tensors, values = state.tensors, state.values
    try:
        seconds = float(values["seconds"])
        for name, optimizer in assembly.step.optimizers.items():
            _restore_optimizer(name, optimizer, tensors, list(values["stepped"][name]))
        if assembly.average:
            ours = assembly.average.network.state_dict()
            assembly.average.network.load_state_dict({key: tensors[f"ema.{key}"] for key in ours})
            assembly.average.updates = int(values["ema_updates"])
        assembly.feed.drawn = int(values["batches"])
        assembly.step.latest = {name: torch.tensor(float(value)) for name, value in values["latest"].items()}
        assembly.step.precision.restore(values["precision"])
        assembly.step.latents.random.set_state(tensors["random.latents"])
        torch.set_rng_state(tensors["random.torch"])
        if assembly.device.type == "cuda" and "random.cuda" in tensors:
            torch.cuda.set_rng_state(tensors["random.cuda"], assembly.device)
        elif assembly.device.type == "mps" and "random.mps" in tensors:
            torch.mps.set_rng_state(tensors["random.mps"])
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        reason = f"{error.args[0]!r} is missing" if isinstance(error, KeyError) else str(error)
        raise RunError(f"the checkpoint's state does not fit this run: {reason}; was config.json changed?") from error
    return seconds


def _optimizer_tensors(name: str, optimizer: Optimizer) -> dict[str, Tensor]:
    """``optimizer.NAME.INDEX.KEY`` for every tensor that the optimiser keeps of its INDEX-th parameter."""
    return {
        f"optimizer.{name}.{index}.{key}": value
        for index, kept in optimizer.state_dict()["state"].items()
        for key, value in kept.items()
        if isinstance(value, Tensor)
    }


def _restore_optimizer(name: str, optimizer: Optimizer, tensors: dict[str, Tensor], stepped: list[int]) -> None:
    own = optimizer.state_dict()
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    kept: dict[int, dict[str, Tensor]] = {}
    prefix = f"optimizer.{name}."
    for full, value in tensors.items():
        if full.startswith(prefix):
            index, key = full.removeprefix(prefix).split(".", 1)
            parameter = parameters[int(index)]
            if value.dim() and value.shape != parameter.shape:
                raise ValueError(f"{full} is {tuple(value.shape)}, its parameter {tuple(parameter.shape)}")
            if value.dim():  # fused optimisers walk through memory: it must lie as the parameter does
                value = torch.empty_like(parameter, dtype=value.dtype, device="cpu").copy_(value)
            kept.setdefault(int(index), {})[key] = value
    for number in stepped:  # the parameters that have been given a gradient; of others an optimiser keeps nothing
        for key in _keys(optimizer):
            if key not in kept.get(number, {}):
                raise KeyError(f"{prefix}{number}.{key}")
    optimizer.load_state_dict({"state": kept, "param_groups": own["param_groups"]})


def _keys(optimizer: Optimizer) -> list[str]:
    """What the optimiser keeps of each parameter, once it has taken a step."""
    group = optimizer.param_groups[0]
    if isinstance(optimizer, Adam):
        return ["step", "exp_avg", "exp_avg_sq"]
    if isinstance(optimizer, RMSprop):
        return ["step", "square_avg", *(["momentum_buffer"] if group["momentum"] else [])]
    if isinstance(optimizer, KerasRMSprop):
        return ["square_avg", *(["momentum_buffer"] if group["momentum"] else [])]
    return ["momentum_buffer"] if group["momentum"] else []
