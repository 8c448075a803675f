"""What is tried on copies of the networks before a run begins: whether they fit, and what they can do.

What does not fit is better said then, in words; what they can do decides how a step computes, and is written to config.json.
"""

from __future__ import annotations

import copy
import logging
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from zoo.architecture import Architecture
from zoo.data.spec import DataSpec
from zoo.engine.layout import is_convolutional, lay_channels_last, to_channels_last, to_contiguous
from zoo.engine.runtime.seeds import random_numbers_kept
from zoo.errors import OptionError, PluginError, in_one_line
from zoo.nn.groups import in_groups
from zoo.nn.modes import evaluating
from zoo.nn.normalisation import BatchNormAct
from zoo.ops.library import native
from zoo.options import Options

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Capabilities:
    """What a pair of networks can do on a device."""

    channels_last: bool
    """Whether their weights and images lie channels last, where convolutions are faster."""
    joint_pass: bool
    """Whether D gives real images and fakes in one pass what it gives them in two, and half as many ops are called."""


class Trial:
    """Tries a pair of networks, with all they need for it. Nothing is left of it but the answer."""

    def __init__(
        self,
        architecture: Architecture,
        options: Options,
        spec: DataSpec,
        generator: nn.Module,
        discriminator: nn.Module,
        remainder: int = 0,
    ) -> None:
        """`remainder`: the images of an epoch's smaller last batch, 0 where there is none."""
        self.architecture = architecture
        self.options = options
        self.spec = spec
        self.networks = {"generator": generator, "discriminator": discriminator}
        self.remainder = remainder
        self.device = next(generator.parameters()).device
        self.count = max(2, architecture.smallest_batch)

    def run(self) -> Capabilities:
        """Try everything.

        Raises PluginError where the networks give something else than images and logits, OptionError where they cannot train
        on so few images.
        """
        self.check()
        return Capabilities(self.try_channels_last(), self.try_joint_pass())

    # ---- whether they fit

    def check(self) -> None:
        """Try whether they fit. Raises what `run` does."""
        self.try_parameters()
        self.try_shapes()
        self.try_batches()

    def try_parameters(self) -> None:
        """Raise PluginError where the networks share a parameter that is to learn."""
        theirs = {id(parameter) for parameter in self.networks["discriminator"].parameters()}
        with self.architecture.guard("its networks fail"):
            for name, parameter in self.networks["generator"].named_parameters():
                if parameter.requires_grad and id(parameter) in theirs:
                    raise PluginError(
                        f"the networks of {self.architecture.name!r} share the parameter {name!r}, and while one of them learns "
                        "the other stays as it is: give each its own, or freeze it (requires_grad_(False))"
                    )

    def try_shapes(self) -> None:
        """One pass of a few images through both networks. Raises PluginError for shapes that do not fit."""
        name, count = self.architecture.name, self.count
        with self._untraced(), self.architecture.guard("its networks fail"):
            images = self._evaluated("generator", self._latents(count), *self._labels(count))
            if tuple(images.shape) != (count, *self.spec.shape):
                raise PluginError(
                    f"the generator of {name!r} makes {tuple(images.shape)} of {count} latents; "
                    f"the data asks for {(count, *self.spec.shape)}"
                )
            logits = self._evaluated("discriminator", images, *self._labels(count))
            if logits.numel() != count:
                raise PluginError(
                    f"the discriminator of {name!r} makes {tuple(logits.shape)} of {count} images; "
                    f"it should give one logit each, shape ({count},) or ({count}, 1)"
                )

    def _evaluated(self, role: str, *inputs: Tensor) -> Tensor:
        """What a network gives in evaluation mode."""
        name, network = self.architecture.name, self.networks[role]
        shapes = ", ".join(str(tuple(tensor.shape)) for tensor in inputs)
        what = f"the {role} of {name!r} fails for input of shape {shapes}"
        with self.architecture.guard(what), evaluating(network):
            result = network(*inputs)
            if not isinstance(result, Tensor):
                raise PluginError(f"the {role} of {name!r} returns {type(result).__name__}, not a tensor")
            return result

    def try_batches(self) -> None:
        """See that no network is to train on fewer images than it can.

        What is less than the architecture's `smallest_batch` is refused where that is more than two; one image alone is tried,
        which batch normalisation often cannot take. Raises OptionError with the way out.
        """
        options, name, smallest = self.options, self.architecture.name, self.architecture.smallest_batch
        if smallest > 2:
            sizes = {"--batch-size": options.batch_size, "--generator-batch-size": options.generator_batch_size}
            for flag, count in sizes.items():
                if count is not None and count < smallest:
                    raise OptionError(f"{flag} {count}: {name} trains on {smallest} images or more at a time")
            if 0 < self.remainder < smallest:
                raise OptionError(
                    f"the last batch of each epoch holds {self.remainder}, and {name} trains on {smallest} images or more "
                    "at a time; give --drop-remainder, or another --batch-size"
                )
        real = 1 in (options.batch_size, self.remainder)  # one real image in D's phase, and one fake
        fake = (options.generator_batch_size or options.batch_size) == 1 or (
            real and (options.reuse_fakes or options.simultaneous)
        )  # in G's phase
        if not real and not fake:
            return
        with self._untraced(), self.architecture.guard("it fails on a batch of one image in training mode"):
            try:
                if fake or not options.evaluate_fakes:
                    self._copy("generator")(self._latents(1), *self._labels(1))
                if fake or not options.joined:
                    self._copy("discriminator")(torch.zeros(1, *self.spec.shape, device=self.device), *self._labels(1))
            except ValueError as error:
                if options.batch_size == 1 or not real:
                    flag = "--batch-size" if options.batch_size == 1 else "--generator-batch-size"
                    raise OptionError(f"{flag} 1 is too small for {name}: {error}") from None
                raise OptionError(
                    f"the last batch of each epoch holds one image, too few for {name} ({error}); "
                    "give --drop-remainder, or another --batch-size"
                ) from None

    # ---- what they can do

    def try_channels_last(self) -> bool:
        """Whether they can lie channels last, where that pays. Tried in training mode, there and back."""
        if not self._channels_last_pays():
            return False
        try:
            generator, discriminator = self._copy("generator"), self._copy("discriminator")
            lay_channels_last(generator, discriminator)
            labels = self._labels(self.count)
            with self._isolated(), torch.enable_grad():
                images = to_contiguous(generator(self._latents(self.count), *labels))
                for given in (images.detach(), images):  # as real ones come, and as G's do
                    entering = to_channels_last(given) if is_convolutional(discriminator) else given
                    discriminator(entering, *labels).sum().backward()
        except (
            Exception
        ) as error:  # whatever it is: as they are made they work, or say themselves what is wrong with them
            log.info(
                "%s cannot lie channels last, where convolutions are faster (docs/plugins.md): %s",
                self.architecture.name,
                in_one_line(error),
            )
            return False
        return True

    def _channels_last_pays(self) -> bool:
        """On a GPU it always does. On a CPU zoo's own convolutions want it; torch's alone gain little, and dense layers nothing."""
        if not is_convolutional(*self.networks.values()):
            return False
        return self.device.type == "cuda" or (self.device.type == "cpu" and native("conv2d", "cpu"))

    def try_joint_pass(self) -> bool:
        """Whether D gives both halves of a batch what it gives each alone, and keeps nothing else of them.

        So it is where all that looks at several images keeps halves apart (`zoo.nn.groups`), and nothing is random or moves with
        each pass. Tried with other weights than those it begins with (a gate may begin closed).
        """
        if self.options.joined:  # which is one pass whatever D makes of it
            return False
        if is_convolutional(
            self.networks["discriminator"]
        ):  # whose time goes into arithmetic, of which one pass has as much
            return False
        random = torch.Generator().manual_seed(0)
        count = self.options.batch_size
        try:
            apart = self._copy("discriminator").train()
            for parameter in apart.parameters():
                parameter.data += 0.05 * torch.randn(parameter.shape, generator=random).to(parameter)
            together = copy.deepcopy(apart)
            before = [value.clone() if isinstance(value, Tensor) else value for value in _kept(apart)]
            real, fake = torch.rand(2, count, *self.spec.shape, generator=random).mul(2).sub(1).to(self.device)
            classes = self.spec.classes if self.architecture.conditional else 0
            labels = (torch.arange(count, device=self.device) % classes,) if classes else ()
            with self._untraced():
                one, other = apart(real, *labels), apart(fake, *labels)
                with in_groups(together, 2):
                    both = together(torch.cat([real, fake]), *(torch.cat([each, each]) for each in labels))
        except (
            Exception
        ):  # such a D takes batches of one size alone, or cannot be copied, or has another mind of its own
            return False
        kept = list(_kept(apart))
        unmoved = len(before) == len(kept) and all(map(_equal, before, kept))
        return unmoved and _close(both.flatten(), torch.cat([one.flatten(), other.flatten()]))

    # ---- what they are given

    def _copy(self, role: str) -> nn.Module:
        return copy.deepcopy(self.networks[role])

    def _latents(self, count: int) -> Tensor:
        return torch.zeros(count, self.options.latent, device=self.device)

    def _labels(self, count: int) -> tuple[Tensor, ...]:
        conditional = self.architecture.conditional
        return (torch.zeros(count, dtype=torch.int64, device=self.device),) if conditional else ()

    def _isolated(self) -> AbstractContextManager[None]:
        """Within it random numbers are drawn that nobody misses."""
        return random_numbers_kept(self.device)

    @contextmanager
    def _untraced(self) -> Iterator[None]:
        """The same, without gradients."""
        with self._isolated(), torch.no_grad():
            yield


def _kept(network: nn.Module) -> Iterator[Any]:
    """What the network holds beside its parameters: buffers, and whatever its passes have left there, but for BatchNormAct's."""
    for module in network.modules():
        if not isinstance(module, BatchNormAct):
            yield from module._buffers.values()
            yield from (value for name, value in vars(module).items() if name not in _OF_EVERY_MODULE)


_OF_EVERY_MODULE = frozenset(vars(nn.Module()))


def _equal(before: Any, after: Any) -> bool:
    if isinstance(after, Tensor):
        return isinstance(before, Tensor) and torch.equal(before, after)
    if isinstance(after, list | tuple | dict):  # what tensors are in it cannot be told from before
        parts = after.values() if isinstance(after, dict) else after
        return not any(isinstance(part, Tensor) for part in parts)
    return not isinstance(after, int | float | None) or bool(before == after)


def _close(one: Tensor, other: Tensor) -> bool:
    return one.shape == other.shape and torch.allclose(one.double(), other.double(), rtol=1e-4, atol=1e-5)
