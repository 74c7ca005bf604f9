"""Role: what somebody may do here, in full and as the badge that everybody sees.  spec: mastodon-client-api#Role"""

from __future__ import annotations

from typing import Any

from fediverse_node.domain.recommending import MOST_COLLECTIONS
from fediverse_node.domain.roles import role_of


def render_role(word: str | None) -> dict[str, Any]:
    """The entity of what stands in `users.role`."""
    role = role_of(word)
    return {
        "id": str(role.number),
        "name": role.name,
        "color": role.color,
        "permissions": str(int(role.permissions)),
        "highlighted": role.is_staff,
        "collection_limit": MOST_COLLECTIONS,
    }
