"""config.json: what builds a run again. It says with a checksum whether somebody has changed it since zoo wrote it."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from zoo.errors import RunError
from zoo.run.files import reading, write_json
from zoo.run.record import DamagedError, Record
from zoo.system.digest import digest_of
from zoo.system.reading import refuse_unreadable

FORMAT = 2
"""The version of the layout of config.json."""

CONFIG_REMEDY = "copy config.json from a backup or from another run of the same command, or train again"
"""What to do about one that is damaged."""

_CHECKSUM = "sha256"


def write_config(path: Path, config: Mapping[str, Any]) -> None:
    """Write the config.json of the run in the folder `path`, whole or not at all."""
    plain = {name: value for name, value in config.items() if name != _CHECKSUM}
    write_json(path / "config.json", {**plain, _CHECKSUM: _checksum(plain)})


def read_config(path: Path) -> tuple[dict[str, Any], bool]:
    """What config.json holds, and whether it is what zoo wrote (an older one, which wrote no checksum, is taken at its word).

    Raises RunError where there is no run in the folder `path`, or it is damaged.
    """
    config = dict(_content(path))
    written = config.pop(_CHECKSUM, None)
    return config, written is None or written == _checksum(config)


def _checksum(config: Mapping[str, Any]) -> str:
    """Of the content, however it is laid out."""
    return digest_of(json.dumps(config, sort_keys=True).encode())


def _content(path: Path) -> dict[str, Any]:
    file = path / "config.json"
    with reading(path):
        refuse_unreadable(path)
        refuse_unreadable(file)
        if path.is_file():
            raise RunError(f"{path} is a file; give the folder of the run, which zoo train named")
        if not path.exists():
            raise RunError(f"there is no run at {path}; give the folder that `zoo train` named")
        if not file.exists():
            step = re.fullmatch(r"step-0*(\d+)", path.name)
            if step and path.parent.name == "checkpoints" and (path.parent.parent / "config.json").exists():
                run = shlex.quote(str(path.parent.parent))
                raise RunError(
                    f"{path} is a checkpoint; give its run: zoo resume {run} --from {step[1]}, zoo sample {run} --step {step[1]}"
                )
            inside = sorted(child.parent.name for child in path.glob("*/config.json")) if path.is_dir() else []
            hint = "; give the folder that `zoo train` named"
            if inside:
                hint = f"; did you mean {path / inside[-1]}?" + (
                    " (zoo list --runs shows all)" if len(inside) > 1 else ""
                )
            raise RunError(f"{path} is not a run: it has no config.json{hint}")
    try:
        with reading(file):
            config = Record.read(file)
        written = config.need("format", int)
        config.need("architecture", str)
        config.need("options", dict)
        for name in ("plugin", "environment", "environment.ops"):
            config.may(name, dict)
        for name in ("plugin.distribution", "plugin.version"):
            config.may(name, str)
    except (FileNotFoundError, NotADirectoryError):
        raise RunError(f"{file} was there a moment ago, and is gone; is its drive still there?") from None
    except DamagedError as error:
        raise RunError(f"{file} cannot be read: {error}; {CONFIG_REMEDY}") from None
    if written > FORMAT:
        raise RunError(f"{file} was written by a newer zoo (format {written}); upgrade zoo to read it")
    return config.content
