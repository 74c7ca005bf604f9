"""SQLite: one connection that reads inside the event loop, one that writes in its own thread.

A read of a few rows costs less than handing it to a thread. Reads that may be long (`patient=True`) go
through aiosqlite instead.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import aiosqlite
from sqlalchemy import Table

from fediverse_node.base.errors import StorageError
from fediverse_node.storage.faults import Outpaced
from fediverse_node.storage.statement import Statement, on_conflict
from fediverse_node.storage.unit import Fetch, Insert, Operation, Run, Unit

Row = Any
_PAGE_CACHE_KB = 32_000
_BUSY_TIMEOUT_S = 30
# 16 MB of changes between two copies into the main file: fewer flushes than the default 4 MB.
_CHECKPOINT_PAGES = 4000
_WORTH_ANALYSING_PAGES = 5_000  # 20 MB
_ANALYSIS_ROWS = 400
# The disk or the file, and not what one of a batch wanted. https://sqlite.org/rescode.html
_BROKEN = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_NOTADB,
    }
)
_KEY_TAKEN_OR_MISSING = frozenset(
    {
        sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY,
        sqlite3.SQLITE_CONSTRAINT_ROWID,
        sqlite3.SQLITE_CONSTRAINT_UNIQUE,
        sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY,
    }
)


def connect(path: Path, *, read_only: bool = False, durable: bool = True) -> sqlite3.Connection:
    """A connection with our settings: write-ahead log, full durability, foreign keys.

    Without `durable` a power cut may take what was committed: for simulated worlds.

    Raises StorageError when the file cannot be opened.
    """
    try:
        connection = sqlite3.connect(
            path, timeout=_BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False, cached_statements=512
        )
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA journal_mode = WAL")
        # FULL: an answer of 2xx means that the words survive a power cut.
        connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'OFF'}")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
        connection.execute(f"PRAGMA cache_size = -{_PAGE_CACHE_KB}")
        connection.execute("PRAGMA temp_store = MEMORY")
        if read_only:
            connection.execute("PRAGMA query_only = ON")
    except sqlite3.Error as error:
        raise StorageError(f"cannot open the database {path}: {error}") from error
    return connection


def execute(connection: sqlite3.Connection, operation: Operation) -> Any:
    """Carry out one operation of a unit."""
    if isinstance(operation, Fetch):
        sql, values = operation.statement.for_sqlite(operation.values)
        return connection.execute(sql, values).fetchall()
    if isinstance(operation, Run):
        if not operation.rows:
            return None
        ordered = [operation.statement.for_sqlite(row) for row in operation.rows]
        connection.executemany(ordered[0][0], [values for _, values in ordered])
        return None
    return _insert(connection, operation)


def _insert(connection: sqlite3.Connection, insert: Insert) -> list[int]:
    if not insert.rows:
        return []
    names = tuple(insert.rows[0])
    sql = _insert_sql(insert.table, names)
    done = []
    for position, row in enumerate(insert.rows):
        if connection.execute(sql, [row[name] for name in names]).rowcount == 1:
            done.append(position)
    return done


@functools.lru_cache(maxsize=256)
def _insert_sql(table: Table, names: tuple[str, ...]) -> str:
    return f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))}) {on_conflict(table)}"


def drive(connection: sqlite3.Connection, unit: Unit[Any]) -> Any:
    """Run a unit to its end inside the transaction that is open; returns what it returns."""
    try:
        operation = next(unit)
        while True:
            operation = unit.send(execute(connection, operation))
    except StopIteration as end:
        return end.value


class SqliteDatabase:
    """The database of a node that keeps everything in one file."""

    dialect = "sqlite"

    def __init__(self, path: Path) -> None:
        self.path = path
        self._reader = connect(path, read_only=True)
        self._patient: aiosqlite.Connection | None = None
        self._patient_lock = asyncio.Lock()
        self._writer: _WriterThread | None = None

    async def fetch(self, statement: Statement, /, *, patient: bool = False, **values: Any) -> list[Row]:
        """The rows of a query over what is committed."""
        sql, ordered = statement.for_sqlite(values)
        if not patient:
            return self._reader.execute(sql, ordered).fetchall()
        async with self._patient_lock:
            if self._patient is None:
                self._patient = await aiosqlite.connect(self.path, isolation_level=None)
                self._patient.row_factory = sqlite3.Row
                await self._patient.execute("PRAGMA query_only = ON")
            return list(await self._patient.execute_fetchall(sql, ordered))

    async def fetch_one(self, statement: Statement, /, **values: Any) -> Row | None:
        """The first row, or None."""
        sql, ordered = statement.for_sqlite(values)
        return self._reader.execute(sql, ordered).fetchone()

    async def transact(self, batch: Sequence[Callable[[], Unit[Any]]]) -> list[Any]:
        """Run units in one transaction, committed when this returns.

        Raises what a unit or the database raised, with nothing of the batch done.
        """
        if self._writer is None:
            self._writer = _WriterThread(self.path)
        return await self._writer.submit(batch)

    async def close(self) -> None:
        """Finish what the writer has and close all connections."""
        if self._writer is not None:
            await self._writer.close()
            self._writer = None
        if self._patient is not None:
            await self._patient.close()
            self._patient = None
        self._reader.close()


class _WriterThread:
    def __init__(self, path: Path) -> None:
        self._connection = connect(path)
        self._loop = asyncio.get_running_loop()
        self._inbox: queue.SimpleQueue[tuple[Sequence[Callable[[], Unit[Any]]], asyncio.Future[list[Any]]] | None] = (
            queue.SimpleQueue()
        )
        self._thread = threading.Thread(target=self._run, name="database-writer", daemon=True)
        self._thread.start()

    async def submit(self, batch: Sequence[Callable[[], Unit[Any]]]) -> list[Any]:
        future: asyncio.Future[list[Any]] = self._loop.create_future()
        self._inbox.put((batch, future))
        return await future

    async def close(self) -> None:
        self._inbox.put(None)
        await asyncio.to_thread(self._thread.join)
        with contextlib.suppress(sqlite3.Error):  # another process may be writing; advice can wait
            self._connection.execute("PRAGMA busy_timeout = 0")
            optimise(self._connection)
        self._connection.close()

    def _run(self) -> None:
        while (item := self._inbox.get()) is not None:
            batch, future = item
            result: list[Any] | None = None
            failure: BaseException | None = None
            try:
                result = run_batch(self._connection, batch)
            except Exception as error:  # handed to whoever waits; the thread must go on
                failure = error
            with contextlib.suppress(RuntimeError):  # the loop has gone: nobody waits any more
                self._loop.call_soon_threadsafe(_resolve, future, result, failure)


def run_batch(connection: sqlite3.Connection, batch: Sequence[Callable[[], Unit[Any]]]) -> list[Any]:
    """One transaction around all units; rolled back whole when one raises.

    Raises StorageError when the database itself fails, Outpaced when a key is taken or gone, else what a unit raised.
    """
    try:
        connection.execute("BEGIN IMMEDIATE")
        try:
            results = [drive(connection, unit()) for unit in batch]
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
    except sqlite3.Error as error:
        raise _translated(error) from error
    return results


def _translated(error: sqlite3.Error) -> Exception:
    code = getattr(error, "sqlite_errorcode", 0)
    if code in _KEY_TAKEN_OR_MISSING:
        return Outpaced(str(error))
    if code & 0xFF in _BROKEN:
        return StorageError(f"the database cannot be written: {error}")
    return error


def optimise(connection: sqlite3.Connection) -> None:
    """Let the query planner learn how large things are, where they changed much.

    Not while there is next to nothing: it would remember for hours that reading all of a table costs nothing.
    """
    if connection.execute("PRAGMA page_count").fetchone()[0] < _WORTH_ANALYSING_PAGES:
        return
    connection.execute(f"PRAGMA analysis_limit = {_ANALYSIS_ROWS}")
    connection.execute("PRAGMA optimize")


def _resolve(future: asyncio.Future[list[Any]], result: list[Any] | None, failure: BaseException | None) -> None:
    if future.done():
        return
    if failure is not None:
        future.set_exception(failure)
    else:
        future.set_result(result or [])
