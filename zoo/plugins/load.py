"""From a run's folder to its trained generator: ``zoo.load``."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from zoo.errors import RunError
from zoo.generate.generator import Generator
from zoo.plugins.kinds import ARCHITECTURE
from zoo.plugins.registry import architecture_of, registry
from zoo.run.checkpoint import load_network, read_state, read_tensors
from zoo.run.run import Run


def load(run: Run | Path | str, *, step: int | None = None, device: str = "cpu", averaged: bool = True) -> Generator:
    """The trained generator of a run.

    Args:
        run: a run, or its folder.
        step: of the checkpoint, by default the newest.
        device: where it is to draw: cpu, mps, cuda or cuda:N.
        averaged: with the running average of the weights, where the run kept one; else with the weights themselves.

    Raises:
        RunError: where the run or its checkpoint cannot be used.
        PluginError: where the run's architecture is not installed.
    """
    run = run if isinstance(run, Run) else Run(run)
    known = dict(run.checkpoints)
    if step is not None and step not in known:
        raise RunError(f"{run.path} has no checkpoint of step {step}; it has {', '.join(map(str, known)) or 'none'}")
    step, folder = (step, known[step]) if step is not None else run.latest()
    architecture = architecture_of(run)
    options = run.options(architecture)
    spec, class_names = run.geometry()
    # Its random weights are replaced at once, and nobody else's numbers change.
    with torch.random.fork_rng(devices=[]):
        network = architecture.generator(options, spec)
    tensors = read_tensors(folder, "generator")
    load_network(network, tensors, folder / "generator.safetensors", architecture.name)
    if averaged:
        ema = read_state(folder).parts.get("ema")
        if ema is not None:
            load_network(network, ema["weights"], folder / "state.safetensors", architecture.name)
    network = network.to(device).eval().requires_grad_(False)

    def discriminator() -> nn.Module:
        with torch.random.fork_rng(devices=[]):
            network = architecture.discriminator(options, spec)
        load_network(
            network, read_tensors(folder, "discriminator"), folder / "discriminator.safetensors", architecture.name
        )
        return network.to(device).eval().requires_grad_(False)

    names = class_names if architecture.conditional else []
    labelled = [name for name, cls in registry().of_kind(ARCHITECTURE).items() if cls.conditional]
    return Generator(network, architecture, options, spec, names, step, discriminator, labelled)
