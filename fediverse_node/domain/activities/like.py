"""Like: an actor favours an object.  spec: ap#like-activity-inbox, ap#like-activity-outbox"""

from __future__ import annotations

from collections.abc import Iterator

from fediverse_node.domain import policy, wire
from fediverse_node.domain.effects import Deliver, Effect, LikeKey, NewLike, Notify, Put, Refusal, Refuse, Remove
from fediverse_node.domain.facts import Facts, Needs
from fediverse_node.domain.model import Actor, Object
from fediverse_node.domain.references import own_id
from fediverse_node.domain.verified import Verified


def needs(verified: Verified) -> Needs:
    """Who likes, and what."""
    activity = verified.activity
    return Needs(acting=activity.actor, objects=(activity.object_id,) if activity.object_id else ())


def decide(verified: Verified, facts: Facts) -> Iterator[Effect]:
    """Somebody elsewhere likes something we have."""
    activity = verified.activity
    actor, target = facts.actor(activity.actor), facts.objects.get(activity.object_id or "")
    if actor is None or target is None:
        yield Refuse(Refusal.UNKNOWN_OBJECT, activity.object_id or "")
        return
    if policy.is_gone(actor, facts):
        yield Refuse(Refusal.SUSPENDED, actor.host)
        return
    yield from _like(actor, target, own_id(activity), facts)


def compose(actor: Actor, target: Object, facts: Facts) -> Iterator[Effect]:
    """One of ours likes something."""
    author = facts.author(target)
    uri = facts.world.names.activity(actor.username, "like", facts.world.ids.next())
    refused = False
    for effect in _like(actor, target, uri, facts):
        refused = refused or isinstance(effect, Refuse)
        yield effect
    if author is not None and not author.local and not refused:
        document = wire.about("Like", uri, actor.uri, target.uri, to=(author.uri,))
        yield Deliver(actor.id, "Like", uri, document, to_actor_ids=(author.id,), object_id=target.id)


def compose_undo(actor: Actor, target: Object, uri: str | None, facts: Facts) -> Iterator[Effect]:
    """One of ours does not like it any more. `uri` is that of the Like."""
    yield Remove(LikeKey(actor.id, target.id))
    author = facts.author(target)
    if author is not None and not author.local:
        like_uri = uri or f"{actor.uri}#likes/{target.id}"
        like = wire.about("Like", like_uri, actor.uri, target.uri, to=(author.uri,))
        undo_uri = f"{like_uri}/undo"
        document = wire.about("Undo", undo_uri, actor.uri, like, to=(author.uri,))
        yield Deliver(actor.id, "Undo", undo_uri, document, to_actor_ids=(author.id,), object_id=target.id)


def _like(actor: Actor, target: Object, uri: str | None, facts: Facts) -> Iterator[Effect]:
    # An Announce has no likes of its own: clients mean what it passes on.
    if target.announce_of_id is not None or not policy.may_interact(actor, target, facts):
        yield Refuse(Refusal.NOT_PERMITTED)
        return
    if (actor.id, target.id) in facts.likes:
        yield Refuse(Refusal.ALREADY_DONE)
        return
    yield Put(NewLike(facts.world.ids.next(), actor.id, target.id, uri))
    author = facts.author(target)
    if author is not None and policy.may_notify(author, actor.id, target.thread_id, facts):
        yield Notify(author.id, "like", actor.id, target.id)
