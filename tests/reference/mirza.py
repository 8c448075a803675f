"""The dense conditional GAN of Mirza & Osindero 2014 in NumPy, with gradients written by hand: ``python
tests/reference/mirza.py`` proves them and writes mirza.npz beside itself; with ``--check`` it writes nothing and says whether
the stored numbers are still the same.

G: latent → 200 ReLU, label → 1000 ReLU, both → 1200 ReLU → pixels, sigmoid. D: image → 240 maxout units of 5 pieces,
label → 50 of 5, both → 240 of 4 → one logit. Images lie in [0, 1], labels are one-hot, nothing drops out.
Each step D learns from a batch and as many fakes of the same labels, then G from new fakes of labels of their own.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
from oracle import store
from oracle.draws import Array, Draws
from oracle.losses import sigmoid, softplus

FILE = Path(__file__).with_suffix(".npz")
STEPS = 3
LATENT, CLASSES, PIXELS, BATCH = 100, 10, 784, 100
LIMIT = 40
TOLERANCE = 1e-10
"""What another processor or release of NumPy may change, relative to an array's largest value (at least 1)."""

RATE, DECAY, LOWEST = 0.1, 1.00004, 1e-6
MOMENTUM, LAST_MOMENTUM, MOMENTUM_STEPS = 0.5, 0.7, 125_000

State = dict[str, Array]

LAYERS = {
    "generator": {
        "from_latent.0": (LATENT, 200), "from_label.0": (CLASSES, 1000), "joined.0": (1200, 1200),
        "joined.2": (1200, PIXELS),
    },
    "discriminator": {
        "from_image.2": (PIXELS, 240 * 5), "from_label.0": (CLASSES, 50 * 5), "joined.0": (290, 240 * 4),
        "joined.2": (240, 1),
    },
}  # fmt: skip
"""Inputs and outputs of every dense layer, by the names of zoo's modules."""


# ---- one layer at a time: what it gives, and what its input and weights get back


def dense(state: State, name: str, x: Array) -> Array:
    """x (N, I) to (N, O), with the weight (O, I)."""
    return x @ state[f"{name}.weight"].T + state[f"{name}.bias"]


def dense_backward(state: State, name: str, dy: Array, x: Array, gradients: State) -> Array:
    """The gradient of x; those of weight and bias go into `gradients`."""
    gradients[f"{name}.weight"] = dy.T @ x
    gradients[f"{name}.bias"] = dy.sum(0)
    return dy @ state[f"{name}.weight"]


def relu(x: Array) -> Array:
    """By the real part, so that a step into the complex plane goes through."""
    return x * (x.real > 0)


def maxout(x: Array, pieces: int) -> tuple[Array, Array]:
    """x (N, units · pieces) to the largest piece of each unit (N, units), and which one it was."""
    parts = x.reshape(len(x), -1, pieces)
    best = parts.real.argmax(2)
    return np.take_along_axis(parts, best[:, :, None], 2)[:, :, 0], best


def maxout_backward(dy: Array, best: Array, pieces: int) -> Array:
    """The gradient goes to the largest piece alone."""
    dx = np.zeros((*dy.shape, pieces), dy.dtype)
    np.put_along_axis(dx, best[:, :, None], dy[:, :, None], 2)
    return dx.reshape(len(dy), -1)


# ---- the networks


def generate(state: State, latents: Array, labels: Array) -> tuple[Array, Any]:
    """Images (N, PIXELS) in [0, 1], and what the way back needs."""
    from_latent = dense(state, "from_latent.0", latents)
    from_label = dense(state, "from_label.0", labels)
    both = relu(np.concatenate([from_latent, from_label], 1))
    hidden = dense(state, "joined.0", both)
    images = sigmoid(dense(state, "joined.2", relu(hidden)))
    return images, (latents, labels, from_latent, from_label, both, hidden, images)


def generate_backward(state: State, dimages: Array, memory: Any) -> State:
    """The gradients of G's weights."""
    latents, labels, from_latent, from_label, both, hidden, images = memory
    gradients: State = {}
    dy = dense_backward(state, "joined.2", dimages * images * (1.0 - images), relu(hidden), gradients)
    dboth = dense_backward(state, "joined.0", dy * (hidden.real > 0), both, gradients)
    dlatent, dlabel = dboth[:, :200], dboth[:, 200:]
    dense_backward(state, "from_latent.0", dlatent * (from_latent.real > 0), latents, gradients)
    dense_backward(state, "from_label.0", dlabel * (from_label.real > 0), labels, gradients)
    return gradients


def judge(state: State, images: Array, labels: Array) -> tuple[Array, Any]:
    """Logits (N,), and what the way back needs."""
    of_image, best_image = maxout(dense(state, "from_image.2", images), 5)
    of_label, best_label = maxout(dense(state, "from_label.0", labels), 5)
    both = np.concatenate([of_image, of_label], 1)
    hidden, best = maxout(dense(state, "joined.0", both), 4)
    return dense(state, "joined.2", hidden)[:, 0], (images, labels, best_image, best_label, both, hidden, best)


def judge_backward(state: State, dlogits: Array, memory: Any) -> tuple[Array, State]:
    """The gradients of the images and of D's weights."""
    images, labels, best_image, best_label, both, hidden, best = memory
    gradients: State = {}
    dhidden = dense_backward(state, "joined.2", dlogits[:, None], hidden, gradients)
    dboth = dense_backward(state, "joined.0", maxout_backward(dhidden, best, 4), both, gradients)
    dimage = maxout_backward(dboth[:, :240], best_image, 5)
    dlabel = maxout_backward(dboth[:, 240:], best_label, 5)
    dense_backward(state, "from_label.0", dlabel, labels, gradients)
    return dense_backward(state, "from_image.2", dimage, images, gradients), gradients


# ---- the game


def discriminator_turn(state: State, real: Array, fake: Array, labels: Array) -> tuple[Array, State]:
    """D's loss, mean softplus(-D(real)) + mean softplus(D(fake)), and the gradients of its weights."""
    (real_logits, of_real), (fake_logits, of_fake) = judge(state, real, labels), judge(state, fake, labels)
    loss = softplus(-real_logits).mean() + softplus(fake_logits).mean()
    _, one = judge_backward(state, -sigmoid(-real_logits) / len(real), of_real)
    _, two = judge_backward(state, sigmoid(fake_logits) / len(fake), of_fake)
    return loss, {name: one[name] + two[name] for name in one}


def generator_turn(draws: State, judges: State, latents: Array, labels: Array) -> tuple[Array, State]:
    """G's loss, mean softplus(-D(fake)), and the gradients of its weights."""
    fake, of_images = generate(draws, latents, labels)
    logits, of_logits = judge(judges, fake, labels)
    dimages, _ = judge_backward(judges, -sigmoid(-logits) / len(logits), of_logits)
    return softplus(-logits).mean(), generate_backward(draws, dimages, of_images)


class Momentum:
    """Stochastic gradient descent: v ← m·v + gradient, weight ← weight - rate·v, with the paper's rate and momentum."""

    def __init__(self) -> None:
        self.velocity: State = {}

    def step(self, state: State, gradients: State, number: int) -> None:
        """Update number `number`, from 0."""
        rate = max(LOWEST, RATE / DECAY**number)
        momentum = MOMENTUM + (LAST_MOMENTUM - MOMENTUM) * min(1.0, number / MOMENTUM_STEPS)
        for name, gradient in gradients.items():
            self.velocity[name] = momentum * self.velocity.get(name, 0.0) + gradient
            state[name] = state[name] - rate * self.velocity[name]


class Play:
    """Three steps from the first weights on; `inputs` is what was drawn, `outputs` what was computed."""

    def __init__(self) -> None:
        self.start = {role: first_weights(role) for role in LAYERS}
        self.draws = {what: Draws(f"mirza {what}") for what in ("images", "labels", "latents", "drawn labels")}
        self.inputs: dict[str, list[Array]] = {what: [] for what in self.draws}
        self.outputs: dict[str, Array] = {}

    def run(self) -> Play:
        states = {role: dict(state) for role, state in self.start.items()}
        optimizers = {role: Momentum() for role in states}
        for role, state in states.items():
            self._keep(f"parameters of the {role}", np.array(float(sum(value.size for value in state.values()))))
        images, labels, latents = self.batch(), self.labels("labels"), self.noise()
        self._keep("pass/generator", generate(states["generator"], latents, labels)[0])
        self._keep("pass/discriminator", judge(states["discriminator"], images, labels)[0])
        for number in range(STEPS):
            real, labels = self.batch(), self.labels("labels")
            fake, _ = generate(states["generator"], self.noise(), labels)
            loss, gradients = discriminator_turn(states["discriminator"], real, fake, labels)
            optimizers["discriminator"].step(states["discriminator"], gradients, number)
            self._keep(f"step {number}/d_loss", loss)
            wanted = self.labels("drawn labels")
            loss, gradients = generator_turn(*states.values(), self.noise(), wanted)
            optimizers["generator"].step(states["generator"], gradients, number)
            self._keep(f"step {number}/g_loss", loss)
            for role, state in states.items():
                for name, value in state.items():
                    self._keep(f"step {number}/{role}.{name}", value)
        return self

    def batch(self) -> Array:
        """Images of 256 levels in [0, 1]."""
        return self._drawn("images", self.draws["images"].integers(256, BATCH, PIXELS) / 255.0)

    def noise(self) -> Array:
        """Latents from the unit hypercube."""
        return self._drawn("latents", self.draws["latents"].uniform(BATCH, LATENT))

    def labels(self, what: str) -> Array:
        """One-hot labels; the numbers are what is kept."""
        return np.eye(CLASSES)[self._drawn(what, self.draws[what].integers(CLASSES, BATCH))]

    def _drawn(self, what: str, values: Any) -> Any:
        self.inputs[what].append(values)
        return values

    def _keep(self, name: str, value: Any) -> None:
        self.outputs[name] = short(name, np.asarray(value))


def first_weights(role: str) -> State:
    """Weights that keep a signal's size, and biases that are not zero: larger than the paper's, so that all counts."""
    draws, state = Draws(f"mirza {role}"), {}
    for name, (inputs, outputs) in LAYERS[role].items():
        state[f"{name}.weight"] = draws.bell(outputs, inputs) / inputs**0.5
        state[f"{name}.bias"] = draws.bell(outputs) / 8
    return state


def short(name: str, array: Array) -> Array:
    """What is stored of an array: a copy, or the digest of one of more than LIMIT elements, the same after every step."""
    return array.copy() if array.size <= LIMIT else store.digest(name.rpartition("/")[2], array)


# ---- the proof and the file


def prove() -> None:
    """Every gradient against a step of its loss into the complex plane, along random directions, layer by layer."""
    play = Play()
    draws, judges = play.start["generator"], play.start["discriminator"]
    real, labels = play.batch(), play.labels("labels")
    latents = play.noise()
    fake, _ = generate(draws, latents, labels)

    def of_discriminator(state: State) -> tuple[Array, State]:
        return discriminator_turn(state, real, fake, labels)

    def of_generator(state: State) -> tuple[Array, State]:
        return generator_turn(state, judges, latents, labels)

    for losses, state in ((of_discriminator, judges), (of_generator, draws)):
        gradients = losses(state)[1]
        if gradients.keys() != state.keys():
            raise SystemExit("not every weight has a gradient")
        for name, value in state.items():
            direction = Draws(f"direction {name}").bell(*value.shape)
            slope = losses({**state, name: value + 1e-30j * direction})[0].imag / 1e-30
            found = float((gradients[name] * direction).sum())
            if not abs(found - slope) <= 1e-12 * max(1.0, abs(slope)):
                raise SystemExit(f"the gradient of {name} is wrong: {found} along a direction of slope {slope}")


def changes() -> list[str]:
    """A sentence for everything in which the file differs from what the program makes now."""
    arrays, (stored, _) = Play().run().outputs, store.load(FILE)
    if [*arrays] != [*stored]:
        return [f"{FILE.name} holds other numbers than the program makes; run {Path(__file__).name}"]
    return [
        f"{FILE.name}: {name} is no longer what is stored"
        for name, value in arrays.items()
        if not np.max(np.abs(value - stored[name])) <= TOLERANCE * max(1.0, float(np.max(np.abs(value))))
    ]


def main(arguments: list[str]) -> int:
    prove()
    if arguments == ["--check"]:
        found = changes()
        print(*found or ["the gradients are proven and the stored numbers are the program's"], sep="\n")
        return bool(found)
    if arguments:
        print(__doc__)
        return 2
    store.save(FILE, Play().run().outputs)
    print(f"{FILE.name}: {FILE.stat().st_size / 1000:.0f} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
