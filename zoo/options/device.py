"""Where and how a run computes."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from zoo.options.base import Group


class DeviceOptions(Group):
    """Where and how a run computes."""

    device: Annotated[str, Field(pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$")] = "auto"
    """auto, cpu, mps, cuda or cuda:N; auto takes a GPU where there is one."""
    precision: Literal["float32", "bfloat16", "float16"] = "float32"
    """Arithmetic of the networks' passes; weights stay float32. float16 scales the loss."""
    capture: bool = False
    """On a CUDA GPU, record a whole step as a graph and replay it: the hundreds of kernels of a step start with one call, which
    saves small networks most of their time. The numbers are the same, unless networks or losses count in Python."""
    deterministic: bool = False
    """On a GPU, use only algorithms that give the same numbers every time (a CPU always does)."""
