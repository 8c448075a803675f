"""Two systems of docs/architectures.md in plain torch.nn and torch.optim: ``python tests/reference/plain_torch.py`` writes
plain_torch.npz beside itself; with ``--check`` it writes nothing and says whether the stored numbers are still the same.

folder64: a least squares GAN for a folder of photographs. Sigmoids end both networks, images lie in [0, 1], no layer has a
bias, G and D learn by turns (D in even steps, G in odd ones), G draws in every step, and D leaves a step out while its
loss is 0.1 or less.
radford64: Radford et al. 2015 at 64×64. D ends in a logit, images lie in [-1, 1], both networks learn in every step.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from oracle import store
from oracle.draws import Array, Draws
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

FILE = Path(__file__).with_suffix(".npz")
STEPS = 3
LATENT = 100
SIZE = 64
LIMIT = 40
TOLERANCE = 1e-9
"""What another processor or release of torch may change, relative to an array's largest value (at least 1)."""


# ---- the networks


def folder_generator(unit: int = 64) -> nn.Sequential:
    """Latents (N, 100, 1, 1) to images (N, 3, 64, 64) in [0, 1]. `unit` is the document's 64."""
    layers: list[nn.Module] = []
    inputs = LATENT
    for outputs, stride, padding in ((4 * unit, 1, 0), (4 * unit, 2, 1), (2 * unit, 2, 1), (unit, 2, 1)):
        layers += [
            nn.ConvTranspose2d(inputs, outputs, 4, stride, padding, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
        ]
        inputs = outputs
    return nn.Sequential(*layers, nn.ConvTranspose2d(inputs, 3, 4, 2, 1, bias=False), nn.Sigmoid())


def folder_discriminator(unit: int = 64) -> nn.Sequential:
    """Images (N, 3, 64, 64) in [0, 1] to numbers (N, 1, 1, 1) in [0, 1]."""
    layers: list[nn.Module] = [nn.Conv2d(3, unit, 4, 2, 1, bias=False), nn.LeakyReLU(0.2)]
    inputs = unit
    for outputs in (2 * unit, 4 * unit, 4 * unit):
        layers += [nn.Conv2d(inputs, outputs, 4, 2, 1, bias=False), nn.BatchNorm2d(outputs), nn.LeakyReLU(0.2)]
        inputs = outputs
    return nn.Sequential(*layers, nn.Conv2d(inputs, 1, 4, 1, 0, bias=False), nn.Sigmoid())


def radford_generator(unit: int = 64) -> nn.Sequential:
    """Latents (N, 100, 1, 1) to images (N, 3, 64, 64) in [-1, 1]. `unit` is the width next to the image."""
    layers: list[nn.Module] = []
    inputs = LATENT
    for outputs, stride, padding in ((8 * unit, 1, 0), (4 * unit, 2, 1), (2 * unit, 2, 1), (unit, 2, 1)):
        layers += [
            nn.ConvTranspose2d(inputs, outputs, 4, stride, padding, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
        ]
        inputs = outputs
    return nn.Sequential(*layers, nn.ConvTranspose2d(inputs, 3, 4, 2, 1, bias=False), nn.Tanh())


def radford_discriminator(unit: int = 64) -> nn.Sequential:
    """Images (N, 3, 64, 64) in [-1, 1] to logits (N, 1, 1, 1). No convolution has a bias, as in the paper's code."""
    layers: list[nn.Module] = [nn.Conv2d(3, unit, 4, 2, 1, bias=False), nn.LeakyReLU(0.2)]
    inputs = unit
    for outputs in (2 * unit, 4 * unit, 8 * unit):
        layers += [nn.Conv2d(inputs, outputs, 4, 2, 1, bias=False), nn.BatchNorm2d(outputs), nn.LeakyReLU(0.2)]
        inputs = outputs
    return nn.Sequential(*layers, nn.Conv2d(inputs, 1, 4, 1, 0, bias=False))


# ---- the games


@dataclass(frozen=True)
class System:
    """What is built and played. `low` is the smallest value of a pixel; the largest is 1."""

    name: str
    architecture: str
    generator: Callable[..., nn.Sequential]
    discriminator: Callable[..., nn.Sequential]
    unit: int
    batch_size: int
    low: float
    adam: dict[str, Any]
    real_loss: Callable[[Tensor], Tensor]
    fake_loss: Callable[[Tensor], Tensor]
    by_turns: bool = False
    skip_below: float | None = None


def squared(target: float) -> Callable[[Tensor], Tensor]:
    """The mean squared distance from the target."""
    return lambda judged: F.mse_loss(judged, torch.full_like(judged, target))


def entropy(target: float) -> Callable[[Tensor], Tensor]:
    """The mean binary cross-entropy of logits against the target."""
    return lambda judged: F.binary_cross_entropy_with_logits(judged, torch.full_like(judged, target))


SYSTEMS = (
    System(
        "folder64", "lsgan", folder_generator, folder_discriminator, unit=64, batch_size=10, low=0.0,
        adam={}, real_loss=squared(1.0), fake_loss=squared(0.0), by_turns=True, skip_below=0.1,
    ),
    System(
        "radford64", "dcgan", radford_generator, radford_discriminator, unit=16, batch_size=4, low=-1.0,
        adam={"lr": 2e-4, "betas": (0.5, 0.999)}, real_loss=entropy(1.0), fake_loss=entropy(0.0),
    ),
)  # fmt: skip


class Play:
    """A system from its first weights on, in float64: `inputs` is what was drawn, `outputs` what was computed."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.networks = {
            "generator": drawn(system.generator(system.unit), f"{system.name} generator"),
            "discriminator": drawn(system.discriminator(system.unit), f"{system.name} discriminator"),
        }
        self.start = {role: {name: value.clone() for name, value in network.state_dict().items()}
                      for role, network in self.networks.items()}  # fmt: skip
        self.draws = {what: Draws(f"{system.name} {what}") for what in ("images", "latents")}
        self.images: list[Tensor] = []
        self.latents: list[Tensor] = []
        self.outputs: dict[str, Array] = {}

    def run(self) -> Play:
        """How large the full networks are, what these ones make, three steps."""
        for role in self.networks:
            full: nn.Module = getattr(self.system, role)()
            self._keep(f"parameters of the {role}", torch.tensor(float(sum(p.numel() for p in full.parameters()))))
        self._passes()
        optimizers = {role: torch.optim.Adam(network.parameters(), **self.system.adam)
                      for role, network in self.networks.items()}  # fmt: skip
        for step in range(STEPS):
            for name, loss in self._step(step, optimizers).items():
                self._keep(f"step {step}/{name}", loss)
            for role, network in self.networks.items():
                for name, value in network.state_dict().items():
                    self._keep(f"step {step}/{role}.{name}", value)
        return self

    def _passes(self) -> None:
        """What both networks make of one batch, in training and in evaluation mode."""
        images, latents = self.real(), self.noise()
        with torch.no_grad():
            for mode in ("training", "evaluation"):
                for role, given in (("generator", latents), ("discriminator", images)):
                    network = drawn(getattr(self.system, role)(self.system.unit), f"{self.system.name} {role}")
                    if mode == "evaluation":  # statistics that are neither those of the batch nor the first ones
                        network(given)
                    self._keep(f"{mode}/{role}", network.train(mode == "training")(given))

    def _step(self, step: int, optimizers: dict[str, torch.optim.Adam]) -> dict[str, Tensor]:
        if not self.system.by_turns:
            return self._discriminator(optimizers) | self._generator(optimizers)
        return self._discriminator(optimizers) if step % 2 == 0 else self._generator(optimizers)

    def _discriminator(self, optimizers: dict[str, torch.optim.Adam]) -> dict[str, Tensor]:
        judge = self.networks["discriminator"]
        real, fake = self.real(), self.networks["generator"](self.noise()).detach()
        loss = self.system.real_loss(judge(real)) + self.system.fake_loss(judge(fake))
        if self.system.skip_below is None or loss.item() > self.system.skip_below:
            learn(optimizers["discriminator"], loss)
        return {"d_loss": loss}

    def _generator(self, optimizers: dict[str, torch.optim.Adam]) -> dict[str, Tensor]:
        fake = self.networks["generator"](self.noise())
        loss = self.system.real_loss(self.networks["discriminator"](fake))
        learn(optimizers["generator"], loss)
        return {"g_loss": loss}

    def real(self) -> Tensor:
        """The next batch: one motif of blotches under noise, so that D soon knows it from what G draws."""
        low, count = self.system.low, self.system.batch_size
        motif = np.kron(Draws("motif").integers(193, 1, 3, 8, 8), np.ones((1, 1, SIZE // 8, SIZE // 8)))
        levels = motif + self.draws["images"].integers(63, count, 3, SIZE, SIZE)
        self.images.append(torch.from_numpy(low + (1.0 - low) * levels / 255.0))
        return self.images[-1]

    def noise(self) -> Tensor:
        """The next latents."""
        self.latents.append(torch.from_numpy(self.draws["latents"].bell(self.system.batch_size, LATENT, 1, 1)))
        return self.latents[-1]

    def _keep(self, name: str, value: Tensor) -> None:
        self.outputs[name] = short(f"{self.system.name}/{name}", value)


def short(name: str, value: Tensor) -> Array:
    """What is stored of an array: a copy, or the digest of one of more than LIMIT elements, the same after every step."""
    array = value.detach().double().numpy()
    return array.copy() if array.size <= LIMIT else store.digest(name.rpartition("/")[2], array)


def learn(optimizer: torch.optim.Adam, loss: Tensor) -> None:
    """One update of one network."""
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def drawn(network: nn.Sequential, name: str) -> nn.Sequential:
    """The network in float64 with weights of its name's own stream: those of convolutions keep a signal's size."""
    draws = Draws(name)
    network = network.double()
    with torch.no_grad():
        for key, value in network.named_parameters():
            layer = network[int(key.partition(".")[0])]
            numbers = torch.from_numpy(draws.bell(*value.shape))
            if isinstance(layer, nn.BatchNorm2d):
                value.copy_(numbers / 8 + (1 if key.endswith("weight") else 0))
            elif key.endswith("bias"):
                value.copy_(numbers / 8)
            else:
                inputs = value.shape[0] if isinstance(layer, nn.ConvTranspose2d) else value.shape[1]
                value.copy_(numbers / (8 * inputs**0.5))
    return network


# ---- the file


def everything() -> tuple[dict[str, Array], dict[str, Any]]:
    """All numbers, and what the games were."""
    arrays, notes = {}, {}
    for system in SYSTEMS:
        play = Play(system).run()
        arrays |= {f"{system.name}/{name}": value for name, value in play.outputs.items()}
        notes[system.name] = {"unit": system.unit, "batch_size": system.batch_size, "architecture": system.architecture}
    return arrays, notes


def changes() -> Iterator[str]:
    """A sentence for everything in which the file differs from what the program makes now."""
    (arrays, notes), (stored, old) = everything(), store.load(FILE)
    if notes != old or [*arrays] != [*stored]:
        yield f"{FILE.name} holds other systems than the program; run {Path(__file__).name}"
        return
    for name, value in arrays.items():
        if not np.max(np.abs(value - stored[name])) <= TOLERANCE * max(1.0, float(np.max(np.abs(value)))):
            yield f"{FILE.name}: {name} is no longer what is stored"


def main(arguments: list[str]) -> int:
    torch.set_num_threads(1)
    if arguments == ["--check"]:
        found = [*changes()]
        print(*found or ["the stored numbers are the program's"], sep="\n")
        return bool(found)
    if arguments:
        print(__doc__)
        return 2
    store.save(FILE, *everything())
    print(f"{FILE.name}: {FILE.stat().st_size / 1000:.0f} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
