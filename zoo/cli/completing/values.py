"""The values of an option or a place, by what it is called."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from zoo.cli.completing.answer import NOTHING, Answer, words
from zoo.cli.completing.runs import classes, names, runs, steps
from zoo.cli.completing.takes import Option


def values(command: str, option: Option, typed: str, architecture: str | None, run: str | None) -> Answer:
    """What fits there; `architecture` and `run` are those that the line names."""
    if option.choices:
        return words(option.choices)
    if command == "theory" and option.name in _OF_THEORY:
        return words(_OF_THEORY[option.name])
    if option.name in ("run", "from_run"):
        found = runs(typed)
        if (
            (command in _DRAWING or option.name == "from_run") and typed and "/" not in typed
        ):  # what is in folders is found at once, plugins take their time
            return replace(found, values={**found.values, **_pretrained()})
        return found
    if option.name == "architecture" and command == "train":  # or data, for which one is chosen
        return replace(architectures(), kind="files")
    if option.name == "architecture" or (option.name == "name" and command == "info"):
        return architectures()
    if option.name == "preset" and architecture is not None:
        return presets(architecture)
    if run is not None and option.name in _OF_A_RUN:
        return _OF_A_RUN[option.name](run)
    if option.name in _BY_NAME:
        return _BY_NAME[option.name]()
    return Answer({}, "files") if option.path else NOTHING


def architectures() -> Answer:
    """Those that plugins bring, and what each is."""
    from zoo.plugins.registry import registry

    known = registry()
    return Answer(
        {name: known.contribution(name).value.summary() for name in known.names if name not in known.conflicts}
    )


_DRAWING = ("sample", "interpolate", "arithmetic", "evaluate", "export")
"""The commands that take the name of an architecture that comes trained in the place of a run."""


def _pretrained() -> dict[str, str]:
    from zoo.plugins.registry import pretrained_run, registry

    return {
        name: "comes trained" for name in registry().names if name not in registry().conflicts and pretrained_run(name)
    }


def presets(architecture: str) -> Answer:
    """An architecture's, and what each is."""
    from zoo.plugins.registry import registry

    if architecture not in registry().names or architecture in registry().conflicts:
        return NOTHING
    found = registry().contribution(architecture).value
    return Answer({name: found.preset_notes.get(name, "") for name in found.presets})


def _objectives() -> Answer:
    from zoo.plugins.registry import registry

    return words(registry().objectives)


def _data() -> Answer:
    from zoo.data.registry import sources
    from zoo.plugins.registry import registry

    return replace(Answer({name: source.summary for name, source in sources(registry().sources).items()}), kind="files")


def _plugins(kind: str) -> Answer:
    from zoo.plugins import kinds
    from zoo.plugins.registry import registry

    return words(registry().names_of(getattr(kinds, kind)))


def _checks() -> Answer:
    from zoo.testing.kit import CHECKS

    return Answer({name: check.sentence for name, check in CHECKS.items()})


def _ops() -> Answer:
    from zoo.bench.workloads import NAMES

    return words(NAMES)


_BY_NAME: Mapping[str, Callable[[], Answer]] = {
    "augment": lambda: _plugins("AUGMENTATION"),
    "data": _data,
    "against": _data,
    "extractor": lambda: words(("auto", "digits", "classifier", "efficientnet-lite0", "inception", "random")),
    "resize": lambda: words(("torch-fidelity", "clean-fid", "pytorch-fid")),
    "evaluate_metric": lambda: _plugins("METRIC"),
    "keep_best": lambda: _plugins("METRIC"),
    "device": lambda: words(("auto", "cpu", "mps", "cuda")),
    "metric": lambda: _plugins("METRIC"),
    "objective": _objectives,
    "only": _checks,
    "op": _ops,
    "shell": lambda: words(("bash", "zsh", "fish")),
    "to": lambda: _plugins("EXPORTER"),
    "without": _checks,
}
_OF_A_RUN: Mapping[str, Callable[[str], Answer]] = {
    "labels": classes,
    "label": classes,
    "checkpoint": names,
    "step": steps,
    "from_step": steps,
}
_OF_THEORY = {"source": ("line", "ring", "grid"), "generator": ("gaussian", "missing", "wider", "same")}
