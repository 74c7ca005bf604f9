"""StatusEdit: one version of a status.  spec: mastodon-client-api#StatusEdit"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from fediverse_node.domain.names import Names
from fediverse_node.mastodon_api.entities.attachment import render_attachment
from fediverse_node.mastodon_api.entities.moments import render_moment
from fediverse_node.mastodon_api.entities.status import emojis_of


def render_status_edit(
    row: Mapping[str, Any], account: Mapping[str, Any], names: Names, *, created_ms: int, options: str | None
) -> dict[str, Any]:
    """A revision, or what the object says now. `options`: the poll's, as JSON text, if there was one."""
    entity: dict[str, Any] = {
        "content": row["content"],
        "spoiler_text": row["summary"],
        "sensitive": bool(row["sensitive"]),
        "created_at": render_moment(created_ms),
        "account": account,
        "media_attachments": [render_attachment(item, names) for item in orjson.loads(row["attachments"])],
        "emojis": emojis_of(orjson.loads(row["parts"])),
        "quote": None,
    }
    if options is not None:
        entity["poll"] = {"options": [{"title": title} for title in orjson.loads(options)]}
    return entity
