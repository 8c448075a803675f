"""Whether every parameter learns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zoo.testing.outcome import BrokenPromise
from zoo.testing.wording import some

if TYPE_CHECKING:
    from zoo.testing.subject import Subject

UPDATES = 4


def gradients(subject: Subject) -> None:
    """Within a few steps every parameter that requires a gradient gets one that is finite and not all zero."""
    import torch

    rehearsal = subject.rehearsal()
    missing = dict.fromkeys(rehearsal.parameters(), "none")
    for number in rehearsal.numbers(UPDATES):
        for name, value in rehearsal.play(number).items():
            if not bool(torch.isfinite(value).all()):
                raise BrokenPromise(
                    f"{name} is {float(value):g} in step {number}",
                    "look for a division or a logarithm of 0, or for a learning rate that is too high",
                )
        for name, parameter in rehearsal.parameters().items():
            if parameter.grad is None or name not in missing:
                continue
            if not bool(torch.isfinite(parameter.grad).all()):
                raise BrokenPromise(
                    f"the gradient of {name} holds NaN or infinity in step {number}",
                    "look for a square root or a norm at 0, which has no slope there: add a small number inside",
                )
            if bool(parameter.grad.any()):
                del missing[name]
            else:
                missing[name] = "only zeros"
        if not missing:
            return
    shapes = {name: "×".join(map(str, parameter.shape)) for name, parameter in rehearsal.parameters().items()}
    listed = some([f"{name} ({shapes[name]}): {what}" for name, what in missing.items()])
    raise BrokenPromise(
        f"parameters without a gradient in {UPDATES} updates of each network: {listed}",
        "use them in forward(), without detach() or no_grad() on the way; remove them; or freeze them with requires_grad_(False)",
    )
