"""Databases for the nodes of a simulated world: copies of one that has its schema already."""

from __future__ import annotations

import asyncio
import atexit
import shutil
import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import count
from pathlib import Path
from typing import Protocol

from fediverse_node.storage.inline import BackgroundLoop, InlineDatabase, InlineServer, InlineSqlite
from fediverse_node.storage.migrate import migrate

_MAKING = threading.Lock()
_MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it


class Databases(Protocol):
    """Makes and opens the databases of one world."""

    def create(self, host: str) -> str:
        """The URL of a new database with an empty schema."""
        ...

    def open(self, url: str) -> InlineDatabase:
        """Open one of them, again or for the first time."""
        ...

    def close(self) -> None:
        """Throw all of them away."""
        ...


class SqliteFiles:
    """One file for each node, in memory where the system has a place for that."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="lab-", dir=_MEMORY if _MEMORY.is_dir() else None))

    def create(self, host: str) -> str:
        path = self.folder / f"{host}.db"
        copy_schema(path)
        return f"sqlite:///{path}"

    def open(self, url: str) -> InlineDatabase:
        return InlineSqlite(Path(url.removeprefix("sqlite:///")))

    def close(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


class ServerDatabases:
    """Databases of a PostgreSQL server. `execute` runs a statement there as its administrator."""

    def __init__(self, url: Callable[[str], str], execute: Callable[[str], None], *, name: str) -> None:
        self._url = url
        self._execute = execute
        self._prefix = f"lab_{name}"
        self._numbers = count(1)
        self._made: list[str] = []
        self._background = BackgroundLoop()
        template = self._new("template0")
        self._background.call(migrate(self._url(template)))
        self._template = template

    def create(self, host: str) -> str:
        return self._url(self._new(self._template))

    def open(self, url: str) -> InlineDatabase:
        return InlineServer.open(url, self._background)

    def close(self) -> None:
        for name in reversed(self._made):
            self._execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        self._background.close()

    def _new(self, template: str) -> str:
        name = f"{self._prefix}_{next(self._numbers)}"
        self._execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        self._made.append(name)
        return name


def copy_schema(path: Path) -> None:
    """Write an SQLite file that has the schema and nothing in it."""
    # Nodes are started side by side, and the first of them makes it for all.
    with _MAKING:
        template = _template()
    shutil.copyfile(template, path)


@cache
def _template() -> Path:
    """A file with the schema and nothing in it; made once for a process."""
    folder = tempfile.mkdtemp(prefix="lab-schema-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = Path(folder) / "empty.db"
    # In a thread of its own: a loop may be running in this one.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(lambda: asyncio.run(migrate(f"sqlite:///{path}"))).result()
    return path
