"""Brings a database to the schema this program needs, by Alembic; refuses one that is newer.

Alembic takes a third of a second to import, so it is loaded only when there is something to do.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, create_engine, inspect, text
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from fediverse_node.base.errors import StorageError

HEAD = "0004"
# Any number, as long as it is always the same: who migrates holds it, and the others wait.
_POSTGRESQL_LOCK = 8_420_001
_WAL_ATTEMPTS = 600
_WAL_PAUSE_S = 0.05
_DIRECTORY = Path(__file__).parent / "migrations"


async def migrate(url: str) -> str | None:
    """Upgrade the database; returns the version it had before, None for an empty one. Raises StorageError."""
    try:
        if url.startswith("sqlite"):
            return await asyncio.to_thread(_migrate_sqlite, Path(url.removeprefix("sqlite:///")))
        engine = _postgresql_engine(url)
        try:
            async with engine.begin() as connection:
                await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _POSTGRESQL_LOCK})
                before: str | None = await connection.run_sync(_upgrade)
                return before
        finally:
            await engine.dispose()
    except (SQLAlchemyError, OSError) as error:
        raise StorageError(f"cannot bring the database up to date: {error}") from error


async def current_version(url: str) -> str | None:
    """The schema version of a database, None where there is none yet. Raises StorageError."""
    try:
        if url.startswith("sqlite"):
            return await asyncio.to_thread(_sqlite_version, Path(url.removeprefix("sqlite:///")))
        engine = _postgresql_engine(url)
        try:
            async with engine.connect() as connection:
                version: str | None = await connection.run_sync(_version)
                return version
        finally:
            await engine.dispose()
    except (SQLAlchemyError, OSError) as error:
        raise StorageError(f"cannot read the database: {error}") from error


def _postgresql_engine(url: str) -> Any:
    # Brings SQLAlchemy's ORM along: ten megabytes that a node on SQLite has no use for.
    from sqlalchemy.ext.asyncio import create_async_engine  # noqa: PLC0415

    return create_async_engine("postgresql+asyncpg://" + url.partition("://")[2])


def _sqlite_version(path: Path) -> str | None:
    if not path.exists():
        return None
    engine = create_engine(URL.create("sqlite", database=str(path)))
    try:
        with engine.connect() as connection:
            return _version(connection)
    finally:
        engine.dispose()


def _migrate_sqlite(path: Path) -> str | None:
    path.parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        # The driver would commit before each CREATE TABLE: a crash half way would leave half a schema.
        connect_args={"timeout": 30, "isolation_level": None},
    )
    try:
        with engine.connect() as connection:
            _use_wal(connection)
            connection.exec_driver_sql("PRAGMA synchronous = FULL")
            if _version(connection) == HEAD:
                return HEAD
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            try:
                before = _upgrade(connection)
                connection.exec_driver_sql("COMMIT")
            except BaseException:
                connection.exec_driver_sql("ROLLBACK")
                raise
            return before
    finally:
        engine.dispose()


def _use_wal(connection: Connection) -> None:
    """Two processes that start at once both want this, and SQLite does not wait for the other here."""
    for attempt in range(_WAL_ATTEMPTS):
        try:
            connection.exec_driver_sql("PRAGMA journal_mode = WAL")
        except OperationalError:
            if attempt + 1 == _WAL_ATTEMPTS:
                raise
            time.sleep(_WAL_PAUSE_S)
        else:
            return


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return found


def _upgrade(connection: Connection) -> str | None:
    before = _version(connection)
    if before == HEAD:
        return before
    # Heavy, and needed once a release.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(_DIRECTORY))
    known = {revision.revision for revision in ScriptDirectory.from_config(config).walk_revisions()}
    if before is not None and before not in known:
        raise StorageError(
            f"the database has schema {before}, which is newer than this program (it knows up to {HEAD}): "
            "install the newer version again, or restore a backup made before the upgrade"
        )
    command.upgrade(config, "head")
    return before


def alembic_connection(context: Any) -> Connection:
    """The connection that `migrate` hands to migrations/env.py."""
    connection: Connection = context.config.attributes["connection"]
    return connection
