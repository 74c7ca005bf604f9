"""Tell the moderators about somebody.  spec: mastodon-client-api#reports"""

from __future__ import annotations

from aiohttp import web

from fediverse_node.domain.effects import Refuse
from fediverse_node.mastodon_api.accounts import require_account
from fediverse_node.mastodon_api.entities.account import render_account
from fediverse_node.mastodon_api.entities.moments import render_moment
from fediverse_node.mastodon_api.errors import invalid, unprocessable
from fediverse_node.mastodon_api.limits import REPORTS
from fediverse_node.mastodon_api.routing import Call, Routes
from fediverse_node.storage.queries.reports import AUTHORED

routes = Routes()

_CATEGORIES = ("spam", "legal", "violation", "other")
_LONGEST_COMMENT = 1000
_MOST_STATUSES = 100


@routes.post("/api/v1/reports", scope="write:reports")
async def create(call: Call) -> web.Response:
    """Report an account, with posts of it. `forward` also tells its own server."""
    call.take(REPORTS)
    params = call.params
    account = await require_account(call.context, params.id("account_id"))
    comment = (params.text("comment") or "").strip()
    if len(comment) > _LONGEST_COMMENT:
        raise invalid(f"Comment is too long (maximum is {_LONGEST_COMMENT} characters)")
    rule_ids = tuple(params.list("rule_ids"))
    category = params.text("category") or ("violation" if rule_ids else "other")
    if category not in _CATEGORIES:
        raise invalid("Category is not included in the list")
    if rule_ids:
        # This server has no written rules yet, so none can be meant.
        raise invalid("Rules does not reference valid rules")
    asked = params.ids("status_ids")[:_MOST_STATUSES]
    rows = await call.context.database.fetch(AUTHORED, actor_id=account["id"], ids=asked) if asked else []
    object_ids = [row["id"] for row in rows]
    forward = params.flag("forward", False) and not account["local"]
    outcome = await call.context.outbox.report(
        call.viewer.actor_id,
        account["id"],
        comment=comment,
        object_ids=object_ids,
        category=category,
        forward=forward,
    )
    if isinstance(outcome, Refuse):
        raise unprocessable(outcome.reason.sentence)
    return call.json(
        {
            "id": str(outcome),
            "action_taken": False,
            "action_taken_at": None,
            "category": category,
            "comment": comment,
            "forwarded": forward,
            "created_at": render_moment(call.context.world.clock.now_ms()),
            "status_ids": [str(id_) for id_ in object_ids],
            "collection_ids": [],
            "rule_ids": [],
            "target_account": render_account(account, call.context),
        }
    )
