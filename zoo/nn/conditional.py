"""Batch normalisation that knows the class."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from zoo import ops
from zoo.nn.arguments import check_activation, describe_activation
from zoo.nn.normalisation import BatchNormAct


class ConditionalBatchNormAct(nn.Module):
    """Batch normalisation with a scale and a shift for each class, and activation: for (N, C) and (N, C, H, W).

    activation(weight[label] · (x − mean) / √(variance + eps) + bias[label]) (Dumoulin et al. 2017,
    https://arxiv.org/abs/1610.07629; in generators as Miyato & Koyama 2018 have it, https://arxiv.org/abs/1802.05637). The
    statistics are those of all images, whatever their class. ``weight`` and ``bias`` have the shape (classes, C) and begin with
    ones and zeros; the running statistics are those of ``norm``, a `BatchNormAct` without affine part.

    Args:
        channels: C.
        classes: how many labels there are, 1 or more.
        activation: identity, relu, leaky_relu or tanh.
        slope: of leaky_relu below zero, 0 or more.
        momentum: share of the new statistics in the running ones, in [0, 1].
        eps: added to the variance.
        device: of parameters and buffers.
        dtype: of parameters and buffers.

    Raises:
        ValueError: for arguments that do not fit.
    """

    def __init__(
        self,
        channels: int,
        classes: int,
        activation: str = "identity",
        slope: float = 0.0,
        momentum: float = 0.1,
        eps: float = 1e-5,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        check_activation(activation, slope)
        if isinstance(classes, bool) or not isinstance(classes, int) or classes < 1:
            raise ValueError(f"classes is {classes!r}; a whole number of 1 or more is needed")
        where: Any = {"device": device, "dtype": dtype}
        self.norm = BatchNormAct(channels, momentum=momentum, eps=eps, affine=False, **where)
        self.weight = nn.Parameter(torch.ones(classes, channels, **where))
        self.bias = nn.Parameter(torch.zeros(classes, channels, **where))
        self.activation = activation
        self.slope = slope

    def forward(self, x: Tensor, labels: Tensor) -> Tensor:
        """Normalises, scales and shifts by class, and activates.

        Args:
            x: (N, C) or (N, C, H, W).
            labels: (N,), int64, from 0 to classes - 1.

        Raises:
            ValueError, TypeError: as `zoo.ops.batch_norm_act`.
        """
        shape = (len(x), -1, *(1 for _ in x.shape[2:]))
        normed = self.norm(x)
        # Chosen as an embedding is: its gradient is the same to the bit each time, on a GPU too.
        weight = nn.functional.embedding(labels, self.weight).reshape(shape)
        bias = nn.functional.embedding(labels, self.bias).reshape(shape)
        y = torch.addcmul(bias, normed, weight)
        return y if self.activation == "identity" else ops.bias_act(y, None, self.activation, self.slope)

    def extra_repr(self) -> str:
        classes, channels = self.weight.shape
        return f"{channels}, classes={classes}, {describe_activation(self.activation, self.slope)}"
