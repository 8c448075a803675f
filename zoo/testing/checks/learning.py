"""Whether each network gets better at its own game."""

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
    from zoo.testing.rehearsal import ROLES, due

    for role in ROLES:
        rehearsal = subject.rehearsal()
        subject.given += f", again and again to the {role} alone"
        phases = [phase for phase in rehearsal.step.phases if phase.updates == role]
        if not phases:
            raise CheckFailed(f"no phase updates the {role}", "let phases(options) return one for each network")
        rehearsal.step.phases = phases
        (number,) = islice(due(phases, role), 1)
        losses: list[float] = []
        for updates in ENOUGH:
            while len(losses) < updates:
                losses.append(float(rehearsal.play(number)[f"{role[0]}_loss"]))
            if sum(losses[-LAST:]) / LAST < losses[0]:
                break
        else:
            shown = ", ".join(f"{losses[at]:.5g}" for at in (0, *(updates - 1 for updates in ENOUGH)))
            raise CheckFailed(
                f"the {role}'s loss is {shown} after 0, {', '.join(str(updates - 1) for updates in ENOUGH)} updates",
                "see that the loss falls where the network does better, that gradients have the right sign, and that the "
                "learning rate fits",
            )
