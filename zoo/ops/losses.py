"""The losses of both networks: loss, gradient and logged statistics in one pass over the logits."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from zoo.ops import autograd, checks, reference
from zoo.ops.codes import LOSS_KIND_NAMES, loss_code
from zoo.ops.library import dispatch, offer
from zoo.ops.reference import LossOutput

_D, _G = "discriminator_loss", "generator_loss"


def discriminator_loss(
    real_logits: Tensor,
    fake_logits: Tensor,
    kind: str = "non_saturating",
    *,
    a: float = 0.0,
    b: float = 1.0,
    scale: float = 1.0,
) -> LossOutput:
    """What the discriminator minimises, and how well it tells real from generated images.

    | kind                    | loss, times `scale`                                                              |
    |-------------------------|----------------------------------------------------------------------------------|
    | non_saturating, minimax | mean softplus(-real) + mean softplus(fake)     (Goodfellow et al. 2014, eq. 1)   |
    | least_squares           | ½ mean (real - b)² + ½ mean (fake - a)²        (Mao et al. 2017, eq. 2)          |
    | hinge                   | mean relu(1 - real) + mean relu(1 + fake)      (Lim & Ye 2017)                   |
    | wasserstein             | mean fake - mean real                          (Arjovsky et al. 2017)            |

    Args:
        real_logits: the raw output for real images, any shape with at least one element.
        fake_logits: the raw output for generated images; its shape need not be that of `real_logits`.
        kind: which loss.
        a: least squares: the target of generated images.
        b: least squares: the target of real images.
        scale: multiplies loss and gradient.

    Returns:
        `loss`: 0-d, float32 (float64 for float64 logits). `statistics`: detached float32 tensor of 4: mean D(real),
        mean D(fake), share of real images judged real, share of generated images judged generated. D(.) is the
        sigmoid of the logit for non_saturating and minimax, the raw output otherwise; "real" is an output above 0, for
        least squares above (a + b) / 2.

    Raises:
        ValueError: for empty logits, logits on two devices, an unknown kind.
        TypeError: for integer, complex or mixed dtypes.
        NativeError: if the native core is present but does not load.
    """
    code = loss_code(kind)
    checks.logits(_D, "real_logits", real_logits)
    checks.logits(_D, "fake_logits", fake_logits)
    if real_logits.dtype != fake_logits.dtype:
        raise TypeError(
            f"{_D}: real_logits of shape {checks.shape(real_logits)} are {real_logits.dtype}, fake_logits of shape "
            f"{checks.shape(fake_logits)} are {fake_logits.dtype}; the dtypes must agree"
        )
    if real_logits.device != fake_logits.device:
        raise ValueError(
            f"{_D}: real_logits of shape {checks.shape(real_logits)} are on {real_logits.device}, fake_logits of shape "
            f"{checks.shape(fake_logits)} on {fake_logits.device}; move them to one device"
        )
    results = dispatch(_D, real_logits.device.type)(real_logits, fake_logits, (code, a, b, scale))
    return LossOutput(results[0], results[1])


def generator_loss(
    fake_logits: Tensor,
    kind: str = "non_saturating",
    *,
    a: float = 0.0,
    b: float = 1.0,
    c: float = 1.0,
    scale: float = 1.0,
) -> LossOutput:
    """What the generator minimises, and how often it fools the discriminator.

    | kind               | loss, times `scale`                                                                   |
    |--------------------|---------------------------------------------------------------------------------------|
    | non_saturating     | mean softplus(-fake)                           (Goodfellow et al. 2014, section 3)    |
    | minimax            | -mean softplus(fake)                           (Goodfellow et al. 2014, eq. 1)        |
    | least_squares      | ½ mean (fake - c)²                             (Mao et al. 2017, eq. 2)               |
    | hinge, wasserstein | -mean fake                                                                            |

    Args:
        fake_logits: the discriminator's raw output for generated images, any shape with at least one element.
        kind: which loss.
        a: least squares: the discriminator's target of generated images (for the threshold only).
        b: least squares: the discriminator's target of real images (for the threshold only).
        c: least squares: what the generator wants the discriminator to say.
        scale: multiplies loss and gradient.

    Returns:
        `loss`: 0-d, float32 (float64 for float64 logits). `statistics`: detached float32 tensor of 2: mean D(fake) and
        share of generated images judged real, as in `discriminator_loss`.

    Raises:
        ValueError: for empty logits or an unknown kind.
        TypeError: for integer or complex logits.
        NativeError: if the native core is present but does not load.
    """
    code = loss_code(kind)
    checks.logits(_G, "fake_logits", fake_logits)
    results = dispatch(_G, fake_logits.device.type)(fake_logits, (code, a, b, c, scale))
    return LossOutput(results[0], results[1])


def _reference_discriminator(real: Tensor, fake: Tensor, options: tuple[int, float, float, float]) -> LossOutput:
    kind, a, b, scale = options
    return reference.discriminator_loss(real, fake, LOSS_KIND_NAMES[kind], a=a, b=b, scale=scale)


def _traced_discriminator(real: Tensor, fake: Tensor, options: tuple[int, float, float, float]) -> Any:
    return torch.ops.zoo.discriminator_loss_forward(real, fake, *options)


def _reference_generator(fake: Tensor, options: tuple[int, float, float, float, float]) -> LossOutput:
    kind, a, b, c, scale = options
    return reference.generator_loss(fake, LOSS_KIND_NAMES[kind], a=a, b=b, c=c, scale=scale)


def _traced_generator(fake: Tensor, options: tuple[int, float, float, float, float]) -> Any:
    return torch.ops.zoo.generator_loss_forward(fake, *options)


offer(_D, _reference_discriminator, _traced_discriminator, autograd.discriminator_loss)
offer(_G, _reference_generator, _traced_generator, autograd.generator_loss)
