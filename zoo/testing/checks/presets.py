"""Whether what is offered by name can be had."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from zoo.testing.outcome import CheckFailed, CheckSkipped

if TYPE_CHECKING:
    from zoo.testing.subject import Subject


def presets(subject: Subject) -> None:
    """Every preset fits the options, its networks, phases and objective can be built; preset_for() and recommendation() fit."""
    from zoo.engine.build import build_networks
    from zoo.engine.plan import choose_objective, choose_phases
    from zoo.engine.trial import Trial
    from zoo.errors import OptionError, ZooError
    from zoo.options.resolve import resolve
    from zoo.testing.repeated_step import ROLES

    architecture = subject.architecture
    _suits(subject)
    _offers(subject)
    if found := subject.phases_fail():
        subject.tell(subject.spec)
        raise CheckFailed(found, "see that phases() and objective_for() return what they should")
    if subject.networks_fail():
        subject.must_be_built()
    if not architecture.presets:
        raise CheckSkipped("it has no presets")
    for preset in architecture.presets:
        subject.given = f"preset {preset!r}"
        try:
            options, _ = resolve(architecture, preset=preset)
        except OptionError as error:
            raise CheckFailed(str(error), f"mend presets[{preset!r}], or the option's type") from error
        with suppress(OptionError):  # the caller's options make the networks small, where they fit this preset too
            options, _ = resolve(architecture, preset=preset, flags=_apart_from_size(subject.flags))
        try:
            spec = subject.spec_for(options)
            subject.tell(spec, f"preset {preset!r}")
            Trial(architecture, options, spec, *build_networks(architecture, options, spec)).check()
            choose_objective(architecture, options)
            phases = choose_phases(architecture, options)
        except ZooError as error:
            raise CheckFailed(
                str(error),
                f"see that generator(), discriminator(), phases() and objective_for() know what presets[{preset!r}] sets",
            ) from error
        for role in ROLES:
            if all(phase.updates != role for phase in phases):
                raise CheckFailed(f"no phase updates the {role}", "let phases(options) return one for each network")


def _suits(subject: Subject) -> None:
    """Raise CheckFailed where preset_for() names none of the presets, for some data on some device."""
    from zoo.engine.choice import DEVICES, preset_on
    from zoo.errors import PluginError
    from zoo.testing.checks.shapes import specs

    architecture = subject.architecture
    for spec in (subject.spec, *specs(subject)):
        subject.tell(spec)
        try:
            for device in DEVICES:
                preset_on(architecture, spec, device)
        except PluginError as error:  # it fails, or names none
            known = ", ".join(architecture.presets)
            raise CheckFailed(str(error), f"let it return one of {known}" if known else "let it return None") from error


COUNTS = (1, 20, 1000, 300_000)
"""Images of which an architecture is asked what it would recommend."""


def _offers(subject: Subject) -> None:
    """Raise CheckFailed where recommendation() fails, or offers what the options cannot be, for some data on some device."""
    from zoo.engine.choice import DEVICES
    from zoo.errors import OptionError, PluginError
    from zoo.options.resolve import resolve
    from zoo.testing.checks.shapes import specs

    architecture = subject.architecture
    for spec in (subject.spec, *specs(subject)):
        for count in COUNTS:
            subject.tell(spec, f"recommendation() for {count:,} of them")
            for device in DEVICES:
                try:
                    found = architecture.recommendation(spec, count, device)
                    if found is not None:
                        resolve(architecture, suited=found.preset, suited_options=found.options)
                except PluginError as error:
                    raise CheckFailed(str(error), "let it return a zoo.Recommendation that fits, or None") from error
                except OptionError as error:
                    raise CheckFailed(
                        str(error), "mend the options of the zoo.Recommendation, or its preset"
                    ) from error


def _apart_from_size(flags: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in flags.items() if name != "size"}
