"""torch's optimisers without torch's compiler, which they load when they are made and which takes as long as torch itself.

They load it only to keep it from tracing their methods. Nothing traces them here, so a run would wait a second for nothing.
"""

from __future__ import annotations

import inspect
from typing import TypeVar

import torch
from torch import optim

Kind = TypeVar("Kind", bound=optim.Optimizer)

_KEPT_FROM_THE_COMPILER = ("add_param_group", "load_state_dict", "state_dict", "zero_grad")


def lean(kind: type[Kind]) -> type[Kind]:
    """Class decorator: the methods of an optimiser are torch's own, as they are inside the decorators that load the compiler.

    (`functools.wraps` keeps them in `__wrapped__`.) `step` is without gradients, which its decorator saw to as well. Hooks and
    the profiler's marks are put on by `Optimizer.__init__`, as ever.
    """
    for name in _KEPT_FROM_THE_COMPILER:
        setattr(kind, name, inspect.unwrap(getattr(kind, name)))
    kind.step = torch.no_grad()(inspect.unwrap(kind.step))  # type: ignore[method-assign]
    return kind


@lean
class Optimizer(optim.Optimizer):
    """The base of an optimiser that is written here."""


@lean
class Adam(optim.Adam):
    """torch's."""


@lean
class RMSprop(optim.RMSprop):
    """torch's."""


@lean
class SGD(optim.SGD):
    """torch's."""
