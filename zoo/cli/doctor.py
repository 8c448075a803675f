"""``zoo doctor``."""

from __future__ import annotations

import platform
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from rich.console import Console

from zoo.cli.arguments import parse
from zoo.cli.console import standard_output, table
from zoo.cli.importing import importing
from zoo.plugins.registry import registry
from zoo.system.distribution import DISTRIBUTION, foreign

PACKAGES = (
    DISTRIBUTION, "torch", "numpy", "pluggy", "pydantic", "tyro", "rich", "safetensors", "pillow", "pybind11", "ninja",
)  # fmt: skip


@dataclass
class Doctor:
    """Tell what works here: versions, devices, which ops are native, plugins and where each comes from."""

    check: bool = False
    """Run every native op against its reference on this machine."""
    plugins: bool = False
    """Show where a plugin that failed to load went wrong."""


def run(arguments: Sequence[str]) -> int:
    """Report; returns 0, or 1 where a check failed."""
    given = parse(Doctor, "doctor", arguments)
    console = standard_output()
    _versions(console)
    _devices(console)
    healthy = _ops(console, given.check)
    _plugins(console, given.plugins)
    return 0 if healthy else 1


def _versions(console: Console) -> None:
    shown = table("package", "version")
    shown.add_row("python", f"{platform.python_version()} ({sys.executable})")
    for package in PACKAGES:
        try:
            shown.add_row(package, version(package))
        except PackageNotFoundError:
            shown.add_row(package, "not installed")
    console.print(shown)
    if reason := foreign():
        console.print(reason, style="red", markup=False, soft_wrap=True)


def _devices(console: Console) -> None:
    with importing():
        import torch

        from zoo.data.cache import cache_directory
        from zoo.engine.runtime.device import available_devices

    shown = table("device", "what it is")
    for name in available_devices():
        if name.startswith("cuda"):
            shown.add_row(name, torch.cuda.get_device_name(name))
        else:
            shown.add_row(
                name, f"{torch.get_num_threads()} threads, {platform.machine()}" if name == "cpu" else "Metal"
            )
    console.print()
    console.print(shown)
    console.print(f"prepared data is kept in {cache_directory()}", markup=False, soft_wrap=True)


def _ops(console: Console, check: bool) -> bool:
    from zoo import ops

    shown = table("op", "device", "served by", "why")
    for op, rows in ops.status().items():
        for device, row in rows.items():
            shown.add_row(op, device, row["served_by"], row["why"])
    console.print()
    console.print(shown)
    build = table("native core", "")
    for name, value in ops.build_info().items():
        if value:
            build.add_row(name, _words(value))
    console.print()
    console.print(build)
    if not check:
        return True
    results = ops.check()
    shown = table("checked", "type", "largest error", "")
    for result in results:
        shown.add_row(
            f"{result.op} on {result.device}", result.dtype, f"{result.max_error:.2g}", "good" if result.ok else "WRONG"
        )
    console.print()
    console.print(shown)
    return all(result.ok for result in results)


def _words(value: object) -> str:
    """A list or a table as a person would write it."""
    if isinstance(value, dict):
        return "; ".join(f"{name}: {each}" for name, each in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _plugins(console: Console, details: bool) -> None:
    shown = table("plugin", "from", "module", "")
    for plugin in registry().plugins:
        shown.add_row(plugin.name, plugin.origin, plugin.module, plugin.error or "works")
    console.print()
    console.print(shown)
    for sentence in registry().conflicts.values():
        console.print(sentence, style="red", markup=False)
    for plugin in registry().plugins:
        if details and plugin.details:
            console.print(f"\n{plugin.name}:\n{plugin.details}", markup=False)
