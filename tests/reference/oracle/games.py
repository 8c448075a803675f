"""The first training steps of every built-in architecture.

A step: the discriminator's turn (as often as the game says), then the generator's. D learns from a batch of real images
and as many fakes, either in two passes, real first, each with a mean of its own, or joined into one pass and one mean. G
then learns from fakes, new ones or those that D has just judged, as the D that has just learned judges them. Both networks
are in training mode, so every pass moves the running statistics of the network it goes through; only where fakes are
evaluated does G draw those of D's turn from its running statistics, and leaves them as they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from oracle import losses, networks
from oracle.adam import Adam
from oracle.complex_step import STEP
from oracle.draws import Array, Draws
from oracle.losses import DEFAULT, Targets
from oracle.networks import Network, State

STEPS = 3


@dataclass(frozen=True)
class Game:
    """What is played. The names are those of zoo's options."""

    name: str
    architecture: str
    size: int
    channels: int = 1
    classes: int = 0
    width: int = 2
    latent: int = 4
    batch_size: int = 4
    generator_batch_size: int | None = None
    discriminator_steps: int = 1
    accumulate: int = 1
    joined: bool = False
    reuse_fakes: bool = True
    evaluate_fakes: bool = False
    learning_rate: float = 1e-3
    discriminator_learning_rate: float | None = None
    schedule_decay: float = 0.0
    beta1: float = 0.5
    beta2: float = 0.999
    epsilon: float = 1e-8
    epsilon_style: str = "torch"
    r1: float = 0.0
    r1_every: int = 4
    kind: str = "non_saturating"
    targets: Targets = DEFAULT

    @property
    def image(self) -> tuple[int, int, int]:
        """The shape of one image."""
        return self.channels, self.size, self.size


TUNED: Any = {"learning_rate": 2e-3, "discriminator_learning_rate": 1e-3, "r1": 0.2, "r1_every": 8}

GAMES = (
    # The four architectures as they play by default, with small networks.
    Game(
        "vanilla", "vanilla", 8, generator_batch_size=8, joined=True, reuse_fakes=False, learning_rate=2e-4,
        schedule_decay=0.5, evaluate_fakes=True, epsilon=1e-7, epsilon_style="keras",
    ),
    Game(
        "dcgan", "dcgan", 14, learning_rate=6e-3, discriminator_learning_rate=3e-3, beta1=0.0, beta2=0.99, r1=0.5, r1_every=8,
    ),
    Game("cgan", "cgan", 12, classes=3, **TUNED | {"r1": 0.0}),
    Game("lsgan", "lsgan", 16, channels=3, kind="least_squares", **TUNED),
    # What else the options can make of a step.
    Game("dcgan, new fakes for G, two turns of D", "dcgan", 9, reuse_fakes=False, discriminator_steps=2,
         generator_batch_size=6, discriminator_learning_rate=4e-3),
    Game("dcgan, joined, penalised twice", "dcgan", 10, joined=True, r1=0.5, r1_every=2),
    Game("cgan, labels drawn for G", "cgan", 10, classes=3, reuse_fakes=False),
    Game("lsgan, Pearson's targets, accumulated", "lsgan", 10, accumulate=2, kind="least_squares",
         targets=Targets(-1.0, 1.0, 0.0)),
)  # fmt: skip


@dataclass(frozen=True)
class Fakes:
    """Generated images, their labels, and what G's backward pass needs."""

    images: Array
    labels: Array | None
    memory: object


class Play:
    """A game from its first weights on. Everything drawn goes into `inputs`, everything computed into `outputs`."""

    def __init__(self, game: Game) -> None:
        self.game = game
        self.inputs: dict[str, Array] = {}
        self.outputs: dict[str, Array] = {}
        self.latest: dict[str, Array] = {}
        self.networks = dict(zip(("generator", "discriminator"), build(game), strict=True))
        self.optimizers = {
            role: Adam(game.beta1, game.beta2, game.epsilon, game.epsilon_style) for role in self.networks
        }
        self.draws = {what: Draws(f"{game.name} {what}") for what in ("images", "labels", "latents", "drawn labels")}
        for role, network in self.networks.items():
            start = network.start(Draws(f"{game.name} {role}"))
            self.inputs |= {f"{role}.{name}": value for name, value in start.items()}

    def run(self, steps: int = STEPS) -> Play:
        """Play some steps."""
        for step in range(steps):
            for name, value in self._step(step).items():
                self.outputs[f"step {step}/{name}"] = value
            for role, network in self.networks.items():
                for name, value in network.state.items():
                    self.outputs[f"step {step}/{role}.{name}"] = value
        return self

    def _step(self, step: int) -> dict[str, Array]:
        game = self.game
        factor = 1.0 / (1.0 + game.schedule_decay * step)
        found: dict[str, Array] = {}
        for _ in range(game.discriminator_steps):
            turns = [self._discriminator_turn(found, step) for _ in range(game.accumulate)]
            found["d_loss"] = sum(loss for loss, _, _ in turns)
            rate = game.discriminator_learning_rate or game.learning_rate
            self._learn("discriminator", [gradients for _, gradients, _ in turns], rate * factor)
        judged = [fakes if game.reuse_fakes else None for _, _, fakes in turns]
        outcomes = [self._generator_turn(fakes) for fakes in judged]
        found["g_loss"] = sum(loss for loss, _ in outcomes)
        self._learn("generator", [gradients for _, gradients in outcomes], game.learning_rate * factor)
        self.latest |= found
        return dict(self.latest)

    def _learn(self, role: str, gradients: list[State], rate: float) -> None:
        self.optimizers[role].step(self.networks[role].state, added(gradients), rate)

    def _discriminator_turn(self, found: dict[str, Array], step: int) -> tuple[Array, State, Fakes]:
        game, judge = self.game, self.networks["discriminator"]
        real, labels = self._batch()
        fakes = self._generate(game.batch_size, labels, training=not game.evaluate_fakes)
        penalty = None
        if game.r1 and step % game.r1_every == 0:
            penalty = r1_penalty(game, judge, real, fakes.images, labels)
        loss, statistics, gradients = discriminator_turn(game, judge, real, fakes.images, labels)
        if penalty is not None:
            found["r1"], slopes = penalty
            scale = 1.0 / game.accumulate
            loss = loss + scale * found["r1"]
            gradients = {name: value + scale * slopes[name] for name, value in gradients.items()}
        found["d_real"], found["d_fake"] = statistics[:2]
        return loss, gradients, fakes

    def _generator_turn(self, fakes: Fakes | None) -> tuple[Array, State]:
        game = self.game
        if fakes is None:
            count = game.generator_batch_size or game.batch_size
            labels = self._draw("drawn labels", game.classes, count) if game.classes else None
            fakes = self._generate(count, labels)
        loss, dimages = generator_turn(game, self.networks["discriminator"], fakes.images, fakes.labels)
        return loss, self.networks["generator"].backward(dimages, fakes.memory)[1]

    def _batch(self) -> tuple[Array, Array | None]:
        """Real images, of 256 levels in [-1, 1), and their labels."""
        shape = self.game.batch_size, *self.game.image
        images = self._kept("images", self.draws["images"].integers(256, *shape) / 128.0 - 1.0)
        return images, self._draw("labels", self.game.classes, shape[0]) if self.game.classes else None

    def _generate(self, count: int, labels: Array | None, training: bool = True) -> Fakes:
        latents = self._kept("latents", self.draws["latents"].bell(count, self.game.latent))
        images, memory = self.networks["generator"].forward(latents, labels, training)
        return Fakes(images, labels, memory)

    def _draw(self, what: str, classes: int, count: int) -> Array:
        return self._kept(what, self.draws[what].integers(classes, count).astype(float))

    def _kept(self, what: str, values: Array) -> Array:
        number = sum(name.startswith(f"{what}/") for name in self.inputs)
        self.inputs[f"{what}/{number}"] = values
        return values


def build(game: Game) -> tuple[Network, Network]:
    """Generator and discriminator, without weights yet."""
    if game.architecture == "vanilla":
        return networks.dense_generator(game.latent, game.image), networks.dense_discriminator(game.image)
    return (
        networks.convolutional_generator(game.latent, game.width, game.image, game.classes),
        networks.convolutional_discriminator(game.width, game.image, game.classes),
    )


def discriminator_turn(
    game: Game, judge: Network, real: Array, fake: Array, labels: Array | None
) -> tuple[Array, Array, State]:
    """D's loss, statistics and gradients."""
    passes = [(real, labels), (fake, labels)]
    scale = 1.0 / game.accumulate
    if game.joined:
        passes = [(np.concatenate([real, fake]), None if labels is None else np.concatenate([labels, labels]))]
        scale /= 2  # one mean over both halves
    judged = [judge.forward(images, said) for images, said in passes]
    logits = np.concatenate([found for found, _ in judged])
    halves = logits[: len(real)], logits[len(real) :]
    loss = losses.discriminator_loss(*halves, game.kind, game.targets, scale)
    statistics = losses.discriminator_statistics(*halves, game.kind, game.targets)
    dlogits = losses.discriminator_gradients(*halves, game.kind, game.targets, scale)
    upstream = [np.concatenate(dlogits)] if game.joined else dlogits
    found = [judge.backward(dy, memory)[1] for dy, (_, memory) in zip(upstream, judged, strict=True)]
    return loss, statistics, added(found)


def r1_penalty(game: Game, judge: Network, real: Array, fake: Array, labels: Array | None) -> tuple[Array, State]:
    """R1 (Mescheder et al. 2018), r1 / 2 · mean over the real images of |∇D|², and its gradient by D's weights.

    With s = ∇D at the real images, the gradient of |s|² is twice the derivative of D's gradient by its weights along s:
    one complex step of the images in that direction gives it. Leaves D's running statistics as they were.
    """
    before = {name: value.copy() for name, value in judge.state.items()}
    factor = game.r1 * game.r1_every / 2 / len(real)

    def gradients(images: Array) -> tuple[Array, State]:
        """Of the sum of D's logits at these real images: by the images, by the weights."""
        images, said = (np.concatenate([images, fake]), labels) if game.joined else (images, labels)
        if game.joined and labels is not None:
            said = np.concatenate([labels, labels])
        logits, memory = judge.forward(images, said)
        upstream = np.zeros(logits.shape)
        upstream[: len(real)] = 1.0
        by_images, by_weights = judge.backward(upstream, memory)
        return by_images[: len(real)], by_weights

    slope, _ = gradients(real)
    _, moved = gradients(real + 1j * STEP * slope)
    judge.state.update(before)
    return factor * np.sum(slope**2), {name: 2 * factor * np.imag(value) / STEP for name, value in moved.items()}


def generator_turn(game: Game, judge: Network, fake: Array, labels: Array | None) -> tuple[Array, Array]:
    """G's loss, and its gradient by the fakes."""
    scale = 1.0 / game.accumulate
    logits, memory = judge.forward(fake, labels)
    dlogits = losses.generator_gradient(logits, game.kind, game.targets, scale)
    return losses.generator_loss(logits, game.kind, game.targets, scale), judge.backward(dlogits, memory)[0]


def added(gradients: list[State]) -> State:
    """The sums, by name."""
    return {name: sum(each[name] for each in gradients) for name in gradients[0]}
