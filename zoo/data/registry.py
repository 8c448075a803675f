"""From what a person typed after --data to an open source."""

from __future__ import annotations

import difflib
import glob
import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from zoo.data.pictures.kinds import ARCHIVES, suffix_of
from zoo.data.pictures.shards import BRACES
from zoo.data.readers import open_with, readers
from zoo.data.reading import Reading
from zoo.data.source import DataSource
from zoo.errors import DataError, PluginError
from zoo.system.names import as_here
from zoo.system.reading import not_read, refuse_unreadable

log = logging.getLogger(__name__)

DEFAULT = "digits"

_KINDS = (
    "digits (built in), a folder of images (./photos), MNIST-like IDX files (train-images-idx3-ubyte.gz or their "
    "folder), CIFAR-10/100 (./cifar-10-batches-py), arrays (images.npy, .npz, .h5), archives and tables of pictures (.zip, .tar, "
    ".parquet, LMDB), points (line, ring, grid), data known by name (mnist, fashion_mnist, kmnist, cifar10, cifar100, celeba, "
    "hf:USER/NAME)"
)


def builtin_sources() -> list[type[DataSource]]:
    """The kinds of data that come with zoo, in the order in which they are asked about a path."""
    from zoo.data.known.celeba import CelebaSource
    from zoo.data.known.hub import HubSource
    from zoo.data.known.named import NAMED

    return [*readers(), *NAMED, CelebaSource, HubSource]


def builtin_names() -> set[str]:
    """What they are called."""
    return {source.name for source in builtin_sources()}


def sources(extra: Sequence[type[DataSource]] = ()) -> dict[str, type[DataSource]]:
    """Every kind of data by name, those of plugins first. A name that two classes claim is a PluginError."""
    known: dict[str, type[DataSource]] = {}
    for source in [*extra, *builtin_sources()]:
        other = known.setdefault(source.name, source)
        if other is not source:
            raise PluginError(
                f"two kinds of data are called {source.name!r}: {_where(other)} and {_where(source)}; "
                "remove one of the two, or restrict the plugins with ZOO_PLUGINS"
            )
    return known


def open_source(location: str, extra: Sequence[type[DataSource]] = (), reading: Reading | None = None) -> DataSource:
    """Open what `--data location` names.

    A registered name ("digits"), a name and a location ("folder:./photos"), or a path, whose kind is found by asking
    the sources of plugins (`extra`) first and then the built-in ones. A path that is spelled like a name is meant by
    writing it as ./digits. `reading`: options of reading it. Raises DataError when nothing fits, naming the nearest name or
    file, and for an option that means nothing for such data.
    """
    known = sources(extra)
    location = as_here(location)
    try:
        if is_name(location, extra):
            name, _, rest = location.partition(":")
            if known[name].takes_path:
                _refuse_unreadable(rest)
            if location == name and os.path.exists(name):
                log.info("--data %s is the data of that name; write ./%s for what is called so here", name, name)
            source = open_with(known[name], rest, reading)
        else:
            _refuse_unreadable(location)
            source = open_with(_first_that_accepts(location, known), location, reading)
        source.opened_as = absolute(location, extra)
        source.read_with = (reading or Reading()).changed
        return source
    except OSError as error:
        raise DataError(f"--data {location!r}: {not_read(location, error)}") from error


def _refuse_unreadable(location: str) -> None:
    """Raise OSError where the location is a path, with a layout behind it perhaps, that cannot be read."""
    for path in filter(None, (location, location.rpartition(":")[0])):
        refuse_unreadable(os.path.expanduser(path))


def _first_that_accepts(location: str, known: Mapping[str, type[DataSource]]) -> type[DataSource]:
    broken: PluginError | None = None
    for source in known.values() if location else ():
        try:
            fits = source.accepts(location)
        except PluginError as error:  # of a plugin that this data may have nothing to do with
            broken, fits = broken or error, False
        if fits:
            return source
    raise broken or DataError(_nothing_fits(location, known))


def is_name(location: str, extra: Sequence[type[DataSource]] = ()) -> bool:
    """Whether `location` is a registered name ("digits", "folder:./photos") rather than a path."""
    known = sources(extra)
    name, colon, _ = location.partition(":")
    return name in known and (bool(colon) or known[name].accepts(""))


def is_missing(location: str, extra: Sequence[type[DataSource]] = ()) -> bool:
    """Whether `location` names a path, of a kind or alone, that does not exist: as ``/photos`` and ``folder:/photos`` do."""
    location = as_here(location)
    rest = location
    if is_name(location, extra):
        name, _, rest = location.partition(":")
        if not sources(extra)[name].takes_path:
            return False
    return (
        os.path.isabs(rest)
        and not is_pattern(rest)
        and not any(os.path.exists(candidate) for candidate in (rest, rest.rpartition(":")[0]) if candidate)
    )


def absolute(location: str, extra: Sequence[type[DataSource]] = ()) -> str:
    """The same data, spelled so that it is found from any working directory: what a run should remember."""
    location = as_here(location)
    if is_name(location, extra):
        name, colon, rest = location.partition(":")
        return name + colon + (_absolute_path(rest) if rest and sources(extra)[name].takes_path else rest)
    return _absolute_path(location)


def _absolute_path(location: str) -> str:
    path, colon, layout = location.rpartition(":")
    for candidate, suffix in ((location, ""), (path, colon + layout)):
        try:
            if candidate and Path(os.path.expanduser(candidate)).exists():
                return str(Path(os.path.expanduser(candidate)).resolve()) + suffix
        except (OSError, ValueError):
            continue
    if is_pattern(location):
        return os.path.abspath(os.path.expanduser(location))
    return location


def is_pattern(location: str) -> bool:
    """Whether it means several files by a pattern: ``photos/*.png``, ``train-{000..013}.tar``."""
    return glob.has_magic(location) or bool(BRACES.search(location))


def _where(source: type) -> str:
    return f"{source.__module__}.{source.__qualname__}"


def _nothing_fits(location: str, known: Mapping[str, type[DataSource]]) -> str:
    given = f"--data {location!r}"
    if "\0" in location:
        return f"{given} is no path; what works: {_KINDS}"
    path = Path(os.path.expanduser(location))
    try:
        if location and path.exists():
            if suffix_of(path.name) in ARCHIVES:
                return f"{given}: archives of this kind are not read; unpack it, and give the folder"
            kind = "folder holds no data" if path.is_dir() else "file is no data"
            return f"{given}: this {kind} that zoo can read; what works: {_KINDS}"
        parent = path.parent
        siblings = sorted(entry.name for entry in parent.iterdir()) if parent.is_dir() else []
    except OSError as error:
        return f"{given} cannot be opened ({error.strerror or error}); what works: {_KINDS}"
    if location in known and known[location].takes_path:
        return f"--data {location} needs to know where: --data {location}:PATH, or only the path; what works: {_KINDS}"
    if location in known:
        return f"--data {location} needs to know which: {known[location].summary} What works: {_KINDS}"
    near = difflib.get_close_matches(path.name, siblings, n=1, cutoff=0.6)
    if near:
        return f"{given} does not exist; did you mean {str(parent / near[0])!r}? (zoo list names what comes by name)"
    if len(path.parts) > 1 or "." in location:
        missing = "" if parent.is_dir() else f" (there is no folder {str(parent)!r} either)"
        return f"{given} does not exist{missing}; what works: {_KINDS}"
    if named := difflib.get_close_matches(location.lower(), list(known), n=1, cutoff=0.6):
        return f"{given} does not exist, and no data has that name; did you mean {named[0]!r}? (zoo list)"
    return f"{given} does not exist, and no data has that name (zoo list); what works: {_KINDS}"
