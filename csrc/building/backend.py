"""The build backend that pyproject.toml names: setuptools', which asks for torch only where there is none to compile against.

torch is hundreds of megabytes, and with CUDA some gigabytes: an isolated build would download it a second time.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

from setuptools import build_meta
from setuptools.build_meta import *  # noqa: F403  all hooks but those below are setuptools' own
from toolchain import OLDEST_TORCH, find_torch, mode


def get_requires_for_build_wheel(config_settings: dict[str, str] | None = None) -> list[str]:
    """What a wheel is built with, beside what pyproject.toml lists."""
    return [*build_meta.get_requires_for_build_wheel(config_settings), *_torch()]


def get_requires_for_build_editable(config_settings: dict[str, str] | None = None) -> list[str]:
    """What an editable installation is built with, beside what pyproject.toml lists."""
    return [*build_meta.get_requires_for_build_editable(config_settings), *_torch()]


def build_wheel(wheel_directory: str, config_settings: Any = None, metadata_directory: str | None = None) -> str:
    """setuptools' own, in which nothing is packed of an earlier build: a module that is gone since, or another Python's."""
    for stale in Path("build").glob("lib*"):
        shutil.rmtree(stale)
    return build_meta.build_wheel(wheel_directory, config_settings, metadata_directory)


def _torch() -> list[str]:
    if sys.platform == "win32":  # where nothing is compiled against it
        return []
    wanted = mode() not in ("0", "keep")
    return [f"torch>={OLDEST_TORCH}"] if wanted and find_torch() is None else []
