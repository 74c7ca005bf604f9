"""What posts on a page quote: the quoted post in short, or why it is not shown.

Pages are for everybody, so a quote is shown only where its author agreed and everybody may read what is quoted. What a
quoted post quotes itself is left to its own page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from fediverse_node.domain.model import Approval
from fediverse_node.storage.queries.federation_documents import OBJECTS_BY_IDS
from fediverse_node.storage.queries.quotes import STATES
from fediverse_node.storage.rows import APPROVAL_CODES
from fediverse_node.web.context import WebContext
from fediverse_node.web.gate import ANYBODY, shown
from fediverse_node.web.post_views import PostView, QuoteView, post_view, without_fallback

Row = Any
_ACCEPTED = APPROVAL_CODES[Approval.ACCEPTED]
_NOTES = {
    APPROVAL_CODES[Approval.PENDING]: "A quoted post is not shown: its author has not agreed yet.",
    APPROVAL_CODES[Approval.REJECTED]: "A quoted post is not shown: its author did not agree.",
    APPROVAL_CODES[Approval.REVOKED]: "A quoted post is not shown: its author does not agree any more.",
    APPROVAL_CODES[Approval.DELETED]: "The quoted post was deleted.",
}
_NOT_OPEN = "The quoted post is not for everybody."


async def with_quotes(context: WebContext, views: Sequence[PostView]) -> list[PostView]:
    """The same posts, those that quote with their quotes."""
    rows = await context.database.fetch(STATES, ids=[view.id for view in views]) if views else []
    if not rows:
        return list(views)
    wanted = [row["quoted_id"] for row in rows if row["state"] == _ACCEPTED and row["quoted_id"] is not None]
    found = shown(await context.database.fetch(OBJECTS_BY_IDS, ids=wanted), ANYBODY) if wanted else []
    posts = {row["id"]: row for row in found}
    quotes = {row["object_id"]: _quote(row, posts, context) for row in rows}
    return [_quoting(view, quotes.get(view.id)) for view in views]


def _quote(row: Row, posts: dict[int, Row], context: WebContext) -> QuoteView:
    if row["state"] != _ACCEPTED:
        return QuoteView(None, _NOTES[row["state"]])
    quoted = posts.get(row["quoted_id"])
    if quoted is None:
        return QuoteView(None, _NOT_OPEN)
    view = post_view(quoted, context.names, context.world.clock.now_ms())
    return QuoteView(replace(view, anchor=f"quoted-{row['object_id']}"), "")


def _quoting(view: PostView, quote: QuoteView | None) -> PostView:
    if quote is None:
        return view
    # The link that stands for the quote elsewhere says nothing more where the quote itself is seen.
    return replace(without_fallback(view), quote=quote) if quote.post is not None else replace(view, quote=quote)
