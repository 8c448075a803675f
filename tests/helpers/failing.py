"""What the checks of the kit fail with."""

from __future__ import annotations

import zoo.testing


def failures(name: str, only=None, **options) -> dict[str, str]:
    """What is told of each check that fails, by name: of those in `only`, else of all but the slow one."""
    outcomes = zoo.testing.check(name, only=only, without=[] if only else ["compiled"], **options)
    return {outcome.check: str(outcome) for outcome in outcomes if outcome.failure}
