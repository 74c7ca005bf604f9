"""What somebody did in a year, counted; and the reports made of it.

A year is a range of ids, which begin with the time. What was said to single people is left out of everything.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Integer, Text, and_, bindparam, case, func, or_, select, update

from fediverse_node.domain.model import Visibility, visibility_code
from fediverse_node.storage.queries.federation_documents import OPEN
from fediverse_node.storage.rows import dump_json
from fediverse_node.storage.statement import Statement, upsert
from fediverse_node.storage.tables import annual_reports, follows, object_tags, objects, tags
from fediverse_node.storage.unit import Run, Unit

Row = Any
# Milliseconds or ids at which the months begin, and the year ends.
BOUNDS = tuple(f"bound_{number}" for number in range(13))

_ACTOR = bindparam("actor_id", type_=BigInteger())
_YEAR = bindparam("year", type_=Integer())
_bounds = [bindparam(name, type_=BigInteger()) for name in BOUNDS]
_DIRECT = visibility_code(Visibility.DIRECT)


def _month(moment: ColumnElement[Any]) -> ColumnElement[Any]:
    later = [(moment < bound, number) for number, bound in enumerate(_bounds[1:-1], 1)]
    return case(*later, else_=12).label("month")


def _how_many(condition: ColumnElement[bool]) -> ColumnElement[Any]:
    return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)


_own = and_(
    objects.c.actor_id == _ACTOR,
    objects.c.id >= _bounds[0],
    objects.c.id < _bounds[-1],
    objects.c.visibility < _DIRECT,
)
_said = objects.c.announce_of_id.is_(None)
_answers = and_(
    _said,
    objects.c.in_reply_to_uri.is_not(None),
    or_(objects.c.in_reply_to_actor_id.is_(None), objects.c.in_reply_to_actor_id != objects.c.actor_id),
)
_by_month = select(_month(objects.c.id), objects.c.announce_of_id, objects.c.type, _answers.label("answers")).where(
    _own
)
_each = _by_month.subquery("each_one")
# Rows of month, statuses, announces, replies, polls; months in which nothing was said are absent.
SAID_BY_MONTH = Statement(
    select(
        _each.c.month,
        func.count().label("statuses"),
        _how_many(_each.c.announce_of_id.is_not(None)).label("announces"),
        _how_many(_each.c.answers).label("replies"),
        _how_many(_each.c.type == "Question").label("polls"),
    )
    .group_by(_each.c.month)
    .order_by(_each.c.month)
)
_came = (
    select(_month(follows.c.created_ms))
    .where(
        follows.c.followed_id == _ACTOR,
        follows.c.accepted,
        follows.c.created_ms >= _bounds[0],
        follows.c.created_ms < _bounds[-1],
    )
    .subquery("came")
)
# Rows of month, followers: who began to follow then, and does still.
FOLLOWED_BY_MONTH = Statement(
    select(_came.c.month, func.count().label("followers")).group_by(_came.c.month).order_by(_came.c.month)
)
TOP_HASHTAG = Statement(
    select(tags.c.name, func.count().label("count"))
    .select_from(
        objects.join(object_tags, object_tags.c.object_id == objects.c.id).join(tags, tags.c.id == object_tags.c.tag_id)
    )
    .where(_own, _said)
    .group_by(tags.c.name)
    .order_by(func.count().desc(), tags.c.name)
    .limit(1)
)


def _top(counter: str) -> Statement:
    """What found most of that among what everybody may read."""
    column = objects.c[counter]
    return Statement(
        select(objects.c.id)
        .where(_own, _said, objects.c.visibility <= OPEN, column > 0)
        .order_by(column.desc(), objects.c.id.desc())
        .limit(1)
    )


TOP = {"by_reblogs": _top("announces_count"), "by_replies": _top("replies_count"), "by_favourites": _top("likes_count")}
SAID_ANYTHING = Statement(select(objects.c.id).where(_own).limit(1))

ALL = Statement(
    select(annual_reports)
    .where(annual_reports.c.actor_id == _ACTOR, annual_reports.c.data.is_not(None))
    .order_by(annual_reports.c.year)
)
ONE = Statement(select(annual_reports).where(annual_reports.c.actor_id == _ACTOR, annual_reports.c.year == _YEAR))
BY_ID = Statement(
    select(annual_reports).where(
        annual_reports.c.actor_id == _ACTOR, annual_reports.c.id == bindparam("report_id", type_=BigInteger())
    )
)
# Whoever asks for one that is there, or being made, changes nothing of it but when it was asked for.
_ASK = upsert(annual_reports, ("id", "actor_id", "year", "asked_ms"), ("actor_id", "year"), {"asked_ms": "asked_ms"})
_FINISH = Statement(
    update(annual_reports)
    .where(annual_reports.c.actor_id == _ACTOR, annual_reports.c.year == _YEAR)
    .values(data=bindparam("new_data", type_=Text()))
)
_READ = Statement(
    update(annual_reports)
    .where(annual_reports.c.actor_id == _ACTOR, annual_reports.c.year == _YEAR)
    .values(read_ms=bindparam("new_read_ms", type_=BigInteger()))
)


def ask(row: Mapping[str, Any]) -> Unit[None]:
    """A report is being made: id, actor_id, year, asked_ms."""
    yield Run(_ASK, [row])


def finish(actor_id: int, year: int, data: Mapping[str, Any]) -> Unit[None]:
    """It is made."""
    yield Run(_FINISH, [{"actor_id": actor_id, "year": year, "new_data": dump_json(data)}])


def note_read(actor_id: int, year: int, now_ms: int) -> Unit[None]:
    """Its owner has read it."""
    yield Run(_READ, [{"actor_id": actor_id, "year": year, "new_read_ms": now_ms}])
