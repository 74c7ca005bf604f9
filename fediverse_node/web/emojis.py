"""A custom emoji of ours, at its id.  spec: fep-9098#emoji-object"""

from __future__ import annotations

import mimetypes

from aiohttp import web

from fediverse_node.protocol.contexts import with_context
from fediverse_node.storage.queries.emojis import OURS_BY_SHORTCODE
from fediverse_node.web import problems, responses
from fediverse_node.web.context import WEB


async def get_emoji(request: web.Request) -> web.Response:
    """GET /emojis/{name}."""
    context, name = request.app[WEB], request.match_info["name"]
    row = await context.database.fetch_one(OURS_BY_SHORTCODE, shortcodes=[name]) if "\x00" not in name else None
    if row is None:
        return problems.not_found(request)
    icon = {"type": "Image", "mediaType": mimetypes.guess_type(row["url"])[0] or "image/png", "url": row["url"]}
    document = {"id": context.names.emoji(row["shortcode"]), "type": "Emoji", "name": f":{row['shortcode']}:"}
    return responses.activity(request, with_context({**document, "icon": icon}))
