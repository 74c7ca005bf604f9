"""The front page: what this server is, who is here, how to take part."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from fediverse_node.base.config_values import Registration
from fediverse_node.protocol.html import to_plain_text
from fediverse_node.storage.queries.public_pages import PEOPLE
from fediverse_node.web import responses
from fediverse_node.web.context import WEB
from fediverse_node.web.nodeinfo import USAGE_COUNTS, load_usage
from fediverse_node.web.people_views import Person, person_of
from fediverse_node.web.rich_text import excerpt
from fediverse_node.web.templating import PAGES

_PEOPLE_LIMIT = 24
_ABOUT_CHARACTERS = 120
_JOINING = {
    Registration.OPEN: "Everybody can make an account here, with any Mastodon app.",
    Registration.APPROVAL: "Ask for an account with any Mastodon app; somebody here looks at each request.",
    Registration.INVITE: "New members come by invitation.",
    Registration.CLOSED: "This server takes no new members at the moment. Any other fediverse server reaches us, too.",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """Somebody on the list, with the beginning of what they say about themselves."""

    person: Person
    about: str


async def get_front(request: web.Request) -> web.Response:
    """GET /."""
    context = request.app[WEB]
    rows = await context.database.fetch(PEOPLE, host=context.config.host, limit=_PEOPLE_LIMIT)
    people = [
        Entry(
            person_of(row, context.config.base_url, prefix=""),
            excerpt(to_plain_text(row["summary"]), _ABOUT_CHARACTERS),
        )
        for row in rows
        if row["uri"] != context.names.instance_actor
    ]
    html = request.app[PAGES].render(
        "front.html",
        url=context.config.base_url + "/",
        people=people,
        usage=await load_usage(context, request.app[USAGE_COUNTS]),
        joining=_JOINING[context.config.registration],
    )
    return responses.page(request, html)
