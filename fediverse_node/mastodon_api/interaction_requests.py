"""What waits for a person's approval: likes, answers and boosts of posts whose author wants to be asked.

spec: gotosocial-client-api#interaction_requests. Apps that do not know it approve an answer by liking, answering or
boosting it; see `domain/approvals.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
from aiohttp import web

from fediverse_node.domain.effects import Refusal
from fediverse_node.domain.model import Approval
from fediverse_node.mastodon_api.entities.account import render_account_json
from fediverse_node.mastodon_api.entities.moments import render_moment
from fediverse_node.mastodon_api.errors import bad_request, not_allowed, not_found
from fediverse_node.mastodon_api.fragments import join, render_by_id
from fediverse_node.mastodon_api.params import parse_id
from fediverse_node.mastodon_api.routing import Call, Routes
from fediverse_node.mastodon_api.scheduled import page_of
from fediverse_node.storage.queries import interaction_requests as queries
from fediverse_node.storage.queries.accounts import load_accounts
from fediverse_node.storage.rows import APPROVAL_CODES

routes = Routes()

_TYPES = {"like": "favourite", "reply": "reply", "announce": "reblog"}
_FLAGS = {"favourites": "like", "replies": "reply", "reblogs": "announce"}
_PENDING, _ACCEPTED = APPROVAL_CODES[Approval.PENDING], APPROVAL_CODES[Approval.ACCEPTED]


@routes.get("/api/v1/interaction_requests", scope="read:notifications")
async def list_requests(call: Call) -> web.StreamResponse:
    """What waits, newest first; `status_id`, `favourites`, `replies`, `reblogs` narrow it."""
    params = call.params
    kinds = [kind for flag, kind in _FLAGS.items() if params.flag(flag, True)]
    if not kinds:
        raise bad_request("at least one of favourites, replies, or reblogs must be true")
    status_id = params.text("status_id")
    page = page_of(call, 40, 80)
    rows = await queries.LIST.load(
        call.context.database,
        page,
        viewer_id=call.viewer.actor_id,
        kinds=kinds,
        state=_PENDING,
        status_id=(parse_id(status_id) or -1) if status_id else 0,
    )
    rendered = join(await _render(call, rows))
    first, last = (rows[0]["id"], rows[-1]["id"]) if rows else (None, None)
    return call.page(rendered, first_id=first, last_id=last, full=len(rows) >= page.limit)


@routes.get("/api/v1/interaction_requests/{id}", scope="read:notifications")
async def show(call: Call) -> web.StreamResponse:
    """One of them, also when it was answered."""
    return await _answer(call)


@routes.post("/api/v1/interaction_requests/{id}/authorize", scope="write:statuses")
async def authorize(call: Call) -> web.StreamResponse:
    """Yes."""
    return await _decide(call, accept=True)


@routes.post("/api/v1/interaction_requests/{id}/reject", scope="write:statuses")
async def reject(call: Call) -> web.StreamResponse:
    """No."""
    return await _decide(call, accept=False)


async def _decide(call: Call, *, accept: bool) -> web.StreamResponse:
    await _load(call)
    outcome = await call.context.outbox.answer_request(call.viewer.actor_id, call.id(), accept=accept)
    if outcome is not None and outcome.reason is not Refusal.ALREADY_DONE:
        raise not_allowed() if outcome.reason is Refusal.NOT_PERMITTED else not_found()
    return await _answer(call)


async def _load(call: Call) -> Any:
    row = await call.context.database.fetch_one(queries.ONE, id_=call.id(), viewer_id=call.viewer.actor_id)
    if row is None:
        raise not_found()
    return row


async def _answer(call: Call) -> web.StreamResponse:
    rendered = await _render(call, [await _load(call)])
    if not rendered:
        raise not_found()
    return call.json(rendered[0])


async def _render(call: Call, rows: Sequence[Any]) -> list[bytes]:
    context, viewer_id = call.context, call.viewer.actor_id
    ids = [id_ for row in rows for id_ in (row["target_id"], row["object_id"]) if id_ is not None]
    statuses = await render_by_id(context, viewer_id, ids)
    accounts = await load_accounts(context.database, [row["actor_id"] for row in rows])
    rendered = []
    for row in rows:
        account, status = accounts.get(row["actor_id"]), statuses.get(row["target_id"])
        if account is None or status is None:
            continue
        entity: dict[str, Any] = {
            "id": str(row["id"]),
            "type": _TYPES[row["kind"]],
            "created_at": render_moment(row["created_ms"]),
            "account": orjson.Fragment(render_account_json(account, context)),
            "status": orjson.Fragment(status),
        }
        if row["object_id"] in statuses:
            entity["reply"] = orjson.Fragment(statuses[row["object_id"]])
        if row["decided_ms"] is not None:
            name = "accepted_at" if row["state"] == _ACCEPTED else "rejected_at"
            entity[name] = render_moment(row["decided_ms"])
        rendered.append(orjson.dumps(entity))
    return rendered
