"""Posts of which nobody tells us anything any more are looked at again when somebody reads them.

What came through a third server (a boost, a thread, a search) is not known at its origin to be here: no edit and no
deletion of it reaches us. So whoever opens it makes us ask its origin, seldomer the older it is: an edit is taken over,
and what is gone is dropped. 404 has to be said twice, an hour apart: it may be a mistake, and 410 is none.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from fediverse_node.base.outcome import Fail, TemporaryFail
from fediverse_node.base.trace import note
from fediverse_node.domain.activities import RULES
from fediverse_node.domain.effect_sentences import Telling
from fediverse_node.domain.effects import Effect, ObjectKey, Refusal, Remove
from fediverse_node.domain.facts import Facts, Needs, World
from fediverse_node.domain.model import Visibility, visibility_code
from fediverse_node.inbox.gather import Gatherer, fetched
from fediverse_node.inbox.looking.opened import Opened
from fediverse_node.protocol.objects import ObjectDocument
from fediverse_node.storage.engine import Database, Row
from fediverse_node.storage.queries import second_hand as queries
from fediverse_node.storage.writer import Decision, Writer
from fediverse_node.transport.budget import Budget
from fediverse_node.transport.dereference import Dereferencer
from fediverse_node.transport.faults import FetchFault

SHORTEST_REST_MS = 3_600_000
_LONGEST_REST_MS = 7 * 86_400_000
_OPEN = visibility_code(Visibility.UNLISTED)
_REMEMBERED = 10_000


class SecondLook:
    """One for each process."""

    def __init__(
        self, *, database: Database, writer: Writer, world: World, gatherer: Gatherer, dereferencer: Dereferencer
    ) -> None:
        self._database = database
        self._writer = writer
        self._clock = world.clock
        self._gatherer = gatherer
        self._dereferencer = dereferencer
        self._missed: OrderedDict[int, int] = OrderedDict()  # post -> when its origin did not know it
        self.posts = Opened(self.look, world.clock, rest_ms=SHORTEST_REST_MS, name="post")

    def opened(self, object_id: int, *, is_stranger: bool) -> None:
        """Somebody reads a post, of whomever."""
        self.posts.soon(object_id, is_stranger=is_stranger)

    async def look(self, object_id: int) -> None:
        """Ask its origin now, if nobody else would tell us and it is time."""
        row = await self._database.fetch_one(queries.POST, object_id=object_id)
        if row is None or not self._is_due(row):
            return
        outcome = await self._ask(row)
        refusal = outcome if isinstance(outcome, Fail | TemporaryFail) else None
        note("post.looked", refusal, object=row["uri"])

    def _is_due(self, row: Mapping[str, Any]) -> bool:
        is_ours = row["local"] or row["announce_of_id"] is not None or row["visibility"] > _OPEN
        if is_ours or row["is_told"] or row["author_suspended_ms"] is not None:
            return False
        now_ms = self._clock.now_ms()
        rest_ms = min(max((now_ms - row["published_ms"]) // 4, SHORTEST_REST_MS), _LONGEST_REST_MS)
        if row["id"] in self._missed:
            rest_ms = SHORTEST_REST_MS
        return bool(now_ms - (row["fetched_ms"] or 0) >= rest_ms)

    async def _ask(self, row: Row) -> Fail | TemporaryFail | None:
        refusal = self._gatherer.refusal_to_ask(row["uri"])
        if refusal is not None:
            return refusal
        now_ms = self._clock.now_ms()
        await self._writer.run(lambda: queries.note_asked(row["id"], now_ms))
        document = await self._dereferencer.fetch_object(row["uri"], budget=Budget(fetches=4, time_s=15.0))
        if isinstance(document, ObjectDocument):
            self._missed.pop(row["id"], None)
            return await self._take(document, row)
        if isinstance(document, Fail) and self._is_gone(document, row["id"], now_ms):
            gone = Remove(ObjectKey(row["id"], tombstone=document.reason is FetchFault.GONE))
            await self._decide(Needs(acting=row["author_uri"], objects=(row["uri"],)), [gone], row["uri"])
            return None
        return document

    async def _take(self, document: ObjectDocument, row: Row) -> Fail | None:
        if document.id != row["uri"] or document.attributed_to != row["author_uri"]:
            return Fail(Refusal.NOT_THE_OWNER, document.id)
        seen = fetched(document)
        verified = replace(seen, activity=replace(seen.activity, type="Update"))
        rule = RULES["Update"]
        telling = Telling(lambda facts: rule.decide(verified, facts))
        decided = await self._writer.decide(Decision(rule.needs(verified), telling))
        telling.note(decided.effects, fetched=document.id)
        return None

    async def _decide(self, needs: Needs, effects: list[Effect], uri: str) -> None:
        def decide(facts: Facts) -> list[Effect]:
            return effects

        telling = Telling(decide)
        decided = await self._writer.decide(Decision(needs, telling))
        telling.note(decided.effects, fetched=uri)

    def _is_gone(self, fault: Fail, object_id: int, now_ms: int) -> bool:
        if fault.reason is FetchFault.GONE:
            return True
        if fault.reason is not FetchFault.NOT_FOUND:
            return False
        if object_id in self._missed:
            return now_ms - self._missed[object_id] >= SHORTEST_REST_MS
        self._missed[object_id] = now_ms
        if len(self._missed) > _REMEMBERED:
            self._missed.popitem(last=False)
        return False
