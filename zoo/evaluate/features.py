"""Features of generated and of real images; those of real ones are kept in the cache."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from safetensors import safe_open
from safetensors.numpy import save_file
from torch import Tensor

from zoo.data.cache import cache_directory, digest
from zoo.errors import RunError
from zoo.evaluate.extractors.extractor import Extractor, hash_of
from zoo.evaluate.kept import FEATURES, SHA256, SUFFIX
from zoo.evaluate.real import RealImages
from zoo.metric import Features
from zoo.run.files import replacing

log = logging.getLogger(__name__)

T = TypeVar("T")
Floats = npt.NDArray[np.float32]

KEPT = 32
"""Files of features that the cache keeps: those that were used last."""

_VERSION = 1


class ComputedFeatures(Features):
    """What one feature network sees."""

    def __init__(self, network: Extractor, real: RealImages, fakes: Callable[[], Tensor]) -> None:
        self.network = network
        self._real = real
        self._fakes = fakes
        self.known: dict[str, Any] = {}
        """What hangs on the real images alone, by name (`once`)."""

    def once(self, name: str, compute: Callable[[], T]) -> T:
        """As `Features.once`."""
        if name not in self.known:
            self.known[name] = compute()
        found: T = self.known[name]
        return found

    @property
    def extractor(self) -> str:
        """As `Features.extractor`."""
        return self.network.name

    @cached_property
    def fakes(self) -> Floats:
        """As `Features.fakes`."""
        return self.network(self._fakes())

    @cached_property
    def real(self) -> Floats:
        """As `Features.real`."""
        return kept_features(self.network, self._real)

    @property
    def halves_of(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """As `Features.halves_of`."""
        return self._real.halves

    @cached_property
    def halves(self) -> tuple[Floats, Floats]:
        """As `Features.halves`."""
        one, other = self.halves_of
        return self.real[one], self.real[other]


def kept_features(network: Extractor, real: RealImages) -> Floats:
    """The features of the chosen real images, of the cache or computed now and kept there. Where they cannot be kept they are
    computed again next time."""
    spec, store = real.spec, real.store
    read_with = sorted(real.source.read_with.items())
    key = digest(
        _VERSION, real.fingerprint, network.sha256, network.resize, len(real.places), len(store), real.seed, spec.channels,
        spec.height, spec.width, real.fit, repr(read_with),
    )  # fmt: skip
    place = cache_directory() / FEATURES / f"{key}{SUFFIX}"
    shape = (len(real.places), network.dimension)
    with (
        suppress(Exception),
        safe_open(place, framework="numpy") as file,
    ):  # not there, or damaged, however its reader puts that
        found: Floats = file.get_tensor("features")
        if found.shape == shape and (file.metadata() or {}).get(SHA256) == _hash_of(found):
            with suppress(OSError):
                place.touch()
            return found
    features = network(real.pixels)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with replacing(place) as temporary:
            made = {"source": real.source.opened_as or "", "extractor": network.name, SHA256: _hash_of(features)}
            save_file({"features": features}, temporary, metadata=made)
        _leave(place.parent)
    except (OSError, RunError) as error:
        log.info("the features of real images are not kept: %s", error)
    return features


def _hash_of(features: Floats) -> str:
    return hash_of({"features": torch.from_numpy(features)})


def _leave(folder: Path) -> None:
    """Remove all but those that were used last."""
    files = sorted(folder.glob("*.safetensors"), key=lambda file: file.stat().st_mtime, reverse=True)
    for file in files[KEPT:]:
        with suppress(OSError):
            file.unlink()
