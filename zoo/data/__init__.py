"""Data: where images come from (`DataSource`), the prepared store (`prepare`), the batches of training (`Loader`)."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zoo.data.images import Images, Unreadable
    from zoo.data.loader import Batch, Loader
    from zoo.data.registry import open_source, sources
    from zoo.data.source import DataSource
    from zoo.data.spec import DataSpec
    from zoo.data.store import ImageStore, prepare

__all__ = [
    "Batch",
    "DataSource",
    "DataSpec",
    "ImageStore",
    "Images",
    "Loader",
    "Unreadable",
    "open_source",
    "prepare",
    "sources",
]

# Imported when first used: the command line's help must not wait for NumPy, and nothing but the loader needs torch.
_HOMES = {
    "Batch": "loader",
    "DataSource": "source",
    "DataSpec": "spec",
    "ImageStore": "store",
    "Images": "images",
    "Loader": "loader",
    "Unreadable": "images",
    "open_source": "registry",
    "prepare": "store",
    "sources": "registry",
}


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(importlib.import_module(f"zoo.data.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
