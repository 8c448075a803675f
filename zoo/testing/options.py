"""The options that an architecture is checked under, small where the caller does not say; and whose mistake a misfit is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.errors import OptionError, PluginError
from zoo.options.resolve import flag, resolve
from zoo.plugins.registry import registry
from zoo.testing.messages import typed

if TYPE_CHECKING:
    from zoo.architecture import Architecture
    from zoo.options import Options

BATCH = 8

SMALL: dict[str, Any] = {
    "steps": 4,
    "batch_size": BATCH,
    "generator_batch_size": None,
    "accumulate": 1,
    "samples": 4,
    "log_every": 1,
    "device": "cpu",
}
"""Options that only cost time: what they are where the caller does not say, whatever a preset says."""

OURS = (
    "data",
    "epochs",
    "kimg",
    "each_epoch",
    "sample_every",
    "checkpoint_every",
    "keep_checkpoints",
    "watch",
    "freeze_d",
)
"""Options that the kit sets itself: they are about a run and its data, not about networks."""


def must_fit(name: str, *, preset: str | None = None, config: Path | str | None = None, **options: Any) -> None:
    """Raise what a Subject of these arguments would, as far as names and values tell: no network is built, nothing written."""
    resolve_small(named(name, options), preset, config, options)


def leave_out(options: Iterable[str]) -> None:
    """Raise OptionError where an option is among them that the kit sets itself."""
    for option in options:
        if option in OURS:
            raise OptionError(f"zoo check chooses {flag(option)} itself; leave it out")


def named(name: str, options: Iterable[str]) -> Architecture:
    """The architecture of this name, to be checked under these options."""
    if not isinstance(name, str):
        raise OptionError(f'give the name of an architecture, as in "my-gan" (zoo list tells them); given {name!r}')
    leave_out(options)
    return registry().architecture(name)


def small(architecture: Architecture, given: Mapping[str, Any]) -> dict[str, Any]:
    """What is given, with small values for the rest."""
    smallest = architecture.smallest_batch
    return {**SMALL, "batch_size": smallest * ceil(BATCH / smallest), **given}


def resolve_small(
    architecture: Architecture, preset: str | None, config: Path | str | None, given: Mapping[str, Any]
) -> tuple[Options, str | None]:
    """The options in force. Raises OptionError for what the caller has given, PluginError for what the architecture has."""
    flags = small(architecture, given)
    with not_the_callers(architecture, preset):
        try:
            return resolve(architecture, preset=preset, config=config, flags=flags)
        except OptionError as error:
            resolve(architecture, preset=preset, config=config, flags=given)
            chosen = {name: value for name, value in flags.items() if name not in given}
            raise PluginError(
                f"{architecture.name} does not take the small values that zoo check chooses ({' '.join(typed(chosen))}): "
                f"{error}; let it, or give others"
            ) from error


@contextmanager
def not_the_callers(architecture: Architecture, preset: str | None) -> Iterator[None]:
    """A block that resolves options under a preset, or under the default one.

    Raises PluginError in place of OptionError where the architecture's own values do not fit already.
    """
    try:
        yield
    except OptionError:
        name = preset if preset is not None else architecture.default_preset
        if name is None or name in architecture.presets:
            try:
                resolve(architecture, preset=name)
            except OptionError as own:
                what = f"the preset {name!r}" if name else "what is the default"
                raise PluginError(f"{what} of {architecture.name!r} does not fit its own options: {own}") from own
        raise
