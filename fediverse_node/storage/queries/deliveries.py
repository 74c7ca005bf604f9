"""The queue of what leaves, and the receipts of what left."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    Integer,
    SmallInteger,
    Text,
    bindparam,
    delete,
    func,
    literal_column,
    not_,
    or_,
    select,
    text,
    update,
)

from fediverse_node.storage.apply.deliveries import DELIVERED, GIVEN_UP, REFUSED, WAITING
from fediverse_node.storage.statement import Statement, one_of, upsert
from fediverse_node.storage.tables import actors, deliveries, hosts, keys, payloads
from fediverse_node.storage.tables.people import IS_POST_QUANTUM
from fediverse_node.storage.unit import Fetch, Run, Unit

__all__ = ["DELIVERED", "GIVEN_UP", "REFUSED", "WAITING"]

_NOW = bindparam("now_ms", type_=BigInteger())
_HOST = bindparam("for_host", type_=Text())
# A number in the text and not a value given later: else no engine can know that the indexes of what waits will do.
_IS_WAITING = deliveries.c.state == literal_column(str(WAITING))
_DUE = (
    select(
        deliveries.c.id,
        deliveries.c.payload_id,
        deliveries.c.inbox,
        deliveries.c.host,
        deliveries.c.attempts,
        payloads.c.actor_id,
        payloads.c.type,
    )
    .select_from(deliveries.join(payloads, payloads.c.id == deliveries.c.payload_id))
    .where(
        _IS_WAITING,
        deliveries.c.due_ms <= _NOW,
        or_(deliveries.c.lease_ms.is_(None), deliveries.c.lease_ms < _NOW),
        not_(one_of(deliveries.c.host, "busy_hosts")),
    )
    .order_by(deliveries.c.due_ms, deliveries.c.id)
    .limit(bindparam("most", type_=Integer()))
)
_CLAIM = Statement(_DUE, for_postgresql=_DUE.with_for_update(of=deliveries, skip_locked=True))
# More of one host than anybody could read here wait in no order.
_MOST_POSTPONED = 2_000
_POSTPONED = Statement(
    select(deliveries.c.id, deliveries.c.inbox, deliveries.c.due_ms, payloads.c.actor_id, payloads.c.type)
    .select_from(deliveries.join(payloads, payloads.c.id == deliveries.c.payload_id))
    .where(_IS_WAITING, one_of(deliveries.c.host, "hosts"), deliveries.c.due_ms > _NOW)
    .limit(_MOST_POSTPONED)
)
_DEFER = Statement(
    update(deliveries)
    .where(deliveries.c.id == bindparam("delivery_id", type_=BigInteger()))
    .values(due_ms=bindparam("later_ms", type_=BigInteger()))
)
_LEASE = Statement(
    update(deliveries)
    .where(deliveries.c.id == bindparam("delivery_id", type_=BigInteger()))
    .values(lease_ms=bindparam("until_ms", type_=BigInteger()))
)
_RELEASE = Statement(update(deliveries).where(_IS_WAITING, deliveries.c.lease_ms.is_not(None)).values(lease_ms=None))
NEXT_DUE = Statement(
    select(func.min(deliveries.c.due_ms)).where(_IS_WAITING, not_(one_of(deliveries.c.host, "busy_hosts")))
)
PAYLOAD = Statement(
    select(payloads.c.body, payloads.c.actor_id, payloads.c.type).where(
        payloads.c.id == bindparam("id_", type_=BigInteger())
    )
)
PRIVATE_KEYS = Statement(
    select(keys.c.uri, keys.c.private_pem, keys.c.expires_ms)
    .where(keys.c.actor_id == bindparam("actor", type_=BigInteger()), keys.c.private_pem.is_not(None))
    .order_by(keys.c.fetched_ms, keys.c.uri)
)
_FINISH = Statement(
    update(deliveries)
    .where(deliveries.c.id == bindparam("delivery_id", type_=BigInteger()))
    .values(
        state=bindparam("new_state", type_=SmallInteger()),
        attempts=bindparam("new_attempts", type_=SmallInteger()),
        due_ms=bindparam("new_due_ms", type_=BigInteger()),
        done_ms=bindparam("new_done_ms", type_=BigInteger()),
        last_error=bindparam("error", type_=Text()),
        lease_ms=None,
    )
)
_POSTPONE_HOST = Statement(
    update(deliveries)
    .where(
        deliveries.c.host == _HOST,
        _IS_WAITING,
        deliveries.c.due_ms < bindparam("until_ms", type_=BigInteger()),
    )
    .values(due_ms=bindparam("until_ms", type_=BigInteger()), lease_ms=None)
)
_REVIVE_HOST = Statement(
    update(deliveries).where(deliveries.c.host == _HOST, _IS_WAITING, deliveries.c.due_ms > _NOW).values(due_ms=_NOW)
)
_NOTE_HOST = upsert(hosts, ("host", "failures", "failing_since_ms", "retry_after_ms", "seen_ms"), ("host",))
_NOTE_CAPABILITY = upsert(hosts, ("host", "reads_rfc9421", "reads_ed25519", "seen_ms"), ("host",))
KNOWN_CAPABILITIES = Statement(
    select(hosts.c.host, hosts.c.reads_rfc9421, hosts.c.reads_ed25519)
    .where(hosts.c.reads_rfc9421.is_not(None))
    .order_by(hosts.c.seen_ms.desc())
    .limit(20_000)
)
POST_QUANTUM_INBOXES = Statement(
    select(actors.c.inbox)
    .distinct()
    .select_from(keys.join(actors, actors.c.id == keys.c.actor_id))
    # To the letter what the index says, or it is not used.
    .where(text(IS_POST_QUANTUM), actors.c.local.is_(False))
    .limit(20_000)
)
FAILING_HOSTS = Statement(
    select(hosts.c.host, hosts.c.failures, hosts.c.failing_since_ms).where(
        hosts.c.failures > bindparam("least", type_=Integer())
    )
)
_FORGET_RECEIPTS = Statement(
    delete(deliveries).where(
        deliveries.c.state != WAITING, deliveries.c.done_ms < bindparam("before_ms", type_=BigInteger())
    )
)
# Anybody with a domain has as many hosts as they like; those that still count are learnt again.
_FORGET_HOSTS = Statement(
    delete(hosts).where(
        func.coalesce(hosts.c.seen_ms, hosts.c.looked_ms, 0) < bindparam("before_ms", type_=BigInteger())
    )
)
COUNT_WAITING = Statement(select(func.count()).select_from(deliveries).where(_IS_WAITING))


def claim(
    now_ms: int, lease_ms: int, busy_hosts: Sequence[str], most: int, in_order: Collection[str] = ()
) -> Unit[list[Any]]:
    """Take up to `most` due deliveries for this process until `lease_ms` from now, in the order in which they came.

    What is of a type in `in_order` waits until all that the same actor said to the same inbox before is through, and
    what the actor says after it waits for it: an Undo that overtakes a Like which has to be tried again undoes nothing.
    """
    rows = yield Fetch(_CLAIM, {"now_ms": now_ms, "busy_hosts": list(busy_hosts), "most": most})
    if not rows:
        return []
    waits = yield from _waits(rows, now_ms, in_order)
    if waits:
        yield Run(_DEFER, [{"delivery_id": id_, "later_ms": due_ms + 1} for id_, due_ms in waits.items()])
    claimed = sorted((row for row in rows if row["id"] not in waits), key=lambda row: int(row["id"]))
    yield Run(_LEASE, [{"delivery_id": row["id"], "until_ms": now_ms + lease_ms} for row in claimed])
    return claimed


def _waits(rows: Sequence[Any], now_ms: int, in_order: Collection[str]) -> Unit[dict[int, int]]:
    """Which of the deliveries have to wait, and when what they wait for is due."""
    if not in_order:
        return {}
    hosts_ = list({row["host"]: None for row in rows})
    postponed: dict[tuple[str, int], list[Any]] = {}
    for row in (yield Fetch(_POSTPONED, {"now_ms": now_ms, "hosts": hosts_})):
        postponed.setdefault((row["inbox"], row["actor_id"]), []).append(row)
    waits: dict[int, int] = {}
    for row in rows if postponed else ():
        due = [
            other["due_ms"]
            for other in postponed.get((row["inbox"], row["actor_id"]), ())
            if other["id"] < row["id"] and (row["type"] in in_order or other["type"] in in_order)
        ]
        if due:
            waits[row["id"]] = max(due)
    return waits


def release_all() -> Unit[None]:
    """No process works on anything: for the start of the only one."""
    yield Run(_RELEASE, [{}])


def finish(rows: Sequence[dict[str, Any]]) -> Unit[None]:
    """Write down how deliveries went: state, attempts, next time, cause."""
    yield Run(_FINISH, rows)


def postpone_host(host: str, until_ms: int) -> Unit[None]:
    """Everything for a host that does not answer waits together."""
    yield Run(_POSTPONE_HOST, [{"for_host": host, "until_ms": until_ms}])


def revive_host(host: str, now_ms: int) -> Unit[None]:
    """The host is back: what waits for it is due."""
    yield Run(_REVIVE_HOST, [{"for_host": host, "now_ms": now_ms}])


def note_host(
    host: str, *, failures: int, failing_since_ms: int | None, retry_after_ms: int | None, now_ms: int
) -> Unit[None]:
    """How it goes with a host."""
    yield Run(
        _NOTE_HOST,
        [
            {
                "host": host,
                "failures": failures,
                "failing_since_ms": failing_since_ms,
                "retry_after_ms": retry_after_ms,
                "seen_ms": now_ms,
            }
        ],
    )


def note_capability(host: str, *, reads_rfc9421: bool, reads_ed25519: bool, now_ms: int) -> Unit[None]:
    """Which signatures a host has shown to read."""
    yield Run(
        _NOTE_CAPABILITY,
        [{"host": host, "reads_rfc9421": reads_rfc9421, "reads_ed25519": reads_ed25519, "seen_ms": now_ms}],
    )


def forget_receipts(before_ms: int) -> Unit[None]:
    """Receipts that nobody asks for any more."""
    yield Run(_FORGET_RECEIPTS, [{"before_ms": before_ms}])


def forget_hosts(before_ms: int) -> Unit[None]:
    """What hosts showed about themselves that have shown nothing new since."""
    yield Run(_FORGET_HOSTS, [{"before_ms": before_ms}])
