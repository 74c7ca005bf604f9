"""Answers that are not complete yet: an app is told that more may come, and asks whether it has.

spec: mastodon-client-api#async-refreshes (experimental there). Threads that are looked through have one, and annual
reports in the making. An id names the status that was read and the number of the walk through
its thread, or the report.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from aiohttp import web

from fediverse_node.base.ids import SEQUENCE_BITS
from fediverse_node.domain.threads import Completeness
from fediverse_node.mastodon_api.annual_making import PREFIX, is_running
from fediverse_node.mastodon_api.context import Context
from fediverse_node.mastodon_api.errors import not_found
from fediverse_node.mastodon_api.fragments import load_entry
from fediverse_node.mastodon_api.params import parse_id
from fediverse_node.mastodon_api.routing import Call, Routes
from fediverse_node.storage.queries.annual_reports import BY_ID
from fediverse_node.storage.queries.federation_documents import OPEN
from fediverse_node.storage.queries.statuses import ABOUT
from fediverse_node.storage.queries.threads import WALK, load_completeness, load_held

routes = Routes()

HEADER = "Mastodon-Async-Refresh"
_RETRY_S = 3
_REMEMBERED_MS = 60_000
_MOST_REMEMBERED = 2_000
_ID = re.compile(r"(\d{1,19})-(\d{1,9})")


async def look_around(call: Call, entry: Any, rows: Sequence[Any]) -> Completeness:
    """How complete this thread is. Where it has rested for long enough, others are asked for more meanwhile.

    `rows` are those of `statuses.THREAD`. A thread is asked about only if what is read of it is for everybody.
    """
    context, thread_id = call.context, int(entry["thread_id"])
    now_ms = context.world.clock.now_ms()
    held, has_outside = await _counted(context, thread_id, rows, now_ms)
    known, walk = await load_completeness(context.database, thread_id, held, now_ms)
    read_id = entry["target_id"] or entry["id"]
    if context.readers is None or not has_outside or not rows:
        return known
    about = await context.database.fetch_one(ABOUT, object_id=read_id)
    if about is None or about["visibility"] > OPEN:
        return known
    number = context.readers.look(
        thread_id, walk, newest_ms=rows[-1]["id"] >> SEQUENCE_BITS, is_stranger=call.viewer_id is None
    )
    if number is not None:
        found = int(walk["found"]) if walk is not None and known.is_running else 0
        call.headers[HEADER] = f'id="{read_id}-{number}", retry={_RETRY_S}, result_count={found}'
    return known


async def _counted(context: Context, thread_id: int, rows: Sequence[Any], now_ms: int) -> tuple[int, bool]:
    """`load_held`, remembered while the thread stays as it is: a large one is read often."""
    shape = (len(rows), int(rows[-1]["id"]) if rows else 0, now_ms // _REMEMBERED_MS)
    remembered = context.thread_counts.get(thread_id)
    if remembered is not None and remembered[0] == shape:
        return remembered[1]
    counted = await load_held(context.database, thread_id)
    if len(context.thread_counts) >= _MOST_REMEMBERED:
        context.thread_counts.clear()
    context.thread_counts[thread_id] = (shape, counted)
    return counted


@routes.get("/api/v1_alpha/async_refreshes/{id}", scope="read")
async def show(call: Call) -> web.StreamResponse:
    """spec: mastodon-client-api#GET/api/v1_alpha/async_refreshes/:id"""
    given = call.request.match_info["id"]
    if given.startswith(PREFIX):
        return await _show_report(call, given)
    parts = _ID.fullmatch(given)
    object_id = parse_id(parts[1]) if parts is not None else None
    if parts is None or object_id is None:
        raise not_found()
    number = int(parts[2])
    entry = await load_entry(call.context, call.viewer_id, object_id)
    walk = await call.context.database.fetch_one(WALK, thread_id=entry["thread_id"])
    is_running, found = _state(walk, number, call.context.world.clock.now_ms())
    refresh = {
        "id": parts[0],
        "status": "running" if is_running else "finished",
        "result_count": found,
    }
    return call.json({"async_refresh": refresh})


async def _show_report(call: Call, given: str) -> web.Response:
    number = parse_id(given.removeprefix(PREFIX))
    row = await call.context.database.fetch_one(BY_ID, actor_id=call.viewer.actor_id, report_id=number or 0)
    if row is None:
        raise not_found()
    status = "running" if is_running(row, call.context.world.clock.now_ms()) else "finished"
    found = int(row["data"] is not None)
    return call.json({"async_refresh": {"id": given, "status": status, "result_count": found}})


def _state(walk: Any | None, number: int, now_ms: int) -> tuple[bool, int | None]:
    """Whether that walk is under way or about to be, and what it has brought; None where a later one has begun."""
    if walk is None:
        return False, 0
    if walk["walks"] > number:
        return False, None
    if walk["walks"] == number:
        return (walk["lease_ms"] or 0) > now_ms, int(walk["found"])
    return walk["due_ms"] is not None and walk["due_ms"] <= now_ms, 0
