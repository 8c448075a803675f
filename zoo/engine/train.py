"""Training and going on, from Python: what ``zoo train`` and ``zoo resume`` call. Plan, prepare, build, rehearse, loop."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from zoo.callback import Callback
from zoo.data.store import ImageStore
from zoo.engine.build import TrainingState, build, prepare_data
from zoo.engine.callbacks import Callbacks, check_callbacks
from zoo.engine.changes import Change, journal, options_at
from zoo.engine.checkpointing import load_checkpoint
from zoo.engine.describing import describe_choice
from zoo.engine.evaluation.prepare import prepare_evaluations
from zoo.engine.film_and_curves import make_lacking, make_missing
from zoo.engine.forecast import describe_plan
from zoo.engine.health.monitor import Trouble
from zoo.engine.health.overfitting import small_data_advice
from zoo.engine.health.rollback import NotHealedError, plan_healing, set_aside_after_target, write_healing
from zoo.engine.loop import TrainingLoop
from zoo.engine.origin import Origin
from zoo.engine.plan import RunPlan, plan_resume, plan_run
from zoo.engine.recommending import Choice, choose
from zoo.engine.rehearsal import rehearse
from zoo.engine.renamed import take_old_keywords
from zoo.engine.runtime.device import choose_device, determinism
from zoo.engine.runtime.environment import differences, environment
from zoo.engine.runtime.interrupt import Interrupt
from zoo.engine.runtime.precision import precision_advice
from zoo.engine.same_data import numbered_as
from zoo.engine.start import choose_start
from zoo.engine.transfer import transfer
from zoo.errors import RunError, ZooError
from zoo.notebook.live import live
from zoo.options import Options
from zoo.plugins.callbacks import plugin_callbacks as asked_callbacks
from zoo.plugins.fitting import check_size
from zoo.plugins.registry import registry
from zoo.run.config import FORMAT
from zoo.run.files import advising
from zoo.run.journal import gap, truncate
from zoo.run.place import check_path
from zoo.run.run import Run, quoted
from zoo.run.scores import cut_scores
from zoo.system.memory import enough_memory

log = logging.getLogger(__name__)

LESS_MEMORY = "lower --batch-size, --size or the networks' widths"


def train(
    name: str | Path | Choice,
    *,
    preset: str | None = None,
    config: Path | str | None = None,
    from_run: Run | Path | str | None = None,
    out: Path | str | None = None,
    callbacks: Sequence[Callback] = (),
    plugin_callbacks: bool = True,
    notebook: bool | None = None,
    **options: Any,
) -> Run:
    """Train the architecture `name`; returns its run: ``zoo.train("dcgan", steps=200, out="runs/first")``.

    Nothing is written before everything has been checked. SIGINT, SIGTERM, SIGHUP, SIGUSR1 and SIGXCPU end the training after the
    step at hand, with a checkpoint. Once all is written the signal goes to the handler that was there before: Ctrl-C raises
    KeyboardInterrupt, your own handler is called, and where there is none the signal ends the process. A second Ctrl-C raises
    KeyboardInterrupt at once. What is ignored stays ignored; outside the main thread Python takes no signals, and nothing changes.
    What one of `callbacks` raises ends it at once and reaches the caller as it is: what was saved before, every
    `checkpoint_every` steps, is what `resume` goes on from.

    Args:
        name: the architecture, as `zoo list` shows it; or data in its place, a path or a name (what `data` takes), for which the
            architecture and its preset are chosen that suit it and the device: ``zoo.train("./pictures")``. A word that names
            both is the architecture, and a `pathlib.Path` always data.
        preset: a named set of option values; by default the architecture's own choice for such data.
        config: a TOML file of options, or the config.json of an earlier run. It beats the preset, `options` beat both.
        from_run: a run whose weights this one begins with (``--from``): its folder, or the name of an architecture that comes
            trained. Data, size, latents and the architecture's own options are that run's too, where nothing else is given.
        out: the folder of the new run, by default the next free runs/NAME-NNN.
        callbacks: a list; they are told how it goes, beside those of plugins; `zoo.Callback.on_note` of anything worth knowing,
            which the logger ``zoo`` has too.
        plugin_callbacks: whether those of plugins are asked at all.
        notebook: whether a Jupyter notebook shows a bar and the newest grid below the cell; by default where `callbacks` are
            none. Elsewhere than in a notebook nothing is shown.
        options: those of `zoo train NAME --help`, by name (`zoo.Options` and the architecture's own).

    Raises:
        OptionError: for an option, preset or file that does not fit.
        DataError: for data that is missing or cannot be used.
        PluginError: for an architecture that is not there, or whose own code fails.
        RunError: for a folder that cannot be written, a run to begin with that cannot be read, and for too little memory.
        KeyboardInterrupt: for Ctrl-C, when the run is saved; `resume` goes on with it.
    """
    more, wanted = take_old_keywords("train", options)
    interrupt = Interrupt()
    told = _telling([*check_callbacks(callbacks), *more], notebook)
    with interrupt.handed_on(), told as everyone, enough_memory(LESS_MEMORY):
        Run.check_place(out)
        origin = None if from_run is None else Origin.read(from_run)
        choice = name if isinstance(name, Choice) else _choose(name, preset, config, options, origin)
        plan = plan_run(choice, preset=preset, config=config, flags=options, origin=origin)
        if choice.data is None:
            log.info(describe_plan(plan, by_hand=preset is not None))
        else:
            began = from_run.path if isinstance(from_run, Run) else from_run
            for line in describe_choice(
                choice, plan, {"preset": preset, "config": config, "from_run": began, **options}
            ):
                log.info(line)
        with determinism(plan.options.deterministic):
            store = prepare_data(plan, everyone.on_prepare)
            small_data = small_data_advice(plan.options, len(store), from_run is not None)
            slow = precision_advice(plan.options.precision, plan.device)
            for advice in filter(None, (store.shown.copies_note(len(store)), small_data, slow)):
                log.info(advice)
            state = build(plan, store)
            begun = {} if origin is None else {"from": transfer(origin, state)}
            rehearse(state, plan.spec)
            prepare_evaluations(plan, state)
            with Run.begin(out, _config(plan, store, state) | begun) as run:
                try:
                    everyone.add(asked_callbacks(run, plan.options.watch) if plugin_callbacks and wanted else [])
                except BaseException:
                    run.discard()
                    raise
                loop = TrainingLoop(run, state, everyone, interrupt=interrupt)
                # The plan's source may hold a line for each of millions of files; weights were copied; the loop has the state.
                del plan, origin, state, choice, name
                while trouble := loop.run_steps():
                    loop = _healed(loop, trouble, everyone)
    return run


def _choose(
    name: object, preset: str | None, config: Path | str | None, options: Mapping[str, Any], origin: Origin | None
) -> Choice:
    """The architecture that is named, or that suits the data which is."""
    if isinstance(name, Path):  # no name of anything, even if it looks like one
        name = str(name) if str(name).startswith("~") else os.path.join(os.curdir, name)
    if not isinstance(name, str):
        return Choice(name)  # type: ignore[arg-type]  # which the registry refuses
    return choose(
        name,
        preset=preset,
        config=config,
        values={name: value for name, value in options.items() if name in Options.model_fields},
        names=options,
        run=None if origin is None else origin.run.architecture,
        device=lambda asked: choose_device(asked).type,
    )


def resume(
    path: Path | str,
    *,
    data: Path | str | None = None,
    steps: int | None = None,
    device: str | None = None,
    callbacks: Sequence[Callback] = (),
    watch: Sequence[str] | None = None,
    capture: bool | None = None,
    from_step: int | str | None = None,
    recover: bool = False,
    plugin_callbacks: bool = True,
    notebook: bool | None = None,
    **options: Any,
) -> Run:
    """Go on with a run from its newest checkpoint, exactly as if it had not stopped. Signals do what they do in `train`.

    One that was ended before its first checkpoint begins again at step 0. The run is held meanwhile: whoever else would go on with
    it is told so, and readers take no notice. One that was ended behind its last step gets the film and the curves that it lacks.

    Args:
        path: the run's folder.
        data: where the run's data is now. It is to be the same, of which its content decides, and is remembered.
        steps: a new total, to go on with a run that is finished.
        device: another place to compute: auto, cpu, mps, cuda or cuda:N.
        callbacks: as for `train`.
        watch: the names of plugins' callbacks that are on from here; by default those of the run.
        capture: whether steps are captured from here on (``--capture``); by default as the run began, where the device can.
        from_step: the checkpoint of this step instead of the newest (``--from``). Newer ones are kept, under another name.
        recover: go on from the newest checkpoint that is whole, where the newest is damaged.
        plugin_callbacks: as for `train`.
        notebook: as for `train`.
        options: those of `zoo resume --help`, by name: what is another from here on (``learning_rate=1e-4``). `Run.changes`
            keeps which, and from which step on.

    Raises:
        RunError: where another process trains the run; where there is nothing to go on from, or nothing left to do; for other
            data than the run's.
        DataError: where the data is gone.
        OptionError: for an option that does not fit, or that a run cannot change.
        PluginError: where the run's architecture is no longer there, or fails.
        KeyboardInterrupt: for Ctrl-C, when the run is saved.
    """
    more, wanted = take_old_keywords("resume", options)
    changes = {**options, **{name: value for name, value in (("steps", steps), ("watch", watch)) if value is not None}}
    interrupt = Interrupt()
    told = _telling([*check_callbacks(callbacks), *more], notebook)
    with interrupt.handed_on(), told as everyone, enough_memory(LESS_MEMORY), Run(path).held() as run:
        chosen = choose_start(run, from_step, recover)
        start, folder = chosen.step, chosen.folder
        if not changes and from_step is None and make_missing(run, start):
            everyone.on_end(run, start, True)
            return run
        place = None if data is None else str(check_path(data, "data"))
        plan = plan_resume(run, changes=changes, data=place, device=device, capture=capture)
        if folder is not None:
            check_size(plan.architecture, plan.options, plan.spec, folder)
        then = options_at(run, plan.architecture, start)
        if steps is not None and start >= steps:
            raise RunError(
                f"--steps {steps} is the new total, and {start} steps of {run.path} are done; give more than {start}"
            )
        with determinism(plan.options.deterministic):
            state = build(plan, numbered_as(run, plan.architecture, prepare_data(plan, everyone.on_prepare)))
            if folder is None and run.config.get("from"):
                transfer(Origin.read_again(run.config["from"], run.path), state)
            rehearse(state, plan.spec)
            prepare_evaluations(plan, state)
            seconds = 0.0 if folder is None else load_checkpoint(state, folder, then)
            if start >= state.steps:
                raise RunError(
                    f"{run.path} is finished: {start} of {state.steps} steps; "
                    f"zoo resume {quoted(run.path)} --steps N goes on to N, which is to be more than {start}"
                )
            if state.evaluations is not None and state.evaluations.over:
                if not changes and from_step is None and make_lacking(run):
                    everyone.on_end(run, start, True)
                    return run
                raise RunError(f"{run.path} {state.evaluations.why_over(run.path, start, state.steps)}")
            config = _changed(run, plan, state, journal(run, then, plan.options, start), bool(changes))
            run.config = config  # plugins are to see what is in force
            everyone.add(asked_callbacks(run, plan.options.watch) if plugin_callbacks and wanted else [])
            _tell_differences(run, config, plan, state)
            with advising(run.going_on):
                chosen.set_newer_aside()
                if note := _cut_journal(run, then, start):
                    log.warning(note)
                cut_scores(run.path, start)
                run.save_config(config)
            loop = TrainingLoop(run, state, everyone, start, seconds, interrupt)
            del plan, state
            while trouble := loop.run_steps():
                loop = _healed(loop, trouble, everyone)
    return run


def _healed(loop: TrainingLoop, trouble: Trouble, everyone: Callbacks) -> TrainingLoop:
    """What goes on from the last good checkpoint with something changed, in the place of a loop that came into trouble.

    Raises RunError where it is to stop (``--on-trouble stop``) or healing has come to its end, and whatever `resume` raises.
    """
    run, options, spec = loop.run, loop.options, loop.state.batches.loader.store.spec
    device, interrupt = str(loop.state.batches.device), loop.interrupt
    checkpoints, report = loop.scheduled_checkpoints(), f"{trouble.message} at step {trouble.step}"
    if options.on_trouble == "stop":
        raise RunError(f"{report}; {set_aside_after_target(run, options, spec, trouble, checkpoints)}")
    try:
        healing = plan_healing(run, options, spec, trouble, checkpoints)
    except NotHealedError as error:
        raise RunError(
            f"{report}, {error}; {set_aside_after_target(run, options, spec, trouble, checkpoints)}"
        ) from None
    loop.release()  # makes room for the new one
    try:
        plan = plan_resume(run, changes=healing.changes, device=device, capture=options.capture)
        then = options_at(run, plan.architecture, healing.start)
        state = build(plan, numbered_as(run, plan.architecture, prepare_data(plan)))
        rehearse(state, plan.spec)
        prepare_evaluations(plan, state)
        seconds = load_checkpoint(state, healing.folder, then)
    except ZooError as error:
        aside = set_aside_after_target(run, options, spec, trouble, checkpoints)
        raise RunError(f"{report}, and {healing.flags} cannot be tried: {error}; {aside}") from error
    changes = journal(run, then, plan.options, healing.start)
    with advising(run.going_on):
        write_healing(run, healing, _changed(run, plan, state, changes, asked=True))
    return TrainingLoop(run, state, everyone, healing.start, seconds, interrupt)


@contextmanager
def _telling(callbacks: Sequence[Callback], notebook: bool | None) -> Iterator[Callbacks]:
    """All who are told how it goes, of zoo's log too: the caller's callbacks, and what shows it in a notebook."""
    with live(notebook, callbacks) as shown:
        everyone = Callbacks([*callbacks, *shown])
        with everyone.forward_log():
            yield everyone


def _cut_journal(run: Run, then: Options, start: int) -> str:
    """Leave out what was logged after step `start`. Returns what a person should know of the journal, in a sentence.

    `then`: the options with which the checkpoint of step `start` was written.
    """
    journal = run.path / "metrics.jsonl"
    if start == 0 and not journal.exists():
        return ""
    since = [change["step"] for change in run.changes if change["option"] == "log_every" and change["step"] < start]
    return truncate(journal, start) or gap(journal, start, then.log_every, max(since, default=0))


def _config(plan: RunPlan, store: ImageStore, state: TrainingState) -> dict[str, Any]:
    """config.json: what builds the run again, and what it was made with."""
    spec = store.spec
    return {
        "architecture": plan.architecture.name,
        "preset": plan.preset,
        "options": plan.options.model_dump(mode="json"),
        "steps": state.steps,
        "data": {
            "title": plan.source.title,
            "images": len(store),
            "skipped": len(store.skipped),
            "channels": spec.channels,
            "height": spec.height,
            "width": spec.width,
            "points": spec.points,
            "class_names": store.class_names,
            "fingerprint": plan.source.fingerprint(),
        },
        "capabilities": asdict(state.capabilities),
        "plugin": _plugin(plan),
        "environment": environment(plan.device, plan.options.precision),
    }


def _changed(run: Run, plan: RunPlan, state: TrainingState, changes: list[Change], asked: bool) -> dict[str, Any]:
    """The config.json of a run that goes on: with what is changed for good, and in today's format. `asked`: by its options."""
    config = {**run.config, "format": FORMAT}
    if changes != run.changes or asked:
        config["options"] = plan.options.model_dump(mode="json") | {
            "capture": run.config["options"].get("capture", False)
        }
        config["data"] = {**config["data"], "title": plan.source.title}
        config["steps"] = state.steps
    if changes or "changes" in config:
        config["changes"] = changes
    return config


def _tell_differences(run: Run, config: dict[str, Any], plan: RunPlan, state: TrainingState) -> None:
    """Say what computes otherwise than when the run began."""
    if not run.config_intact:
        log.warning("%s was changed since zoo wrote it, and is gone on with as it is", run.path / "config.json")
    then = {**(config.get("environment") or {}), "plugin": (config.get("plugin") or {}).get("version")}
    now = {**environment(plan.device, plan.options.precision), "plugin": _plugin(plan)["version"]}
    for line in differences(then, now):
        log.info(line)


def _plugin(plan: RunPlan) -> dict[str, str]:
    """Where an architecture comes from."""
    plugin = registry().contribution(plan.architecture.name).plugin
    return {"name": plugin.name, "distribution": plugin.distribution, "version": plugin.version}
