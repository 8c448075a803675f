"""A bound on what is allocated while a network is built whose options somebody else wrote."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from zoo.errors import RunError
from zoo.system.disk import size


@contextmanager
def bounded(most: int, about: str) -> Iterator[None]:
    """Within it tensors of more than `most` bytes in all are a RunError that begins with `about`.

    It is raised before memory is touched for them. What is freed counts on: it is meant for a few moments. Of this thread alone.
    """
    with _Bounded(most, about):
        yield


class _Bounded(TorchDispatchMode):  # type: ignore[no-untyped-call]
    def __init__(self, most: int, about: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._left = self._most = most
        self._about = about

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if not any(isinstance(each, Tensor) for each in args):  # else it changes what is there, or is of its size
            self._take(_claimed(func, args, kwargs))
            return func(*args, **kwargs)
        result = func(*args, **kwargs)
        if isinstance(result, Tensor) and not any(result is each for each in args) and not _is_view(func):
            self._take(result.nbytes)
        return result

    def _take(self, count: int) -> None:
        self._left -= count
        if self._left < 0:
            raise RunError(f"{self._about}, which are more than {size(self._most)}")


def _claimed(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> int:
    """Bytes of the tensor that a factory of torch is asked for, as its arguments say: a shape, or how many."""
    names = [each.name for each in func._schema.arguments]
    given = {**dict(zip(names, args, strict=False)), **kwargs}
    shape = given.get("size")
    counts = [each for name, each in given.items() if name in ("n", "end") and isinstance(each, int)]
    numbers = math.prod(shape) if isinstance(shape, Sequence) else max(counts, default=0)
    dtype = given.get("dtype")
    return int(numbers) * (dtype.itemsize if isinstance(dtype, torch.dtype) else 4)


def _is_view(func: Callable[..., Any]) -> bool:
    returned = func._schema.returns  # type: ignore[attr-defined]
    return any(each.alias_info is not None for each in returned)
