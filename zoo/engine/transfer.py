"""A new run that begins with the weights of another one: ``zoo train NAME --from RUN``.

Transfer learning for GANs as it is practised (StyleGAN2-ADA's ``--resume``, Karras et al. 2020; Mo, Cho & Shin 2020): both
networks begin with what they have learnt, the generator with its average where there is one. Optimisers, latents and the position
in the data begin anew: what they kept is of another training. So do the networks' integer buffers, which are counts and what was
stored of the data, and no weights.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from zoo.engine.build import TrainingState
from zoo.engine.origin import Origin
from zoo.errors import OptionError

log = logging.getLogger(__name__)

_SHOWN = 3  # tensors that are named


def transfer(origin: Origin, state: TrainingState) -> dict[str, Any]:
    """Let the networks begin with the tensors of the origin that have the same name and shape; a line tells what was left.

    Returns what config.json keeps of it. Raises OptionError where no weight of either network fits.
    """
    copied: dict[str, tuple[int, int]] = {}
    left: list[str] = []
    weights = 0
    for role, tensors in origin.networks.items():
        network: nn.Module = getattr(state.step, role)
        wanted = {
            name: value
            for name, value in network.state_dict().items()
            if isinstance(value, Tensor) and value.is_floating_point()
        }
        fitting = {
            name: tensors[name] for name, own in wanted.items() if name in tensors and tensors[name].shape == own.shape
        }
        with state.architecture.guard(f"its {role} does not take the weights of another run"), torch.no_grad():
            network.load_state_dict({**network.state_dict(), **fitting})
        weights += sum(name in fitting for name, _ in network.named_parameters())
        copied[role] = len(fitting), len(wanted)
        left += [f"{role} {_left(name, own, tensors)}" for name, own in wanted.items() if name not in fitting]
    where = f"{origin.run.path} ({origin.run.architecture})"
    if not weights:
        raise OptionError(
            f"--from {where}: no weight of it has the name and shape of one of {state.architecture.name}; give the options "
            "that its networks were built with, or leave out --from"
        )
    if state.ema is not None:
        state.ema.begin()
    counts = ", ".join(f"{have} of {of} tensors of the {role}" for role, (have, of) in copied.items())
    rest = "" if not left else f"; these begin anew: {_some(left)}"
    average = ", averaged" if origin.averaged else ""
    log.info("begins with weights of %s, step %d%s: %s%s", where, origin.step, average, counts, rest)
    return origin.record(copied)


def _left(name: str, own: Tensor, tensors: Mapping[str, Tensor]) -> str:
    if name not in tensors:
        return name
    return f"{name} ({tuple(tensors[name].shape)} there, {tuple(own.shape)} here)"


def _some(names: list[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
