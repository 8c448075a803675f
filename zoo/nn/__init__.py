"""Modules on top of `zoo.ops`: what an architecture is written with."""

from __future__ import annotations

from zoo.nn.conditional import ConditionalBatchNormAct
from zoo.nn.layers import Conv2dAct, ConvTranspose2dAct, LinearAct
from zoo.nn.minibatch import MinibatchStdDev
from zoo.nn.normalisation import BatchNormAct
from zoo.nn.resampling import Downsample2d, Upsample2d
from zoo.nn.rescale import Rescale
from zoo.nn.same import Conv2dSame, ConvTranspose2dSame
from zoo.nn.spectral import spectral_norm
from zoo.nn.upsample_convolution import UpsampleConv2d

__all__ = [
    "BatchNormAct",
    "ConditionalBatchNormAct",
    "Conv2dAct",
    "Conv2dSame",
    "ConvTranspose2dAct",
    "ConvTranspose2dSame",
    "Downsample2d",
    "LinearAct",
    "MinibatchStdDev",
    "Rescale",
    "Upsample2d",
    "UpsampleConv2d",
    "spectral_norm",
]
