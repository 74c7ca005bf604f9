"""Databases with the schema, on both engines; the schema is made once and copied."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from fediverse_node.storage.engine import open_database
from fediverse_node.storage.migrate import migrate
from tests.postgres import PostgresServer, run_apart
from tests.storage.node_store import NodeStore


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file with the schema and nothing in it."""
    path = tmp_path_factory.mktemp("migrated") / "node.db"
    run_apart(lambda: _migrate(f"sqlite:///{path}"))
    return path


@pytest.fixture(scope="session")
def migrated_template(postgres_server: PostgresServer) -> str:
    """The name of a PostgreSQL database with the schema and nothing in it."""
    url = postgres_server.create_database()
    run_apart(lambda: _migrate(url))
    return url.rpartition("/")[2]


async def _migrate(url: str) -> None:
    await migrate(url)


@pytest.fixture
def sqlite_node_url(migrated_file: Path, tmp_path: Path) -> str:
    """An SQLite database with the schema."""
    shutil.copy(migrated_file, tmp_path / "node.db")
    return f"sqlite:///{tmp_path / 'node.db'}"


@pytest.fixture
def postgres_node_url(postgres_server: PostgresServer, migrated_template: str) -> Iterator[str]:
    """A PostgreSQL database with the schema."""
    url = postgres_server.create_database(template=migrated_template)
    yield url
    postgres_server.drop_database(url)


@pytest.fixture(params=["sqlite", "postgresql"])
def node_url(request: pytest.FixtureRequest) -> str:
    """A database with the schema: the test runs once on SQLite and once on PostgreSQL."""
    name = "sqlite_node_url" if request.param == "sqlite" else "postgres_node_url"
    url: str = request.getfixturevalue(name)
    return url


async def _opened(url: str) -> AsyncIterator[NodeStore]:
    store = NodeStore(await open_database(url))
    yield store
    await asyncio.wait_for(store.close(), 20)


@pytest.fixture
async def store(node_url: str) -> AsyncIterator[NodeStore]:
    """A node's database: the test runs once on SQLite and once on PostgreSQL."""
    async for store in _opened(node_url):
        yield store


@pytest.fixture
async def sqlite_store(sqlite_node_url: str) -> AsyncIterator[NodeStore]:
    """A node's database in one file."""
    async for store in _opened(sqlite_node_url):
        yield store


@pytest.fixture
async def postgres_store(postgres_node_url: str) -> AsyncIterator[NodeStore]:
    """A node's database on a server."""
    async for store in _opened(postgres_node_url):
        yield store
