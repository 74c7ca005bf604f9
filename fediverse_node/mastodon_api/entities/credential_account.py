"""CredentialAccount: an account as its owner sees it.  spec: mastodon-client-api#CredentialAccount"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from fediverse_node.mastodon_api.context import Context
from fediverse_node.mastodon_api.entities.account import render_account
from fediverse_node.mastodon_api.entities.role import render_role
from fediverse_node.protocol.html import to_plain_text

DEFAULT_SETTINGS: dict[str, Any] = {
    "default_visibility": "public",
    "default_sensitive": False,
    "default_language": None,
    "expand_media": "default",
    "expand_spoilers": False,
    "quote_policy": "public",
}


def settings_of(stored: str) -> dict[str, Any]:
    """A user's settings with what they have not chosen."""
    return {**DEFAULT_SETTINGS, **orjson.loads(stored)}


def render_credential_account(
    row: Mapping[str, Any], settings: Mapping[str, Any], context: Context, *, requests_count: int
) -> dict[str, Any]:
    """The entity of an account's row and its user's settings."""
    account = render_account(row, context)
    fields = settings.get("fields_source")
    note = settings.get("note_source")
    account["source"] = {
        "attribution_domains": [],
        "privacy": settings["default_visibility"],
        "sensitive": settings["default_sensitive"],
        "language": settings["default_language"] or "",
        "note": to_plain_text(row["summary"]) if note is None else note,
        "fields": _with_verified(fields, account["fields"]) if fields is not None else account["fields"],
        "follow_requests_count": requests_count,
        "hide_collections": account["hide_collections"],
        "discoverable": account["discoverable"],
        "indexable": account["indexable"],
        "quote_policy": settings["quote_policy"],
    }
    account["role"] = render_role(row["role"])
    return account


def _with_verified(fields: list[dict[str, str]], shown: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {**field, "verified_at": shown[position]["verified_at"] if position < len(shown) else None}
        for position, field in enumerate(fields)
    ]
