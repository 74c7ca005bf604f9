"""From where people may not come, with which e-mail addresses they may not sign up, and from where they came."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import BigInteger, Integer, Table, Text, bindparam, delete, func, or_, select, update

from fediverse_node.storage.queries.timelines import Keyset, keyset
from fediverse_node.storage.statement import Statement, one_of, upsert
from fediverse_node.storage.tables import (
    canonical_email_blocks,
    email_domain_blocks,
    email_domain_tries,
    ip_blocks,
    user_addresses,
    user_days,
)
from fediverse_node.storage.unit import Insert, Run, Unit

Row = Any
_DAY_MS = 86_400_000
_TRIES_DAYS = 7
_ADDRESSES_MS = 365 * _DAY_MS
_ACTIVITY_DAYS = 800


class Listed:
    """A table of rules with ids."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.listing: Keyset = keyset(select(table), table.c.id)
        self.by_id = Statement(select(table).where(table.c.id == bindparam("id", type_=BigInteger())))
        self._drop = Statement(delete(table).where(table.c.id == bindparam("id_", type_=BigInteger())))

    def insert(self, row: Mapping[str, Any]) -> Unit[bool]:
        """A new rule; False if there is one about the same thing."""
        return bool((yield Insert(self.table, [row])))

    def drop(self, id_: int) -> Unit[None]:
        """Not any more."""
        yield Run(self._drop, [{"id_": id_}])


EMAIL_DOMAINS, MAILBOXES, NETWORKS = Listed(email_domain_blocks), Listed(canonical_email_blocks), Listed(ip_blocks)

# E-mail

DOMAINS_AMONG = Statement(select(email_domain_blocks).where(one_of(email_domain_blocks.c.domain, "domains")))
MAILBOX = Statement(
    select(canonical_email_blocks).where(canonical_email_blocks.c.hash == bindparam("hash", type_=Text()))
)
TRIES = Statement(
    select(
        email_domain_tries.c.block_id,
        email_domain_tries.c.day,
        func.count().label("addresses"),
        func.sum(email_domain_tries.c.uses).label("uses"),
    )
    .where(
        one_of(email_domain_tries.c.block_id, "ids"),
        email_domain_tries.c.day >= bindparam("since_day", type_=Integer()),
    )
    .group_by(email_domain_tries.c.block_id, email_domain_tries.c.day)
)
_TRIED = upsert(
    email_domain_tries,
    ("block_id", "day", "address", "uses"),
    ("block_id", "day", "address"),
    {"uses": email_domain_tries.c.uses + 1},
)
_FORGET_TRIES = Statement(
    delete(email_domain_tries).where(email_domain_tries.c.day < bindparam("before_day", type_=Integer()))
)


def note_try(block_ids: Sequence[int], address: str, now_ms: int) -> Unit[None]:
    """Somebody wanted to sign up with an address of a blocked host. `address`: packed, of the person's machine."""
    day = now_ms // _DAY_MS
    yield Run(_TRIED, [{"block_id": id_, "day": day, "address": address, "uses": 1} for id_ in block_ids])


# Networks

_IN_FORCE = or_(ip_blocks.c.expires_ms.is_(None), ip_blocks.c.expires_ms > bindparam("now_ms", type_=BigInteger()))
NETWORKS_IN_FORCE = Statement(
    select(ip_blocks.c.network, ip_blocks.c.severity, ip_blocks.c.expires_ms).where(_IN_FORCE).order_by(ip_blocks.c.id)
)
NETWORK = Statement(select(ip_blocks).where(ip_blocks.c.network == bindparam("network", type_=Text())))
_CHANGE_NETWORK = Statement(
    update(ip_blocks)
    .where(ip_blocks.c.id == bindparam("id_", type_=BigInteger()))
    .values(
        network=bindparam("new_network", type_=Text()),
        severity=bindparam("new_severity", type_=Text()),
        comment=bindparam("new_comment", type_=Text()),
        expires_ms=bindparam("new_expires_ms", type_=BigInteger()),
    )
)
_DROP_EXPIRED = Statement(delete(ip_blocks).where(ip_blocks.c.expires_ms < bindparam("now_ms", type_=BigInteger())))


def change_network(id_: int, values: Mapping[str, Any]) -> Unit[None]:
    """Another network, severity, comment or end: all four."""
    yield Run(_CHANGE_NETWORK, [{"id_": id_, **{f"new_{name}": value for name, value in values.items()}}])


# People

_CAME_FROM = upsert(user_addresses, ("user_id", "address", "used_ms"), ("user_id", "address"))
_FORGET_ADDRESSES = Statement(
    delete(user_addresses).where(user_addresses.c.used_ms < bindparam("before_ms", type_=BigInteger()))
)
_FORGET_DAYS = Statement(delete(user_days).where(user_days.c.day < bindparam("before_day", type_=Integer())))


def note_presence(user_id: int, address: str | None, now_ms: int) -> Unit[None]:
    """Somebody was here on this day, from this address (packed; None if that is not known)."""
    yield Insert(user_days, [{"user_id": user_id, "day": now_ms // _DAY_MS}])
    if address is not None:
        yield Run(_CAME_FROM, [{"user_id": user_id, "address": address, "used_ms": now_ms}])


def forget_presence(now_ms: int) -> Unit[None]:
    """What is too old to be kept about people: addresses after a year, tries after a week; and rules that ended."""
    today = now_ms // _DAY_MS
    yield Run(_FORGET_TRIES, [{"before_day": today - _TRIES_DAYS}])
    yield Run(_FORGET_ADDRESSES, [{"before_ms": now_ms - _ADDRESSES_MS}])
    yield Run(_FORGET_DAYS, [{"before_day": today - _ACTIVITY_DAYS}])
    yield Run(_DROP_EXPIRED, [{"now_ms": now_ms}])
