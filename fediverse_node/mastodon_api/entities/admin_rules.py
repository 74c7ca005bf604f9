"""What moderators keep out or let in: domains, addresses, mailboxes.

spec: mastodon-client-api#Admin::DomainBlock, #Admin::DomainAllow, #Admin::EmailDomainBlock, #Admin::IpBlock,
#Admin::CanonicalEmailBlock
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from fediverse_node.mastodon_api.entities.moments import render_moment, render_moment_or_none
from fediverse_node.mastodon_api.entities.tag import DAY_MS, HISTORY_DAYS

Row = Mapping[str, Any]


def render_domain_block(row: Row) -> dict[str, Any]:
    """The entity of a row of `domain_blocks` that has a number."""
    return {
        "id": str(row["number"]),
        "domain": row["host"],
        "digest": hashlib.sha256(row["host"].encode()).hexdigest(),
        "created_at": render_moment(row["created_ms"]),
        "severity": row["severity"],
        "reject_media": bool(row["reject_media"]),
        "reject_reports": bool(row["reject_reports"]),
        "private_comment": row["private_comment"] or None,
        "public_comment": row["public_comment"] or None,
        "obfuscate": bool(row["obfuscate"]),
    }


def render_domain_allow(row: Row) -> dict[str, Any]:
    """The entity of a row of `domain_allows` that has a number."""
    return {"id": str(row["number"]), "domain": row["host"], "created_at": render_moment(row["created_ms"])}


def render_email_domain_block(row: Row, tries: Mapping[int, tuple[int, int]], now_ms: int) -> dict[str, Any]:
    """The entity. `tries`: (addresses, tries) by day since the epoch."""
    today = now_ms // DAY_MS
    days = [(day, *tries.get(day, (0, 0))) for day in range(today, today - HISTORY_DAYS, -1)]
    return {
        "id": str(row["id"]),
        "domain": row["domain"],
        "created_at": render_moment(row["created_ms"]),
        "history": [
            {"day": str(day * DAY_MS // 1000), "accounts": str(addresses), "uses": str(uses)}
            for day, addresses, uses in days
        ],
        "allow_with_approval": bool(row["allow_with_approval"]),
    }


def render_ip_block(row: Row) -> dict[str, Any]:
    """The entity of a row of `ip_blocks`."""
    return {
        "id": str(row["id"]),
        "ip": row["network"],
        "severity": row["severity"],
        "comment": row["comment"],
        "created_at": render_moment(row["created_ms"]),
        "expires_at": render_moment_or_none(row["expires_ms"]),
    }


def render_canonical_email_block(row: Row) -> dict[str, Any]:
    """The entity of a row of `canonical_email_blocks`."""
    return {"id": str(row["id"]), "canonical_email_hash": row["hash"]}
