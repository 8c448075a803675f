"""What the networks take and give."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil
from typing import TYPE_CHECKING

from zoo.errors import ZooError
from zoo.testing.attribution import machine
from zoo.testing.outcome import CheckFailed

if TYPE_CHECKING:
    from torch import Tensor, nn

    from zoo.data.spec import DataSpec
    from zoo.options import Options
    from zoo.testing.subject import Subject

FAR = 1000.0
"""What latents are multiplied with, so that images which are not held within [-1, 1] leave it."""


def shapes(subject: Subject) -> None:
    """G makes images of the data's shape within [-1, 1], D gives one finite logit each: grey, colour, labelled or not."""
    from zoo.engine.build import build_networks

    for spec in specs(subject):
        subject.tell(spec)
        generator, discriminator = build_networks(subject.architecture, subject.options, spec)
        _look(subject, spec, generator.train(), discriminator.train(), subject.options.batch_size, FAR)
        for count in (5, 1):
            _look(subject, spec, generator.eval(), discriminator.eval(), count, FAR)
        _look(subject, spec, generator.eval(), discriminator.eval(), 5, 1.0)
    if found := subject.networks_fail():  # what only the trial before a run sees
        subject.tell(subject.spec)
        raise CheckFailed(found, "mend what it names: no run begins otherwise")


def specs(subject: Subject) -> Iterator[DataSpec]:
    """Grey, colour and transparent, several of the sizes that the options allow, with labels and, where it may be, without.

    Rectangles where the architecture says so. Where every size will do, so must images that are not square, and points.
    """
    from zoo.data.spec import DataSpec

    options = subject.options
    allowed = subject.architecture.sizes(options)
    own = subject.spec
    if "size" in subject.flags:
        sizes = {own.height} if own.height == own.width else set()
    elif allowed is None:
        sizes = {9, 28, own.height}
    else:
        sizes = {own.height, *sorted(allowed)[:2], min(allowed, key=lambda size: abs(size - 28))}
    numbers = (3, 10) if subject.architecture.conditional else (3, 0)
    for size in sorted(sizes):
        for channels in channels_of(options, also=(4,) if size == own.height else ()):
            for classes in numbers if size == own.height else numbers[:1]:
                yield DataSpec(channels, size, size, classes)
    rectangles = {(own.height, own.width)} if own.height != own.width else set()
    if allowed is not None and subject.architecture.rectangles and "size" not in subject.flags:
        smaller, larger = (
            sorted(allowed)[0],
            min(sorted(allowed)[1:], key=lambda size: abs(size - 28), default=own.height),
        )
        rectangles |= {(smaller, larger), (larger, smaller)} if smaller != larger else set()
    for height, width in sorted(rectangles):
        for channels in channels_of(options):
            yield DataSpec(channels, height, width, numbers[0])
    if allowed is None and options.size is None:
        yield DataSpec(options.channels or 3, 6, 9, numbers[1])
        if options.channels is None:
            yield DataSpec(1, 1, 2, numbers[0], points=True)


def channels_of(options: Options, also: tuple[int, ...] = ()) -> tuple[int, ...]:
    """The channels to try: those that the options ask for, else grey and colour, and `also` these."""
    return (options.channels,) if options.channels else (1, 3, *also)


def _look(
    subject: Subject, spec: DataSpec, generator: nn.Module, discriminator: nn.Module, count: int, far: float
) -> None:
    """One pass of `count` latents, `far` times as large as usual, and of as many random images.

    Pictures are drawn in any number. Of images D gets whole multiples of smallest_batch, where it needs more than two.
    """
    import torch

    from zoo.generate.latent.latents import Latents

    options = subject.options
    mode = "in training mode" if generator.training else "in evaluation mode"
    large = f", latents times {far:g}" if far != 1 else ""
    subject.tell(spec, f"a batch of {count}{large}", mode)
    labels = (torch.arange(count) % spec.classes,) if subject.architecture.conditional else ()
    latents = far * Latents(1, options.latent, options.latent_distribution).draw(count)
    with torch.no_grad():
        drawn = _answer(subject, "generator", generator, latents, *labels)
        # While it learns, D alone may hold its numbers there: a linear last layer is held by G itself when it draws.
        _is_images(drawn, (count, *spec.shape), bounded=not generator.training)
        smallest = subject.architecture.smallest_batch
        if smallest > 2:
            count = smallest * ceil(count / smallest)
            subject.tell(spec, f"a batch of {count}", mode)
            labels = (torch.arange(count) % spec.classes,) if subject.architecture.conditional else ()
        images = torch.rand(count, *spec.shape, generator=torch.Generator().manual_seed(2)) * 2 - 1
        _is_logits(_answer(subject, "discriminator", discriminator, images, *labels), count)


def _answer(subject: Subject, role: str, network: nn.Module, *inputs: Tensor) -> Tensor:
    """What a network makes of its inputs, which is to be one tensor."""
    import torch

    try:
        found = network(*inputs)
    except Exception as error:
        if isinstance(error, ZooError) or machine(error, subject.plugin):
            raise
        given = ", ".join(str(tuple(tensor.shape)) for tensor in inputs)
        raise CheckFailed(
            f"the {role} fails for input of shape {given}: {subject.plugin.reason(error)}",
            "mend that line, or what it is given",
        ) from error
    if not isinstance(found, torch.Tensor):
        what = "None" if found is None else f"a {type(found).__name__}"
        raise CheckFailed(f"the forward() of the {role} returns {what}", "return one tensor")
    return found


def _is_images(images: Tensor, shape: tuple[int, ...], bounded: bool) -> None:
    import torch

    if tuple(images.shape) != shape:
        raise CheckFailed(
            f"the generator makes {tuple(images.shape)}, where {shape} is asked for",
            "build it from data.shape, which is (channels, height, width); sizes(options) tells which sizes it can be built for",
        )
    if not images.dtype.is_floating_point:
        raise CheckFailed(f"the generator's images are {images.dtype}", "make them floating-point numbers")
    if not bool(torch.isfinite(images).all()):
        raise CheckFailed("the generator's images hold NaN or infinity", "look for a division or a logarithm of 0")
    low, high = float(images.min()), float(images.max())
    if bounded and (low < -1 or high > 1):
        raise CheckFailed(
            f"the generator's images lie within [{low:.4g}, {high:.4g}], not within [-1, 1]",
            "end it with nn.Tanh(), or with nn.Sigmoid() and zoo.nn.Rescale((0, 1), (-1, 1)), or when it draws with clamp(-1, 1)",
        )


def _is_logits(logits: Tensor, count: int) -> None:
    import torch

    if logits.numel() != count:
        raise CheckFailed(
            f"the discriminator gives {tuple(logits.shape)} for {count} images, where one logit each is asked for",
            f"let it return the shape ({count},) or ({count}, 1)",
        )
    if not bool(torch.isfinite(logits).all()):
        raise CheckFailed("the discriminator's logits hold NaN or infinity", "look for a division or a logarithm of 0")
