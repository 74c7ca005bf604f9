"""Announce: an actor passes an object on.  spec: ap#announce-activity-inbox, ap#announce-activity-outbox

An Announce is stored as an object of its own, because clients list, like and undo it as one.
"""

from __future__ import annotations

from collections.abc import Iterator

from fediverse_node.base.clock import to_ms
from fediverse_node.domain import policy, wire
from fediverse_node.domain.effects import (
    Deliver,
    Effect,
    NewObject,
    Notify,
    ObjectKey,
    Place,
    Put,
    Refusal,
    Refuse,
    Remove,
)
from fediverse_node.domain.facts import Facts, Needs
from fediverse_node.domain.fan_out import readers_of_announce
from fediverse_node.domain.model import Actor, Object, Visibility
from fediverse_node.domain.verified import Verified
from fediverse_node.protocol.addressing import PUBLIC, visibility
from fediverse_node.protocol.uris import same_origin


def needs(verified: Verified) -> Needs:
    """Who passes on, what, and who reads them. The object is fetched before, if need be."""
    activity = verified.activity
    return Needs(
        acting=activity.actor,
        objects=tuple(uri for uri in (activity.object_id, activity.id) if uri),
        audience=True,
    )


def decide(verified: Verified, facts: Facts) -> Iterator[Effect]:
    """Somebody elsewhere passes something on."""
    activity = verified.activity
    actor, target = facts.actor(activity.actor), facts.objects.get(activity.object_id or "")
    if actor is None:
        yield Refuse(Refusal.UNKNOWN_ACTOR, activity.actor)
        return
    if target is None:
        # What nobody here would read is not even asked for.
        is_read = bool(facts.audience.get(actor.id))
        yield Refuse(Refusal.UNKNOWN_OBJECT if is_read else Refusal.NOT_RELEVANT, activity.object_id or "")
        return
    if activity.id is None or not same_origin(activity.id, actor.uri):
        yield Refuse(Refusal.MALFORMED, "an Announce needs an id of its actor's host")
        return
    if activity.id in facts.tombstones:
        yield Refuse(Refusal.DELETED, activity.id)
        return
    if activity.id in facts.objects:
        yield Refuse(Refusal.ALREADY_DONE, activity.id)
        return
    if not target.local and not facts.audience.get(actor.id):
        yield Refuse(Refusal.NOT_RELEVANT)
        return
    published_ms = min(to_ms(activity.published), facts.now_ms()) if activity.published else facts.now_ms()
    reach = visibility(activity.to, activity.cc, actor.followers_uri, author_uri=actor.uri)
    yield from _announce(activity.id, actor, target, reach, published_ms, facts)


def compose(actor: Actor, target: Object, reach: Visibility, facts: Facts) -> Iterator[Effect]:
    """One of ours passes something on."""
    names = facts.world.names
    number = facts.world.ids.next()
    uri = names.activity(actor.username, "announce", number)
    refused = False
    for effect in _announce(uri, actor, target, reach, facts.now_ms(), facts, number):
        refused = refused or isinstance(effect, Refuse)
        yield effect
    author = facts.author(target)
    if refused or author is None:
        return
    to, cc = announce_audience(reach, actor, author)
    document = wire.about("Announce", uri, actor.uri, target.uri, to=to, cc=cc, published=wire.stamp(facts.now_ms()))
    yield Deliver(
        actor.id,
        "Announce",
        uri,
        document,
        to_actor_ids=() if author.local else (author.id,),
        followers_of=actor.id,
        object_id=target.id,
    )


def compose_undo(actor: Actor, target: Object, announce: Object, facts: Facts) -> Iterator[Effect]:
    """One of ours takes it back."""
    yield Remove(ObjectKey(announce.id, tombstone=False))
    author = facts.author(target)
    if author is None:
        return
    to, cc = announce_audience(announce.visibility, actor, author)
    inner = wire.about("Announce", announce.uri, actor.uri, target.uri, to=to, cc=cc)
    uri = f"{announce.uri}/undo"
    document = wire.about("Undo", uri, actor.uri, inner, to=to, cc=cc)
    yield Deliver(
        actor.id,
        "Undo",
        uri,
        document,
        to_actor_ids=() if author.local else (author.id,),
        followers_of=actor.id,
        object_id=target.id,
    )


def announce_audience(reach: Visibility, actor: Actor, author: Actor) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """`to` and `cc` of an Announce: the author of what is passed on is told in any case."""
    followers = (actor.followers_uri,) if actor.followers_uri else ()
    if reach is Visibility.PUBLIC:
        return (PUBLIC,), (*followers, author.uri)
    if reach is Visibility.UNLISTED:
        return followers, (PUBLIC, author.uri)
    return followers, (author.uri,)


def _announce(
    uri: str,
    actor: Actor,
    target: Object,
    reach: Visibility,
    published_ms: int,
    facts: Facts,
    number: int | None = None,
) -> Iterator[Effect]:
    if policy.is_gone(actor, facts):
        yield Refuse(Refusal.SUSPENDED)
        return
    if not policy.may_announce(actor, target, facts):
        yield Refuse(Refusal.NOT_PERMITTED)
        return
    if (actor.id, target.id) in facts.announces:
        yield Refuse(Refusal.ALREADY_DONE)
        return
    record = NewObject(
        id=number or facts.world.ids.next(),
        uri=uri,
        type="Announce",
        actor_id=actor.id,
        local=actor.local,
        visibility=reach,
        published_ms=published_ms,
        announce_of_id=target.id,
        thread_id=target.thread_id,
    )
    yield Put(record)
    yield Place(record.id, readers_of_announce(actor, target.actor_id, (), facts))
    author = facts.author(target)
    if author is not None and policy.may_notify(author, actor.id, target.thread_id, facts):
        yield Notify(author.id, "announce", actor.id, target.id)
