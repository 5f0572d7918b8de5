"""A state in SQLite: finding three objects of forty thousand costs as much as three of three.

It is a cache.  Objects are stored with ``marshal``, so it is bound to one Python version, and it is
not synced, so it is bound to one boot: anything unexpected, and it is made anew from the replica.
Each snapshot has a connection of its own in a read transaction, which SQLite keeps as it was while
this or another process writes.
"""

from __future__ import annotations

import marshal
import sys

from gnt.config.trust import Position
from gnt.model.config import INDEXES, index_values

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any

    from gnt.config.journal import Txn

LAYOUT = 2
LONG = 256 * 1024  # bytes of the write-ahead log
BOOT_ID = "/proc/sys/kernel/random/boot_id"
TABLES = """
create table meta (stamp text, position blob);
create table objects (
    number integer primary key, kind text, key text, data blob, unique (kind, key));
create table found (
    name text, value text, number integer, primary key (name, value, number)) without rowid;
create index numbers on found (number);
"""


def stamp(boot_id: str = BOOT_ID) -> str:
    """What a cache must have been made by and under to be used."""
    try:
        with open(boot_id, encoding="utf-8") as file:
            boot = file.read().strip()
    except OSError:
        boot = ""
    return f"{LAYOUT} {sys.implementation.cache_tag} {boot}"


def connect(path: str, patience: float = 10.0) -> sqlite3.Connection:
    try:
        from _sqlite3 import connect as opened  # the package around it takes 1.5 ms to import
    except ImportError:
        from sqlite3 import connect as opened
    connection: sqlite3.Connection = opened(  # a runner's threads share what one of them read
        path, isolation_level=None, timeout=patience, check_same_thread=False)
    connection.execute("pragma synchronous = off")
    return connection


class SqliteSnapshot:
    """A :class:`~gnt.model.config.State` that does not change."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._connection.execute("begin")
        self.position = stored_position(self._connection) or Position()
        self.term, self.serial = self.position.term, self.position.serial
        self.head = self.position.head

    def load(self, kind: str, key: str) -> Mapping[str, Any] | None:
        row = self._connection.execute(
            "select data from objects where kind = ? and key = ?", (kind, key)).fetchone()
        if row is None:
            return None
        data: Mapping[str, Any] = marshal.loads(row[0])
        return data

    def keys(self, kind: str) -> Iterable[str]:
        rows = self._connection.execute(
            "select key from objects where kind = ? order by number", (kind,))
        return [row[0] for row in rows]

    def find(self, index: str, value: str) -> tuple[str, ...]:
        rows = self._connection.execute(
            "select key from objects where number in "
            "(select number from found where name = ? and value = ?) order by number",
            (index, value))
        return tuple(row[0] for row in rows)

    def everything(self) -> dict[str, dict[str, Any]]:
        data: dict[str, dict[str, Any]] = {}
        rows = self._connection.execute("select kind, key, data from objects order by number")
        for kind, key, blob in rows:
            data.setdefault(kind, {})[key] = marshal.loads(blob)
        return data


def stored_position(connection: sqlite3.Connection) -> Position | None:
    """Where a cache stands; None when it is empty or not of this Python, boot and layout."""
    row = connection.execute("select stamp, position from meta").fetchone()
    if row is None or row[0] != stamp():
        return None
    return Position(**marshal.loads(row[1]))


class SqliteState:
    """A :class:`~gnt.config.trust.Working` state in the file ``path``.

    Empty until ``refresh``, which needs the lock of whoever may write: SQLite must not open a file
    that is being exchanged.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._position = Position()
        self._reader: SqliteSnapshot | None = None
        self._writer: sqlite3.Connection | None = None
        self._marked: tuple[int, ...] = ()

    @property
    def position(self) -> Position:
        return self._position

    @property
    def term(self) -> int:
        return self._position.term

    @property
    def serial(self) -> int:
        return self._position.serial

    @property
    def head(self) -> str:
        return self._position.head

    def refresh(self) -> None:
        """See what another process has written."""
        import os

        if self._reader is not None and self._marked == self._mark():
            return
        self._reader = self._writer = None
        self._position = Position()
        if not os.path.exists(self._path):
            return
        if not _ours(self._path):
            self._discard()
            return
        try:
            self._shorten()
            reader = SqliteSnapshot(connect(self._path))
        except Exception as error:
            if not _is_sqlite(error):
                raise
            self._discard()
        else:
            self._reader, self._marked = reader, self._mark()
            self._position = reader.position

    def _shorten(self) -> None:
        """Empty a long write-ahead log, unless somebody reads from it: commands end without
        closing the file, and whoever opens it next reads all of that."""
        import os

        log = self._path + "-wal"
        if os.path.exists(log) and os.stat(log).st_size > LONG:
            connect(self._path, patience=0.0).execute("pragma wal_checkpoint(truncate)")

    def _mark(self) -> tuple[int, ...]:
        """What is another when somebody has written since."""
        import os

        found = [os.stat(file) for file in (self._path, self._path + "-wal")
                 if os.path.exists(file)]
        return tuple(n for f in found for n in (f.st_ino, f.st_mtime_ns, f.st_size))

    def snapshot(self) -> SqliteSnapshot:
        return self._now()

    def load(self, kind: str, key: str) -> Mapping[str, Any] | None:
        return self._now().load(kind, key)

    def keys(self, kind: str) -> Iterable[str]:
        return self._now().keys(kind) if self._position.serial else ()

    def find(self, index: str, value: str) -> tuple[str, ...]:
        return self._now().find(index, value)

    def everything(self) -> dict[str, dict[str, Any]]:
        return self._now().everything()

    def _now(self) -> SqliteSnapshot:
        """The state as it is; what is written later does not change what this returns."""
        if self._reader is None:
            with _Named(self._path):
                connection, self._writer = self._writer or connect(self._path), None
                self._reader, self._marked = SqliteSnapshot(connection), self._mark()
        return self._reader

    def reset(self, data: Mapping[str, Mapping[str, Any]], at: Position) -> None:
        """A new file; who reads the old one keeps it."""
        import os

        self._discard()
        fresh = f"{self._path}.{os.getpid()}"
        _unlink(fresh)
        try:
            with _Named(self._path):
                _make(fresh, data, at)
            os.rename(fresh, self._path)
        except BaseException:
            _unlink(fresh)
            raise
        self.refresh()

    def apply(self, txn: Txn, at: Position) -> None:
        with _Named(self._path):
            if self._writer is None:
                self._writer = connect(self._path)
            try:
                _apply(self._writer, txn, at)
            except BaseException:
                self._writer.close()  # which takes back what was begun
                self._writer = None
                raise
        self._position = at
        self._reader = None

    def _discard(self) -> None:
        self._reader = None
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        _unlink(self._path)


class _Named:
    """What SQLite cannot write or read is an error of the operating system's, with the file's name.

    (``contextlib`` would cost every command a millisecond.)
    """

    def __init__(self, path: str) -> None:
        self._path = path

    def __enter__(self) -> None:
        return

    def __exit__(self, kind: type[BaseException] | None, error: object, _: object) -> None:
        if kind is not None and kind.__module__ == "sqlite3":
            import errno

            raise OSError(errno.EIO, str(error), self._path) from None


def _make(path: str, data: Mapping[str, Mapping[str, Any]], at: Position) -> None:
    import os

    writer = connect(path)
    os.chmod(path, 0o600)
    writer.execute("begin")
    for table in TABLES.split(";"):
        writer.execute(table)
    writer.execute("insert into meta values (?, ?)", (stamp(), _packed(at)))
    _fill(writer, data)
    writer.execute("commit")
    writer.execute("pragma journal_mode = wal")
    writer.close()


def _apply(writer: sqlite3.Connection, txn: Txn, at: Position) -> None:
    writer.execute("begin immediate")
    for put in txn.put:
        kind, _, key = put.path.partition("/")
        _replace(writer, kind, key, put.value)
    for path in txn.drop:
        kind, _, key = path.partition("/")
        _drop(writer, kind, key)
    writer.execute("update meta set position = ?", (_packed(at),))
    writer.execute("commit")


def _unlink(path: str) -> None:
    """Remove a database with all that SQLite keeps beside it."""
    import os

    for suffix in ("", "-journal", "-wal", "-shm"):
        if os.path.exists(path + suffix):
            os.unlink(path + suffix)


def _ours(path: str) -> bool:
    """Whether nobody else can have written it: ``marshal`` must not read what others wrote."""
    import os

    found, folder = os.stat(path), os.stat(os.path.dirname(path))
    return all(f.st_uid == os.geteuid() and not f.st_mode & 0o022 for f in (found, folder))


def _is_sqlite(error: Exception) -> bool:
    """Whether the file is to blame: not a database, cut off, other tables, other contents."""
    import sqlite3

    return isinstance(error, (sqlite3.Error, ValueError, EOFError, TypeError))


def _packed(at: Position) -> bytes:
    return marshal.dumps(dict(at.items()))


def _fill(writer: sqlite3.Connection, data: Mapping[str, Mapping[str, Any]]) -> None:
    indexes = _indexes()
    number = 0
    objects: list[tuple[int, str, str, bytes]] = []
    found: list[tuple[str, str, int]] = []
    for kind, things in data.items():
        names = indexes.get(kind, ())
        for key, thing in things.items():
            number += 1
            objects.append((number, kind, key, marshal.dumps(thing)))
            found += [(n, v, number) for n in names for v in index_values(n, thing)]
    writer.executemany("insert into objects values (?, ?, ?, ?)", objects)
    writer.executemany("insert or ignore into found values (?, ?, ?)", found)


def _indexes() -> dict[str, list[str]]:
    """The indexes of each kind of object."""
    by_kind: dict[str, list[str]] = {}
    for name, (kind, _) in INDEXES.items():
        by_kind.setdefault(kind, []).append(name)
    return by_kind


def _values(kind: str, data: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name in _indexes().get(kind, ()):
        for value in index_values(name, data):
            yield name, value


def _replace(writer: sqlite3.Connection, kind: str, key: str, data: Mapping[str, Any]) -> None:
    """Keep the number, and with it the order of creation, of an object that is there already."""
    [(number,)] = writer.execute(
        "insert into objects (kind, key, data) values (?, ?, ?) "
        "on conflict (kind, key) do update set data = excluded.data returning number",
        (kind, key, marshal.dumps(dict(data)))).fetchall()
    writer.execute("delete from found where number = ?", (number,))
    writer.executemany("insert or ignore into found values (?, ?, ?)",
                       [(name, value, number) for name, value in _values(kind, data)])


def _drop(writer: sqlite3.Connection, kind: str, key: str) -> None:
    gone = writer.execute("delete from objects where kind = ? and key = ? returning number",
                          (kind, key)).fetchall()
    writer.executemany("delete from found where number = ?", gone)
