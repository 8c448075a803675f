"""Batch normalisation with its activation."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.modules.batchnorm import _NormBase

from zoo import ops
from zoo.nn.arguments import check_activation, check_choice, describe_activation
from zoo.nn.groups import OfGroups
from zoo.ops.kinds import ORDERS


class BatchNormAct(_NormBase, OfGroups):
    """Batch normalisation and activation in one op, for (N, C) and (N, C, H, W).

    Has the parameters and buffers of `torch.nn.BatchNorm2d` (weight, bias, running_mean, running_var,
    num_batches_tracked), so that state dicts move both ways. Without running statistics, evaluation mode normalises
    with those of the batch, as in torch.

    Args:
        channels: C.
        activation: identity, relu, leaky_relu or tanh.
        slope: of leaky_relu below zero, 0 or more.
        order: "norm_act", or "act_norm" for activation first.
        momentum: share of the new statistics in the running ones, in [0, 1].
        eps: added to the variance.
        affine: with weight and bias.
        track_running_stats: with running statistics.
        device: of parameters and buffers.
        dtype: of parameters and buffers.
        unbiased: the running variance is one of n - 1 numbers, as torch keeps it; False for one of n, as Keras 3 does.

    Raises:
        ValueError: for arguments that do not fit.
    """

    # Not a torch BatchNorm2d by type: SyncBatchNorm.convert_sync_batchnorm would replace it and lose the activation.

    def __init__(
        self,
        channels: int,
        activation: str = "identity",
        slope: float = 0.0,
        order: str = "norm_act",
        momentum: float = 0.1,
        eps: float = 1e-5,
        affine: bool = True,
        track_running_stats: bool = True,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        unbiased: bool = True,
    ) -> None:
        if isinstance(channels, bool) or not isinstance(channels, int) or channels < 1:
            raise ValueError(f"channels is {channels!r}; a whole number of 1 or more is needed")
        check_activation(activation, slope)
        check_choice("order", order, ORDERS)
        if not 0 <= momentum <= 1:
            raise ValueError(f"momentum is {momentum}; a number from 0 to 1 is needed")
        if not eps > 0:
            raise ValueError(f"eps is {eps}; a number above 0 is needed")
        if dtype is not None and not dtype.is_floating_point:
            raise ValueError(f"dtype is {dtype}; a floating-point type is needed")
        super().__init__(
            channels,
            eps=eps,
            momentum=momentum,
            affine=affine,
            track_running_stats=track_running_stats,
            device=device,
            dtype=dtype,
        )
        self.activation = activation
        self.slope = slope
        self.order = order
        self.unbiased = unbiased

    def forward(self, x: Tensor, groups: int | None = None) -> Tensor:
        """Normalises and activates.

        Args:
            x: (N, C) or (N, C, H, W).
            groups: equal consecutive parts of the batch, each with its own statistics, as in separate calls; by default
                one, or as many as `in_groups` says.

        Raises:
            ValueError, TypeError: as `zoo.ops.batch_norm_act`.
        """
        groups = self._groups if groups is None else groups
        running_mean, running_var = self.running_mean, self.running_var
        training = self.training or running_mean is None
        before = running_var.clone() if training and running_var is not None and not self.unbiased else None
        y = ops.batch_norm_act(
            x, self.weight, self.bias, running_mean, running_var, training, self.momentum or 0.0, self.eps,
            self.activation, self.slope, self.order, groups,
        )  # fmt: skip
        if training and self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(groups)  # after the op: a refused batch is not counted
        if before is not None and running_var is not None:
            kept = (1.0 - (self.momentum or 0.0)) ** groups
            make_biased(running_var, before, kept, x.numel() // x.shape[1] // groups)
        return y

    def extra_repr(self) -> str:
        parts = [str(self.num_features), describe_activation(self.activation, self.slope)]
        if self.order != "norm_act":
            parts.append(f"order={self.order!r}")
        parts += [f"momentum={self.momentum:g}", f"eps={self.eps:g}"]
        parts += [f"{name}=False" for name in ("affine", "track_running_stats", "unbiased") if not getattr(self, name)]
        return ", ".join(parts)


def make_biased(running_var: Tensor, before: Tensor, kept: float, count: int) -> None:
    """Turn a running variance that was updated as torch does, by one of count - 1 numbers, into one of `count` numbers.

    before: (C,), what it was before the update. kept: the share of that which is left. count: values per channel.
    """
    # What was added is n / (n - 1) times too much; what is left of the statistics before it is not. `data`: the backward
    # pass, which in training mode has no use for it, would take the change for a mistake.
    running_var.data.mul_((count - 1) / count).add_(before, alpha=kept / count)
