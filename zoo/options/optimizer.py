"""How the weights follow their gradients."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from zoo.options.base import Group, Rate, Share

FINALS = ("learning_rate", "beta2", "r1", "r2")
"""What --burn-in can change: each has an option final_…"""


class OptimizerOptions(Group):
    """How the weights follow their gradients."""

    optimizer: Literal["adam", "adamw", "rmsprop", "sgd"] = "adam"
    """Optimiser of both networks."""
    learning_rate: Rate = 2e-4
    """Learning rate."""
    discriminator_learning_rate: Rate | None = None
    """Learning rate of the discriminator, if it is to differ."""
    beta1: Share = 0.5
    """Adam: decay of the mean of the gradients."""
    beta2: Share = 0.999
    """Adam: decay of the mean of their squares."""
    momentum: Share = 0.0
    """SGD and RMSprop: momentum."""
    final_momentum: Share | None = None
    """SGD and RMSprop: what the momentum is at the end of --momentum-steps, where it is to change."""
    momentum_steps: Annotated[int, Field(ge=0)] = 0
    """Steps over which the momentum goes from --momentum to --final-momentum, in a straight line."""
    nesterov: bool = False
    """SGD: Nesterov's momentum."""
    rho: Share = 0.99
    """RMSprop: decay of the mean of the squared gradients."""
    epsilon: Rate = 1e-8
    """Adam and RMSprop: what is added to the root in the denominator."""
    epsilon_style: Literal["torch", "keras"] = "torch"
    """Where epsilon stands: as torch has it, or as Keras has it (RMSprop: under the root; Adam: outside the bias correction)."""
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    """Weight decay."""
    schedule: Literal["constant", "linear", "cosine", "inverse_time", "exponential"] = "constant"
    """Learning rate over time: constant, falling to zero (linear, cosine), divided by 1 + decay · step (inverse_time), or
    divided by the decay at each step (exponential)."""
    schedule_hold: Share = 0.0
    """linear and cosine: share of the steps before the learning rate begins to fall."""
    schedule_decay: Annotated[float, Field(ge=0)] = 0.0
    """inverse_time: decay per step. exponential: what the learning rate is divided by at each step, such as 1.00004."""
    minimum_learning_rate: Annotated[float, Field(ge=0)] = 0.0
    """The learning rate never falls below this, whatever the schedule."""
    warmup: Annotated[int, Field(ge=0)] = 0
    """Steps over which the learning rate first rises from zero."""
    burn_in: Rate | None = None
    """Thousands of real images over which the learning rate, beta2, r1 and r2 go from what they are to their --final-… values,
    along half a cosine (Huang et al. 2024); then they stay there."""
    final_learning_rate: Annotated[float, Field(ge=0)] | None = None
    """With --burn-in: where the learning rate ends; the discriminator's, if it is another, ends as many times that."""
    final_beta2: Share | None = None
    """With --burn-in: where Adam's beta2 ends."""
    final_r1: Annotated[float, Field(ge=0)] | None = None
    """With --burn-in: where --r1 ends."""
    final_r2: Annotated[float, Field(ge=0)] | None = None
    """With --burn-in: where --r2 ends."""
    freeze_d: Annotated[int, Field(ge=0)] = 0
    """With --from: the discriminator's first layers, so many from the image on, keep the weights that they have (FreezeD, Mo et
    al. 2020)."""

    @model_validator(mode="after")
    def _consistent_momentum(self) -> OptimizerOptions:
        if self.nesterov and not self.momentum:
            raise ValueError("nesterov needs a momentum above 0; add --momentum 0.9")
        if self.final_momentum is not None and not (self.momentum and self.momentum_steps):
            raise ValueError(
                "final_momentum is where the momentum ends: it needs a --momentum above 0 to begin with, "
                "and --momentum-steps to get there"
            )
        if self.momentum_steps and self.final_momentum is None:
            raise ValueError("momentum_steps needs a --final-momentum, which the momentum has after so many steps")
        return self

    @model_validator(mode="after")
    def _consistent_burn_in(self) -> OptimizerOptions:
        finals = [name for name in FINALS if getattr(self, f"final_{name}") is not None]
        if finals and self.burn_in is None:
            raise ValueError(f"final_{finals[0]} is where it ends after --burn-in, which is missing; give both")
        if self.burn_in is not None and not finals:
            raise ValueError(
                "burn_in says how long something changes, and nothing does; give --final-learning-rate, --final-beta2, "
                "--final-r1 or --final-r2 too, or leave it out"
            )
        if self.final_beta2 is not None and self.optimizer not in ("adam", "adamw"):
            raise ValueError(f"final_beta2 is for adam and adamw; optimizer is {self.optimizer}, leave it out")
        return self

    @model_validator(mode="after")
    def _consistent_rate(self) -> OptimizerOptions:
        if self.schedule == "exponential" and self.schedule_decay < 1:
            raise ValueError(
                "schedule exponential divides the learning rate by --schedule-decay at each step, which is to be "
                "1 or more; try 1.00004"
            )
        if self.minimum_learning_rate > min(self.learning_rate, self.discriminator_learning_rate or self.learning_rate):
            raise ValueError("minimum_learning_rate is above the learning rate itself; lower it")
        return self
