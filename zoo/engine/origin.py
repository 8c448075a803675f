"""The run that a new one begins with (``zoo train NAME --from RUN``): its weights, and what is taken of its options.

It is read whole before anything is prepared: what is damaged is said then. The new run needs it no longer.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from zoo.architecture import Architecture
from zoo.data.reading import Reading
from zoo.errors import OptionError, PluginError, RunError, ZooError
from zoo.options import Options
from zoo.options.resolve import Inherited
from zoo.plugins.fitting import build_for
from zoo.plugins.load import find_run
from zoo.plugins.registry import architecture_of
from zoo.run.checkpoint import read_state, read_tensors
from zoo.run.run import Run
from zoo.run.whole import read_whole
from zoo.system.names import shown

log = logging.getLogger(__name__)

_OF_ANY = ("fit", "size", "latent", "latent_distribution")

_OF_DATA = ("data", *(field.name for field in fields(Reading)))
"""What says which data it is, and how that is read; together or not at all."""


@dataclass(frozen=True)
class Origin:
    """The run that another begins with: its newest checkpoint."""

    run: Run
    step: int
    averaged: bool
    """Whether the generator's weights are the running average."""
    networks: Mapping[str, Mapping[str, Tensor]]
    """The tensors of generator and discriminator by name."""

    @classmethod
    def read(cls, given: Run | Path | str, step: int | None = None) -> Origin:
        """That of a run, of its folder, or of an architecture that comes trained. `step`: of another checkpoint than the newest.

        Raises RunError where there is none, or its checkpoint is damaged.
        """
        run = find_run(given)

        def find() -> tuple[int, Path]:
            known = dict(run.checkpoints)
            return (step, known[step]) if step is not None and step in known else run.latest()

        def read(step: int, folder: Path) -> Origin:
            networks = {role: read_tensors(folder, role) for role in ("generator", "discriminator")}
            average = read_state(folder).parts.get("ema")
            if average is not None:
                networks["generator"] = average["weights"]
            _refuse_larger(run, folder, networks)
            return cls(run, step, average is not None, networks)

        found = read_whole(find, read)
        if run.lacking:
            log.warning("%s; beginning with step %d", run.lacking, found.step)
        return found

    @classmethod
    def read_again(cls, record: Mapping[str, Any], path: Path) -> Origin:
        """The one that a config.json tells of (`record`), for the run in the folder `path`, which is to begin with it once more.

        Raises RunError where it is gone, or has other weights by now.
        """
        where, step = record.get("path"), record.get("step")
        log.info("%s began with weights of %s, which are read again", path, shown(str(where)))
        began = f"{path} has no checkpoint, and began with weights of {shown(str(where))}"
        again = "put them back, or begin anew: zoo train NAME --from RUN"
        try:
            origin = cls.read(str(where), step if isinstance(step, int) else None)
        except ZooError as error:
            raise RunError(f"{began}, which cannot be read: {error}; {again}") from None
        if digest(origin.networks) != record.get("digest"):
            raise RunError(f"{began}, step {step}, which has other weights by now; {again}")
        return origin

    def inherited(self, architecture: Architecture, with_data: bool = True) -> Inherited:
        """What a run of the architecture takes of this one where nothing else is given: data, size, channels, fit and latents.

        `with_data`: whether the data is this run's, and is read as it was.

        One of the same architecture takes its preset too, and the options that are the architecture's own. Raises OptionError
        and RunError where config.json does not tell them.
        """
        run, spec = self.run, self.run.geometry()[0]
        shared = (*_OF_DATA, *_OF_ANY) if with_data else _OF_ANY
        if run.architecture != architecture.name:
            saved = {name: run.config["options"].get(name) for name in shared}
            values, preset = {name: value for name, value in saved.items() if value is not None}, None
        else:
            options = run.options(architecture)
            own = set(architecture.Options.model_fields) - set(Options.model_fields)
            values = options.model_dump(include={*shared, *own})
            preset = run.config.get("preset")
        if not spec.points:
            values["channels"] = spec.channels
            if values.get("size") is None:
                values["size"] = (spec.width, spec.height)
        return Inherited(preset if preset in architecture.presets else None, values, run.path / "config.json")

    def record(self, copied: Mapping[str, tuple[int, int]]) -> dict[str, Any]:
        """What config.json keeps of it: where it was, and a digest of the weights that were taken."""
        return {
            "path": str(self.run.path.resolve()),
            "architecture": self.run.architecture,
            "step": self.step,
            "averaged": self.averaged,
            "digest": digest(self.networks),
            "copied": {role: list(counts) for role, counts in copied.items()},
        }


def _refuse_larger(run: Run, folder: Path, networks: Mapping[str, Mapping[str, Tensor]]) -> None:
    """Raise RunError where the run's config.json, by which the new networks may be built, describes far larger ones than it has."""
    with suppress(PluginError, OptionError):  # of an architecture that is not here, weights alone are taken
        architecture = architecture_of(run)
        options, (spec, _) = run.options(architecture), run.geometry()
        for role, make in (("generator", architecture.generator), ("discriminator", architecture.discriminator)):
            build_for(make, options, spec, networks[role], folder / f"{role}.safetensors")


def digest(networks: Mapping[str, Mapping[str, Tensor]]) -> str:
    """SHA-256 over the names, types, shapes and bytes of all tensors."""
    hashed = hashlib.sha256()
    for role in sorted(networks):
        for name, value in sorted(networks[role].items()):
            hashed.update(f"{role}.{name} {value.dtype} {tuple(value.shape)}\n".encode())
            hashed.update(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return hashed.hexdigest()
