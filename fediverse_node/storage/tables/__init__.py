"""Every table, once, for both engines.

Conventions: `id` is a time-ordered 64-bit integer (base/ids.py); `*_ms` is milliseconds since the epoch;
JSON is text written by orjson and read whole, never queried into; `*_uri` is an ActivityPub id, `*_id` a
number of ours. Counters stand beside what they count and equal its recomputation.
"""

from __future__ import annotations

from fediverse_node.storage.tables.acquaintance import dismissed_suggestions, endorsements
from fediverse_node.storage.tables.announcements import announcement_reactions, announcement_reads, announcements
from fediverse_node.storage.tables.annual_reports import annual_reports
from fediverse_node.storage.tables.approvals import interaction_requests, quotes
from fediverse_node.storage.tables.client_to_server import link_previews, object_previews, submissions
from fediverse_node.storage.tables.clients import (
    apps,
    authorization_codes,
    push_messages,
    push_subscriptions,
    tokens,
)
from fediverse_node.storage.tables.columns import Id, metadata
from fediverse_node.storage.tables.domains import (
    domain_allows,
    domain_blocks,
    domain_lists,
    host_marks,
    severances,
    severed_follows,
    user_domain_blocks,
)
from fediverse_node.storage.tables.errands import errands
from fediverse_node.storage.tables.groups import (
    group_bans,
    group_moderators,
    group_posts,
    groups,
    relays,
    told_votes,
)
from fediverse_node.storage.tables.mailing import mail_links, mails
from fediverse_node.storage.tables.moderation import (
    account_warnings,
    admin_actions,
    canonical_email_blocks,
    email_domain_blocks,
    email_domain_tries,
    ip_blocks,
    tag_reviews,
    trend_reviews,
    user_addresses,
    user_days,
)
from fediverse_node.storage.tables.people import (
    account_notes,
    actors,
    keys,
    sessions,
    sign_in_links,
    users,
)
from fediverse_node.storage.tables.reactions import reactions
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
from fediverse_node.storage.tables.recommending import (
    featured_collections,
    featured_items,
    featured_notices,
    invites,
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
from fediverse_node.storage.tables.searching import object_words
from fediverse_node.storage.tables.second_factors import authenticators, half_sign_ins, recovery_codes
from fediverse_node.storage.tables.threads import thread_gaps, thread_sources, thread_walks
from fediverse_node.storage.tables.traffic import (
    custom_emojis,
    deliveries,
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
    "account_warnings",
    "actors",
    "admin_actions",
    "announcement_reactions",
    "announcement_reads",
    "announcements",
    "annual_reports",
    "apps",
    "authenticators",
    "authorization_codes",
    "blocks",
    "bookmarks",
    "canonical_email_blocks",
    "conversations",
    "custom_emojis",
    "deliveries",
    "dismissed_suggestions",
    "domain_allows",
    "domain_blocks",
    "domain_lists",
    "email_domain_blocks",
    "email_domain_tries",
    "endorsements",
    "errands",
    "featured_collections",
    "featured_items",
    "featured_notices",
    "featured_tags",
    "fetches",
    "filter_keywords",
    "filter_objects",
    "filters",
    "followed_tags",
    "follows",
    "group_bans",
    "group_moderators",
    "group_posts",
    "groups",
    "half_sign_ins",
    "home_entries",
    "host_marks",
    "hosts",
    "idempotency_keys",
    "inbox_staging",
    "interaction_requests",
    "invites",
    "ip_blocks",
    "keys",
    "likes",
    "link_previews",
    "list_members",
    "lists",
    "mail_links",
    "mails",
    "markers",
    "media",
    "mentions",
    "metadata",
    "mutes",
    "notifications",
    "object_previews",
    "object_tags",
    "object_words",
    "objects",
    "payloads",
    "pins",
    "polls",
    "push_messages",
    "push_subscriptions",
    "quotes",
    "reactions",
    "recovery_codes",
    "relays",
    "reports",
    "revisions",
    "scheduled",
    "seen_signatures",
    "sessions",
    "settings",
    "severances",
    "severed_follows",
    "sign_in_links",
    "submissions",
    "tag_reviews",
    "tags",
    "thread_gaps",
    "thread_mutes",
    "thread_sources",
    "thread_walks",
    "tokens",
    "told_votes",
    "tombstones",
    "trend_reviews",
    "user_addresses",
    "user_days",
    "user_domain_blocks",
    "users",
    "votes",
]
