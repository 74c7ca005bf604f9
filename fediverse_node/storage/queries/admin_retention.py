"""Who stays: of those who signed up in one day or month, how many were here in each that followed.

spec: mastodon-client-api#Admin::Cohort
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Integer, Text, cast, func, literal_column, select

from fediverse_node.storage.queries.admin_figures import DAY_MS, between
from fediverse_node.storage.statement import Statement
from fediverse_node.storage.tables import user_days, users

_DAY_S = DAY_MS // 1000


def _constant(number: int) -> ColumnElement[int]:
    return literal_column(str(number), BigInteger())


def _month(seconds: ColumnElement[Any], dialect: str) -> ColumnElement[int]:
    """202611 for November 2026, of seconds since the epoch."""
    if dialect == "sqlite":
        text = func.strftime(literal_column("'%Y%m'", Text()), seconds, literal_column("'unixepoch'", Text()))
        return cast(text, Integer)
    moment = func.timezone(literal_column("'UTC'", Text()), func.to_timestamp(seconds))
    return cast(func.to_char(moment, literal_column("'YYYYMM'", Text())), Integer)


def _buckets(frequency: str, dialect: str) -> tuple[ColumnElement[int], ColumnElement[int]]:
    """When somebody signed up, and when they were here."""
    if frequency == "day":
        return users.c.created_ms // _constant(DAY_MS), user_days.c.day
    return _month(users.c.created_ms // _constant(1000), dialect), _month(user_days.c.day * _constant(_DAY_S), dialect)


_let_in = (users.c.confirmed_ms.is_not(None), users.c.approved_ms.is_not(None), *between(users.c.created_ms, "ms"))


def _sizes(frequency: str, dialect: str) -> Any:
    cohort = _buckets(frequency, dialect)[0].label("cohort")
    return select(cohort, func.count().label("number")).select_from(users).where(*_let_in).group_by(cohort)


def _present(frequency: str, dialect: str) -> Any:
    began, here = _buckets(frequency, dialect)
    cohort, bucket = began.label("cohort"), here.label("bucket")
    return (
        select(cohort, bucket, func.count(users.c.id.distinct()).label("number"))
        .select_from(users.join(user_days, user_days.c.user_id == users.c.id))
        .where(*_let_in, *between(user_days.c.day, "day"))
        .group_by(cohort, bucket)
    )


# By frequency: (cohort, number) and (cohort, bucket, number); days since the epoch, or months as 202611.
SIZES: Mapping[str, Statement] = {
    name: Statement(_sizes(name, "sqlite"), for_postgresql=_sizes(name, "postgresql")) for name in ("day", "month")
}
PRESENT: Mapping[str, Statement] = {
    name: Statement(_present(name, "sqlite"), for_postgresql=_present(name, "postgresql")) for name in ("day", "month")
}
