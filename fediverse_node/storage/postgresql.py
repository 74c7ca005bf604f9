"""PostgreSQL by asyncpg: a pool for reads, one transaction at a time for the writer of this process."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import Callable, Sequence
from typing import Any

import asyncpg
from sqlalchemy import Table
from sqlalchemy.dialects import postgresql

from fediverse_node.base.errors import StorageError
from fediverse_node.storage.faults import Outpaced, Unavailable
from fediverse_node.storage.statement import Statement, on_conflict
from fediverse_node.storage.unit import Fetch, Insert, Operation, Run, Unit

Row = Any
_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]
_COMMAND_TIMEOUT_S = 60
_READ_AGAIN_S = (0.0, 0.05, 0.3)
_OUTPACED = (asyncpg.UniqueViolationError, asyncpg.ForeignKeyViolationError)
_GAVE_WAY = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError, asyncpg.LockNotAvailableError)
_GONE = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,  # shut down or thrown out by an administrator, still starting
    asyncpg.TooManyConnectionsError,
    asyncpg.InternalClientError,  # what the driver falls into when the connection breaks at a bad moment
)


class PostgresqlDatabase:
    """The database of a node that shares a PostgreSQL server."""

    dialect = "postgresql"

    def __init__(self, url: str, pool: asyncpg.Pool[Any]) -> None:
        self.url = url
        self._pool = pool

    @classmethod
    async def open(cls, url: str, *, max_connections: int = 10) -> PostgresqlDatabase:
        """Connect; raises StorageError with the server's words when that fails."""
        try:
            pool = await asyncpg.create_pool(
                url,
                min_size=1,
                max_size=max_connections,
                statement_cache_size=512,
                command_timeout=_COMMAND_TIMEOUT_S,
                reset=_leave_as_it_is,
            )
        except (OSError, asyncpg.PostgresError, ValueError) as error:
            raise StorageError(f"cannot reach PostgreSQL: {error}") from error
        return cls(url, pool)

    async def fetch(self, statement: Statement, /, *, patient: bool = False, **values: Any) -> list[Row]:
        """The rows of a query over what is committed. Raises Unavailable when the server cannot be reached."""
        sql, ordered = statement.for_postgresql(values)
        for pause_s in _READ_AGAIN_S:
            try:
                return list(await self._pool.fetch(sql, *ordered))
            except Exception as error:
                if not _is_gone(error):
                    raise
            # A server that restarted has closed all connections, also those that lie in the pool.
            await self._pool.expire_connections()
            await asyncio.sleep(pause_s)
        try:
            return list(await self._pool.fetch(sql, *ordered))
        except Exception as error:
            raise _translated(error) from error

    async def fetch_one(self, statement: Statement, /, **values: Any) -> Row | None:
        """The first row, or None."""
        rows = await self.fetch(statement, **values)
        return rows[0] if rows else None

    async def transact(self, batch: Sequence[Callable[[], Unit[Any]]]) -> list[Any]:
        """Run units in one transaction, committed when this returns.

        With nothing of the batch done it raises Unavailable, Outpaced, or what a unit raised; StorageError
        when the connection broke during the commit: then nobody knows.
        """
        committing = False
        try:
            async with self._pool.acquire() as connection:
                transaction = connection.transaction()
                await transaction.start()
                try:
                    results = [await _drive(connection, unit()) for unit in batch]
                    committing = True
                    await transaction.commit()
                except BaseException as error:
                    if isinstance(error, Exception) and _is_gone(error):
                        # Never to be used again, whatever state it is in; the pool may have noticed itself.
                        with contextlib.suppress(asyncpg.InterfaceError):
                            connection.terminate()
                    elif not committing:
                        with contextlib.suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                            await transaction.rollback()
                    raise
                return results
        except Exception as error:
            if committing and _is_gone(error):
                raise StorageError(f"the connection broke during a commit: {error}") from error
            raise _translated(error) from error

    async def close(self) -> None:
        """Close all connections."""
        await self._pool.close()


async def _leave_as_it_is(connection: Any) -> None:
    """Nothing here changes a session, so a connection needs no cleaning (a round trip) before its next use."""


def _is_gone(error: Exception) -> bool:
    if isinstance(error, asyncpg.InterfaceError):
        # Also what is raised for a value that does not fit its column: that is the caller's.
        return not isinstance(error, asyncpg.DataError | ValueError | TypeError)
    return isinstance(error, _GONE)


def _translated(error: Exception) -> Exception:
    if isinstance(error, _OUTPACED):
        return Outpaced(str(error))
    if isinstance(error, _GAVE_WAY) or _is_gone(error):
        return Unavailable(f"the database is away: {error!r}")
    if isinstance(error, asyncpg.InsufficientResourcesError | asyncpg.PostgresSystemError):
        return StorageError(f"the database cannot be written: {error}")
    return error


async def _drive(connection: Any, unit: Unit[Any]) -> Any:
    try:
        operation = next(unit)
        while True:
            operation = unit.send(await _execute(connection, operation))
    except StopIteration as end:
        return end.value


async def _execute(connection: Any, operation: Operation) -> Any:
    if isinstance(operation, Fetch):
        sql, values = operation.statement.for_postgresql(operation.values)
        return await connection.fetch(sql, *values)
    if isinstance(operation, Run):
        if not operation.rows:
            return None
        ordered = [operation.statement.for_postgresql(row) for row in operation.rows]
        if len(ordered) == 1:
            await connection.fetch(ordered[0][0], *ordered[0][1])
        else:
            await connection.executemany(ordered[0][0], [values for _, values in ordered])
        return None
    return await _insert(connection, operation)


async def _insert(connection: Any, insert: Insert) -> list[int]:
    if not insert.rows:
        return []
    names = tuple(insert.rows[0])
    sql, keys = _insert_sql(insert.table, names)
    columns = [[row[name] for row in insert.rows] for name in names]
    inserted = {tuple(record) for record in await connection.fetch(sql, *columns)}
    done = []
    for position, row in enumerate(insert.rows):
        key = tuple(row[name] for name in keys)
        if key in inserted:
            inserted.discard(key)  # the same key twice in one statement is inserted once
            done.append(position)
    return done


@functools.lru_cache(maxsize=256)
def _insert_sql(table: Table, names: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    arrays = ", ".join(
        f"${n}::{table.c[name].type.compile(dialect=_DIALECT)}[]" for n, name in enumerate(names, start=1)
    )
    keys = tuple(column.name for column in table.primary_key.columns)
    sql = (
        f"INSERT INTO {table.name} ({', '.join(names)}) SELECT * FROM unnest({arrays}) "
        f"{on_conflict(table)} RETURNING {', '.join(keys)}"
    )
    return sql, keys
