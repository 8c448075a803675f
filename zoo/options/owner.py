"""Whoever has options: what this room needs of an architecture, which stands above it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from zoo.options import Options

_Options = Options  # a name that the property below does not hide


class Owner(Protocol):
    """Whoever has options: an architecture (`zoo.Architecture`)."""

    @property
    def name(self) -> str: ...
    @property
    def Options(self) -> type[_Options]: ...  # noqa: N802
    @property
    def presets(self) -> Mapping[str, Mapping[str, Any]]: ...
    @property
    def default_preset(self) -> str | None: ...
    def make_options(self, values: Mapping[str, Any], /) -> _Options: ...
