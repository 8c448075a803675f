"""DCGAN's and the dense networks in Keras 3, the same for every backend: layer by layer those of zoo's built-in plugins."""

from __future__ import annotations

import keras
from keras import layers

LATENT = 100


def networks(family: str, size: int, channels: int, classes: int) -> tuple[keras.Model, keras.Model]:
    """G and D; `family` is convolutional or dense. Both take a list: their input and, where there are classes, one-hot labels."""
    return {"convolutional": convolutional, "dense": dense}[family](size, channels, classes)


def convolutional(size: int, channels: int, classes: int) -> tuple[keras.Model, keras.Model]:
    """DCGAN's networks as zoo's dcgan and cgan have them (plugins/dcgan/radford.py).

    At 64×64 those of radford64, 64 channels and no biases; else those of the presets for digits, 32 and biases.
    """
    sizes = [size]
    while sizes[-1] > 4:
        sizes.append((sizes[-1] + 1) // 2)
    width, bias = (64, False) if size == 64 else (32, True)
    wide = [width * min(2**step, 8) for step in range(len(sizes) - 1)]

    latents, *label = inputs((LATENT,), classes)
    x = layers.Concatenate()([latents, *label]) if label else latents
    x = layers.Reshape((1, 1, -1))(x)
    x = layers.Conv2DTranspose(wide[-1], sizes[-1], use_bias=False)(x)
    x = layers.ReLU()(normal()(x))
    for step in range(len(wide) - 1, 0, -1):
        x = transposed(wide[step - 1], sizes[step], False)(x)
        x = layers.ReLU()(normal()(x))
    x = layers.Activation("tanh")(transposed(channels, sizes[0], bias)(x))
    generator = keras.Model([latents, *label], x)

    image, *label = inputs((size, size, channels), classes)
    x = image
    if label:
        planes = layers.Reshape((1, 1, classes))(label[0])
        x = layers.Concatenate()([image, layers.UpSampling2D(size)(planes)])
    x = leaky()(strided(wide[0], sizes[0], bias)(x))
    for step in range(1, len(wide)):
        x = leaky()(normal()(strided(wide[step], sizes[step], False)(x)))
    x = layers.Flatten()(layers.Conv2D(1, sizes[-1], use_bias=bias)(x))
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


def strided(channels: int, side: int, bias: bool) -> keras.Layer:
    """Half the side, as torch's kernel 4 (3 from odd sides), stride 2, padding 1; Keras pads the same number of zeros."""
    return layers.Conv2D(channels, 4 if side % 2 == 0 else 3, 2, "same", use_bias=bias)


def transposed(channels: int, side: int, bias: bool) -> keras.Layer:
    """Twice the side, or to `side` where that is odd."""
    if side % 2 == 0:
        return layers.Conv2DTranspose(channels, 4, 2, "same", use_bias=bias)
    return layers.Conv2DTranspose(channels, 3, 2, "same", output_padding=0, use_bias=bias)


def normal(momentum: float = 0.9, epsilon: float = 1e-5) -> keras.Layer:
    return layers.BatchNormalization(momentum=momentum, epsilon=epsilon)


def leaky() -> keras.Layer:
    return layers.LeakyReLU(negative_slope=0.2)
