"""How a decision of somebody here is made, committed and shown: facts, effects, one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from fediverse_node.base.trace import note
from fediverse_node.domain import groups, relays
from fediverse_node.domain.effect_sentences import Telling
from fediverse_node.domain.effects import Effect, NewObject, Refusal, Refuse
from fediverse_node.domain.facts import Facts, Needs, World
from fediverse_node.domain.model import Actor, Object, Visibility
from fediverse_node.outbox import witness
from fediverse_node.storage.engine import Database, Row
from fediverse_node.storage.queries import outbox as queries
from fediverse_node.storage.rows import actor_of
from fediverse_node.storage.writer import Decided, Decision, Writer

UNKNOWN = Refuse(Refusal.UNKNOWN_OBJECT)
UNKNOWN_ACTOR = Refuse(Refusal.UNKNOWN_ACTOR)


def _passed_on(effects: Iterable[Effect], facts: Facts) -> Iterable[Effect]:
    """What was done, and what relays and groups of ours make of it."""
    return groups.done_by_ours(list(relays.with_relays(list(effects), facts)), facts)


class Deciding:
    """Whoever lets local actors do something derives from this."""

    def __init__(self, *, database: Database, writer: Writer, world: World) -> None:
        self._database = database
        self._writer = writer
        self._world = world

    async def _between(
        self, actor_id: int, other_id: int, compose: Callable[[Actor, Actor, Facts], Iterable[Effect]]
    ) -> Refuse | None:
        def act(actor: Actor, facts: Facts) -> Iterable[Effect]:
            other = facts.actors_by_id.get(other_id)
            return [UNKNOWN_ACTOR] if other is None else compose(actor, other, facts)

        return await self._act(actor_id, act, Needs(actor_ids=(other_id,)))

    async def _about(
        self,
        actor_id: int,
        object_id: int,
        compose: Callable[[Actor, Object, Facts], Iterable[Effect]],
        *,
        audience: bool = False,
        people: Sequence[int] = (),
    ) -> Refuse | None:
        needs = Needs(object_ids=(object_id,), actor_ids=tuple(people), audience=audience)
        return await self._about_with(actor_id, object_id, compose, needs)

    async def _about_with(
        self,
        actor_id: int,
        object_id: int,
        compose: Callable[[Actor, Object, Facts], Iterable[Effect]],
        needs: Needs,
    ) -> Refuse | None:
        def act(actor: Actor, facts: Facts) -> Iterable[Effect]:
            target = facts.objects_by_id.get(object_id)
            return [UNKNOWN] if target is None else compose(actor, target, facts)

        return await self._act(actor_id, act, needs)

    async def _act(
        self, actor_id: int, compose: Callable[[Actor, Facts], Iterable[Effect]], needs: Needs
    ) -> Refuse | None:
        acting = await self._acting(actor_id)
        if not acting:
            return UNKNOWN_ACTOR

        def decide(facts: Facts) -> Iterable[Effect]:
            actor = facts.actors_by_id.get(actor_id)
            return [UNKNOWN_ACTOR] if actor is None else compose(actor, facts)

        wanted = replace(needs, acting=acting, actor_ids=(*needs.actor_ids, actor_id))
        return (await self._decide(Decision(wanted, decide), actor_id)).refusal

    async def _decide(self, decision: Decision, actor_id: int) -> Decided:
        """Decide and commit, and tell whoever watches what came of it."""
        telling = Telling(lambda facts: _passed_on(decision.decide(facts), facts))
        wanted = replace(decision.needs, groups=True, relays=True)
        decided = await self._writer.decide(replace(decision, needs=wanted, decide=telling))
        telling.note(decided.effects, actor_id=actor_id)
        if decided.refusal is None:
            note("storage.committed")
            witness.show(decided.effects)
        return decided

    async def _acting(self, actor_id: int) -> str:
        row = await self._database.fetch_one(queries.ACTOR, id_=actor_id)
        return "" if row is None or not row["local"] else actor_of(row).uri

    async def _uri_of(self, object_id: int | None) -> str | None:
        if object_id is None:
            return None
        row = await self._database.fetch_one(queries.OBJECT_URI, id_=object_id)
        return str(row["uri"]) if row else None

    async def _holders(self, object_id: int, record: NewObject, *, is_gone: bool = False) -> tuple[int, ...]:
        is_open = record.visibility in (Visibility.PUBLIC, Visibility.UNLISTED)
        rows: list[Row] = []
        # New private words are not for those who answered or liked the old ones: they may have left since, and
        # whoever has the address can answer. That there are none any more may be told to all.
        if is_gone or is_open:
            rows += await self._database.fetch(queries.HOLDERS, id_=object_id)
            rows += await self._database.fetch(queries.LIKERS, id_=object_id)
            rows += await self._database.fetch(queries.QUOTERS, id_=object_id)
        # Whoever was answered got the answer, also if it does not name them: see `create.deliver`.
        answered = (record.in_reply_to_actor_id,) if is_open and record.in_reply_to_actor_id is not None else ()
        return tuple(dict.fromkeys((*record.mention_ids, *answered, *(row["id"] for row in rows))))
