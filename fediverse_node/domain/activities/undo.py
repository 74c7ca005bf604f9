"""Undo: an actor takes back what it did.  spec: ap#undo-activity-inbox, ap#undo-activity-outbox

What is undone may be embedded or named by its id only; either way it must be the same actor's. An Undo of an
Announce that has not arrived yet leaves a tombstone, so that the Announce stays away. Taking back a Like or
an Announce of ours is in `like.py` and `announce.py`.
"""

from __future__ import annotations

from collections.abc import Iterator

from fediverse_node.domain import follows, reactions, wire
from fediverse_node.domain.effects import (
    BlockKey,
    Deliver,
    Effect,
    FollowKey,
    LikeKey,
    NewTombstone,
    ObjectKey,
    Put,
    Refusal,
    Refuse,
    Remove,
    RequestKey,
)
from fediverse_node.domain.facts import Facts, Needs
from fediverse_node.domain.model import Actor, Approval
from fediverse_node.domain.references import inner_activity, named_actors, named_follows
from fediverse_node.domain.verified import Verified
from fediverse_node.protocol.activitystreams import Activity
from fediverse_node.protocol.uris import same_origin

_ON_OBJECTS = frozenset({"Like", "Announce", "EmojiReact", "Dislike"})
_TYPES = _ON_OBJECTS | {"Follow", "Block"}


def needs(verified: Verified) -> Needs:
    """What is undone, by its id, and what it was about."""
    activity = verified.activity
    inner = inner_activity(activity)
    uris = (activity.object_id,) if activity.object_id else ()
    about = (inner.object_id,) if inner is not None and inner.object_id else ()
    return Needs(
        acting=activity.actor,
        actors=named_actors(activity) if inner is not None and inner.type in ("Follow", "Block") else (),
        objects=(*uris, *about) if inner is None or inner.type in _ON_OBJECTS else (),
        activities=uris,
        reactions=inner is None or inner.type in _ON_OBJECTS,
    )


def decide(verified: Verified, facts: Facts) -> Iterator[Effect]:
    """Somebody elsewhere takes something back."""
    activity = verified.activity
    actor = facts.actor(activity.actor)
    if actor is None:
        yield Refuse(Refusal.UNKNOWN_ACTOR, activity.actor)
        return
    inner = inner_activity(activity)
    if inner is not None and inner.type not in _TYPES:
        yield Refuse(Refusal.UNSUPPORTED, inner.type)
        return
    if inner is not None and inner.actor != actor.uri:
        yield Refuse(Refusal.NOT_THE_OWNER, inner.actor)
        return
    owners, removals = set(), []
    for owner_id, removal in _meant(activity, inner, actor, facts):
        owners.add(owner_id)
        if owner_id == actor.id:
            removals.append(removal)
    if removals:
        # One thing is undone, even where its id and its content name two.
        yield removals[0]
    elif owners:
        yield Refuse(Refusal.NOT_THE_OWNER, activity.object_id or "")
    elif inner is not None and inner.type == "Announce" and inner.id and same_origin(inner.id, actor.uri):
        yield Put(NewTombstone(inner.id, actor.uri))
    else:
        yield Refuse(Refusal.UNKNOWN_OBJECT, activity.object_id or "")


def compose_unfollow(follower: Actor, followed: Actor, facts: Facts) -> Iterator[Effect]:
    """One of ours follows somebody no longer, or takes back a request."""
    follow = facts.follows.get((follower.id, followed.id))
    if follow is None:
        yield Refuse(Refusal.ALREADY_DONE)
        return
    yield from follows.leave(follower, followed, follow, facts)


def compose_unblock(actor: Actor, target: Actor, block_uri: str | None, facts: Facts) -> Iterator[Effect]:
    """One of ours lifts a block. `block_uri` is that of the Block; follows do not come back."""
    if (actor.id, target.id) not in facts.blocks:
        yield Refuse(Refusal.ALREADY_DONE)
        return
    yield Remove(BlockKey(actor.id, target.id))
    if target.local:
        return
    uri = facts.world.names.activity(actor.username, "undo", facts.world.ids.next())
    inner = wire.about("Block", block_uri or f"{actor.uri}#blocks/{target.id}", actor.uri, target.uri, to=(target.uri,))
    document = wire.about("Undo", uri, actor.uri, inner, to=(target.uri,))
    yield Deliver(actor.id, "Undo", uri, document, to_actor_ids=(target.id,))


def _meant(activity: Activity, inner: Activity | None, actor: Actor, facts: Facts) -> Iterator[tuple[int, Remove]]:
    """What is stored that the Undo can mean, each with the id of whose it is."""
    uri, kind = activity.object_id or "", inner.type if inner is not None else None
    if kind is None or kind in _ON_OBJECTS:
        for reaction in reactions.taken_back(uri, inner, actor, facts):
            yield reaction.actor_id, Remove(reactions.key_of(reaction))
    if kind in (None, "Follow"):
        for follow in named_follows(activity, facts):
            yield follow.follower_id, Remove(FollowKey(follow.follower_id, follow.followed_id))
    if kind in (None, "Like") and uri in facts.likes_by_uri:
        owner_id, object_id = facts.likes_by_uri[uri]
        yield owner_id, Remove(LikeKey(owner_id, object_id))
    if kind in (None, "Block") and uri in facts.blocks_by_uri:
        owner_id, target_id = facts.blocks_by_uri[uri]
        yield owner_id, Remove(BlockKey(owner_id, target_id))
    request = facts.requests_by_uri.get(uri)
    if request is not None and request.state is Approval.PENDING and kind in (None, request.kind.value.capitalize()):
        yield request.actor_id, Remove(RequestKey(request.id))
    announce = facts.objects.get(uri)
    if kind in (None, "Announce") and announce is not None and announce.announce_of_id is not None:
        yield announce.actor_id, Remove(ObjectKey(announce.id, tombstone=False))
    if inner is not None:
        yield from _meant_by_content(inner, actor, facts)


def _meant_by_content(inner: Activity, actor: Actor, facts: Facts) -> Iterator[tuple[int, Remove]]:
    target = facts.objects.get(inner.object_id or "")
    if inner.type == "Like" and target is not None and (actor.id, target.id) in facts.likes:
        yield actor.id, Remove(LikeKey(actor.id, target.id))
    if inner.type == "Announce" and target is not None and (actor.id, target.id) in facts.announces:
        yield actor.id, Remove(ObjectKey(facts.announces[actor.id, target.id].id, tombstone=False))
    whom = facts.actor(inner.object_id)
    if inner.type == "Block" and whom is not None and (actor.id, whom.id) in facts.blocks:
        yield actor.id, Remove(BlockKey(actor.id, whom.id))
