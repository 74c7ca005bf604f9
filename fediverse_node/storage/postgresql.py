"""PostgreSQL by asyncpg: a pool for reads, one transaction at a time for the writer of this process."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import asyncpg
from sqlalchemy import Table
from sqlalchemy.dialects import postgresql

from fediverse_node.base.errors import StorageError
from fediverse_node.storage.statement import Statement
from fediverse_node.storage.unit import Fetch, Insert, Operation, Run, Unit

Row = Any
_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]


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
                url, min_size=1, max_size=max_connections, statement_cache_size=512, command_timeout=60
            )
        except (OSError, asyncpg.PostgresError, ValueError) as error:
            raise StorageError(f"cannot reach PostgreSQL: {error}") from error
        return cls(url, pool)

    async def fetch(self, statement: Statement, /, *, patient: bool = False, **values: Any) -> list[Row]:
        """The rows of a query over what is committed."""
        sql, ordered = statement.for_postgresql(values)
        return list(await self._pool.fetch(sql, *ordered))

    async def fetch_one(self, statement: Statement, /, **values: Any) -> Row | None:
        """The first row, or None."""
        sql, ordered = statement.for_postgresql(values)
        return await self._pool.fetchrow(sql, *ordered)

    async def transact(self, batch: Sequence[Callable[[], Unit[Any]]]) -> list[Any]:
        """Run units in one transaction, committed when this returns.

        Raises what a unit or the database raised, with nothing of the batch done.
        """
        async with self._pool.acquire() as connection, connection.transaction():
            return [await _drive(connection, unit()) for unit in batch]

    async def close(self) -> None:
        """Close all connections."""
        await self._pool.close()


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


@functools.cache
def _insert_sql(table: Table, names: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    arrays = ", ".join(
        f"${n}::{table.c[name].type.compile(dialect=_DIALECT)}[]" for n, name in enumerate(names, start=1)
    )
    keys = tuple(column.name for column in table.primary_key.columns)
    sql = (
        f"INSERT INTO {table.name} ({', '.join(names)}) SELECT * FROM unnest({arrays}) "
        f"ON CONFLICT DO NOTHING RETURNING {', '.join(keys)}"
    )
    return sql, keys
