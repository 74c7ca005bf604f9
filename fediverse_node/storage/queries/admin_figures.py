"""Figures of the dashboard, counted from the tables: so many of something each day, and in all.

spec: mastodon-client-api#Admin::Measure. Ids hold the time, so a range of ids is a range of days; what has no such id
says when it was by a column of its own. All of them may look at many rows: they are asked on the patient connection.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, FromClause, Integer, Text, bindparam, func, literal_column, select

from fediverse_node.base.ids import SEQUENCE_BITS
from fediverse_node.storage.engine import Database
from fediverse_node.storage.statement import Statement
from fediverse_node.storage.tables import (
    actors,
    follows,
    likes,
    media,
    object_tags,
    objects,
    reports,
    user_days,
    users,
)

DAY_MS = 86_400_000
DAY_IDS = DAY_MS << SEQUENCE_BITS


@dataclass(frozen=True, slots=True)
class Days:
    """From one day to another, both included; days since the epoch."""

    first: int
    last: int

    def __len__(self) -> int:
        return self.last - self.first + 1

    @property
    def before(self) -> Days:
        """As many days, right before these."""
        return Days(self.first - len(self), self.first - 1)

    def values(self) -> dict[str, int]:
        """The ends as ids, moments and days, for whichever a query asks."""
        end = self.last + 1
        return {
            "since_id": self.first * DAY_IDS,
            "until_id": end * DAY_IDS,
            "since_ms": self.first * DAY_MS,
            "until_ms": end * DAY_MS,
            "since_day": self.first,
            "until_day": end,
        }


def between(column: ColumnElement[int], kind: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """The column is within the days that are asked for; `kind` is id, ms or day."""
    since = bindparam(f"since_{kind}", type_=BigInteger())
    return column >= since, column < bindparam(f"until_{kind}", type_=BigInteger())


@dataclass(frozen=True, slots=True)
class Figure:
    """`daily` are added up. `total` where that is not their sum: then of the range, or (`is_overall`) of all times."""

    daily: tuple[Statement, ...]
    total: Statement | None = None
    about: str = ""  # tag_id or host: what has to be said besides
    is_overall: bool = False
    unit: str | None = None


_NUMBER = func.count()


def _figure(
    source: FromClause,
    column: ColumnElement[int],
    *conditions: ColumnElement[bool],
    kind: str = "id",
    counted: ColumnElement[Any] = _NUMBER,
    is_distinct: bool = False,
    is_overall: bool = False,
    about: str = "",
    unit: str | None = None,
) -> Figure:
    per_day = {"id": DAY_IDS, "ms": DAY_MS, "day": 1}[kind]
    day = (column // literal_column(str(per_day), BigInteger())).label("day")
    within = between(column, kind)
    daily = select(day, counted.label("number")).select_from(source).where(*within, *conditions).group_by(day)
    total = select(counted.label("number")).select_from(source).where(*conditions)
    if not is_overall:
        total = total.where(*within)
    asks_total = is_distinct or is_overall
    return Figure((Statement(daily),), Statement(total) if asks_total else None, about, is_overall, unit)


_TAG = bindparam("tag_id", type_=BigInteger())
_HOST = bindparam("host", type_=Text())
_said = objects.join(actors, actors.c.id == objects.c.actor_id)
_tagged = object_tags.join(objects, objects.c.id == object_tags.c.object_id)
_about_tag = (object_tags.c.tag_id == _TAG, objects.c.visibility == literal_column("0", Integer()))
_there = (actors.c.host == _HOST, actors.c.local.is_(False))
_ours = (objects.c.local, objects.c.announce_of_id.is_(None))
# What people here do with others: like, pass on, answer.
_INTERACTIONS = (
    _figure(likes.join(actors, actors.c.id == likes.c.actor_id), likes.c.id, actors.c.local),
    _figure(objects, objects.c.id, objects.c.local, objects.c.announce_of_id.is_not(None)),
    _figure(objects, objects.c.id, *_ours, objects.c.in_reply_to_actor_id != objects.c.actor_id),
)

FIGURES: Mapping[str, Figure] = {
    "active_users": _figure(
        user_days, user_days.c.day, kind="day", counted=func.count(user_days.c.user_id.distinct()), is_distinct=True
    ),
    "new_users": _figure(users, users.c.created_ms, kind="ms"),
    "interactions": Figure(tuple(statement for figure in _INTERACTIONS for statement in figure.daily)),
    "opened_reports": _figure(reports, reports.c.id),
    "resolved_reports": _figure(reports, reports.c.resolved_ms, kind="ms"),
    "tag_accounts": _figure(
        _tagged,
        object_tags.c.object_id,
        *_about_tag,
        counted=func.count(objects.c.actor_id.distinct()),
        is_distinct=True,
        about="tag_id",
    ),
    "tag_uses": _figure(_tagged, object_tags.c.object_id, *_about_tag, about="tag_id"),
    "tag_servers": _figure(
        _tagged.join(actors, actors.c.id == objects.c.actor_id),
        object_tags.c.object_id,
        *_about_tag,
        counted=func.count(actors.c.host.distinct()),
        is_distinct=True,
        about="tag_id",
    ),
    "instance_accounts": _figure(actors, actors.c.id, *_there, is_overall=True, about="host"),
    "instance_media_attachments": _figure(
        media.join(actors, actors.c.id == media.c.actor_id),
        media.c.id,
        *_there,
        counted=func.coalesce(func.sum(media.c.size_bytes), 0),
        is_overall=True,
        about="host",
        unit="bytes",
    ),
    "instance_reports": _figure(
        reports.join(actors, actors.c.id == reports.c.target_id), reports.c.id, *_there, is_overall=True, about="host"
    ),
    "instance_statuses": _figure(_said, objects.c.id, *_there, is_overall=True, about="host"),
    "instance_follows": _figure(
        follows.join(actors, actors.c.id == follows.c.followed_id),
        follows.c.id,
        *_there,
        follows.c.follower_local,
        is_overall=True,
        about="host",
    ),
    "instance_followers": _figure(
        follows.join(actors, actors.c.id == follows.c.follower_id), follows.c.id, *_there, is_overall=True, about="host"
    ),
}


async def load_days(database: Database, figure: Figure, days: Days, about: Mapping[str, Any]) -> dict[int, int]:
    """How many on each day; days that are missing had none."""
    found: dict[int, int] = {}
    for statement in figure.daily:
        for row in await database.fetch(statement, patient=True, **days.values(), **about):
            found[int(row["day"])] = found.get(int(row["day"]), 0) + int(row["number"])
    return found


async def load_total(
    database: Database, figure: Figure, days: Days, about: Mapping[str, Any], by_day: Mapping[int, int] | None = None
) -> int:
    """How many in all. `by_day`: what `load_days` said, if that is known."""
    if figure.total is None:
        known = by_day if by_day is not None else await load_days(database, figure, days, about)
        return sum(known.values())
    rows = await database.fetch(figure.total, patient=True, **days.values(), **about)
    return int(rows[0]["number"]) if rows else 0
