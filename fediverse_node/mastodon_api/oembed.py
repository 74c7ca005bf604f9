"""What another site shows in the place of a link to a post of this server.  spec: oembed#section2, #section3

A quotation with a link, in plain HTML: no frame and no script, so that whoever reads the other site is not seen here.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from aiohttp import web

from fediverse_node.mastodon_api.context import Context
from fediverse_node.mastodon_api.entities.moments import render_moment
from fediverse_node.mastodon_api.errors import ApiError, bad_request, not_found
from fediverse_node.mastodon_api.own_posts import find_open_posts
from fediverse_node.mastodon_api.routing import Call, Routes

routes = Routes()
_WIDTH = 400
_KEPT_S = 86_400
_PATH = "/api/oembed"


@routes.get(_PATH)
async def show(call: Call) -> web.Response:
    """A post that everybody may read; 404 for all else."""
    url = call.params.text("url", "")
    if not url:
        raise bad_request("url is missing")
    if call.params.text("format", "json").lower() != "json":
        raise ApiError(501, "Only JSON is served here")
    width, height = _side(call, "maxwidth"), _side(call, "maxheight")
    found = await find_open_posts(call.context, [url])
    if not found:
        raise not_found()
    call.headers["Cache-Control"] = "public, max-age=60"
    return call.json(_render(found[0], call.context, width or _WIDTH, height))


def _side(call: Call, name: str) -> int | None:
    given = call.params.number(name)
    if given is not None and given < 1:
        raise bad_request(f"{name} must be a positive number")
    return given


def _render(row: Mapping[str, Any], context: Context, width: int, height: int | None) -> dict[str, Any]:
    names, config = context.world.names, context.config
    author = row["author_name"] or row["author_username"]
    author_url = names.profile_page(row["author_username"])
    page = names.object_page(row["author_username"], row["id"])
    said = f"<p>{escape(row['summary'])}</p>" if row["summary"] else row["content"]
    moment = render_moment(row["published_ms"])
    signature = (
        f'<p>— {escape(author)} (<a href="{escape(author_url)}">@{escape(row["author_username"])}@{names.host}</a>), '
        f'<a href="{escape(page)}"><time datetime="{moment}">{moment[:10]}</time></a></p>'
    )
    language = f' lang="{escape(row["language"])}"' if row["language"] else ""
    return {
        "type": "rich",
        "version": "1.0",
        "title": f"{author} (@{row['author_username']}@{names.host})",
        "author_name": author,
        "author_url": author_url,
        "provider_name": config.title,
        "provider_url": config.base_url + "/",
        "cache_age": _KEPT_S,
        "html": f'<blockquote cite="{escape(page)}"{language}>{said}{signature}</blockquote>',
        "width": width,
        "height": height,
    }
