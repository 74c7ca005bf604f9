"""A whole node in this process, on a real socket and a real database: for tests that look inside."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from fediverse_node.app import Node, build
from fediverse_node.base.config import configure
from fediverse_node.base.outcome import Fail
from fediverse_node.cli.setup import prepare
from fediverse_node.transport.client import Client


@dataclass(slots=True)
class Running:
    """A node that listens."""

    node: Node
    base_url: str

    async def add_person(self, name: str) -> int:
        """The actor id of a new person."""
        made = await self.node.core.registration.create(name, f"{name}@example.org", reserved_allowed=True)
        assert not isinstance(made, Fail), made
        return made.actor_id


def free_port() -> int:
    """A port of the loopback interface that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def _nobody_else(host: str, port: int) -> list[str]:
    """Documents name all the world's hosts; from here there is only this machine."""
    if host in ("127.0.0.1", "localhost"):
        return ["127.0.0.1"]
    raise OSError(f"no way to {host} from a test")


@contextlib.asynccontextmanager
async def running_node(
    folder: Path, *, database_url: str | None = None, port: int | None = None, **settings: str
) -> AsyncIterator[Running]:
    """Start a node in `folder`; `settings` are names of variables without their prefix."""
    port = port or free_port()
    base_url = f"http://127.0.0.1:{port}"
    environ = {
        "FEDIVERSE_NODE_DATA_DIR": str(folder / "data"),
        "FEDIVERSE_NODE_LISTEN": f"127.0.0.1:{port}",
        "FEDIVERSE_NODE_BASE_URL": base_url,
        **{f"FEDIVERSE_NODE_{name}": value for name, value in settings.items()},
    }
    if database_url:
        environ["FEDIVERSE_NODE_DATABASE_URL"] = database_url
    config = configure({}, environ)
    prepared = await prepare(config)
    client = Client(base_url=config.base_url, version="test", development=True, resolver=_nobody_else)
    node = await build(prepared.core, http=client)
    runner = web.AppRunner(node.app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, reuse_address=True).start()
    await node.start()
    try:
        yield Running(node, base_url)
    finally:
        await runner.cleanup()
        await node.stop()
