"""What each picture is of: what the container says, else a label file, else the folders. Decided here, once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from zoo.data.class_names import ordered
from zoo.data.pictures import unused
from zoo.data.pictures.container import LABEL_FILES, Container
from zoo.data.pictures.label_file import SeveralError, read_labels
from zoo.data.pictures.layout import Layout, counted, understand
from zoo.data.pictures.unused import Unused
from zoo.errors import DataError
from zoo.system.names import printable, shown

FOLDER = "folder"
"""Where classes are from that the paths tell."""


@dataclass
class Labelling:
    """The pictures that are used, and what each is of."""

    taken: list[int]
    """Places of the pictures that are used."""
    labels: list[int] = field(default_factory=list)
    """The class of each; empty where there are none."""
    class_names: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """What a person should know, in sentences."""
    why_unlabelled: str = ""
    """Why there are no classes."""
    by_folder: bool = True
    """Whether the paths alone tell the classes."""


@dataclass
class _Told:
    """What one place tells of the pictures."""

    labels: dict[int, str]
    """The class of those that it names, by their places."""
    where: str
    """Which place: ``folder``, ``labels.csv``."""
    classes: Sequence[str] = ()
    """All classes in order, where it names them."""


def label(
    container: Container, names: Sequence[str], readable: Sequence[bool], split: str | None, aside: Unused
) -> Labelling:
    """The pictures with these paths that are used, and their classes.

    `readable`: those whose header could be read; a class without one of these is left out. What falls aside is counted in `aside`.
    Raises DataError for a split that is not there and a label file that is damaged.
    """
    title = container.path.name or str(container.path)
    layout = understand(names, split, container.sharded, title)
    result = Labelling(sorted([*layout.taken, *layout.strays]), notes=layout.notes)
    result.why_unlabelled = layout.why_unlabelled or container.several_labels
    for place in layout.beside:
        aside.add(unused.BESIDE, names[place])
    try:
        told = _by_container(container, layout) or _by_file(container, names, layout, result, aside)
    except SeveralError as error:
        result.why_unlabelled = str(error)
        told = None
    else:
        if told is None and layout.labels is not None:
            told = _Told(dict(zip(layout.taken, layout.labels, strict=True)), FOLDER)
    if told is not None:
        _number(result, told, layout, names, readable, aside)
    if not result.class_names and result.why_unlabelled:
        result.notes.append(f"no classes: {result.why_unlabelled}")
    return result


def _by_container(container: Container, layout: Layout) -> _Told | None:
    own = container.labels
    if own is None:
        return None
    found = {place: str(text) for place in [*layout.taken, *layout.strays] if (text := own[place]) is not None}
    return _Told(found, container.labels_from, container.class_names)


def _by_file(
    container: Container, names: Sequence[str], layout: Layout, result: Labelling, aside: Unused
) -> _Told | None:
    """What the label file says that lies nearest to the pictures, at the top or where the folders of the classes are."""
    where = next((file for name in LABEL_FILES for file in _beside(container.label_files, name, layout.base)), None)
    if where is None:
        return None
    folder = where.removesuffix(PurePosixPath(where).name)
    below = [place for place, name in enumerate(names) if name.startswith(folder)]
    try:
        labels = read_labels(where, container.read(where), [names[place].removeprefix(folder) for place in below])
    except OSError as error:
        raise DataError(f"{container.path}: {shown(where)} cannot be read: {error.strerror or error}") from error
    if labels is None:
        return None
    result.notes += labels.notes
    if not labels.names_pictures:
        aside.add(unused.OTHER, where)
        return None
    if not labels.found:
        result.notes.append(f"{shown(where)} names none of these pictures, and is not used")
        aside.add(unused.OTHER, where)
        return None
    return _Told({below[place]: text for place, text in labels.found.items()}, where)


def _beside(files: Sequence[str], name: str, base: str) -> list[str]:
    """Those of that name that lie at `base` or above, the deepest first."""
    above = ["", *(f"{parent}/" for parent in reversed(PurePosixPath(f"{base}/x").parents) if str(parent) != ".")]
    return [folder + name for folder in reversed(above) if folder + name in files]


def _number(
    result: Labelling, told: _Told, layout: Layout, names: Sequence[str], readable: Sequence[bool], aside: Unused
) -> None:
    """Give each picture the index of its class, and leave aside those that have none."""
    taken = [place for place in result.taken if place in told.labels]
    good = {told.labels[place] for place in taken if readable[place]}
    classes = list(told.classes) or ordered(good)
    if empty := sorted({told.labels[place] for place in taken} - set(classes)):
        result.notes.append(f"no picture of {', '.join(map(shown, empty))} can be read: left out as a class")
        for place in taken:
            if told.labels[place] not in classes:
                aside.add(unused.UNREADABLE_CLASS, names[place])
        taken = [place for place in taken if told.labels[place] in classes]
    if len(classes) < 2:
        result.why_unlabelled = (
            f"one class alone, {shown(classes[0]) if classes else 'of none'}, by {shown(told.where)}"
        )
        return
    for place in result.taken:
        if place not in told.labels:
            aside.add(unused.STRAYS if place in layout.strays else unused.UNLABELLED, names[place])
    number = {name: index for index, name in enumerate(classes)}
    result.taken = taken
    result.by_folder = told.where == FOLDER
    result.labels = [number[told.labels[place]] for place in taken]
    result.class_names = [printable(name) for name in classes]
    counts = counted([told.labels[place] for place in taken], classes)
    result.notes.append(f"{len(classes):,} classes, by {shown(told.where)}: {counts}")
