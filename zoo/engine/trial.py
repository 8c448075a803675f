"""Tries networks before a run begins: what does not fit is better said then, in words."""

from __future__ import annotations

import copy

import torch
from torch import nn

from zoo.architecture import Architecture
from zoo.data.spec import DataSpec
from zoo.errors import OptionError, PluginError
from zoo.nn.modes import evaluating
from zoo.options import Options
from zoo.plugins.registry import guarding


def try_networks(
    architecture: Architecture, options: Options, spec: DataSpec, generator: nn.Module, discriminator: nn.Module
) -> None:
    """One pass of a few images through both networks, without a trace. Raises PluginError for shapes that do not fit."""
    count = max(2, architecture.smallest_batch)
    labels = (torch.zeros(count, dtype=torch.int64),) if architecture.conditional else ()
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        images = _pass(architecture, "generator", generator, torch.zeros(count, options.latent), *labels)
        if tuple(images.shape) != (count, *spec.shape):
            raise PluginError(
                f"the generator of {architecture.name!r} makes {tuple(images.shape)} of {count} latents; "
                f"the data asks for {(count, *spec.shape)}"
            )
        logits = _pass(architecture, "discriminator", discriminator, images, *labels)
    if logits.numel() != count:
        raise PluginError(
            f"the discriminator of {architecture.name!r} makes {tuple(logits.shape)} of {count} images; "
            f"it should give one logit each, shape ({count},) or ({count}, 1)"
        )


def _pass(architecture: Architecture, role: str, network: nn.Module, *inputs: torch.Tensor) -> torch.Tensor:
    shapes = ", ".join(str(tuple(tensor.shape)) for tensor in inputs)
    with (
        guarding(architecture, f"the {role} of {architecture.name!r} fails for input of shape {shapes}"),
        evaluating(network),
    ):
        result = network(*inputs)
    if not isinstance(result, torch.Tensor):
        raise PluginError(f"the {role} of {architecture.name!r} returns {type(result).__name__}, not a tensor")
    return result


def try_batches(
    architecture: Architecture,
    options: Options,
    spec: DataSpec,
    generator: nn.Module,
    discriminator: nn.Module,
    remainder: int,
) -> None:
    """See that no network is to train on fewer images than it can.

    `remainder`: the images of an epoch's smaller last batch, 0 where there is none. What is less than the architecture's
    `smallest_batch` is refused where that is more than two; one image alone is tried, which batch normalisation often cannot
    take. Raises OptionError with the way out.
    """
    smallest = architecture.smallest_batch
    if smallest > 2:
        sizes = {"--batch-size": options.batch_size, "--generator-batch-size": options.generator_batch_size}
        for name, count in sizes.items():
            if count is not None and count < smallest:
                raise OptionError(f"{name} {count}: {architecture.name} trains on {smallest} images or more at a time")
        if 0 < remainder < smallest:
            raise OptionError(
                f"the last batch of each epoch holds {remainder}, and {architecture.name} trains on {smallest} images or more "
                "at a time; give --drop-remainder, or another --batch-size"
            )
    real = 1 in (options.batch_size, remainder)  # one real image in D's turn, and one fake
    fake = (options.generator_batch_size or options.batch_size) == 1 or (
        real and (options.reuse_fakes or options.simultaneous)
    )  # in G's turn
    labels = (torch.zeros(1, dtype=torch.int64),) if architecture.conditional else ()
    with (
        torch.random.fork_rng(devices=[]),
        torch.no_grad(),
        guarding(architecture, "it fails on a batch of one image in training mode"),
    ):
        try:
            if fake or (real and not options.evaluate_fakes):
                copy.deepcopy(generator)(torch.zeros(1, options.latent), *labels)
            if fake or (real and not options.joined):
                copy.deepcopy(discriminator)(torch.zeros(1, *spec.shape), *labels)
        except ValueError as error:
            if options.batch_size == 1 or not real:
                name = "--batch-size" if options.batch_size == 1 else "--generator-batch-size"
                raise OptionError(f"{name} 1 is too small for {architecture.name}: {error}") from None
            raise OptionError(
                f"the last batch of each epoch holds one image, too few for {architecture.name} ({error}); "
                "give --drop-remainder, or another --batch-size"
            ) from None
