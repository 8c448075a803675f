"""A trained generator, ready to draw."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor, nn

from zoo.data.spec import DataSpec
from zoo.errors import OptionError, RunError, unknown
from zoo.generate.grid import to_picture, to_pixels
from zoo.generate.latents import Latents
from zoo.generate.sampling import draw_images
from zoo.options import Options
from zoo.registry import registry
from zoo.resolve import validate
from zoo.run.checkpoint import load_network, read_state, read_tensors
from zoo.run.run import Run


class Generator:
    """Draws images: ``generator(64, seed=7)``. The same seed draws the same images on every device, up to rounding."""

    def __init__(
        self,
        network: nn.Module,
        architecture: str,
        options: Options,
        spec: DataSpec,
        class_names: Sequence[str],
        step: int,
    ) -> None:
        self.network = network
        self.architecture = architecture
        self.options = options
        self.spec = spec
        self.class_names = list(class_names)
        """The names of the classes; empty where it draws without labels."""
        self.step = step
        """Training steps behind it."""

    def __call__(
        self, n: int | None = None, seed: int = 0, labels: Sequence[int | str] | Tensor | None = None
    ) -> Tensor:
        """`n` images, float32 (n, C, H, W) in [-1, 1].

        `labels`: class indices or names, repeated to make up `n`; by default every class in turn, where there are classes.
        Without `n`, one image for each label, or 1. Raises OptionError for labels that it cannot draw.
        """
        wanted = self.labels(labels)
        count = n if n is not None else (1 if wanted is None or labels is None else len(wanted))
        if not 0 <= seed < 2**63:
            raise OptionError(f"seed {seed}: give a number from 0 to 2^63 - 1")
        if count < 1:
            raise OptionError(f"{count} images cannot be drawn; ask for at least 1")
        if wanted is not None:
            wanted = wanted.repeat(-(-count // len(wanted)))[:count]
        return draw_images(self.network, self.latents(count, seed), wanted)

    def images(
        self, n: int | None = None, seed: int = 0, labels: Sequence[int | str] | Tensor | None = None
    ) -> list[Image.Image]:
        """The same as Pillow images."""
        return [to_picture(pixels) for pixels in to_pixels(self(n, seed, labels))]

    def latents(self, n: int, seed: int = 0) -> Tensor:
        """The `n` latents of a seed, float32 (n, options.latent)."""
        return Latents(seed, self.options.latent, self.options.latent_distribution).draw(n)

    def every_class(self, each: int) -> list[int]:
        """Labels for `each` images of every class, class by class. Raises OptionError where it draws without labels."""
        self._need_classes()
        return [index for index in range(len(self.class_names)) for _ in range(each)]

    def labels(self, labels: Sequence[int | str] | Tensor | None) -> Tensor | None:
        """Class indices, int64, of labels given as indices or names; all classes in turn for None.

        None where the architecture draws without labels. Raises OptionError for a label that does not exist.
        """
        if not self.class_names:
            if labels is not None:
                self._need_classes()
            return None
        if labels is None:
            return torch.arange(len(self.class_names))
        found = [self._index(label) for label in (labels.tolist() if isinstance(labels, Tensor) else labels)]
        if not found:
            raise OptionError(
                "an empty list of labels was given; give at least one, or leave labels out for every class"
            )
        return torch.tensor(found)

    def _need_classes(self) -> None:
        if self.class_names:
            return
        known = registry()
        able = [name for name in known.names if name not in known.conflicts and known.architecture(name).conditional]
        raise OptionError(
            f"{self.architecture} draws without labels; leave them out, or train one that takes them: "
            f"{', '.join(able) or 'none is installed'}"
        )

    def _index(self, label: int | str) -> int:
        if isinstance(label, str):
            if label in self.class_names:
                return self.class_names.index(label)
            try:
                label = int(label)
            except ValueError:
                raise OptionError(unknown("class", str(label), self.class_names)) from None
        if not 0 <= label < len(self.class_names):
            last = len(self.class_names) - 1
            raise OptionError(
                f"label {label} is not one of the {last + 1} classes, 0 to {last}: {_some(self.class_names)}"
            )
        return int(label)

    def __repr__(self) -> str:
        return f"Generator({self.architecture!r}, step={self.step}, shape={self.spec.shape}, classes={len(self.class_names)})"


def load(run: Run | Path | str, *, step: int | None = None, device: str = "cpu", averaged: bool = True) -> Generator:
    """The trained generator of a run.

    `step` chooses a checkpoint, the newest by default. `averaged`: with the running average of the weights, where the run
    kept one, else with the weights themselves. Raises RunError where the run or its checkpoint cannot be used.
    """
    run = run if isinstance(run, Run) else Run(run)
    known = dict(run.checkpoints)
    if step is not None and step not in known:
        raise RunError(f"{run.path} has no checkpoint of step {step}; it has {', '.join(map(str, known)) or 'none'}")
    step, folder = (step, known[step]) if step is not None else run.latest()
    architecture = registry().architecture(run.architecture)
    options = validate(architecture, run.config["options"])
    spec, class_names = run.geometry()
    with torch.random.fork_rng(devices=[]):  # its random weights are replaced at once, and nobody else's numbers change
        network = architecture.generator(options, spec)
    tensors = read_tensors(folder, "generator")
    load_network(network, tensors, folder / "generator.safetensors", architecture.name)
    if averaged:
        average = {
            key.removeprefix("ema."): value
            for key, value in read_state(folder).tensors.items()
            if key.startswith("ema.")
        }
        if average:
            load_network(network, average, folder / "state.safetensors", architecture.name)
    network = network.to(device).eval().requires_grad_(False)
    return Generator(network, architecture.name, options, spec, class_names if architecture.conditional else [], step)


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:10]) + (", …" if len(names) > 10 else "")
