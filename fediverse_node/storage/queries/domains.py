"""Rules for domains, hosts that are let in, lists that are subscribed to, and what one person keeps away from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import orjson
from sqlalchemy import BigInteger, Text, bindparam, delete, func, select, union_all, update

from fediverse_node.domain.domains import DomainPolicy, DomainRule, Severity
from fediverse_node.storage.engine import Database
from fediverse_node.storage.queries.timelines import keyset
from fediverse_node.storage.rows import dump_json
from fediverse_node.storage.statement import Statement, upsert
from fediverse_node.storage.tables import (
    actors,
    domain_allows,
    domain_blocks,
    domain_lists,
    follows,
    notifications,
    settings,
    user_domain_blocks,
)
from fediverse_node.storage.unit import Insert, Run, Unit

Row = Any
_VERSION_KEY = "domains_version"
_RULES = Statement(select(domain_blocks).order_by(domain_blocks.c.host))
_ALLOWS = Statement(select(domain_allows).order_by(domain_allows.c.host))
VERSION = Statement(select(settings.c.value).where(settings.c.key == _VERSION_KEY))

_SET_VERSION = upsert(settings, ("key", "value"), ("key",))
_RULE_COLUMNS = (
    "severity",
    "reject_media",
    "reject_reports",
    "obfuscate",
    "public_comment",
    "private_comment",
    "list_id",
)
# A rule that changes keeps the moment at which there was first one.
_PUT_RULE = upsert(
    domain_blocks, ("host", "created_ms", *_RULE_COLUMNS), ("host",), {name: name for name in _RULE_COLUMNS}
)
_HOST = bindparam("host_", type_=Text())
_DROP_RULE = Statement(delete(domain_blocks).where(domain_blocks.c.host == _HOST))
_DISALLOW = Statement(delete(domain_allows).where(domain_allows.c.host == _HOST))


async def load_rules(database: Database) -> list[DomainRule]:
    """All rules, by domain."""
    return [_rule_of(row) for row in await database.fetch(_RULES)]


async def load_allowed(database: Database) -> list[str]:
    """The hosts that are let in where only listed ones are."""
    return [row["host"] for row in await database.fetch(_ALLOWS)]


async def load_policy(database: Database, *, own: str, listed_only: bool) -> DomainPolicy:
    """Everything that is said about domains."""
    allowed = await load_allowed(database) if listed_only else None
    return DomainPolicy.of(await load_rules(database), allowed=allowed, own=own)


def put_rules(rules: Iterable[DomainRule], version: str) -> Unit[None]:
    """These rules hold from now on; other processes see by the version that something has changed."""
    rows = [
        {
            "host": rule.domain,
            "severity": rule.severity.value,
            "reject_media": rule.reject_media,
            "reject_reports": rule.reject_reports,
            "obfuscate": rule.obfuscate,
            "public_comment": rule.public_comment,
            "private_comment": rule.private_comment,
            "list_id": rule.list_id,
            "created_ms": rule.created_ms,
        }
        for rule in rules
    ]
    yield Run(_PUT_RULE, rows)
    yield from _changed(version)


def drop_rules(domains: Iterable[str], version: str) -> Unit[None]:
    """There is no rule about these any more."""
    yield Run(_DROP_RULE, [{"host_": domain} for domain in domains])
    yield from _changed(version)


def allow(host: str, comment: str, now_ms: int, version: str) -> Unit[None]:
    """The host takes part where only listed ones do."""
    yield Insert(domain_allows, [{"host": host, "comment": comment, "created_ms": now_ms}])
    yield from _changed(version)


def disallow(host: str, version: str) -> Unit[None]:
    """It does not any more."""
    yield Run(_DISALLOW, [{"host_": host}])
    yield from _changed(version)


def _changed(version: str) -> Unit[None]:
    yield Run(_SET_VERSION, [{"key": _VERSION_KEY, "value": version}])


def _rule_of(row: Row) -> DomainRule:
    return DomainRule(
        domain=row["host"],
        severity=Severity(row["severity"]),
        reject_media=bool(row["reject_media"]),
        reject_reports=bool(row["reject_reports"]),
        obfuscate=bool(row["obfuscate"]),
        public_comment=row["public_comment"],
        private_comment=row["private_comment"],
        list_id=row["list_id"],
        created_ms=row["created_ms"],
    )


# Lists

_LIST_ID = bindparam("list_id_", type_=BigInteger())
LISTS = Statement(select(domain_lists).order_by(domain_lists.c.id))
LIST_BY_URL = Statement(select(domain_lists).where(domain_lists.c.url == bindparam("url", type_=Text())))
_PUT_LIST = upsert(domain_lists, ("id", "url", "auto", "created_ms"), ("url",), {"auto": "auto"})
_DROP_LIST = Statement(delete(domain_lists).where(domain_lists.c.id == _LIST_ID))
_ORPHAN_RULES = Statement(update(domain_blocks).where(domain_blocks.c.list_id == _LIST_ID).values(list_id=None))
_NOTE_LIST = Statement(
    update(domain_lists)
    .where(domain_lists.c.id == _LIST_ID)
    .values(
        entries=bindparam("new_entries", type_=Text()),
        fetched_ms=bindparam("new_fetched_ms", type_=BigInteger()),
        last_error=None,
    )
)
_NOTE_FAILURE = Statement(
    update(domain_lists).where(domain_lists.c.id == _LIST_ID).values(last_error=bindparam("error", type_=Text()))
)


def put_list(id_: int, url: str, auto: str, now_ms: int) -> Unit[None]:
    """Subscribe to a list; one that is there takes the new `auto`."""
    yield Run(_PUT_LIST, [{"id": id_, "url": url, "auto": auto, "created_ms": now_ms}])


def drop_list(list_id: int) -> Unit[None]:
    """End the subscription. Its rules stay, as if somebody here had made them."""
    yield Run(_ORPHAN_RULES, [{"list_id_": list_id}])
    yield Run(_DROP_LIST, [{"list_id_": list_id}])


def note_list(list_id: int, rules: Sequence[DomainRule], now_ms: int) -> Unit[None]:
    """What the list says now: this, and nothing else, is what is applied."""
    entries = [
        [rule.domain, rule.severity.value, rule.reject_media, rule.reject_reports, rule.obfuscate, rule.public_comment]
        for rule in rules
    ]
    yield Run(_NOTE_LIST, [{"list_id_": list_id, "new_entries": dump_json(entries), "new_fetched_ms": now_ms}])


def note_list_failure(list_id: int, error: str) -> Unit[None]:
    """It could not be read; what it said before stays."""
    yield Run(_NOTE_FAILURE, [{"list_id_": list_id, "error": error}])


def entries_of(row: Row) -> list[DomainRule]:
    """What a list said when it was read last."""
    return [
        DomainRule(domain, Severity(severity), media, reports, obfuscate, comment, list_id=row["id"])
        for domain, severity, media, reports, obfuscate, comment in orjson.loads(row["entries"])
    ]


# What a rule would cost: accepted follows between people here and those of each host.
TIES = Statement(
    union_all(
        select(actors.c.host, func.count().label("number"))
        .select_from(follows.join(actors, actors.c.id == follows.c.followed_id))
        .where(follows.c.follower_local, follows.c.accepted, actors.c.local.is_(False))
        .group_by(actors.c.host),
        select(actors.c.host, func.count().label("number"))
        .select_from(follows.join(actors, actors.c.id == follows.c.follower_id))
        .where(follows.c.follower_local.is_(False), follows.c.accepted)
        .group_by(actors.c.host),
    )
)

# What one person keeps away from

_ACTOR = bindparam("actor_id", type_=BigInteger())
OF_PERSON = keyset(
    select(user_domain_blocks.c.id, user_domain_blocks.c.host).where(user_domain_blocks.c.actor_id == _ACTOR),
    user_domain_blocks.c.id,
)
KEEPS_AWAY = Statement(
    select(user_domain_blocks.c.id).where(
        user_domain_blocks.c.actor_id == _ACTOR, user_domain_blocks.c.host == bindparam("host", type_=Text())
    )
)
_PERSON = bindparam("person", type_=BigInteger())
_UNBLOCK = Statement(
    delete(user_domain_blocks).where(user_domain_blocks.c.actor_id == _PERSON, user_domain_blocks.c.host == _HOST)
)
_FORGET_NOTIFICATIONS = Statement(
    delete(notifications).where(
        notifications.c.actor_id == _PERSON,
        notifications.c.from_actor_id.in_(select(actors.c.id).where(actors.c.host == _HOST, actors.c.local.is_(False))),
    )
)


def keep_away(id_: int, actor_id: int, host: str, now_ms: int) -> Unit[None]:
    """The person wants nothing of this host; what it told them is forgotten."""
    yield Insert(user_domain_blocks, [{"id": id_, "actor_id": actor_id, "host": host, "created_ms": now_ms}])
    yield Run(_FORGET_NOTIFICATIONS, [{"person": actor_id, "host_": host}])


def keep_away_no_longer(actor_id: int, host: str) -> Unit[None]:
    """They do not mind it any more; follows do not come back by themselves."""
    yield Run(_UNBLOCK, [{"person": actor_id, "host_": host}])


async def load_ties(database: Database) -> dict[str, int]:
    """How many follows there are between people here and each host."""
    found: dict[str, int] = {}
    for row in await database.fetch(TIES, patient=True):
        found[row["host"]] = found.get(row["host"], 0) + row["number"]
    return found


async def load_version(database: Database) -> str:
    """Which version of the rules is stored."""
    row = await database.fetch_one(VERSION)
    return "" if row is None else str(row["value"])
