"""The catalogue of one repository: a SQLite file with one writer and any number of readers.

Write-ahead logging lets a reader keep the state it began with while a write goes on. The file is disposable:
one of another schema, or a damaged one, is removed and made anew, and the log says so in one sentence.
"""

import contextlib
import logging
import sqlite3
from collections.abc import Generator
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import DatabaseError
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

from retrieval.errors import CorruptIndex, IndexBusy, RetrievalError
from retrieval.lexical import LexicalIndex
from retrieval.tables import METADATA, SCHEMA

_log = logging.getLogger(__name__)
_BUSY_MS = 5_000
_PRAGMAS = (
    "PRAGMA foreign_keys = ON",
    f"PRAGMA busy_timeout = {_BUSY_MS}",
    "PRAGMA synchronous = NORMAL",
    "PRAGMA temp_store = MEMORY",
    "PRAGMA cache_size = -16000",
    "PRAGMA mmap_size = 67108864",
)
Begin = Literal["BEGIN", "BEGIN IMMEDIATE"]


class Catalog:
    """The file at ``path``. Whoever calls ``prepare``, ``rebuild`` or ``writing`` holds the index's lock."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._readers = _engine(path, "BEGIN")
        self._writers = _engine(path, "BEGIN IMMEDIATE")
        self._inode = _inode(path)

    def prepare(self) -> bool:
        """Make the file if it is missing, of another schema or no database; whether it was made anew."""
        reason = self.trouble()
        if reason is None:
            return False
        if reason:
            _log.warning("The index %s is made anew: %s.", self.path.parent, reason)
        self.rebuild()
        return True

    def trouble(self) -> str | None:
        """Why the file cannot be used; an empty reason where there is none yet; None when it can."""
        if not self.path.is_file():
            return ""
        try:
            with contextlib.closing(sqlite3.connect(_read_only(self.path), uri=True)) as file:
                number = file.execute("PRAGMA user_version").fetchone()[0]
                file.execute("SELECT count(*) FROM meta").fetchone()
        except sqlite3.DatabaseError as error:
            if "locked" in str(error):
                return None
            return f"its catalogue is damaged ({error})"
        if number != SCHEMA:
            return f"it is of another version ({number}, not {SCHEMA})"
        return None

    def rebuild(self) -> None:
        """Remove the file and make an empty one. Changes nothing else."""
        self.close()
        for suffix in ("", "-wal", "-shm"):
            self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with contextlib.closing(sqlite3.connect(self.path)) as file:
            file.execute("PRAGMA journal_mode = WAL")
        with self.writing() as connection:
            METADATA.create_all(connection)
            LexicalIndex(connection).create()
            connection.exec_driver_sql(f"PRAGMA user_version = {SCHEMA}")
        self._inode = _inode(self.path)

    def check(self) -> list[str]:
        """What SQLite finds wrong with the file, in its words."""
        with self.reading() as connection:
            rows = connection.exec_driver_sql("PRAGMA quick_check").scalars().all()
        return [str(row) for row in rows if row != "ok"]

    @contextlib.contextmanager
    def reading(self) -> Generator[Connection]:
        """A connection that sees one state of the catalogue, whatever is written meanwhile.

        Raises CorruptIndex when the file turns out to be damaged.
        """
        self._follow_replacement()
        with _translated(self.path), self._readers.begin() as connection:
            yield connection

    @contextlib.contextmanager
    def writing(self) -> Generator[Connection]:
        """The one write transaction: all of it happens, or nothing. Raises as ``reading``, and IndexBusy."""
        with _translated(self.path), self._writers.begin() as connection:
            yield connection

    def close(self) -> None:
        """Let go of the file; it is opened again when it is used again."""
        self._readers.dispose()
        self._writers.dispose()

    def _follow_replacement(self) -> None:
        """Another process may have made the file anew; old connections would read the removed one."""
        inode = _inode(self.path)
        if inode != self._inode:
            self.close()
            self._inode = inode


def _inode(path: Path) -> int | None:
    try:
        return path.stat().st_ino
    except OSError:
        return None


def _read_only(path: Path) -> str:
    """SQLite's URI; a ``#`` or a ``?`` in a folder's name is no part of its syntax."""
    return f"{path.absolute().as_uri()}?mode=ro"


def _engine(path: Path, begin: Begin) -> Engine:
    """Connections to ``path`` whose transactions start with ``begin`` (pysqlite would start them late)."""
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        poolclass=QueuePool,
        pool_size=4,
        max_overflow=16,
        connect_args={"check_same_thread": False, "cached_statements": 256},
    )

    def on_connect(connection: Any, _: ConnectionPoolEntry) -> None:
        connection.isolation_level = None
        for pragma in _PRAGMAS:
            connection.execute(pragma)

    def on_begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    event.listen(engine, "connect", on_connect)
    event.listen(engine, "begin", on_begin)
    return engine


@contextlib.contextmanager
def _translated(path: Path) -> Generator[None]:
    """SQLite's errors as ours."""
    try:
        yield
    except (DatabaseError, sqlite3.DatabaseError) as error:
        said = str(error.orig if isinstance(error, DatabaseError) else error)
        if "locked" in said:
            raise IndexBusy("Another process is writing this index. Try again when it has ended.") from error
        if "full" in said:
            raise RetrievalError(f"There is no space left for the index in {path.parent}.") from error
        if "malformed" in said or "not a database" in said or "no such table" in said or "I/O" in said:
            raise CorruptIndex(
                f"The index in {path.parent} is damaged; `splice index` makes it anew."
            ) from error
        raise
