"""The preset that a run has where none is named, and what is told of it before anyone waits."""

from __future__ import annotations

from zoo.architecture import Architecture
from zoo.data.source import DataSource
from zoo.data.spec import DataSpec
from zoo.engine.geometry import choose_spec, is_large, points_spec
from zoo.options import Options
from zoo.plugins.calling import call_offering

DEVICES = {"cpu": "the CPU", "cuda": "the GPU", "mps": "the GPU"}


def suited_preset(architecture: Architecture, options: Options, source: DataSource, device: str) -> str | None:
    """The architecture's choice for this data on this device: cpu, mps or cuda. `options`: with what is given by hand."""
    # It may name networks for points where the options in force have none.
    spec = points_spec(source) if source.points else choose_spec(architecture, options, source)
    return preset_on(architecture, spec, device)


def preset_on(architecture: Architecture, data: DataSpec, device: str) -> str | None:
    """`Architecture.preset_for` of this data, where the device (cpu, mps or cuda) counts if it is asked for."""
    preset: str | None = call_offering(architecture.preset_for, data, device=device)
    return preset


def describe_choice(
    architecture: Architecture, options: Options, preset: str | None, source: DataSource, spec: DataSpec, device: str
) -> str:
    """A line on what is about to be trained: ``preset photos (64×64 colour on the CPU), 8,000 steps; …``."""
    what = f"{appearance(spec)} on {DEVICES.get(device, device)}"
    length = f"{options.steps:,} steps" if options.epochs is None else f"{options.epochs:g} epochs"
    advice = ["--preset chooses another"] if len(architecture.presets) > 1 else []
    sizes = architecture.sizes(options)
    if options.size is None and is_large(source) and sizes is not None and 2 * spec.height in sizes:
        advice.append(f"--size {2 * spec.height} larger pictures")
    return "; ".join(filter(None, [f"{f'preset {preset} ({what})' if preset else what}, {length}", ", ".join(advice)]))


def appearance(spec: DataSpec) -> str:
    """What images look like: ``64×64 colour``; or "points in the plane"."""
    return spec.kind if spec.points else f"{spec.width}×{spec.height} {'grey' if spec.channels == 1 else 'colour'}"
