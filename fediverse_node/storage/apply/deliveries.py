"""What has to leave: one row an inbox, written together with what causes it.  spec: ap#delivery"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import BigInteger, bindparam, case, func, select

from fediverse_node.domain.effects import Deliver, FetchLater
from fediverse_node.domain.facts import Facts
from fediverse_node.protocol.uris import host_of
from fediverse_node.storage.events import Applied
from fediverse_node.storage.statement import Statement, one_of
from fediverse_node.storage.tables import actors, deliveries, fetches, follows, payloads
from fediverse_node.storage.unit import Fetch, Insert, Unit

WAITING, DELIVERED, GIVEN_UP, REFUSED = 0, 1, 2, 3

BEST_INBOX = case((func.coalesce(actors.c.shared_inbox, "") != "", actors.c.shared_inbox), else_=actors.c.inbox).label(
    "best_inbox"
)
REACHABLE = (actors.c.local.is_(False), actors.c.suspended_ms.is_(None), actors.c.deleted_ms.is_(None))
_INBOXES_OF = Statement(select(actors.c.id, actors.c.inbox, BEST_INBOX).where(one_of(actors.c.id, "ids"), *REACHABLE))
_FOLLOWERS_INBOXES = Statement(
    select(BEST_INBOX)
    .distinct()
    .select_from(follows.join(actors, actors.c.id == follows.c.follower_id))
    .where(follows.c.followed_id == bindparam("author", type_=BigInteger()), follows.c.accepted, *REACHABLE)
)


def deliver(effects: Sequence[Deliver], facts: Facts, applied: Applied) -> Unit[None]:
    """Store each activity once and a waiting delivery for each inbox it goes to."""
    payload_rows: list[Mapping[str, Any]] = []
    delivery_rows: list[Mapping[str, Any]] = []
    for effect in effects:
        payload_id = facts.world.ids.next()
        payload_rows.append(
            {
                "id": payload_id,
                "uri": effect.uri,
                "actor_id": effect.signer_id,
                "type": effect.type,
                "object_id": effect.object_id,
                "body": effect.body if effect.body is not None else orjson.dumps(effect.document),
            }
        )
        for inbox in (yield from _inboxes(effect, facts)):
            host = host_of(inbox)
            if host is None or facts.domains.is_suspended(host) or host == effect.except_host:
                continue
            if facts.world.names.is_ours(inbox):  # somebody claims that we are their server
                continue
            delivery_rows.append(
                {
                    "id": facts.world.ids.next(),
                    "payload_id": payload_id,
                    "inbox": inbox,
                    "host": host,
                    "state": WAITING,
                    "due_ms": facts.now_ms(),
                }
            )
    if payload_rows:
        yield Insert(payloads, payload_rows)
    if delivery_rows:
        yield Insert(deliveries, delivery_rows)
        applied.delivers = True


def _inboxes(effect: Deliver, facts: Facts) -> Unit[list[str]]:
    found: dict[str, None] = {}
    unknown: list[int] = []
    for actor_id in effect.to_actor_ids:
        actor = facts.actors_by_id.get(actor_id)
        if actor is None:
            unknown.append(actor_id)
        elif not actor.local and not actor.suspended and not actor.deleted:
            found[actor.inbox if actor_id in effect.personal_ids else actor.best_inbox] = None
    if unknown:
        for row in (yield Fetch(_INBOXES_OF, {"ids": unknown})):
            found[row["inbox"] if row["id"] in effect.personal_ids else row["best_inbox"]] = None
    if effect.followers_of is not None:
        for row in (yield Fetch(_FOLLOWERS_INBOXES, {"author": effect.followers_of})):
            found[row["best_inbox"]] = None
    return [inbox for inbox in (*found, *(each for each in effect.inboxes if each not in found)) if inbox]


def fetch_later(effects: Sequence[FetchLater], facts: Facts, applied: Applied) -> Unit[None]:
    """Remember what to get from the network; the same thing once."""
    rows = [
        {
            "id": facts.world.ids.next(),
            "uri": f.uri,
            "kind": f.kind,
            "host": host_of(f.uri) or "",
            "depth": f.depth,
            "due_ms": facts.now_ms(),
        }
        for f in effects
    ]
    if rows:
        yield Insert(fetches, rows)
        applied.fetches = True
