"""What is tried when a training has gone wrong: one thing at a time, in a written order."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from zoo.engine.health.monitor import Trouble
from zoo.engine.optim.schedule import base_rates
from zoo.options import Options

Changes = dict[str, Any]
"""Options by name."""

STEEPEST = 5e-3
"""The learning rate above which Adam and RMSprop, which move each weight by about that much in a step, draw nothing."""
MOMENTUM = 0.5
"""The beta1 of Adam that the DCGAN paper has."""
SLOPE = 0.2
"""The weight of R1 that a run without one is given."""
AUGMENTATIONS = ("translation", "cutout")
"""What is switched on of DiffAugment (Zhao et al. 2020): what suits grey images and coloured ones."""


@dataclass(frozen=True)
class Situation:
    """What a remedy may look at."""

    options: Options
    trouble: Trouble
    augmentations: Collection[str]
    """The names of those that are installed and suit the data."""


Remedy = Callable[[Situation], Changes]
"""Changes of options; none where it does not fit, or is in force already."""


def to_bfloat16(situation: Situation) -> Changes:
    """float16 becomes bfloat16, which has float32's range."""
    return {"precision": "bfloat16"} if situation.options.precision == "float16" else {}


def to_float32(situation: Situation) -> Changes:
    """bfloat16 becomes float32."""
    return {"precision": "float32"} if situation.options.precision == "bfloat16" else {}


def tenth_of_the_rate(situation: Situation) -> Changes:
    """A tenth of the learning rate of the network that it is about, or of both; of Adam and RMSprop 0.005 at most."""
    most = STEEPEST if situation.options.optimizer != "sgd" else float("inf")
    roles = [situation.trouble.role] if situation.trouble.role else ["generator", "discriminator"]
    return _rates(situation.options, {role: lambda rate: min(rate / 10, most) for role in roles})


def half_the_rates(situation: Situation) -> Changes:
    """Half the learning rates of both networks."""
    return _rates(situation.options, {role: lambda rate: rate / 2 for role in ("generator", "discriminator")})


def less_momentum(situation: Situation) -> Changes:
    """Adam's beta1 becomes 0.5 (Radford et al. 2016, who found trainings unstable above it)."""
    options = situation.options
    return {"beta1": MOMENTUM} if options.optimizer in ("adam", "adamw") and options.beta1 > MOMENTUM else {}


def slower_discriminator(situation: Situation) -> Changes:
    """A quarter of D's learning rate."""
    return _rates(situation.options, {"discriminator": lambda rate: rate / 4})


def smoother_discriminator(situation: Situation) -> Changes:
    """Four times as much R1 and R2 (Mescheder et al. 2018), or an R1 of 0.2 where there is none."""
    options = situation.options
    penalties = {name: getattr(options, f"final_{name}") or getattr(options, name) for name in options.penalties}
    return {name: 4 * weight for name, weight in penalties.items()} or {"r1": SLOPE}


def augmented(situation: Situation) -> Changes:
    """``--augment translation cutout`` (Zhao et al. 2020), where nothing is augmented yet."""
    missing = set(AUGMENTATIONS) - set(situation.augmentations)
    return {} if situation.options.augment or missing else {"augment": AUGMENTATIONS}


def other_latents(situation: Situation) -> Changes:
    """The next ``--latent-seed``: other latents in training from there on."""
    return {"latent_seed": situation.options.latent_seed + 1}


REMEDIES: Mapping[str, Sequence[Remedy]] = {
    "not_finite": (to_bfloat16, to_float32, tenth_of_the_rate, tenth_of_the_rate, other_latents),
    "scale_collapsed": (to_bfloat16,),
    "exploded": (tenth_of_the_rate, tenth_of_the_rate, smoother_discriminator),
    "discriminator_won": (less_momentum, slower_discriminator, smoother_discriminator, half_the_rates),
    "collapsed": (smoother_discriminator, half_the_rates, other_latents),
    "overfitted": (augmented, smoother_discriminator, slower_discriminator),
}
"""What is tried, in order, by the kind of trouble. What does not fit is passed over."""


ADVICE: Mapping[str, str] = {
    "not_finite": "a lower --learning-rate, or --precision float32",
    "scale_collapsed": "--precision bfloat16",
    "exploded": "a lower --learning-rate",
    "discriminator_won": "a lower --discriminator-learning-rate, or more --r1",
    "collapsed": "more --r1, or a lower --learning-rate",
    "overfitted": "--augment translation cutout, more --r1, or more images",
}
"""What helps, by the kind of trouble, for a line."""


def next_changes(situation: Situation, begin: int = 0) -> tuple[int, Changes]:
    """The first remedy from place `begin` on that changes anything: its place, and the options; (0, {}) where none is left."""
    for place, remedy in enumerate(REMEDIES[situation.trouble.kind]):
        if place >= begin and (changes := remedy(situation)):
            return place, changes
    return 0, {}


def _rates(options: Options, change: Mapping[str, Callable[[float], float]]) -> Changes:
    """The options by which these networks' rates are changed, and no other's."""
    before = base_rates(options)
    rates = {role: change[role](rate) if role in change else rate for role, rate in before.items()}
    changes: Changes = {}
    if rates["generator"] != before["generator"]:
        changes["learning_rate"] = rates["generator"]
    own = options.discriminator_learning_rate is not None
    if rates["discriminator"] != before["discriminator"] if own else len(set(rates.values())) > 1:
        changes["discriminator_learning_rate"] = rates["discriminator"]
    lowest = min(rates.values())
    if options.minimum_learning_rate > lowest:
        changes["minimum_learning_rate"] = lowest
    return changes
