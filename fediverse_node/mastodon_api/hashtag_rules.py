"""Hashtags that moderators do not want to see used here.  spec: mastodon-client-api#Admin::Tag"""

from __future__ import annotations

from fediverse_node.mastodon_api.errors import invalid
from fediverse_node.mastodon_api.routing import Call
from fediverse_node.protocol.plain_text import extract_hashtags
from fediverse_node.storage.queries.admin_trends import UNUSABLE


async def check_hashtags(call: Call, text: str) -> None:
    """422 where a text has one of them."""
    names = extract_hashtags(text) if "#" in text or "\uff03" in text else ()
    rows = await call.context.database.fetch(UNUSABLE, names=[name.lower() for name in names]) if names else []
    if rows:
        listed = ", ".join(row["name"] for row in rows)
        raise invalid(f"Text contains the disallowed hashtag{'s' if len(rows) > 1 else ''}: {listed}")
