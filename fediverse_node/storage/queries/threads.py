"""Conversations as wholes: what is here of one, what is known to be missing, and when it is looked through again.

A `thread_id` may have become part of another conversation meanwhile: units ask for the present one first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BigInteger,
    Integer,
    Text,
    and_,
    bindparam,
    case,
    delete,
    exists,
    func,
    literal_column,
    not_,
    or_,
    select,
    union_all,
    update,
)

from fediverse_node.domain.threads import Completeness, Ended, Lack
from fediverse_node.storage.engine import Database
from fediverse_node.storage.queries.federation_documents import is_open
from fediverse_node.storage.statement import Statement, one_of, upsert
from fediverse_node.storage.tables import actors, objects, thread_gaps, thread_sources, thread_walks, tombstones
from fediverse_node.storage.unit import Fetch, Run, Unit

Row = Any
MOST_POSTS = 2_000
_LARGEST_CLAIM = 1_000_000

_THREAD = bindparam("thread_id", type_=BigInteger())
_NOW = bindparam("now_ms", type_=BigInteger())
_is_of_thread = and_(objects.c.thread_id == _THREAD, objects.c.announce_of_id.is_(None))

# What is told of a conversation
WALK = Statement(select(thread_walks).where(thread_walks.c.thread_id == _THREAD))
# Rows of what, state, host, number, total, largest. What has come by another way since is no gap any more.
_is_here = exists(select(literal_column("1")).select_from(objects).where(objects.c.uri == thread_gaps.c.uri))
LACKS = Statement(
    union_all(
        select(
            case((thread_gaps.c.answered, literal_column("'above'")), else_=literal_column("'reply'")).label("what"),
            thread_gaps.c.state,
            thread_gaps.c.host,
            func.count().label("number"),
            literal_column("0", Integer()).label("total"),
            literal_column("0", Integer()).label("largest"),
        )
        .where(thread_gaps.c.thread_id == _THREAD, not_(_is_here))
        .group_by(thread_gaps.c.answered, thread_gaps.c.state, thread_gaps.c.host),
        select(
            thread_sources.c.kind,
            thread_sources.c.state,
            thread_sources.c.host,
            func.count(),
            func.sum(func.coalesce(thread_sources.c.total, 0)),
            func.max(func.coalesce(thread_sources.c.total, 0)),
        )
        .where(thread_sources.c.thread_id == _THREAD)
        .group_by(thread_sources.c.kind, thread_sources.c.state, thread_sources.c.host),
    )
)
# `held`: replies for everybody. `outside`: posts for everybody that were said elsewhere, or answer what is not here.
_is_reply = objects.c.in_reply_to_uri.is_not(None)
HELD = Statement(
    select(
        func.count().filter(_is_reply).label("held"),
        func.count()
        .filter(or_(not_(objects.c.local), and_(_is_reply, objects.c.in_reply_to_id.is_(None))))
        .label("outside"),
    )
    .select_from(objects.join(actors, actors.c.id == objects.c.actor_id))
    .where(_is_of_thread, is_open())
)

# What a walk begins with
POSTS = Statement(
    select(
        objects.c.id,
        objects.c.uri,
        objects.c.local,
        objects.c.visibility,
        objects.c.in_reply_to_uri,
        objects.c.in_reply_to_id,
        objects.c.context_uri,
        objects.c.activity_uri,
        objects.c.parts,
        objects.c.published_ms,
    )
    .where(_is_of_thread)
    .order_by(objects.c.id)
    .limit(MOST_POSTS)
)
SOURCES = Statement(select(thread_sources).where(thread_sources.c.thread_id == _THREAD).order_by(thread_sources.c.uri))
GAPS = Statement(
    select(thread_gaps, _is_here.label("is_here")).where(thread_gaps.c.thread_id == _THREAD).order_by(thread_gaps.c.uri)
)
TREE = Statement(
    select(
        objects.c.id,
        objects.c.uri,
        objects.c.visibility,
        objects.c.content,
        objects.c.in_reply_to_uri,
        objects.c.in_reply_to_id,
        actors.c.username,
        actors.c.host,
    )
    .select_from(objects.join(actors, actors.c.id == objects.c.actor_id))
    .where(_is_of_thread)
    .order_by(objects.c.id)
    .limit(5 * MOST_POSTS)
)
# Of these addresses, those that are known already: as a post of whatever thread, or as deleted.
KNOWN = Statement(
    union_all(
        select(objects.c.uri, literal_column("0", Integer()).label("is_gone")).where(one_of(objects.c.uri, "uris")),
        select(tombstones.c.uri, literal_column("1", Integer())).where(one_of(tombstones.c.uri, "uris")),
    )
)
DUE_WALKS = Statement(
    select(thread_walks.c.thread_id.label("id"))
    .where(
        thread_walks.c.due_ms <= _NOW,
        or_(thread_walks.c.lease_ms.is_(None), thread_walks.c.lease_ms <= _NOW),
    )
    .order_by(thread_walks.c.due_ms)
    .limit(bindparam("most", type_=Integer()))
)
_free_ms = func.coalesce(thread_walks.c.lease_ms, 0)
NEXT_WALK = Statement(
    select(func.min(case((_free_ms > thread_walks.c.due_ms, _free_ms), else_=thread_walks.c.due_ms))).where(
        thread_walks.c.due_ms.is_not(None)
    )
)

_present = select(func.coalesce(objects.c.thread_id, objects.c.id).label("thread_id"))
PRESENT = Statement(_present.where(objects.c.id == _THREAD))
# Of a post that is not for everybody nobody learns where it belongs.
PRESENT_OF_OPEN = Statement(
    _present.select_from(objects.join(actors, actors.c.id == objects.c.actor_id)).where(
        objects.c.id == _THREAD, is_open()
    )
)
THREAD_OF_URI = Statement(
    _present.add_columns(objects.c.id).where(
        or_(objects.c.uri == bindparam("uri", type_=Text()), objects.c.url == bindparam("uri", type_=Text()))
    )
)
_CLAIM = Statement(
    update(thread_walks)
    .where(
        thread_walks.c.thread_id == _THREAD,
        thread_walks.c.due_ms <= _NOW,
        or_(thread_walks.c.lease_ms.is_(None), thread_walks.c.lease_ms <= _NOW),
    )
    .values(lease_ms=bindparam("until_ms", type_=BigInteger()), walks=thread_walks.c.walks + 1, found=0)
    .returning(thread_walks)
)
_END = Statement(
    update(thread_walks)
    .where(thread_walks.c.thread_id == _THREAD)
    .values(
        lease_ms=None,
        walked_ms=_NOW,
        due_ms=bindparam("next_ms", type_=BigInteger()),
        rounds=case((thread_walks.c.found > 0, 0), else_=thread_walks.c.rounds + 1),
        ended=bindparam("why", type_=Text()),
    )
)
_FOUND = Statement(
    update(thread_walks)
    .where(thread_walks.c.thread_id == _THREAD)
    .values(found=thread_walks.c.found + bindparam("more", type_=Integer()))
)
# Somebody reads it: now, unless it is about to be walked anyway.
_WANT = upsert(
    thread_walks,
    ("thread_id", "due_ms"),
    ("thread_id",),
    {
        "due_ms": case(
            (
                and_(
                    func.coalesce(thread_walks.c.lease_ms, 0) <= _NOW,
                    or_(thread_walks.c.due_ms.is_(None), thread_walks.c.due_ms > _NOW),
                ),
                _NOW,
            ),
            else_=thread_walks.c.due_ms,
        )
    },
)
_SOURCE = ("thread_id", "uri", "kind", "host", "total", "listed", "state", "detail", "attempts", "asked_ms", "next_ms")
_PUT_SOURCE = upsert(thread_sources, _SOURCE, ("thread_id", "uri"))
_GAP = ("thread_id", "uri", "host", "answered", "state", "detail", "named_by", "attempts", "asked_ms", "next_ms")
_PUT_GAP = upsert(
    thread_gaps,
    _GAP,
    ("thread_id", "uri"),
    {name: name for name in ("state", "detail", "answered", "attempts", "asked_ms", "next_ms")},
)
_CLOSE_GAPS = Statement(
    delete(thread_gaps).where(thread_gaps.c.thread_id == _THREAD, one_of(thread_gaps.c.uri, "uris"))
)
_OLD = (
    Statement(
        delete(thread_walks).where(
            thread_walks.c.due_ms.is_(None), func.coalesce(thread_walks.c.walked_ms, 0) < _NOW - 90 * 86_400_000
        )
    ),
    *(
        Statement(delete(table).where(not_(exists().where(thread_walks.c.thread_id == table.c.thread_id))))
        for table in (thread_sources, thread_gaps)
    ),
)


@dataclass(frozen=True, slots=True)
class Found:
    """What a walk has learnt since it last wrote it down. Rows have the columns of their tables, without thread_id."""

    sources: Sequence[Mapping[str, Any]] = ()
    gaps: Sequence[Mapping[str, Any]] = ()
    closed: Sequence[str] = ()  # gaps that are none any more
    posts: int = 0


def present(thread_id: int) -> Unit[int]:
    """The conversation that this one is part of by now."""
    rows = yield Fetch(PRESENT, {"thread_id": thread_id})
    return int(rows[0]["thread_id"]) if rows else thread_id


def want_walk(thread_id: int, now_ms: int) -> Unit[None]:
    """Somebody reads it and it has rested long enough."""
    yield Run(_WANT, [{"thread_id": thread_id, "due_ms": now_ms, "now_ms": now_ms}])


def claim_walk(thread_id: int, now_ms: int, until_ms: int) -> Unit[Row | None]:
    """Take a walk that is due, until then; None where another process was faster."""
    rows = yield Fetch(_CLAIM, {"thread_id": thread_id, "now_ms": now_ms, "until_ms": until_ms})
    return rows[0] if rows else None


def note_found(thread_id: int, found: Found) -> Unit[int]:
    """Write down what was learnt; answers the present thread."""
    thread_id = yield from present(thread_id)
    yield Run(_PUT_SOURCE, [{**row, "thread_id": thread_id} for row in found.sources])
    yield Run(_PUT_GAP, [{**row, "thread_id": thread_id} for row in found.gaps])
    if found.closed:
        yield Run(_CLOSE_GAPS, [{"thread_id": thread_id, "uris": list(found.closed)}])
    if found.posts:
        yield Run(_FOUND, [{"thread_id": thread_id, "more": found.posts}])
    return thread_id


def end_walk(thread_id: int, now_ms: int, *, next_ms: int | None, why: str) -> Unit[None]:
    """The walk is over; the next one is due then, or when somebody reads it."""
    thread_id = yield from present(thread_id)
    yield Run(_END, [{"thread_id": thread_id, "now_ms": now_ms, "next_ms": next_ms, "why": why}])


def forget_walks(now_ms: int) -> Unit[None]:
    """Drop what nobody has read for a season."""
    for statement in _OLD:
        yield Run(statement, [{"now_ms": now_ms}])


async def load_held(database: Database, thread_id: int) -> tuple[int, bool]:
    """How many replies for everybody are here, and whether there is anybody elsewhere to ask for more."""
    counted = await database.fetch_one(HELD, thread_id=thread_id)
    return (int(counted["held"]), bool(counted["outside"])) if counted is not None else (0, False)


async def load_completeness(
    database: Database, thread_id: int, held: int, now_ms: int
) -> tuple[Completeness, Row | None]:
    """How complete a conversation is, and its row of `thread_walks`, if it was ever looked through.

    `held`: see `load_held`.
    """
    walk = await database.fetch_one(WALK, thread_id=thread_id)
    if walk is None:
        return Completeness(held), None
    return completeness_of(held, walk, await database.fetch(LACKS, thread_id=thread_id), now_ms), walk


def completeness_of(held: int, walk: Row, lacks: Sequence[Row], now_ms: int) -> Completeness:
    """The same from rows of `WALK` and `LACKS`."""
    lacking: dict[Lack, int] = {}
    beginning: Lack | None = None
    hosts: dict[Lack, dict[str, None]] = {Lack.REFUSED: {}, Lack.UNREACHABLE: {}}
    whole_claimed, replies_claimed = 0, 0
    for row in lacks:
        state = Lack.__members__.get(row["state"])
        if state in hosts and row["host"]:
            hosts[state][row["host"]] = None
        if row["what"] == "above":
            beginning = state or Lack.WAITING
        elif row["what"] == "reply":
            if state is not None and state not in (Lack.FOREIGN, Lack.DETACHED):
                lacking[state] = lacking.get(state, 0) + row["number"]
        elif row["what"] == "replies":
            replies_claimed += int(row["total"])
        elif row["what"] == "context":
            # It counts the first post as well.
            whole_claimed = max(whole_claimed, int(row["largest"]) - 1)
    known = held + sum(lacking.values())
    claimed = min(max(whole_claimed, replies_claimed), _LARGEST_CLAIM)
    return Completeness(
        held,
        lacking,
        beginning,
        claimed if claimed > known else None,
        tuple(sorted(hosts[Lack.REFUSED])),
        tuple(sorted(hosts[Lack.UNREACHABLE])),
        walk["walked_ms"],
        (walk["lease_ms"] or 0) > now_ms,
        Ended.__members__.get(walk["ended"]),
    )
