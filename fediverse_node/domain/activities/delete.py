"""Delete: an object, or a whole actor, is gone.  spec: ap#delete-activity-inbox, ap#delete-activity-outbox

Only by whose it is. An object that never arrived leaves a tombstone too, so that a late Create cannot bring
back what its author took away; storage forgets such tombstones (those without a former type) after a while.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fediverse_node.domain import approvals, documents, forwarding, quotes
from fediverse_node.domain.effects import (
    ActorKey,
    Deliver,
    Effect,
    NewTombstone,
    ObjectKey,
    Put,
    Refusal,
    Refuse,
    Remove,
)
from fediverse_node.domain.facts import Facts, Needs
from fediverse_node.domain.model import Actor, Object, Visibility
from fediverse_node.domain.verified import Verified
from fediverse_node.protocol.uris import same_origin


def needs(verified: Verified) -> Needs:
    """What is deleted: an object, an actor or an approval stamp, one cannot tell from the activity."""
    activity = verified.activity
    uris = (activity.object_id,) if activity.object_id else ()
    return Needs(acting=activity.actor, actors=uris, objects=uris, stamps=uris, whole=True)


def decide(verified: Verified, facts: Facts) -> Iterator[Effect]:
    """Somebody elsewhere takes something away, or goes."""
    uri = verified.activity.object_id
    actor = facts.actor(verified.activity.actor)
    # Nobody deletes several things at once: half of it done would be worse than nothing.
    if uri is None or len(verified.activity.objects) > 1:
        yield Refuse(Refusal.MALFORMED)
        return
    if actor is None:
        yield Refuse(Refusal.UNKNOWN_ACTOR, verified.activity.actor)
        return
    stored, other = facts.objects.get(uri), facts.actor(uri)
    if uri == actor.uri:
        yield Refuse(Refusal.NOT_PERMITTED) if actor.local else Remove(ActorKey(actor.id))
    elif other is not None:
        yield Refuse(Refusal.NOT_THE_OWNER, uri)
    elif stored is not None:
        if stored.actor_id == actor.id:
            yield from forwarding.of_change(verified, stored, facts)
            yield Remove(ObjectKey(stored.id, tombstone=stored.announce_of_id is None))
        else:
            yield Refuse(Refusal.NOT_THE_OWNER, uri)
    elif uri in facts.quotes_by_stamp or uri in facts.requests_by_stamp:
        yield from _revoked(uri, actor, verified, facts)
    elif not same_origin(uri, actor.uri):
        yield Refuse(Refusal.WRONG_ORIGIN, uri)
    elif uri in facts.tombstones:
        yield Refuse(Refusal.ALREADY_DONE, uri)
    else:
        yield Put(NewTombstone(uri, actor.uri))


def _revoked(uri: str, actor: Actor, verified: Verified, facts: Facts) -> Iterator[Effect]:
    """Approval stamps are taken back by deleting them.  spec: fep-044f#revoking"""
    effects: list[Effect] = []
    for quote in facts.quotes_by_stamp.get(uri, ()):
        effects += quotes.revoked(quote, actor, verified.received, facts)
    for request in facts.requests_by_stamp.get(uri, ()):
        effects += approvals.rejected(request, actor)
    # Somebody may have claimed a stamp that is about the post of another: that one is no reason to refuse all.
    done = [effect for effect in effects if not isinstance(effect, Refuse)]
    yield from done or effects[:1]


def compose(object_: Object, author: Actor, facts: Facts, *, recipients: Sequence[int] = ()) -> Iterator[Effect]:
    """One of ours deletes something it said.

    `recipients`: remote actors who have it without following: mentioned, announcers, those who answered.
    """
    if object_.actor_id != author.id or object_.announce_of_id is not None:
        yield Refuse(Refusal.NOT_THE_OWNER)
        return
    yield Remove(ObjectKey(object_.id))
    is_direct = object_.visibility is Visibility.DIRECT
    told = [facts.actors_by_id[i].uri for i in recipients if i in facts.actors_by_id] if is_direct else None
    activity = documents.delete_activity(object_, author, facts.now_ms(), to=told)
    # No object_id: the payload would go with the object's row before it is sent.
    yield Deliver(
        author.id,
        "Delete",
        activity["id"],
        activity,
        to_actor_ids=tuple(dict.fromkeys(recipients)),
        followers_of=None if is_direct else author.id,
    )


def compose_actor(actor: Actor, facts: Facts, *, recipients: Sequence[int] = ()) -> Iterator[Effect]:
    """One of ours goes. Deliver stands first: followers have to be read before they are forgotten."""
    activity = documents.delete_actor_activity(actor)
    yield Deliver(
        actor.id,
        "Delete",
        activity["id"],
        activity,
        to_actor_ids=tuple(dict.fromkeys(recipients)),
        followers_of=actor.id,
    )
    yield Remove(ActorKey(actor.id))
