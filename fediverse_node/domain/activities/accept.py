"""Accept: a Follow is granted.  spec: ap#accept-activity-inbox

Only Follows: accepted invitations and quote requests have no meaning here. Who grants what nobody asks for (any
more) is told that it was taken back: else their list of followers stays wrong for ever.
"""

from __future__ import annotations

from collections.abc import Iterator

from fediverse_node.domain import follows, policy
from fediverse_node.domain.effects import AcceptFollow, Effect, Patch, Refusal, Refuse
from fediverse_node.domain.facts import Facts, Needs
from fediverse_node.domain.model import Actor
from fediverse_node.domain.references import inner_activity, named_actors, named_follows, own_id
from fediverse_node.domain.verified import Verified
from fediverse_node.protocol.activitystreams import Activity


def needs(verified: Verified) -> Needs:
    """The Follow, by its id or by whom it names."""
    activity = verified.activity
    return Needs(
        acting=activity.actor,
        actors=named_actors(activity),
        activities=(activity.object_id,) if activity.object_id else (),
    )


def decide(verified: Verified, facts: Facts) -> Iterator[Effect]:
    """Somebody elsewhere lets one of ours follow."""
    activity = verified.activity
    followed = facts.actor(activity.actor)
    if followed is None:
        yield Refuse(Refusal.UNKNOWN_ACTOR, activity.actor)
        return
    inner = inner_activity(activity)
    if inner is not None and inner.type != "Follow":
        yield Refuse(Refusal.UNSUPPORTED, inner.type)
        return
    if policy.is_gone(followed, facts):
        yield Refuse(Refusal.SUSPENDED, followed.host)
        return
    named = named_follows(activity, facts)
    mine = next((follow for follow in named if follow.followed_id == followed.id), None)
    if mine is None and not named and (follower := _lost_follower(inner, followed, facts)) is not None:
        uri = own_id(inner) if inner is not None else None
        yield follows.undo(follower, followed, uri or f"{follower.uri}#follows/{followed.id}", facts)
    elif mine is None:
        yield Refuse(Refusal.NOT_PERMITTED if named else Refusal.UNKNOWN_OBJECT, activity.object_id or "")
    elif mine.accepted:
        yield Refuse(Refusal.ALREADY_DONE)
    else:
        yield Patch(AcceptFollow(mine.follower_id, mine.followed_id))


def _lost_follower(inner: Activity | None, followed: Actor, facts: Facts) -> Actor | None:
    """Whoever of ours they believe to be their follower."""
    follower = facts.actor(inner.actor) if inner is not None and inner.object_id == followed.uri else None
    return follower if follower is not None and follower.local and not policy.is_gone(follower, facts) else None


def compose(followed: Actor, follower: Actor, facts: Facts) -> Iterator[Effect]:
    """One of ours, being locked, grants a request."""
    follow = facts.follows.get((follower.id, followed.id))
    if follow is None:
        yield Refuse(Refusal.UNKNOWN_OBJECT, "there is no such request")
        return
    if follow.accepted:
        yield Refuse(Refusal.ALREADY_DONE)
        return
    yield Patch(AcceptFollow(follower.id, followed.id))
    if not follower.local:
        yield follows.answer("Accept", followed, follower, follow.uri, facts)
