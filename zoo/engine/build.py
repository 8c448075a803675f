"""Puts a run together: networks, optimisers, batches, everything a step needs."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction

import torch
from torch import nn

from zoo.architecture import Architecture, Phase
from zoo.data.loader import Batch, Loader
from zoo.data.spec import DataSpec
from zoo.data.store import ImageStore
from zoo.engine.ema import Average
from zoo.engine.graphs.capture import CapturedStep, check_capture
from zoo.engine.graphs.cuda_graphs import CudaGraphs
from zoo.engine.layout import is_convolutional, lay_out
from zoo.engine.one_pass import judges_halves_apart
from zoo.engine.optim.build import base_rates, build_optimizer
from zoo.engine.runtime.precision import Precision
from zoo.engine.runtime.seeds import stream_seed
from zoo.engine.step import Statistics, Step, alternates
from zoo.engine.trial import try_batches, try_networks
from zoo.errors import OptionError, PluginError, unknown
from zoo.generate.latents import Latents
from zoo.objective import KINDS, Objective
from zoo.options import Options
from zoo.plugins.registry import guarding, registry

_LONGEST_CYCLE = 1000  # steps that are looked at to see what ever happens in one
_AHEAD = 2  # batches by which the host may be ahead of a GPU: enough for it never to wait, and bounded memory


class Feed:
    """The batches of a run, on its device, and how many have been drawn.

    On a GPU a batch is copied on a stream of its own, while the steps before it are still at work: the host is ahead of them.
    """

    def __init__(self, loader: Loader, device: torch.device) -> None:
        self.loader = loader
        self.device = device
        self.drawn = 0
        self._stream: Iterator[Batch] | None = None
        self._copies: torch.cuda.Stream | None = None
        if device.type == "cuda":
            self._copies = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        self._marks: deque[torch.cuda.Event] = deque()

    def __call__(self) -> Batch:
        """The next batch."""
        if self._stream is None:
            self._stream = self.loader.stream(self.drawn)
        batch = next(self._stream)
        self.drawn += 1
        return self._moved(batch) if self._copies is None else self._copied(batch, self._copies)

    def _moved(self, batch: Batch) -> Batch:
        labels = batch.labels
        return Batch(
            batch.images.to(self.device, non_blocking=True),
            None if labels is None else labels.to(self.device, non_blocking=True),
        )

    def _copied(self, batch: Batch, copies: torch.cuda.Stream) -> Batch:
        working = torch.cuda.current_stream(self.device)
        mark = torch.cuda.Event(blocking=True)  # type: ignore[no-untyped-call]
        self._marks.append(working.record_event(mark))
        if len(self._marks) > _AHEAD:
            self._marks.popleft().synchronize()
        with torch.cuda.stream(copies):
            batch = self._moved(batch)
        working.wait_stream(copies)
        for tensor in batch:
            if tensor is not None:
                # Its memory belongs to the other stream, which is not to use it again before.
                tensor.record_stream(working)
        return batch

    @property
    def images(self) -> int:
        """How many real images have been drawn."""
        return self.loader.images_before(self.drawn)

    def close(self) -> None:
        """End the thread that prepares batches; the feed can be used again."""
        if self._stream is not None:
            self._stream.close()  # type: ignore[attr-defined]
            self._stream = None


@dataclass
class Assembly:
    """The moving parts of a run."""

    architecture: Architecture
    step: Step
    feed: Feed
    average: Average | None
    device: torch.device
    captured: CapturedStep | None = None

    def run(self, number: int) -> Statistics:
        """Step `number` (from 0): `Step.run`, captured where that is asked for."""
        return (self.captured or self.step).run(number)

    @property
    def steps_per_epoch(self) -> Fraction:
        """Steps in which the discriminator sees the data once; seldom a whole number where a step takes several batches."""
        updates = [Fraction(1, phase.every) for phase in self.step.phases if phase.updates == "discriminator"]
        return self.feed.loader.batches_per_epoch / ((sum(updates) or Fraction(1)) * self.step.options.accumulate)

    @property
    def sampler(self) -> nn.Module:
        """The generator that pictures are drawn with: the averaged one, where there is one."""
        return self.average.network if self.average else self.step.generator


def assemble(
    architecture: Architecture,
    options: Options,
    spec: DataSpec,
    store: ImageStore,
    device: torch.device,
    say: Callable[[str], None] | None = None,
) -> Assembly:
    """Build everything from the seed. `say` gets a line about what turns out not to be as asked for.

    Raises PluginError where the networks do not keep the contract, OptionError for a ``--capture`` that cannot be had.
    """
    phases = build_phases(architecture, options)
    check_capture(options, phases, device)
    feed = Feed(
        Loader(
            store,
            options.batch_size,
            seed=stream_seed(options.seed, "data"),
            order=options.order,
            shuffle_buffer=options.shuffle_buffer,
            drop_remainder=options.drop_remainder,
            flip=options.flip,
            pin=device.type == "cuda",
        ),
        device,
    )
    generator, discriminator = build_networks(architecture, options, spec, device, feed.loader.remainder)
    count = max(2, architecture.smallest_batch)
    labels = (torch.zeros(count, dtype=torch.int64, device=device),) if architecture.conditional else ()
    laid, why_not = lay_out(generator, discriminator, torch.zeros(count, options.latent, device=device), *labels)
    if why_not and say:
        say(f"{architecture.name} cannot lie channels last, where convolutions are faster (docs/plugins.md): {why_not}")
    rates = base_rates(options)
    networks = {"generator": generator, "discriminator": discriminator}
    classes = spec.classes if architecture.conditional else 0
    step = Step(
        generator=generator,
        discriminator=discriminator,
        optimizers={
            name: build_optimizer(networks[name].parameters(), options, rates[name], capturable=device.type == "cuda")
            for name in networks
        },
        phases=phases,
        objective=build_objective(architecture, options),
        options=options,
        latents=Latents(stream_seed(options.seed, "latents"), options.latent, options.latent_distribution, device),
        draw=feed,
        precision=Precision(options.precision, device),
        classes=classes,
        enters_channels_last=laid and is_convolutional(discriminator),
        one_pass=not options.joined  # which is one pass whatever D makes of it
        and not is_convolutional(discriminator)  # whose time goes into arithmetic, of which one pass has as much
        and judges_halves_apart(discriminator, spec, classes, options.batch_size),
    )
    with guarding(architecture, "its generator cannot be copied, for --ema"):
        average = Average(generator, options.ema) if options.ema else None
    captured = CapturedStep(step, CudaGraphs(device), say) if options.capture else None
    return Assembly(architecture, step, feed, average, device, captured)


def build_networks(
    architecture: Architecture,
    options: Options,
    spec: DataSpec,
    device: torch.device | str = "cpu",
    remainder: int = 0,
) -> tuple[nn.Module, nn.Module]:
    """Both networks with weights drawn from the seed, on the device; tried once.

    `remainder`: the images of an epoch's smaller last batch, 0 where there is none. Raises PluginError where a network
    cannot be built or gives something else than images and logits, OptionError where it cannot train on so few images.
    """
    torch.manual_seed(stream_seed(options.seed, "weights"))
    with guarding(architecture, "its networks fail"):
        generator = _build(architecture, "generator", lambda: architecture.generator(options, spec))
        discriminator = _build(architecture, "discriminator", lambda: architecture.discriminator(options, spec))
        _refuse_shared(architecture, generator, discriminator)
        try_networks(architecture, options, spec, generator, discriminator)
        try_batches(architecture, options, spec, generator, discriminator, remainder)
    return generator.to(device), discriminator.to(device)


def _refuse_shared(architecture: Architecture, generator: nn.Module, discriminator: nn.Module) -> None:
    theirs = {id(parameter) for parameter in discriminator.parameters()}
    for name, parameter in generator.named_parameters():
        if parameter.requires_grad and id(parameter) in theirs:
            raise PluginError(
                f"the networks of {architecture.name!r} share the parameter {name!r}, and while one of them learns the other "
                "stays as it is: give each its own, or freeze it (requires_grad_(False))"
            )


def build_objective(architecture: Architecture, options: Options) -> Objective:
    """The game that the options name, or the architecture's own.

    Raises OptionError for an option that names none that is known, PluginError for an architecture that does.
    """
    with guarding(architecture, "game() failed"):
        game = architecture.game(options)
        own = game if isinstance(game, str) else getattr(game, "kind", None)
        if options.objective in (None, own):
            if type(game) is Objective and own not in KINDS:  # a subclass may call its own game what it likes
                raise PluginError(unknown(f"objective of {architecture.name}", str(own), KINDS))
            return registry().objective(game, f"objective of {architecture.name}") if isinstance(game, str) else game
    if options.objective not in registry().objectives:
        raise OptionError(unknown("--objective", options.objective, registry().objectives, "zoo plugins"))
    return registry().objective(options.objective)


def build_phases(architecture: Architecture, options: Options) -> list[Phase]:
    """The phases of a step under these options.

    Raises PluginError where they are none, OptionError where what the options ask for never comes about.
    """
    with guarding(architecture, "phases() failed"):
        phases = list(architecture.phases(options))
        if not phases or not all(isinstance(phase, Phase) for phase in phases):
            raise PluginError(f"phases() of {architecture.name!r} returned {phases!r}; return one zoo.Phase or more")
    if options.simultaneous and not any(alternates(phases, number) for number in range(_LONGEST_CYCLE)):
        raise OptionError(
            f"--simultaneous: {architecture.name} has no step under these options in which G's update follows D's, so that "
            "both could be done at once; leave it out (lsgan: or --by-turns)"
        )
    return phases


def _build(architecture: Architecture, role: str, build: Callable[[], nn.Module]) -> nn.Module:
    with guarding(architecture, f"{role}() failed"):
        network = build()
    if not isinstance(network, nn.Module):
        raise PluginError(f"{architecture.name}.{role}() returned {type(network).__name__}, not a torch.nn.Module")
    if not any(parameter.requires_grad for parameter in network.parameters()):
        raise PluginError(
            f"the {role} of {architecture.name!r} has no parameter that requires a gradient: it cannot learn"
        )
    return network
