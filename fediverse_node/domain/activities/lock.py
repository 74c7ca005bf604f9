"""Lock: a moderator of a group closes a conversation (Lemmy, PieFed).

What moderators of our groups do is dealt with before this (`domain/groups.py`), and what groups elsewhere tell comes in
an Announce (`domain/group_news.py`). Whoever else says so closes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from fediverse_node.domain.effects import Effect, Refusal, Refuse
from fediverse_node.domain.facts import Facts, Needs
from fediverse_node.domain.verified import Verified


def needs(verified: Verified) -> Needs:
    """Who wants to close what."""
    activity = verified.activity
    return Needs(acting=activity.actor, objects=(activity.object_id,) if activity.object_id else ())


def decide(verified: Verified, facts: Facts) -> Iterator[Effect]:
    """Somebody who is no moderator of a group of ours."""
    yield Refuse(Refusal.NOT_PERMITTED, "only moderators of a group close what is in it")
