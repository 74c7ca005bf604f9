"""Who may answer, like, pass on and quote what somebody here said: said in a policy, asked, granted, taken back.

spec: fep-044f, gts-interaction
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from fediverse_node.domain import approvals, quotes
from fediverse_node.domain.activities import update
from fediverse_node.domain.effects import Effect, Refusal, Refuse
from fediverse_node.domain.facts import Facts, Needs
from fediverse_node.domain.model import Actor, Interaction, InteractionPolicy, Object
from fediverse_node.outbox.deciding import UNKNOWN, Deciding
from fediverse_node.storage.queries import outbox as queries
from fediverse_node.storage.rows import full_object_of


class Approving(Deciding):
    """What people here decide about what others do with their posts."""

    async def set_policy(self, actor_id: int, object_id: int, policy: InteractionPolicy) -> Refuse | None:
        """Let others do something else with a post from now on. What was agreed to before stays."""
        row = await self._database.fetch_one(queries.OBJECT, id_=object_id)
        if row is None or row["actor_id"] != actor_id:
            return UNKNOWN
        record = replace(full_object_of(row), policy=policy)
        holders = await self._holders(object_id, record)
        return await self._about(
            actor_id,
            object_id,
            lambda actor, target, facts: update.compose_policy(record, actor, facts, recipients=holders),
            people=holders,
        )

    async def revoke_quote(self, actor_id: int, quoting_id: int) -> Refuse | None:
        """Agree no longer to being quoted in that post."""

        def compose(actor: Actor, target: Object, facts: Facts) -> Iterable[Effect]:
            quote = facts.quotes.get(target.id)
            return [UNKNOWN] if quote is None else quotes.compose_revoke(quote, actor, facts)

        needs = Needs(object_ids=(quoting_id,), approvals=True, whole=True)
        return await self._about_with(actor_id, quoting_id, compose, needs)

    async def answer_request(self, actor_id: int, request_id: int, *, accept: bool) -> Refuse | None:
        """Say yes or no to a like, answer or boost that waits for it."""

        def compose(actor: Actor, facts: Facts) -> Iterable[Effect]:
            request = facts.requests.get(request_id)
            if request is None:
                return [UNKNOWN]
            return approvals.compose_decision(request, actor, accept=accept, facts=facts)

        return await self._act(actor_id, compose, Needs(requests=(request_id,), whole=True, containers=True))

    async def _withdraw(self, actor_id: int, object_id: int, kind: Interaction) -> Refuse | None:
        """Take back what was asked for, and is not answered yet."""
        row = await self._database.fetch_one(queries.WAITING_REQUEST, actor=actor_id, object=object_id, kind=kind.value)
        if row is None:
            return Refuse(Refusal.ALREADY_DONE)

        def compose(actor: Actor, facts: Facts) -> Iterable[Effect]:
            request = facts.requests.get(row["id"])
            if request is None:
                return [Refuse(Refusal.ALREADY_DONE)]
            owner = facts.actors_by_id.get(request.target_actor_id)
            return approvals.withdraw(request, actor, owner, facts)

        return await self._act(actor_id, compose, Needs(requests=(row["id"],)))
