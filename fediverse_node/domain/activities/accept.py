"""Accept: a Follow is granted, or what one of ours wants to do with a post.  spec: ap#accept-activity-inbox, fep-044f

What is granted besides Follows: a quote, and answers, likes and announces that had to be asked for; the stamp that
comes with it is what others will check. Accepted invitations have no meaning here. Who grants a Follow that nobody asks
for (any more) is told that it was taken back: else their list of followers stays wrong for ever.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from fediverse_node.domain import approvals, follows, policy, quotes, relays
from fediverse_node.domain.effects import AcceptFollow, Effect, Patch, Refusal, Refuse, SettleQuote
from fediverse_node.domain.facts import Facts, Needs
from fediverse_node.domain.model import Actor, Approval, InteractionRequest, Quote
from fediverse_node.domain.references import (
    APPROVAL_TYPES,
    answered_approval,
    answered_objects,
    inner_activity,
    named_actors,
    named_follows,
    own_id,
)
from fediverse_node.domain.verified import Verified
from fediverse_node.protocol.activitystreams import Activity
from fediverse_node.protocol.reading import uri
from fediverse_node.protocol.uris import same_origin


def needs(verified: Verified) -> Needs:
    """The Follow, by its id or by whom it names; the request, by its id or by what it asks for."""
    activity = verified.activity
    inner = inner_activity(activity)
    is_follow = inner is not None and inner.type == "Follow"
    return Needs(
        acting=activity.actor,
        actors=named_actors(activity),
        activities=(activity.object_id,) if activity.object_id else (),
        objects=() if is_follow else answered_objects(activity),
        approvals=not is_follow,
        whole=not is_follow,
        relays=True,
    )


def decide(verified: Verified, facts: Facts) -> Iterator[Effect]:
    """Somebody elsewhere lets one of ours follow."""
    activity = verified.activity
    followed = facts.actor(activity.actor)
    if followed is None:
        yield Refuse(Refusal.UNKNOWN_ACTOR, activity.actor)
        return
    subscribed = list(relays.answered(activity, followed, facts))
    if subscribed:
        yield from subscribed
        return
    inner = inner_activity(activity)
    if policy.is_gone(followed, facts):
        yield Refuse(Refusal.SUSPENDED, followed.host)
        return
    answered = None if inner is not None and inner.type == "Follow" else answered_approval(activity, facts)
    if answered is not None:
        yield from _approved(answered, followed, activity, facts)
        return
    if inner is not None and inner.type != "Follow":
        is_request = inner.type in APPROVAL_TYPES
        yield Refuse(Refusal.UNKNOWN_OBJECT if is_request else Refusal.UNSUPPORTED, inner.type)
        return
    named = named_follows(activity, facts)
    mine = next((follow for follow in named if follow.followed_id == followed.id), None)
    if mine is None and not named and (follower := _lost_follower(inner, followed, facts)) is not None:
        follow_uri = own_id(inner) if inner is not None else None
        yield follows.undo(follower, followed, follow_uri or f"{follower.uri}#follows/{followed.id}", facts)
    elif mine is None:
        yield Refuse(Refusal.NOT_PERMITTED if named else Refusal.UNKNOWN_OBJECT, activity.object_id or "")
    elif mine.accepted:
        yield Refuse(Refusal.ALREADY_DONE)
    else:
        yield Patch(AcceptFollow(mine.follower_id, mine.followed_id))


def _approved(answered: Quote | InteractionRequest, owner: Actor, activity: Activity, facts: Facts) -> Iterator[Effect]:
    stamp_uri = uri(activity.raw.get("result"))
    if isinstance(answered, InteractionRequest):
        yield from approvals.accepted(answered, owner, stamp_uri, facts)
        return
    author = facts.actors_by_id.get(answered.actor_id)
    if answered.quoted_actor_id != owner.id or author is None or not author.local:
        yield Refuse(Refusal.NOT_PERMITTED)
    # spec: fep-fe34: what another origin serves proves nothing about this author.
    elif stamp_uri is None or not same_origin(stamp_uri, owner.uri):
        yield Refuse(Refusal.MALFORMED, "the approval brings no stamp of its author's host")
    elif answered.state is Approval.ACCEPTED and answered.stamp_uri == stamp_uri:
        yield Refuse(Refusal.ALREADY_DONE)
    elif answered.state is Approval.DELETED:
        yield Refuse(Refusal.DELETED)
    else:
        # The Accept is signed by the quoted author itself: nobody has to be asked once more.
        settled = replace(answered, state=Approval.ACCEPTED, stamp_uri=stamp_uri, checked_ms=facts.now_ms())
        yield Patch(SettleQuote(settled))
        yield from quotes.tell_of_stamp(settled, author, facts)


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
