"""What the folders mean in which pictures lie: splits, shards, classes. One rule, from paths alone."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from zoo.data.class_names import ordered
from zoo.errors import DataError, unknown
from zoo.system.names import shown

SPLITS = {
    "train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val", "dev": "val",
    "test": "test", "testing": "test",
}  # fmt: skip
"""What the parts of a data set are called, as people write them and as they are called here."""

ALL = "all"
"""The choice of every split at once."""

_SHARD = re.compile(r"\d{5,}|(?:shard|part|chunk|batch)[-_]?\d+")


@dataclass
class Layout:
    """What the paths say: which pictures are taken, and what each is of."""

    taken: list[int]
    """Places of the pictures that are used."""
    labels: list[str] | None = None
    """The class of each of these."""
    strays: list[int] = field(default_factory=list)
    """Places of pictures beside the folders of the classes, which are of none."""
    beside: list[int] = field(default_factory=list)
    """Places of pictures beside the folders of the splits, which are of none."""
    notes: list[str] = field(default_factory=list)
    """What a person should know of the choice."""
    why_unlabelled: str = ""
    """Why there are no classes, as half a sentence."""
    base: str = ""
    """The folder that holds all that is used: ``dataset/train``; empty for the top."""


def split_of(name: str) -> str | None:
    """The split that a folder's or a shard's name means: of ``train``, ``val-00001``, ``test_images`` its first word."""
    return SPLITS.get(re.split(r"[-_.]", name.lower(), maxsplit=1)[0])


def understand(
    names: Sequence[str], split: str | None = None, sharded: bool = False, title: str = "the folder"
) -> Layout:
    """The layout of pictures with these paths.

    Folders that hold all the others are stepped into. Then: train, val and test are splits, of which one is taken (`split`: its
    name, or all; train by default), at the top or within each class; 00000, 00001, … are shards; and what is left are classes,
    where there are two or more. `sharded`: the first part of each path is the file in which the picture lies, whose name may
    tell its split. Raises DataError for a `split` that is not there, and where there is none to be taken by default.
    """
    if split is not None and split != ALL and split.lower() not in SPLITS:
        raise DataError(unknown("--split", split, [*dict.fromkeys(SPLITS.values()), ALL]))
    parts = [tuple(name.split("/")) for name in names]
    layout = Layout(list(range(len(names))))
    depth = 0 if sharded else _common(parts)
    found = _splits(parts, depth, split) or ({} if sharded else _splits(parts, depth + 1, split))
    if found:
        _take(layout, found, split, title)
        kept = set(layout.taken)
        layout.beside = [
            place
            for place in range(len(names))
            if place not in kept and not any(place in each for each in found.values())
        ]
        inside = _splits(parts, depth, split) is not None
        depth = max(depth + inside, 0 if sharded else _common([parts[place] for place in layout.taken]))
    elif split not in (None, ALL):
        raise DataError(f"--split {split}: {title} has no splits (folders train, val and test); leave it out")
    elif sharded:
        depth = 1
    deepest = max((parts[place] for place in layout.taken), key=len, default=())
    layout.base = "" if sharded else "/".join(deepest[:depth])
    depth = _past_shards(parts, layout, depth)
    _classes(parts, layout, depth)
    return layout


def _common(parts: Iterable[tuple[str, ...]]) -> int:
    """How many folders all paths have in common; a few beside a folder with folders of its own do not count."""
    every = list(parts)
    depth = 0
    while every:
        inside = [path for path in every if len(path) > depth + 1]
        if len({path[depth] for path in inside}) != 1:
            return depth
        few = 2 * len(inside) > len(every) and any(len(path) > depth + 2 for path in inside)
        if len(inside) < len(every) and not few:
            return depth
        every, depth = inside, depth + 1
    return depth


def _splits(parts: Sequence[tuple[str, ...]], depth: int, split: str | None) -> dict[str, set[int]] | None:
    """The places of each split, where the folders at this depth are splits: two at least, or the one that is asked for."""
    found: dict[str, set[int]] = defaultdict(set)
    for place, path in enumerate(parts):
        own = split_of(path[depth]) if len(path) > depth + 1 else None
        if own is not None:
            found[own].add(place)
    asked = split is not None and split != ALL and SPLITS[split.lower()] in found
    return dict(found) if len(found) > 1 or asked else None


def _take(layout: Layout, found: Mapping[str, set[int]], split: str | None, title: str) -> None:
    """Take one of the splits, or all."""
    counts = ", ".join(f"{name} {len(places):,}" for name, places in found.items())
    if split == ALL:
        layout.notes.append(f"splits {counts}: all are used")
        layout.taken = sorted(set().union(*found.values()))
        return
    wanted = SPLITS[split.lower()] if split else "train"
    if wanted not in found:
        raise DataError(
            f"{title} has the splits {counts}, and no {wanted}; say which: --split {next(iter(found))}, or --split {ALL}"
        )
    layout.notes.append(f"splits {counts}: {wanted} is used (--split chooses another, or {ALL})")
    layout.taken = sorted(found[wanted])


def _past_shards(parts: Sequence[tuple[str, ...]], layout: Layout, depth: int) -> int:
    """One deeper where the folders are shards: numbered ones in which no file's name comes twice."""
    inside = [place for place in layout.taken if len(parts[place]) > depth + 1]
    folders = {parts[place][depth] for place in inside}
    if len(folders) < 2 or any(len(parts[place]) != depth + 2 for place in inside):
        return depth
    files = {parts[place][-1] for place in inside}
    same_width = len({len(name) for name in folders}) == 1
    if same_width and len(files) == len(inside) and all(_SHARD.fullmatch(name) for name in folders):
        first, last = min(folders), max(folders)
        layout.why_unlabelled = f"the folders {shown(first)} to {shown(last)} are shards, not classes"
        return depth + 1
    return depth


def _classes(parts: Sequence[tuple[str, ...]], layout: Layout, depth: int) -> None:
    inside = [place for place in layout.taken if len(parts[place]) > depth + 1]
    folders = {parts[place][depth] for place in inside}
    if len(folders) < 2:
        deepest = max((parts[place] for place in layout.taken), key=len, default=())
        name = next(iter(folders), deepest[depth - 1] if 0 < depth < len(deepest) else "")
        if not layout.why_unlabelled and name and not split_of(name):
            layout.why_unlabelled = f"one folder alone, {shown(name)}, makes no classes"
        return
    strays = len(layout.taken) - len(inside)
    if strays > len(inside):
        layout.why_unlabelled = f"{strays:,} pictures lie beside the subfolders, and {len(inside):,} in them"
        return
    layout.strays = [place for place in layout.taken if len(parts[place]) <= depth + 1]
    layout.taken = inside
    layout.labels = [parts[place][depth] for place in inside]


def counted(labels: Sequence[str], names: Sequence[str] | None = None, most: int = 10) -> str:
    """Classes with the pictures of each: ``cat 120, dog 80``."""
    counts = Counter(labels)
    names = ordered(counts) if names is None else names
    told = ", ".join(f"{shown(name)} {counts[name]:,}" for name in names[:most])
    if len(names) <= most:
        return told
    sizes = sorted(counts.values())
    each = f"{sizes[0]:,}" if sizes[0] == sizes[-1] else f"{sizes[0]:,} to {sizes[-1]:,}"
    return f"{told}, … ({each} {'picture' if each == '1' else 'pictures'} each)"
