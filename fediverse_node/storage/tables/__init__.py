"""Every table, once, for both engines.

Conventions: `id` is a time-ordered 64-bit integer (base/ids.py); `*_ms` is milliseconds since the epoch;
JSON is text written by orjson and read whole, never queried into; `*_uri` is an ActivityPub id, `*_id` a
number of ours. Counters stand beside what they count and equal its recomputation.
"""

from __future__ import annotations

from fediverse_node.storage.tables.clients import (
    apps,
    authorization_codes,
    push_subscriptions,
    tokens,
)
from fediverse_node.storage.tables.columns import Id, metadata
from fediverse_node.storage.tables.people import (
    account_notes,
    actors,
    keys,
    sessions,
    sign_in_links,
    users,
)
from fediverse_node.storage.tables.reading import (
    conversations,
    featured_tags,
    filter_keywords,
    filter_objects,
    filters,
    followed_tags,
    home_entries,
    list_members,
    lists,
    markers,
    notifications,
)
from fediverse_node.storage.tables.relations import (
    blocks,
    bookmarks,
    follows,
    likes,
    mutes,
    pins,
    reports,
    thread_mutes,
)
from fediverse_node.storage.tables.said import (
    idempotency_keys,
    media,
    mentions,
    object_tags,
    objects,
    polls,
    revisions,
    scheduled,
    tags,
    tombstones,
    votes,
)
from fediverse_node.storage.tables.traffic import (
    custom_emojis,
    deliveries,
    domain_blocks,
    fetches,
    hosts,
    inbox_staging,
    payloads,
    seen_signatures,
    settings,
)

__all__ = [
    "Id",
    "account_notes",
    "actors",
    "apps",
    "authorization_codes",
    "blocks",
    "bookmarks",
    "conversations",
    "custom_emojis",
    "deliveries",
    "domain_blocks",
    "featured_tags",
    "fetches",
    "filter_keywords",
    "filter_objects",
    "filters",
    "followed_tags",
    "follows",
    "home_entries",
    "hosts",
    "idempotency_keys",
    "inbox_staging",
    "keys",
    "likes",
    "list_members",
    "lists",
    "markers",
    "media",
    "mentions",
    "metadata",
    "mutes",
    "notifications",
    "object_tags",
    "objects",
    "payloads",
    "pins",
    "polls",
    "push_subscriptions",
    "reports",
    "revisions",
    "scheduled",
    "seen_signatures",
    "sessions",
    "settings",
    "sign_in_links",
    "tags",
    "thread_mutes",
    "tokens",
    "tombstones",
    "users",
    "votes",
]
