"""What plugins contribute, as the rest of zoo sees it: whatever fails inside is named, and what comes out fits.

Each class stands before a plugin's own in a class made for it, so that a guarded architecture is an architecture like any other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from numbers import Real
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, cast

from pydantic import ValidationError

from zoo.architecture import Architecture, Phase
from zoo.augmentation import Augmentation
from zoo.command import Command
from zoo.data.images import Images, Unreadable
from zoo.data.reading import Reading
from zoo.data.source import DataSource
from zoo.deprecated import warn_deprecated
from zoo.errors import PluginError, unknown
from zoo.exporter import Exporter
from zoo.metric import Estimate, EvaluationContext, Metric
from zoo.objective import FUSED, KINDS, Objective, Relativistic, named
from zoo.options import Options
from zoo.plugins.attribution import Guard
from zoo.plugins.calling import call_offering
from zoo.plugins.guarded_objective import GuardedObjective
from zoo.recommendation import Recommendation
from zoo.system.disk import NO_ROOM

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor, nn

    from zoo.data.images import Fit
    from zoo.data.spec import DataSpec
    from zoo.generate.generator import Generator
    from zoo.transform import Transform

Class = TypeVar("Class")

_ROUNDING = 1e-6
"""What of a number may lie beyond the interval that it is in: it may be one of float32."""


def guard_class(guarded: type[Class], own: type[Class], guard: Guard) -> type[Class]:
    """`own`, a plugin's class, with the methods of `guarded` before its own."""
    facts = {name: getattr(own, name) for name in ("__doc__", "__module__", "__qualname__")}
    return cast("type[Class]", type(own.__name__, (guarded, own), {**facts, "zoo_guard": staticmethod(guard)}))


class Guarded:
    """What stands before a plugin's own class."""

    zoo_guard: ClassVar[Guard]

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        """Make the plugin's own."""
        with self.zoo_guard(f"{type(self).__name__}() failed"):
            super().__init__(*arguments, **keywords)


class GuardedArchitecture(Guarded, Architecture):
    """An architecture of a plugin."""

    def guard(self, what: str, then: str = "") -> AbstractContextManager[None]:
        """As `Architecture.guard`."""
        return self.zoo_guard(what, then)

    def make_options(self, values: Mapping[str, Any]) -> Options:
        """As `Architecture.make_options`. Raises PluginError for a default that does not fit its own option."""
        refused: ValidationError
        with self.zoo_guard("its Options cannot be checked"):
            try:
                return super().make_options(values)
            except (
                ValidationError
            ) as error:  # values that do not fit are no mistake of the plugin's, but its defaults are
                for problem in error.errors(include_url=False):
                    field = str(problem["loc"][0]) if problem["loc"] else ""
                    if field in self.Options.model_fields and field not in values:
                        raise PluginError(
                            f"{type(self).__name__}.Options.{field} has the default {problem['input']!r}, which does not fit: "
                            f"{problem['msg']}; give it one that does"
                        ) from None
                refused = error
        raise refused

    def generator(self, options: Any, data: DataSpec) -> nn.Module:
        """As `Architecture.generator`. Raises PluginError for what is no network, or cannot learn."""
        with self.zoo_guard("generator() failed"):
            return self._network("generator", super().generator(options, data))

    def discriminator(self, options: Any, data: DataSpec) -> nn.Module:
        """As `Architecture.discriminator`. Raises PluginError for what is no network, or cannot learn."""
        with self.zoo_guard("discriminator() failed"):
            return self._network("discriminator", super().discriminator(options, data))

    def sizes(self, options: Any) -> Sequence[int] | None:
        """As `Architecture.sizes`. Raises PluginError for what are no sizes."""
        with self.zoo_guard("sizes() failed"):
            sizes = super().sizes(options)
            if sizes is not None and not (sizes and all(isinstance(size, int) for size in sizes)):
                raise PluginError(
                    f"sizes() of {self.name!r} returned {sizes!r}; return sizes in pixels, or None for every size"
                )
            return sizes

    def preset_for(self, data: DataSpec, device: str = "cpu") -> str | None:
        """As `Architecture.preset_for`, which may take the device or not. Raises PluginError for what is no preset."""
        with self.zoo_guard("preset_for() failed"):
            preset: str | None = call_offering(super().preset_for, data, device=device)
            if preset is not None and preset not in self.presets:
                raise PluginError(unknown(f"preset that preset_for() names for {data.kind}", str(preset), self.presets))
            return preset

    def recommendation(self, data: DataSpec, count: int, device: str = "cpu") -> Recommendation | None:
        """As `Architecture.recommendation`; None for one that is another architecture's. Raises PluginError for what is none."""
        below = type(self).__mro__[type(self).__mro__.index(GuardedArchitecture) + 1 :]
        owner = next(cls for cls in below if "recommendation" in vars(cls))
        if getattr(owner, "name", self.name) != self.name:
            return None
        with self.zoo_guard("recommendation() failed"):
            found: Recommendation | None = call_offering(super().recommendation, data, count, device=device)
            if found is None:
                return None
            if not isinstance(found, Recommendation):
                raise PluginError(f"recommendation() returned {found!r}; return a zoo.Recommendation, or None")
            if found.preset is not None and found.preset not in self.presets:
                raise PluginError(unknown("preset that recommendation() names", found.preset, self.presets))
            for name in found.options:
                if name not in self.Options.model_fields:
                    raise PluginError(
                        unknown("option that recommendation() sets", str(name), self.Options.model_fields)
                    )
            return found

    def objective_for(self, options: Any) -> str | Objective:
        """As `Architecture.objective_for`. Raises PluginError for an objective that has no losses."""
        below = type(self).__mro__[type(self).__mro__.index(GuardedArchitecture) + 1 :]
        method = next(name for cls in below for name in ("objective_for", "game") if name in vars(cls))
        if method == "game":  # written for version 1.0 of the plugin API
            warn_deprecated("Architecture.game", self.name)
            with self.zoo_guard("game() failed"):
                return self._objective(self.game(options))
        with self.zoo_guard("objective_for() failed"):
            return self._objective(super().objective_for(options))

    def phases(self, options: Any) -> Sequence[Phase]:
        """As `Architecture.phases`. Raises PluginError for what are no phases."""
        with self.zoo_guard("phases() failed"):
            phases = list(super().phases(options))
            if not phases or not all(isinstance(phase, Phase) for phase in phases):
                raise PluginError(f"phases() of {self.name!r} returned {phases!r}; return one zoo.Phase or more")
            return phases

    def _objective(self, objective: str | Objective) -> str | Objective:
        # A subclass may call its own objective what it likes.
        if type(objective) is Objective and objective.kind not in FUSED:
            if objective.kind not in KINDS:
                raise PluginError(unknown(f"objective of {self.name}", str(objective.kind), KINDS))
            return named(objective.kind)
        if isinstance(objective, str) or type(objective) in (Objective, Relativistic):
            return objective
        return cast("Objective", GuardedObjective(objective, self.zoo_guard))

    def _network(self, role: str, network: object) -> nn.Module:
        from torch import nn

        if not isinstance(network, nn.Module):
            raise PluginError(f"{self.name}.{role}() returned {type(network).__name__}, not a torch.nn.Module")
        if not any(parameter.requires_grad for parameter in network.parameters()):
            raise PluginError(f"the {role} of {self.name!r} has no parameter that requires a gradient: it cannot learn")
        return network


class GuardedSource(Guarded, DataSource):
    """A data source of a plugin."""

    @classmethod
    def accepts(cls, location: str) -> bool:
        """As `DataSource.accepts`."""
        with cls.zoo_guard(f"accepts({location!r}) failed"):
            return bool(super().accepts(location))

    def __init__(self, location: str, *reading: Reading) -> None:
        """As `DataSource.__init__`."""
        with self.zoo_guard(f"--data {location!r} cannot be opened"):
            super(Guarded, self).__init__(location, *reading)  # type: ignore[safe-super]

    def __len__(self) -> int:
        """As `DataSource.__len__`."""
        with self.zoo_guard("its data cannot be read"):
            return super().__len__()  # type: ignore[safe-super]

    def fingerprint(self) -> str:
        """As `DataSource.fingerprint`."""
        with self.zoo_guard("fingerprint() failed"):
            return super().fingerprint()  # type: ignore[safe-super]

    def chunks(self) -> Iterable[Any]:
        """As `DataSource.chunks`."""
        with self.zoo_guard("its data cannot be read"):
            yield from super().chunks()  # type: ignore[safe-super]

    def decode(self, item: Any, spec: DataSpec) -> Iterator[Images | Unreadable]:
        """As `DataSource.decode`."""
        with self.zoo_guard("its data cannot be read"):
            yield from super().decode(item, spec)  # type: ignore[safe-super]

    def fitted(self, item: Any, spec: DataSpec, how: Fit) -> Iterator[Images | Unreadable]:
        """As `DataSource.fitted`."""
        with self.zoo_guard("its data cannot be read"):
            yield from super().fitted(item, spec, how)


def _reason(found: object, who: str) -> str | None:
    """What unsuited() returned. Raises PluginError where that is no reason."""
    if found is None or isinstance(found, str):
        return found
    raise PluginError(f"unsuited() of {who} returned {found!r}; return the reason in words, or None where it suits")


class GuardedMetric(Guarded, Metric):
    """A metric of a plugin."""

    def unsuited(self, context: EvaluationContext) -> str | None:
        """As `Metric.unsuited`."""
        with self.zoo_guard(f"unsuited() of the metric {self.name!r} failed"):
            return _reason(super().unsuited(context), f"the metric {self.name!r}")

    def compute(self, context: EvaluationContext) -> Mapping[str, float | Estimate]:
        """As `Metric.compute`. Raises PluginError for what are no numbers."""
        with self.zoo_guard(f"the metric {self.name!r} failed"):
            found = super().compute(context)  # type: ignore[safe-super]
            if not isinstance(found, Mapping) or not all(
                isinstance(value, Real | Estimate) for value in found.values()
            ):
                raise PluginError(f"the metric {self.name!r} returned {found!r}; return numbers by name")
            numbers = {
                str(name): value if isinstance(value, int | Estimate) else float(value) for name, value in found.items()
            }
            for name, value in numbers.items():
                self._check_number(name, value)
            for name in self.best:
                if name not in {**self.numbers, **numbers}:
                    raise PluginError(
                        f"best of the metric {self.name!r} names {name!r}, which it does not compute; name one of "
                        f"{', '.join(numbers) or 'its numbers'}"
                    )
            return numbers

    def _check_number(self, name: str, value: float | Estimate) -> None:
        """Raise PluginError for what is no number, and for an interval that does not hold its number."""
        whole = value if isinstance(value, Estimate) else Estimate(value, value, value)
        if not whole.finite:
            raise PluginError(f"the metric {self.name!r} returned {name} {value}; leave out what cannot be computed")
        slack = _ROUNDING * max(abs(whole.low), abs(whole.high))
        if not whole.low - slack <= whole.value <= whole.high + slack:
            raise PluginError(
                f"the metric {self.name!r} returned {name} {whole.value:g} with the interval {whole.low:g} to {whole.high:g}; "
                "low is to be at most the number, and high at least that"
            )


class GuardedAugmentation(Guarded, Augmentation):
    """An augmentation of a plugin."""

    def unsuited(self, data: DataSpec) -> str | None:
        """As `Augmentation.unsuited`."""
        with self.zoo_guard(f"unsuited() of the augmentation {self.name!r} failed"):
            return _reason(super().unsuited(data), f"the augmentation {self.name!r}")

    def contribute(self, transform: Transform) -> bool:
        """As `Augmentation.contribute`."""
        with self.zoo_guard(f"contribute() of the augmentation {self.name!r} failed"):
            return bool(super().contribute(transform))

    def __call__(self, images: Tensor) -> Tensor:
        """As `Augmentation.__call__`. Raises PluginError for images of another shape."""
        with self.zoo_guard(f"the augmentation {self.name!r} failed"):
            changed = super().__call__(images)  # type: ignore[safe-super]
            shape = getattr(changed, "shape", None)
            if shape != images.shape:
                made = type(changed).__name__ if shape is None else f"images of shape {tuple(shape)}"
                raise PluginError(f"the augmentation {self.name!r} made {made} of images {tuple(images.shape)}")
            return changed


class GuardedExporter(Guarded, Exporter):
    """An exporter of a plugin."""

    def export(self, generator: Generator, path: Path) -> None:
        """As `Exporter.export`. Raises PluginError where it wrote no file, OSError where the disk is full."""
        full: OSError
        with self.zoo_guard(f"the exporter {self.name!r} failed"):
            try:
                super().export(generator, path)  # type: ignore[safe-super]
            except (
                OSError
            ) as error:  # a full disk is no mistake of the plugin's; whoever asked for the file says what to do
                if error.errno not in NO_ROOM:
                    raise
                full = error
            else:
                if not path.is_file():
                    raise PluginError(
                        f"the exporter {self.name!r} has written no file; write to the path that it is given"
                    )
                return
        raise full

    def unsuited(self, generator: Generator) -> str | None:
        """As `Exporter.unsuited`."""
        with self.zoo_guard(f"unsuited() of the exporter {self.name!r} failed"):
            return _reason(super().unsuited(generator), f"the exporter {self.name!r}")


class GuardedCommand(Guarded, Command):
    """A command of a plugin."""

    def run(self, arguments: Sequence[str]) -> int:
        """As `Command.run`. Raises PluginError for what is no exit code."""
        with self.zoo_guard(f"zoo {self.name} failed"):
            try:
                code = super().run(arguments)  # type: ignore[safe-super]
            except (
                SystemExit
            ) as asked:  # of whatever reads the arguments: the end of a command, and no mistake of its own
                leaving = asked
            else:
                if not isinstance(code, int) or not 0 <= code <= 255:  # of another one the system keeps the last byte
                    raise PluginError(
                        f"zoo {self.name}: run() returned {code!r}; return the exit code, 0 where it did what was asked, else up "
                        "to 255"
                    )
                return code
        raise leaving
