"""A run, decided: everything that can be refused is refused here, once, before any data is prepared."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from zoo.architecture import Architecture, Phase
from zoo.augmentation import Augmentation
from zoo.data.loader import check_batch
from zoo.data.reading import Reading
from zoo.data.registry import absolute, builtin_names, is_missing, open_source
from zoo.data.source import DataSource
from zoo.data.spec import DataSpec
from zoo.engine.changes import changed_options
from zoo.engine.choice import suited_preset
from zoo.engine.geometry import choose_spec
from zoo.engine.graphs.capture import check_capture
from zoo.engine.origin import Origin
from zoo.engine.recommending import Choice
from zoo.engine.runtime.device import choose_device
from zoo.engine.same_data import same_data
from zoo.engine.step import alternates
from zoo.errors import DataError, OptionError, PluginError, unknown
from zoo.objective import Objective, needs_real_logits
from zoo.ops.library import has_amx
from zoo.options import Options
from zoo.options.config_file import read_config
from zoo.options.length import unit
from zoo.options.resolve import resolve
from zoo.plugins.kinds import AUGMENTATION
from zoo.plugins.registry import architecture_of, registry
from zoo.run.run import Run
from zoo.system.names import shown

log = logging.getLogger(__name__)

_LONGEST_CYCLE = 1000  # steps that are looked at to see what ever happens in one


@dataclass(frozen=True)
class RunPlan:
    """What a run is: all that `zoo.engine.build.build` needs beside the prepared data."""

    architecture: Architecture
    options: Options
    preset: str | None
    """The preset in force; None for the options' own defaults."""
    source: DataSource
    spec: DataSpec
    """The images the networks are built for."""
    objective: Objective
    phases: tuple[Phase, ...]
    augmentations: tuple[Augmentation, ...]
    device: torch.device
    first_shapes: int | None = None
    """Steps after which first shapes are to be expected, where the architecture has said so."""
    fitted: Mapping[str, Any] = field(default_factory=dict)
    """Options that nobody has given, and that are others than the preset's, to suit the number of images and the processor."""

    @property
    def classes(self) -> int:
        """How many classes the networks are told; 0 where labels play no part."""
        return self.spec.classes if self.architecture.conditional else 0


def plan_run(
    name: str | Choice,
    *,
    preset: str | None = None,
    config: Path | str | None = None,
    flags: Mapping[str, Any] | None = None,
    origin: Origin | None = None,
) -> RunPlan:
    """The plan of a new run of the architecture `name`; `preset`, `config` and `flags` (options by name) as in `zoo.train`.

    `name` may be a choice that was made for some data, which is then learnt from. `origin`: the run whose weights it begins with.

    Raises OptionError for an option, preset or file that does not fit, DataError for data that is missing or cannot be used,
    PluginError for an architecture that is not there or whose own code fails.
    """
    choice = name if isinstance(name, Choice) else Choice(name)
    found = choice.recommendation
    if choice.data is not None:
        flags = {**(flags or {}), "data": choice.data}
    architecture = registry().architecture(choice.architecture)
    inherited = None if origin is None else origin.inherited(architecture, with_data="data" not in (flags or {}))
    layers: dict[str, Any] = {"config": config, "flags": flags, "inherited": inherited}
    layers |= {} if found is None else {"suited": found.preset, "suited_options": found.options}
    options, chosen = resolve(architecture, preset=preset, **layers)
    device = choose_device(options.device)
    if origin is not None and "data" not in (flags or {}) and is_missing(options.data, registry().sources):
        raise DataError(f"{origin.run.path} was trained on {options.data}, which does not exist any more; give --data")
    inherits = inherited is not None and inherited.options.get("data") == options.data
    if origin is not None and inherits and options.data not in builtin_names():
        log.info("the data of %s is %s", origin.run.path, shown(options.data))  # somebody else's may name any place
    source = choice.opened(options) or open_source(
        options.data, registry().sources_for(options.data), Reading.of(options)
    )
    if preset is None and (found is None or found.preset is None):  # a file may name one, which counts
        layers["suited"] = suited_preset(architecture, options, source, device.type)
        options, chosen = resolve(architecture, **layers)
    fitted = {}
    if choice.data is not None:
        file = {} if config is None else read_config(Path(config), architecture)
        by_hand = {*(flags or {}), *file}
        said = {*by_hand, *architecture.presets.get(chosen or "", {}), *({} if found is None else found.options)}
        fitted = _smaller_batch(options, len(source), by_hand)
        fitted |= {} if "precision" in said else _faster_precision(options, source, device)
        options, chosen = resolve(architecture, preset=preset, **{**layers, "flags": {**fitted, **(flags or {})}})
    spec = choose_spec(architecture, options, source)
    _check_sense(options, architecture.presets.get(chosen or "", {}))
    if options.balance and source.classes < 2:
        why = f" ({source.why_unlabelled})" if source.why_unlabelled else ""
        raise OptionError(f"--balance draws classes equally often, and {source.title} has no labels{why}; leave it out")
    if options.freeze_d and origin is None:
        raise OptionError(
            f"--freeze-d {options.freeze_d} keeps layers as they are, and those of a new run have learnt nothing yet; give --from "
            "RUN too, whose weights it is to begin with"
        )
    # So that the run can be resumed from any folder.
    place = source.pinned or absolute(options.data, registry().sources)
    options = options.model_copy(update={"data": place})
    plan = complete_plan(architecture, options, chosen, source, spec, device)
    check_batch(options.batch_size, len(source), options.hold_out)
    as_said = found is not None and chosen == (found.preset or chosen)
    return replace(plan, fitted=fitted, first_shapes=found.first_shapes if found is not None and as_said else None)


def plan_resume(
    run: Run,
    *,
    changes: Mapping[str, Any] | None = None,
    data: str | None = None,
    device: str | None = None,
    capture: bool | None = None,
) -> RunPlan:
    """The plan of a run that goes on, with some options changed; `data`, `device` and `capture` as in `zoo.resume`.

    Raises RunError where the data is other data, DataError where it is gone, OptionError for a change that does not fit,
    PluginError where the run's architecture is no longer there.
    """
    architecture = architecture_of(run)
    _check_installed(run, run.options(architecture))
    options = changed_options(run, architecture, changes or {})
    spec, _ = run.geometry()
    source = same_data(run, architecture, options, data)
    if data is not None:
        options = options.model_copy(update={"data": source.pinned or absolute(data, registry().sources)})
    check_batch(options.batch_size, len(source), options.hold_out)
    chosen = choose_device(device or options.device)
    if capture is None and options.capture and chosen.type != "cuda":
        capture = False
        log.info("--capture is for NVIDIA GPUs, and this computes on %s: the run goes on without it", chosen)
    if capture is not None:
        options = options.model_copy(update={"capture": capture})
    return complete_plan(architecture, options, run.config.get("preset"), source, spec, chosen)


def _smaller_batch(options: Options, images: int, by_hand: Collection[str]) -> dict[str, Any]:
    """The batch size where one that nobody gave is more than there is to learn from: the next power of two below."""
    images -= options.hold_out
    if options.batch_size <= images or images < 1 or {"batch_size", "generator_batch_size"} & {*by_hand}:
        return {}
    size = 1 << (images.bit_length() - 1)
    return {"batch_size": size} | ({} if options.generator_batch_size is None else {"generator_batch_size": size})


def _faster_precision(options: Options, source: DataSource, device: torch.device) -> dict[str, Any]:
    """bfloat16 where neither a person, a preset nor a recommendation names a precision, and it is faster: with AMX."""
    faster = options.precision == "float32" and not source.points and device.type == "cpu" and has_amx()
    return {"precision": "bfloat16"} if faster else {}


def _check_sense(options: Options, preset: Mapping[str, Any]) -> None:
    """Raise OptionError for what a new run cannot mean, but that runs from before may have. What the `preset` says is meant."""
    if unit(options) == "steps" and options.warmup > options.steps and preset.get("warmup") != options.warmup:
        raise OptionError(
            f"--warmup {options.warmup} is longer than the run, which has {options.steps} steps; give fewer"
        )
    for name, what in (("augment_target", "moves"), ("augment_probability", "is")):
        value = getattr(options, name)
        if value is not None and not options.augment and preset.get(name) != value:
            raise OptionError(
                f"--{name.replace('_', '-')} {value:g} {what} the probability of augmentations, and there are none; give some: "
                "--augment ada"
            )
    for flag, names in (("--augment", options.augment), ("--watch", options.watch)):
        for name in names:
            if names.count(name) > 1:
                raise OptionError(f"{flag} names {name} twice; name it once")


def _check_installed(run: Run, options: Options) -> None:
    """Raise PluginError where a run was trained with something of a plugin that is no longer there."""
    known = {"--augment": registry().names_of(AUGMENTATION), "--objective": registry().objectives}
    used = [*(("--augment", name) for name in options.augment), ("--objective", options.objective)]
    for flag, name in used:
        if name is not None and name not in known[flag]:
            raise PluginError(
                f"{run.path} was trained with {flag} {name} (config.json), which no installed plugin brings; install the package "
                "that it is from (zoo plugins)"
            )


def complete_plan(
    architecture: Architecture,
    options: Options,
    preset: str | None,
    source: DataSource,
    spec: DataSpec,
    device: torch.device,
) -> RunPlan:
    """The plan for options, data and device that are known: objective, phases and augmentations, which follow from them.

    Raises OptionError and PluginError as `plan_run` does.
    """
    objective = choose_objective(architecture, options)
    phases = choose_phases(architecture, options)
    check_capture(options, phases, device)
    if needs_real_logits(objective) and options.generator_batch_size not in (None, options.batch_size):
        raise OptionError(
            f"--generator-batch-size {options.generator_batch_size}: the objective {objective.kind} compares each fake with a "
            f"real image; give {options.batch_size}, the batch size"
        )
    augmentations = tuple(choose_augmentation(name, spec) for name in options.augment)
    return RunPlan(architecture, options, preset, source, spec, objective, phases, augmentations, device)


def choose_objective(architecture: Architecture, options: Options) -> Objective:
    """The objective that the options name, or the architecture's own.

    Raises OptionError for an option that names none that is known, PluginError for an architecture that does.
    """
    own = architecture.objective_for(options)
    if options.objective in (None, own if isinstance(own, str) else getattr(own, "kind", None)):
        return registry().objective(own, f"objective of {architecture.name}") if isinstance(own, str) else own
    if options.objective not in registry().objectives:
        raise OptionError(unknown("--objective", options.objective, registry().objectives, "zoo plugins"))
    return registry().objective(options.objective)


def choose_augmentation(name: str, spec: DataSpec) -> Augmentation:
    """The augmentation of that name. Raises PluginError where there is none, OptionError where it does not fit the data."""
    found: Augmentation = registry().find(AUGMENTATION, name)()
    if reason := found.unsuited(spec):
        raise OptionError(f"--augment {name}: {reason}; leave it out")
    return found


def choose_phases(architecture: Architecture, options: Options) -> tuple[Phase, ...]:
    """The phases of a step under these options. Raises OptionError where what the options ask for never comes about."""
    phases = tuple(architecture.phases(options))
    if options.simultaneous and not any(alternates(phases, number) for number in range(_LONGEST_CYCLE)):
        raise OptionError(
            f"--simultaneous: {architecture.name} has no step under these options in which G's update follows D's, so that "
            "both could be done at once; leave it out (lsgan: or --by-turns)"
        )
    return phases
