"""Relationship: what is between the viewer and an account.  spec: mastodon-client-api#Relationship"""

from __future__ import annotations

from typing import Any

from fediverse_node.mastodon_api.entities.moments import render_moment_or_none
from fediverse_node.storage.queries.relationships import Relation
from fediverse_node.storage.rows import languages_of


def render_relationship(id_: int, relation: Relation) -> dict[str, Any]:
    """The entity; `id_` is the other account's."""
    follow, mute = relation.follow, relation.mute
    following = follow is not None and bool(follow["accepted"])
    languages = languages_of(follow["languages"]) if follow is not None else ()
    return {
        "id": str(id_),
        "following": following,
        "showing_reblogs": follow is not None and bool(follow["show_announces"]),
        "notifying": follow is not None and bool(follow["notify"]),
        "languages": list(languages) or None,
        "followed_by": relation.followed_by,
        "blocking": relation.blocking,
        "blocked_by": relation.blocked_by,
        "muting": mute is not None,
        "muting_notifications": mute is not None and bool(mute["notifications"]),
        "muting_expires_at": render_moment_or_none(mute["expires_ms"]) if mute is not None else None,
        "requested": follow is not None and not following,
        "requested_by": relation.requested_by,
        "domain_blocking": relation.keeping_away,
        "endorsed": relation.endorsing,
        "note": relation.note,
    }
