#!/usr/bin/env python3
"""Copies a node's SQLite database while the node runs, checks the copy, and keeps the newest ones.

    backup_sqlite.py /var/lib/fediverse-node/node.db /var/backups/fediverse-node --keep 14

Uses SQLite's online backup, so the copy is one consistent moment; copying the file with `cp` is not. The copy appears
under its name only when it is whole and has passed the integrity check. Uploaded files lie beside the database in
`media/` and never change once written: copy them with rsync, after the database.
"""

from __future__ import annotations

import argparse
import os
import sqlite3
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

_PAGES_PER_STEP = 1024
_PAUSE_S = 0.01
_BUSY_TIMEOUT_S = 30.0


def back_up(database: Path, directory: Path, now: datetime) -> Path:
    """Writes `<name>-<UTC time>.db` into `directory` and returns its path. Raises sqlite3.Error or OSError."""
    if not database.is_file():
        raise FileNotFoundError(f"there is no database {database}")
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    target = directory / f"{database.stem}-{now:%Y%m%dT%H%M%SZ}.db"
    partial = target.with_suffix(".partial")
    partial.unlink(missing_ok=True)
    # The copy holds private posts and keys: nobody else may read it, not even for a moment.
    os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        with (
            closing(sqlite3.connect(database, timeout=_BUSY_TIMEOUT_S)) as source,
            closing(sqlite3.connect(partial)) as copy,
        ):
            # In WAL mode a reader's moment is fixed at its first read; without this, each write between two steps
            # would start the copy again, and a busy node would never be copied.
            source.execute("BEGIN")
            source.execute("SELECT count(*) FROM sqlite_schema").fetchone()
            source.backup(copy, pages=_PAGES_PER_STEP, sleep=_PAUSE_S)
            copy.execute("PRAGMA journal_mode = DELETE")
            verdict = copy.execute("PRAGMA integrity_check").fetchone()[0]
        if verdict != "ok":
            raise sqlite3.DatabaseError(f"the copy is damaged, so the database may be: {verdict}")
        _sync(partial)
        partial.rename(target)
        _sync(directory)
    finally:
        partial.unlink(missing_ok=True)
    return target


def prune(database: Path, directory: Path, keep: int) -> list[Path]:
    """Removes all but the newest `keep` copies of this database; returns what was removed."""
    stamp = "[0-9]" * 8 + "T" + "[0-9]" * 6 + "Z"
    copies = sorted(directory.glob(f"{database.stem}-{stamp}.db"), reverse=True)
    for old in copies[keep:]:
        old.unlink()
    return copies[keep:]


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("database", type=Path)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--keep", type=int, default=14, metavar="N", help="how many copies to keep (default 14)")
    options = parser.parse_args(arguments)
    if options.keep < 1:
        parser.error("--keep must be at least 1")
    try:
        print(back_up(options.database, options.directory, datetime.now(UTC)))
    except (OSError, sqlite3.Error) as wrong:
        print(f"No backup was made: {wrong}", file=sys.stderr)
        return 1
    prune(options.database, options.directory, options.keep)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
