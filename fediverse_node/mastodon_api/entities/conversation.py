"""Conversation: a private exchange as one person lists it.  spec: mastodon-client-api#Conversation"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson


def render_conversation(row: Any, accounts: Sequence[bytes], last_status: bytes | None) -> bytes:
    """The entity as JSON; accounts and status are JSON already."""
    entity = {
        "id": str(row["id"]),
        "unread": bool(row["unread"]),
        "accounts": orjson.Fragment(b"[" + b",".join(accounts) + b"]"),
        "last_status": None if last_status is None else orjson.Fragment(last_status),
    }
    return orjson.dumps(entity)
