"""Account: an actor as apps see it.  spec: mastodon-client-api#Account"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from fediverse_node.mastodon_api.context import Context
from fediverse_node.mastodon_api.entities.moments import render_day, render_midnight

DEFAULT_AVATAR = "/avatars/original/missing.png"
DEFAULT_HEADER = "/headers/original/missing.png"
_MOST_CACHED = 20_000
_STAFF_ROLES = {
    "owner": {"id": "3", "name": "Owner", "color": "#6d28d9"},
    "admin": {"id": "2", "name": "Admin", "color": "#1d4ed8"},
    "moderator": {"id": "1", "name": "Moderator", "color": "#047857"},
}


def render_account(row: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """The entity of a row of `storage.queries.accounts.load_accounts`."""
    account = _profile(row, context) if row["suspended_ms"] is None else _suspended(row, context)
    moved = row["moved"]
    if moved is not None and row["suspended_ms"] is None:
        account["moved"] = render_account(moved, context)
    return account


def render_account_json(row: Mapping[str, Any], context: Context) -> bytes:
    """The same as JSON, remembered until the actor's version changes: it stands in every status."""
    if row["moved"] is not None:
        return orjson.dumps(render_account(row, context))
    key, remembered = (row["id"], row["version"], row["role"]), context.account_json
    found = remembered.get(key)
    if found is None:
        if len(remembered) >= _MOST_CACHED:
            remembered.clear()
        found = remembered[key] = orjson.dumps(render_account(row, context))
    return found


def acct_of(row: Mapping[str, Any]) -> str:
    """`alice` for ours, `alice@host` for others."""
    return str(row["username"]) if row["local"] else f"{row['username']}@{row['host']}"


def image_url(row: Mapping[str, Any], column: str, context: Context) -> str | None:
    """Where the picture in `icon_url` or `image_url` is; None when there is none."""
    stored = row[column]
    if not stored or not _takes_pictures_of(row, context):
        return None
    return context.world.names.media(stored) if row["local"] else str(stored)


def _takes_pictures_of(row: Mapping[str, Any], context: Context) -> bool:
    return bool(row["local"]) or not context.writer.domains.rejects_media(row["host"])


def _profile(row: Mapping[str, Any], context: Context) -> dict[str, Any]:
    base_url = context.config.base_url
    avatar = image_url(row, "icon_url", context) or base_url + DEFAULT_AVATAR
    header = image_url(row, "image_url", context) or base_url + DEFAULT_HEADER
    return _common(row, context) | {
        "display_name": row["name"],
        "note": row["summary"],
        "avatar": avatar,
        "avatar_static": avatar,
        "avatar_description": row["icon_description"],
        "header": header,
        "header_static": header,
        "header_description": row["image_description"],
        "fields": render_fields(row["fields"]),
        "emojis": render_emojis(row["emojis"] if _takes_pictures_of(row, context) else "[]"),
        "roles": [_STAFF_ROLES[row["role"]]] if row["local"] and row["role"] in _STAFF_ROLES else [],
    }


def _suspended(row: Mapping[str, Any], context: Context) -> dict[str, Any]:
    base_url = context.config.base_url
    return _common(row, context) | {
        "display_name": "",
        "note": "",
        "avatar": base_url + DEFAULT_AVATAR,
        "avatar_static": base_url + DEFAULT_AVATAR,
        "avatar_description": "",
        "header": base_url + DEFAULT_HEADER,
        "header_static": base_url + DEFAULT_HEADER,
        "header_description": "",
        "fields": [],
        "emojis": [],
        "roles": [],
        "suspended": True,
    }


def _common(row: Mapping[str, Any], context: Context) -> dict[str, Any]:
    local = bool(row["local"])
    names = context.world.names
    account: dict[str, Any] = {
        "id": str(row["id"]),
        "username": row["username"],
        "acct": acct_of(row),
        "url": names.profile_page(row["username"]) if local else row["url"] or row["uri"],
        "uri": row["uri"],
        "locked": bool(row["locked"]),
        "bot": row["type"] in ("Service", "Application"),
        "group": row["type"] == "Group",
        "discoverable": _maybe(row["discoverable"]),
        "indexable": bool(row["indexable"]),
        "created_at": render_midnight(row["created_ms"]),
        "last_status_at": None if row["last_status_ms"] is None else render_day(row["last_status_ms"]),
        "statuses_count": row["statuses_count"],
        "followers_count": row["followers_count"],
        "following_count": row["following_count"],
        "hide_collections": _maybe(row["hide_collections"]),
        "show_media": True,
        "show_media_replies": True,
        "show_featured": True,
        "feature_approval": _feature_approval(row),
    }
    if row["memorial"]:
        account["memorial"] = True
    if row["silenced_ms"] is not None:
        account["limited"] = True
    return account


def _feature_approval(row: Mapping[str, Any]) -> dict[str, Any]:
    """Who may put the account in a collection: of those who live here, those who let themselves be found.

    Nothing is known so far of what others state elsewhere.
    """
    if not row["local"]:
        return {"automatic": [], "manual": [], "current_user": "missing"}
    is_willing = bool(row["discoverable"]) and row["suspended_ms"] is None
    return {
        "automatic": ["public"] if is_willing else [],
        "manual": [],
        "current_user": "automatic" if is_willing else "denied",
    }


def render_fields(stored: str) -> list[dict[str, Any]]:
    """The rows of a profile's table; values are HTML."""
    if stored == "[]":
        return []
    return [
        {"name": field["name"], "value": field["value"], "verified_at": field.get("verified_at")}
        for field in orjson.loads(stored)
    ]


def render_emojis(stored: str) -> list[dict[str, Any]]:
    """CustomEmoji of a column of JSON `[{shortcode, url, static_url}]`."""
    if stored == "[]":
        return []
    return [
        {
            "shortcode": emoji["shortcode"],
            "url": emoji["url"],
            "static_url": emoji.get("static_url") or emoji["url"],
            "visible_in_picker": False,
            "category": None,
        }
        for emoji in orjson.loads(stored)
    ]


def _maybe(value: Any) -> bool | None:
    return None if value is None else bool(value)
