"""Collection: people whom somebody recommends.  spec: mastodon-client-api#Collection"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

from fediverse_node.domain.names import Names
from fediverse_node.mastodon_api.entities.moments import render_moment

Row = Mapping[str, Any]


def render_collection(row: Row, items: Sequence[Row], names: Names) -> dict[str, Any]:
    """The entity of a row of `featured_collections` with its owner, and of those of its items that may be seen."""
    return {
        "id": str(row["id"]),
        "account_id": str(row["actor_id"]),
        "uri": names.featured_collection(row["owner_uri"], row["id"]),
        "url": names.collection_page(row["id"]),
        "name": row["name"],
        # HTML there, and what people typed is none.
        "description": html.escape(row["description"], quote=False),
        "language": row["language"],
        "local": True,
        "sensitive": bool(row["sensitive"]),
        "discoverable": bool(row["discoverable"]),
        "tag": None if not row["tag"] else {"name": row["tag"], "url": names.hashtag_page(row["tag"].lower())},
        "created_at": render_moment(row["created_ms"]),
        "updated_at": render_moment(row["updated_ms"]),
        "item_count": len(items),
        "items": [render_item(item) for item in items],
    }


def render_item(item: Row) -> dict[str, Any]:
    """CollectionItem: everybody in it has agreed, so none ever waits."""
    return {
        "id": str(item["id"]),
        "account_id": str(item["actor_id"]),
        "state": "accepted",
        "created_at": render_moment(item["created_ms"]),
    }
