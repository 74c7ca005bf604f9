"""Somebody's document says that they have moved: their followers here go along, as if they had sent a Move.

spec: fep-7628#pull-mode. Found when an actor is fetched or updated; then the new actor is asked, afresh, whether it
names the old one. So a Move that was lost, or whose server is gone, loses nobody.
"""

from __future__ import annotations

from fediverse_node.base.outcome import Fail, TemporaryFail
from fediverse_node.domain.activities import move
from fediverse_node.domain.effect_sentences import Telling
from fediverse_node.domain.effects import Refusal
from fediverse_node.inbox.gather import Gatherer
from fediverse_node.protocol.uris import strip_fragment
from fediverse_node.storage.engine import Database
from fediverse_node.storage.queries.inbox import MOVED_TO
from fediverse_node.storage.writer import Decision, Writer


class Moves:
    """Looks into moves that nobody has told of."""

    def __init__(self, *, database: Database, writer: Writer, gatherer: Gatherer) -> None:
        self._database = database
        self._writer = writer
        self._gatherer = gatherer

    async def look(self, actor_uri: str) -> int | Fail | TemporaryFail:
        """The new actor's id, if the followers here go there now; else why not. A fragment does not count."""
        actor_uri = strip_fragment(actor_uri)
        row = await self._database.fetch_one(MOVED_TO, uri=actor_uri)
        if row is None or row["local"] or row["moved_to_uri"] is None:
            return Fail(Refusal.NOT_RELEVANT, actor_uri)
        target_uri = row["moved_to_uri"]
        target_id = await self._gatherer.afresh(target_uri)
        if not isinstance(target_id, int):
            return target_id
        telling = Telling(lambda facts: move.found(actor_uri, target_uri, facts))
        decided = await self._writer.decide(Decision(move.needs_of_piece(actor_uri, target_uri), telling))
        telling.note(decided.effects, fetched=actor_uri)
        refusal = decided.refusal
        return target_id if refusal is None else Fail(refusal.reason, refusal.detail)
