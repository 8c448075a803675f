from __future__ import annotations

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
