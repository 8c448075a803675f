"""Data sets of the Hugging Face Hub: `--data hf:USER/NAME`."""

from __future__ import annotations

import logging
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from zoo.data.cache import digest, recall, remember
from zoo.data.images import Fit, Images, Unreadable
from zoo.data.known.fetch import OFFLINE, downloads, offline
from zoo.data.known.hub_files import Chosen, choose_files
from zoo.data.known.hub_library import Listing, UnreachableError, download, endpoint, listing
from zoo.data.known.hub_name import SPELLING, HubName
from zoo.data.readers import open_place
from zoo.data.reading import Reading
from zoo.data.source import DataSource
from zoo.data.spec import DataSpec
from zoo.errors import DataError
from zoo.system.disk import size

log = logging.getLogger(__name__)

_CONVERTED = "refs/convert/parquet"  # the branch in which the Hub keeps what it has converted by itself
_COMMIT = re.compile(r"[0-9a-f]{40}$")


class HubSource(DataSource):
    """One split of a data set of the Hub: its Parquet files, or those that the Hub has converted, or its archives or pictures.

    They are downloaded by `huggingface_hub` into its own cache, and read by whatever reads such files elsewhere. A run remembers
    the commit, so that it is resumed with the same data whatever is published later.
    """

    name = "hf"
    summary = f"A data set of the Hugging Face Hub, fetched when first used: {SPELLING}."
    takes_path = False
    takes = ("levels", "background")

    @classmethod
    def accepts(cls, location: str) -> bool:
        """No path."""
        return False

    def __init__(self, location: str, reading: Reading | None = None) -> None:
        place, exact = fetch_hub(HubName.read(location))
        self.pinned = str(exact)
        self._stand_for(open_place(str(place), reading), f"{exact.repository} ({exact.split})")

    def _stand_for(self, source: DataSource, title: str) -> None:
        self._source, self.title = source, title
        self.channels, self.height, self.width = source.channels, source.height, source.width
        self.class_names, self.why_unlabelled = source.class_names, source.why_unlabelled
        self.notes, self.unused, self.transparent = source.notes, source.unused, source.transparent

    def __len__(self) -> int:
        return len(self._source)

    def fingerprint(self) -> str:
        return self._source.fingerprint()

    def chunks(self) -> Iterable[Any]:
        return self._source.chunks()

    def decode(self, item: Any, spec: DataSpec) -> Iterator[Images | Unreadable]:
        return self._source.decode(item, spec)

    def fitted(self, item: Any, spec: DataSpec, how: Fit) -> Iterator[Images | Unreadable]:
        return self._source.fitted(item, spec, how)


def fetch_hub(name: HubName) -> tuple[Path, HubName]:
    """A folder with the files of one split, or the one archive that it is; and the name with its commit and split.

    Raises DataError, in one line, for what is not there and cannot be had. Where the Hub does not answer, what an earlier call
    brought of the same name is taken.
    """
    if _COMMIT.match(name.revision or "") and (known := _recalled(name)):
        return known
    try:
        if offline():
            raise UnreachableError(f"{OFFLINE} is set")
        found, chosen = _look(name)
        exact = name.at(found.commit, chosen.split)
        folder = downloads("hf") / name.repository.replace("/", "--") / f"{found.commit[:12]}-{digest(str(exact))[:8]}"
        _bring(exact, found, chosen, folder)
    except UnreachableError as problem:
        if (known := _recalled(name)) is None:
            raise DataError(
                f"--data {name}: the Hub cannot be asked ({problem}), and nothing is here from before; fetch it where there "
                f"is a network (hf download --repo-type dataset {name.repository}) and give --data FOLDER"
            ) from problem
        log.warning("the Hub cannot be asked (%s); taking %s, which is here", problem, known[1])
        return known
    if chosen.partial:
        log.warning("%s: the Hub has converted only the first 5 GB of it, and these are what is taken", exact)
    files = sorted(chosen.files.values())
    place = folder / files[0] if chosen.kind == "archives" and len(files) == 1 else folder
    for known_as in (name, exact):
        remember(_note(known_as), {"place": str(place), "name": str(exact), "folder": str(folder), "files": files})
    return place, exact


def _look(name: HubName) -> tuple[Listing, Chosen]:
    """What to download: Parquet before what the Hub has made of the rest, and that before archives and pictures."""
    found = listing(name.repository, name.revision)
    if found is None:
        raise DataError(f"--data {name}: it has no revision {name.revision!r}")
    for kinds in (("parquet",), ("archives", "pictures")):
        if chosen := _choose(name, found, kinds):
            return found, chosen
        if kinds == ("parquet",) and name.revision is None:
            converted = listing(name.repository, _CONVERTED)
            if converted is not None and (chosen := _choose(name, converted, kinds)):
                return converted, chosen
    raise DataError(f"--data {name}: it holds no Parquet files, archives or pictures")


def _choose(name: HubName, found: Listing, kinds: tuple[str, ...]) -> Chosen | None:
    try:
        return choose_files([file.path for file in found.files], name.config, name.split, found.configs, kinds)
    except DataError as error:
        raise DataError(f"--data {name}: {error} ({SPELLING})") from None


def _bring(name: HubName, found: Listing, chosen: Chosen, folder: Path) -> None:
    """Make `folder`, with a link to each of the files in the library's cache, unless it is there and they are."""
    if _is_whole(folder, chosen.files.values()):
        return
    wanted = [file for file in found.files if file.path in chosen.files]
    total = sum(file.size for file in wanted)
    count = f"{len(wanted):,} file{'' if len(wanted) == 1 else 's'}"
    log.info("fetching %s: %s, %s, from %s", name, count, size(total), endpoint())
    brought = download(name.repository, found.commit, wanted)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".new-"))
        try:
            for file, place in zip(wanted, brought, strict=True):
                _link(place.resolve(), fresh / chosen.files[file.path])
            fresh.chmod(0o755)
            _put(fresh, folder)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
    except OSError as error:
        raise DataError(
            f"{folder} cannot be written: {error.strerror or error}; ZOO_CACHE chooses another place"
        ) from error


def _put(fresh: Path, folder: Path) -> None:
    """Give a finished folder its name. Where another process was quicker, its folder is as good."""
    try:
        fresh.rename(folder)
    except OSError:
        if all(path.exists() for path in folder.rglob("*")):
            return
        shutil.rmtree(folder)  # of links to what is no longer there
        fresh.rename(folder)


_WAYS: tuple[Callable[[Path, Path], object], ...] = (os.symlink, os.link, shutil.copyfile)


def _link(original: Path, place: Path) -> None:
    """A symbolic link, or where there is none to be had a hard one, or a copy."""
    place.parent.mkdir(parents=True, exist_ok=True)
    for make in _WAYS:
        try:
            make(original, place)
            return
        except FileExistsError:  # which a copy would write through, into the library's cache
            raise
        except OSError:
            if make is _WAYS[-1]:
                raise


def _is_whole(folder: Path, files: Iterable[str]) -> bool:
    return all((folder / file).is_file() for file in files)


def _note(name: HubName) -> str:
    return f"hub-{digest(os.environ.get('HF_ENDPOINT', ''), str(name))}"


def _recalled(name: HubName) -> tuple[Path, HubName] | None:
    """What was brought under this name before, if it is all here still."""
    note = recall(_note(name))
    if not isinstance(note, Mapping) or not isinstance(note.get("files"), list):
        return None
    folder, files = Path(str(note.get("folder"))), [str(file) for file in note["files"]]
    if not files or not _is_whole(folder, files):
        return None
    return Path(str(note.get("place"))), HubName.read(str(note.get("name")).removeprefix("hf:"))
