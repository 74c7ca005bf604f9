"""Invitations: /invite/{code} says who invites, and how one signs up; apps ask the same address for JSON."""

from __future__ import annotations

from aiohttp import web

from fediverse_node.storage.queries.invites import OPEN
from fediverse_node.web import problems, responses
from fediverse_node.web.context import WEB
from fediverse_node.web.local_actors import load_actor
from fediverse_node.web.people_views import person_of
from fediverse_node.web.templating import PAGES

_LONGEST = 100


async def get_invite(request: web.Request) -> web.Response:
    """GET /invite/{code}: 404 for one that holds no more, the same as for one that never was."""
    context, code = request.app[WEB], request.match_info["code"]
    if len(code) > _LONGEST or not code.isprintable():
        return problems.not_found(request)
    row = await context.database.fetch_one(OPEN, code=code, now_ms=context.world.clock.now_ms())
    owner = await load_actor(context, row["username"]) if row is not None else None
    if row is None or owner is None:
        return problems.not_found(request)
    if _wants_json(request):
        # As Mastodon answers apps that were opened by an invitation.
        body = {"invite_code": row["code"], "instance_api_url": f"{context.config.base_url}/api/v2/instance"}
        response = responses.json(request, body)
    else:
        html = request.app[PAGES].render(
            "invite.html",
            inviter=person_of(owner, context.config.base_url, prefix=""),
            code=row["code"],
            url=context.names.invite_page(row["code"]),
        )
        response = responses.own_page(html)
    response.headers["Cache-Control"] = responses.PRIVATE
    return response


def _wants_json(request: web.Request) -> bool:
    accepted = request.headers.get("Accept", "").lower()
    return "application/json" in accepted and "text/html" not in accepted
