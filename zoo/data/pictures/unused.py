"""What lies among the pictures and is not used: counted by reason, told in one line."""

from __future__ import annotations

from collections import defaultdict

from zoo.data.pictures.kinds import PLUGINS
from zoo.system.names import shown

_NAMED = 3

LINKS = "link that leads nowhere|links that lead nowhere"
UNREADABLE = "folder or file that cannot be read|folders and files that cannot be read"
OTHER = "other file|other files"
HIDDEN = "hidden file|hidden files"
SYSTEM = "folder of another program|folders of other programs"
RUNS = "run of zoo|runs of zoo"
GRIDS = "grid drawn by zoo|grids drawn by zoo"
DRAWN = "picture drawn by zoo|pictures drawn by zoo"
FRAMES = (
    "picture of several frames or pages, but for its first|pictures of several frames or pages, but for their first"
)
NESTED = "archive within|archives within"
TWICE = "file of a name that is there already|files of names that are there already"
SPECIAL = "member that is no file|members that are no files"
STRAYS = "picture beside the folders of the classes|pictures beside the folders of the classes"
BESIDE = "picture beside the folders of the splits|pictures beside the folders of the splits"
UNREADABLE_CLASS = "picture of a class of which none can be read|pictures of classes of which none can be read"
EMPTY = "empty folder|empty folders"
UNLABELLED = "picture that the labels do not name|pictures that the labels do not name"

_HARMLESS = (HIDDEN, SYSTEM)


class Unused:
    """Names by reason. A reason is one of the words above, for one and for several, or the suffix of a kind that is not read."""

    def __init__(self) -> None:
        self._names: dict[str, list[str]] = defaultdict(list)
        self._counts: dict[str, int] = defaultdict(int)

    def add(self, reason: str, name: str) -> None:
        """Count one more."""
        self._counts[reason] += 1
        if len(self._names[reason]) < _NAMED:
            self._names[reason].append(name)

    def copy(self) -> Unused:
        """Another that goes on counting from here."""
        other = Unused()
        for reason, names in self._names.items():
            other._names[reason] = list(names)
            other._counts[reason] = self._counts[reason]
        return other

    def reasons(self, harmless: bool) -> list[str]:
        """Each reason with its count and a few names, kinds of pictures first: ``200 .heic``, ``2 links that lead nowhere (a)``.

        `harmless`: with what no person has put there, as hidden files are; else without.
        """
        kinds = sorted(
            (reason for reason in self._counts if reason.startswith(".")), key=lambda kind: -self._counts[kind]
        )
        lines = []
        if kinds:
            counted = ", ".join(f"{self._counts[kind]:,} {kind}" for kind in kinds)
            installable = any(kind in suffixes for kind in kinds for suffixes in PLUGINS.values())
            lines.append(counted + (' (pip install "zoo-gan[pictures]" reads .heic and .jxl)' if installable else ""))
        for reason, count in self._counts.items():
            if reason.startswith(".") or (reason in _HARMLESS and not harmless):
                continue
            names = ", ".join(shown(name) for name in self._names[reason])
            one, _, several = reason.partition("|")
            lines.append(f"{count:,} {one if count == 1 else several} ({names}{', …' if count > _NAMED else ''})")
        return lines
