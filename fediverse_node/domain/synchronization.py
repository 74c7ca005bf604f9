"""Two servers agree on who follows somebody: what follows from the list that the followed one's server shows.

spec: fep-8fcf#on-the-receiving-end. That server is right about its own followers: whom it does not list follows no
more here; whom it lists although nobody here follows is taken back there; who still waits for an answer has one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fediverse_node.base.clock import to_ms
from fediverse_node.base.ids import moment_of
from fediverse_node.domain import follows, policy
from fediverse_node.domain.effects import AcceptFollow, Effect, FollowKey, Patch, Refusal, Refuse, Remove
from fediverse_node.domain.facts import Facts, Needs

# An answer to a request may still be on its way: so long it is not taken from the list.
_PATIENCE_MS = 10 * 60_000
AT_ONCE = 50


def needs(followed_uri: str, followers: Sequence[str]) -> Needs:
    """Whom it is about, and the people here about whom the two lists differ."""
    return Needs(acting=followed_uri, actors=tuple(followers))


def settle(followed_uri: str, listed: Sequence[str], missing: Sequence[str], facts: Facts) -> Iterator[Effect]:
    """`listed`: people here who are on the list and follow not, or not yet. `missing`: who follow and are not on it."""
    followed = facts.actor(followed_uri)
    if followed is None or followed.local or policy.is_gone(followed, facts):
        yield Refuse(Refusal.UNKNOWN_ACTOR, followed_uri)
        return
    for uri in missing:
        follower = facts.actor(uri)
        if follower is not None and follower.local and facts.follows_accepted(follower.id, followed.id):
            yield Remove(FollowKey(follower.id, followed.id))
    for uri in listed:
        follower = facts.actor(uri)
        if follower is None or not follower.local or follower.deleted:
            continue
        follow = facts.follows.get((follower.id, followed.id))
        if follow is None:
            yield follows.undo(follower, followed, f"{follower.uri}#follows/{followed.id}", facts)
        elif not follow.accepted and facts.now_ms() - to_ms(moment_of(follow.id)) > _PATIENCE_MS:
            yield Patch(AcceptFollow(follower.id, followed.id))
