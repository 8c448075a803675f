"""A trained generator, ready to draw."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from typing import Any

import torch
from PIL import Image
from torch import Tensor, nn

from zoo.architecture import Architecture
from zoo.data.spec import DataSpec
from zoo.errors import OptionError, RunError, ZooError, in_one_line
from zoo.generate.classes import Classes, Labels
from zoo.generate.copied import Copied, facts_of
from zoo.generate.decide import bytes_of, check_one, decide
from zoo.generate.drawing import Drawing, SampleStream
from zoo.generate.latent.arithmetic import Arithmetic
from zoo.generate.latent.expression import evaluate, parse_expression
from zoo.generate.latent.interpolation import interpolate, nearest_end
from zoo.generate.latent.latents import Latents
from zoo.generate.latent.numbers import check_numbers
from zoo.generate.latent.stream import LatentStream
from zoo.generate.latent.truncation import truncate
from zoo.generate.pictures.grid import to_png
from zoo.generate.request import check_seed, check_start, check_truncation, check_way
from zoo.generate.samples import Samples
from zoo.generate.sampling import BATCH, draw_images
from zoo.options import Options
from zoo.run.html import facts, picture
from zoo.system.memory import need_memory

SHOWN = 8
"""Seed numbers whose pictures a notebook shows of a generator."""


class Generator(Copied):
    """Draws images: ``generator(64, seed=7)``. The same seed draws the same images on every device, up to rounding.

    Pictures that are to be found again have seed numbers, 0 to 2^32 - 1: number s is drawn from the latent of seed s alone,
    so that ``generator(seeds=[3, 17])`` draws the same two to the last bit whatever is drawn beside them. Where there are
    classes and none is asked for, number s is of class s modulo the number of classes.
    """

    def __init__(
        self,
        network: nn.Module,
        architecture: Architecture,
        options: Options,
        spec: DataSpec,
        class_names: Sequence[str],
        step: int,
        discriminator: Callable[[], nn.Module] | None = None,
        labelled: Sequence[str] = (),
        restore: Callable[..., Generator] | None = None,
    ) -> None:
        """`discriminator` gives that network when a ranking first needs it; `labelled`: architectures that take labels.

        `restore`, which pickles, makes it again where it is unpickled: of its options as JSON has them, its spec, the names of
        its classes, its step, its network's weights and their device.
        """
        self.network: nn.Module = network
        """G, in evaluation mode."""
        self.architecture: str = architecture.name
        """The architecture's name."""
        self.options: Options = options
        """The options of the run."""
        self.spec: DataSpec = spec
        """The shape of the images."""
        self.class_names: list[str] = list(class_names)
        """The names of the classes; empty where it draws without labels."""
        self.step: int = step
        """Training steps behind it."""
        self.classes: Classes = Classes(class_names, architecture.name, labelled)
        """They again, as what is asked for is looked up in them."""
        self._architecture = architecture
        self._load_discriminator = discriminator
        self._restore = restore

    # ---- images

    def __call__(
        self,
        n: int | None = None,
        seed: int = 0,
        labels: Labels = None,
        *,
        seeds: Iterable[int] | None = None,
        best_of: int = 1,
        truncation: float | None = None,
        all_classes: bool = False,
        start: int = 0,
    ) -> Tensor:
        """Images, float32 (n, C, H, W) in [-1, 1]: those of `sample`, which tells what the arguments mean."""
        drawn = self.sample(
            n, seed, labels, seeds=seeds, best_of=best_of, truncation=truncation, all_classes=all_classes, start=start
        )
        return drawn.images

    def images(self, n: int | None = None, seed: int = 0, labels: Labels = None, **more: Any) -> list[Image.Image]:
        """The same as Pillow images; `more` as in `sample`. Raises OptionError for a run on points too."""
        return self.sample(n, seed, labels, **more).pictures()

    def sample(
        self,
        n: int | None = None,
        seed: int = 0,
        labels: Labels = None,
        *,
        seeds: Iterable[int] | None = None,
        best_of: int = 1,
        truncation: float | None = None,
        all_classes: bool = False,
        start: int = 0,
    ) -> Samples:
        """Draw images, and tell what they were drawn from.

        Args:
            n: how many; by default one for each label, or 1.
            seed: of all of them together: image i of it is the same however many are drawn, and from where on; but for a single
                one (n=1), which is that of the seed number.
            labels: classes, as indices or names, repeated to make up `n`; by default every class in turn, where there are
                classes. Text is a name, or else an index where no class is called by a number.
            seeds: seed numbers, in place of `n` and `seed`.
            best_of: draw that many for each that is kept, and keep those that the discriminator gives the highest logits, best
                first; where there are classes, within each class. Of `seeds`, one in `best_of` is kept.
            truncation: see `latents`.
            all_classes: `n` (8) images of every class, or every class for each of `seeds`.
            start: the number of the first image: n of the seed from there on; with `seeds`, `best_of` or `all_classes`, which
                make a list, what comes before it is left out.

        Raises:
            OptionError: for what does not fit.
            RunError: where memory does not suffice or the discriminator is missing.
        """
        drawing = decide(self, n, seed, labels, seeds, best_of, truncation, all_classes, start)
        return self._samples(drawing, drawing.first, drawing.last, best_of)

    def stream(
        self,
        n: int | None = None,
        seed: int = 0,
        labels: Labels = None,
        *,
        seeds: Iterable[int] | None = None,
        best_of: int = 1,
        truncation: float | None = None,
        all_classes: bool = False,
        start: int = 0,
    ) -> SampleStream:
        """The same images in parts of up to 64, in memory that does not grow with their number: ``for part in stream(50_000)``.

        A ranking keeps the logits of all candidates, and the latents of those that it chose. Arguments and errors are those of
        `sample`.
        """
        drawing = decide(self, n, seed, labels, seeds, best_of, truncation, all_classes, start, at_once=BATCH)
        return SampleStream(drawing, lambda first, last: self._samples(drawing, first, last, best_of))

    def _samples(self, drawing: Drawing, first: int, last: int, best_of: int) -> Samples:
        """Draw some places of a drawing."""
        plan = drawing.plan
        latents, labels = drawing.latents(first, last), drawing.labels(first, last)
        images = self.draw(latents, labels, together=drawing.together)
        numbers = drawing.seeds(first, last)
        turns = plan.turns(first, labels)
        return Samples(images, latents, labels, numbers, self.class_names, plan.row, best_of, turns, self.spec.points)

    def draw(self, latents: Tensor, labels: Labels = None, *, together: bool = True) -> Tensor:
        """Images of latents of your own: float32 (n, C, H, W) in [-1, 1].

        Args:
            latents: float32 (n, options.latent).
            labels: a class for each, where there are classes.
            together: in batches, which is faster; else one by one, which makes each the same to the last bit whatever the
                others are.

        Raises:
            OptionError: for latents or labels that do not fit.
        """
        if not isinstance(latents, Tensor) or not latents.is_floating_point():
            given = f"of {latents.dtype}" if isinstance(latents, Tensor) else repr(latents)
            raise OptionError(
                f"latents {given} were given; a float32 tensor (n, {self.options.latent}) fits, as latents() makes them"
            )
        if latents.ndim != 2 or latents.shape[1] != self.options.latent or not len(latents):
            raise OptionError(f"latents of shape {tuple(latents.shape)} were given; (n, {self.options.latent}) fits")
        classes = self.classes.indices(labels)
        if self.class_names and (classes is None or len(classes) != len(latents)):
            found = "none" if classes is None else str(len(classes))
            raise OptionError(f"{len(latents)} latents take {len(latents)} labels; {found} were given")
        with self._architecture.guard("its generator failed"):
            return draw_images(self.network, latents, classes, BATCH if together else 1)

    # ---- latents, and what is done with them

    def latents(
        self,
        n: int | None = None,
        seed: int = 0,
        *,
        seeds: Iterable[int] | None = None,
        truncation: float | None = None,
        start: int = 0,
    ) -> Tensor:
        """The latents of a seed, or else those of seed numbers: float32 (n, options.latent).

        Args:
            n: how many of the seed; by default 1.
            seed: of all of them together.
            seeds: seed numbers, in place of `n` and `seed`.
            truncation: normal latents have each number beyond ±truncation drawn again until it lies within; uniform ones are
                scaled by it towards the middle of their range, with truncation ≤ 1.
            start: which of the seed's latents is the first.

        Raises:
            OptionError: for what does not fit.
        """
        check_truncation(truncation, self.options.latent_distribution)
        check_one(n, seeds)
        if seeds is not None:
            return torch.cat([self._latents_of(number, 1, truncation) for number in check_numbers(seeds)])
        check_seed(seed)
        check_start(start)
        stop = start + (1 if n is None else n)
        if stop == 1:
            return self._latents_of(int(seed), 1, truncation)
        need_memory(bytes_of(self, stop - start, 0), "ask for fewer at once")
        return LatentStream(int(seed), self.options.latent, self.options.latent_distribution, truncation).rows(
            start, stop
        )

    def interpolate(
        self,
        seeds: Iterable[int],
        frames: int = 8,
        labels: Labels = None,
        *,
        spherical: bool | None = None,
        truncation: float | None = None,
    ) -> Tensor:
        """The way from each seed number to the next: float32 ((k - 1) · (frames - 1) + 1, C, H, W) in [-1, 1] for k seeds.

        Args:
            seeds: seed numbers, two or more.
            frames: images from one seed to the next, both included.
            labels: where there are classes, one of them, or one for each seed; classes are not blended, an image is of the
                class of the nearer seed.
            spherical: along an arc, which is the default for normal latents, or along a straight line.
            truncation: see `latents`.

        Raises:
            OptionError: for what does not fit.
        """
        numbers = check_numbers(seeds)
        check_way(len(numbers), frames)
        classes = self.classes.of_each(labels, len(numbers))
        steps = (len(numbers) - 1) * (frames - 1) + 1
        need_memory(bytes_of(self, steps), "ask for fewer frames")
        latents = self.latents(seeds=numbers, truncation=truncation)
        arc = self.options.latent_distribution == "normal" if spherical is None else spherical
        way = interpolate(latents, frames, arc)
        return self.draw(way, None if classes is None else classes[nearest_end(len(numbers), frames)], together=False)

    def arithmetic(self, text: str, label: int | str | None = None, *, truncation: float | None = None) -> Arithmetic:
        """Compute with the latents of seed numbers: ``arithmetic("mean(3, 17, 21) - mean(5, 9) + 0.5 * 8")``.

        Args:
            text: seed numbers with +, -, brackets and mean( , ); a number with `*` behind it is a factor.
            label: the class of every picture, where there are classes.
            truncation: see `latents`.

        Raises:
            ExpressionError: for text that does not parse.
            OptionError: for a label or truncation that does not fit.
        """
        expression = parse_expression(text)
        classes = self.classes.of_each(None if label is None else [label], 1)
        numbers = expression.seeds
        latents = dict(zip(numbers, self.latents(seeds=numbers, truncation=truncation), strict=True))
        terms = [evaluate(term.node, latents.__getitem__) for term in expression.terms]
        value = expression.value(latents.__getitem__)
        every = torch.stack([value, *terms, *latents.values()])
        images = self.draw(every, None if classes is None else classes.repeat(len(every)), together=False)
        drawn = dict(zip(numbers, images[1 + len(terms) :], strict=True))
        return Arithmetic(expression, value, images[0], images[1 : 1 + len(terms)], drawn, self.spec.points)

    @cached_property
    def discriminator(self) -> nn.Module:
        """The discriminator of the same checkpoint, in evaluation mode. Raises RunError where it is missing or damaged."""
        if self._load_discriminator is None:
            raise RunError(
                "this generator came without its discriminator, which ranks pictures; zoo.load(run) brings it"
            )
        return self._load_discriminator()

    def _repr_html_(self) -> str:
        """What a notebook shows of it: a table of facts, and the pictures of the first few seed numbers with these below."""
        about = facts_of(self)
        if self.spec.points:
            return facts(about)
        try:
            png = to_png(self.sample(seeds=range(SHOWN)).grid(numbered=True, columns=SHOWN))
        except ZooError as error:
            return facts(about) + picture(None, in_one_line(error))
        return facts(about) + picture(png, f"seed numbers 0 to {SHOWN - 1}")

    def _latents_of(self, seed: int, n: int, truncation: float | None) -> Tensor:
        source = Latents(seed, self.options.latent, self.options.latent_distribution)
        latents = source.draw(n)
        return latents if truncation is None else truncate(latents, source.distribution, truncation, source.random)

    def __repr__(self) -> str:
        return f"Generator({self.architecture!r}, step={self.step}, shape={self.spec.shape}, classes={len(self.class_names)})"
