"""The toys of the kit's tests."""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint

import pytest

from zoo.plugins.registry import registry


@pytest.fixture(scope="module")
def toys():
    """The toys are installed."""
    registry.cache_clear()
    registry().load([EntryPoint("toys", "broken_toys", "zoo")])
    yield
    registry.cache_clear()
    sys.modules.pop("broken_toys", None)
