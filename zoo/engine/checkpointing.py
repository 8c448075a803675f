"""What a checkpoint holds, so that a run goes on exactly as if it had never stopped: a loop over named parts."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Protocol

from torch import Tensor

from zoo.data.batching import Batching
from zoo.engine.build import TrainingState, batches_per_step
from zoo.engine.optim.saved import SavedOptimizer
from zoo.errors import RunError
from zoo.options import Options
from zoo.run.checkpoint import load_network, read_state, read_tensors
from zoo.run.snapshot import State
from zoo.system.streams import stream_seed

MAY_LACK = ("health", "evaluation", "augmentation")
"""Parts that checkpoints lack which an older zoo wrote, or a run that did not evaluate or move its augmentations' probability: they
begin anew."""


class Stateful(Protocol):
    """What keeps something from step to step."""

    def state_dict(self) -> Mapping[str, Any]:
        """What it keeps: tensors, numbers, texts, and lists and dictionaries of them."""

    def load_state_dict(self, state: Any) -> Any:
        """Go on from a `state_dict`."""


def parts(state: TrainingState) -> dict[str, Stateful]:
    """The parts of a run beside its networks, by name."""
    step = state.step
    found: dict[str, Stateful] = {
        "step": step,
        "batches": state.batches,
        "latents": step.latents,
        "precision": step.precision,
        "health": state.health,
        **{f"optimizer.{name}": SavedOptimizer(optimizer) for name, optimizer in step.optimizers.items()},
    }
    if state.ema is not None:
        found["ema"] = state.ema
    if step.probability is not None and step.probability.adaptive:
        found["augmentation"] = step.probability
    if state.evaluations is not None:
        found["evaluation"] = state.evaluations.progress
    objective: Any = step.objective
    if hasattr(objective, "state_dict") and hasattr(objective, "load_state_dict"):
        found["objective"] = objective
    return {**found, "random": state.random}  # last, in case that another part draws as it is loaded


def networks(state: TrainingState) -> dict[str, dict[str, Tensor]]:
    """The state dicts of both networks."""
    return {role: getattr(state.step, role).state_dict() for role in ("generator", "discriminator")}


def save_state(state: TrainingState, step: int, seconds: float) -> State:
    """The state after so many steps, in which so many seconds were spent."""
    return State(step, seconds, {name: dict(part.state_dict()) for name, part in parts(state).items()})


def load_checkpoint(state: TrainingState, folder: Path, then: Options) -> float:
    """Set the state to that of a checkpoint; returns the seconds spent in the steps before it.

    `then` are the options with which it was written. Where batches are cut otherwise by now, the data goes on behind what has been
    seen of its epoch; an average that there was none of then begins with the weights as they are.

    Raises RunError where the checkpoint is damaged or does not fit.
    """
    for role in ("generator", "discriminator"):
        file = folder / f"{role}.safetensors"
        load_network(getattr(state.step, role), read_tensors(folder, role), file, state.architecture.name)
    saved = read_state(folder)
    without = [] if then.averages else ["ema"]
    if then.augment_probability != state.options.augment_probability:  # which it begins at, then
        without.append("augmentation")
    load_state(state, saved, without)
    _move_on(state, then)
    if state.ema is not None and not then.averages:
        state.ema.begin()
    if then.latent_seed != state.options.latent_seed:
        state.step.latents.begin(stream_seed(state.options.seed, "latents", state.options.latent_seed))
    before, now = Batching.of(*_cut(state, then)), Batching.of(*_cut(state, state.options))
    phases = state.architecture.phases(then)
    if before != now or batches_per_step(phases, then) != batches_per_step(state.step.phases, state.options):
        state.batches.recut(before, saved.step)
    return saved.seconds


def _move_on(state: TrainingState, then: Options) -> None:
    """Let a probability of augmentations that moves from here on begin where the fixed one stood, if nothing else is given."""
    probability, given = state.step.probability, state.options.augment_probability
    if (
        probability is not None
        and probability.adaptive
        and given is None
        and then.augment
        and then.augment_target is None
    ):
        probability.begin(1.0 if then.augment_probability is None else then.augment_probability)


def _cut(state: TrainingState, options: Options) -> tuple[int, int, bool]:
    """What `Batching.of` takes."""
    return state.batches.loader.images, options.batch_size, options.drop_remainder or options.order == "slice"


def load_state(state: TrainingState, saved: State, without: Collection[str] = ()) -> None:
    """Set everything but the networks, and the parts left out, to a saved state. Raises RunError where it does not fit."""
    for name, part in parts(state).items():
        if name in without or (name in MAY_LACK and name not in saved.parts):
            continue
        try:
            part.load_state_dict(saved.parts[name])
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            reason = f"{error.args[0]!r} is missing" if isinstance(error, KeyError) else f"{name}: {error}"
            raise RunError(
                f"the checkpoint's state does not fit this run: {reason}; was config.json changed?"
            ) from error
