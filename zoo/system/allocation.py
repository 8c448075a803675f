"""A bound on what is allocated while a network is built whose options somebody else wrote."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from zoo.errors import RunError
from zoo.system.disk import size

_SHAPED = frozenset(("empty", "zeros", "ones", "rand", "randn", "new_empty", "new_zeros", "new_ones"))
"""Functions of torch whose numbers are all a shape."""

_FILLED = frozenset(("full", "new_full", "randint", "randperm", "eye"))
"""Those of which some numbers are."""


@contextmanager
def bounded(most: int, about: str) -> Iterator[None]:
    """Within it tensors of more than `most` bytes in all are a RunError that begins with `about`.

    Where a shape is asked for, it is raised before memory is touched. What is freed counts on: it is meant for a few moments. Of
    this thread alone.
    """
    with _Bounded(most, about):
        yield


class _Bounded(TorchFunctionMode):
    # Not a TorchDispatchMode: torch imports its whole compiler for the first one, which takes seconds.
    def __init__(self, most: int, about: str) -> None:
        super().__init__()
        self._left = self._most = most
        self._about = about

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        asked = _asked(getattr(func, "__name__", ""), args, kwargs)
        self._take(asked)
        result = func(*args, **kwargs)
        if not asked and isinstance(result, Tensor):
            place = _place(result)
            if place and place not in {_place(each) for each in (*args, *kwargs.values()) if isinstance(each, Tensor)}:
                self._take(result.nbytes)  # a view, or what was changed, is nothing new
        return result

    def _take(self, count: int) -> None:
        self._left -= count
        if self._left < 0:
            raise RunError(f"{self._about}, which are more than {size(self._most)}")


def _asked(name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> int:
    """Bytes of the tensor that a factory of torch is asked for; 0 for what is none."""
    given = [each for each in args if not isinstance(each, Tensor)] + [kwargs.get("size", ())]
    if name in _SHAPED:
        shape = [*_numbers(given)]
    elif name in _FILLED:
        within = [each for each in given if isinstance(each, Sequence) and len(each)]
        shape = [*_numbers(within[:1] or given)]
        shape *= 2 if name == "eye" and len(shape) == 1 else 1
    elif name in ("arange", "range", "linspace", "logspace"):
        numbers = [each for each in (*given, *kwargs.values()) if isinstance(each, int | float)]
        shape = [int(max((abs(each) for each in numbers if math.isfinite(each)), default=0))]
    else:
        return 0
    dtype = kwargs.get("dtype")
    return math.prod(shape) * (dtype.itemsize if isinstance(dtype, torch.dtype) else 4) if shape else 0


def _place(tensor: Tensor) -> int:
    """Where its memory is; 0 where it has none of its own."""
    if tensor.layout != torch.strided or tensor.is_meta:
        return 0
    return tensor.untyped_storage().data_ptr()


def _numbers(given: Sequence[Any]) -> Iterator[int]:
    for each in given:
        if isinstance(each, Sequence) and not isinstance(each, str):
            yield from _numbers(each)
        elif isinstance(each, int) and not isinstance(each, bool):
            yield max(each, 0)
