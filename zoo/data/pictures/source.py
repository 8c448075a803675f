"""Pictures of any sizes and kinds, wherever their files lie."""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from PIL import Image

from zoo.data.cache import digest
from zoo.data.fit import fit_picture
from zoo.data.formats.picture import PictureError, limits_of, read_picture
from zoo.data.images import Fit, Images, Unreadable
from zoo.data.parallel import in_order
from zoo.data.pictures import unused
from zoo.data.pictures.container import Container
from zoo.data.pictures.index import Entry, Index, fingerprint_of
from zoo.data.pictures.labelling import label
from zoo.data.reading import Reading
from zoo.data.source import DataSource
from zoo.data.spec import DataSpec
from zoo.data.values import NATURAL, USUAL, Limits, Values, widened
from zoo.errors import DataError
from zoo.system.denied import denied
from zoo.system.names import shown

_PER_ITEM = 16  # files; enough that handing over a work item costs little

Item = list[tuple[int, "Path | bytes | OSError"]]


class PictureSource(DataSource):
    """All pictures of a container, in its order.

    Images are grey only when all are (told from the headers). Each keeps its own size until it is fitted.
    """

    takes: ClassVar[tuple[str, ...]] = ("split", "levels", "background")

    @classmethod
    @abstractmethod
    def open(cls, location: str) -> Container:
        """The container that a person means. Raises DataError, OSError."""

    def __init__(self, location: str, reading: Reading | None = None) -> None:
        self._reading = reading or Reading()
        self._values = USUAL
        try:
            self._container = container = self.open(location)
        except MemoryError as error:  # headers of an archive that ask for more than there is
            raise DataError(f"{location} asks for more memory than there is; it is no archive of pictures") from error
        path = container.path
        index = Index(container)
        aside = container.unused.copy()
        entries = []
        # Samples among a person's own pictures are there by accident; where there is nothing else, they are meant.
        own = any(entry.problem is None and not (entry.grid or entry.drawn) for entry in index.entries)
        for entry in index.entries:
            if entry.grid or (entry.drawn and own):
                aside.add(unused.GRIDS if entry.grid else unused.DRAWN, entry.name)
                continue
            if entry.frames:
                aside.add(unused.FRAMES, entry.name)
            entries.append(entry)
        reasons = aside.reasons(harmless=True)
        if not entries:
            there = f"; there are {', '.join(reasons)}" if reasons else ""
            raise DataError(
                f"{path} holds no pictures (files such as .png, .jpg or .webp, in it or in its subfolders){there}"
            )
        good = [entry for entry in entries if entry.problem is None]
        if not good and all(entry.denied for entry in entries):
            raise DataError(
                f"{path}: none of its {len(entries):,} pictures can be read: {denied(path / entries[0].name)}"
            )
        if not good:
            first = "; ".join(f"{shown(entry.name)} ({entry.problem})" for entry in entries[:3])
            raise DataError(f"{path}: not one of its {len(entries):,} pictures can be read: {first}")
        labelling = label(
            container,
            [entry.name for entry in entries],
            [entry.problem is None for entry in entries],
            self._reading.split,
            aside,
        )
        self._index = index
        self._entries = [entries[place] for place in labelling.taken]
        self._labels, self.class_names = labelling.labels, labelling.class_names
        self._by_folder = labelling.by_folder
        self.why_unlabelled = labelling.why_unlabelled
        good = [entry for entry in self._entries if entry.problem is None]
        if not good:
            raise DataError(f"{path}: not one of the {len(self._entries):,} pictures chosen can be read; choose others")
        self.title = shown(path.resolve().name or str(path))
        self.channels = 1 if all(entry.grey for entry in good) else 3
        self.transparent = sum(entry.alpha for entry in good)
        sizes = Counter((entry.width, entry.height) for entry in good)
        if len(sizes) == 1:
            ((self.width, self.height),) = sizes
        told = aside.reasons(harmless=True)
        self.notes = (*labelling.notes, *([f"not used: {'; '.join(told)}"] if told else []))
        self.unused = tuple(aside.reasons(harmless=False))

    def __len__(self) -> int:
        return len(self._entries)

    def fingerprint(self) -> str:
        self._index.contents()
        entries = self._known()
        kind: list[str | int] = ["folder", fingerprint_of(entries), self.channels]
        # What the names do not tell, and only where there is such: older runs know no such words.
        if not self._by_folder:
            kind += [*self.class_names, *self._labels]
        kind += [part for item in sorted(self._reading.changed.items()) if item[0] != "split" for part in item]
        return digest(*kind)

    def _known(self) -> list[Entry]:
        """The entries that are used, with all that the index has learnt since."""
        known = {entry.name: entry for entry in self._index.entries}
        return [known[entry.name] for entry in self._entries]

    def chunks(self) -> Iterator[Item]:
        """Some files: the place of each, and where it lies or what is in it."""
        self._values = Values(self._limits(), self._reading.colour)
        yield from self._files()

    def _limits(self) -> dict[str, Limits]:
        """Black and white by kind of number, where they are not the usual ones: as asked for, or by a pass over all pictures."""
        if (given := self._reading.limits) is not None:
            return dict.fromkeys(NATURAL, given)
        if self._reading.levels is None:
            return {}

        def look(item: Item) -> list[tuple[str, Limits]]:
            found = []
            for position, file in item:
                if self._entries[position].problem is None and not isinstance(file, OSError):
                    with suppress(PictureError):  # which is counted when it is decoded
                        found.append(limits_of(file))
            return found

        limits: dict[str, Limits] = {}
        for kind, ends in (pair for found in in_order(look, self._files()) for pair in found):
            limits[kind] = widened(limits.get(kind), ends)
        return {kind: ends for kind, ends in limits.items() if ends[0] < ends[1]}

    def _files(self) -> Iterator[Item]:
        start = 0
        for part in self._container.parts([entry.member for entry in self._entries], _PER_ITEM):
            yield list(enumerate(self._container.load(part), start))
            start += len(part)

    def decode(self, item: Item, spec: DataSpec) -> Iterator[Images | Unreadable]:
        return self._read(item, spec, lambda picture: np.asarray(picture).reshape(1, *picture.size[::-1], -1))

    def fitted(self, item: Item, spec: DataSpec, how: Fit) -> Iterator[Images | Unreadable]:
        """As images are stored, straight from Pillow's pictures."""
        return self._read(item, spec, lambda picture: fit_picture(picture, spec, how))

    def _read(
        self, item: Item, spec: DataSpec, pixels: Callable[[Image.Image], npt.NDArray[np.uint8]]
    ) -> Iterator[Images | Unreadable]:
        channels = 4 if spec.channels == 4 else self.channels
        for position, file in item:
            entry = self._entries[position]
            try:
                if entry.problem is not None:
                    raise PictureError(entry.problem)
                if isinstance(file, OSError):
                    raise PictureError(file.strerror or str(file))
                picture = read_picture(file, channels, max(spec.width, spec.height), self._values)
            except PictureError as error:
                yield Unreadable(shown(entry.name), str(error))
            else:
                labels = np.array([self._labels[position]], np.int64) if self._labels else None
                yield Images(pixels(picture), labels)
