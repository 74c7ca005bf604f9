"""Cards of the pages that posts link to: words alone, a link to the page. Its picture is on another server, and is not
loaded: that would tell it who reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from fediverse_node.protocol.link_preview import LinkPreview
from fediverse_node.storage.queries.link_previews import CARDS
from fediverse_node.web.context import WebContext
from fediverse_node.web.post_views import CardView, PostView
from fediverse_node.web.quote_views import with_quotes


async def with_cards(context: WebContext, views: Sequence[PostView]) -> list[PostView]:
    """The same posts, those that link to something with its card."""
    # A post with files or a quote shows these.
    plain = [view.id for view in views if not view.media and view.quote is None]
    rows = await context.database.fetch(CARDS, ids=plain) if plain else []
    cards = {row["object_id"]: _card(LinkPreview.load(row["card"])) for row in rows}
    return [replace(view, card=cards[view.id]) if view.id in cards else view for view in views]


async def with_all(context: WebContext, views: Sequence[PostView]) -> list[PostView]:
    """The same posts with what hangs on them: what they quote, and cards of what they link to."""
    return await with_cards(context, await with_quotes(context, views))


def _card(preview: LinkPreview) -> CardView:
    host = preview.url.partition("://")[2].partition("/")[0].removeprefix("www.")
    by = preview.author_name if preview.author_name != preview.provider_name else ""
    return CardView(preview.url, host, preview.title, preview.description, preview.provider_name, by)
