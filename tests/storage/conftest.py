"""Databases with the schema, on both engines."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.storage.node_store import NodeStore


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[NodeStore]:
    """A node's database: the test runs once on SQLite and once on PostgreSQL."""
    opened = await NodeStore.open(database_url)
    yield opened
    await opened.close()


@pytest.fixture
async def sqlite_store(sqlite_url: str) -> AsyncIterator[NodeStore]:
    """A node's database in one file."""
    opened = await NodeStore.open(sqlite_url)
    yield opened
    await opened.close()


@pytest.fixture
async def postgres_store(postgres_url: str) -> AsyncIterator[NodeStore]:
    """A node's database on a server."""
    opened = await NodeStore.open(postgres_url)
    yield opened
    await opened.close()
