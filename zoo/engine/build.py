"""Builds what a plan names: networks, optimisers, EMA, batches, and the step that they meet in."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import torch
from torch import nn

from zoo.architecture import Architecture, Phase
from zoo.data.loader import Loader
from zoo.data.spec import DataSpec
from zoo.data.store import ImageStore, prepare
from zoo.data.store_writer import Progress
from zoo.engine.augmentation.probability import Probability
from zoo.engine.batches import Batches
from zoo.engine.ema import EMA, half_life_decay
from zoo.engine.evaluation.evaluations import Evaluations
from zoo.engine.freezing import freeze_layers
from zoo.engine.graphs.capture import CapturedStep
from zoo.engine.graphs.cuda_graphs import CudaGraphs
from zoo.engine.health.monitors import Health
from zoo.engine.layout import is_convolutional, lay_channels_last
from zoo.engine.losses import Statistics
from zoo.engine.optim.build import build_optimizer
from zoo.engine.optim.schedule import base_rates, burn_in_at, momentum_at, rate_at, set_beta2, set_momentum, set_rate
from zoo.engine.plan import RunPlan
from zoo.engine.runtime.precision import Precision
from zoo.engine.runtime.seeds import TorchRandom
from zoo.engine.step import Step
from zoo.engine.trial import Capabilities, Trial
from zoo.generate.latent.latents import Latents
from zoo.options import Options
from zoo.system.streams import stream_seed


@dataclass
class TrainingState:
    """The moving parts of a run."""

    architecture: Architecture
    step: Step
    batches: Batches
    ema: EMA | None
    random: TorchRandom
    capabilities: Capabilities
    captured: CapturedStep | None = None
    health: Health = field(default_factory=Health)
    """What the monitors keep from look to look."""
    evaluations: Evaluations | None = None
    """What is measured while it trains, where something is (`zoo.engine.evaluation.prepare`)."""
    first_shapes: int | None = None
    """As `RunPlan.first_shapes`."""

    @property
    def options(self) -> Options:
        """Those of the run."""
        return self.step.options

    def run(self, number: int) -> Statistics:
        """Step `number` (from 0): `Step.run`, captured where that is asked for."""
        return (self.captured or self.step).run(number)

    def epochs_after(self, step: int) -> Fraction:
        """How often the discriminator has seen the data after so many steps: seldom a whole number."""
        batching = self.batches.loader.batching
        return batching.epochs_after(
            (step - batching.begins.step) * batches_per_step(self.step.phases, self.step.options)
        )

    def kimg_after(self, step: int) -> float:
        """Thousands of real images that the discriminator has seen after so many steps."""
        batching = self.batches.loader.batching
        batches = (step - batching.begins.step) * batches_per_step(self.step.phases, self.options)
        return batching.images_before(batching.begins.drawn + int(batches)) / 1000

    @property
    def steps(self) -> int:
        """How many steps the run has: `steps`, or those in which its discriminator sees the data `epochs` times, or `kimg`."""
        options, batching = self.options, self.batches.loader.batching
        if options.kimg is not None:
            images = Fraction(options.kimg).limit_denominator(10**6) * 1000 - batching.begins.images
            more = images / images_per_step(self.step.phases, options)
        elif options.epochs is not None:
            epochs = Fraction(options.epochs).limit_denominator(10**6)  # 8 / 3 as it is meant, not as a float holds it
            more = batching.batches_until(epochs) / batches_per_step(self.step.phases, options)
        else:
            return options.steps
        return max(1, batching.begins.step + math.ceil(more))

    def learning_rates(self, number: int) -> dict[str, float]:
        """Those of both networks in step `number` (from 0)."""
        options, steps, kimg = self.options, self.steps, self.kimg_after(number)
        return {role: rate_at(options, rate, number, steps, kimg) for role, rate in base_rates(options).items()}

    def set_schedules(self, number: int) -> None:
        """Set all that changes from step to step to what it is in step `number` (from 0)."""
        options, kimg, rates = self.options, self.kimg_after(number), self.learning_rates(number)
        for role, optimizer in self.step.optimizers.items():
            set_rate(optimizer, rates[role])
            set_momentum(optimizer, momentum_at(options, number))
            if options.final_beta2 is not None:
                set_beta2(optimizer, burn_in_at(options, "beta2", options.beta2, kimg))
        self.step.set_penalties(
            {name: burn_in_at(options, name, getattr(options, name), kimg) for name in options.penalties}
        )

    def average(self, number: int) -> None:
        """Take the generator's weights after step `number` into the average, where there is one and they have changed."""
        options, phases = self.options, self.step.phases
        if self.ema is None or not self.step.due("generator", number):
            return
        if options.ema_kimg is None:
            self.ema.update()
            return
        updates = min(1, sum(Fraction(1, phase.every) for phase in phases if phase.updates == "generator"))
        images = float(images_per_step(phases, options) / updates)
        self.ema.update(half_life_decay(self.kimg_after(number + 1), options.ema_kimg, options.ema_rampup, images))

    @property
    def sampling_generator(self) -> nn.Module:
        """The generator that pictures are drawn with: the averaged one, where there is one."""
        return self.ema.network if self.ema else self.step.generator


def batches_per_step(phases: Sequence[Phase], options: Options) -> Fraction:
    """Batches of real images that a step takes, on average."""
    updates = [Fraction(1, phase.every) for phase in phases if phase.updates == "discriminator"]
    return (sum(updates) or Fraction(1)) * options.accumulate


def images_per_step(phases: Sequence[Phase], options: Options) -> Fraction:
    """Real images that a step shows to the discriminator, on average."""
    return batches_per_step(phases, options) * options.batch_size


def prepare_data(plan: RunPlan, progress: Progress | None = None) -> ImageStore:
    """The data of a plan, prepared; `progress` is told how many images of how many are. Raises DataError as `prepare` does.

    Whether it is what was prepared is found out while the training begins (`zoo.engine.data_check`).
    """
    options = plan.options
    return prepare(plan.source, plan.spec, fit=options.fit, strict=options.strict, progress=progress, check=False)


def build(plan: RunPlan, store: ImageStore) -> TrainingState:
    """Build everything from the plan's seed, for the prepared data.

    Raises PluginError where the networks do not keep the contract, OptionError where they cannot train on so few images, or more
    is to be frozen than there is.
    """
    architecture, options, device = plan.architecture, plan.options, plan.device
    loader = Loader(
        store,
        options.batch_size,
        seed=stream_seed(options.seed, "data"),
        order=options.order,
        shuffle_buffer=options.shuffle_buffer,
        drop_remainder=options.drop_remainder,
        flip=options.flip,
        pin=device.type == "cuda",
        hold_out=options.hold_out,
        balance=options.balance,
    )
    most = sum(phase.updates == "discriminator" for phase in plan.phases) or 1
    batches = Batches(loader, device, ahead=most * options.accumulate if options.capture else 0)
    generator, discriminator = build_networks(architecture, options, plan.spec, device)
    freeze_layers(discriminator, options.freeze_d, architecture.name)
    capabilities = Trial(architecture, options, plan.spec, generator, discriminator, loader.remainder).run()
    if capabilities.channels_last:
        lay_channels_last(generator, discriminator)
    rates = base_rates(options)
    capturable = device.type == "cuda"  # every run on a GPU, captured or not: both are to give the same numbers
    step = Step(
        generator=generator,
        discriminator=discriminator,
        optimizers={
            role: build_optimizer(network.parameters(), options, rates[role], capturable=capturable)
            for role, network in (("generator", generator), ("discriminator", discriminator))
        },
        phases=plan.phases,
        objective=copy.deepcopy(plan.objective),  # whose state, if it has one, begins with the run
        options=options,
        latents=Latents(
            stream_seed(options.seed, "latents", options.latent_seed),
            options.latent,
            options.latent_distribution,
            device,
        ),
        draw=batches,
        precision=Precision(options.precision, device),
        classes=plan.classes,
        augmentations=plan.augmentations,
        probability=Probability(options, device) if plan.augmentations else None,
        channels_last=capabilities.channels_last and is_convolutional(discriminator),
        joint_pass=capabilities.joint_pass,
    )
    with architecture.guard("its generator cannot be copied, for --ema"):
        ema = EMA(generator, options.ema) if options.averages else None
    captured = CapturedStep(step, CudaGraphs(device)) if options.capture else None
    random = TorchRandom(device)
    return TrainingState(
        architecture, step, batches, ema, random, capabilities, captured, first_shapes=plan.first_shapes
    )


def build_networks(
    architecture: Architecture, options: Options, spec: DataSpec, device: torch.device | str = "cpu"
) -> tuple[nn.Module, nn.Module]:
    """Both networks on the device, with weights drawn from the seed. Raises PluginError where one cannot be built."""
    torch.manual_seed(stream_seed(options.seed, "weights"))
    generator = architecture.generator(options, spec)
    discriminator = architecture.discriminator(options, spec)
    return generator.to(device), discriminator.to(device)
