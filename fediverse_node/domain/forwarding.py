"""Passing on what others say in threads of ours to those who read the thread here.  spec: ap#inbox-forwarding

Followers of ours elsewhere see our posts, and would see only half of what is answered to them. What carries its
author's own proof is passed on as it came, byte for byte, so that they can believe it; what does not is left to those
who look for it (`replies`, `context`): nobody would have a reason to believe us.
"""

from __future__ import annotations

from collections.abc import Iterator

from fediverse_node.domain.effects import Deliver, Effect
from fediverse_node.domain.facts import Facts
from fediverse_node.domain.model import Actor, Object, Visibility
from fediverse_node.domain.verified import Verified
from fediverse_node.protocol.uris import host_of

_OPEN = (Visibility.PUBLIC, Visibility.UNLISTED)


def of_reply(verified: Verified, object_id: int, visibility: Visibility, answered: Actor | None) -> Iterator[Effect]:
    """Something new was answered to `answered`: everybody may read it, or it is addressed to the followers here."""
    if answered is None:
        return
    document = verified.object
    addressed = (*document.to, *document.cc) if document is not None else ()
    is_for_followers = answered.followers_uri is not None and answered.followers_uri in addressed
    if visibility in _OPEN or is_for_followers:
        yield from _pass_on(verified, answered, object_id)


def of_change(verified: Verified, stored: Object, facts: Facts) -> Iterator[Effect]:
    """What was answered to one of ours is changed, or goes: those who were sent it hear of that too."""
    answered = facts.actors_by_id.get(stored.in_reply_to_actor_id or 0)
    if answered is not None and stored.visibility in _OPEN:
        # Of what goes the row goes too, and with it whatever is to be sent about it.
        yield from _pass_on(verified, answered, None if verified.activity.type == "Delete" else stored.id)


def _pass_on(verified: Verified, owner: Actor, object_id: int | None) -> Iterator[Effect]:
    activity = verified.activity
    if verified.received is None or activity.id is None or not owner.local or owner.suspended or owner.deleted:
        return
    yield Deliver(
        owner.id,
        activity.type,
        activity.id,
        {},
        followers_of=owner.id,
        object_id=object_id,
        except_host=host_of(activity.actor),
        body=verified.received,
    )
