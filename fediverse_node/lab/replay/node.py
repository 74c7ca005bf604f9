"""The node of a replay: the real server with an empty database, the recorded name, and the recorded moments.

Its clock begins shortly before the recording, its keys are the lab's, and whatever address it calls, the recording
answers. What it says and hears is recorded in the same way as the original was.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

from fediverse_node import __version__
from fediverse_node.app import Node, build
from fediverse_node.base.clock import from_ms
from fediverse_node.base.config import configure
from fediverse_node.base.errors import NodeError
from fediverse_node.base.randomness import SeededRandomness
from fediverse_node.core import Ports, open_core
from fediverse_node.domain.model import Actor
from fediverse_node.lab.clock import LabClock
from fediverse_node.lab.compactor import InlineCompactor
from fediverse_node.lab.databases import SqliteFiles
from fediverse_node.lab.exchange import Exchange
from fediverse_node.lab.keys import LabKeys
from fediverse_node.lab.loop import VirtualLoop
from fediverse_node.lab.recorder.recorder import Recorder, Wanted
from fediverse_node.lab.recording import Recording, parse_recording
from fediverse_node.lab.replay.answers import Book, RecordedFaults
from fediverse_node.lab.replay.door import REPLAYS
from fediverse_node.lab.replay.plan import Plan
from fediverse_node.lab.replay.wires import Wires
from fediverse_node.storage.inline import InlineDatabase
from fediverse_node.storage.queries.inbox import ACTOR_FETCHED, OBJECT_ID
from fediverse_node.storage.queries.outbox import ACTOR
from fediverse_node.storage.rows import actor_of
from fediverse_node.transport.client import Client

_LEAD_MS = 2_000
_LONGEST_SLEEP_S = 86_400.0
_EVERY_S = 300.0


class Kept:
    """Lines of a recording that stay in memory."""

    is_open = True

    def __init__(self) -> None:
        self.lines: list[bytes] = []

    def write(self, line: bytes) -> str | None:
        """Keep a line."""
        self.lines.append(line)
        return None

    def close(self) -> None:
        """They are still here."""

    def recording(self) -> Recording:
        """All of them."""
        return parse_recording(self.lines, name="the replay")


@dataclass(slots=True)
class Replayed:
    """A node that replays, and what is needed to replay with it."""

    node: Node
    clock: LabClock
    book: Book
    recorder: Recorder
    serve: Callable[[], asyncio.Protocol]
    kept: Kept
    database: InlineDatabase
    runner: web.AppRunner
    # The number of the recorded exchange -> that of the replay.
    came_in: dict[int, int] = field(default_factory=dict)

    def now_ms(self) -> int:
        """The moment it is in the recording."""
        return self.clock.now_ms()

    def actor_id(self, uri: str) -> int | None:
        """The id of somebody the node knows."""
        rows = self.database.read(ACTOR_FETCHED, uri=uri)
        return int(rows[0]["id"]) if rows and rows[0]["deleted_ms"] is None else None

    def object_id(self, uri: str) -> int | None:
        """The id of a post the node has."""
        rows = self.database.read(OBJECT_ID, uri=uri)
        return int(rows[0]["id"]) if rows else None

    def local_actor(self, actor_id: int) -> Actor:
        """Somebody who lives here."""
        return actor_of(self.database.read(ACTOR, id_=actor_id)[0])

    async def stop(self) -> None:
        """Stop in good order."""
        await self.runner.cleanup()
        await self.node.stop()
        self.recorder.end()


async def open_replay(plan: Plan, loop: VirtualLoop, files: SqliteFiles, folder: Path) -> Replayed:
    """A node that is built and does not work yet: see `Replayed.recorder.begin` and `Node.start`."""
    clock = LabClock(loop, from_ms(plan.began_ms - _LEAD_MS))
    book = Book(plan.outgoing)
    wires = Wires(loop, book.reply)
    loop.connect_by(wires)
    url = files.create("replay")
    opened: list[InlineDatabase] = []

    async def database(_: str) -> InlineDatabase:
        opened.append(files.open(url))
        return opened[0]

    config = configure(
        {},
        {
            "FEDIVERSE_NODE_BASE_URL": plan.base_url,
            "FEDIVERSE_NODE_DATA_DIR": str(folder),
            "FEDIVERSE_NODE_DATABASE_URL": url,
            # All requests come from one address here.
            "FEDIVERSE_NODE_RATE_LIMITS": "false",
        },
    )
    ports = Ports(
        clock=clock,
        randomness=SeededRandomness(f"replay of {plan.host}"),
        keys=LabKeys(f"replay of {plan.host}"),
        database=database,
        compactor=InlineCompactor,
        longest_sleep_s=_LONGEST_SLEEP_S,
        every_s=_EVERY_S,
    )
    kept, came_in = Kept(), dict[int, int]()
    recorder = Recorder(
        kept,
        host=config.host,
        base_url=plan.base_url,
        clock=clock,
        wanted=Wanted(came_in=lambda exchange, request: _note(came_in, exchange, request)),
    )
    core = await open_core(config, ports)
    client = Client(base_url=plan.base_url, version=__version__, development=config.development, resolver=wires.resolve)
    node = await build(core, http=recorder.http(RecordedFaults(client, book)))
    recorder.attach(node)
    runner = web.AppRunner(node.app, access_log=None, handle_signals=False, shutdown_timeout=5.0)
    await runner.setup()
    if runner.server is None:
        raise NodeError("the node of the replay does not serve")
    return Replayed(node, clock, book, recorder, runner.server, kept, opened[0], runner, came_in)


def _note(came_in: dict[int, int], exchange: Exchange, request: web.Request) -> None:
    transport = request.transport
    number = transport.get_extra_info(REPLAYS) if transport is not None else None
    if isinstance(number, int):
        came_in[number] = exchange.number
