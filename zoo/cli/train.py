"""``zoo train NAME``, and ``zoo train ./pictures``."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from zoo.architecture import Architecture
from zoo.cli.arguments import early, given_by_hand, name_first, parse_training, training_defaults
from zoo.cli.importing import importing
from zoo.cli.stopping import stopping_by_signals
from zoo.cli.streams import unfailing_streams
from zoo.engine.choice import DEVICES
from zoo.engine.recommending import Choice, check_known, choose, is_place
from zoo.plugins.kinds import ARCHITECTURE
from zoo.plugins.registry import registry

if TYPE_CHECKING:
    from zoo.cli.progress import Progress

_DECIDE = (
    "data", "size", "channels", "fit", "split", "levels", "background", "hold-out", "device", "preset", "config", "from",
)  # fmt: skip
"""What an architecture is chosen by, beside the data itself."""


def run(arguments: Sequence[str]) -> int:
    """Train; returns the exit code."""
    if not arguments or arguments[0] in ("-h", "--help"):
        print(_usage())
        return 0
    place, *rest = arguments
    if place.startswith("-") or not is_place(place):
        architecture, rest = name_first("train", arguments, check_known)
        return _train([Choice(architecture.name)], _parsed(architecture, rest))
    if {"-h", "--help"} & {*rest}:
        choice = _choose(place, rest, _without_torch)
        where = DEVICES[_without_torch(early(rest, "device").get("device", "cpu"))]
        about = f"Chosen for {place} on {where}: train"
        _parsed(registry().architecture(choice.architecture), rest, _chosen(choice), about)
        return 0
    with importing():
        from zoo.cli.progress import Progress
        from zoo.engine.callbacks import Callbacks

    with unfailing_streams(), stopping_by_signals(), Progress() as progress:
        with Callbacks([progress]).forward_log():
            choice = _choose(place, rest, _kind)
        given = _parsed(registry().architecture(choice.architecture), rest, _chosen(choice))
        chosen = [choice]
        del choice  # whose data may be a line for each of millions of files
        return _train(chosen, given, progress)


def _train(chosen: list[Choice], given: Mapping[str, Any], progress: Progress | None = None) -> int:
    """Train what is in the list, and take it out."""
    with importing():
        from zoo.cli.progress import Progress
        from zoo.engine.train import train

    if progress is not None:
        train(chosen.pop(), callbacks=[progress], **given)
        return 0
    with unfailing_streams(), stopping_by_signals(), Progress() as progress:
        train(chosen.pop(), callbacks=[progress], **given)
    return 0


def _parsed(
    architecture: Architecture, rest: Sequence[str], chosen: Mapping[str, Any] | None = None, about: str = "Train"
) -> dict[str, Any]:
    """The arguments of `zoo.train` that are typed. `chosen`: what holds where nothing else is; `about`: how the help begins."""
    defaults, own = training_defaults(architecture, rest, chosen=chosen)
    own["out"] = (Path | None, None, f"Folder of the new run; by default the next free runs/{architecture.name}-NNN.")
    own["from_run"] = (
        Annotated[Path | None, tyro.conf.arg(name="from")],
        None,
        "A run whose weights this one begins with, or the name of an architecture that comes trained.",
    )
    parsed = parse_training(architecture, rest, defaults, own, about=about)
    return {**given_by_hand(parsed, rest), "from_run": parsed["from_run"]}


def _chosen(choice: Choice) -> dict[str, Any]:
    """What a choice gives where nothing is typed, as `training_defaults` takes it."""
    found = choice.recommendation
    layers = {} if found is None else {"suited": found.preset, "suited_options": found.options}
    return {**layers, "flags": {"data": choice.data}}


def _choose(place: str, rest: Sequence[str], device: Callable[[str], str]) -> Choice:
    """The architecture for data that was typed in its place, and options behind it."""
    words = [_spelt(word) for word in rest]
    typed = {name.replace("-", "_"): value for name, value in early(words, *_DECIDE).items()}
    preset, config, origin = (typed.pop(name, None) for name in ("preset", "config", "from"))
    names = {
        word[2:].partition("=")[0].removeprefix("no-").replace("-", "_") for word in words if word.startswith("--")
    }
    architectures = registry().of_kind(ARCHITECTURE).values()
    of_some = {name for each in architectures for name in each.Options.model_fields}
    return choose(
        place,
        preset=preset,
        config=config,
        values=typed,
        names=names & of_some,  # what nobody knows is told of by whoever reads the rest
        run=None if origin is None else _architecture_of(origin),
        device=device,
    )


def _spelt(word: str) -> str:
    """A flag as it is documented, where the parser takes another spelling: ``--hold-out=9`` for ``--hold_out=9``."""
    flag, equals, value = word.partition("=")
    return flag.replace("_", "-") + equals + value if word.startswith("--") else word


def _architecture_of(origin: str) -> str:
    """The architecture of a run to begin with, or the one that comes trained."""
    from zoo.run.run import Run

    if origin in registry().names and not os.path.exists(os.path.join(origin, "config.json")):
        return origin
    return Run(origin).architecture


def _kind(asked: str) -> str:
    """The kind of device that ``--device`` means here. Torch, which knows, is imported once the data is open."""
    with importing():
        from zoo.engine.runtime.device import choose_device
    return choose_device(asked).type


def _without_torch(asked: str) -> str:
    """The kind of device that is asked for, where nothing is to be computed; a CPU where that is left to the machine."""
    kind = asked.partition(":")[0]
    return kind if kind in ("cuda", "mps") else "cpu"


def _usage() -> str:
    names = registry().names
    return (
        "usage: zoo train NAME [OPTIONS]\n       zoo train DATA [OPTIONS]\n\nTrain a GAN. NAME is one of: "
        + ", ".join(names)
        + "\nDATA is a folder of pictures, as ./pictures, or whatever else --data takes: the architecture and preset that suit it "
        "are taken.\nzoo train NAME --help lists every option; zoo info NAME tells of its presets."
    )
