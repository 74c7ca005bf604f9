"""Follow: an actor wants to read another.  spec: ap#follow-activity-inbox, ap#follow-activity-outbox

A follow of somebody elsewhere counts only after their Accept. Locked actors decide themselves.
"""

from __future__ import annotations

from collections.abc import Iterator

from fediverse_node.domain import follows, policy
from fediverse_node.domain.effects import Effect, Refusal, Refuse
from fediverse_node.domain.facts import Facts, Needs
from fediverse_node.domain.model import Actor
from fediverse_node.domain.references import own_id
from fediverse_node.domain.verified import Verified


def needs(verified: Verified) -> Needs:
    """Both actors and what is between them."""
    activity = verified.activity
    return Needs(acting=activity.actor, actors=(activity.object_id,) if activity.object_id else ())


def decide(verified: Verified, facts: Facts) -> Iterator[Effect]:
    """Somebody elsewhere wants to follow one of ours."""
    activity = verified.activity
    follower, followed = facts.actor(activity.actor), facts.actor(activity.object_id)
    if follower is None or followed is None:
        yield Refuse(Refusal.UNKNOWN_ACTOR, activity.object_id or "")
        return
    if not followed.local:
        yield Refuse(Refusal.NOT_OURS)
        return
    if policy.is_gone(follower, facts):
        yield Refuse(Refusal.SUSPENDED, follower.host)
        return
    # An answer quotes the id as sent; stored is only what the follower's host speaks for.
    uri = own_id(activity) or f"{follower.uri}#follows/{followed.id}"
    if policy.is_gone(followed, facts) or not policy.may_follow(follower, followed, facts):
        yield follows.answer("Reject", followed, follower, activity.id or uri, facts)
        return
    yield from follows.request(uri, follower, followed, follows.Options(), facts)
    existing = facts.follows.get((follower.id, followed.id))
    if not followed.locked or (existing is not None and existing.accepted):
        # Asked again although accepted: the first answer was lost, so it is said again.
        yield follows.answer("Accept", followed, follower, activity.id or uri, facts)


def compose(
    follower: Actor,
    followed: Actor,
    facts: Facts,
    *,
    show_announces: bool = True,
    notify: bool = False,
    languages: tuple[str, ...] = (),
) -> Iterator[Effect]:
    """One of ours wants to follow somebody, or changes the options of a follow."""
    if policy.is_gone(followed, facts) or not policy.may_follow(follower, followed, facts):
        yield Refuse(Refusal.NOT_PERMITTED, "this actor cannot be followed")
        return
    yield from follows.ask(follower, followed, follows.Options(show_announces, notify, languages), facts)
