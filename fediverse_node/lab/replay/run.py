"""One replay from beginning to end: a fresh node, the recorded moments, and what it did this time."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Mapping
from contextvars import copy_context
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from fediverse_node.base.errors import NodeError
from fediverse_node.lab.databases import SqliteFiles
from fediverse_node.lab.exchange import Exchange
from fediverse_node.lab.loop import VirtualLoop
from fediverse_node.lab.recording import Recording, parse_recording
from fediverse_node.lab.replay.acts import Act, Acting, acts_of, lookup_of, stamps_of
from fediverse_node.lab.replay.door import knock
from fediverse_node.lab.replay.node import Replayed, open_replay
from fediverse_node.lab.replay.plan import Plan
from fediverse_node.lab.replay.resign import resigned
from fediverse_node.lab.replay.seed import Seeding
from fediverse_node.lab.replay.state import State, state_of
from fediverse_node.protocol.webfinger import Acct, parse_resource

# Answers to the last requests still come; then the node is stopped.
_AFTERWARDS_S = 2.0
# What the node asks by itself, it asks at the moment it did so before, or earlier.
_GRACE_S = 0.002


@dataclass(frozen=True, slots=True)
class Run:
    """What came of a replay. `came_in`: number of a recorded exchange -> that of the replay's."""

    version: str
    recording: Recording
    came_in: Mapping[int, int]
    not_repeated: tuple[str, ...]
    # Ids of the activities that were not done again: it is no difference that they were not sent.
    left_out: tuple[str, ...]
    state: State

    def dump(self) -> bytes:
        """For another process."""
        plain = {
            "version": self.version,
            "came_in": {str(one): other for one, other in self.came_in.items()},
            "not_repeated": list(self.not_repeated),
            "left_out": list(self.left_out),
            "state": self.state.to_json(),
        }
        return orjson.dumps(plain) + b"\n" + self.recording.dump()

    @classmethod
    def parse(cls, data: bytes) -> Run:
        """What `dump` gave. Raises NodeError for anything else."""
        head, *lines = data.split(b"\n")
        try:
            plain: dict[str, Any] = orjson.loads(head)
            return cls(
                version=str(plain["version"]),
                recording=parse_recording([line for line in lines if line], name="the other replay"),
                came_in={int(one): int(other) for one, other in plain["came_in"].items()},
                not_repeated=tuple(plain["not_repeated"]),
                left_out=tuple(plain["left_out"]),
                state=State.from_json(plain["state"]),
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise NodeError(f"this is not the outcome of a replay: {error!r}") from error


def replay(plan: Plan) -> Run:
    """Replay. No event loop may be running in this thread; takes about as long as the node needs to work."""
    loop = VirtualLoop()
    loop.set_exception_handler(lambda loop, what: None)
    files = SqliteFiles()
    try:
        return copy_context().run(loop.run_until_complete, _replay(resigned(plan), loop, files, files.folder))
    finally:
        loop.close()
        files.close()
        shutil.rmtree(files.folder, ignore_errors=True)


async def _replay(plan: Plan, loop: VirtualLoop, files: SqliteFiles, folder: Path) -> Run:
    replayed = await open_replay(plan, loop, files, folder / "data")
    seeding = Seeding(replayed, plan)
    await seeding.all()
    await replayed.recorder.begin()
    with replayed.recorder.watching():
        await replayed.node.start()
    script = _Script(replayed, plan, seeding)
    await script.play()
    state = state_of(replayed.database)
    await replayed.stop()
    recording = replayed.kept.recording()
    return Run(
        version=str(recording.about.get("version")),
        recording=recording,
        came_in=dict(replayed.came_in),
        not_repeated=(*seeding.left_out, *script.not_repeated),
        left_out=tuple(script.left_out),
        state=state,
    )


class _Script:
    """Everything that happens from outside, in its order."""

    def __init__(self, replayed: Replayed, plan: Plan, seeding: Seeding) -> None:
        self._replayed = replayed
        self._plan = plan
        self._seeding = seeding
        self._acting = Acting(replayed, stamps_of(plan))
        self._came_in = {exchange.number for exchange in plan.incoming}
        self._asked_before: dict[int, int] = {}
        self._looking = asyncio.Lock()
        self.not_repeated: list[str] = []
        self.left_out: list[str] = []

    async def play(self) -> None:
        tasks = []
        for at_ms, _, _, work in sorted(self._events(), key=lambda event: event[:3]):
            await self._until(at_ms)
            tasks.append(asyncio.ensure_future(work()))
            # What has begun gets to where it waits for something before the next thing begins.
            await asyncio.sleep(0)
        await self._until(self._plan.last_ms)
        await asyncio.sleep(_AFTERWARDS_S)
        if tasks:
            await asyncio.gather(*tasks)

    def _events(self) -> list[tuple[int, int, int, Callable[[], Awaitable[None]]]]:
        """Moment, kind (at one moment acts come first), number, and what is to be done."""
        found: list[tuple[int, int, int, Callable[[], Awaitable[None]]]] = []
        for since_ms, item in self._seeding.later:
            found.append((since_ms, -1, 0, lambda item=item: self._seeding.local_actor(item)))  # type: ignore[misc]
        for act in acts_of(self._plan):
            found.append((act.at_ms, 0, act.exchange, lambda act=act: self._act(act)))  # type: ignore[misc]
        counts: dict[tuple[str, str], int] = {}
        for exchange in self._plan.outgoing:
            key = exchange.method, exchange.url
            counts[key] = counts.get(key, 0) + 1
            if lookup_of(exchange) is not None and exchange.cause not in self._came_in:
                self._asked_before[exchange.number] = counts[key]
                found.append((exchange.at_ms, 1, exchange.number, lambda of=exchange: self._look_up(of)))  # type: ignore[misc]
        for exchange in self._plan.incoming:
            found.append((exchange.at_ms, 2, exchange.number, lambda of=exchange: self._come_in(of)))  # type: ignore[misc]
        return found

    async def _until(self, at_ms: int) -> None:
        left_ms = at_ms - self._replayed.now_ms()
        if left_ms > 0:
            await asyncio.sleep(left_ms / 1000)

    async def _act(self, act: Act) -> None:
        why = await self._acting.do(act)
        if why is not None:
            self.left_out.append(str(act.document.get("id")))
            self.not_repeated.append(f"{act.type} {act.document.get('id')} by {act.actor}: {why}")

    async def _come_in(self, exchange: Exchange) -> None:
        await knock(self._replayed.serve, exchange)

    async def _look_up(self, exchange: Exchange) -> None:
        """A person looked somebody up, unless the node asks by itself."""
        await asyncio.sleep(_GRACE_S)
        # What one looks for may take several requests: the later ones are done when it is found.
        async with self._looking:
            if self._replayed.book.times_asked(exchange) < self._asked_before[exchange.number]:
                await self._find(exchange)

    async def _find(self, exchange: Exchange) -> None:
        kind, what = lookup_of(exchange) or ("", "")
        gatherer = self._replayed.node.gatherer
        if kind == "handle":
            acct = parse_resource(what)
            if isinstance(acct, Acct):
                await gatherer.handle(acct.user, acct.host)
        elif self._is_actor(exchange):
            await gatherer.actor(what, renew=self._replayed.actor_id(what) is not None)
        else:
            await gatherer.object(what)

    @staticmethod
    def _is_actor(exchange: Exchange) -> bool:
        document = exchange.answer.document if exchange.answer is not None else None
        return document is not None and "inbox" in document
