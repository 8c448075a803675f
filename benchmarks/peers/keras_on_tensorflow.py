"""The step of keras_worker.py on TensorFlow: a graph."""

from __future__ import annotations

import os
from collections.abc import Callable

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf
from keras_networks import LATENT


def limit_threads(count: int) -> None:
    """Before anything is computed."""
    tf.config.threading.set_intra_op_parallelism_threads(count)
    tf.config.threading.set_inter_op_parallelism_threads(1)


def stepper(
    generator: keras.Model, discriminator: keras.Model, way: str, real: np.ndarray, labels: np.ndarray | None
) -> Callable[[], None]:
    """One step of both networks; it returns when it is done."""
    step = graphs(generator, discriminator)[way]
    images, given = tf.constant(real), [] if labels is None else [tf.constant(labels)]

    def once() -> None:
        d_loss, _ = step(images, tf.random.normal((len(real), LATENT)), *given)
        float(d_loss)  # waits for the graph

    return once


def graphs(generator: keras.Model, discriminator: keras.Model) -> dict[str, Callable[..., tuple[tf.Tensor, tf.Tensor]]]:
    """Both ways to play a step, each of which returns D's loss and G's."""
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

    return {"alternating": alternating, "simultaneous": simultaneous}
