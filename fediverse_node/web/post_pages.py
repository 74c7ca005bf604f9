"""The page of a post: /@name/id, with the whole conversation around it; servers get the object there.

Whoever wrote it and is signed in also sees what became of it at other servers, and what is not for everybody.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from fediverse_node.base.ids import SEQUENCE_BITS
from fediverse_node.delivery.receipts import load_receipts
from fediverse_node.storage.queries.federation_documents import OBJECT_BY_ID, OPEN
from fediverse_node.storage.queries.public_pages import ANCESTORS, THREAD_AFTER
from fediverse_node.storage.queries.threads import load_completeness, load_held
from fediverse_node.web import problems, responses
from fediverse_node.web.context import WEB, WebContext
from fediverse_node.web.gate import ANYBODY, are_shown, is_its_author, is_shown, may_show
from fediverse_node.web.link_cards import with_all
from fediverse_node.web.local_actors import load_object
from fediverse_node.web.objects import missing_object, object_response, shown_object
from fediverse_node.web.post_views import PostView, post_view, title_of
from fediverse_node.web.receipt_views import ReceiptsView, receipts_view
from fediverse_node.web.rich_text import excerpt
from fediverse_node.web.templating import PAGES
from fediverse_node.web.thread_views import Account, account_of, nest

Row = Any
_THREAD_LIMIT = 300
_DESCRIPTION_CHARACTERS = 300
# Ids go by the clocks of others: an answer may seem to be older than what it answers.
_CLOCKS_DIFFER = 3_600_000 << SEQUENCE_BITS


async def get_post(request: web.Request) -> web.Response:
    """GET /@{name}/{id}."""
    if responses.wants_document(request):
        shown = await shown_object(request)
        return await missing_object(request) if shown is None else await object_response(request, shown)
    context = request.app[WEB]
    row = await load_object(context, request.match_info["name"], request.match_info["id"])
    is_own = row is not None and await is_its_author(request, row)
    if row is None or not (is_own or await is_shown(request, row)):
        return await missing_object(request)
    if row["announce_of_id"] is not None:
        return await _to_announced(request, row)
    if request.match_info["name"] != row["author_username"]:
        return responses.see_other_page(f"/@{row['author_username']}/{row['id']}", permanent=True)
    if not is_own:
        return responses.page(request, await _render(request, context, row))
    receipts = receipts_view(await load_receipts(context.database, row["id"]), context.world.clock.now_ms())
    return responses.own_page(await _render(request, context, row, receipts))


async def _to_announced(request: web.Request, row: Row) -> web.Response:
    context = request.app[WEB]
    target = await context.database.fetch_one(OBJECT_BY_ID, object_id=row["announce_of_id"])
    if target is None or not may_show(target, ANYBODY):
        return problems.not_found(request)
    view = post_view(target, context.names, context.world.clock.now_ms())
    return responses.see_other_page(view.link) if view.link else problems.not_found(request)


async def _render(request: web.Request, context: WebContext, row: Row, receipts: ReceiptsView | None = None) -> str:
    names, now_ms = context.names, context.world.clock.now_ms()
    [post] = await with_all(context, [post_view(row, names, now_ms)])
    above = await context.database.fetch(ANCESTORS, object_id=row["id"]) if row["in_reply_to_id"] else []
    before = _chain(row, await are_shown(request, above))
    after = [] if row["thread_id"] is None else await _load_after(request, context, row)
    parents = {other["id"]: other["in_reply_to_id"] for other in after}
    picture = _picture(post)
    return request.app[PAGES].render(
        "post.html",
        post=post,
        title=title_of(post),
        description=_description(post),
        url=names.object_page(row["author_username"], row["id"]),
        author_url=names.profile_page(row["author_username"]),
        document=row["uri"],
        oembed_url=_oembed_url(context, row),
        image=context.config.base_url + picture[0] if picture else None,
        image_description=picture[1] if picture else "",
        large=picture is not None and picture[0] != post.person.avatar,
        before=await with_all(context, [post_view(other, names, now_ms) for other in before]),
        nodes=nest(row["id"], await with_all(context, [post_view(other, names, now_ms) for other in after]), parents),
        is_cut=len(after) == _THREAD_LIMIT,
        account=await _account(context, row, [*above, *after], now_ms),
        receipts=receipts,
    )


async def _account(context: WebContext, row: Row, others: list[Row], now_ms: int) -> Account | None:
    """How much of the conversation is here; because it is read, others may be asked for more."""
    thread_id = row["thread_id"]
    held, has_outside = await load_held(context.database, thread_id) if thread_id is not None else (0, False)
    if not has_outside:
        return None
    known, walk = await load_completeness(context.database, thread_id, held, now_ms)
    wanted = None
    if context.readers is not None:
        newest_ms = max(other["published_ms"] for other in (row, *others))
        wanted = context.readers.look(thread_id, walk, newest_ms=newest_ms, is_stranger=True)
    return account_of(known, is_asking=known.is_running or wanted is not None, now_ms=now_ms)


async def _load_after(request: web.Request, context: WebContext, row: Row) -> list[Row]:
    found = await context.database.fetch(
        THREAD_AFTER, thread_id=row["thread_id"], after=max(row["id"] - _CLOCKS_DIFFER, 0), limit=_THREAD_LIMIT
    )
    return await are_shown(request, found)


def _chain(row: Row, above: list[Row]) -> list[Row]:
    """What led to the post, the first first: by who answers whom, not by the clocks of others."""
    by_id = {other["id"]: other for other in above}
    chain: list[Row] = []
    parent = row["in_reply_to_id"]
    while parent in by_id:
        other = by_id.pop(parent)
        chain.append(other)
        parent = other["in_reply_to_id"]
    # What lies beyond a post that is not shown comes first, in its order.
    return [*sorted(by_id.values(), key=lambda other: int(other["id"])), *reversed(chain)]


def _oembed_url(context: WebContext, row: Row) -> str | None:
    """Where other sites learn how to show the post; None where it is not for everybody.  spec: oembed#section4"""
    if row["visibility"] > OPEN:
        return None
    page = context.names.object_page(row["author_username"], row["id"])
    return f"{context.config.base_url}/api/oembed?{urlencode({'url': page})}"


def _description(post: PostView) -> str:
    """What previews elsewhere show: of what stands behind a warning only the warning."""
    return excerpt(post.plain_warning or post.plain, _DESCRIPTION_CHARACTERS)


def _picture(post: PostView) -> tuple[str, str] | None:
    """Path and description of the picture for previews: the post's own, unless it is sensitive, or its author's."""
    if not post.sensitive and not post.plain_warning:
        for item in post.media:
            if item.kind == "image" and item.source:
                return item.preview or item.source, item.description
    return (post.person.avatar, post.person.avatar_description) if post.person.avatar else None
