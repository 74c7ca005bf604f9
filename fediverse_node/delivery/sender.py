"""Sends what is due: claimed from the table, queued by host, signed, posted, and the answer written down.

A dead or slow host holds only its own queue: what waits for it is postponed as a whole after its first failure,
and while its queue is full nothing more of it is claimed. Everything is in the table, so a restart loses nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import OrderedDict
from dataclasses import dataclass
from functools import partial
from typing import Any

import orjson

from fediverse_node.base.clock import to_ms
from fediverse_node.base.errors import StorageError
from fediverse_node.base.ids import moment_of
from fediverse_node.base.log import event
from fediverse_node.base.outcome import Fail, Reason, TemporaryFail
from fediverse_node.base.trace import is_watched, note
from fediverse_node.delivery.backoff import GIVE_UP_AFTER_MS, pause_ms
from fediverse_node.delivery.host_queue import IN_ORDER, HostQueue, Waiting
from fediverse_node.delivery.sealing import Sealed, proof_keys, seal
from fediverse_node.delivery.signing_keys import KeyRing
from fediverse_node.delivery.synchronization import TOLD_WITH, FollowerDigests
from fediverse_node.delivery.verdict import Outcome, Verdict, judge
from fediverse_node.domain.facts import World
from fediverse_node.protocol.synchronization import HEADER
from fediverse_node.storage.engine import Database
from fediverse_node.storage.events import Applied
from fediverse_node.storage.queries import deliveries as queries
from fediverse_node.storage.writer import Writer
from fediverse_node.transport.exchange import Response
from fediverse_node.transport.signed_request import Signer, SigningKeys

log = logging.getLogger(__name__)

_LEASE_MS = 180_000
_CLAIM = 400
_IN_MEMORY = 2_000
_PER_HOST_IN_MEMORY = 100
_PARALLEL = 256
_PARALLEL_PER_HOST = 8
_TIMEOUT_S = 15.0
_CACHED_PAYLOADS = 256
# More attempts than anybody makes who is refused.
_NO_MORE_WHEN_REFUSED = 1_000
# How peers say that they do not believe a signature.
_KEY_NOT_TAKEN = frozenset((400, 401, 403))


class Undelivered(Reason):
    """Why an activity has not arrived, yet or at all."""

    REFUSED = "the other server does not take it"
    LATER = "it is tried again later"
    HOST_DOWN = "the host does not answer; it is tried again later, with all that waits for it"
    GIVEN_UP = "it was tried for so long that it is given up"


@dataclass(slots=True)
class _HostState:
    failures: int = 0
    failing_since_ms: int | None = None


class Sender:
    """One for each process. `start` it, `wake` it when something new waits, `stop` it."""

    def __init__(
        self,
        *,
        database: Database,
        writer: Writer,
        world: World,
        signer: Signer,
        keys: KeyRing,
        longest_sleep_s: float,
    ) -> None:
        """`longest_sleep_s`: another process may have put something into the table without a word."""
        self._database = database
        self._writer = writer
        self._world = world
        self._signer = signer
        self._keys = keys
        self._digests = FollowerDigests(database=database, writer=writer, clock=world.clock, names=world.names)
        self._longest_sleep_s = longest_sleep_s
        self._queues: dict[str, HostQueue] = {}
        self._hosts: OrderedDict[str, _HostState] = OrderedDict()
        self._payloads: OrderedDict[tuple[int, str], Sealed] = OrderedDict()
        self._held: set[int] = set()  # deliveries in memory: a slow host may keep one longer than its lease
        self._active = 0
        self._results: list[dict[str, Any]] = []
        self._flushing: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._sending: set[asyncio.Task[None]] = set()
        self.delivered = 0

    async def start(self) -> None:
        """Take up what was left by the process before."""
        if self._database.dialect == "sqlite":
            # There is only one process, and it has just begun: nobody works on anything.
            await self._writer.run(queries.release_all)
        for row in await self._database.fetch(queries.FAILING_HOSTS, least=0):
            self._hosts[row["host"]] = _HostState(row["failures"], row["failing_since_ms"])
        self._writer.listen(self._on_commit)
        self._task = asyncio.create_task(self._run(), name="delivery")

    async def stop(self) -> None:
        """Finish nothing new; what is under way is awaited for a moment and else sent again later."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._sending:
            await asyncio.wait(self._sending, timeout=2.0)
        for task in self._sending:
            task.cancel()
        await asyncio.gather(*self._sending, return_exceptions=True)
        await self._digests.close()
        while self._flushing is not None or self._results:
            if self._flushing is None:
                self._flush_soon()
            if self._flushing is not None:
                await asyncio.gather(self._flushing, return_exceptions=True)

    def wake(self) -> None:
        """Something may be due."""
        self._wake.set()

    def heard(self, host: str) -> None:
        """A host has spoken to us. If it failed before, what waits for it is tried now."""
        if host in self._hosts:
            self._recovered(host)

    def _on_commit(self, applied: Applied) -> None:
        if applied.delivers:
            self._wake.set()

    async def _run(self) -> None:
        while True:
            try:
                await self._round()
            except asyncio.CancelledError:
                raise
            except Exception:  # the loop must survive a database that is away for a moment
                log.exception("delivery.round_failed")
                await asyncio.sleep(1.0)

    async def _round(self) -> None:
        self._wake.clear()
        room = min(_CLAIM, _IN_MEMORY - len(self._held))
        claimed = 0
        if room > 0:
            claimed = await self._claim(room)
        if claimed < room or room <= 0:
            await self._sleep()

    async def _claim(self, room: int) -> int:
        now_ms = self._world.clock.now_ms()
        busy = [host for host, found in self._queues.items() if len(found) >= _PER_HOST_IN_MEMORY]
        rows = await self._writer.run(lambda: queries.claim(now_ms, _LEASE_MS, busy, room, IN_ORDER))
        for row in rows:
            if row["id"] in self._held:
                continue
            delivery = Waiting(
                id=row["id"],
                payload_id=row["payload_id"],
                inbox=row["inbox"],
                host=row["host"],
                attempts=row["attempts"],
                actor_id=row["actor_id"],
                type=row["type"],
            )
            self._queues.setdefault(delivery.host, HostQueue(_PARALLEL_PER_HOST)).add(delivery)
            self._held.add(delivery.id)
        for host in dict.fromkeys(row["host"] for row in rows):
            self._pump(host)
        return len(rows)

    async def _sleep(self) -> None:
        busy = [host for host, found in self._queues.items() if len(found) >= _PER_HOST_IN_MEMORY]
        row = await self._database.fetch_one(queries.NEXT_DUE, busy_hosts=busy)
        due_ms = row[0] if row is not None else None
        timeout_s = self._longest_sleep_s
        if due_ms is not None:
            # What is due already is leased, to us or to another process: no hurry to look again.
            timeout_s = min(max((due_ms - self._world.clock.now_ms()) / 1000, 1.0), timeout_s)
        try:
            async with asyncio.timeout(timeout_s):
                await self._wake.wait()
        except TimeoutError:
            return

    def _pump(self, host: str) -> None:
        """Start what may start for a host."""
        found = self._queues.get(host)
        while found is not None and self._active < _PARALLEL:
            # A host that failed is tried with one request, not with eight.
            if host in self._hosts and self._hosts[host].failures and found.active:
                return
            delivery = found.take()
            if delivery is None:
                break
            self._active += 1
            task = asyncio.get_running_loop().create_task(self._send(delivery, found))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)
        if found is not None and found.is_idle:
            self._queues.pop(host, None)

    async def _send(self, delivery: Waiting, found: HostQueue) -> None:
        outcome = Outcome(Verdict.LATER, "interrupted")
        try:
            outcome = await self._attempt(delivery)
        except Exception as error:  # whatever it was: this delivery is tried again, the others go on
            log.exception("delivery.failed inbox=%s", delivery.inbox)
            outcome = Outcome(Verdict.LATER, repr(error))
        finally:
            self._active -= 1
            found.done(delivery)
            self._settle(delivery, outcome, found)
        self._pump(delivery.host)
        if self._active < _PARALLEL and len(self._queues) > 1:
            self._pump_others()
        # There may be more in the table for a host whose queue was full.
        if len(found) == _PER_HOST_IN_MEMORY // 2:
            self._wake.set()

    def _pump_others(self) -> None:
        for host in list(self._queues):
            if self._active >= _PARALLEL:
                return
            self._pump(host)

    async def _attempt(self, delivery: Waiting) -> Outcome:
        keys = await self._keys.keys_of(delivery.actor_id)
        sealed = await self._sealed(delivery, keys) if keys is not None else None
        if is_watched():
            note("delivery.attempt", None, attempt=delivery.attempts + 1, **self._named(delivery))
        if keys is None or sealed is None:
            return Outcome(Verdict.REFUSED, "its author is not here any more")
        headers = await self._headers(delivery) if sealed.is_own else ()
        answer = await self._signer.post(delivery.inbox, sealed.body, keys=keys, headers=headers, timeout_s=_TIMEOUT_S)
        if isinstance(answer, Response) and answer.status in _KEY_NOT_TAKEN:
            answer = await self._with_other_keys(delivery, keys) or answer
        # Who does not believe what is passed on will not later: what is said here shall not wait for that.
        attempts = delivery.attempts + 1 if sealed.is_own else _NO_MORE_WHEN_REFUSED
        return judge(answer, attempts, self._world.clock.now())

    async def _headers(self, delivery: Waiting) -> tuple[tuple[str, str], ...]:
        """What is said beside the activity: whom of the receiving server its author takes for followers."""
        if delivery.type not in TOLD_WITH:
            return ()
        value = await self._digests.header_for(delivery.actor_id, delivery.inbox)
        return ((HEADER, value),) if value is not None else ()

    async def _with_other_keys(self, delivery: Waiting, refused: SigningKeys) -> Response | None:
        """The answer of an inbox that takes other keys of the same actor: newer ones, or those that were replaced.

        Some servers keep a key for a day and do not ask for another; and another process may have made new ones.
        """
        current = await self._keys.keys_of(delivery.actor_id, anew=True)
        for keys in (current, current.previous if current is not None else None):
            if keys is None or keys.key_id == refused.key_id:
                continue
            sealed = await self._sealed(delivery, keys)
            if sealed is None:
                continue
            note("delivery.other_key", None, inbox=delivery.inbox, key_id=keys.key_id)
            answer = await self._signer.post(delivery.inbox, sealed.body, keys=keys, timeout_s=_TIMEOUT_S)
            if isinstance(answer, Response) and answer.status < 300:
                return answer
        return None

    async def _sealed(self, delivery: Waiting, keys: SigningKeys) -> Sealed | None:
        """What is sent: the payload with proofs that its host can read, made once."""
        with_mldsa44 = keys.mldsa44_key is not None and self._signer.reads_mldsa44(delivery.host)
        signing = proof_keys(keys, with_mldsa44=with_mldsa44)
        form = (delivery.payload_id, " ".join(key.id for key in signing))
        sealed = self._payloads.get(form)
        if sealed is not None:
            return sealed
        row = await self._database.fetch_one(queries.PAYLOAD, id_=delivery.payload_id)
        if row is None:
            return None
        work = partial(seal, bytes(row["body"]), keys.key_id.partition("#")[0], signing, moment_of(delivery.payload_id))
        # Ed25519 takes less time than the way to a thread.
        sealed = await asyncio.to_thread(work) if with_mldsa44 else work()
        self._payloads[form] = sealed
        if len(self._payloads) > _CACHED_PAYLOADS:
            self._payloads.popitem(last=False)
        return sealed

    def _named(self, delivery: Waiting) -> dict[str, object]:
        """Which delivery it is, for those who watch."""
        # Looked for among all its forms: only while somebody watches.
        found = next((sealed for form, sealed in self._payloads.items() if form[0] == delivery.payload_id), None)
        document = orjson.loads(found.body) if found is not None else {}
        return {
            "delivery": delivery.id,
            "type": delivery.type,
            "inbox": delivery.inbox,
            "activity": str(document.get("id", "")),
        }

    def _settle(self, delivery: Waiting, outcome: Outcome, found: HostQueue) -> None:
        now_ms = self._world.clock.now_ms()
        attempts = delivery.attempts + 1
        state, due_ms = queries.DELIVERED, now_ms
        if outcome.verdict is Verdict.DELIVERED:
            self.delivered += 1
            self._recovered(delivery.host)
        elif outcome.verdict is Verdict.REFUSED:
            state = queries.REFUSED
            self._recovered(delivery.host)
        elif now_ms - to_ms(moment_of(delivery.id)) > GIVE_UP_AFTER_MS:
            state = queries.GIVEN_UP
        else:
            state = queries.WAITING
            due_ms = now_ms + pause_ms(attempts, self._world.randomness, asked_s=outcome.retry_after_s)
        self._results.append(
            {
                "delivery_id": delivery.id,
                "new_state": state,
                "new_attempts": attempts,
                "new_due_ms": due_ms,
                "new_done_ms": None if state == queries.WAITING else now_ms,
                "error": outcome.cause or None,
            }
        )
        if state == queries.WAITING:
            self._hold_back(found.withdraw(delivery), due_ms + 1, now_ms)
        if is_watched():
            next_ms = due_ms if state == queries.WAITING else None
            told = {"verdict": outcome.verdict.name, "attempt": attempts, "next_ms": next_ms}
            note("delivery.outcome", _fault_of(state, outcome), **told, **self._named(delivery))
        if outcome.verdict is Verdict.HOST_DOWN:
            self._host_failed(delivery.host, found, outcome, now_ms)
        if outcome.verdict is not Verdict.DELIVERED:
            event(
                log,
                "delivery.not_delivered",
                host=delivery.host,
                inbox=delivery.inbox,
                verdict=outcome.verdict.name,
                cause=outcome.cause,
                attempts=attempts,
            )
        self._flush_soon()

    def _hold_back(self, deliveries: list[Waiting], due_ms: int, now_ms: int) -> None:
        """They were not tried: they go after what they must not overtake."""
        self._results += [
            {
                "delivery_id": delivery.id,
                "new_state": queries.WAITING,
                "new_attempts": delivery.attempts,
                "new_due_ms": due_ms,
                "new_done_ms": None,
                "error": "it waits for what was said before it",
            }
            for delivery in deliveries
        ]

    def _host_failed(self, host: str, found: HostQueue, outcome: Outcome, now_ms: int) -> None:
        state = self._hosts.setdefault(host, _HostState())
        if state.failures and found.active:
            return  # one of several that were under way together: they are one failure
        state.failures += 1
        state.failing_since_ms = state.failing_since_ms or now_ms
        if len(self._hosts) > 10_000:
            self._hosts.popitem(last=False)
        until_ms = now_ms + pause_ms(state.failures, self._world.randomness, asked_s=outcome.retry_after_s)
        fault = TemporaryFail(Undelivered.HOST_DOWN, outcome.cause)
        note("delivery.host_down", fault, host=host, failures=state.failures, next_ms=until_ms)
        self._held.difference_update(delivery.id for delivery in found.clear())
        failures, since_ms = state.failures, state.failing_since_ms
        self._in_background(
            lambda: queries.postpone_host(host, until_ms),
            lambda: queries.note_host(
                host, failures=failures, failing_since_ms=since_ms, retry_after_ms=until_ms, now_ms=now_ms
            ),
        )

    def _recovered(self, host: str) -> None:
        if self._hosts.pop(host, None) is None:
            return
        task = asyncio.get_running_loop().create_task(self._note_recovery(host))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def _note_recovery(self, host: str) -> None:
        now_ms = self._world.clock.now_ms()
        # That it failed is told to the log by the writer; what waits is sent when it is due.
        with contextlib.suppress(StorageError):
            await self._writer.run(lambda: queries.revive_host(host, now_ms))
            await self._writer.run(
                lambda: queries.note_host(host, failures=0, failing_since_ms=None, retry_after_ms=None, now_ms=now_ms)
            )
        note("delivery.host_back", None, host=host)
        self.wake()

    def _in_background(self, *units: Any) -> None:
        async def run() -> None:
            # That it failed is told to the log by the writer; leases run out by themselves.
            with contextlib.suppress(StorageError):
                for unit in units:
                    await self._writer.run(unit)

        task = asyncio.get_running_loop().create_task(run())
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    def _flush_soon(self) -> None:
        if self._flushing is None and self._results:
            self._flushing = asyncio.get_running_loop().create_task(self._flush())

    async def _flush(self) -> None:
        try:
            while self._results:
                rows, self._results = self._results, []
                try:
                    await self._writer.run(lambda rows=rows: queries.finish(rows))  # type: ignore[misc]
                except Exception:  # kept in the table as leased: it will be sent again, which peers tolerate
                    log.exception("delivery.results_lost count=%d", len(rows))
                # Held until the table knows: a host that is heard of again makes all due that waits for it.
                self._held.difference_update(row["delivery_id"] for row in rows)
                if not self._held:
                    self._wake.set()
        finally:
            self._flushing = None


def _fault_of(state: int, outcome: Outcome) -> Fail | TemporaryFail | None:
    """What is told of an attempt whose delivery is in this state now."""
    if state == queries.DELIVERED:
        return None
    if state == queries.GIVEN_UP:
        return Fail(Undelivered.GIVEN_UP, outcome.cause)
    if state == queries.REFUSED:
        return Fail(Undelivered.REFUSED, outcome.cause)
    is_host_down = outcome.verdict is Verdict.HOST_DOWN
    return TemporaryFail(Undelivered.HOST_DOWN if is_host_down else Undelivered.LATER, outcome.cause)
