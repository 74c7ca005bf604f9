"""What could be put forward, for moderators to decide about.  spec: mastodon-client-api#admin-trends

Nothing is put forward on this server at the moment (mastodon_api/trends.py); what is decided is kept.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from aiohttp import web

from fediverse_node.domain.roles import Permission
from fediverse_node.mastodon_api.admin.permissions import moderation_of, needs
from fediverse_node.mastodon_api.admin.tags import decide, render_admin_tags, require_tag
from fediverse_node.mastodon_api.entities.preview_card import render_preview_card
from fediverse_node.mastodon_api.entities.tag import DAY_MS, HISTORY_DAYS
from fediverse_node.mastodon_api.errors import bad_request, not_found
from fediverse_node.mastodon_api.fragments import join, render_by_id
from fediverse_node.mastodon_api.routing import Call, Routes
from fediverse_node.storage.queries import admin_trends as queries
from fediverse_node.storage.queries.admin_figures import DAY_IDS
from fediverse_node.storage.queries.moderation import note_act
from fediverse_node.storage.statement import Statement
from fediverse_node.storage.unit import Unit

routes = Routes()

_Render = Callable[[Call, Sequence[Any]], Awaitable[Any]]


@routes.get("/api/v1/admin/trends/tags", scope="admin:read")
@needs(Permission.MANAGE_TAXONOMIES)
async def show_tags(call: Call) -> web.Response:
    """Hashtags that most people used in the last seven days."""
    return await _answer(call, queries.TAGS, 10, 20, render_admin_tags)


@routes.get("/api/v1/admin/trends/links", scope="admin:read")
@needs(Permission.MANAGE_TAXONOMIES)
async def show_links(call: Call) -> web.Response:
    """Pages to which most people linked."""
    return await _answer(call, queries.LINKS, 10, 20, _render_links)


@routes.get("/api/v1/admin/trends/statuses", scope="admin:read")
@needs(Permission.MANAGE_TAXONOMIES)
async def show_statuses(call: Call) -> web.Response:
    """Posts that were answered most."""
    return await _answer(call, queries.STATUSES, 20, 40, _render_statuses)


@routes.post("/api/v1/admin/trends/tags/{id}/approve", scope="admin:write")
@needs(Permission.MANAGE_TAXONOMIES)
async def approve_tag(call: Call) -> web.Response:
    """The hashtag may be put forward."""
    return await decide(call, await require_tag(call), "approve", {"trendable": True})


@routes.post("/api/v1/admin/trends/tags/{id}/reject", scope="admin:write")
@needs(Permission.MANAGE_TAXONOMIES)
async def reject_tag(call: Call) -> web.Response:
    """It may not."""
    return await decide(call, await require_tag(call), "reject", {"trendable": False})


@routes.post("/api/v1/admin/trends/links/{id}/approve", scope="admin:write")
@needs(Permission.MANAGE_TAXONOMIES)
async def approve_link(call: Call) -> web.Response:
    """The page may be put forward."""
    return await _decide_link(call, allowed=True)


@routes.post("/api/v1/admin/trends/links/{id}/reject", scope="admin:write")
@needs(Permission.MANAGE_TAXONOMIES)
async def reject_link(call: Call) -> web.Response:
    """It may not."""
    return await _decide_link(call, allowed=False)


@routes.post("/api/v1/admin/trends/statuses/{id}/approve", scope="admin:write")
@needs(Permission.MANAGE_TAXONOMIES)
async def approve_status(call: Call) -> web.Response:
    """The post may be put forward."""
    return await _decide_status(call, allowed=True)


@routes.post("/api/v1/admin/trends/statuses/{id}/reject", scope="admin:write")
@needs(Permission.MANAGE_TAXONOMIES)
async def reject_status(call: Call) -> web.Response:
    """It may not."""
    return await _decide_status(call, allowed=False)


async def _answer(call: Call, statement: Statement, default: int, maximum: int, render: _Render) -> web.Response:
    limit, skipped = call.limit(default, maximum), call.params.number("offset", 0)
    if skipped < 0:
        raise bad_request("Pagination values for `offset` and `limit` must be positive")
    rows = await call.context.database.fetch(
        statement, patient=True, since_id=_since(call), most=limit, skipped=min(skipped, 10_000)
    )
    if len(rows) == limit > 0:
        url = call.request.url.update_query(offset=skipped + limit, limit=limit)
        call.headers["Link"] = f'<{call.context.config.base_url}{url.raw_path_qs}>; rel="next"'
    return call.json(await render(call, rows))


def _since(call: Call) -> int:
    return (_today(call) - HISTORY_DAYS + 1) * DAY_IDS


def _today(call: Call) -> int:
    return call.context.world.clock.now_ms() // DAY_MS


async def _reviews(call: Call, kind: str, ids: Sequence[int]) -> set[int]:
    """Which of these were decided about."""
    targets = [str(id_) for id_ in ids]
    rows = await call.context.database.fetch(queries.REVIEWS, kind=kind, targets=targets) if targets else []
    return {int(row["target"]) for row in rows}


async def _render_links(call: Call, rows: Sequence[Any]) -> list[dict[str, Any]]:
    ids, today, context = [row["id"] for row in rows], _today(call), call.context
    use: dict[tuple[int, int], tuple[int, int]] = {}
    if ids:
        for row in await context.database.fetch(queries.LINK_USE, patient=True, ids=ids, since_id=_since(call)):
            use[row["preview_id"], row["day"]] = (row["uses"], row["accounts"])
    reviewed = await _reviews(call, "link", ids)
    rendered = []
    for row in rows:
        card = render_preview_card(row["card"], rejects_media=context.writer.domains.rejects_media)
        if card is None:
            continue
        history = []
        for day in range(today, today - HISTORY_DAYS, -1):
            uses, accounts = use.get((row["id"], day), (0, 0))
            history.append({"day": str(day * DAY_MS // 1000), "uses": str(uses), "accounts": str(accounts)})
        more = {"id": str(row["id"]), "history": history, "requires_review": row["id"] not in reviewed}
        rendered.append(card | more)
    return rendered


async def _render_statuses(call: Call, rows: Sequence[Any]) -> bytes:
    ids = [row["id"] for row in rows]
    statuses = await render_by_id(call.context, call.viewer.actor_id, ids)
    reviewed = await _reviews(call, "status", ids)
    ends = {id_: b',"requires_review":%b}' % (b"false" if id_ in reviewed else b"true") for id_ in ids}
    return join(statuses[id_][:-1] + ends[id_] for id_ in ids if id_ in statuses)


async def _decide_link(call: Call, *, allowed: bool) -> web.Response:
    row = await call.context.database.fetch_one(queries.LINK, id=call.id())
    if row is None:
        raise not_found()
    await _store(call, "link", row["id"], allowed=allowed)
    return call.json((await _render_links(call, [row]))[0])


async def _decide_status(call: Call, *, allowed: bool) -> web.Response:
    id_ = call.id()
    if id_ not in await render_by_id(call.context, call.viewer.actor_id, [id_]):
        raise not_found()
    await _store(call, "status", id_, allowed=allowed)
    return call.json((await _render_statuses(call, [{"id": id_}]))[1:-1])


async def _store(call: Call, kind: str, id_: int, *, allowed: bool) -> None:
    world, act = call.context.world, "approve" if allowed else "reject"
    line = moderation_of(call.context).act_row(call.viewer.actor_id, act, f"trending_{kind}", id_)
    row = {
        "id": world.ids.next(),
        "kind": kind,
        "target": str(id_),
        "allowed": allowed,
        "reviewed_ms": world.clock.now_ms(),
    }

    def unit() -> Unit[None]:
        yield from queries.review(row)
        yield from note_act(line)

    await call.context.writer.run(unit)
