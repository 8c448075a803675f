"""What a plugin contributes: two networks, the options they take, and how they are trained. Importing this imports no torch."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from zoo import options
from zoo.deprecated import warn_deprecated
from zoo.errors import PluginError, unknown
from zoo.objective import Objective
from zoo.options import Options

if TYPE_CHECKING:
    from torch import nn

    from zoo.data.spec import DataSpec
    from zoo.recommendation import Recommendation
    from zoo.step_context import StepContext


@dataclass(frozen=True)
class Phase:
    """One update of one network within a training step. Raises PluginError for one that could never run."""

    updates: Literal["discriminator", "generator"]
    """The network that gets gradients and takes a step of its optimiser."""
    loss: Callable[[StepContext], Any] | None = None
    """A function of the `zoo.StepContext` that returns a 0-d loss, or (loss, statistics by name); by default the objective's."""
    every: int = 1
    """The phase runs in the steps (counted from 0) for which ``step % every == offset``."""
    offset: int = 0
    """See `every`; 0 to every - 1."""
    skip_below: float | None = None
    """The network is left as it is while its loss is not above this value (reads the loss back each time)."""

    def __post_init__(self) -> None:
        """Raise PluginError for a phase that could never run."""
        if self.updates not in ("discriminator", "generator"):
            raise PluginError(unknown("network in Phase(updates=…)", str(self.updates), ("discriminator", "generator")))
        if self.loss is not None and not callable(self.loss):
            raise PluginError(
                f"Phase(loss={self.loss!r}): give a function of the zoo.StepContext, or leave it out for the objective's loss"
            )
        if self.every < 1 or not 0 <= self.offset < self.every:
            raise PluginError(
                f"Phase(every={self.every}, offset={self.offset}): every is 1 or more, offset 0 to every - 1"
            )

    def due(self, step: int) -> bool:
        """Whether it runs in this step, counted from 0."""
        return step % self.every == self.offset


class Architecture:
    """A generative adversarial network: subclass it, register the subclass, and ``zoo train NAME`` trains it.

    A subclass must set `name` and define `generator` and `discriminator`; everything else has a default.
    The first line of its docstring is what ``zoo list`` shows.
    """

    name: ClassVar[str]
    """What it is called on the command line: lower case, letters, digits, ``-`` and ``_``."""

    Options: ClassVar[type[Options]] = Options
    """Its options: a subclass of `zoo.Options`; each field becomes a flag."""

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    """Named sets of option values, for ``--preset``; what a preset leaves out keeps its default."""

    preset_notes: ClassVar[Mapping[str, str]] = {}
    """A sentence on a preset, for ``zoo info NAME``: which paper or document it follows, and how it reads it."""

    default_preset: ClassVar[str | None] = None
    """The preset that is meant where none is named; None where the options' own defaults are."""

    objective: ClassVar[str | Objective] = "non_saturating"
    """The objective where ``--objective`` names none: its name, or a `zoo.Objective` (or anything with its two methods)."""

    smallest_batch: ClassVar[int] = 2
    """The smallest batch its networks train on; 1 where nothing in them needs a second image, which ``zoo check`` tries.

    A training with smaller batches, or an epoch's smaller last one, is refused before it begins (1 where this is 2: only
    where the networks fail on one image). Pictures are drawn in any number: in evaluation mode G takes a single latent too.
    """

    pretrained: ClassVar[Path | None] = None
    """A run that comes with the package, if one does: ``zoo sample NAME`` and ``zoo.load("NAME")`` draw with it."""

    conditional: ClassVar[bool] = False
    """True where both networks take labels, an int64 tensor of shape (N,), as their second argument."""

    rectangles: ClassVar[bool] = False
    """True where the networks can be built for images whose height is not their width, each side one of `sizes`.

    ``--size 64x48`` is refused where it is False. Networks of which `sizes` says None take every shape, whatever this says.
    """

    def generator(self, options: Any, data: DataSpec) -> nn.Module:
        """A new generator: latents of shape (N, options.latent) to images (N, C, H, W) in [-1, 1].

        In training mode, where a linear last layer makes them, they may lie outside; in evaluation mode none may.
        """
        raise NotImplementedError(f"{type(self).__name__} does not define generator(options, data)")

    def discriminator(self, options: Any, data: DataSpec) -> nn.Module:
        """A new discriminator: images (N, C, H, W) in [-1, 1] to one logit each, of N elements in any shape."""
        raise NotImplementedError(f"{type(self).__name__} does not define discriminator(options, data)")

    def sizes(self, options: Any) -> Sequence[int] | None:
        """The image sizes (height = width, pixels) its networks can be built for; None where every size and shape will do.

        With `rectangles` each side may be any of them.
        """
        return None

    def preset_for(self, data: DataSpec) -> str | None:
        """The preset that is meant for such images where none is named; `default_preset` by default.

        One that depends on where the run computes takes a second argument, ``device: str = "cpu"``: cpu, mps or cuda.
        """
        return self.default_preset

    def recommendation(self, data: DataSpec, count: int, device: str = "cpu") -> Recommendation | None:
        """The offer to be the architecture for so many of such images, where a person names none (``zoo train ./pictures``).

        None, the default, where it does not offer itself. `data` is as the architecture would have it under its own defaults,
        with all its classes, `count` the number of images, `device` cpu, mps or cuda. What a subclass inherits from another
        architecture is that one's offer, and does not count. It must not import torch.
        """
        return None

    def objective_for(self, options: Any) -> str | Objective:
        """The objective, where it depends on the options; `objective` by default."""
        return self.objective

    def phases(self, options: Any) -> Sequence[Phase]:
        """What one training step does, in order. By default `discriminator_steps` times D, then G."""
        return [*[Phase("discriminator")] * options.discriminator_steps, Phase("generator")]

    def make_options(self, values: Mapping[str, Any]) -> options.Options:
        """Its options with these values, the others at their defaults. Raises pydantic.ValidationError."""
        return self.Options(**values)

    def guard(self, what: str, then: str = "") -> AbstractContextManager[None]:
        """A block in which code of the architecture runs outside of its methods, as the forward passes of its networks do.

        That of an architecture of the registry names the plugin whose code fails, with `what` went on and what to do (`then`).
        """
        return nullcontext()

    @classmethod
    def summary(cls) -> str:
        """The first line of the docstring."""
        return (inspect.getdoc(cls) or "").partition("\n")[0]

    def game(self, options: Any) -> str | Objective:
        """Deprecated: `objective_for`."""
        warn_deprecated("Architecture.game")
        answers = [vars(cls)["objective_for"] for cls in type(self).__mro__ if "objective_for" in vars(cls)]
        # The first of a plugin's architecture is the guard's (`zoo.plugins.guarded`), which asks for `game` itself.
        answer: str | Objective = answers[1 if hasattr(self, "zoo_guard") else 0](self, options)
        return answer
