"""The preset that a run has where none is named: its architecture's choice, for the data and the device."""

from __future__ import annotations

from zoo.architecture import Architecture
from zoo.data.source import DataSource
from zoo.data.spec import DataSpec
from zoo.engine.geometry import choose_spec, points_spec
from zoo.options import Options
from zoo.plugins.calling import call_offering

DEVICES = {"cpu": "the CPU", "cuda": "the GPU", "mps": "the GPU"}
"""The kinds of devices that a choice may depend on, and what they are called."""


def suited_preset(architecture: Architecture, options: Options, source: DataSource, device: str) -> str | None:
    """The architecture's choice for this data on this device: cpu, mps or cuda. `options`: with what is given by hand."""
    # It may name networks for points where the options in force have none.
    spec = points_spec(source) if source.points else choose_spec(architecture, options, source)
    return preset_on(architecture, spec, device)


def preset_on(architecture: Architecture, data: DataSpec, device: str) -> str | None:
    """`Architecture.preset_for` of this data, where the device (cpu, mps or cuda) counts if it is asked for."""
    preset: str | None = call_offering(architecture.preset_for, data, device=device)
    return preset
