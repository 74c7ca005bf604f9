"""Asking for a follow, answering and ending one: what Follow, Accept, Reject, Undo, Block and Move share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from fediverse_node.domain import policy, wire
from fediverse_node.domain.effects import (
    AcceptFollow,
    Deliver,
    Effect,
    FollowKey,
    NewFollow,
    Notify,
    Patch,
    Put,
    Remove,
)
from fediverse_node.domain.facts import Facts
from fediverse_node.domain.model import Actor, Follow


@dataclass(frozen=True, slots=True)
class Options:
    """What a follower wants to see of whom it follows."""

    show_announces: bool = True
    notify: bool = False
    languages: tuple[str, ...] = ()


def ask(follower: Actor, followed: Actor, options: Options, facts: Facts) -> Iterator[Effect]:
    """One of ours asks to follow somebody, or changes the options of a follow that exists."""
    existing = facts.follows.get((follower.id, followed.id))
    number = facts.world.ids.next()
    uri = existing.uri if existing else facts.world.names.activity(follower.username, "follow", number)
    if followed.local:
        yield from request(uri, follower, followed, options, facts)
        return
    yield Put(_record(number, uri, follower, followed, options, facts, accepted=False))
    if existing is None or not existing.accepted:
        document = wire.follow(uri, follower.uri, followed.uri)
        yield Deliver(follower.id, "Follow", uri, document, to_actor_ids=(followed.id,))


def request(uri: str, follower: Actor, followed: Actor, options: Options, facts: Facts) -> Iterator[Effect]:
    """Somebody asks to follow one of ours: granted at once, or shown as a request where the actor is locked."""
    existing = facts.follows.get((follower.id, followed.id))
    number = facts.world.ids.next()
    yield Put(_record(number, uri, follower, followed, options, facts, accepted=not followed.locked))
    if existing is not None and (existing.accepted or followed.locked):
        return
    if not followed.locked:
        yield Patch(AcceptFollow(follower.id, followed.id))
    if policy.may_notify(followed, follower.id, None, facts):
        yield Notify(followed.id, "follow_request" if followed.locked else "follow", follower.id)


def answer(kind: Literal["Accept", "Reject"], ours: Actor, theirs: Actor, follow_uri: str, facts: Facts) -> Deliver:
    """What one of ours says to the Follow of somebody elsewhere."""
    uri = facts.world.names.activity(ours.username, kind.lower(), facts.world.ids.next())
    document = wire.about(kind, uri, ours.uri, wire.follow(follow_uri, theirs.uri, ours.uri), to=(theirs.uri,))
    return Deliver(ours.id, kind, uri, document, to_actor_ids=(theirs.id,))


def leave(follower: Actor, followed: Actor, follow: Follow, facts: Facts) -> Iterator[Effect]:
    """One of ours follows somebody no longer, or takes a request back."""
    yield Remove(FollowKey(follower.id, followed.id))
    if not followed.local:
        yield undo(follower, followed, follow.uri, facts)


def undo(follower: Actor, followed: Actor, follow_uri: str, facts: Facts) -> Deliver:
    """The Undo of a Follow of ours."""
    uri = facts.world.names.activity(follower.username, "undo", facts.world.ids.next())
    inner = wire.follow(follow_uri, follower.uri, followed.uri)
    document = wire.about("Undo", uri, follower.uri, inner, to=(followed.uri,))
    return Deliver(follower.id, "Undo", uri, document, to_actor_ids=(followed.id,))


def _record(
    number: int, uri: str, follower: Actor, followed: Actor, options: Options, facts: Facts, *, accepted: bool
) -> NewFollow:
    return NewFollow(
        id=number,
        uri=uri,
        follower_id=follower.id,
        followed_id=followed.id,
        accepted=accepted,
        follower_local=follower.local,
        created_ms=facts.now_ms(),
        show_announces=options.show_announces,
        notify=options.notify,
        languages=options.languages,
    )
