"""Likes and announces that are permitted take effect: what follows is the same whoever had to be asked before."""

from __future__ import annotations

from collections.abc import Iterator

from fediverse_node.domain import policy
from fediverse_node.domain.effects import Effect, NewLike, NewObject, Notify, Place, Put, Refusal, Refuse
from fediverse_node.domain.facts import Facts
from fediverse_node.domain.fan_out import readers_of_announce
from fediverse_node.domain.model import Actor, Object, Visibility
from fediverse_node.protocol.addressing import PUBLIC


def refusal_of_like(actor: Actor, target: Object, facts: Facts) -> Refuse | None:
    """Why this actor cannot like this at all, whatever its author permits."""
    # An Announce has no likes of its own: clients mean what it passes on.
    if target.announce_of_id is not None or not policy.may_interact(actor, target, facts):
        return Refuse(Refusal.NOT_PERMITTED)
    return Refuse(Refusal.ALREADY_DONE) if (actor.id, target.id) in facts.likes else None


def like(actor: Actor, target: Object, uri: str | None, facts: Facts) -> Iterator[Effect]:
    """The like counts, and the author is told."""
    yield Put(NewLike(facts.world.ids.next(), actor.id, target.id, uri))
    author = facts.author(target)
    if author is not None and policy.may_notify(author, actor.id, target.thread_id, facts):
        yield Notify(author.id, "like", actor.id, target.id)


def refusal_of_announce(actor: Actor, target: Object, facts: Facts) -> Refuse | None:
    """Why this actor cannot pass this on at all, whatever its author permits."""
    if policy.is_gone(actor, facts):
        return Refuse(Refusal.SUSPENDED)
    if not policy.may_announce(actor, target, facts):
        return Refuse(Refusal.NOT_PERMITTED)
    return Refuse(Refusal.ALREADY_DONE) if (actor.id, target.id) in facts.announces else None


def announce(
    uri: str,
    actor: Actor,
    target: Object,
    reach: Visibility,
    published_ms: int,
    facts: Facts,
    number: int | None = None,
) -> Iterator[Effect]:
    """The Announce is stored and shown, and the author of what it passes on is told."""
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


def announce_audience(reach: Visibility, actor: Actor, author: Actor) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """`to` and `cc` of an Announce: the author of what is passed on is told in any case."""
    followers = (actor.followers_uri,) if actor.followers_uri else ()
    if reach is Visibility.PUBLIC:
        return (PUBLIC,), (*followers, author.uri)
    if reach is Visibility.UNLISTED:
        return followers, (PUBLIC, author.uri)
    return followers, (author.uri,)
