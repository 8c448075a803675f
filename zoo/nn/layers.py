"""Plain layers whose bias and activation are one op. Their state dicts are those of the torch layers they extend."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from zoo import ops
from zoo.nn.arguments import check_activation, describe_activation
from zoo.nn.convolution import convolve, convolve_transposed


class LinearAct(nn.Linear):
    """activation(x Wᵀ + b) for x of shape (N, in_features).

    Takes the arguments of `torch.nn.Linear`, and those below.

    Args:
        activation: identity, relu, leaky_relu or tanh.
        slope: of leaky_relu below zero, 0 or more.

    Raises:
        ValueError: for an unknown activation or a negative slope.
    """

    def __init__(
        self, in_features: int, out_features: int, bias: bool = True, activation: str = "identity", slope: float = 0.0,
        **keywords: Any,
    ) -> None:  # fmt: skip
        check_activation(activation, slope)
        super().__init__(in_features, out_features, bias, **keywords)
        self.activation = activation
        self.slope = slope

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_features) to (N, out_features)."""
        return ops.bias_act(ops.linear(x, self.weight), self.bias, self.activation, self.slope)

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, {describe_activation(self.activation, self.slope)}"


class Conv2dAct(nn.Conv2d):
    """activation(convolution(x) + b).

    Takes the arguments of `torch.nn.Conv2d`, and those below by keyword.

    Args:
        activation: identity, relu, leaky_relu or tanh.
        slope: of leaky_relu below zero, 0 or more.

    Raises:
        ValueError: for an unknown activation or a negative slope.
    """

    def __init__(self, *arguments: Any, activation: str = "identity", slope: float = 0.0, **keywords: Any) -> None:
        check_activation(activation, slope)
        super().__init__(*arguments, **keywords)
        self.activation = activation
        self.slope = slope

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C', H', W')."""
        return finish(self, convolve(self, x))

    def extra_repr(self) -> str:
        plain: str = super().extra_repr()  # type: ignore[no-untyped-call]
        return f"{plain}, {describe_activation(self.activation, self.slope)}"


class ConvTranspose2dAct(nn.ConvTranspose2d):
    """activation(transposed convolution(x) + b).

    Takes the arguments of `torch.nn.ConvTranspose2d` (zero padding only), and those below by keyword.

    Args:
        activation: identity, relu, leaky_relu or tanh.
        slope: of leaky_relu below zero, 0 or more.

    Raises:
        ValueError: for an unknown activation or a negative slope.
    """

    def __init__(self, *arguments: Any, activation: str = "identity", slope: float = 0.0, **keywords: Any) -> None:
        check_activation(activation, slope)
        super().__init__(*arguments, **keywords)
        self.activation = activation
        self.slope = slope

    def forward(self, x: Tensor) -> Tensor:  # type: ignore[override]  # output_size is left to the plain layer
        """(N, C, H, W) to (N, C', H', W')."""
        padding: Any = self.padding  # numbers: the plain layer refuses words
        return finish(self, convolve_transposed(self, x, padding, self.output_padding))

    def extra_repr(self) -> str:
        plain: str = super().extra_repr()  # type: ignore[no-untyped-call]
        return f"{plain}, {describe_activation(self.activation, self.slope)}"


def finish(layer: Conv2dAct | ConvTranspose2dAct, y: Tensor) -> Tensor:
    """Bias and activation, where there is one."""
    if layer.bias is None and layer.activation == "identity":
        return y
    return ops.bias_act(y, layer.bias, layer.activation, layer.slope)
