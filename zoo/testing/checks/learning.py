"""Whether each network lowers its own loss."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from zoo.testing.outcome import CheckFailed

if TYPE_CHECKING:
    from zoo.testing.subject import Subject

LAST = 3
"""The updates at the end whose losses are averaged."""

ENOUGH = (12, 40, 80)
"""Updates after which the loss is looked at: most are convinced early, small learning rates take longer."""


def learning(subject: Subject) -> None:
    """Each network lowers its own loss on one batch, with the architecture's own losses, phases and optimiser."""
    from zoo.testing.repeated_step import ROLES, due

    for role in ROLES:
        repeated = subject.repeated_step()
        subject.given += f", again and again to the {role} alone"
        phases = [phase for phase in repeated.step.phases if phase.updates == role]
        if not phases:
            raise CheckFailed(f"no phase updates the {role}", "let phases(options) return one for each network")
        repeated.step.phases = phases
        (number,) = islice(due(phases, role), 1)
        losses: list[float] = []
        for updates in ENOUGH:
            while len(losses) < updates:
                losses.append(float(repeated.run(number)[f"{role[0]}_loss"]))
            if sum(losses[-LAST:]) / LAST < losses[0]:
                break
        else:
            shown = ", ".join(f"{losses[at]:.5g}" for at in (0, *(updates - 1 for updates in ENOUGH)))
            raise CheckFailed(
                f"the {role}'s loss is {shown} after 0, {', '.join(str(updates - 1) for updates in ENOUGH)} updates",
                "see that the loss falls where the network does better, that gradients have the right sign, and that the "
                "learning rate fits",
            )
