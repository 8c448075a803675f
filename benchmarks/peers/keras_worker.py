"""A training step in Keras on TensorFlow, in a process of its own: python keras_worker.py FAMILY BATCH SIZE CHANNELS CLASSES WAY.

FAMILY is convolutional or dense; WAY is alternating, the official PyTorch example's order (G judges its fakes anew after D's
update), or simultaneous, TensorFlow's own tutorial's (both losses of one pass). Graph mode, Adam at 2e-4 with 0.5. For each line on
standard input it does one step and answers with the seconds that took; the first answer, after building and tracing, is "ready".

Reads and writes nothing else, and imports nothing of zoo: it runs wherever Keras 3 and TensorFlow are installed.
"""

from __future__ import annotations

import os
import sys
import time

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf
from keras import layers

LATENT = 100


def main() -> None:
    family, way = sys.argv[1], sys.argv[6]
    batch, size, channels, classes = map(int, sys.argv[2:6])
    threads = int(os.environ.get("OMP_NUM_THREADS", os.cpu_count() or 1))
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    build = {"convolutional": convolutional, "dense": dense}[family]
    generator, discriminator = build(size, channels, classes)
    step = trainer(generator, discriminator, way)
    random = np.random.default_rng(0)
    real = tf.constant(np.tanh(random.standard_normal((batch, size, size, channels))), tf.float32)
    labels = tf.one_hot(random.integers(0, max(classes, 1), batch), classes) if classes else None

    def once() -> float:
        began = time.perf_counter()
        latents = tf.random.normal((batch, LATENT))
        losses = step(real, latents, *([labels] if classes else []))
        float(losses[0])  # waits for the graph
        return time.perf_counter() - began

    once()
    print("ready", flush=True)
    for _ in sys.stdin:
        print(once(), flush=True)


def trainer(generator: keras.Model, discriminator: keras.Model, way: str):
    """One step of both networks as a graph, which returns both losses."""
    cross_entropy = keras.losses.BinaryCrossentropy(from_logits=True)
    optimizers = [keras.optimizers.Adam(2e-4, beta_1=0.5) for _ in range(2)]
    for network, optimizer in zip((generator, discriminator), optimizers, strict=True):
        optimizer.build(network.trainable_variables)

    def real_or_fake(real_logits, fake_logits):
        return cross_entropy(tf.ones_like(real_logits), real_logits) + cross_entropy(
            tf.zeros_like(fake_logits), fake_logits
        )

    def update(number, network, gradients) -> None:
        optimizers[number].apply(gradients, network.trainable_variables)

    @tf.function
    def alternating(real, latents, *labels):
        with tf.GradientTape() as for_g:
            fake = generator([latents, *labels], training=True)
            with tf.GradientTape() as for_d:
                real_logits = discriminator([real, *labels], training=True)
                d_loss = real_or_fake(real_logits, discriminator([tf.stop_gradient(fake), *labels], training=True))
            update(1, discriminator, for_d.gradient(d_loss, discriminator.trainable_variables))
            logits = discriminator([fake, *labels], training=True)
            g_loss = cross_entropy(tf.ones_like(logits), logits)
        update(0, generator, for_g.gradient(g_loss, generator.trainable_variables))
        return d_loss, g_loss

    @tf.function
    def simultaneous(real, latents, *labels):
        with tf.GradientTape() as for_g, tf.GradientTape() as for_d:
            fake = generator([latents, *labels], training=True)
            real_logits = discriminator([real, *labels], training=True)
            fake_logits = discriminator([fake, *labels], training=True)
            d_loss = real_or_fake(real_logits, fake_logits)
            g_loss = cross_entropy(tf.ones_like(fake_logits), fake_logits)
        to_g = for_g.gradient(g_loss, generator.trainable_variables)
        to_d = for_d.gradient(d_loss, discriminator.trainable_variables)
        update(0, generator, to_g)
        update(1, discriminator, to_d)
        return d_loss, g_loss

    return {"alternating": alternating, "simultaneous": simultaneous}[way]


def convolutional(size: int, channels: int, classes: int) -> tuple[keras.Model, keras.Model]:
    """DCGAN's networks as zoo's dcgan and cgan have them (plugins/dcgan/radford.py): 64 channels at 64×64, else 32."""
    sizes = [size]
    while sizes[-1] > 4:
        sizes.append((sizes[-1] + 1) // 2)
    width = 64 if size == 64 else 32
    wide = [width * min(2**step, 8) for step in range(len(sizes) - 1)]

    latents, *label = inputs((LATENT,), classes)
    x = layers.Concatenate()([latents, *label]) if label else latents
    x = layers.Reshape((1, 1, -1))(x)
    x = layers.Conv2DTranspose(wide[-1], sizes[-1], use_bias=False)(x)
    x = layers.ReLU()(normal()(x))
    for step in range(len(wide) - 1, 0, -1):
        x = transposed(wide[step - 1], sizes[step], bias=False)(x)
        x = layers.ReLU()(normal()(x))
    x = layers.Activation("tanh")(transposed(channels, sizes[0])(x))
    generator = keras.Model([latents, *label], x)

    image, *label = inputs((size, size, channels), classes)
    x = image
    if label:
        planes = layers.Reshape((1, 1, classes))(label[0])
        x = layers.Concatenate()([image, layers.UpSampling2D(size)(planes)])
    x = leaky()(strided(wide[0], sizes[0])(x))
    for step in range(1, len(wide)):
        x = leaky()(normal()(strided(wide[step], sizes[step], bias=False)(x)))
    x = layers.Flatten()(layers.Conv2D(1, sizes[-1])(x))
    return generator, keras.Model([image, *label], x)


def dense(size: int, channels: int, classes: int) -> tuple[keras.Model, keras.Model]:
    """The dense networks of zoo's vanilla (plugins/vanilla/dense.py)."""
    assert not classes
    pixels = size * size * channels
    hidden = [layer for units in (256, 512, 1024) for layer in (layers.Dense(units), leaky(), normal(0.8, 1e-3))]
    shape = layers.Reshape((size, size, channels))
    generator = keras.Sequential([keras.Input((LATENT,)), *hidden, layers.Dense(pixels, "tanh"), shape])
    middle = [layers.Dense(pixels), leaky(), layers.Dense(pixels // 2), leaky()]
    image = keras.Input((size, size, channels))
    discriminator = keras.Sequential([image, layers.Flatten(), *middle, layers.Dense(1)])
    return listed(generator), listed(discriminator)


def listed(network: keras.Model) -> keras.Model:
    """A network that takes its one input in a list, as those with labels take theirs."""
    return keras.Model([network.inputs[0]], network.outputs[0])


def inputs(shape: tuple[int, ...], classes: int) -> list[keras.KerasTensor]:
    return [keras.Input(shape), *([keras.Input((classes,))] if classes else [])]


def strided(channels: int, side: int, bias: bool = True) -> keras.Layer:
    """Half the side, as torch's kernel 4 (3 from odd sides), stride 2, padding 1; Keras pads the same number of zeros."""
    return layers.Conv2D(channels, 4 if side % 2 == 0 else 3, 2, "same", use_bias=bias)


def transposed(channels: int, side: int, bias: bool = True) -> keras.Layer:
    """Twice the side, or to `side` where that is odd."""
    if side % 2 == 0:
        return layers.Conv2DTranspose(channels, 4, 2, "same", use_bias=bias)
    return layers.Conv2DTranspose(channels, 3, 2, "same", output_padding=0, use_bias=bias)


def normal(momentum: float = 0.9, epsilon: float = 1e-5) -> keras.Layer:
    return layers.BatchNormalization(momentum=momentum, epsilon=epsilon)


def leaky() -> keras.Layer:
    return layers.LeakyReLU(negative_slope=0.2)


if __name__ == "__main__":
    main()
