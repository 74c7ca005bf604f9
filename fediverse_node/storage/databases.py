"""Whole databases of a PostgreSQL server: made and thrown away, for worlds of many nodes. Not for a node itself."""

from __future__ import annotations

import re

import asyncpg

from fediverse_node.base.errors import StorageError

_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")


async def create_database(server_url: str, name: str) -> str:
    """The URL of an empty database `name` on the server of `server_url`; one that is there already stays as it is.

    Raises StorageError when the server cannot be asked or refuses.
    """
    try:
        await _execute(server_url, f'CREATE DATABASE "{_checked(name)}" TEMPLATE template0')
    except asyncpg.DuplicateDatabaseError:
        pass
    except (OSError, asyncpg.PostgresError) as error:
        raise StorageError(f"cannot make the database {name}: {error}. The user needs the right CREATEDB.") from error
    return database_url(server_url, name)


async def drop_database(server_url: str, name: str) -> None:
    """Throw it away, and whoever is still connected out. Raises StorageError when that cannot be done."""
    try:
        await _execute(server_url, f'DROP DATABASE IF EXISTS "{_checked(name)}" WITH (FORCE)')
    except (OSError, asyncpg.PostgresError) as error:
        raise StorageError(f"cannot remove the database {name}: {error}") from error


def database_url(server_url: str, name: str) -> str:
    """The URL of a database on the same server, for the same user."""
    start, question_mark, options = server_url.partition("?")
    scheme, _, rest = start.partition("://")
    return f"{scheme}://{rest.partition('/')[0]}/{_checked(name)}{question_mark}{options}"


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise StorageError(f"{name!r} cannot be the name of a database: lower-case letters, digits and _ can")
    return name
