"""The databases of a live world: a file in each node's folder, or one of a PostgreSQL server for each node."""

from __future__ import annotations

import asyncio
from pathlib import Path

from fediverse_node.lab.databases import copy_schema
from fediverse_node.storage.databases import create_database, drop_database
from fediverse_node.storage.inline import BackgroundLoop, InlineDatabase, InlineServer, InlineSqlite
from fediverse_node.storage.migrate import migrate


class LiveDatabases:
    """Makes what is missing, brings up to date what is there, and lets others look into it."""

    def __init__(self, folder: Path, *, server_url: str | None, world_id: str) -> None:
        self._folder = folder
        self._server_url = server_url
        self._world_id = world_id
        self._made: list[str] = []
        self._background: BackgroundLoop | None = None
        # Alembic keeps its state in a module: two upgrades at once in one process break each other.
        self._turn = asyncio.Lock()

    async def prepare(self, host: str) -> str:
        """The URL of the node's database, ready for use. Raises StorageError."""
        async with self._turn:
            return await self._prepare(host)

    async def _prepare(self, host: str) -> str:
        if self._server_url is not None:
            name = f"lab_{self._world_id}_{''.join(c if c.isalnum() else '_' for c in host)}"
            self._made.append(name)
            url = await create_database(self._server_url, name)
        else:
            path = self._folder / host / "node.db"
            url = f"sqlite:///{path}"
            if not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                await asyncio.to_thread(copy_schema, path)
                return url
        await migrate(url)
        return url

    def open(self, url: str) -> InlineDatabase:
        """For those who look from outside, while the node has it open too."""
        if url.startswith("sqlite"):
            return InlineSqlite(Path(url.removeprefix("sqlite:///")))
        if self._background is None:
            self._background = BackgroundLoop()
        return InlineServer.open(url, self._background)

    async def close(self, *, keeps: bool) -> None:
        """End; without `keeps`, what was made on a server is thrown away. All of it must have been closed."""
        if self._background is not None:
            await asyncio.to_thread(self._background.close)
            self._background = None
        if self._server_url is not None and not keeps:
            for name in self._made:
                await drop_database(self._server_url, name)
