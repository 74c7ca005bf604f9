"""Reject: a Follow is refused, or ended by who is followed.  spec: ap#reject-activity-inbox

The same activity does both: a Reject of a Follow that was accepted takes the follower away.
"""

from __future__ import annotations

from collections.abc import Iterator

from fediverse_node.domain import follows
from fediverse_node.domain.effects import Effect, FollowKey, Refusal, Refuse, Remove
from fediverse_node.domain.facts import Facts, Needs
from fediverse_node.domain.model import Actor
from fediverse_node.domain.references import inner_activity, named_actors, named_follows
from fediverse_node.domain.verified import Verified


def needs(verified: Verified) -> Needs:
    """The Follow, by its id or by whom it names."""
    activity = verified.activity
    return Needs(
        acting=activity.actor,
        actors=named_actors(activity),
        activities=(activity.object_id,) if activity.object_id else (),
    )


def decide(verified: Verified, facts: Facts) -> Iterator[Effect]:
    """Somebody elsewhere does not let one of ours follow, or no longer."""
    activity = verified.activity
    followed = facts.actor(activity.actor)
    if followed is None:
        yield Refuse(Refusal.UNKNOWN_ACTOR, activity.actor)
        return
    inner = inner_activity(activity)
    if inner is not None and inner.type != "Follow":
        yield Refuse(Refusal.UNSUPPORTED, inner.type)
        return
    named = named_follows(activity, facts)
    mine = next((follow for follow in named if follow.followed_id == followed.id), None)
    if mine is None:
        yield Refuse(Refusal.NOT_PERMITTED if named else Refusal.UNKNOWN_OBJECT, activity.object_id or "")
    else:
        yield Remove(FollowKey(mine.follower_id, mine.followed_id))


def compose(followed: Actor, follower: Actor, facts: Facts) -> Iterator[Effect]:
    """One of ours refuses a request, or removes a follower."""
    follow = facts.follows.get((follower.id, followed.id))
    if follow is None:
        yield Refuse(Refusal.UNKNOWN_OBJECT, "this actor does not follow")
        return
    yield Remove(FollowKey(follower.id, followed.id))
    if not follower.local:
        yield follows.answer("Reject", followed, follower, follow.uri, facts)
