"""What rules do to the actors of a host: hidden, kept quiet, let go again; follows cut and written down; posts purged.

Every actor flagged by a rule carries the moment of its host's mark, so that taking the rule back frees these and not
those whom a moderator has suspended singly. All is done in small units, any of which may be repeated: a server that
stops in the middle goes on afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import BigInteger, Integer, Text, and_, bindparam, delete, or_, select, update

from fediverse_node.domain.domains import DomainPolicy, Severity
from fediverse_node.domain.effects import FollowKey, ObjectKey
from fediverse_node.storage.apply.actors import KeyRow, upsert_actor
from fediverse_node.storage.apply.deliveries import REFUSED, WAITING
from fediverse_node.storage.apply.relations import remove_follow
from fediverse_node.storage.apply.removal import remove as remove_objects
from fediverse_node.storage.engine import Database
from fediverse_node.storage.events import Applied
from fediverse_node.storage.statement import Statement, upsert
from fediverse_node.storage.tables import (
    actors,
    deliveries,
    follows,
    host_marks,
    objects,
    severances,
    severed_follows,
)
from fediverse_node.storage.unit import Fetch, Insert, Run, Unit

Row = Any
_AT_ONCE = 500
_FOLLOWS_AT_ONCE = 100
# After these many rules nobody has kept an eye on each: they are looked up by handle alone.
_MOST_LOOKED_UP = 5_000

_HOST = bindparam("host_", type_=Text())
_MOMENT = bindparam("moment", type_=BigInteger())
_MOST = bindparam("most", type_=Integer())

_HOSTS = Statement(select(actors.c.host).distinct().where(actors.c.local.is_(False)))
# A host may be another in handles than in ids.
_HANDLE_HOSTS = Statement(
    select(actors.c.host)
    .distinct()
    .where(
        actors.c.uri >= bindparam("low", type_=Text()),
        actors.c.uri < bindparam("high", type_=Text()),
        actors.c.local.is_(False),
    )
)
_MARKS = Statement(select(host_marks).order_by(host_marks.c.host))
OPEN_MARKS = Statement(select(host_marks).where(host_marks.c.done.is_(False)).order_by(host_marks.c.host))
_PUT_MARK = upsert(
    host_marks,
    ("host", "wanted", "moment_ms", "changed_ms", "done"),
    ("host",),
    {"wanted": "wanted", "changed_ms": "changed_ms", "done": "done"},
)
_FINISH = Statement(update(host_marks).where(host_marks.c.host == _HOST).values(done=True))
_DROP_MARK = Statement(
    delete(host_marks).where(host_marks.c.host == _HOST, host_marks.c.wanted == Severity.NOTHING.value)
)
_PURGED = Statement(update(host_marks).where(host_marks.c.host == _HOST).values(purged=True))
UNPURGED = Statement(
    select(host_marks.c.host).where(
        host_marks.c.wanted == Severity.SUSPEND.value,
        host_marks.c.done,
        host_marks.c.purged.is_(False),
        host_marks.c.changed_ms < bindparam("before_ms", type_=BigInteger()),
    )
)


def _flagging(column: str, *, lift: bool) -> Statement:
    flag = actors.c[column]
    wrong = flag == _MOMENT if lift else flag.is_(None)
    chosen = select(actors.c.id).where(actors.c.host == _HOST, actors.c.local.is_(False), wrong).limit(_MOST)
    return Statement(
        update(actors)
        .where(actors.c.id.in_(chosen))
        .values({column: None if lift else _MOMENT, "version": actors.c.version + 1})
        .returning(actors.c.id)
    )


_SUSPEND, _UNSUSPEND = _flagging("suspended_ms", lift=False), _flagging("suspended_ms", lift=True)
_SILENCE, _UNSILENCE = _flagging("silenced_ms", lift=False), _flagging("silenced_ms", lift=True)
_STEPS = {
    Severity.SUSPEND: (_SUSPEND, _UNSILENCE),
    Severity.LIMIT: (_SILENCE, _UNSUSPEND),
    Severity.NOTHING: (_UNSILENCE, _UNSUSPEND),
}
_QUIET_ONE = Statement(
    update(actors)
    .where(actors.c.id == bindparam("actor", type_=BigInteger()), actors.c.silenced_ms.is_(None))
    .values(
        silenced_ms=select(host_marks.c.moment_ms).where(host_marks.c.host == _HOST).scalar_subquery(),
        version=actors.c.version + 1,
    )
)


async def load_missing_marks(database: Database, policy: DomainPolicy) -> dict[str, Severity]:
    """The known hosts that are not marked as the policy wants it, and what it wants."""
    wanted = {row["host"]: policy.severity_of(row["host"]) for row in await database.fetch(_HOSTS, patient=True)}
    if len(policy.rules) <= _MOST_LOOKED_UP:
        for rule in policy.rules.values():
            # `0` comes right after `/`: everything that begins with the address lies between.
            low, high = f"https://{rule.domain}/", f"https://{rule.domain}0"
            for row in await database.fetch(_HANDLE_HOSTS, low=low, high=high):
                harder = max(wanted.get(row["host"], rule.severity), rule.severity, key=lambda found: found.weight)
                wanted[row["host"]] = harder
    marks = {row["host"]: Severity(row["wanted"]) for row in await database.fetch(_MARKS)}
    return {
        host: severity for host, severity in sorted(wanted.items()) if marks.get(host, Severity.NOTHING) is not severity
    }


def mark(wanted: Mapping[str, Severity], now_ms: int) -> Unit[None]:
    """From now on these hosts are to be as said; `work_on` does it."""
    rows = [
        {"host": host, "wanted": severity.value, "moment_ms": now_ms, "changed_ms": now_ms, "done": False}
        for host, severity in wanted.items()
    ]
    yield Run(_PUT_MARK, rows)


def work_on(row: Row, ids: Callable[[], int], now_ms: int, *, cuts: bool) -> Unit[bool]:
    """A part of what a mark wants; whether something is left to do. `cuts`: whether follows end too."""
    host, severity = row["host"], Severity(row["wanted"])
    values = {"host_": host, "moment": row["moment_ms"], "most": _AT_ONCE}
    for step in _STEPS[severity]:
        if len((yield Fetch(step, values))) == _AT_ONCE:
            return True
    if severity is Severity.SUSPEND:
        yield Run(_STOP_DELIVERIES, [{"host_": host, "done_ms_": now_ms}])
        if cuts and (yield from _sever(host, row["changed_ms"], ids, now_ms)):
            return True
    yield Run(_FINISH, [{"host_": host}])
    yield Run(_DROP_MARK, [{"host_": host}])
    return False


def store_limited_actor(row: Mapping[str, Any], key_rows: Sequence[KeyRow], now_ms: int) -> Unit[int]:
    """`upsert_actor` for somebody of a limited host: quiet from the first moment."""
    actor_id = yield from upsert_actor(row, key_rows, now_ms)
    first = {
        "host": row["host"],
        "wanted": Severity.LIMIT.value,
        "moment_ms": now_ms,
        "changed_ms": now_ms,
        "done": True,
    }
    yield Insert(host_marks, [first])
    yield Run(_QUIET_ONE, [{"actor": actor_id, "host_": row["host"]}])
    return actor_id


_STOP_DELIVERIES = Statement(
    update(deliveries)
    .where(deliveries.c.host == _HOST, deliveries.c.state == WAITING)
    .values(
        state=REFUSED,
        done_ms=bindparam("done_ms_", type_=BigInteger()),
        last_error="this server has nothing to do with that host any more",
    )
)

# Follows that are cut

_SEVERED_COLUMNS = (
    follows.c.follower_id,
    follows.c.followed_id,
    follows.c.accepted,
    follows.c.show_announces,
    follows.c.notify,
    follows.c.languages,
)
_TIES = Statement(
    select(*_SEVERED_COLUMNS)
    .select_from(follows.join(actors, actors.c.id == follows.c.followed_id))
    .where(actors.c.host == _HOST, actors.c.local.is_(False), follows.c.follower_local)
    .order_by(follows.c.id)
    .limit(_MOST)
)
_TIES_OF_THEIRS = Statement(
    select(*_SEVERED_COLUMNS)
    .select_from(follows.join(actors, actors.c.id == follows.c.follower_id))
    .where(actors.c.host == _HOST, actors.c.local.is_(False))
    .order_by(follows.c.id)
    .limit(_MOST)
)
_SEVERANCE = Statement(
    select(severances.c.id)
    .where(
        severances.c.host == _HOST,
        severances.c.type == bindparam("type_", type_=Text()),
        severances.c.created_ms >= bindparam("since_ms", type_=BigInteger()),
    )
    .order_by(severances.c.id.desc())
    .limit(1)
)


def _sever(host: str, since_ms: int, ids: Callable[[], int], now_ms: int) -> Unit[bool]:
    """End follows with a host, both ways, and write down what they were. Whether there may be more."""
    values = {"host_": host, "most": _FOLLOWS_AT_ONCE}
    ours = list((yield Fetch(_TIES, values)))
    theirs = list((yield Fetch(_TIES_OF_THEIRS, values)))
    if not ours and not theirs:
        return False
    found = yield Fetch(_SEVERANCE, {"host_": host, "type_": "domain_block", "since_ms": since_ms})
    severance_id = int(found[0]["id"]) if found else ids()
    if not found:
        yield from note_severance(severance_id, "domain_block", host, now_ms)
    yield from note_severed(severance_id, ours, theirs, ids)
    for row in (*ours, *theirs):
        yield from remove_follow(FollowKey(row["follower_id"], row["followed_id"]))
    return len(ours) == _FOLLOWS_AT_ONCE or len(theirs) == _FOLLOWS_AT_ONCE


def note_severance(severance_id: int, type_: str, host: str, now_ms: int) -> Unit[None]:
    """An event in which follows were cut: `domain_block` or `user_domain_block`."""
    yield Insert(severances, [{"id": severance_id, "type": type_, "host": host, "created_ms": now_ms}])


def note_severed(severance_id: int, ours: Sequence[Row], theirs: Sequence[Row], ids: Callable[[], int]) -> Unit[None]:
    """The follows that were cut in it; requests that nobody had answered are not among them."""
    rows = [
        {
            "id": ids(),
            "severance_id": severance_id,
            "local_id": row["followed_id"] if was_follower else row["follower_id"],
            "remote_id": row["follower_id"] if was_follower else row["followed_id"],
            "was_follower": was_follower,
            "show_announces": bool(row["show_announces"]),
            "notify": bool(row["notify"]),
            "languages": row["languages"],
        }
        for was_follower, found in ((False, ours), (True, theirs))
        for row in found
        if row["accepted"]
    ]
    if rows:
        yield Insert(severed_follows, rows)


_remote = actors.alias("remote")
SEVERED = Statement(
    select(
        severances.c.id,
        severances.c.type,
        severances.c.host,
        severances.c.created_ms,
        severed_follows.c.was_follower,
        actors.c.username,
        _remote.c.uri.label("remote_uri"),
        _remote.c.username.label("remote_username"),
        _remote.c.host.label("remote_host"),
    )
    .select_from(
        severances.join(severed_follows, severed_follows.c.severance_id == severances.c.id)
        .join(actors, actors.c.id == severed_follows.c.local_id)
        .join(_remote, _remote.c.id == severed_follows.c.remote_id)
    )
    .where(severances.c.host == bindparam("host", type_=Text()))
    .order_by(severances.c.id, severed_follows.c.id)
)
BETWEEN = Statement(
    select(*_SEVERED_COLUMNS, follows.c.follower_local)
    .select_from(follows.join(actors, actors.c.id.in_((follows.c.follower_id, follows.c.followed_id))))
    .where(
        or_(
            follows.c.follower_id == bindparam("actor_id", type_=BigInteger()),
            follows.c.followed_id == bindparam("actor_id", type_=BigInteger()),
        ),
        and_(actors.c.host == bindparam("host", type_=Text()), actors.c.local.is_(False)),
    )
    .order_by(follows.c.id)
)

# What they said

_OBJECTS = Statement(
    select(objects.c.id)
    .select_from(objects.join(actors, actors.c.id == objects.c.actor_id))
    .where(actors.c.host == _HOST, actors.c.local.is_(False))
    .order_by(objects.c.id)
    .limit(_MOST)
)


def purge(host: str, now_ms: int) -> Unit[bool]:
    """A part of what was said at a suspended host is thrown away; whether something is left. It cannot be undone."""
    rows = yield Fetch(_OBJECTS, {"host_": host, "most": _AT_ONCE})
    yield from remove_objects([ObjectKey(row["id"], tombstone=False) for row in rows], now_ms, Applied())
    if len(rows) == _AT_ONCE:
        return True
    yield Run(_PURGED, [{"host_": host}])
    return False
