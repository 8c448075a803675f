"""The build backend that pyproject.toml names: setuptools', which asks for torch only where there is none to compile against.

torch is hundreds of megabytes, and with CUDA some gigabytes: an isolated build would download it a second time.
"""

from __future__ import annotations

import os

from setuptools import build_meta
from setuptools.build_meta import *  # noqa: F403  all hooks but the two below are setuptools' own
from toolchain import find_torch


def get_requires_for_build_wheel(config_settings: dict[str, str] | None = None) -> list[str]:
    """What a wheel is built with, beside what pyproject.toml lists."""
    return [*build_meta.get_requires_for_build_wheel(config_settings), *_torch()]


def get_requires_for_build_editable(config_settings: dict[str, str] | None = None) -> list[str]:
    """What an editable installation is built with, beside what pyproject.toml lists."""
    return [*build_meta.get_requires_for_build_editable(config_settings), *_torch()]


def _torch() -> list[str]:
    wanted = os.environ.get("ZOO_NATIVE", "auto").strip().lower() not in ("0", "off", "false", "no", "keep")
    return ["torch>=2.11"] if wanted and find_torch() is None else []
