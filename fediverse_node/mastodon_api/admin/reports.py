"""Reports, worked through.  spec: mastodon-client-api#admin-reports"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import orjson
from aiohttp import web

from fediverse_node.base.ids import SEQUENCE_BITS
from fediverse_node.domain.roles import Permission
from fediverse_node.mastodon_api.admin.people import render_people
from fediverse_node.mastodon_api.admin.permissions import moderation_of, needs
from fediverse_node.mastodon_api.context import Context
from fediverse_node.mastodon_api.entities.moments import render_moment, render_moment_or_none
from fediverse_node.mastodon_api.errors import invalid, not_found
from fediverse_node.mastodon_api.fragments import render_for_moderators
from fediverse_node.mastodon_api.params import parse_id
from fediverse_node.mastodon_api.routing import Call, Routes
from fediverse_node.storage.queries import admin_reports as queries
from fediverse_node.storage.queries.moderation import note_act
from fediverse_node.storage.unit import Unit

routes = Routes()

_DEFAULT, _MAXIMUM = 100, 200
_READ, _WRITE = "admin:read:reports", "admin:write:reports"
_CATEGORIES = ("spam", "legal", "violation", "other")


@routes.get("/api/v1/admin/reports", scope=_READ)
@needs(Permission.MANAGE_REPORTS)
async def show_all(call: Call) -> web.Response:
    """Those that are open, or with `resolved` those that are done with."""
    conditions = {"resolved" if call.params.flag("resolved", False) else "open"}
    values: dict[str, int] = {}
    for name, ours in (("account_id", "actor_id"), ("target_account_id", "target_id")):
        if text := call.params.text(name):
            values[ours] = parse_id(text) or 0
    page = call.asked(_DEFAULT, _MAXIMUM)
    rows = await queries.listing(frozenset(conditions | values.keys())).load(call.context.database, page, **values)
    return call.page_of(await _render(call.context, rows), rows, page)


@routes.get("/api/v1/admin/reports/{id}", scope=_READ)
@needs(Permission.MANAGE_REPORTS)
async def show(call: Call) -> web.Response:
    """One report."""
    return await _answer(call, call.id())


@routes.put("/api/v1/admin/reports/{id}", scope=_WRITE)
@routes.patch("/api/v1/admin/reports/{id}", scope=_WRITE)
@needs(Permission.MANAGE_REPORTS)
async def update(call: Call) -> web.Response:
    """What kind of report it is; what is not given stays."""
    report = await _require(call)
    category = call.params.text("category") or report["category"]
    if category not in _CATEGORIES:
        raise invalid("Category is not included in the list")
    rule_ids = list(dict.fromkeys(call.params.list("rule_ids")))
    if rule_ids:
        # This server has no written rules yet, so none can be meant.
        raise invalid("Rules does not reference valid rules")
    kept = report["rule_ids"] if category == "violation" and "rule_ids" not in call.params else "[]"
    now_ms, id_ = call.context.world.clock.now_ms(), report["id"]
    return await _change(
        call, report, "update", lambda: queries.classify(id_, category, kept, now_ms), category=category
    )


@routes.post("/api/v1/admin/reports/{id}/assign_to_self", scope=_WRITE)
@needs(Permission.MANAGE_REPORTS)
async def assign(call: Call) -> web.Response:
    """The moderator who asks takes it on."""
    report, now_ms, by_id = await _require(call), call.context.world.clock.now_ms(), call.viewer.actor_id
    return await _change(call, report, "assign_to_self", lambda: queries.assign(report["id"], by_id, now_ms))


@routes.post("/api/v1/admin/reports/{id}/unassign", scope=_WRITE)
@needs(Permission.MANAGE_REPORTS)
async def unassign(call: Call) -> web.Response:
    """Nobody has taken it on any more."""
    report, now_ms = await _require(call), call.context.world.clock.now_ms()
    return await _change(call, report, "unassign", lambda: queries.assign(report["id"], None, now_ms))


@routes.post("/api/v1/admin/reports/{id}/resolve", scope=_WRITE)
@needs(Permission.MANAGE_REPORTS)
async def resolve(call: Call) -> web.Response:
    """It is done with."""
    report, now_ms, by_id = await _require(call), call.context.world.clock.now_ms(), call.viewer.actor_id
    return await _change(call, report, "resolve", lambda: queries.resolve(report["id"], by_id, now_ms))


@routes.post("/api/v1/admin/reports/{id}/reopen", scope=_WRITE)
@needs(Permission.MANAGE_REPORTS)
async def reopen(call: Call) -> web.Response:
    """It is not."""
    report, now_ms = await _require(call), call.context.world.clock.now_ms()
    return await _change(call, report, "reopen", lambda: queries.reopen(report["id"], now_ms))


async def _require(call: Call) -> Any:
    row = await call.context.database.fetch_one(queries.REPORT, id=call.id())
    if row is None:
        raise not_found()
    return row


async def _change(call: Call, report: Any, act: str, change: Callable[[], Unit[None]], **details: Any) -> web.Response:
    row = moderation_of(call.context).act_row(call.viewer.actor_id, act, "report", report["id"], **details)

    def unit() -> Unit[None]:
        yield from change()
        yield from note_act(row)

    await call.context.writer.run(unit)
    return await _answer(call, report["id"])


async def _answer(call: Call, id_: int) -> web.Response:
    row = await call.context.database.fetch_one(queries.REPORT, id=id_)
    rendered = await _render(call.context, [row] if row is not None else [])
    if not rendered:
        raise not_found()
    return call.json(rendered[0])


async def _render(context: Context, rows: Sequence[Any]) -> list[dict[str, Any]]:
    """Admin::Report entities. One whose people were deleted meanwhile is left out: there is nobody to decide about."""
    ids = {row[name] for row in rows for name in ("actor_id", "target_id", "assigned_id", "resolved_by_id")}
    people = await render_people(context, (id_ for id_ in ids if id_ is not None))
    statuses = await render_for_moderators(context, _reported(rows))
    return [
        _report(row, people, [orjson.Fragment(statuses[id_]) for id_ in _object_ids(row) if id_ in statuses])
        for row in rows
        if row["actor_id"] in people and row["target_id"] in people
    ]


def _object_ids(row: Any) -> list[int]:
    return [int(id_) for id_ in orjson.loads(row["object_ids"])]


def _reported(rows: Iterable[Any]) -> list[int]:
    return [id_ for row in rows for id_ in _object_ids(row)]


def _report(row: Any, people: dict[int, dict[str, Any]], statuses: list[orjson.Fragment]) -> dict[str, Any]:
    created_ms = row["id"] >> SEQUENCE_BITS
    return {
        "id": str(row["id"]),
        "action_taken": row["resolved_ms"] is not None,
        "action_taken_at": render_moment_or_none(row["resolved_ms"]),
        "category": row["category"],
        "comment": row["comment"],
        "forwarded": bool(row["forwarded"]),
        "created_at": render_moment(created_ms),
        "updated_at": render_moment(row["updated_ms"] or created_ms),
        "account": people[row["actor_id"]],
        "target_account": people[row["target_id"]],
        "assigned_account": people.get(row["assigned_id"]),
        "action_taken_by_account": people.get(row["resolved_by_id"]),
        "statuses": statuses,
        "rules": [],
    }
