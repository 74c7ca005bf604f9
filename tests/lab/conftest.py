"""Worlds for the tests of the lab itself."""

from __future__ import annotations

from itertools import count

import pytest

from fediverse_node.lab.databases import Databases, ServerDatabases

_numbers = count(1)


@pytest.fixture
def postgres_worlds(request: pytest.FixtureRequest) -> Databases:
    """The databases of a world on PostgreSQL."""
    server = request.getfixturevalue("postgres_server")
    return ServerDatabases(server.url, server.execute, name=f"world{next(_numbers)}")
