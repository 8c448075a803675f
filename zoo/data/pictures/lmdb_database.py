"""Pictures in an LMDB database, as LSUN has them: a picture's bytes under each key. Needs lmdb."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from zoo.data.pictures import unused
from zoo.data.pictures.archive import check_size
from zoo.data.pictures.container import HEAD, Container, Member
from zoo.data.pictures.kinds import is_read, of_content
from zoo.data.pictures.needs import need
from zoo.data.pictures.unused import Unused
from zoo.errors import DataError
from zoo.system.names import shown
from zoo.system.reading import open_plain

_ONE_AT_A_TIME = threading.Lock()


class Lmdb(Container):
    """The pictures of a database in the order of their keys; other entries are counted. Nothing is unpickled.

    Raises DataError for one that is damaged, and where lmdb is missing.
    """

    def __init__(self, path: Path) -> None:
        self._lmdb = need("lmdb", "lmdb", "LMDB databases")
        self.path = path
        self.unused = Unused()
        self.label_files = []
        self._keys: list[bytes] = []
        with self._opened() as database:
            self.members = list(self._list(database))

    @contextmanager
    def _opened(self) -> Iterator[Any]:
        """The database, open for a moment: a process may have it open once, and others in it may want it too."""
        with _ONE_AT_A_TIME:
            with open_plain(self._file):  # the library says less of what cannot be read, and waits for a pipe
                pass
            try:
                database = self._lmdb.open(
                    str(self.path), subdir=self.path.is_dir(), readonly=True, lock=False, readahead=False, max_readers=1
                )
                with closing(database):
                    self._refuse_cut(database)
                    yield database
            except self._lmdb.Error as error:
                raise DataError(
                    f"{self.path} is no whole LMDB database ({shown(str(error))}); copy or download it again"
                ) from error

    def _refuse_cut(self, database: Any) -> None:
        """Raise DataError for a file that is shorter than its tree reaches: the library would end the process (SIGBUS)."""
        needed = (database.info()["last_pgno"] + 1) * database.stat()["psize"]
        if (found := self._file.stat().st_size) < needed:
            raise DataError(
                f"{self.path} is no whole LMDB database ({found:,} of {needed:,} bytes); copy or download it again"
            )

    @property
    def _file(self) -> Path:
        return self.path / "data.mdb" if self.path.is_dir() else self.path

    def load(self, members: Sequence[Member]) -> list[Path | bytes | OSError]:
        loaded: list[Path | bytes | OSError] = []
        with self._opened() as database, database.begin() as transaction:
            for member in members:
                value = transaction.get(self._keys[member.place])
                loaded.append(OSError("the entry is gone") if value is None else bytes(value))
        return loaded

    def _list(self, database: Any) -> Iterator[Member]:
        facts = self._file.stat()
        stamp, left = facts.st_mtime_ns, facts.st_size
        with database.begin(buffers=True) as transaction:
            for key, value in transaction.cursor():
                name = bytes(key).decode("utf-8", "backslashreplace")
                left -= len(value)
                if left < 0:
                    raise DataError(
                        f"{self.path} is no whole LMDB database (its entries are larger than it is); copy or download it again"
                    )
                found = of_content(bytes(value[:HEAD]))
                if not found:
                    self.unused.add(unused.OTHER, name)
                elif not is_read(found):
                    self.unused.add(found, name)
                else:
                    try:
                        check_size(len(value))
                    except OSError:
                        self.unused.add(unused.OTHER, name)
                        continue
                    self._keys.append(bytes(key))
                    yield Member(name, len(value), stamp, len(self._keys) - 1)
