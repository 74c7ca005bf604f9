"""Finishes what was put aside because the network had to be asked first; also after a crash.

Each staged request was accepted with a 202 after it was committed, so it is tried until it is done or its time is
over. Documents that a thread still lacks (`fetches`) are got here too.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import orjson

from fediverse_node.base.ids import moment_of
from fediverse_node.base.log import event
from fediverse_node.base.outcome import Fail, TemporaryFail
from fediverse_node.domain.activities import rule_for
from fediverse_node.domain.facts import World
from fediverse_node.domain.verified import Verified
from fediverse_node.inbox.answer import Turned
from fediverse_node.inbox.complete import Completer
from fediverse_node.inbox.gather import Gatherer
from fediverse_node.inbox.understand import Understood, understand
from fediverse_node.inbox.verify import Signed, Verifier
from fediverse_node.protocol.uris import host_of
from fediverse_node.signatures.request import Request
from fediverse_node.storage.apply.mentions import join_mentions
from fediverse_node.storage.engine import Database, Row
from fediverse_node.storage.events import Applied
from fediverse_node.storage.queries import inbox as queries
from fediverse_node.storage.writer import Decision, Writer
from fediverse_node.transport.dereference import Compactor

log = logging.getLogger(__name__)

_PARALLEL = 16
_PARALLEL_PER_HOST = 3
_LONGEST_SLEEP_S = 30.0
# Seconds until the next attempt; after the last one it is given up.
_PAUSES_S = (10, 60, 300, 1_800, 7_200, 21_600, 43_200, 86_400)


class Worker:
    """A loop over a table of things to do, some at a time, few for each host."""

    def __init__(
        self,
        name: str,
        *,
        due: Callable[[], Awaitable[list[Row]]],
        next_due_ms: Callable[[], Awaitable[int | None]],
        handle: Callable[[Row], Awaitable[None]],
        host: Callable[[Row], str],
        now_ms: Callable[[], int],
    ) -> None:
        self._name = name
        self._due = due
        self._next_due_ms = next_due_ms
        self._handle = handle
        self._host = host
        self._now_ms = now_ms
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._working: dict[int, asyncio.Task[None]] = {}
        self._per_host: Counter[str] = Counter()

    def start(self) -> None:
        """Begin with what is due."""
        self._task = asyncio.create_task(self._run(), name=self._name)

    async def stop(self) -> None:
        """What is under way is left for the next start."""
        tasks = [task for task in (self._task, *self._working.values()) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def wake(self) -> None:
        """Something may be due."""
        self._wake.set()

    async def _run(self) -> None:
        while True:
            self._wake.clear()
            try:
                started = await self._round()
            except asyncio.CancelledError:
                raise
            except Exception:  # a database that is away for a moment must not end the loop
                log.exception("%s.round_failed", self._name)
                started = False
                await asyncio.sleep(1.0)
            if not started:
                await self._sleep()

    async def _round(self) -> bool:
        if len(self._working) >= _PARALLEL:
            return False
        started = False
        for row in await self._due():
            host = self._host(row)
            if row["id"] in self._working or self._per_host[host] >= _PARALLEL_PER_HOST:
                continue
            if len(self._working) >= _PARALLEL:
                break
            self._per_host[host] += 1
            self._working[row["id"]] = asyncio.create_task(self._do(row, host))
            started = True
        return started

    async def _do(self, row: Row, host: str) -> None:
        try:
            await self._handle(row)
        except Exception:  # one thing that cannot be done must not keep the others
            log.exception("%s.failed id=%s", self._name, row["id"])
            await asyncio.sleep(5.0)
        finally:
            del self._working[row["id"]]
            self._per_host[host] -= 1
            if not self._per_host[host]:
                del self._per_host[host]
            self._wake.set()

    async def _sleep(self) -> None:
        timeout_s = _LONGEST_SLEEP_S
        due_ms = await self._next_due_ms()
        if due_ms is not None and not self._working:
            timeout_s = min(max((due_ms - self._now_ms()) / 1000, 0.05), _LONGEST_SLEEP_S)
        try:
            async with asyncio.timeout(timeout_s):
                await self._wake.wait()
        except TimeoutError:
            return


class Staging:
    """Finishes staged requests and fetches what threads lack."""

    def __init__(
        self,
        *,
        database: Database,
        writer: Writer,
        world: World,
        verifier: Verifier,
        completer: Completer,
        gatherer: Gatherer,
        compactor: Compactor,
    ) -> None:
        self._database = database
        self._writer = writer
        self._world = world
        self._verifier = verifier
        self._completer = completer
        self._gatherer = gatherer
        self._compactor = compactor
        self.requests = self._worker("staging", queries.DUE_STAGED, queries.NEXT_STAGED, self._finish, _staged_host)
        self.fetches = self._worker("fetching", queries.DUE_FETCHES, queries.NEXT_FETCH, self._fetch, _fetch_host)

    def start(self) -> None:
        """Take up what the process before left."""
        self.requests.start()
        self.fetches.start()
        self._writer.listen(self._on_commit)

    async def stop(self) -> None:
        """Stop both loops."""
        await self.requests.stop()
        await self.fetches.stop()

    def _worker(self, name: str, due: Any, next_: Any, handle: Any, host: Any) -> Worker:
        async def due_rows() -> list[Row]:
            return await self._database.fetch(due, now_ms=self._world.clock.now_ms(), most=4 * _PARALLEL)

        async def next_due_ms() -> int | None:
            row = await self._database.fetch_one(next_)
            return int(row[0]) if row is not None else None

        return Worker(
            name, due=due_rows, next_due_ms=next_due_ms, handle=handle, host=host, now_ms=self._world.clock.now_ms
        )

    def _on_commit(self, applied: Applied) -> None:
        if applied.fetches:
            self.fetches.wake()

    async def _finish(self, row: Row) -> None:
        outcome = await self._try(row)
        if isinstance(outcome, TemporaryFail) and row["attempts"] < len(_PAUSES_S):
            next_ms = self._world.clock.now_ms() + _PAUSES_S[row["attempts"]] * 1000
            await self._writer.run(lambda: queries.postpone_staged(row["id"], next_ms, str(outcome)))
            return
        if outcome is not None:
            event(log, "staging.ended", id=row["id"], host=row["host"], cause=str(outcome), attempts=row["attempts"])
            await self._writer.run(lambda: queries.forget_staged(row["id"]))

    async def _try(self, row: Row) -> Fail | TemporaryFail | None:
        """None when it is decided (and the row gone with it); else why not."""
        understood = await understand(bytes(row["body"]), self._compactor)
        if not isinstance(understood, Understood):
            return understood
        signer, method = understood.activity.actor, "cavage"
        if row["verified_key_id"] is None:
            signed = await self._verify(row, moment_of(row["id"]))
            if not isinstance(signed, Signed):
                return signed
            signer, method = signed.signer.actor_uri, signed.claim.scheme
            if signer != understood.activity.actor or signed.signer.suspended:
                return Fail(Turned.WRONG_ACTOR, signer)
        verified = Verified(
            understood.activity, signer, "rfc9421" if method == "rfc9421" else "cavage", object=understood.object
        )
        rule = rule_for(understood.activity.type)
        if rule is None:
            return Fail(Turned.UNKNOWN_TYPE, understood.activity.type)
        if await self._completer.missing(verified):
            completed = await self._completer.complete(verified)
            if not isinstance(completed, Verified):
                return completed
            verified = completed
        decided = await self._writer.decide(
            Decision(
                rule.needs(verified),
                lambda facts: rule.decide(verified, facts),
                beside=(lambda: queries.forget_staged(row["id"]),),
            )
        )
        refusal = decided.refusal
        event(log, "staging.done", id=row["id"], refusal=refusal.reason.name if refusal else "")
        return None

    async def _verify(self, row: Row, received: datetime) -> Signed | Fail | TemporaryFail:
        headers = tuple((name, value) for name, value in orjson.loads(row["headers"]))
        request = Request(row["method"], row["url"], headers, bytes(row["body"]))
        # The time window was the one of the moment it came.
        return await self._verifier.verify(request, now=received)

    async def _fetch(self, row: Row) -> None:
        outcome: int | Fail | TemporaryFail
        if row["kind"] == "actor":
            outcome = await self._gatherer.actor(row["uri"], refresh=True)
            if isinstance(outcome, int):
                await self._writer.run(lambda: join_mentions(row["uri"], moment_of(row["id"])))
        else:
            outcome = await self._gatherer.object(row["uri"], depth=row["depth"])
        if isinstance(outcome, TemporaryFail) and row["attempts"] < 4:
            next_ms = self._world.clock.now_ms() + _PAUSES_S[row["attempts"] + 1] * 1000
            await self._writer.run(lambda: queries.postpone_fetch(row["id"], next_ms))
            return
        if not isinstance(outcome, int):
            event(log, "fetching.ended", uri=row["uri"], cause=str(outcome))
        await self._writer.run(lambda: queries.forget_fetch(row["id"]))


def _staged_host(row: Row) -> str:
    return row["host"] or ""


def _fetch_host(row: Row) -> str:
    return host_of(row["uri"]) or ""
