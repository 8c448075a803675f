"""Puts a run together: networks, optimisers, batches, everything a step needs."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import nn

from zoo.architecture import Architecture
from zoo.data.loader import Batch, Loader
from zoo.data.spec import DataSpec
from zoo.data.store import ImageStore
from zoo.engine.ema import Average
from zoo.engine.optim import build_optimizer
from zoo.engine.precision import Precision
from zoo.engine.seeds import stream_seed
from zoo.engine.step import Step
from zoo.errors import OptionError, PluginError, unknown
from zoo.generate.latents import Latents
from zoo.objective import Objective
from zoo.ops.codes import LOSS_KINDS as KINDS
from zoo.options import Options


class Feed:
    """The batches of a run, on its device, and how many have been drawn."""

    def __init__(self, loader: Loader, device: torch.device) -> None:
        self.loader = loader
        self.device = device
        self.drawn = 0
        self._stream: Iterator[Batch] | None = None

    def __call__(self) -> Batch:
        """The next batch."""
        if self._stream is None:
            self._stream = self.loader.stream(self.drawn)
        images, labels = next(self._stream)
        self.drawn += 1
        images = images.to(self.device, non_blocking=True)
        return Batch(images, None if labels is None else labels.to(self.device, non_blocking=True))

    def close(self) -> None:
        """End the thread that prepares batches; the feed can be used again."""
        if self._stream is not None:
            self._stream.close()  # type: ignore[attr-defined]
            self._stream = None


@dataclass
class Assembly:
    """The moving parts of a run."""

    step: Step
    feed: Feed
    average: Average | None
    device: torch.device

    @property
    def sampler(self) -> nn.Module:
        """The generator that pictures are drawn with: the averaged one, where there is one."""
        return self.average.network if self.average else self.step.generator


def assemble(
    architecture: Architecture, options: Options, spec: DataSpec, store: ImageStore, device: torch.device
) -> Assembly:
    """Build everything from the seed. Raises PluginError where the networks do not keep the contract."""
    generator, discriminator = build_networks(architecture, options, spec, device)
    layout = device.type == "cuda"
    feed = Feed(
        Loader(
            store,
            options.batch_size,
            seed=stream_seed(options.seed, "data"),
            order=options.order,
            flip=options.flip,
            channels_last=layout,
            pin=device.type == "cuda",
        ),
        device,
    )
    rates = {
        "generator": options.learning_rate,
        "discriminator": options.discriminator_learning_rate or options.learning_rate,
    }
    networks = {"generator": generator, "discriminator": discriminator}
    step = Step(
        generator=generator,
        discriminator=discriminator,
        optimizers={name: build_optimizer(networks[name].parameters(), options, rates[name]) for name in networks},
        phases=list(architecture.phases(options)),
        objective=build_objective(architecture, options),
        options=options,
        latents=Latents(stream_seed(options.seed, "latents"), options.latent, options.latent_distribution, device),
        draw=feed,
        precision=Precision(options.precision, device),
        classes=spec.classes if architecture.conditional else 0,
    )
    average = Average(generator, options.ema) if options.ema else None
    return Assembly(step, feed, average, device)


def build_networks(
    architecture: Architecture, options: Options, spec: DataSpec, device: torch.device | str = "cpu"
) -> tuple[nn.Module, nn.Module]:
    """Both networks with weights drawn from the seed, on the device; tried once.

    Raises PluginError where one cannot be built, or gives something else than images and logits.
    """
    torch.manual_seed(stream_seed(options.seed, "weights"))
    generator = _build(architecture, "generator", lambda: architecture.generator(options, spec))
    discriminator = _build(architecture, "discriminator", lambda: architecture.discriminator(options, spec))
    _try(architecture, options, spec, generator, discriminator)
    if 1 in (options.batch_size, options.generator_batch_size):
        _try_single(architecture, options, spec, generator, discriminator)
    layout = torch.channels_last if torch.device(device).type == "cuda" else torch.preserve_format
    return generator.to(device, memory_format=layout), discriminator.to(device, memory_format=layout)  # type: ignore[call-overload]


def build_objective(architecture: Architecture, options: Options) -> Objective:
    """The objective of an architecture under these options. Raises PluginError for a kind that is not known."""
    game = architecture.game(options)
    objective = Objective(game) if isinstance(game, str) else game
    if type(objective) is Objective and objective.kind not in KINDS:  # a subclass may call its own game what it likes
        raise PluginError(unknown(f"objective of {architecture.name}", objective.kind, KINDS))
    return objective


def _build(architecture: Architecture, role: str, build: Callable[[], nn.Module]) -> nn.Module:
    network = build()
    if not isinstance(network, nn.Module):
        raise PluginError(f"{architecture.name}.{role}() returned {type(network).__name__}, not a torch.nn.Module")
    return network


def _try(
    architecture: Architecture, options: Options, spec: DataSpec, generator: nn.Module, discriminator: nn.Module
) -> None:
    """One pass of two images through both networks, without a trace: shapes that do not fit are better said now."""
    labels = (torch.zeros(2, dtype=torch.int64),) if architecture.conditional else ()
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        images = _pass(architecture, "generator", generator, torch.zeros(2, options.latent), *labels)
        if tuple(images.shape) != (2, *spec.shape):
            raise PluginError(
                f"the generator of {architecture.name!r} makes {tuple(images.shape)} of two latents; "
                f"the data asks for {(2, *spec.shape)}"
            )
        logits = _pass(architecture, "discriminator", discriminator, images, *labels)
    if logits.numel() != 2:
        raise PluginError(
            f"the discriminator of {architecture.name!r} makes {tuple(logits.shape)} of two images; "
            "it should give one logit each, shape (2,) or (2, 1)"
        )


def _try_single(
    architecture: Architecture, options: Options, spec: DataSpec, generator: nn.Module, discriminator: nn.Module
) -> None:
    """Where a batch has one image, see that the networks can train on it; batch normalisation cannot."""
    labels = (torch.zeros(1, dtype=torch.int64),) if architecture.conditional else ()
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        try:
            images = copy.deepcopy(generator).train()(torch.zeros(1, options.latent), *labels)
            if options.batch_size == 1 and not options.joined:
                copy.deepcopy(discriminator).train()(images, *labels)
        except ValueError as error:
            name = "--batch-size" if options.batch_size == 1 else "--generator-batch-size"
            raise OptionError(f"{name} 1 is too small for {architecture.name}: {error}") from None


def _pass(architecture: Architecture, role: str, network: nn.Module, *inputs: torch.Tensor) -> torch.Tensor:
    network.eval()
    try:
        result: torch.Tensor = network(*inputs)
    except (RuntimeError, ValueError, TypeError) as error:
        shapes = ", ".join(str(tuple(tensor.shape)) for tensor in inputs)
        raise PluginError(f"the {role} of {architecture.name!r} fails for input of shape {shapes}: {error}") from error
    finally:
        network.train()
    return result
