"""Whether every parameter learns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zoo.testing.messages import some
from zoo.testing.outcome import CheckFailed

if TYPE_CHECKING:
    from zoo.testing.repeated_step import RepeatedStep
    from zoo.testing.subject import Subject

UPDATES = 4


def gradients(subject: Subject) -> None:
    """Within a few steps every parameter that requires a gradient gets one that is finite and not all zero."""
    import torch

    repeated = subject.repeated_step()
    missing = dict.fromkeys(repeated.parameters(), "none")
    for number in repeated.numbers(UPDATES):
        for name, value in repeated.run(number).items():
            if not bool(torch.isfinite(value).all()):
                raise CheckFailed(
                    f"{name} is {float(value):g} in step {number}",
                    "look for a division or a logarithm of 0, or for a learning rate that is too high",
                )
        for name, parameter in repeated.parameters().items():
            if parameter.grad is None or name not in missing:
                continue
            if not bool(torch.isfinite(parameter.grad).all()):
                raise CheckFailed(
                    f"the gradient of {name} holds NaN or infinity in step {number}",
                    "look for a square root or a norm at 0, which has no slope there: add a small number inside",
                )
            if bool(parameter.grad.any()):
                del missing[name]
            else:
                missing[name] = "only zeros"
        if not missing:
            return
    for name in _felt_by_logits(repeated, [name for name, what in missing.items() if what == "only zeros"]):
        del missing[name]
    if not missing:
        return
    shapes = {name: "×".join(map(str, parameter.shape)) for name, parameter in repeated.parameters().items()}
    listed = some([f"{name} ({shapes[name]}): {what}" for name, what in missing.items()])
    raise CheckFailed(
        f"parameters without a gradient in {UPDATES} updates of each network: {listed}",
        "use them in forward(), without detach() or no_grad() on the way; remove them; or freeze them with requires_grad_(False)",
    )


def _felt_by_logits(repeated: RepeatedStep, names: list[str]) -> list[str]:
    """Those of D's parameters on which its logits of real images depend.

    A loss may cancel there: the hinge and the Wasserstein loss do not feel a bias that moves all logits alike.
    """
    import torch

    parameters = {name: parameter for name, parameter in repeated.parameters().items() if name in names}
    parameters = {name: parameter for name, parameter in parameters.items() if name.startswith("discriminator.")}
    if not parameters:
        return []
    batch, step = repeated.batch, repeated.step
    logits = step.discriminate(batch.images, batch.labels if step.classes else None)
    gradients = torch.autograd.grad(logits.sum(), list(parameters.values()), allow_unused=True)
    return [
        name for name, gradient in zip(parameters, gradients, strict=True) if gradient is not None and gradient.any()
    ]
