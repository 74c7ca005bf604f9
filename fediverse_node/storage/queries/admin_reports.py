"""Reports as moderators work through them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Text, bindparam, select, update

from fediverse_node.storage.queries.timelines import Keyset, keyset
from fediverse_node.storage.statement import Statement
from fediverse_node.storage.tables import reports
from fediverse_node.storage.unit import Fetch, Run, Unit

Row = Any


def _big(name: str) -> ColumnElement[int]:
    return bindparam(name, type_=BigInteger())


CONDITIONS: Mapping[str, Callable[[], ColumnElement[bool]]] = {
    "open": lambda: reports.c.resolved_ms.is_(None),
    "resolved": lambda: reports.c.resolved_ms.is_not(None),
    "actor_id": lambda: reports.c.actor_id == _big("actor_id"),
    "target_id": lambda: reports.c.target_id == _big("target_id"),
}


@functools.lru_cache(maxsize=32)
def listing(conditions: frozenset[str]) -> Keyset:
    """The reports for which all these hold, newest first."""
    return keyset(select(reports).where(*(CONDITIONS[name]() for name in sorted(conditions))), reports.c.id)


REPORT = Statement(select(reports).where(reports.c.id == _big("id")))

_ID, _NOW, _BY = _big("id_"), _big("now_ms_"), _big("by_id_")


def _change(**values: Any) -> Statement:
    return Statement(update(reports).where(reports.c.id == _ID).values(updated_ms=_NOW, **values))


_ASSIGN = _change(assigned_id=_BY)
_UNASSIGN = _change(assigned_id=None)
_RESOLVE = _change(resolved_ms=_NOW, resolved_by_id=_BY)
_REOPEN = _change(resolved_ms=None, resolved_by_id=None)
_CLASSIFY = _change(category=bindparam("category_", type_=Text()), rule_ids=bindparam("rule_ids_", type_=Text()))
_OPEN_ABOUT = Statement(
    select(reports.c.id).where(reports.c.target_id == _big("target_id"), reports.c.resolved_ms.is_(None))
)


def assign(report_id: int, by_id: int | None, now_ms: int) -> Unit[None]:
    """A moderator takes it on; None: nobody does any more."""
    if by_id is None:
        yield Run(_UNASSIGN, [{"id_": report_id, "now_ms_": now_ms}])
    else:
        yield Run(_ASSIGN, [{"id_": report_id, "now_ms_": now_ms, "by_id_": by_id}])


def resolve(report_id: int, by_id: int, now_ms: int) -> Unit[None]:
    """It is done with."""
    yield Run(_RESOLVE, [{"id_": report_id, "now_ms_": now_ms, "by_id_": by_id}])


def reopen(report_id: int, now_ms: int) -> Unit[None]:
    """It is not."""
    yield Run(_REOPEN, [{"id_": report_id, "now_ms_": now_ms}])


def classify(report_id: int, category: str, rule_ids: str, now_ms: int) -> Unit[None]:
    """What it is about; `rule_ids` is JSON."""
    yield Run(_CLASSIFY, [{"id_": report_id, "now_ms_": now_ms, "category_": category, "rule_ids_": rule_ids}])


def resolve_all_about(target_id: int, by_id: int, now_ms: int) -> Unit[list[int]]:
    """Something was done about somebody: all that was said against them is done with. Answers which that was."""
    ids = [row["id"] for row in (yield Fetch(_OPEN_ABOUT, {"target_id": target_id}))]
    yield Run(_RESOLVE, [{"id_": id_, "now_ms_": now_ms, "by_id_": by_id} for id_ in ids])
    return ids
