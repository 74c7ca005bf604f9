"""The schema that migrations make is the schema the code speaks of, and nobody's newer database is touched."""

from __future__ import annotations

import asyncio
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import URL, Connection, create_engine
from sqlalchemy.ext.asyncio import create_async_engine

from fediverse_node.base.errors import StorageError
from fediverse_node.storage.engine import open_database
from fediverse_node.storage.migrate import HEAD, current_version, migrate
from fediverse_node.storage.tables import metadata
from tests.postgres import PostgresServer
from tests.storage.node_store import NodeStore


def _differences(connection: Connection) -> list[Any]:
    options = {"compare_type": True, "compare_server_default": False, "include_object": _is_for(connection)}
    context = MigrationContext.configure(connection, opts=options)
    return list(compare_metadata(context, metadata))


def _is_for(connection: Connection) -> Callable[..., bool]:
    """What Alembic cannot speak of: SQLite's text index, which is tables for it, and indexes of one engine alone."""

    def is_for(thing: Any, name: str | None, kind: str, *_: Any) -> bool:
        if kind == "index":
            condition = getattr(thing, "_ddl_if", None)
            return condition is None or condition.dialect == connection.dialect.name
        # They are compared by their text below.
        return not (kind == "table" and str(name).startswith("object_index"))

    return is_for


def _file(url: str) -> Path:
    return Path(url.removeprefix("sqlite:///"))


def _spoken(sql: str | None) -> str:
    """SQL without layout and quotes."""
    return re.sub(r"\s+", " ", re.sub(r'["\[\]]', "", sql or "")).replace("( ", "(").replace(" )", ")").strip()


def _sqlite_schema(path: Path) -> dict[str, str]:
    connection = sqlite3.connect(path)
    rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE tbl_name <> 'alembic_version'").fetchall()
    connection.close()
    return {name: _spoken(sql) for name, sql in rows}


# Alembic cannot read indexes of expressions on SQLite; they are compared by their text below.
@pytest.mark.filterwarnings("ignore:Skipped unsupported reflection of expression-based index")
@pytest.mark.filterwarnings("ignore:autogenerate skipping metadata-specified expression-based index")
async def test_migrations_make_what_the_tables_say_on_sqlite(sqlite_url: str, tmp_path: Path) -> None:
    assert await migrate(sqlite_url) is None
    engine = create_engine(URL.create("sqlite", database=str(_file(sqlite_url))))
    with engine.connect() as connection:
        assert _differences(connection) == []
    engine.dispose()
    scratch = create_engine(URL.create("sqlite", database=str(tmp_path / "scratch.db")))
    metadata.create_all(scratch)
    scratch.dispose()
    migrated, made = _sqlite_schema(_file(sqlite_url)), _sqlite_schema(tmp_path / "scratch.db")
    assert migrated.keys() == made.keys()
    indexes = {name for name, sql in made.items() if "INDEX" in sql}
    assert {name: migrated[name] for name in indexes} == {name: made[name] for name in indexes}
    for table in metadata.tables:
        assert _parts(migrated[table]) == _parts(made[table]), table


def _parts(create_table: str) -> list[str]:
    """Columns and constraints, in no order: Alembic and SQLAlchemy write constraints in different ones."""
    inside = create_table.partition("(")[2]
    body, _, tail = inside.rpartition(")")
    return [*sorted(part.strip() for part in re.split(r",\s(?![^(]*\))", body)), tail.strip()]


async def test_migrations_make_what_the_tables_say_on_postgresql(
    postgres_url: str, postgres_server: PostgresServer
) -> None:
    assert await migrate(postgres_url) is None
    scratch = postgres_server.create_database()
    for url, make in ((postgres_url, False), (scratch, True)):
        engine = create_async_engine(url.replace("://", "+asyncpg://", 1))
        async with engine.begin() as connection:
            if make:
                await connection.run_sync(metadata.create_all)
            else:
                assert await connection.run_sync(_differences) == []
        await engine.dispose()
    try:
        assert await _postgres_schema(postgres_url) == await _postgres_schema(scratch)
    finally:
        postgres_server.drop_database(scratch)


async def _postgres_schema(url: str) -> dict[str, list[str]]:
    connection = await asyncpg.connect(url)
    queries = {
        "indexes": "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename <> 'alembic_version'",
        "constraints": "SELECT conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) "
        "FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND conrelid::regclass::text <> "
        "'alembic_version'",
        "columns": "SELECT table_name || ' ' || column_name || ' ' || data_type || ' ' || is_nullable || ' ' || "
        "coalesce(column_default, '') FROM information_schema.columns WHERE table_schema = 'public' "
        "AND table_name <> 'alembic_version'",
    }
    found = {name: sorted(row[0] for row in await connection.fetch(query)) for name, query in queries.items()}
    await connection.close()
    assert all(found.values())
    return found


async def test_migrating_again_does_nothing_and_tells_the_version(database_url: str) -> None:
    assert await current_version(database_url) is None
    assert await migrate(database_url) is None
    assert await migrate(database_url) == HEAD
    assert await current_version(database_url) == HEAD


async def test_two_processes_that_migrate_at_once_do_not_get_in_each_others_way(database_url: str) -> None:
    program = "import asyncio, sys; from fediverse_node.storage.migrate import migrate; "
    program += "print(asyncio.run(migrate(sys.argv[1])))"
    processes = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", program, database_url, stdout=subprocess.PIPE)
        for _ in range(2)
    ]
    outputs = [(await process.communicate())[0].decode().strip() for process in processes]
    assert sorted(outputs) == [HEAD, "None"]
    store = NodeStore(await open_database(database_url))
    assert await store.count("alembic_version") == 1
    await store.close()


async def test_a_database_of_a_newer_version_is_refused_and_left_alone(node_url: str) -> None:
    store = NodeStore(await open_database(node_url))
    await store.person("alice")
    await _set_version(node_url, "9999")
    with pytest.raises(StorageError, match="9999, which is newer than this program"):
        await migrate(node_url)
    assert await current_version(node_url) == "9999"
    assert await store.count("actors") == 1
    await store.close()


async def _set_version(url: str, version: str) -> None:
    if url.startswith("sqlite"):
        connection = sqlite3.connect(_file(url))
        with connection:
            connection.execute("UPDATE alembic_version SET version_num = ?", (version,))
        connection.close()
        return
    postgres = await asyncpg.connect(url)
    await postgres.execute("UPDATE alembic_version SET version_num = $1", version)
    await postgres.close()


async def test_migrating_works_while_another_process_uses_the_database(node_url: str) -> None:
    store = NodeStore(await open_database(node_url))
    alice = await store.person("alice")
    assert await migrate(node_url) == HEAD
    assert await store.social(alice) == (0, 0, 0)
    await store.person("carol")
    await store.close()


async def test_a_migration_that_breaks_off_leaves_nothing_behind(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = command.upgrade

    def breaking(config: Any, revision: str) -> None:
        plain(config, revision)
        raise OSError("the power went out")

    monkeypatch.setattr(command, "upgrade", breaking)
    with pytest.raises(StorageError, match="the power went out"):
        await migrate(database_url)
    monkeypatch.undo()
    assert await current_version(database_url) is None
    assert await migrate(database_url) is None
    assert await current_version(database_url) == HEAD


async def test_a_database_that_cannot_be_reached_is_a_clear_error(tmp_path: Path) -> None:
    for url in (f"sqlite:///{tmp_path}", "postgresql://nobody@127.0.0.1:1/nothing"):
        with pytest.raises(StorageError):
            await migrate(url)
        with pytest.raises(StorageError):
            await open_database(url)
    with pytest.raises(StorageError, match="unknown database"):
        await open_database("mysql://root@localhost/x")


async def test_migrating_waits_for_whoever_writes_into_a_database_that_is_new(sqlite_url: str) -> None:
    """SQLite refuses to change its journal at once while somebody else holds a lock."""
    other = sqlite3.connect(_file(sqlite_url), isolation_level=None)
    other.execute("CREATE TABLE strange (id INTEGER)")
    other.execute("BEGIN IMMEDIATE")
    migrating = asyncio.create_task(migrate(sqlite_url))
    await asyncio.sleep(0.3)
    assert not migrating.done()
    other.execute("ROLLBACK")
    other.close()
    assert await migrating is None
    assert await current_version(sqlite_url) == HEAD


async def test_a_database_of_the_first_version_is_brought_up_to_date_with_all_that_waits(database_url: str) -> None:
    real = command.upgrade
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(command, "upgrade", lambda config, revision: real(config, "0001"))
        await migrate(database_url)
    assert await current_version(database_url) == "0001"
    waiting = "INSERT INTO inbox_staging (id, method, url, headers, body, host, due_ms) VALUES (1, 'POST', 'u', '[]', "
    if database_url.startswith("sqlite"):
        with sqlite3.connect(_file(database_url)) as connection:
            connection.execute(f"{waiting} x'7b7d', 'h', 0)")
        connection.close()
    else:
        postgres = await asyncpg.connect(database_url)
        await postgres.execute(f"{waiting} '{{}}'::bytea, 'h', 0)")
        await postgres.close()
    assert await migrate(database_url) == "0001"
    store = NodeStore(await open_database(database_url))
    assert await store.count("inbox_staging") == 1
    await store.close()
