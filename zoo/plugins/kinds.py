"""The kinds of things that plugins register: through which hook, what each must be, and how it is handed out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from zoo.plugins.attribution import Guard
from zoo.plugins.guarded import (
    GuardedArchitecture,
    GuardedAugmentation,
    GuardedCommand,
    GuardedExporter,
    GuardedMetric,
    GuardedSource,
    guard_class,
)
from zoo.plugins.guarded_objective import GuardedObjective
from zoo.plugins.validation import (
    check_architecture,
    check_augmentation,
    check_command,
    check_exporter,
    check_metric,
    check_objective,
    check_source,
)


def _class(guarded: type[Any]) -> Callable[[Any, Guard], Any]:
    return lambda own, guard: guard_class(guarded, own, guard)


@dataclass(frozen=True)
class Kind:
    """A kind of thing that plugins register."""

    title: str
    hook: str
    check: Callable[[object], None]
    """Raises PluginError for what is none."""
    guarded: Callable[[Any, Guard], Any]
    """What zoo takes in its place: the same, with whoever fails inside named."""
    attribute: str = "name"
    """Where it has its name."""
    flag: str = ""
    """What stands before the name on the command line."""

    @property
    def column(self) -> str:
        """Where ``zoo plugins --json`` lists what a plugin brings of the kind: ``data_sources``."""
        return self.hook.removeprefix("zoo_register_")

    def name_of(self, value: object) -> str:
        """The name of one of the kind."""
        return str(getattr(value, self.attribute))


ARCHITECTURE = Kind("architecture", "zoo_register_architectures", check_architecture, _class(GuardedArchitecture))
SOURCE = Kind("data source", "zoo_register_data_sources", check_source, _class(GuardedSource), flag="--data ")
OBJECTIVE = Kind("objective", "zoo_register_objectives", check_objective, GuardedObjective, "kind", "--objective ")
METRIC = Kind("metric", "zoo_register_metrics", check_metric, _class(GuardedMetric), flag="--metric ")
AUGMENTATION = Kind(
    "augmentation", "zoo_register_augmentations", check_augmentation, _class(GuardedAugmentation), flag="--augment "
)
EXPORTER = Kind("exporter", "zoo_register_exporters", check_exporter, _class(GuardedExporter), flag="--to ")
COMMAND = Kind("command", "zoo_register_commands", check_command, _class(GuardedCommand), flag="zoo ")
ALL_KINDS = (ARCHITECTURE, SOURCE, OBJECTIVE, METRIC, AUGMENTATION, EXPORTER, COMMAND)
