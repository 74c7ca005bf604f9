"""Counters beside what they count. Each change also grows the row's version, so that caches notice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from sqlalchemy import BigInteger, Integer, Table, bindparam, case, func, update

from fediverse_node.storage.statement import Statement
from fediverse_node.storage.tables import actors, objects
from fediverse_node.storage.unit import Run, Unit

_BY = bindparam("by", type_=Integer())
_ID = bindparam("counted_id", type_=BigInteger())


def _statement(table: Table, name: str) -> Statement:
    grown = table.c[name] + _BY
    # A counter that was wrong must not turn negative: clients choke on it.
    clause = (
        update(table)
        .where(table.c.id == _ID)
        .values({name: case((grown < 0, 0), else_=grown), "version": table.c.version + 1})
    )
    return Statement(clause)


_OBJECTS = {
    name: _statement(objects, name)
    for name in ("replies_count", "likes_count", "announces_count", "quotes_count", "reactions_count")
}
_ACTORS = {name: _statement(actors, name) for name in ("followers_count", "following_count", "statuses_count")}

_MOMENT = bindparam("moment_ms", type_=BigInteger())
_SAID = Statement(
    update(actors)
    .where(actors.c.id == _ID)
    .values(
        statuses_count=actors.c.statuses_count + _BY,
        last_status_ms=case(
            (func.coalesce(actors.c.last_status_ms, 0) < _MOMENT, _MOMENT), else_=actors.c.last_status_ms
        ),
        version=actors.c.version + 1,
    )
)


def count_said(moments_ms: Mapping[int, list[int]]) -> Unit[None]:
    """Actors said this much more, at these moments."""
    rows = [
        {"counted_id": actor_id, "by": len(found), "moment_ms": max(found)}
        for actor_id, found in sorted(moments_ms.items())
    ]
    if rows:
        yield Run(_SAID, rows)


def count_objects(name: str, ids: Iterable[int], by: int = 1) -> Unit[None]:
    """Add `by` to a counter of objects, once for each time an id is given."""
    yield from _count(_OBJECTS[name], ids, by)


def count_actors(name: str, ids: Iterable[int], by: int = 1) -> Unit[None]:
    """Add `by` to a counter of actors, once for each time an id is given."""
    yield from _count(_ACTORS[name], ids, by)


def _count(statement: Statement, ids: Iterable[int], by: int) -> Unit[None]:
    # In the order of ids: two processes that count the same rows then wait for each other, never in a ring.
    rows = [{"counted_id": id_, "by": n * by} for id_, n in sorted(Counter(ids).items())]
    if rows:
        yield Run(statement, rows)
