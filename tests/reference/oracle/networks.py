"""The built-in architectures' networks as lists of layers. A state is a dictionary of arrays with the names of torch's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from oracle import layers
from oracle.draws import Array, Draws
from oracle.normalisation import Running, Setting, batch_norm_act, batch_norm_act_backward

State = dict[str, Array]


@dataclass(frozen=True)
class Product:
    """A dense or convolutional layer: product with the weight, then bias and activation."""

    name: str
    shape: tuple[int, ...]
    bias: bool
    forward_product: Callable[[Array, Array], Array]
    backward_product: Callable[[Array, Array, Array], tuple[Array, Array]]
    activation: tuple[str, float] = ("identity", 0.0)
    transposed: bool = False

    def initial(self, draws: Draws) -> State:
        """Weights of the size that keeps the signal's, as a power of two; biases that are not zero."""
        outputs, inputs = self.shape[1::-1] if self.transposed else self.shape[:2]
        reach = inputs * int(np.prod(self.shape[2:]))
        state = {f"{self.name}.weight": draws.bell(*self.shape) * 0.5 ** round(np.log2(reach) / 2)}
        return state | ({f"{self.name}.bias": draws.bell(outputs) / 8} if self.bias else {})

    def forward(self, state: State, x: Array, training: bool) -> tuple[Array, Any]:
        product = self.forward_product(x, state[f"{self.name}.weight"])
        return layers.bias_act(product, state.get(f"{self.name}.bias"), *self.activation), (x, product)

    def backward(self, state: State, dy: Array, memory: Any) -> tuple[Array, State]:
        x, product = memory
        dproduct, dbias = layers.bias_act_backward(dy, product, state.get(f"{self.name}.bias"), *self.activation)
        dx, dweight = self.backward_product(dproduct, x, state[f"{self.name}.weight"])
        return dx, {f"{self.name}.weight": dweight} | ({f"{self.name}.bias": dbias} if self.bias else {})


@dataclass(frozen=True)
class Normalisation:
    """Batch normalisation with its activation. In training mode every pass moves the running statistics."""

    name: str
    channels: int
    setting: Setting

    def initial(self, draws: Draws) -> State:
        """Weights around 1, and running statistics as they are before the first batch."""
        values = {"weight": 1 + draws.bell(self.channels) / 8, "bias": draws.bell(self.channels) / 8}
        values |= {"running_mean": np.zeros(self.channels), "running_var": np.ones(self.channels)}
        return {f"{self.name}.{key}": value for key, value in (values | {"num_batches_tracked": np.zeros(())}).items()}

    def forward(self, state: State, x: Array, training: bool) -> tuple[Array, Any]:
        weight, bias, mean, var = (state[f"{self.name}.{key}"] for key in NORMALISED)
        y, running = batch_norm_act(x, weight, bias, Running(mean, var), self.setting._replace(training=training))
        if not training:
            return y, x
        state[f"{self.name}.running_mean"], state[f"{self.name}.running_var"] = running
        state[f"{self.name}.num_batches_tracked"] = state[f"{self.name}.num_batches_tracked"] + 1
        return y, x

    def backward(self, state: State, dy: Array, memory: Any) -> tuple[Array, State]:
        weight, bias = (state[f"{self.name}.{key}"] for key in NORMALISED[:2])
        dx, dweight, dbias = batch_norm_act_backward(dy, memory, weight, bias, Running(), self.setting)
        return dx, {f"{self.name}.weight": dweight, f"{self.name}.bias": dbias}


NORMALISED = ("weight", "bias", "running_mean", "running_var")


@dataclass(frozen=True)
class Network:
    """Layers in a row. `enter` brings the input (and labels) into the form that the first layer takes, `leave` takes the
    gradient back out; `shape` is that of one result."""

    layers: list[Product | Normalisation]
    enter: Callable[[Array, Array | None], Array]
    leave: Callable[[Array], Array]
    shape: tuple[int, ...] = ()
    state: State = field(default_factory=dict)

    def start(self, draws: Draws) -> State:
        """Set the first weights."""
        for layer in self.layers:
            self.state.update(layer.initial(draws))
        return self.state

    def forward(self, x: Array, labels: Array | None = None, training: bool = True) -> tuple[Array, Any]:
        """The result, and what `backward` needs to know, which is for training mode only."""
        values, memories = self.enter(x, labels), []
        for layer in self.layers:
            values, memory = layer.forward(self.state, values, training)
            memories.append(memory)
        return values.reshape(-1, *self.shape), (memories, values.shape)

    def backward(self, dy: Array, memory: Any) -> tuple[Array, State]:
        """The gradient of the input, and those of the parameters by name."""
        memories, shape = memory
        gradients: State = {}
        dy = dy.reshape(shape)
        for layer, kept in zip(reversed(self.layers), reversed(memories), strict=True):
            dy, found = layer.backward(self.state, dy, kept)
            gradients |= found
        return self.leave(dy), gradients


LEAKY = ("leaky_relu", 0.2)
TANH = ("tanh", 0.0)


def dense_generator(latent: int, image: tuple[int, int, int]) -> Network:
    """Vanilla's: 256, 512 and 1024 units, each normalised after its activation."""
    setting = Setting(
        momentum=0.2, eps=1e-3, activation="leaky_relu", slope=0.2, order="act_norm", unbiased=False
    )  # as Keras keeps its statistics
    row: list[Product | Normalisation] = []
    for place, (inputs, units) in enumerate([(latent, 256), (256, 512), (512, 1024)]):
        row += [_dense(2 * place, inputs, units), Normalisation(str(2 * place + 1), units, setting)]
    row.append(_dense(6, 1024, int(np.prod(image)), TANH))
    return Network(row, lambda x, labels: x, lambda dx: dx, image)


def dense_discriminator(image: tuple[int, int, int]) -> Network:
    """Vanilla's: as many units as there are numbers in an image, then half as many, then one."""
    size = int(np.prod(image))
    row = [_dense(1, size, size, LEAKY), _dense(2, size, size // 2, LEAKY), _dense(3, size // 2, 1)]
    return Network(row, lambda x, labels: x.reshape(len(x), -1), lambda dx: dx.reshape(-1, *image))


def convolutional_generator(latent: int, width: int, image: tuple[int, int, int], classes: int = 0) -> Network:
    """DCGAN's: transposed convolutions up the ladder of sizes, labels as further latents (Radford et al. 2015)."""
    sizes = ladder(image[1])
    wide = [min(2**step, 8) * width for step in range(len(sizes) - 1)]
    row: list[Product | Normalisation] = []
    steps = [(latent + classes, wide[-1], sizes[-1], 1, 0)]
    steps += [(wide[i], wide[i - 1], _kernel(sizes[i]), 2, 1) for i in range(len(wide) - 1, 0, -1)]
    for place, step in enumerate(steps):
        row.append(_transposed(2 * place, *step))
        row.append(Normalisation(f"layers.{2 * place + 1}", step[1], Setting(activation="relu")))
    row.append(_transposed(2 * len(steps), wide[0], image[0], _kernel(sizes[0]), 2, 1, True, TANH))

    def enter(x: Array, labels: Array | None) -> Array:
        x = x if labels is None else np.concatenate([x, one_hot(labels, classes)], 1)
        return x[:, :, None, None]

    return Network(row, enter, lambda dx: dx[:, :latent, 0, 0], image)


def convolutional_discriminator(width: int, image: tuple[int, int, int], classes: int = 0) -> Network:
    """DCGAN's: strided convolutions down the ladder of sizes; each label is a plane of ones among planes of zeros."""
    sizes = ladder(image[1])
    wide = [min(2**step, 8) * width for step in range(len(sizes) - 1)]
    row: list[Product | Normalisation] = [
        _convolution(0, image[0] + classes, wide[0], _kernel(sizes[0]), 2, 1, True, LEAKY)
    ]
    for i in range(1, len(wide)):
        row.append(_convolution(2 * i - 1, wide[i - 1], wide[i], _kernel(sizes[i]), 2, 1))
        row.append(Normalisation(f"layers.{2 * i}", wide[i], Setting(activation="leaky_relu", slope=0.2)))
    row.append(_convolution(len(row), wide[-1], 1, sizes[-1], 1, 0, True))

    def enter(x: Array, labels: Array | None) -> Array:
        if labels is None:
            return x
        planes = one_hot(labels, classes)[:, :, None, None] * np.ones((1, 1, *x.shape[2:]))
        return np.concatenate([x, planes], 1)

    return Network(row, enter, lambda dx: dx[:, : image[0]])


def ladder(size: int) -> list[int]:
    """From the image down to 4 or 3, each size half of the one before, rounded up."""
    return [size] if size <= 4 else [size, *ladder((size + 1) // 2)]


def one_hot(labels: Array, classes: int) -> Array:
    """(N,) to (N, classes)."""
    return np.eye(classes)[labels.astype(int)]


def _kernel(size: int) -> int:
    return 3 if size % 2 else 4


def _dense(place: int, inputs: int, units: int, activation: tuple[str, float] = ("identity", 0.0)) -> Product:
    return Product(str(place), (units, inputs), True, layers.dense, layers.dense_backward, activation)


def _convolution(
    place: int, inputs: int, outputs: int, kernel: int, stride: int, padding: int,
    bias: bool = False, activation: tuple[str, float] = ("identity", 0.0),
) -> Product:  # fmt: skip
    both = (partial(f, stride=stride, padding=padding) for f in (layers.convolution, layers.convolution_backward))
    return Product(f"layers.{place}", (outputs, inputs, kernel, kernel), bias, *both, activation)


def _transposed(
    place: int, inputs: int, outputs: int, kernel: int, stride: int, padding: int,
    bias: bool = False, activation: tuple[str, float] = ("identity", 0.0),
) -> Product:  # fmt: skip
    functions = (layers.transposed_convolution, layers.transposed_convolution_backward)
    both = (partial(f, stride=stride, padding=padding) for f in functions)
    return Product(f"layers.{place}", (inputs, outputs, kernel, kernel), bias, *both, activation, transposed=True)
