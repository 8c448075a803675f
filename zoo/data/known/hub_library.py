"""The one place that calls `huggingface_hub`: what a repository holds, and its files. All that goes wrong is a DataError."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo.data.known.checksum import sha256_of
from zoo.errors import DataError, in_one_line
from zoo.system.disk import NO_ROOM

_AT_ONCE = 8  # files that are small, as pictures are: getting each takes longer than its bytes do
_SMALL = 1 << 20  # bytes
_TOO_MANY = 429
_TRIES = 2  # the library goes on by itself where a transfer is cut off; this is for what it downloads wrong


class UnreachableError(Exception):
    """The Hub does not answer, or is not to be asked, in words."""


@dataclass(frozen=True)
class HubFile:
    """A file of a repository."""

    path: str
    size: int
    sha256: str | None
    """Of those that the Hub keeps by content, which are all large ones."""


@dataclass(frozen=True)
class Listing:
    """What a repository holds as of one commit."""

    commit: str
    files: Sequence[HubFile]
    configs: Sequence[Any]
    """What its page says of its configs."""


def endpoint() -> str:
    """The address of the Hub: $HF_ENDPOINT, or the public one."""
    return str(_library().constants.ENDPOINT)


def listing(repository: str, revision: str | None) -> Listing | None:
    """What a repository holds; None where it has no such revision. Raises UnreachableError, and DataError for all else."""
    hub = _library()
    with _telling(repository):
        try:
            found = hub.HfApi().dataset_info(repository, revision=revision, files_metadata=True)
        except hub.errors.RevisionNotFoundError:
            return None
        files = [
            HubFile(each.rfilename, each.size or 0, each.lfs.sha256 if each.lfs else None)
            for each in found.siblings or ()
        ]
        card = found.card_data.to_dict() if found.card_data else {}
        configs = card.get("configs")
        return Listing(str(found.sha), files, configs if isinstance(configs, list) else ())


def download(repository: str, commit: str, files: Sequence[HubFile]) -> list[Path]:
    """The files, each in the library's own cache: checked, resumed and locked there. Raises UnreachableError and DataError."""
    hub = _library()

    def one(file: HubFile) -> Path:
        for again in range(_TRIES):
            place = hub.hf_hub_download(
                repository, file.path, repo_type="dataset", revision=commit, force_download=again > 0
            )
            if _is_whole(Path(place), file):
                return Path(place)
        raise DataError(
            f"--data hf:{repository}: {file.path} arrives damaged: not the {file.size:,} bytes of SHA-256 {file.sha256}; "
            "try again later"
        )

    with _telling(repository):
        if sum(file.size for file in files) > _SMALL * len(files):
            return [one(file) for file in files]  # Ctrl-C ends it at once, and one large file fills the line
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            try:
                return list(pool.map(one, files))
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise


def _is_whole(place: Path, file: HubFile) -> bool:
    if file.size and place.stat().st_size != file.size:
        return False
    return file.sha256 is None or sha256_of(place) == file.sha256


def _library() -> Any:
    try:
        import huggingface_hub
        import huggingface_hub.constants
        import huggingface_hub.errors
    except ImportError as error:
        raise DataError(
            f'--data hf:… needs the package huggingface_hub: pip install "zoo-gan[hf]" ({in_one_line(error)})'
        ) from error
    return huggingface_hub


@contextmanager
def _telling(repository: str) -> Iterator[None]:
    """What the library raises, in words."""
    hub = _library()
    name, errors = f"--data hf:{repository}", hub.errors
    page = f"{hub.constants.ENDPOINT}/datasets/{repository}"
    try:
        yield
    except errors.GatedRepoError as error:
        raise DataError(
            f"{name} asks for its conditions to be accepted: do so on {page}, then log in with hf auth login (or HF_TOKEN)"
        ) from error
    except errors.RepositoryNotFoundError as error:
        raise DataError(
            f"{name}: there is no such data set on {hub.constants.ENDPOINT}; one that is private wants hf auth login (or HF_TOKEN)"
        ) from error
    except errors.HFValidationError as error:
        raise DataError(f"{name}: {in_one_line(error)}") from error
    except (errors.OfflineModeIsEnabled, errors.LocalEntryNotFoundError) as error:
        raise UnreachableError(in_one_line(error)) from error
    except errors.HfHubHTTPError as error:
        status = getattr(getattr(error, "response", None), "status_code", 500)
        if status < 500 and status != _TOO_MANY:
            raise DataError(f"{name}: {in_one_line(error)}") from error
        raise UnreachableError(in_one_line(error)) from error
    except OSError as error:
        if error.filename is not None or error.errno in NO_ROOM:  # of a disk, not of the network
            place = error.filename or hub.constants.HF_HUB_CACHE
            raise DataError(
                f"{name}: {place}: {error.strerror}; HF_HOME chooses another place for the Hub's files"
            ) from error
        raise UnreachableError(in_one_line(error)) from error
    except (DataError, UnreachableError):
        raise
    except Exception as error:
        if type(error).__module__.partition(".")[0] in ("httpx", "httpx2", "httpcore", "httpcore2", "requests"):
            raise UnreachableError(in_one_line(error)) from error
        raise
