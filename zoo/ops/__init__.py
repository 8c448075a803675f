"""The fused ops. Each is a plain function with a native kernel, or its reference where no kernel is built or wanted.

>>> import torch
>>> from zoo import ops
>>> ops.bias_act(torch.tensor([[-1.0, 1.0]]), torch.zeros(2), "leaky_relu", slope=0.2)
tensor([[-0.2000,  1.0000]])
"""

from __future__ import annotations

from zoo.ops import reference
from zoo.ops.families.augment import augment
from zoo.ops.families.batch_norm_act import batch_norm_act
from zoo.ops.families.bias_act import bias_act
from zoo.ops.families.convolution import conv2d, conv_transpose2d
from zoo.ops.families.discriminator_loss import discriminator_loss
from zoo.ops.families.generator_loss import generator_loss
from zoo.ops.families.linear import linear
from zoo.ops.families.upfirdn2d import upfirdn2d
from zoo.ops.library import references, status
from zoo.ops.reference import LossOutput
from zoo.ops.report import CheckRow, build_info, check

__all__ = [
    "CheckRow",
    "LossOutput",
    "augment",
    "batch_norm_act",
    "bias_act",
    "build_info",
    "check",
    "conv2d",
    "conv_transpose2d",
    "discriminator_loss",
    "generator_loss",
    "linear",
    "reference",
    "references",
    "status",
    "upfirdn2d",
]
