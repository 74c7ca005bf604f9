"""What every test may ask for: databases on both engines, the shared test data, and no way out of this machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.loopback import guard
from tests.postgres import MISSING, PostgresServer, find_binaries, running_server

SHARED = Path(__file__).resolve().parents[1] / "../shared"

guard()


@pytest.fixture(autouse=True)
def _no_configuration_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs the tests may have a node configured; the tests must not see it."""
    for variable in [name for name in os.environ if name.startswith("FEDIVERSE_NODE_")]:
        monkeypatch.delenv(variable)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One throw-away PostgreSQL server for the session (for each worker, where several share the tests)."""
    binaries = find_binaries()
    if binaries is None:
        pytest.skip(MISSING)
    with running_server(binaries) as server:
        yield server


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """The URL of an empty PostgreSQL database of the test's own."""
    url = postgres_server.create_database()
    yield url
    postgres_server.drop_database(url)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The URL of an SQLite database of the test's own, whose file does not exist yet."""
    return f"sqlite:///{tmp_path / 'node.db'}"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The URL of an empty database: the test runs once on SQLite and once on PostgreSQL."""
    url: str = request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")
    return url


@pytest.fixture(scope="session")
def shared() -> Path:
    """The developers' shared test data, which is not part of the project."""
    if not SHARED.is_dir():
        pytest.skip("the shared test data is not beside the project")
    return SHARED.resolve()
