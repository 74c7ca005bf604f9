"""What the planner of SQLite is told about the size of tables, and when."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from fediverse_node.storage import sqlite
from fediverse_node.storage.sqlite import connect, optimise

_ACTOR = (
    "INSERT INTO actors (id, uri, type, local, username, host, created_ms) VALUES (1, 'a', 'Person', 0, 'a', 'h', 1)"
)


def test_a_young_database_is_not_taken_for_one_that_stays_small(
    migrated_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The planner would begin with all actors there are, because there was one when it last looked."""
    path = tmp_path / "node.db"
    path.write_bytes(migrated_file.read_bytes())
    connection = connect(path)
    connection.execute(_ACTOR)
    connection.execute("SELECT id FROM actors WHERE username = 'a' AND host = 'h'").fetchall()
    optimise(connection)
    assert not _is_analysed(connection)
    monkeypatch.setattr(sqlite, "_WORTH_ANALYSING_PAGES", 1)
    optimise(connection)
    assert _is_analysed(connection)
    connection.close()


def _is_analysed(connection: sqlite3.Connection) -> bool:
    found = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_stat1'").fetchone()
    return found is not None and connection.execute("SELECT count(*) FROM sqlite_stat1").fetchone()[0] > 0
