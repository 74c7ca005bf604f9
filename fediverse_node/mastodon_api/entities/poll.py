"""Poll: a question's answers as one viewer sees them.  spec: mastodon-client-api#Poll"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fediverse_node.domain.model import Poll
from fediverse_node.domain.votes import has_ended
from fediverse_node.mastodon_api.entities.moments import render_moment_or_none


def render_poll(
    object_id: int,
    poll: Poll,
    *,
    now_ms: int,
    own_votes: Sequence[int] | None,
    is_author: bool = False,
    emojis: Sequence[Any] = (),
) -> dict[str, Any]:
    """The entity. `own_votes` is None for nobody in particular; the author counts as one who has voted."""
    expired = has_ended(poll, now_ms)
    # Who asked not to show results early means everybody, themselves included.
    hidden = poll.hide_totals and not expired
    entity: dict[str, Any] = {
        "id": str(object_id),
        "expires_at": render_moment_or_none(poll.expires_ms if poll.expires_ms is not None else poll.closed_ms),
        "expired": expired,
        "multiple": poll.multiple,
        "votes_count": sum(poll.counts),
        "voters_count": _voters_count(poll),
        "options": [
            {"title": title, "votes_count": None if hidden else count}
            for title, count in zip(poll.options, poll.counts, strict=False)
        ],
        "emojis": list(emojis),
    }
    if own_votes is not None:
        entity["voted"] = bool(own_votes) or is_author
        # The official Android app drops a poll without this list.
        entity["own_votes"] = list(own_votes)
    return entity


def _voters_count(poll: Poll) -> int | None:
    if poll.voters_count is not None:
        return poll.voters_count
    # With one choice each, votes and voters are the same number.
    return None if poll.multiple else sum(poll.counts)
