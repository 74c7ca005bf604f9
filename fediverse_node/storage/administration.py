"""Statements for a PostgreSQL server as a whole, outside any transaction: databases made and thrown away.

For those who need many databases for a moment. A node itself never does this.
"""

from __future__ import annotations

import asyncpg

from fediverse_node.base.errors import StorageError


async def administer(url: str, statement: str) -> None:
    """Carry out one statement as the user that `url` names. Raises StorageError."""
    try:
        connection = await asyncpg.connect(url)
    except (OSError, asyncpg.PostgresError, ValueError) as error:
        raise StorageError(f"the database server cannot be reached: {error}") from error
    try:
        await connection.execute(statement)
    except asyncpg.PostgresError as error:
        raise StorageError(f"the database server refused {statement!r}: {error}") from error
    finally:
        await connection.close()
