"""Status: an object as apps see it, without what depends on who looks.  spec: mastodon-client-api#Status

The account, the poll, the quote and the viewer's flags are put in by `mastodon_api/fragments.py`, which keeps the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from fediverse_node.domain.model import Visibility, visibility_of
from fediverse_node.domain.names import Names
from fediverse_node.mastodon_api.entities.account import render_emojis
from fediverse_node.mastodon_api.entities.attachment import render_attachment
from fediverse_node.mastodon_api.entities.moments import render_moment, render_moment_or_none
from fediverse_node.mastodon_api.entities.quote import render_policy, restricts
from fediverse_node.mastodon_api.entities.tag import render_tag_link
from fediverse_node.protocol import html
from fediverse_node.storage.rows import APPROVAL_CODES, policy_of

Row = Mapping[str, Any]
_APPROVALS = {code: approval.value for approval, code in APPROVAL_CODES.items()}
_NAMES = {
    Visibility.PUBLIC: "public",
    Visibility.UNLISTED: "unlisted",
    Visibility.FOLLOWERS: "private",
    Visibility.DIRECT: "direct",
}
VISIBILITIES = {name: visibility for visibility, name in _NAMES.items()}


def visibility_name(visibility: Visibility) -> str:
    """The client API's word for a visibility."""
    return _NAMES[visibility]


def render_status(row: Row, names: Names) -> dict[str, Any]:
    """What everybody who may see an object (not an Announce) is shown alike; a row of `RENDERED`."""
    parts = orjson.loads(row["parts"])
    entity = _frame(row, names) | {
        "in_reply_to_id": _id_or_none(row["in_reply_to_id"]),
        "in_reply_to_account_id": _id_or_none(row["in_reply_to_actor_id"]),
        "sensitive": bool(row["sensitive"]) or row["sensitized_ms"] is not None,
        "spoiler_text": row["summary"],
        "language": row["language"],
        "replies_count": row["replies_count"],
        "reblogs_count": row["announces_count"],
        "favourites_count": row["likes_count"],
        "edited_at": render_moment_or_none(row["edited_ms"]),
        # Of a long article what leads to it, as its own server or its beginning says.
        "content": parts.get("preview") or row["content"],
        "media_attachments": [render_attachment(item, names) for item in orjson.loads(row["attachments"])],
        "mentions": [render_mention(mention) for mention in parts.get("mentions", ())],
        "tags": [render_tag_link(name, names) for name in parts.get("tags", ())],
        "emojis": emojis_of(parts),
    }
    if row["options"] is None:
        entity["poll"] = None
    if parts.get("groups"):
        # Of our own: the groups that it was written in, as accounts like those in `mentions`.
        entity["groups"] = [render_mention(group) for group in parts["groups"]]
    policy = policy_of(row["policy"])
    if policy is not None and restricts(policy):
        entity["interaction_policy"] = render_policy(policy)
    if policy is not None and policy.held:
        # Of our own: why nobody else sees an answer (yet). Apps that do not know it show a private post.
        entity["approval"] = _APPROVALS.get(row["request_state"], "pending")
    return entity


def render_reblog(row: Row, names: Names) -> dict[str, Any]:
    """The frame around what is passed on: it says who and when, the words are those of the `reblog` in it."""
    return _frame(row, names) | {
        "in_reply_to_id": None,
        "in_reply_to_account_id": None,
        "sensitive": False,
        "spoiler_text": "",
        "language": row["language"],
        "replies_count": 0,
        "reblogs_count": 0,
        "favourites_count": 0,
        "edited_at": None,
        "content": "",
        "media_attachments": [],
        "mentions": [],
        "tags": [],
        "emojis": [],
        "poll": None,
        "quote": None,
        "quote_approval": {"automatic": [], "manual": [], "current_user": "denied"},
    }


def _frame(row: Row, names: Names) -> dict[str, Any]:
    local = bool(row["local"])
    return {
        "id": str(row["id"]),
        "uri": row["uri"],
        "url": names.object_page(row["username"], row["id"]) if local else row["url"] or row["uri"],
        "created_at": render_moment(row["published_ms"]),
        "visibility": visibility_name(visibility_of(row["visibility"])),
        "quotes_count": row["quotes_count"],
        "card": None,
        "tagged_collections": [],
    }


def render_mention(mention: Mapping[str, Any]) -> dict[str, Any]:
    """Somebody named in a text."""
    return {
        "id": str(mention["id"]),
        "username": mention["username"],
        "url": mention["url"],
        "acct": mention["acct"],
    }


def emojis_of(parts: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The custom emoji of a text."""
    emojis = parts.get("emojis")
    return render_emojis(orjson.dumps(emojis).decode()) if emojis else []


def render_source(row: Row) -> dict[str, Any]:
    """StatusSource: what the author typed."""
    return {"id": str(row["id"]), "text": source_of(row), "spoiler_text": row["summary"]}


def source_of(row: Row) -> str:
    """What the author typed; of remote objects the text they show."""
    source = row["source"] or html.to_plain_text(row["content"])
    return str(source)


def searchable_text(row: Row) -> str:
    """All the words of an object, for filters: content warning, text, poll options, descriptions of files."""
    words = [row["summary"], html.to_plain_text(row["content"])]
    if row["options"] is not None:
        words += orjson.loads(row["options"])
    words += [item.get("description") or "" for item in orjson.loads(row["attachments"])]
    return "\n\n".join(word for word in words if word)


def _id_or_none(id_: int | None) -> str | None:
    return None if id_ is None else str(id_)
