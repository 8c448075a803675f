"""The file of ``--config``: TOML, or the config.json of an earlier run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from zoo.errors import OptionError
from zoo.options.alternatives import in_force
from zoo.options.owner import Owner
from zoo.system.parsing import parse_json, parse_toml
from zoo.system.reading import not_read, read_plain


def read_config(path: Path, architecture: Owner) -> dict[str, Any]:
    """The options in a TOML file, or in the config.json of a run of the same architecture, by field name.

    Raises OptionError where the file is missing, does not parse or belongs to another architecture.
    """
    try:
        text = read_plain(path).decode("utf-8-sig")  # Windows' editors put a byte-order mark before it
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError, UnicodeDecodeError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise OptionError(f"cannot read --config {path}: {reason}; give a TOML file or a run's config.json") from None
    except OSError as error:
        raise OptionError(f"--config {not_read(path, error)}") from None
    try:
        content = parse_json(text) if path.suffix == ".json" else parse_toml(text.replace("\r\n", "\n"))
    except ValueError as error:
        kind = "JSON" if path.suffix == ".json" else "TOML"
        raise OptionError(
            f"--config {path} does not parse as {kind} ({error}); give a TOML file, NAME.toml, or a run's config.json"
        ) from None
    if not isinstance(content, dict):
        raise OptionError(f"--config {path} holds a {type(content).__name__}; it should hold names and values")
    if path.suffix == ".json" and {"architecture", "options"} & content.keys():  # a run's config.json
        name = content.get("architecture")
        if not isinstance(content.get("options"), dict):
            raise OptionError(
                f"--config {path} is a run's config.json that is damaged: it has no options; give another file"
            )
        if name != architecture.name:
            raise OptionError(
                f"--config {path} is of a run of {name!r}, not of {architecture.name!r}; zoo train {name}"
            )
        # An option that an older zoo did not know was at its default, whatever the preset says today.
        fields = architecture.Options.model_fields.items()
        known = {name: info.get_default(call_default_factory=True) for name, info in fields if not info.is_required()}
        options = {**known, **content["options"]}
        return {"preset": content.get("preset"), **in_force(options)}
    return _by_field(content, path)


_FLAGS_ALONE = ("out", "config", "from")


def _by_field(content: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """The values of a file by field name, however they are spelt.

    Raises OptionError for what no file can say, and for an option that is there in both spellings.
    """
    found: dict[str, Any] = {}
    for key, value in content.items():
        name = key.replace("-", "_")
        if name in _FLAGS_ALONE:
            raise OptionError(f"{path}: {key} is no option of a file; give --{key} on the command line")
        if isinstance(value, dict):
            raise OptionError(
                f"{path}: {key!r} is a table; write each option in a line of its own, outside of tables: batch-size = 64"
            )
        if name in found:
            raise OptionError(f"{path}: {name.replace('_', '-')} is given twice, with - and with _; give it once")
        found[name] = value
    return found
