"""Annual reports: what somebody's year was like.  spec: mastodon-client-api#annual_reports

Offered for every year that is over, or about to be, in which somebody said something here; Mastodon offers only the one
that ends, and only in December. There is no page to share one: `share_url` is null.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import orjson
from aiohttp import web

from fediverse_node.domain.annual_reports import FIRST_YEAR, LAST_YEAR
from fediverse_node.mastodon_api.annual_making import MAKING, PREFIX, RETRY_S, State, load_state
from fediverse_node.mastodon_api.async_refreshes import HEADER
from fediverse_node.mastodon_api.entities.account import render_account
from fediverse_node.mastodon_api.errors import not_found
from fediverse_node.mastodon_api.fragments import join, render_by_id
from fediverse_node.mastodon_api.routing import Call, Routes
from fediverse_node.storage.queries import annual_reports as queries
from fediverse_node.storage.queries.accounts import load_account_list

routes = Routes()
_SCHEMA_VERSION = 2
_YEAR = re.compile(r"[0-9]{4}")


@routes.get("/api/v1/annual_reports", scope="read:accounts")
async def show_all(call: Call) -> web.Response:
    """All that were made."""
    return await _answer(call, await call.context.database.fetch(queries.ALL, actor_id=call.viewer.actor_id))


@routes.get("/api/v1/annual_reports/{year}", scope="read:accounts")
async def show(call: Call) -> web.Response:
    """One."""
    return await _answer(call, [await _require(call)])


@routes.get("/api/v1/annual_reports/{year}/state", scope="read:accounts")
async def show_state(call: Call) -> web.Response:
    """Whether there is one, or could be."""
    year = _year(call)
    row = await _load(call, year)
    state = await load_state(call.context, call.viewer.actor_id, year, row)
    if state is State.GENERATING:
        _announce(call, row["id"])
    return call.json({"state": state.value})


@routes.post("/api/v1/annual_reports/{year}/read", scope="write:accounts")
async def note_read(call: Call) -> web.Response:
    """The viewer has read it."""
    row, me, now_ms = await _require(call), call.viewer.actor_id, call.context.world.clock.now_ms()
    await call.context.writer.run(lambda: queries.note_read(me, row["year"], now_ms))
    return call.json({})


@routes.post("/api/v1/annual_reports/{year}/generate", scope="write:accounts")
async def generate(call: Call) -> web.Response:
    """Have one made, in the background: 202 while it is, 200 where it is there or cannot be."""
    year, me, world = _year(call), call.viewer.actor_id, call.context.world
    row = await _load(call, year)
    state = await load_state(call.context, me, year, row)
    if state is State.ELIGIBLE:
        asked = {"id": world.ids.next(), "actor_id": me, "year": year, "asked_ms": world.clock.now_ms()}
        await call.context.writer.run(lambda: queries.ask(asked))
        row = await _load(call, year)
        call.request.app[MAKING].begin(call.context, me, year)
    elif state is not State.GENERATING:
        return call.json({})
    if row is not None:
        _announce(call, row["id"])
    return call.json({}, 202)


def _announce(call: Call, report_id: int) -> None:
    call.headers[HEADER] = f'id="{PREFIX}{report_id}", retry={RETRY_S}, result_count=0'


def _year(call: Call) -> int:
    given = call.request.match_info["year"]
    if not _YEAR.fullmatch(given) or not FIRST_YEAR <= int(given) <= LAST_YEAR:
        raise not_found()
    return int(given)


async def _load(call: Call, year: int) -> Any:
    return await call.context.database.fetch_one(queries.ONE, actor_id=call.viewer.actor_id, year=year)


async def _require(call: Call) -> Any:
    row = await _load(call, _year(call))
    if row is None or row["data"] is None:
        raise not_found()
    return row


async def _answer(call: Call, rows: Sequence[Any]) -> web.Response:
    context, me = call.context, call.viewer.actor_id
    found = [(row, orjson.loads(row["data"])) for row in rows]
    named = [int(id_) for _, data in found for id_ in data["top_statuses"].values() if id_ is not None]
    statuses = await render_by_id(context, me, named)
    accounts = await load_account_list(context.database, [me] if found else [])
    reports = [
        {
            "year": row["year"],
            "data": data,
            "schema_version": _SCHEMA_VERSION,
            "share_url": None,
            "account_id": str(me),
        }
        for row, data in found
    ]
    body = {
        "annual_reports": reports,
        "accounts": [render_account(account, context) for account in accounts],
        "statuses": orjson.Fragment(join(statuses.values())),
    }
    return call.json(orjson.dumps(body))
