"""What a push message says: Mastodon's payload, cut to what a push service takes.  spec: mastodon-client-api#push"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from fediverse_node.protocol.html import to_plain_text
from fediverse_node.signatures.web_push import LARGEST_PLAIN_BYTES

# The client API's word for what happened -> a sentence; {name} did it.
_TITLES: Mapping[str, str] = {
    "mention": "{name} mentioned you",
    "status": "{name} just posted",
    "reblog": "{name} boosted your post",
    "favourite": "{name} liked your post",
    "follow": "{name} follows you now",
    "follow_request": "{name} would like to follow you",
    "poll": "A poll of {name} has ended",
    "update": "{name} edited a post",
    "quote": "{name} quoted your post",
    "quoted_update": "{name} edited a post that you quoted",
    "admin.sign_up": "{name} signed up",
    "admin.report": "{name} sent a report",
    "moderation_warning": "The moderators have sent you a warning",
    "severed_relationships": "You lost followers or people whom you follow",
    "added_to_collection": "{name} added you to a collection",
    "collection_update": "{name} changed a collection that you are in",
}
_OTHER = "{name}: something new"
_LONGEST_NAME = 60
_LONGEST_BODY = 140
_LONGEST_ICON = 500


def dump_payload(notification: Mapping[str, Any], *, access_token: str, locale: str) -> bytes:
    """The JSON of a notification entity, at most LARGEST_PLAIN_BYTES of it."""
    account, status = notification["account"], notification.get("status") or {}
    name = _cut(account["display_name"] or account["username"], _LONGEST_NAME)
    icon = str(account.get("avatar_static") or account.get("avatar") or "")
    payload = {
        "access_token": access_token,
        "preferred_locale": locale or "en",
        "notification_id": int(notification["id"]),  # Mastodon's app for iOS reads a number alone
        "notification_type": notification["type"],
        "icon": icon if len(icon) <= _LONGEST_ICON else "",
        "title": _TITLES.get(notification["type"], _OTHER).format_map({"name": name}),
        "body": _cut(_words(account, status), _LONGEST_BODY),
    }
    dumped = orjson.dumps(payload)
    return dumped if len(dumped) <= LARGEST_PLAIN_BYTES else orjson.dumps(payload | {"icon": "", "body": ""})


def _words(account: Mapping[str, Any], status: Mapping[str, Any]) -> str:
    # Who puts a warning before a post does not want it read on a locked screen.
    if status.get("spoiler_text"):
        return str(status["spoiler_text"])
    return to_plain_text(str(status.get("content") if status else account.get("note")) or "")


def _cut(text: str, length: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= length else line[: length - 1].rstrip() + "…"
