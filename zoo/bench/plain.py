"""The built-in networks and losses written with torch.nn alone, for comparison: same weights, same numbers."""

from __future__ import annotations

import copy
from typing import Any, Final

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn
from torch.nn.utils.parametrize import is_parametrized

import zoo.nn
from zoo.bench.contenders import activation
from zoo.nn.normalisation import make_biased
from zoo.nn.same import padded, transposed


class _Conv2dSame(nn.Conv2d):
    def forward(self, x: Tensor) -> Tensor:
        x, padding = padded(self, x)
        return F.conv2d(x, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)


class _ConvTranspose2dSame(nn.ConvTranspose2d):
    def forward(self, x: Tensor) -> Tensor:  # type: ignore[override]
        return transposed(self, x, _conv_transpose2d)


def _conv_transpose2d(layer: nn.ConvTranspose2d, x: Tensor, padding: list[int], more: list[int]) -> Tensor:
    options: Any = (layer.stride, padding, more, layer.groups, layer.dilation)
    return F.conv_transpose2d(x, layer.weight, layer.bias, *options)


_LAYERS: Final[dict[type[nn.Module], type[nn.Module]]] = {  # subclasses before what they extend
    zoo.nn.Conv2dSame: _Conv2dSame,
    zoo.nn.ConvTranspose2dSame: _ConvTranspose2dSame,
    zoo.nn.Conv2dAct: nn.Conv2d,
    zoo.nn.ConvTranspose2dAct: nn.ConvTranspose2d,
    zoo.nn.LinearAct: nn.Linear,
}


def plain(network: nn.Module, inplace: bool = True) -> nn.Module:
    """A copy of a network in which every module of `zoo.nn` is torch's own, with an activation behind it."""
    return _replaced(copy.deepcopy(network), inplace)


def _replaced(module: nn.Module, inplace: bool) -> nn.Module:
    if isinstance(module, zoo.nn.BatchNormAct):
        return _batch_norm(module, inplace)
    for fused, torchs in _LAYERS.items():
        if isinstance(module, fused):
            layer: Any = module
            layer.__class__ = _parametrised_as(
                layer, torchs
            )  # of which it is one, with the same parameters and settings
            return nn.Sequential(layer, activation(layer.activation, layer.slope, inplace))
    for name, child in module.named_children():
        setattr(module, name, _replaced(child, inplace))
    return module


def _parametrised_as(layer: nn.Module, torchs: type[nn.Module]) -> type[nn.Module]:
    """torch's class; where a parametrisation gave the layer a class of its own, the same on torch's."""
    if not is_parametrized(layer):
        return torchs
    own = {name: value for name, value in vars(type(layer)).items() if name not in ("__dict__", "__weakref__")}
    return type(torchs.__name__, (torchs,), own)


def _batch_norm(module: zoo.nn.BatchNormAct, inplace: bool) -> nn.Module:
    # BatchNorm1d and BatchNorm2d differ in the rank they accept; this one takes both, as ours does.
    norm = _AnyRank(module.num_features, module.eps, module.momentum, module.affine, module.track_running_stats)
    norm.unbiased = module.unbiased
    norm.load_state_dict(module.state_dict())
    after = activation(module.activation, module.slope, inplace)
    return nn.Sequential(norm, after) if module.order == "norm_act" else nn.Sequential(after, norm)


class _AnyRank(nn.BatchNorm2d):
    unbiased = True

    def _check_input_dim(self, input: Tensor) -> None:
        pass

    def forward(self, x: Tensor) -> Tensor:
        if self.unbiased or not self.training or self.running_var is None:
            return super().forward(x)
        before = self.running_var.clone()
        y = super().forward(x)
        make_biased(self.running_var, before, 1.0 - (self.momentum or 0.0), x.numel() // x.shape[1])
        return y


class CrossEntropy:
    """The non-saturating losses with torch's own loss: an objective as `zoo.objective.Objective` is one."""

    def __init__(self) -> None:
        self._constants: dict[tuple[float, torch.Size, torch.device], Tensor] = {}

    def discriminator_loss(self, real_logits: Tensor, fake_logits: Tensor, *, scale: float) -> tuple[Tensor, Tensor]:
        """D's loss, and the means of D(x) and D(G(z))."""
        loss = self._towards(real_logits, 1) + self._towards(fake_logits, 0)
        with torch.no_grad():
            statistics = torch.stack([real_logits.sigmoid().mean(), fake_logits.sigmoid().mean()])
        return loss * scale, statistics

    def generator_loss(self, fake_logits: Tensor, *, scale: float) -> tuple[Tensor, Tensor]:
        """G's loss, and the mean of D(G(z)), which the engine does not log."""
        return self._towards(fake_logits, 1) * scale, fake_logits.detach()

    def _towards(self, logits: Tensor, target: float) -> Tensor:
        key = (target, logits.shape, logits.device)
        if key not in self._constants:
            self._constants[key] = torch.full_like(logits, target).detach()
        return F.binary_cross_entropy_with_logits(logits, self._constants[key])
