"""Announcement: what whoever runs the server tells everybody.  spec: mastodon-client-api#Announcement"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fediverse_node.mastodon_api.entities.moments import render_moment, render_moment_or_none


@dataclass(frozen=True, slots=True)
class Spoken:
    """The text of an announcement as HTML, and what it speaks of, as entities."""

    content: str
    mentions: Sequence[Mapping[str, Any]]
    statuses: Sequence[Mapping[str, Any]]
    tags: Sequence[Mapping[str, Any]]
    emojis: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Reaction:
    """How many people answered with one emoji; `url` and `static_url` are of a custom one."""

    name: str
    count: int
    url: str | None = None
    static_url: str | None = None


def render_announcement(
    row: Mapping[str, Any],
    spoken: Spoken,
    reactions: Sequence[Reaction],
    *,
    is_read: bool | None = None,
    own: Collection[str] | None = None,
) -> dict[str, Any]:
    """The entity. `is_read` and `own` (names of the viewer's reactions) are None where everybody gets the same."""
    return {
        "id": str(row["id"]),
        "content": spoken.content,
        "starts_at": render_moment_or_none(row["starts_ms"]),
        "ends_at": render_moment_or_none(row["ends_ms"]),
        "all_day": bool(row["all_day"]),
        "published_at": render_moment(row["published_ms"]),
        "updated_at": render_moment(row["updated_ms"]),
        **({} if is_read is None else {"read": is_read}),
        "mentions": spoken.mentions,
        "statuses": spoken.statuses,
        "tags": spoken.tags,
        "emojis": spoken.emojis,
        "reactions": [render_reaction(each) | ({} if own is None else {"me": each.name in own}) for each in reactions],
    }


def render_reaction(reaction: Reaction) -> dict[str, Any]:
    """The entity, as everybody sees it.  spec: mastodon-client-api#Reaction"""
    entity: dict[str, Any] = {"name": reaction.name, "count": reaction.count}
    if reaction.url is not None:
        entity |= {"url": reaction.url, "static_url": reaction.static_url or reaction.url}
    return entity
