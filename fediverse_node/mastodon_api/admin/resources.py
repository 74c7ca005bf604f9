"""All methods of the room, for mastodon_api/routes.py."""

from __future__ import annotations

from fediverse_node.mastodon_api.admin import (
    account_actions,
    accounts,
    canonical_email_blocks,
    dimensions,
    domain_allows,
    domain_blocks,
    email_domain_blocks,
    ip_blocks,
    measures,
    reports,
    retention,
    tags,
    trends,
)
from fediverse_node.mastodon_api.routing import Routes

ADMIN_RESOURCES: tuple[Routes, ...] = (
    accounts.routes,
    account_actions.routes,
    canonical_email_blocks.routes,
    dimensions.routes,
    domain_allows.routes,
    domain_blocks.routes,
    email_domain_blocks.routes,
    ip_blocks.routes,
    measures.routes,
    reports.routes,
    retention.routes,
    tags.routes,
    trends.routes,
)
