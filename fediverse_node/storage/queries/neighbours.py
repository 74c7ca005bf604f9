"""Servers with which people here have to do, and what they say of themselves."""

from __future__ import annotations

from sqlalchemy import BigInteger, Integer, bindparam, or_, select, union

from fediverse_node.storage.statement import Statement, upsert
from fediverse_node.storage.tables import actors, follows, hosts
from fediverse_node.storage.unit import Run, Unit

_met = union(
    select(actors.c.host).join(follows, follows.c.followed_id == actors.c.id).where(actors.c.local.is_(False)),
    select(actors.c.host).join(follows, follows.c.follower_id == actors.c.id).where(actors.c.local.is_(False)),
).subquery("met")
# Those that were not asked since `before_ms`, never asked ones first. Reads all follows: for the patient connection.
UNASKED = Statement(
    select(_met.c.host)
    .select_from(_met.outerjoin(hosts, hosts.c.host == _met.c.host))
    .where(or_(hosts.c.looked_ms.is_(None), hosts.c.looked_ms < bindparam("before_ms", type_=BigInteger())))
    .order_by(hosts.c.looked_ms.is_not(None), hosts.c.looked_ms, _met.c.host)
    .limit(bindparam("most", type_=Integer()))
)
_NOTE = upsert(hosts, ("host", "software", "software_version", "application_uri", "looked_ms", "seen_ms"), ("host",))
_NOTE_SILENT = upsert(hosts, ("host", "looked_ms"), ("host",))


def note_said(
    host: str, *, software: str, software_version: str, application_uri: str | None, now_ms: int
) -> Unit[None]:
    """What a server says it is."""
    row = {
        "host": host,
        "software": software,
        "software_version": software_version,
        "application_uri": application_uri,
        "looked_ms": now_ms,
        "seen_ms": now_ms,
    }
    yield Run(_NOTE, [row])


def note_silent(host: str, looked_ms: int) -> Unit[None]:
    """It did not say; what it said before stays."""
    yield Run(_NOTE_SILENT, [{"host": host, "looked_ms": looked_ms}])
