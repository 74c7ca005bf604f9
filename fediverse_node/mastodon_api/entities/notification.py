"""Notification and NotificationGroup: what a person was told.  spec: mastodon-client-api#Notification"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from fediverse_node.base.ids import SEQUENCE_BITS
from fediverse_node.mastodon_api.entities.moments import render_moment

# Our word for what happened -> the client API's.
TYPES: Mapping[str, str] = {
    "mention": "mention",
    "note": "status",
    "announce": "reblog",
    "follow": "follow",
    "follow_request": "follow_request",
    "like": "favourite",
    "poll": "poll",
    "update": "update",
    "report": "admin.report",
    "sign_up": "admin.sign_up",
    "moderation_warning": "moderation_warning",
    "quote": "quote",
    "quoted_update": "quoted_update",
    "added_to_collection": "added_to_collection",
    "collection_update": "collection_update",
    # GoToSocial's words: somebody wants to like or boost what has to be asked for.
    "like_request": "pending.favourite",
    "announce_request": "pending.reblog",
    # Pleroma's word, for apps that ask for it by name; others are told of a favourite: see `plainly`.
    "reaction": "pleroma:emoji_reaction",
}
OURS: Mapping[str, str] = {theirs: ours for ours, theirs in TYPES.items()}
GROUPED = frozenset(("favourite", "reblog", "follow", "admin.sign_up"))
_UNGROUPED = "ungrouped-"
Row = Mapping[str, Any]


def group_key(row: Row) -> str:
    """What notifications of one group have in common. The moment is left out: our groups are whole."""
    type_ = TYPES[row["type"]]
    if type_ not in GROUPED:
        return f"{_UNGROUPED}{row['id']}"
    return f"{type_}-{row['object_id']}" if row["object_id"] is not None else type_


def parse_group_key(key: str) -> tuple[str, int] | int | None:
    """(our type, object id or 0) of a group, the id of a single notification, or None."""
    if key.startswith(_UNGROUPED):
        number = key.removeprefix(_UNGROUPED)
        return int(number) if number.isascii() and number.isdigit() and len(number) < 20 else None
    type_, _, object_id = key.rpartition("-")
    if key in GROUPED:
        return OURS[key], 0
    if type_ in GROUPED and object_id.isascii() and object_id.isdigit() and len(object_id) < 20:
        return OURS[type_], int(object_id)
    return None


def plainly(rows: Iterable[Row]) -> list[Row]:
    """The rows for an app that knows no reactions: whoever reacted liked it."""
    return [{**row, "type": "like"} if row["type"] == "reaction" else row for row in rows]


def created_at(row: Row) -> str:
    """When it was told: its id holds the time."""
    return render_moment(row["id"] >> SEQUENCE_BITS)


def render_notification(row: Row) -> dict[str, Any]:
    """The entity without account and status, which are bytes already and are put in by the caller."""
    return {
        "id": str(row["id"]),
        "type": TYPES[row["type"]],
        "group_key": group_key(row),
        "created_at": created_at(row),
    }


def render_group(rows: Sequence[Row], count: int) -> dict[str, Any]:
    """NotificationGroup of the rows of a page that belong together, newest first."""
    newest, oldest = rows[0], rows[-1]
    sample = list(dict.fromkeys(str(row["from_actor_id"]) for row in rows))[:8]
    group: dict[str, Any] = {
        "group_key": group_key(newest),
        "notifications_count": count,
        "type": TYPES[newest["type"]],
        "most_recent_notification_id": str(newest["id"]),
        "page_min_id": str(oldest["id"]),
        "page_max_id": str(newest["id"]),
        "latest_page_notification_at": created_at(newest),
        "sample_account_ids": sample,
    }
    if newest["object_id"] is not None:
        group["status_id"] = str(newest["object_id"])
    return group
