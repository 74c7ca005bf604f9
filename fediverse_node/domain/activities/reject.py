"""Reject: a Follow is refused, or ended by who is followed; or a quote, answer, like or announce is not approved of.

spec: ap#reject-activity-inbox, fep-044f#rejection

The same activity does both: a Reject of a Follow that was accepted takes the follower away.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from fediverse_node.domain import approvals, follows, quotes, relays
from fediverse_node.domain.effects import Effect, FollowKey, Patch, Refusal, Refuse, Remove, SettleQuote
from fediverse_node.domain.facts import Facts, Needs
from fediverse_node.domain.model import Actor, Approval, InteractionRequest, Quote
from fediverse_node.domain.references import (
    APPROVAL_TYPES,
    answered_approval,
    answered_objects,
    inner_activity,
    named_actors,
    named_follows,
)
from fediverse_node.domain.verified import Verified


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
    """Somebody elsewhere does not let one of ours follow, or no longer."""
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
    answered = None if inner is not None and inner.type == "Follow" else answered_approval(activity, facts)
    if isinstance(answered, InteractionRequest):
        yield from approvals.rejected(answered, followed)
        return
    if answered is not None:
        yield from _not_quoted(answered, followed, facts)
        return
    if inner is not None and inner.type != "Follow":
        is_request = inner.type in APPROVAL_TYPES
        yield Refuse(Refusal.UNKNOWN_OBJECT if is_request else Refusal.UNSUPPORTED, inner.type)
        return
    named = named_follows(activity, facts)
    mine = next((follow for follow in named if follow.followed_id == followed.id), None)
    if mine is None:
        yield Refuse(Refusal.NOT_PERMITTED if named else Refusal.UNKNOWN_OBJECT, activity.object_id or "")
    else:
        yield Remove(FollowKey(mine.follower_id, mine.followed_id))


def _not_quoted(quote: Quote, owner: Actor, facts: Facts) -> Iterator[Effect]:
    author = facts.actors_by_id.get(quote.actor_id)
    if quote.quoted_actor_id != owner.id or author is None or not author.local:
        yield Refuse(Refusal.NOT_PERMITTED)
    elif quote.state is Approval.ACCEPTED:
        yield from quotes.revoked(quote, owner, None, facts)
    elif quote.state is Approval.PENDING:
        yield Patch(SettleQuote(replace(quote, state=Approval.REJECTED)))
    else:
        yield Refuse(Refusal.ALREADY_DONE)


def compose(followed: Actor, follower: Actor, facts: Facts) -> Iterator[Effect]:
    """One of ours refuses a request, or removes a follower."""
    follow = facts.follows.get((follower.id, followed.id))
    if follow is None:
        yield Refuse(Refusal.UNKNOWN_OBJECT, "this actor does not follow")
        return
    yield Remove(FollowKey(follower.id, followed.id))
    if not follower.local:
        yield follows.answer("Reject", followed, follower, follow.uri, facts)
