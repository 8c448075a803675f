"""A discriminator that knows its images by heart: r_v and r_t of Karras et al. 2020 (https://arxiv.org/abs/2006.06676), section 3.

With D's mean over images that it learns from, over others that are held out, and over fakes,
r_v = (D_train - D_held) / (D_train - D_fake): 0 where D takes the held-out images for real ones, 1 where it takes them for fakes.
r_t = E[sign D_train], the sign being that of the output less what its loss has as the middle, needs no image held out.
D is asked in evaluation mode, so that each image is looked at alone, and without augmentations: nothing of the training changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from zoo.data.loader import Loader
from zoo.engine.health.monitor import Monitor, Trouble
from zoo.engine.health.variety import from_store
from zoo.engine.layout import to_channels_last
from zoo.engine.runtime.seeds import random_numbers_kept
from zoo.engine.step import Step
from zoo.generate.latent.latents import Latents
from zoo.nn.modes import evaluating
from zoo.objective import middle_of, needs_real_logits
from zoo.options import Options

EVERY = 100
"""Steps between two probes at least."""
PROBE_SIZE = 128
"""Images of each of the three kinds at most."""
BATCH = 64
"""Images in one pass."""
MAX_R_V = 0.6
"""r_v from which D has overfitted: what StyleGAN2-ADA keeps below (target 0.6)."""
NEAR = 0.25
"""Where D takes real images and fakes for nearly the same, r_v is a quotient of noise: so far apart, in standard deviations of its
output over the images learnt from, they have to be."""

PROBE_VALUES = ("r_v", "r_t", "d_train", "d_held_out", "d_generated")
"""What a probe tells."""


SMALL = 1000
"""Images below which a discriminator without regularisation soon knows them by heart."""
FEW = 200
"""Images that are too few to begin with random weights, whatever keeps the discriminator from overfitting."""


def small_data_advice(options: Options, images: int, transferred: bool = False) -> str:
    """A line for a training that will overfit, and would not notice; empty for others.

    `transferred`: it begins with the weights of another run.
    """
    if images < FEW and not (transferred and options.freeze_d):
        begin = (
            "--freeze-d 3 keeps D's first layers as that run has them"
            if transferred
            else "--from RUN --freeze-d 3 begins with what a run on more of them has learnt"
        )
        augment = "" if options.augment else "; --augment translation cutout shows each in many ways"
        are = "image is" if images == 1 else "images are"
        return f"{images} {are} few, and what is drawn may be copies: {begin}{augment}"
    if images >= SMALL or options.hold_out or options.penalties or options.augment:
        return ""
    return (
        f"{images} images, and nothing keeps the discriminator from learning them by heart: --augment translation cutout or --r1 "
        f"do, and --hold-out {max(1, images // 10)} says when it happens"
    )


class Probe:
    """Asks D of images learnt from, held out, and generated: the same ones each time."""

    def __init__(self, loader: Loader, step: Step, latents_seed: int) -> None:
        self._step = step
        count = min(PROBE_SIZE, len(loader.held_out))
        places = loader.places(np.linspace(0, loader.images - 1, min(count, loader.images)).astype(np.int64))
        held = loader.held_out[np.linspace(0, len(loader.held_out) - 1, count).astype(np.int64)]
        self._sets = [(from_store(loader.store, each), self._labels(loader, each)) for each in (places, held)]
        options = step.options
        self._latents = Latents(latents_seed, options.latent, options.latent_distribution).draw(count)
        self._fake_labels = torch.arange(count) % step.classes if step.classes else None

    def measure(self) -> tuple[dict[str, float], float]:
        """r_v, r_t and D's three means; and by how many standard deviations real images and fakes differ."""
        step = self._step
        modes = evaluating(step.generator), evaluating(step.discriminator)
        with random_numbers_kept(step.latents.device), torch.no_grad(), modes[0], modes[1]:
            train, held = (self._logits(images, labels) for images, labels in self._sets)
            fake = self._logits(None, self._fake_labels)
        gap = float(train.mean() - fake.mean())
        means = {"d_train": float(train.mean()), "d_held_out": float(held.mean()), "d_generated": float(fake.mean())}
        found = {"r_v": (means["d_train"] - means["d_held_out"]) / gap if gap else 0.0}
        middle = float(fake.mean()) if needs_real_logits(step.objective) else middle_of(step.objective)
        found["r_t"] = float((train - middle).sign().mean())
        return {**found, **means}, gap / max(float(train.std()), 1e-12)

    def _labels(self, loader: Loader, places: Any) -> Tensor | None:
        if not self._step.classes or loader.store.labels is None:
            return None
        return torch.from_numpy(loader.store.labels[places])

    def _logits(self, images: Tensor | None, labels: Tensor | None) -> Tensor:
        """D's of images, or of what G makes of the latents, on the CPU."""
        step, found = self._step, []
        device = step.latents.device
        for start in range(0, len(self._latents) if images is None else len(images), BATCH):
            told = None if labels is None else labels[start : start + BATCH].to(device)
            if images is None:
                batch = _called(step.generator, self._latents[start : start + BATCH].to(device), told)
            else:
                batch = images[start : start + BATCH].to(device)
            entering = to_channels_last(batch) if step.channels_last else batch
            found.append(_called(step.discriminator, entering, told).reshape(len(batch)).float().cpu())
        return torch.cat(found)


def _called(network: nn.Module, given: Tensor, labels: Tensor | None) -> Tensor:
    answer: Tensor = network(given) if labels is None else network(given, labels)
    return answer


class Overfitted:
    """Tells where D takes images that are held out for fakes, in two probes one after the other."""

    kind = "overfitted"

    def __init__(self) -> None:
        self._monitor = Monitor(patience=2, steps=0)

    @property
    def last_ok_step(self) -> int:
        """The step of the last check that passed."""
        return self._monitor.last_ok_step

    def update(self, step: int, values: Mapping[str, float], apart: float) -> Trouble | None:
        """Where r_v is too large; `apart` as `Probe.measure` tells it. Without an r_v, as nothing is held out, all is well."""
        by_heart = apart > NEAR and values.get("r_v", 0.0) >= MAX_R_V
        if not self._monitor.update(step, ok=not by_heart):
            return None
        message = (
            f"the discriminator knows its images by heart: r_v is {values['r_v']:.2f}, r_t {values['r_t']:.2f} (Karras et al. "
            f"2020 keep below {MAX_R_V:g})"
        )
        return Trouble(
            self.kind, step, self.last_ok_step, message, {name: values[name] for name in PROBE_VALUES}, "discriminator"
        )

    def state_dict(self) -> dict[str, Any]:
        """What it keeps from check to check."""
        return self._monitor.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state_dict`."""
        self._monitor.load_state_dict(state)
