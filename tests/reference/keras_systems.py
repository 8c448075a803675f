"""Builds the first five systems of docs/architectures.md in Keras: ``python tests/reference/keras_systems.py``.

Run by hand, where Keras 3 and TensorFlow are installed (``pip install keras tensorflow-cpu``); writes keras_systems.npz beside
itself, and with ``--check`` says whether the stored numbers still come out. Everything is float64. The tests read the file
and need no Keras.

The networks are those of the documents, layer for layer. A step is what the documents do:

- Rows 1 to 4: fakes for D are drawn by ``predict`` or by calling G, both of which use the moving statistics. D is trained on
  one batch of real images and fakes (their order is nothing that D or the mean would notice); then G, through D, with D's
  weights frozen. D normalises nothing, so freezing it changes only which weights are updated. (A frozen batch normalisation
  uses its moving statistics in Keras, and leaves them alone.)
- Row 1 gives its one optimiser to three models. Keras 3 refuses that; each network has its own here. With Keras 2 the three
  shared the count of steps, by which the learning rate falls and Adam corrects its means, and nothing else.
- Row 5's document has no training. It is Radford's: D on real images and on fakes in two passes, every network in training
  mode whenever it is called. D is not frozen in G's turn but left out of the update, so that its normalisation goes on as in
  its own turn; with D frozen Keras would judge G's fakes by the moving statistics instead.

Keras 3 keeps the batch's plain variance in its moving variance; Keras 2 kept the unbiased one, by its own rules.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from keras_inputs import ROLES, STEPS, SYSTEMS, System
from oracle import store
from oracle.draws import Array

FILE = Path(__file__).with_suffix(".npz")
TOLERANCE = 1e-10
Arrays = dict[str, Array]


# ---- the networks, by row


def norm(**more: Any) -> keras.Layer:
    return layers.BatchNormalization(**more)


def leaky() -> keras.Layer:
    return layers.LeakyReLU(negative_slope=0.2)


def row_1() -> tuple[list, list]:
    hidden = [layer for units in (256, 512, 1024) for layer in (layers.Dense(units), leaky(), norm(momentum=0.8))]
    generator = [*hidden, layers.Dense(784, activation="tanh"), layers.Reshape((28, 28, 1))]
    discriminator = [layers.Flatten(), layers.Dense(784), leaky(), layers.Dense(392), leaky()]
    return generator, [*discriminator, layers.Dense(1, activation="sigmoid")]


def row_2() -> tuple[list, list]:
    generator = [layers.Dense(units, activation="selu") for units in (100, 150)]
    generator += [layers.Dense(784, activation="sigmoid"), layers.Reshape((28, 28))]
    discriminator = [layers.Flatten(), *(layers.Dense(units, activation="selu") for units in (150, 100))]
    return generator, [*discriminator, layers.Dense(1, activation="sigmoid")]


def row_3() -> tuple[list, list]:
    generator = [
        layers.Dense(1024), layers.Activation("tanh"),
        layers.Dense(128 * 7 * 7), norm(), layers.Activation("tanh"), layers.Reshape((7, 7, 128)),
        layers.UpSampling2D(2), layers.Conv2D(64, 5, padding="same"), layers.Activation("tanh"),
        layers.UpSampling2D(2), layers.Conv2D(1, 5, padding="same"), layers.Activation("tanh"),
    ]  # fmt: skip
    discriminator = [
        layers.Conv2D(64, 5, padding="same"), layers.Activation("tanh"), layers.MaxPooling2D(2),
        layers.Conv2D(128, 5), layers.Activation("tanh"), layers.MaxPooling2D(2),
        layers.Flatten(), layers.Dense(1024), layers.Activation("tanh"), layers.Dense(1), layers.Activation("sigmoid"),
    ]  # fmt: skip
    return generator, discriminator


def row_4() -> tuple[list, list]:
    """Without the dropout, whose draws no other library repeats: its rate is 0 here."""
    up = {"kernel_size": 5, "strides": 2, "padding": "same"}
    generator = [
        layers.Dense(7 * 7 * 128), layers.Reshape((7, 7, 128)), norm(),
        layers.Conv2DTranspose(64, activation="selu", **up), norm(),
        layers.Conv2DTranspose(1, activation="tanh", **up),
    ]  # fmt: skip
    discriminator = []
    for channels in (64, 128):
        discriminator += [layers.Conv2D(channels, activation=leaky(), **up), layers.Dropout(0.0)]
    return generator, [*discriminator, layers.Flatten(), layers.Dense(1, activation="sigmoid")]


def row_5(width: int) -> tuple[list, list]:
    """As it must have been meant: the fourth convolution of D reads the third one's result."""
    generator = [layers.Dense(4 * 4 * 8 * width, activation="relu"), norm(), layers.Reshape((4, 4, 8 * width))]
    for channels in (4 * width, 2 * width, width):
        generator += [layers.Conv2DTranspose(channels, 5, 2, "same", activation="relu"), norm()]
    generator += [layers.Conv2DTranspose(3, 5, 2, "same", activation="tanh")]
    discriminator = [layer for i in range(4) for layer in convolution(width * 2**i, normalised=i > 0)]
    return generator, [*discriminator, layers.Flatten(), layers.Dense(1, activation="sigmoid")]


def convolution(channels: int, normalised: bool) -> list:
    return [layers.Conv2D(channels, 5, 2, "same"), leaky(), *[norm()] * normalised]


def row_5_as_printed(width: int) -> keras.Model:
    """D as the document has it: the fourth convolution reads the second one's result, the last layer the third one's. Keras
    keeps what leads from the input to the output, and leaves the fourth convolution out."""
    image = keras.Input((64, 64, 3))

    def after(values: Any, row: list) -> Any:
        for layer in row:
            values = layer(values)
        return values

    second = after(after(image, convolution(width, False)), convolution(2 * width, True))
    third = after(second, convolution(4 * width, True))
    after(second, convolution(8 * width, True))
    return keras.Model(image, after(third, [layers.Flatten(), layers.Dense(1, activation="sigmoid")]))


def build(system: System, width: int | None = None) -> dict[str, keras.Model]:
    """Both networks; `width` for row 5 alone."""
    row = int(system.name[0])
    width = width or system.options.get("width", 0)
    rows = row_5(width) if row == 5 else (row_1, row_2, row_3, row_4)[row - 1]()
    inputs = ((system.latent,), system.image[:2] if row == 2 else system.image)
    found: dict[str, keras.Model] = {
        role: keras.Sequential([keras.Input(size), *network])
        for role, size, network in zip(ROLES, inputs, rows, strict=True)
    }
    if system.preset == "tf64_as_printed":
        found["discriminator"] = row_5_as_printed(width)
    return found


def optimizer(system: System) -> keras.optimizers.Optimizer:
    """Each row's, with Keras' defaults where the document says nothing. `np.float64`, because Keras takes plain numbers to
    float64 by way of float32."""
    row = int(system.name[0])
    if row == 3:
        return keras.optimizers.SGD(5e-4, momentum=np.float64(0.9), nesterov=True)
    if row in (2, 4):
        return keras.optimizers.RMSprop()
    rate = np.float64(2e-4)
    if row == 1:
        rate = keras.optimizers.schedules.InverseTimeDecay(rate, 1, np.float64(8e-8))
    return keras.optimizers.Adam(rate, beta_1=np.float64(0.5), beta_2=np.float64(0.999))


# ---- what the test has to know to carry weights over


def records(model: keras.Model) -> list[dict[str, Any]]:
    """Of every weight: its kind, its shape, and the (H, W, C) that its first axis was flattened from (`entering`) or its last
    one becomes (`leaving`), which torch orders otherwise."""
    found: list[dict[str, Any]] = []
    flattened: list[int] | None = None
    for layer in model.layers:
        if isinstance(layer, layers.Flatten):
            flattened = [*layer.input.shape[1:], 1][:3]
        if isinstance(layer, layers.Reshape):
            for record in reversed(found):
                record["leaving"] = [*layer.target_shape, 1][:3]
                if record["kind"] == "kernel":
                    break
        for weight in layer.weights:
            kernel = weight.name == "kernel"
            found.append({"kind": weight.name, "shape": [*weight.shape], "entering": None, "leaving": None})
            if kernel and isinstance(layer, layers.Dense):
                found[-1]["entering"], flattened = flattened, None
    return found


# ---- what they compute


def play(system: System) -> tuple[Arrays, dict[str, Any]]:
    """Everything that the test compares: counts, forward passes, losses and what three steps change."""
    networks = build(system)
    notes: dict[str, Any] = {"counts": counts(system)}
    for role in ROLES:
        notes[role] = records(networks[role])
    start = {role: weights(system, role, notes[role]) for role in ROLES}
    found: Arrays = {}
    for mode in ("evaluation", "training"):
        restore(networks, start)
        images = networks["generator"](system.latents("discriminator", 0), training=mode == "training")
        logits = networks["discriminator"](real(system, 0), training=mode == "training")
        found[f"{mode}/images"], found[f"{mode}/probabilities"] = np.array(images), np.array(logits).ravel()
    restore(networks, start)
    train = separately if system.name.startswith("5") else joined
    for name, loss in train(system, networks).items():
        found[name] = np.array(loss)
    for role in ROLES:
        for place, (before, after) in enumerate(zip(start[role], networks[role].get_weights(), strict=True)):
            found[f"change/{role}/{place}"] = after - before
    return {name: store.short(name, value) for name, value in found.items()}, notes


def counts(system: System) -> dict[str, list[int]]:
    """Trainable and other numbers of both networks in full width."""
    sums = {}
    for role, model in build(system, width=128).items():
        sums[role] = [
            sum(int(np.prod(weight.shape)) for weight in kind)
            for kind in (model.trainable_weights, model.non_trainable_weights)
        ]
    return sums


def weights(system: System, role: str, found: list[dict[str, Any]]) -> list[Array]:
    return [system.weight(role, i, record["kind"], tuple(record["shape"])) for i, record in enumerate(found)]


def restore(networks: dict[str, keras.Model], start: dict[str, list[Array]]) -> None:
    for role, model in networks.items():
        model.set_weights(start[role])


def real(system: System, step: int) -> Array:
    """Row 2's images have 784 numbers in [0, 1] and no channels."""
    images = system.images(step)
    return (images[..., 0] + 1) / 2 if system.name.startswith("2") else images


def joined(system: System, networks: dict[str, keras.Model]) -> dict[str, float]:
    """Rows 1 to 4: ``train_on_batch`` of D, then of G with D behind it."""
    generator, discriminator = networks["generator"], networks["discriminator"]
    both = keras.Sequential([generator, discriminator])
    for model in (discriminator, both):
        model.compile(loss="binary_crossentropy", optimizer=optimizer(system), jit_compile=False)
    ones, zeros = np.ones((system.batch_size, 1)), np.zeros((system.batch_size, 1))
    losses: dict[str, float] = {}
    for step in range(STEPS):
        fakes = generator.predict(system.latents("discriminator", step), verbose=0)
        discriminator.trainable = True
        mixed, said = np.concatenate([real(system, step), fakes]), np.concatenate([ones, zeros])
        losses[f"step {step}/d_loss"] = float(discriminator.train_on_batch(mixed, said))
        discriminator.trainable = False
        latents = system.latents("generator", step)
        losses[f"step {step}/g_loss"] = float(both.train_on_batch(latents, np.ones((len(latents), 1))))
    return losses


def separately(system: System, networks: dict[str, keras.Model]) -> dict[str, float]:
    """Row 5, trained as Radford et al. do."""
    generator, discriminator = networks["generator"], networks["discriminator"]
    learners = {role: optimizer(system) for role in ROLES}
    entropy = keras.losses.BinaryCrossentropy()
    losses: dict[str, float] = {}
    for step in range(STEPS):
        fakes = generator(system.latents("discriminator", step), training=True)
        with tf.GradientTape() as tape:
            judged = discriminator(real(system, step), training=True), discriminator(fakes, training=True)
            loss = entropy(tf.ones_like(judged[0]), judged[0]) + entropy(tf.zeros_like(judged[1]), judged[1])
        learn(learners["discriminator"], discriminator, tape, loss)
        losses[f"step {step}/d_loss"] = float(loss)
        with tf.GradientTape() as tape:
            judge = discriminator(generator(system.latents("generator", step), training=True), training=True)
            loss = entropy(tf.ones_like(judge), judge)
        learn(learners["generator"], generator, tape, loss)
        losses[f"step {step}/g_loss"] = float(loss)
    return losses


def learn(learner: keras.optimizers.Optimizer, model: keras.Model, tape: tf.GradientTape, loss: tf.Tensor) -> None:
    variables = model.trainable_variables
    learner.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))


def main(arguments: list[str]) -> int:
    keras.config.set_floatx("float64")
    arrays: Arrays = {}
    notes: dict[str, Any] = {}
    for name, system in SYSTEMS.items():
        print(name, flush=True)
        found, notes[name] = play(system)
        arrays |= {f"{name}/{key}": value for key, value in found.items()}
    if arguments == ["--check"]:
        stored, old = store.load(FILE)
        worst = max(float(np.abs(stored[key] - value).max()) for key, value in arrays.items())
        same = [*stored] == [*arrays] and old == notes and worst < TOLERANCE
        print(f"largest difference {worst:.1e}: {'the stored numbers' if same else 'run keras_systems.py'}")
        return not same
    store.save(FILE, arrays, notes)
    print(f"{FILE.name}: {FILE.stat().st_size / 1000:.0f} kB, Keras {keras.__version__}, TensorFlow {tf.__version__}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
