"""The backup of an SQLite node, as an operator's timer runs it."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "deploy" / "backup_sqlite.py"


def back_up(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), *(str(argument) for argument in arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=50)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "node.db"
    with closing(sqlite3.connect(path)) as node, node:
        node.execute("PRAGMA journal_mode = WAL")
        node.execute("CREATE TABLE pairs (n INTEGER, side TEXT, filler BLOB)")
        node.executemany("INSERT INTO pairs VALUES (?, 'old', zeroblob(2000))", [(n,) for n in range(5000)])
    return path


@contextmanager
def somebody_writing(path: Path) -> Iterator[None]:
    """Two rows per transaction, as fast as it goes, so that a torn copy would show an odd number."""
    done = threading.Event()

    def write() -> None:
        with closing(sqlite3.connect(path, timeout=30)) as node:
            number = 0
            while not done.is_set():
                with node:
                    node.execute("INSERT INTO pairs VALUES (?, 'left', NULL)", (number,))
                    node.execute("INSERT INTO pairs VALUES (?, 'right', NULL)", (number,))
                number += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield
    finally:
        done.set()
        writer.join()


def test_a_copy_taken_while_the_node_writes_is_whole(database: Path, tmp_path: Path) -> None:
    with somebody_writing(database):
        result = back_up(database, tmp_path / "backups")
    assert result.returncode == 0, result.stderr
    copy = Path(result.stdout.strip())
    assert copy.stat().st_mode & 0o777 == 0o600
    with closing(sqlite3.connect(copy)) as opened:
        sides = dict(opened.execute("SELECT side, count(*) FROM pairs GROUP BY side"))
    assert sides["old"] == 5000
    assert sides.get("left", 0) == sides.get("right", 0)
    assert [path.name for path in copy.parent.iterdir()] == [copy.name]


def test_only_the_newest_copies_are_kept_and_nothing_else_is_touched(database: Path, tmp_path: Path) -> None:
    backups = tmp_path / "backups"
    backups.mkdir()
    old = [backups / f"node-2020010{day}T000000Z.db" for day in range(1, 5)]
    foreign = backups / "node-of-somebody-else.db"
    for path in [*old, foreign]:
        path.touch()
    result = back_up(database, backups, "--keep", 2)
    assert {path.name for path in backups.iterdir()} == {
        Path(result.stdout.strip()).name,
        old[-1].name,
        foreign.name,
    }


def test_a_missing_database_is_an_error_and_leaves_nothing_behind(tmp_path: Path) -> None:
    result = back_up(tmp_path / "absent.db", tmp_path / "backups")
    assert result.returncode == 1
    assert "there is no database" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_something_that_is_no_database_is_an_error_and_leaves_no_copy(tmp_path: Path) -> None:
    (tmp_path / "node.db").write_text("this is not a database, however long the text may be " * 100)
    result = back_up(tmp_path / "node.db", tmp_path / "backups")
    assert result.returncode == 1
    assert "No backup was made" in result.stderr
    assert list((tmp_path / "backups").iterdir()) == []
