"""The databases of simulated worlds: everything happens at once, in the one thread there is.

A world whose time is simulated may not wait for a thread: the order in which threads answer is not repeatable, and
its clock would run on meanwhile. The statements, transactions and errors are those of the real engines.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, TypeVar

from fediverse_node.base.errors import StorageError
from fediverse_node.storage.engine import Database, Row, open_database
from fediverse_node.storage.sqlite import connect, run_batch
from fediverse_node.storage.statement import Statement
from fediverse_node.storage.unit import Unit

T = TypeVar("T")
# Larger than any world: what was committed can be read in the log, from one look at it to the next.
_NO_CHECKPOINT = 0


class InlineSqlite:
    """SQLite without threads."""

    dialect = "sqlite"

    def __init__(self, path: Path) -> None:
        self.path = path
        self._reader = connect(path, read_only=True, durable=False)
        self._writer = connect(path, durable=False)
        self._writer.execute(f"PRAGMA wal_autocheckpoint = {_NO_CHECKPOINT}")

    async def fetch(self, statement: Statement, /, *, patient: bool = False, **values: Any) -> list[Row]:
        """The rows of a query over what is committed."""
        return self.read(statement, **values)

    async def fetch_one(self, statement: Statement, /, **values: Any) -> Row | None:
        """The first row, or None."""
        sql, ordered = statement.for_sqlite(values)
        return self._reader.execute(sql, ordered).fetchone()

    def read(self, statement: Statement, /, **values: Any) -> list[Row]:
        """As `fetch`, for those who look from outside."""
        sql, ordered = statement.for_sqlite(values)
        return self._reader.execute(sql, ordered).fetchall()

    async def transact(self, batch: Sequence[Callable[[], Unit[Any]]]) -> list[Any]:
        """Run units in one transaction, committed when this returns. Raises what the real engine raises."""
        # Others get their turn first, as they do while a real writer is at work.
        await asyncio.sleep(0)
        return run_batch(self._writer, batch)

    def fill_disk(self) -> None:
        """From now on the file cannot grow: what needs room fails as on a full disk."""
        pages = self._writer.execute("PRAGMA page_count").fetchone()[0]
        self._writer.execute(f"PRAGMA max_page_count = {pages}")

    def free_disk(self) -> None:
        """There is room again."""
        self._writer.execute("PRAGMA max_page_count = 1073741823")

    async def close(self) -> None:
        """Close both connections."""
        self.break_off()

    def break_off(self) -> None:
        """End as a process ends that is killed: what was not committed is gone."""
        self._reader.close()
        self._writer.close()


class BackgroundLoop:
    """An ordinary event loop in a thread: for drivers that need real sockets, asked from a world that has none."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="background-loop", daemon=True)
        self._thread.start()

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        """What `work` returns or raises; nothing else happens in the asking thread meanwhile."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def close(self) -> None:
        """End the thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class InlineServer:
    """Any database, asked over a `BackgroundLoop`: for PostgreSQL, whose driver speaks over sockets."""

    def __init__(self, inner: Database, background: BackgroundLoop) -> None:
        self._inner = inner
        self._background = background
        self.dialect = inner.dialect
        self._is_full = False

    @classmethod
    def open(cls, url: str, background: BackgroundLoop) -> InlineServer:
        """Connect. Raises StorageError when that fails."""
        return cls(background.call(open_database(url)), background)

    async def fetch(self, statement: Statement, /, *, patient: bool = False, **values: Any) -> list[Row]:
        """The rows of a query over what is committed."""
        return self.read(statement, **values)

    async def fetch_one(self, statement: Statement, /, **values: Any) -> Row | None:
        """The first row, or None."""
        return self._background.call(self._inner.fetch_one(statement, **values))

    def read(self, statement: Statement, /, **values: Any) -> list[Row]:
        """As `fetch`, for those who look from outside."""
        return self._background.call(self._inner.fetch(statement, **values))

    async def transact(self, batch: Sequence[Callable[[], Unit[Any]]]) -> list[Any]:
        """Run units in one transaction, committed when this returns."""
        await asyncio.sleep(0)
        if self._is_full:
            raise StorageError("could not extend file: No space left on device")
        return self._background.call(self._inner.transact(batch))

    def fill_disk(self) -> None:
        """From now on nothing can be written."""
        self._is_full = True

    def free_disk(self) -> None:
        """There is room again."""
        self._is_full = False

    async def close(self) -> None:
        """Close all connections."""
        self.break_off()

    def break_off(self) -> None:
        """End the connections; a transaction that is open is rolled back by the server."""
        self._background.call(self._inner.close())


InlineDatabase = InlineSqlite | InlineServer


def is_disk_full(error: BaseException) -> bool:
    """Whether a failed write was SQLite's full disk."""
    cause = error.__cause__
    return isinstance(cause, sqlite3.OperationalError) and cause.sqlite_errorcode == sqlite3.SQLITE_FULL
