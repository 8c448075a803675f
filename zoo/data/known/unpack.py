"""Takes the files that are wanted out of a .tar.gz, and nothing else."""

from __future__ import annotations

import shutil
import tarfile
import zlib
from pathlib import Path

from zoo.data.cache import new_name
from zoo.data.known.catalogue import Archive
from zoo.errors import DataError

_PIECE = 1 << 20  # bytes
_OTHERS = 1 << 26  # bytes of files that are passed over, at most: they have to be decompressed, too


def unpack(packed: Path, archive: Archive) -> None:
    """Put the archive's members into a folder beside `packed`; it is there whole or not at all.

    Names decide nothing: each member that is wanted is written under its own name in the new folder, and all others, whatever
    they are called and wherever they point, are passed over. Raises DataError for a member that is missing, too large, no plain
    file, or there twice, and for an archive that is damaged or holds much else.
    """
    place = packed.parent / archive.folder
    fresh = new_name(packed.parent)
    fresh.mkdir()
    try:
        _take(packed, archive, fresh)
        fresh.rename(place)
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise DataError(f"{packed} is damaged ({error}); delete it, so that it is downloaded again") from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _take(packed: Path, archive: Archive, fresh: Path) -> None:
    wanted = {f"{archive.folder}/{name}": name for name in archive.members}
    bound = sum(archive.members.values()) + _OTHERS
    with tarfile.open(packed, "r|gz") as stream:  # as a stream: each byte is looked at once
        for member in stream:
            if member.offset_data + member.size > bound:
                raise DataError(f"{packed} holds more than it should: over {bound:,} bytes; it is not unpacked")
            name = wanted.get(member.name.removeprefix("./"))
            if name is None:
                continue
            if not member.isreg():
                raise DataError(f"{packed}: {member.name} is no plain file; it is not unpacked")
            if member.size > archive.members[name]:
                raise DataError(
                    f"{packed}: {member.name} has {member.size:,} bytes, {archive.members[name]:,} at most are expected"
                )
            content = stream.extractfile(member)
            if content is None or (fresh / name).exists():
                raise DataError(f"{packed}: {member.name} is there twice; it is not unpacked")
            with content, (fresh / name).open("wb") as out:
                shutil.copyfileobj(content, out, _PIECE)
    if missing := [name for name in archive.members if not (fresh / name).exists()]:
        raise DataError(f"{packed} lacks {', '.join(missing)}; it is not unpacked")
