"""All checks, in the order in which they are made: what can be read first, what breaks things last."""

from __future__ import annotations

from fediverse_node.lab.conformance.case import CaseCheck
from fediverse_node.lab.conformance.checks import (
    accepted,
    actor,
    bounds,
    collections,
    delivery,
    documents,
    errors,
    fetching,
    forged_cavage,
    forged_rfc9421,
    identity,
    keys,
    nodeinfo,
    objects,
    others,
    webfinger,
)

# What stands before the dot of a check's id, and what it is called in a report.
SECTIONS = {
    "webfinger": "WebFinger",
    "nodeinfo": "NodeInfo and host-meta",
    "actor": "Actor",
    "keys": "Keys",
    "outbox": "Outbox",
    "followers": "Followers",
    "following": "Following",
    "featured": "Featured posts",
    "objects": "Posts",
    "errors": "Nonsense",
    "fetching": "Signed GETs",
    "taken": "Honest requests",
    "forged": "Forged signatures (draft-cavage)",
    "forged9421": "Forged signatures (RFC 9421)",
    "identity": "Who may speak for whom",
    "documents": "Bodies",
    "others": "What belongs to others",
    "bounds": "Work without end",
    "delivery": "What it sends and fetches",
}

CHECKS: tuple[CaseCheck, ...] = tuple(
    check
    for module in (
        webfinger,
        nodeinfo,
        actor,
        keys,
        collections,
        objects,
        errors,
        fetching,
        accepted,
        forged_cavage,
        forged_rfc9421,
        identity,
        others,
        documents,
        bounds,
        delivery,
    )
    for check in module.SECTION.checks
)
