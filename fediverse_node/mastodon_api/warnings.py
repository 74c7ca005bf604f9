"""AccountWarning: what moderators told somebody.  spec: mastodon-client-api#AccountWarning

Nobody can appeal here yet: whoever wants to writes to the contact of the server.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from fediverse_node.mastodon_api.context import Context
from fediverse_node.mastodon_api.entities.account import render_account
from fediverse_node.mastodon_api.entities.moments import render_moment
from fediverse_node.storage.queries.accounts import load_accounts
from fediverse_node.storage.queries.moderation import WARNINGS


async def load_warnings(context: Context, rows: Iterable[Mapping[str, Any]]) -> dict[int, dict[str, Any]]:
    """`{"moderation_warning": ...}` by the id of the notification, which is that of the warning, too."""
    ids = [row["id"] for row in rows if row["type"] == "moderation_warning"]
    if not ids:
        return {}
    warnings = await context.database.fetch(WARNINGS, ids=ids)
    accounts = await load_accounts(context.database, (row["actor_id"] for row in warnings))
    return {
        row["id"]: {
            "moderation_warning": {
                "id": str(row["id"]),
                "action": row["action"],
                "text": row["text"],
                "status_ids": [str(id_) for id_ in orjson.loads(row["object_ids"])] or None,
                "target_account": render_account(accounts[row["actor_id"]], context),
                "appeal": None,
                "created_at": render_moment(row["created_ms"]),
            }
        }
        for row in warnings
        if row["actor_id"] in accounts
    }
