from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from zoo.ops import library


@pytest.fixture(autouse=True)
def _kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sends every call through the kernels and their autograd: native where built, the fallback kernels elsewhere."""
    native = library.native
    monkeypatch.setattr(library, "native", lambda family, device: device == "cpu" or native(family, device))


@pytest.fixture(autouse=True)
def _reset_compiler() -> None:
    torch.compiler.reset()


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> Iterator[None]:
    """Small tensors wait longer for a second thread than they take; tests of threads ask for them."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
