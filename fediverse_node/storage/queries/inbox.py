"""What the inbox keeps between requests: keys, used signatures, what waits for the network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import BigInteger, SmallInteger, Text, bindparam, delete, func, not_, select, update

from fediverse_node.storage.statement import Statement, one_of
from fediverse_node.storage.tables import (
    actors,
    domain_blocks,
    fetches,
    follows,
    inbox_staging,
    keys,
    objects,
    seen_signatures,
)
from fediverse_node.storage.unit import Fetch, Insert, Run, Unit

KEY = Statement(
    select(
        keys.c.public,
        keys.c.for_proofs,
        keys.c.expires_ms,
        actors.c.id.label("actor_id"),
        actors.c.uri.label("actor_uri"),
        actors.c.host,
        actors.c.local,
        actors.c.suspended_ms,
        actors.c.deleted_ms,
        actors.c.fetched_ms,
    )
    .select_from(keys.join(actors, actors.c.id == keys.c.actor_id))
    .where(keys.c.uri == bindparam("uri", type_=Text()))
)
SEEN = Statement(
    select(seen_signatures.c.seen_ms).where(
        seen_signatures.c.fingerprint == bindparam("fingerprint", type_=seen_signatures.c.fingerprint.type)
    )
)
_FORGET_SEEN = Statement(
    delete(seen_signatures).where(seen_signatures.c.seen_ms < bindparam("before_ms", type_=BigInteger()))
)
ACTOR_FETCHED = Statement(
    select(
        actors.c.id,
        actors.c.local,
        actors.c.fetched_ms,
        actors.c.deleted_ms,
        actors.c.username,
        actors.c.host,
        actors.c.moved_to_uri,
        actors.c.moved_ms,
    ).where(actors.c.uri == bindparam("uri", type_=Text()))
)
MOVED_TO = Statement(
    select(actors.c.local, actors.c.moved_to_uri).where(actors.c.uri == bindparam("uri", type_=Text()))
)
OBJECT_ID = Statement(
    select(objects.c.id, objects.c.actor_id, objects.c.local).where(objects.c.uri == bindparam("uri", type_=Text()))
)
OBJECT_OWNER = Statement(
    select(objects.c.id, objects.c.visibility, actors.c.uri.label("actor_uri"))
    .select_from(objects.join(actors, actors.c.id == objects.c.actor_id))
    .where(objects.c.uri == bindparam("uri", type_=Text()), objects.c.local.is_(False))
)
DUE_STAGED = Statement(
    select(inbox_staging)
    .where(
        inbox_staging.c.due_ms <= bindparam("now_ms", type_=BigInteger()),
        not_(one_of(inbox_staging.c.host, "busy_hosts")),
    )
    .order_by(inbox_staging.c.due_ms)
    .limit(bindparam("most", type_=SmallInteger()))
)
NEXT_STAGED = Statement(select(inbox_staging.c.due_ms).order_by(inbox_staging.c.due_ms).limit(1))
STAGED_ACTIVITY = Statement(
    select(inbox_staging.c.due_ms)
    .where(
        inbox_staging.c.activity_uri == bindparam("activity_uri", type_=Text()),
        inbox_staging.c.host == bindparam("host", type_=Text()),
        inbox_staging.c.id < bindparam("before_id", type_=BigInteger()),
    )
    .order_by(inbox_staging.c.due_ms.desc())
    .limit(1)
)
_FORGET_STAGED = Statement(delete(inbox_staging).where(inbox_staging.c.id == bindparam("gone", type_=BigInteger())))
_POSTPONE_STAGED = Statement(
    update(inbox_staging)
    .where(inbox_staging.c.id == bindparam("staged_id", type_=BigInteger()))
    .values(
        attempts=inbox_staging.c.attempts + 1,
        due_ms=bindparam("next_ms", type_=BigInteger()),
        last_error=bindparam("error", type_=Text()),
    )
)
DUE_FETCHES = Statement(
    select(fetches)
    .where(fetches.c.due_ms <= bindparam("now_ms", type_=BigInteger()), not_(one_of(fetches.c.host, "busy_hosts")))
    .order_by(fetches.c.due_ms)
    .limit(bindparam("most", type_=SmallInteger()))
)
NEXT_FETCH = Statement(select(fetches.c.due_ms).order_by(fetches.c.due_ms).limit(1))
_WAIT_STAGED = Statement(
    update(inbox_staging)
    .where(inbox_staging.c.id == bindparam("staged_id", type_=BigInteger()))
    .values(due_ms=bindparam("next_ms", type_=BigInteger()))
)
_FORGET_FETCH = Statement(delete(fetches).where(fetches.c.id == bindparam("gone", type_=BigInteger())))
_POSTPONE_FETCH = Statement(
    update(fetches)
    .where(fetches.c.id == bindparam("fetch_id", type_=BigInteger()))
    .values(attempts=fetches.c.attempts + 1, due_ms=bindparam("next_ms", type_=BigInteger()))
)
# A stranger's unreachable key must not be a way to fill the disk.
STAGED_PER_HOST = 1000
_STAGED_OF_HOST = Statement(
    select(func.count()).select_from(inbox_staging).where(inbox_staging.c.host == bindparam("host", type_=Text()))
)
HAS_READERS = Statement(
    select(follows.c.id)
    .select_from(follows.join(actors, actors.c.id == follows.c.followed_id))
    .where(actors.c.uri == bindparam("uri", type_=Text()), follows.c.follower_local, follows.c.accepted)
    .limit(1)
)
BLOCKED_HOSTS = Statement(select(domain_blocks.c.host).where(domain_blocks.c.severity == "suspend"))


def remember_signature(fingerprint: bytes, now_ms: int) -> Unit[bool]:
    """Note that a signature was used; False if it was used before."""
    done = yield Insert(seen_signatures, [{"fingerprint": fingerprint, "seen_ms": now_ms}])
    return bool(done)


def forget_signatures(before_ms: int) -> Unit[None]:
    """Drop signatures whose time window has passed: they cannot come again."""
    yield Run(_FORGET_SEEN, [{"before_ms": before_ms}])


def stage_once(row: Mapping[str, Any], fingerprint: bytes | None, now_ms: int) -> Unit[bool]:
    """Keep what arrived until the network has answered. False when too much of its host waits already."""
    waiting = yield Fetch(_STAGED_OF_HOST, {"host": row["host"]})
    if waiting[0][0] >= STAGED_PER_HOST:
        return False
    if fingerprint is None or (yield from remember_signature(fingerprint, now_ms)):
        yield Insert(inbox_staging, [row])
    return True


def forget_staged(staged_id: int) -> Unit[None]:
    """It is finished, or given up."""
    yield Run(_FORGET_STAGED, [{"gone": staged_id}])


def postpone_staged(staged_id: int, next_ms: int, error: str) -> Unit[None]:
    """Try again later."""
    yield Run(_POSTPONE_STAGED, [{"staged_id": staged_id, "next_ms": next_ms, "error": error}])


def wait_staged(staged_id: int, next_ms: int) -> Unit[None]:
    """Try again later; this was no attempt of its own."""
    yield Run(_WAIT_STAGED, [{"staged_id": staged_id, "next_ms": next_ms}])


def forget_fetch(fetch_id: int) -> Unit[None]:
    """It is here, or not to be had."""
    yield Run(_FORGET_FETCH, [{"gone": fetch_id}])


def postpone_fetch(fetch_id: int, next_ms: int) -> Unit[None]:
    """Try again later."""
    yield Run(_POSTPONE_FETCH, [{"fetch_id": fetch_id, "next_ms": next_ms}])
