"""Opens the database a URL names. The only file that knows how many engines there are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from fediverse_node.base.errors import StorageError
from fediverse_node.storage.sqlite import SqliteDatabase
from fediverse_node.storage.statement import Statement
from fediverse_node.storage.unit import Unit

Row = Any


class Database(Protocol):
    """What every engine offers: reads of what is committed, and whole batches of writes."""

    dialect: str

    async def fetch(self, statement: Statement, /, *, patient: bool = False, **values: Any) -> list[Row]:
        """The rows of a query; `patient` for those that may take long."""
        ...

    async def fetch_one(self, statement: Statement, /, **values: Any) -> Row | None:
        """The first row, or None."""
        ...

    async def transact(self, batch: Sequence[Callable[[], Unit[Any]]]) -> list[Any]:
        """Run units in one transaction, committed when this returns."""
        ...

    async def close(self) -> None:
        """Close all connections."""
        ...


async def open_database(url: str) -> Database:
    """`sqlite:///path` or `postgresql://…`; raises StorageError when it cannot be opened."""
    scheme, _, rest = url.partition("://")
    if scheme.startswith("sqlite"):
        path = Path(rest.removeprefix("/"))
        path.parent.mkdir(parents=True, exist_ok=True)
        return SqliteDatabase(path)
    if scheme.partition("+")[0] in ("postgresql", "postgres"):
        # Its driver is not loaded for a node on SQLite.
        from fediverse_node.storage.postgresql import PostgresqlDatabase  # noqa: PLC0415

        return await PostgresqlDatabase.open("postgresql://" + rest)
    raise StorageError(f"unknown database {scheme!r}: give sqlite:///path or postgresql://user@host/name")
