"""Finishes what was put aside because the network had to be asked first; also after a crash.

Each staged request was accepted with a 202 after it was committed, so it is tried until it is done or its time is
over. Documents that a thread still lacks (`fetches`) are got here too.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from fediverse_node.base.ids import moment_of
from fediverse_node.base.log import event
from fediverse_node.base.outcome import Fail, TemporaryFail
from fediverse_node.base.trace import is_watched, note
from fediverse_node.domain.activities import rule_for
from fediverse_node.domain.effect_sentences import Telling
from fediverse_node.domain.facts import World
from fediverse_node.domain.verified import Verified
from fediverse_node.inbox.answer import Turned
from fediverse_node.inbox.authenticate import Authentic, Authenticator, Heard, name_of
from fediverse_node.inbox.complete import Completer
from fediverse_node.inbox.gather import Gatherer
from fediverse_node.inbox.hearsay import Hearsay
from fediverse_node.inbox.looking.featured import Featured
from fediverse_node.inbox.moves import Moves
from fediverse_node.inbox.order import load_awaited
from fediverse_node.inbox.stamps import Stamps
from fediverse_node.inbox.told import told_as
from fediverse_node.inbox.understand import Understood, understand
from fediverse_node.inbox.vouching import key_ids_in
from fediverse_node.inbox.worker import PARALLEL, Worker
from fediverse_node.signatures.request import Request
from fediverse_node.storage.apply.mentions import join_mentions
from fediverse_node.storage.engine import Database, Row
from fediverse_node.storage.events import Applied
from fediverse_node.storage.queries import inbox as queries
from fediverse_node.storage.unit import Unit
from fediverse_node.storage.writer import Decision, Writer
from fediverse_node.transport.dereference import Compactor, parse_json_object

log = logging.getLogger(__name__)

# Seconds until the next attempt; after the last one it is given up.
_PAUSES_S = (10, 60, 300, 1_800, 7_200, 21_600, 43_200, 86_400)
# What takes another back is tried so much later than that.
_BEHIND_MS = 1_000


@dataclass(frozen=True, slots=True)
class _Behind:
    """It waits for another, which is tried next at `due_ms`."""

    due_ms: int


class Staging:
    """Finishes staged requests and fetches what threads lack."""

    def __init__(
        self,
        *,
        database: Database,
        writer: Writer,
        world: World,
        authenticator: Authenticator,
        hearsay: Hearsay,
        completer: Completer,
        gatherer: Gatherer,
        stamps: Stamps,
        moves: Moves,
        featured: Featured,
        compactor: Compactor,
        longest_sleep_s: float,
        at_work: dict[bytes, bool],
    ) -> None:
        """`at_work`: the fingerprints of what is being handled now, here (True) or by `Receiver` (False)."""
        self._database = database
        self._writer = writer
        self._world = world
        self._authenticator = authenticator
        self._hearsay = hearsay
        self._completer = completer
        self._gatherer = gatherer
        self._stamps = stamps
        self._moves = moves
        self._featured = featured
        self._compactor = compactor
        self._longest_sleep_s = longest_sleep_s
        self._at_work = at_work
        self.requests = self._worker("staging", queries.DUE_STAGED, queries.NEXT_STAGED, self._finish)
        self.fetches = self._worker("fetching", queries.DUE_FETCHES, queries.NEXT_FETCH, self._fetch)

    def start(self) -> None:
        """Take up what the process before left."""
        self.requests.start()
        self.fetches.start()
        self._writer.listen(self._on_commit)

    async def stop(self) -> None:
        """Stop both loops."""
        await self.requests.stop()
        await self.fetches.stop()

    def _worker(self, name: str, due: Any, next_: Any, handle: Any) -> Worker:
        async def due_rows(busy_hosts: list[str]) -> list[Row]:
            now_ms = self._world.clock.now_ms()
            return await self._database.fetch(due, now_ms=now_ms, busy_hosts=busy_hosts, most=4 * PARALLEL)

        async def next_due_ms() -> int | None:
            row = await self._database.fetch_one(next_)
            return int(row[0]) if row is not None else None

        return Worker(
            name,
            due=due_rows,
            next_due_ms=next_due_ms,
            handle=handle,
            host=_host,
            now_ms=self._world.clock.now_ms,
            longest_sleep_s=self._longest_sleep_s,
        )

    def _on_commit(self, applied: Applied) -> None:
        if applied.fetches:
            self.fetches.wake()

    async def _finish(self, row: Row) -> None:
        of = _named(row) if is_watched() else {}
        note("staging.taken", None, attempt=row["attempts"] + 1, **of)
        outcome: Fail | TemporaryFail | _Behind | None
        with told_as("staging.", **of):
            try:
                outcome = await self._try(row)
            except Exception as error:  # else it would be tried every few seconds for ever
                log.exception("staging.failed id=%s", row["id"])
                outcome = TemporaryFail(Turned.BROKEN, type(error).__name__)
        if isinstance(outcome, _Behind):
            # Not counted as an attempt: what it waits for ends, and then this has its own.
            after_ms = max(outcome.due_ms, self._world.clock.now_ms()) + _BEHIND_MS
            await self._writer.run(lambda: queries.wait_staged(row["id"], after_ms))
            note("staging.postponed", TemporaryFail(Turned.OUT_OF_ORDER), next_ms=after_ms, **of)
            return
        if isinstance(outcome, TemporaryFail) and row["attempts"] < len(_PAUSES_S):
            next_ms = self._world.clock.now_ms() + _PAUSES_S[row["attempts"]] * 1000
            await self._writer.run(lambda: queries.postpone_staged(row["id"], next_ms, str(outcome)))
            note("staging.postponed", outcome, next_ms=next_ms, **of)
            return
        if outcome is not None:
            event(log, "staging.ended", id=row["id"], host=row["host"], cause=str(outcome), attempts=row["attempts"])
            await self._writer.run(lambda: queries.forget_staged(row["id"]))
        note("staging.ended", outcome, **of)

    async def _try(self, row: Row) -> Fail | TemporaryFail | _Behind | None:
        """None when it is decided (and the row gone with it); else why not."""
        understood = await understand(bytes(row["body"]), self._compactor)
        if not isinstance(understood, Understood):
            return understood
        awaited_ms = await load_awaited(self._database, understood.activity, before_id=row["id"])
        if awaited_ms is not None:
            return _Behind(awaited_ms)
        forget: Callable[[], Unit[Any]] = lambda: queries.forget_staged(row["id"])  # noqa: E731 - as the other is
        if row["verified_key_id"] is not None:
            activity = understood.activity
            body = bytes(row["body"]) if key_ids_in(understood.document) else None
            verified = Verified(activity, activity.actor, "cavage", object=understood.object, received=body)
            name, now_ms = name_of(understood), self._world.clock.now_ms()
            remember = (lambda: queries.remember_signature(name, now_ms),) if body is not None else ()
            return await self._decide(row, verified, (forget, *remember))
        authentic = await self._authenticate(row, understood)
        if not isinstance(authentic, Authentic | Heard):
            return authentic
        return await self._once(row, authentic, forget)

    async def _once(
        self, row: Row, authentic: Authentic | Heard, forget: Callable[[], Unit[Any]]
    ) -> Fail | TemporaryFail | None:
        fingerprint, now_ms = authentic.fingerprint, self._world.clock.now_ms()
        kept = self._at_work.get(fingerprint)
        if kept is not None:
            # It came again, and is handled at this moment. If that fails, it is tried again only if it was kept.
            again = Fail(Turned.DUPLICATE) if kept else TemporaryFail(Turned.DUPLICATE)
            note("inbox.first_time", again)
            return again
        self._at_work[fingerprint] = True
        try:
            if await self._database.fetch_one(queries.SEEN, fingerprint=fingerprint) is not None:
                note("inbox.first_time", Fail(Turned.DUPLICATE))
                return Fail(Turned.DUPLICATE)
            note("inbox.first_time")
            if isinstance(authentic, Heard):
                settled = await self._hearsay.settle(authentic.understood)
                if not isinstance(settled, TemporaryFail):
                    await self._writer.run(lambda: queries.remember_signature(fingerprint, now_ms))
                    await self._writer.run(forget)
                return settled
            remember = tuple(
                lambda each=each: queries.remember_signature(each, now_ms) for each in (fingerprint, *authentic.also)
            )
            wanted = await self._completer.from_relay(authentic.verified(bytes(row["body"])), authentic.sender)
            return await self._decide(row, wanted, (forget, *remember))
        finally:
            del self._at_work[fingerprint]

    async def _decide(
        self, row: Row, verified: Verified, also: tuple[Callable[[], Unit[Any]], ...]
    ) -> Fail | TemporaryFail | None:
        kind = verified.activity.type
        rule = rule_for(kind)
        if rule is None:
            note("rule.found", Fail(Turned.UNKNOWN_TYPE, kind))
            return Fail(Turned.UNKNOWN_TYPE, kind)
        note("rule.found", None, type=kind)
        if await self._completer.missing(verified):
            completed = await self._completer.complete(verified)
            if not isinstance(completed, Verified):
                return completed
            verified = completed
        telling = Telling(lambda facts: rule.decide(verified, facts))
        decided = await self._writer.decide(Decision(rule.needs(verified), telling, beside=also))
        telling.note(decided.effects)
        note("storage.committed")
        refusal = decided.refusal
        event(log, "staging.done", id=row["id"], refusal=refusal.reason.name if refusal else "")
        return None

    async def _authenticate(self, row: Row, understood: Understood) -> Authentic | Heard | Fail | TemporaryFail:
        headers = tuple((name, value) for name, value in orjson.loads(row["headers"]))
        request = Request(row["method"], row["url"], headers, bytes(row["body"]))
        # The time window was the one of the moment it came.
        return await self._authenticator.authenticate(request, understood, now=moment_of(row["id"]))

    async def _fetch(self, row: Row) -> None:
        note("later.taken", None, wanted=row["uri"], kind=row["kind"], attempt=row["attempts"] + 1)
        outcome: int | Fail | TemporaryFail
        with told_as("later.", wanted=row["uri"]):
            try:
                outcome = await self._fetched(row)
            except Exception as error:  # as above
                log.exception("fetching.failed uri=%s", row["uri"])
                outcome = TemporaryFail(Turned.BROKEN, type(error).__name__)
        if isinstance(outcome, TemporaryFail) and row["attempts"] < 4:
            next_ms = self._world.clock.now_ms() + _PAUSES_S[row["attempts"] + 1] * 1000
            await self._writer.run(lambda: queries.postpone_fetch(row["id"], next_ms))
            note("later.postponed", outcome, wanted=row["uri"], next_ms=next_ms)
            return
        if not isinstance(outcome, int):
            event(log, "fetching.ended", uri=row["uri"], cause=str(outcome))
        await self._writer.run(lambda: queries.forget_fetch(row["id"]))
        note("later.ended", None if isinstance(outcome, int) else outcome, wanted=row["uri"])

    async def _fetched(self, row: Row) -> int | Fail | TemporaryFail:
        if row["kind"] == "stamp":
            return await self._stamps.look_up(row["uri"])
        if row["kind"] == "quoted":
            return await self._stamps.bring_quoted(row["uri"], depth=row["depth"])
        if row["kind"] == "moved":
            return await self._moves.look(row["uri"])
        if row["kind"] == "featured":
            return await self._featured.read(row["uri"])
        if row["kind"] != "actor":
            return await self._gatherer.object(row["uri"], depth=row["depth"])
        outcome = await self._gatherer.actor(row["uri"], refresh=True)
        if isinstance(outcome, int):
            await self._writer.run(lambda: join_mentions(row["uri"], moment_of(row["id"])))
        return outcome


def _named(row: Row) -> dict[str, object]:
    """Whose steps these are: the activity's id, as far as it says one, and the number under which it waited."""
    document = parse_json_object(bytes(row["body"]))
    id_ = document.get("id") if not isinstance(document, Fail) else None
    return {"activity": id_ if isinstance(id_, str) else "", "staged": row["id"]}


def _host(row: Row) -> str:
    return row["host"] or ""
