"""Training and going on, from Python: what ``zoo train`` and ``zoo resume`` call."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import torch

from zoo.architecture import Architecture
from zoo.callback import Watcher
from zoo.data.registry import absolute, open_source
from zoo.data.source import DataSource
from zoo.data.spec import DataSpec
from zoo.data.store import ImageStore, prepare
from zoo.engine.build import Assembly, assemble, build_objective, build_phases
from zoo.engine.geometry import points_spec, settle
from zoo.engine.graphs.capture import check_capture
from zoo.engine.loop import Trainer
from zoo.engine.runtime.device import choose_device, determinism
from zoo.engine.runtime.environment import differences, environment
from zoo.engine.state import restore
from zoo.errors import PluginError, RunError, unknown
from zoo.options import Options
from zoo.plugins.callbacks import gather_watchers
from zoo.plugins.registry import architecture_of, guarding, registry
from zoo.resolve import resolve, validate
from zoo.run.checkpoint import load_network, read_state, read_tensors
from zoo.run.journal import truncate
from zoo.run.run import Run, quoted
from zoo.system.memory import enough_memory

Say = Callable[[str], None]
PrepareProgress = Callable[[int, int], None]


def train(
    name: str,
    *,
    preset: str | None = None,
    config: Path | str | None = None,
    out: Path | str | None = None,
    watchers: Sequence[Watcher] = (),
    say: Say | None = None,
    preparing: PrepareProgress | None = None,
    plugins_watch: bool = True,
    **options: Any,
) -> Run:
    """Train the architecture `name`; returns its run: ``zoo.train("dcgan", steps=200, out="runs/first")``.

    Nothing is written before everything has been checked. SIGINT and SIGTERM end the training after the step at hand, with a
    checkpoint.

    Args:
        name: the architecture, as `zoo list` shows it.
        preset: a named set of option values; by default the architecture's own choice for such data.
        config: a TOML file of options, or the config.json of an earlier run. It beats the preset, `options` beat both.
        out: the folder of the new run, by default the next free runs/NAME-NNN.
        watchers: are told how it goes, beside those of plugins.
        plugins_watch: whether those of plugins are asked at all.
        say: gets a line about anything worth knowing.
        preparing: is told how many images of how many are prepared.
        options: those of `zoo train NAME --help`, by name (`zoo.Options` and the architecture's own).

    Raises:
        OptionError: for an option, preset or file that does not fit.
        DataError: for data that is missing or cannot be used.
        PluginError: for an architecture that is not there, or whose own code fails.
        RunError: for a folder that cannot be written, and for too little memory.
    """
    architecture = registry().architecture(name)
    Run.check_place(out)
    resolved, named = resolve(architecture, preset=preset, config=config, flags=options)
    device = choose_device(resolved.device)
    source = open_source(resolved.data, registry().sources_for(resolved.data))
    changed = False
    if preset is None and config is None:
        glance = points_spec(source) if source.points else settle(architecture, resolved, source)
        # It may name networks for points where the default preset has none.
        with guarding(architecture, "preset_for() failed"):
            suited = architecture.preset_for(glance)
            if suited is not None and suited not in architecture.presets:
                raise PluginError(
                    unknown(f"preset that preset_for() names for {glance.kind}", str(suited), architecture.presets)
                )
        changed = suited != named
        resolved, named = resolve(architecture, preset=suited, flags=options) if changed else (resolved, named)
    spec = settle(architecture, resolved, source)
    if changed and say:
        say(f"preset {named}, for {spec.kind} (--preset chooses another)")
    build_objective(architecture, resolved)  # a name that is unknown is better said before the data is prepared
    check_capture(resolved, build_phases(architecture, resolved), device)
    place = absolute(resolved.data, registry().sources)  # so that the run can be resumed from any folder
    resolved = resolved.model_copy(update={"data": place})
    with determinism(resolved.deterministic), enough_memory("lower --batch-size, --size or the networks' widths"):
        with guarding(source, "its data cannot be read"):
            store = prepare(source, spec, fit=resolved.fit, strict=resolved.strict, report=say, progress=preparing)
        assembly = assemble(architecture, resolved, spec, store, device, say)
        steps = total_steps(resolved, assembly)
        run = Run.create(out, _config(architecture, resolved, named, source, store, device, steps))
        try:
            every = gather_watchers(run, watchers, resolved.watch, say or _warn, plugins_watch)
        except BaseException:
            run.discard()
            raise
        del source  # which may hold a line for each of millions of files
        Trainer(run, assembly, resolved, steps, every, say=say).train()
    return run


def resume(
    path: Path | str,
    *,
    steps: int | None = None,
    device: str | None = None,
    watchers: Sequence[Watcher] = (),
    say: Say | None = None,
    preparing: PrepareProgress | None = None,
    watch: Sequence[str] | None = None,
    capture: bool | None = None,
    plugins_watch: bool = True,
) -> Run:
    """Go on with a run from its newest checkpoint, exactly as if it had not stopped.

    Args:
        path: the run's folder.
        steps: a new total, to go on with a run that is finished.
        device: another place to compute: auto, cpu, mps, cuda or cuda:N.
        watchers: as for `train`.
        say: as for `train`.
        preparing: as for `train`.
        watch: the names of plugins' watchers that are on from here; by default those of the run.
        capture: whether steps are captured from here on (``--capture``); by default as the run began, where the device can.

    Raises:
        RunError: where there is nothing to go on from, or nothing left to do.
        DataError: where the data is gone or has changed.
        OptionError: for a number of steps, device, watcher or capture that does not fit.
        PluginError: where the run's architecture is no longer there, or fails.
    """
    run = Run(path)
    architecture = architecture_of(run)
    options = validate(architecture, run.config["options"])
    if steps is not None:
        options = validate(architecture, {**options.model_dump(), "steps": steps, "epochs": None})
    if watch is not None:
        options = validate(architecture, {**options.model_dump(), "watch": watch})
    config = {**run.config, "options": options.model_dump(mode="json")}
    start, folder = run.latest()
    spec, _ = run.geometry()
    source = open_source(options.data, registry().sources_for(options.data))
    if fingerprint(source) != run.fingerprint:
        raise RunError(f"{options.data} is not what {run.path} was trained on: its content has changed; train anew")
    chosen = choose_device(device or options.device)
    if capture is None and options.capture and chosen.type != "cuda":
        capture = False
        if say:
            say(f"--capture is for NVIDIA GPUs, and this computes on {chosen}: the run goes on without it")
    if capture is not None:
        options = options.model_copy(update={"capture": capture})
    check_capture(options, build_phases(architecture, options), chosen)
    with determinism(options.deterministic), enough_memory("lower --batch-size, --size or the networks' widths"):
        with guarding(source, "its data cannot be read"):
            store = prepare(source, spec, fit=options.fit, strict=options.strict, report=say, progress=preparing)
        del source
        assembly = assemble(architecture, options, spec, store, chosen, say)
        total = total_steps(options, assembly)
        if start >= total:
            raise RunError(
                f"{run.path} is finished: {start} of {total} steps; "
                f"zoo resume {quoted(run.path)} --steps N goes on to N, which is to be more than {start}"
            )
        for role in ("generator", "discriminator"):
            network = getattr(assembly.step, role)
            load_network(network, read_tensors(folder, role), folder / f"{role}.safetensors", architecture.name)
        seconds = restore(assembly, read_state(folder))
        if steps is not None:
            config["steps"] = total
        run.config = config  # plugins are to see what is in force
        every = gather_watchers(run, watchers, options.watch, say or _warn, plugins_watch)
        if (steps, watch) != (None, None):
            run.save_config(config)
        if say:
            then = {**(run.config.get("environment") or {}), "plugin": (run.config.get("plugin") or {}).get("version")}
            for line in differences(then, {**environment(chosen), "plugin": _plugin(architecture)["version"]}):
                say(line)
        truncate(run.path / "metrics.jsonl", start)
        Trainer(run, assembly, options, total, every, start, seconds, say).train()
    return run


def _warn(line: str) -> None:
    """Where nobody listens: what has to be said all the same."""
    warnings.warn(line, stacklevel=2)


def fingerprint(source: DataSource) -> str:
    """What tells the data's content from any other. Raises PluginError where a plugin's source cannot say."""
    with guarding(source, "fingerprint() failed"):
        return source.fingerprint()


def total_steps(options: Options, assembly: Assembly) -> int:
    """How many steps the run has: `steps`, or the steps in which its discriminator sees the data `epochs` times."""
    if options.epochs is None:
        return options.steps
    epochs = Fraction(options.epochs).limit_denominator(10**6)  # 8 / 3 as it is meant, not as a float holds it
    return max(1, math.ceil(epochs * assembly.steps_per_epoch))


def _config(
    architecture: Architecture,
    options: Options,
    preset: str | None,
    source: DataSource,
    store: ImageStore,
    device: torch.device,
    steps: int,
) -> dict[str, Any]:
    """config.json: what builds the run again, and what it was made with."""
    spec: DataSpec = store.spec
    return {
        "architecture": architecture.name,
        "preset": preset,
        "options": options.model_dump(mode="json"),
        "steps": steps,
        "data": {
            "title": source.title,
            "images": len(store),
            "skipped": len(store.skipped),
            "channels": spec.channels,
            "height": spec.height,
            "width": spec.width,
            "points": spec.points,
            "class_names": store.class_names,
            "fingerprint": fingerprint(source),
        },
        "plugin": _plugin(architecture),
        "environment": environment(device),
    }


def _plugin(architecture: Architecture) -> dict[str, str]:
    """Where an architecture comes from."""
    plugin = registry().contribution(architecture.name).plugin
    return {"name": plugin.name, "distribution": plugin.distribution, "version": plugin.version}
