"""Block: an actor wants nothing to do with another.  spec: ap#block-activity-outbox

Follows between the two end (the effect sees to that), and neither finds the other any more. The blocked
actor's server is told, as Mastodon does: otherwise it would go on showing what it has.
"""

from __future__ import annotations

from collections.abc import Iterator

from fediverse_node.domain import follows, wire
from fediverse_node.domain.effects import Deliver, Effect, NewBlock, Put, Refusal, Refuse
from fediverse_node.domain.facts import Facts, Needs
from fediverse_node.domain.model import Actor
from fediverse_node.domain.references import own_id
from fediverse_node.domain.verified import Verified


def needs(verified: Verified) -> Needs:
    """Both actors and what is between them."""
    activity = verified.activity
    return Needs(acting=activity.actor, actors=(activity.object_id,) if activity.object_id else ())


def decide(verified: Verified, facts: Facts) -> Iterator[Effect]:
    """Somebody elsewhere blocks one of ours."""
    activity = verified.activity
    actor, target = facts.actor(activity.actor), facts.actor(activity.object_id)
    if actor is None or target is None:
        yield Refuse(Refusal.UNKNOWN_ACTOR, activity.object_id or "")
    elif not target.local:
        yield Refuse(Refusal.NOT_OURS)
    elif (actor.id, target.id) in facts.blocks:
        yield Refuse(Refusal.ALREADY_DONE)
    else:
        yield Put(NewBlock(facts.world.ids.next(), actor.id, target.id, own_id(activity)))


def compose(actor: Actor, target: Actor, facts: Facts) -> Iterator[Effect]:
    """One of ours blocks somebody."""
    if actor.id == target.id:
        yield Refuse(Refusal.NOT_PERMITTED, "nobody can block themselves")
        return
    if (actor.id, target.id) in facts.blocks:
        yield Refuse(Refusal.ALREADY_DONE)
        return
    uri = facts.world.names.activity(actor.username, "block", facts.world.ids.next())
    yield Put(NewBlock(facts.world.ids.next(), actor.id, target.id, uri))
    if target.local:
        return
    # Said in words that every server knows, for those that do not act on a Block.
    follow, followed_back = facts.follows.get((actor.id, target.id)), facts.follows.get((target.id, actor.id))
    if follow is not None:
        yield follows.undo(actor, target, follow.uri, facts)
    if followed_back is not None:
        yield follows.answer("Reject", actor, target, followed_back.uri, facts)
    document = wire.about("Block", uri, actor.uri, target.uri, to=(target.uri,))
    yield Deliver(actor.id, "Block", uri, document, to_actor_ids=(target.id,))
