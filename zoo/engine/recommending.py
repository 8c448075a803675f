"""The architecture that a training has where data is named in its place: ``zoo train ./pictures``. Importing this imports no torch.

Nothing here knows an architecture: each is asked what it offers for such data (`zoo.Architecture.recommendation`).
"""

from __future__ import annotations

import difflib
import logging
import os
import re
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo.architecture import Architecture
from zoo.data.reading import Reading
from zoo.data.registry import is_name, open_source
from zoo.data.source import DataSource
from zoo.engine.geometry import choose_spec, points_spec
from zoo.errors import DataError, OptionError, PluginError, ZooError
from zoo.options import Options
from zoo.options.resolve import resolve
from zoo.plugins.registry import registry
from zoo.recommendation import Recommendation

log = logging.getLogger(__name__)

_A_NAME = re.compile(r"[\w-]*$", re.ASCII)


@dataclass(frozen=True)
class Choice:
    """The architecture of a training, as it was named, or chosen for data that was named in its place."""

    architecture: str
    data: str | None = None
    """What was named in place of an architecture."""
    source: DataSource | None = None
    """The same, opened."""
    recommendation: Recommendation | None = None
    """What the architecture says of it; None where it is that of a run to begin with, or nobody was asked."""
    others: tuple[str, ...] = ()
    """The other architectures that offer themselves, the strongest first."""

    def opened(self, options: Options) -> DataSource | None:
        """The data, where it is open and these options read it no otherwise."""
        same = self.source is not None and options.data == self.data
        return self.source if same and self.source.read_with == Reading.of(options).changed else None  # type: ignore[union-attr]


@dataclass(frozen=True)
class _Offer:
    architecture: Architecture
    recommendation: Recommendation


def is_place(given: str) -> bool:
    """Whether what stands in an architecture's place means data: a name of data, or a path; an architecture's name never does."""
    known = registry()
    if not given or known.claims(given):
        return False
    return not _A_NAME.match(given) or is_name(given, known.sources) or os.path.lexists(given)


def choose(
    given: str,
    *,
    preset: str | None = None,
    config: Path | str | None = None,
    values: Mapping[str, Any] | None = None,
    names: Collection[str] = (),
    run: str | None = None,
    device: Callable[[str], str],
) -> Choice:
    """The architecture that is named, or the one that suits the data that is named in its place.

    Args:
        given: an architecture's name, or what ``--data`` takes.
        preset: the preset that is asked for; only architectures that have it are then asked.
        config: the file of options; likewise.
        values: options that are given by hand, of which those count that say what the images are, and the device.
        names: of other options that are given by hand: an architecture without them is left out.
        run: the architecture of the run whose weights are to begin with, which decides where there is one.
        device: from ``--device`` to cpu, mps or cuda.

    Raises:
        OptionError: for ``data`` among the values beside data in the architecture's place, and options that suit no architecture.
        DataError: for data that cannot be opened, or that no architecture offers itself for.
        PluginError: for a name that is neither.
    """
    if not is_place(given):
        check_known(given)
        return Choice(given)
    values = dict(values or {})
    if "data" in values or "data" in names:
        other = values.get("data", "…")
        raise OptionError(
            f"{given} is data in an architecture's place, and --data {other} is data too; give one of them: zoo train {given}, or "
            f"zoo train NAME --data {other}"
        )
    if run is not None:
        return Choice(run, given)
    values = {name: value for name, value in values.items() if value is not None} | {"data": given}
    reading = Reading(**{name: values[name] for name in Reading.__dataclass_fields__ if name in values})
    source = open_source(given, registry().sources_for(given), reading)
    offers, refused = _offers(source, {"preset": preset, "config": config}, values, names, device)
    if not offers:
        if refused is not None:
            raise refused
        raise DataError(
            f"{given}: no architecture offers itself for {source.title}; name one: zoo train NAME --data {given} (zoo list)"
        )
    best, *others = sorted(offers, key=lambda offer: (-offer.recommendation.strength, offer.architecture.name))
    beside = tuple(offer.architecture.name for offer in others)
    return Choice(best.architecture.name, given, source, best.recommendation, beside)


def check_known(name: str) -> None:
    """Raise PluginError for a name that is no architecture's, with a folder here that is called nearly so."""
    try:
        registry().contribution(name)
    except PluginError as error:
        near: list[str] = []
        with suppress(OSError):
            folders = [entry.name for entry in os.scandir() if entry.is_dir()] if not registry().claims(name) else []
            near = difflib.get_close_matches(name, folders, n=1, cutoff=0.75)
        if not near or "did you mean" in str(error):
            raise
        raise PluginError(f"{error}; or is the folder meant? zoo train ./{near[0]}") from None


def _offers(
    source: DataSource,
    how: Mapping[str, Any],
    values: Mapping[str, Any],
    names: Collection[str],
    device: Callable[[str], str],
) -> tuple[list[_Offer], ZooError | None]:
    """What each architecture says of the data; and why none of them does, where that can be told."""
    known = registry()
    offers: list[_Offer] = []
    refused: ZooError | None = None
    able = False
    count = len(source)
    for name in (each for each in known.names if each not in known.conflicts):
        try:
            architecture = known.architecture(name)
            fields = architecture.Options.model_fields
            if any(given not in fields for given in names):
                continue
            options, _ = resolve(architecture, **how, flags=values)
            kind = device(options.device)
            # What is made of points has networks of its own under another preset than the default one, perhaps.
            spec = points_spec(source) if source.points else choose_spec(architecture, options, source)
            found = architecture.recommendation(spec, count, kind)
        except PluginError as error:  # which is not to keep anybody from the others
            log.warning("%s is not asked: %s", name, error)
            continue
        except (OptionError, DataError) as error:  # of options or images that are not for it
            if refused is None or (isinstance(error, OptionError) and not isinstance(refused, OptionError)):
                refused = error  # what was typed before what lies there
            continue
        able = True
        if found is not None:
            offers.append(_Offer(architecture, found))
    if not offers and not able and refused is None and names:
        refused = OptionError(
            f"no architecture has all of these options: {', '.join(sorted(names))}; zoo train NAME --help lists those of one"
        )
    return offers, None if able and not isinstance(refused, OptionError) else refused
