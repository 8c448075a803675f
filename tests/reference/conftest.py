"""By whom the ops are served while stored numbers are compared."""

from __future__ import annotations

import pytest

from zoo.ops import library


@pytest.fixture(params=["reference", "kernels"])
def _served(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the plain reference; or by the kernels with their autograd, native where they are built, fallbacks elsewhere."""
    monkeypatch.setattr(library, "native", lambda family, device: request.param == "kernels")
