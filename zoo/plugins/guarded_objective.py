"""An objective of a plugin, as the rest of zoo sees it: whatever fails inside is named, and what comes out fits."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from zoo.errors import PluginError
from zoo.plugins.attribution import Guard
from zoo.plugins.calling import call

if TYPE_CHECKING:
    from torch import Tensor

    from zoo.objective import Objective


class GuardedObjective:
    """An objective of a plugin; what else it has (its `kind`) is reached through it."""

    def __init__(self, objective: Objective, guard: Guard) -> None:
        self._objective = objective
        self.zoo_guard = guard

    def __getattr__(self, name: str) -> Any:
        if name == "_objective":  # as a copy is made, before there is one
            raise AttributeError(name)
        found = getattr(self._objective, name)
        return self._guarded(name, found) if name in ("state_dict", "load_state_dict") else found

    def __eq__(self, other: object) -> bool:
        return self._objective == (other._objective if isinstance(other, GuardedObjective) else other)

    __hash__ = None  # type: ignore[assignment]

    def __deepcopy__(self, memo: dict[int, Any]) -> GuardedObjective:
        """A copy with a state of its own."""
        with self.zoo_guard("its objective cannot be copied, and every run has a copy of its own"):
            return GuardedObjective(copy.deepcopy(self._objective, memo), self.zoo_guard)

    def _guarded(self, name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        def guarded(*arguments: Any) -> Any:
            with self.zoo_guard(f"{name}() of its objective failed"):
                return method(*arguments)

        return guarded

    def discriminator_loss(self, real_logits: Tensor, fake_logits: Tensor, *, scale: float) -> tuple[Tensor, Tensor]:
        """As `Objective.discriminator_loss`. Raises PluginError for what is no loss with its statistics."""
        with self.zoo_guard("discriminator_loss() failed"):
            usage = "discriminator_loss(real_logits, fake_logits, scale=…)"
            outcome = call(self._objective.discriminator_loss, usage, real_logits, fake_logits, scale=scale)
            return _loss_and_statistics("discriminator_loss", outcome, 2)

    def generator_loss(self, fake_logits: Tensor, *, scale: float, **more: Tensor) -> tuple[Tensor, Tensor]:
        """As `Objective.generator_loss`. Raises PluginError for what is no loss with its statistics."""
        with self.zoo_guard("generator_loss() failed"):
            usage = f"generator_loss(fake_logits, {''.join(f'{name}=…, ' for name in more)}scale=…)"
            outcome = call(self._objective.generator_loss, usage, fake_logits, scale=scale, **more)
            return _loss_and_statistics("generator_loss", outcome, 0)


def _loss_and_statistics(method: str, outcome: Any, count: int) -> tuple[Tensor, Tensor]:
    """The outcome of a method, if it is a loss and at least `count` statistics."""
    from torch import Tensor

    if not (isinstance(outcome, tuple | list) and len(outcome) == 2):
        returned = type(outcome).__name__
    elif not (isinstance(outcome[0], Tensor) and outcome[0].numel() == 1):
        shape = getattr(outcome[0], "shape", None)
        returned = f"a loss that is {type(outcome[0]).__name__ if shape is None else f'of shape {tuple(shape)}'}"
    elif count and len(outcome[1]) < count:
        returned = f"{len(outcome[1])} statistics"
    else:
        return outcome[0], outcome[1]
    raise PluginError(
        f"{method}() of its objective returned {returned}; return (loss, statistics): a 0-d tensor, and a 1-d one that begins "
        f"with {'mean D(real) and mean D(fake)' if count else 'mean D(fake)'}"
    )
