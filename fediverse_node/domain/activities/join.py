"""Join and Leave: somebody wants to take part in an event.  spec: fep-8a8e#not-handling-rsvp

Nobody here publishes events yet, so there is nothing to join: who asks is told so with an Ignore, and does not wait in
vain. A Leave needs no answer.
"""

from __future__ import annotations

from collections.abc import Iterator

from fediverse_node.domain import policy, wire
from fediverse_node.domain.effects import Deliver, Effect, Refusal, Refuse
from fediverse_node.domain.facts import Facts, Needs
from fediverse_node.domain.references import own_id
from fediverse_node.domain.verified import Verified


def needs(verified: Verified) -> Needs:
    """Who asks, and about what."""
    activity = verified.activity
    return Needs(acting=activity.actor, objects=(activity.object_id,) if activity.object_id else ())


def decide(verified: Verified, facts: Facts) -> Iterator[Effect]:
    """Somebody elsewhere wants to take part, or no longer."""
    activity = verified.activity
    actor, uri = facts.actor(activity.actor), own_id(activity)
    about = facts.objects.get(activity.object_id or "")
    if actor is None or about is None or not about.local or policy.is_gone(actor, facts):
        yield Refuse(Refusal.NOT_OURS, activity.object_id or "")
        return
    owner = facts.author(about)
    yield Refuse(Refusal.UNSUPPORTED, "nothing here can be joined")
    if activity.type == "Join" and owner is not None and uri is not None and policy.may_see(actor, about, facts):
        answer = facts.world.names.activity(owner.username, "ignore", facts.world.ids.next())
        document = wire.about("Ignore", answer, owner.uri, uri, to=(actor.uri,))
        yield Deliver(owner.id, "Ignore", answer, document, to_actor_ids=(actor.id,))
