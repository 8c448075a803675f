"""One file from the network: gone on with where it was cut off, checked, and only then called by its name."""

from __future__ import annotations

import http.client
import logging
import os
import re
import socket
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from zoo.data.known.catalogue import File
from zoo.data.known.checksum import sha256_of
from zoo.errors import DataError
from zoo.system.disk import size, why_not_written

log = logging.getLogger(__name__)

TIMEOUT = 20.0
"""Seconds that a server may be silent."""
TRIES = 3
"""How often in a row an address may fail without one more byte, before the next one is tried."""
PAUSE = 1.0
"""Seconds before the second try, and as many more before each further one."""

_PIECE = 1 << 16  # bytes
_TOLD_EVERY = 5.0  # seconds between two lines
_PASSES = frozenset((408, 425, 429, 500, 502, 503, 504))
"""What servers answer when they mean: later."""
_NOT_RANGE = 416
_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)$")


class UnavailableError(Exception):
    """An address that does not deliver the file, in words."""


class _CutOff(Exception):  # noqa: N818  (it happens, and is gone on from)
    """A transfer that ended early, or that a server puts off: worth another try."""


def download(file: File, addresses: Sequence[str], place: Path) -> None:
    """Bring the file to `place`, from the first of the addresses (its full URLs) that has it.

    Meanwhile it is called PLACE.part, which stays where the transfer ends early, Ctrl-C included, and gone on with later.
    Nothing beyond `file.size` bytes is ever read; what does not hash to `file.sha256` is thrown away. Proxies are those of the
    environment (``https_proxy``). Two processes must not do this for one place at once.

    Raises UnavailableError, with what is wrong with each address, and DataError where `place` cannot be written.
    """
    part = place.with_name(place.name + ".part")
    problems = []
    for address in addresses:
        try:
            _whole(file, address, part)
        except UnavailableError as problem:
            problems.append(f"{address}: {problem}")
            continue
        try:
            os.replace(part, place)
        except OSError as error:
            raise _unwritable(place, error) from error
        return
    raise UnavailableError("; ".join(problems))


def _whole(file: File, address: str, part: Path) -> None:
    """Make the .part whole and check it. One that began elsewhere may be to blame: then it is tried again from the start."""
    while True:
        began = _length(part)
        _fill(file, address, part)
        found = sha256_of(part)
        if found == file.sha256:
            return
        part.unlink()
        if not began:
            raise UnavailableError(f"SHA-256 {found}, expected {file.sha256}")
        log.info("%s was damaged; downloading it anew", part.name)


def _fill(file: File, address: str, part: Path) -> None:
    """Add what is missing, in as many transfers as it takes."""
    fruitless = 0
    while (before := _length(part)) != file.size:
        try:
            _transfer(file, address, part, before)
        except _CutOff as error:
            fruitless = 0 if _length(part) > before else fruitless + 1
            if fruitless >= TRIES:
                raise UnavailableError(f"{error}, {TRIES} times") from error
            time.sleep(PAUSE * fruitless)


def _transfer(file: File, address: str, part: Path, start: int) -> None:
    """One request, for what comes after the first `start` bytes."""
    if start > file.size:
        part.unlink()
        start = 0
    log.info("downloading %s (%s%s)", address, size(file.size), f", {size(start)} of it are here" if start else "")
    try:
        with urllib.request.build_opener().open(_request(address, start), timeout=TIMEOUT) as answer:
            _receive(answer, file, part, _agreed(answer, file, start))
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == _NOT_RANGE and start:
            part.unlink()
            raise _CutOff("HTTP 416") from error
        problem = f"HTTP {error.code} {error.reason}"
        raise (_CutOff if error.code in _PASSES else UnavailableError)(problem) from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise _network(error) from error


def _request(address: str, start: int) -> urllib.request.Request:
    headers = {"User-Agent": "zoo-gan", "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    return urllib.request.Request(address, headers=headers)


def _agreed(answer: Any, file: File, start: int) -> int:
    """From which byte on the answer goes. Raises UnavailableError where it is one to something else."""
    if getattr(answer, "status", None) == http.client.PARTIAL_CONTENT:
        told = _RANGE.match(answer.headers.get("Content-Range", ""))
        if told is None or int(told[1]) != start:
            raise UnavailableError("it answers with another part of the file than it was asked for")
        total: str | None = told[2]
    else:  # a server that knows no ranges begins anew, and so do we
        start = 0
        total = answer.headers.get("Content-Length")
    if total is not None and total.isdigit() and int(total) != file.size:
        raise UnavailableError(f"{int(total):,} bytes, expected {file.size:,}")
    return start


def _receive(answer: Any, file: File, part: Path, start: int) -> None:
    """Write what arrives after the first `start` bytes."""
    try:
        stream = part.open(
            "r+b" if part.exists() else "wb", buffering=0
        )  # what has come is there, however the process ends
    except OSError as error:
        raise _unwritable(part, error) from error
    with stream:
        stream.truncate(start)
        stream.seek(start)
        told = time.monotonic()
        while piece := _read(answer, file.size + 1 - start):  # one more byte than it has would be too many
            start += len(piece)
            if start > file.size:
                stream.truncate(0)
                raise UnavailableError(f"more than the {file.size:,} bytes that it should have")
            try:
                while piece:
                    piece = piece[stream.write(piece) :]
            except OSError as error:
                raise _unwritable(part, error) from error
            if time.monotonic() - told > _TOLD_EVERY:
                told = time.monotonic()
                log.info("  %s: %s of %s", file.name, size(start), size(file.size))
    if start < file.size:
        raise _CutOff(f"the connection ended after {start:,} of {file.size:,} bytes")


def _read(answer: Any, most: int) -> bytes:
    """Some bytes; none at the end, be it too early."""
    try:
        piece: bytes = answer.read1(min(_PIECE, most))
    except http.client.IncompleteRead as error:
        piece = error.partial
    return piece


def _network(error: Exception) -> Exception:
    """What went wrong on the way, in words: whether another try makes sense is told by the class."""
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(reason, socket.gaierror):
        return UnavailableError("its name is not found (offline?)")
    if isinstance(reason, TimeoutError):
        return UnavailableError("no answer in time") if reason is not error else _CutOff("no answer in time")
    words = getattr(reason, "strerror", None) or str(reason) or type(reason).__name__
    if isinstance(reason, (ConnectionResetError, http.client.HTTPException)):
        return _CutOff(words)
    if isinstance(reason, ssl.SSLError):
        return UnavailableError(f"no safe connection ({words})")
    return UnavailableError(words)


def _length(part: Path) -> int:
    try:
        return part.stat().st_size
    except OSError:
        return 0


def _unwritable(path: Path, error: OSError) -> DataError:
    def remedies(mend: str) -> str:
        return f"{mend}, or choose another place with ZOO_CACHE" if mend else "choose another place with ZOO_CACHE"

    return DataError(f"{path} cannot be written: {why_not_written(error, remedies)}")
