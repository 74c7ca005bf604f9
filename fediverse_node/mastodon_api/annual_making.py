"""Annual reports in the making: counted in the background, because a year can hold much.

A report that is asked for is a row; when its maker dies, whoever asks next begins it again.
"""

from __future__ import annotations

import asyncio
import logging
from enum import StrEnum
from typing import Any

from aiohttp import web

from fediverse_node.base.ids import SEQUENCE_BITS
from fediverse_node.base.log import event
from fediverse_node.domain.annual_reports import Doings, archetype_of, may_look_back, month_starts, months_so_far
from fediverse_node.mastodon_api.context import Context
from fediverse_node.storage.queries import annual_reports as queries

log = logging.getLogger(__name__)

PREFIX = "annual-"
"""With what the ids of these begin among asynchronous refreshes; the number of the report follows."""
RETRY_S = 2
# Nobody takes so long: whoever does has died.
_LEASE_MS = 60_000


class State(StrEnum):
    """How far a report is."""

    AVAILABLE = "available"
    GENERATING = "generating"
    ELIGIBLE = "eligible"
    INELIGIBLE = "ineligible"


class Making:
    """The reports that this process is making."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, context: Context, actor_id: int, year: int) -> None:
        """Make one; it is stored when it is done."""
        task = asyncio.create_task(_make(context, actor_id, year), name=f"annual report {year}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Leave what is not done."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


MAKING = web.AppKey("mastodon_api.annual_making", Making)


def setup(app: web.Application) -> None:
    """Have reports made on this app."""
    making = app[MAKING] = Making()

    async def close(_: web.Application) -> None:
        await making.close()

    app.on_shutdown.append(close)


async def load_state(context: Context, actor_id: int, year: int, row: Any | None) -> State:
    """How far the report is; `row` is what is stored of it."""
    now_ms = context.world.clock.now_ms()
    if row is not None and row["data"] is not None:
        return State.AVAILABLE
    if is_running(row, now_ms):
        return State.GENERATING
    if not may_look_back(year, now_ms):
        return State.INELIGIBLE
    said = await context.database.fetch_one(queries.SAID_ANYTHING, actor_id=actor_id, **_bounds(year, as_ids=True))
    return State.INELIGIBLE if said is None else State.ELIGIBLE


def is_running(row: Any | None, now_ms: int) -> bool:
    """Whether somebody is making the report in this row of `annual_reports`."""
    return row is not None and row["data"] is None and bool(row["asked_ms"] + _LEASE_MS > now_ms)


async def _make(context: Context, actor_id: int, year: int) -> None:
    try:
        data = await _count(context, actor_id, year)
        await context.writer.run(lambda: queries.finish(actor_id, year, data))
    except Exception as error:  # nobody waits for it who could be told: whoever asks again begins it again
        event(log, "api.annual_report_failed", logging.ERROR, year=year, error=repr(error))
        log.exception("api.annual_report_failed")


async def _count(context: Context, actor_id: int, year: int) -> dict[str, Any]:
    """`data` of an AnnualReport, schema version 2."""
    database, ids = context.database, {"actor_id": actor_id, **_bounds(year, as_ids=True)}
    said = await database.fetch(queries.SAID_BY_MONTH, patient=True, **ids)
    followed = await database.fetch(
        queries.FOLLOWED_BY_MONTH, patient=True, actor_id=actor_id, **_bounds(year, as_ids=False)
    )
    hashtags = await database.fetch(queries.TOP_HASHTAG, patient=True, **ids)
    top: dict[str, str | None] = {}
    for name, statement in queries.TOP.items():
        rows = await database.fetch(statement, patient=True, **ids)
        top[name] = str(rows[0]["id"]) if rows else None
    total = {name: sum(int(row[name]) for row in said) for name in ("statuses", "announces", "replies", "polls")}
    statuses = {row["month"]: int(row["statuses"]) for row in said}
    followers = {row["month"]: int(row["followers"]) for row in followed}
    own = total["statuses"] - total["announces"] - total["replies"]
    return {
        "archetype": archetype_of(Doings(own, total["replies"], total["announces"], total["polls"])),
        "time_series": [
            {"month": month, "statuses": statuses.get(month, 0), "followers": followers.get(month, 0)}
            for month in range(1, months_so_far(year, context.world.clock.now_ms()) + 1)
        ],
        "top_hashtags": [{"name": row["name"], "count": int(row["count"])} for row in hashtags],
        "top_statuses": top,
    }


def _bounds(year: int, *, as_ids: bool) -> dict[str, int]:
    shift = SEQUENCE_BITS if as_ids else 0
    return {name: start << shift for name, start in zip(queries.BOUNDS, month_starts(year), strict=True)}
