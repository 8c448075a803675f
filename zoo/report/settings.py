"""The settings of a run beside those of its preset and the plain defaults, and the command that trains it again."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from zoo.options import Options
from zoo.options.length import LENGTHS
from zoo.options.owner import Owner
from zoo.options.resolve import flag, resolve, validate
from zoo.plugins.registry import architecture_of
from zoo.report.content import Content


@dataclass(frozen=True)
class Setting:
    """An option of a run."""

    name: str
    value: Any
    preset: Any
    """What the preset has."""
    default: Any
    """What is in force where there is neither preset nor flag."""

    @property
    def differs(self) -> bool:
        """Whether it is another than the preset's."""
        return bool(self.value != self.preset)

    @property
    def is_default(self) -> bool:
        """Whether it is the plain default."""
        return bool(self.value == self.default)


@dataclass(frozen=True)
class Settings:
    """All options of a run; `known` where its architecture is installed, so that presets and defaults are."""

    all: Sequence[Setting]
    known: bool

    @property
    def notable(self) -> list[Setting]:
        """Those that the preset or whoever trained has set: first what differs from the preset."""
        found = [each for each in self.all if self.known and (each.differs or not each.is_default)]
        return sorted(found, key=lambda each: not each.differs)

    def values(self) -> Mapping[str, Any]:
        """Each by name."""
        return {each.name: each.value for each in self.all}


def read_settings(content: Content) -> Settings:
    """Those of a run. Where its architecture is not installed, or its preset is no longer there, their values alone."""
    options = content.part("options")
    found = content.guard.read("presets and defaults", lambda: _layers(content), None)
    if found is None:
        return Settings([Setting(str(name), value, value, value) for name, value in options.items()], known=False)
    preset, default = found
    return Settings(
        [
            Setting(str(name), value, preset.get(name, value), default.get(name, value))
            for name, value in options.items()
        ],
        known=True,
    )


def _layers(content: Content) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """What the preset of a run sets, and the plain defaults."""
    architecture: Owner = architecture_of(content.run)
    plain = validate(architecture, {})
    named = content.config.get("preset")
    preset = plain if named is None else resolve(architecture, preset=named)[0]
    return _plain(preset), _plain(plain)


def _plain(options: Options) -> dict[str, Any]:
    return options.model_dump(mode="json")


_UNTOLD = frozenset(("capture",))
"""What config.json has of how it was computed, which no flag brings about."""
_LENGTHS = frozenset(LENGTHS)
"""Of which one is given, and the others are none."""


def command(content: Content, settings: Settings) -> str:
    """The command that trains such a run anew, into a folder of that name."""
    words = ["zoo", "train", str(content.config.get("architecture"))]
    if isinstance(preset := content.config.get("preset"), str):
        words += ["--preset", preset]
    if not settings.known:
        return shlex.join([*words, "--config", "config.json", "--out", content.name])
    if isinstance(begun := content.part("from").get("path"), str):
        words += ["--from", begun]
    for each in settings.all:
        if each.differs and each.name not in _UNTOLD and not (each.name in _LENGTHS and each.value is None):
            words += _flag(each.name, each.value)
    return shlex.join([*words, "--out", content.name])


def _flag(name: str, value: Any) -> list[str]:
    if isinstance(value, bool):
        return [flag(name) if value else flag(f"no_{name}")]
    if value is None:
        return [flag(name), "None"]
    if isinstance(value, list):
        return [flag(name), *map(str, value)] if value else []
    return [f"{flag(name)}={value}"] if str(value).startswith("-") else [flag(name), str(value)]
