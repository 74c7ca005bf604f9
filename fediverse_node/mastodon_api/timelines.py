"""Timelines: home, public, hashtags, lists, one account's, bookmarks and favourites.

spec: mastodon-client-api#timelines
A page is two queries and bytes put together (fragments.py). `Link` goes by the rows that were read, so that a
page from which a filter took everything still leads on.
"""

from __future__ import annotations

from typing import Any

from aiohttp import web

from fediverse_node.mastodon_api.accounts import note_opened
from fediverse_node.mastodon_api.errors import not_found
from fediverse_node.mastodon_api.fragments import join, render_statuses
from fediverse_node.mastodon_api.routing import Call, Routes
from fediverse_node.mastodon_api.scheduled import page_of
from fediverse_node.mastodon_api.tags import normalise
from fediverse_node.protocol.uris import strip_fragment
from fediverse_node.storage.queries import link_previews
from fediverse_node.storage.queries import statuses as statuses_queries
from fediverse_node.storage.queries import tags as tags_queries
from fediverse_node.storage.queries import timelines as queries
from fediverse_node.storage.queries.accounts import load_account

routes = Routes()
_DEFAULT, _MAXIMUM = 20, 40
_MOST_TAGS = 20


async def answer(
    call: Call, list_: queries.Keyset, *, where: str = "", only_when_full: bool = False, **values: Any
) -> web.StreamResponse:
    """A page of statuses."""
    context, viewer_id = call.context, call.viewer_id
    page = page_of(call, _DEFAULT, _MAXIMUM)
    if page.limit == 0:
        return call.json(b"[]")
    entries = await list_.load(
        context.database,
        page,
        viewer_id=viewer_id or statuses_queries.NOBODY,
        now_ms=context.world.clock.now_ms(),
        **values,
    )
    rendered = join(await render_statuses(context, viewer_id, entries, where=where))
    if not entries:
        return call.page(rendered, first_id=None, last_id=None)
    full = len(entries) >= page.limit or not only_when_full
    return call.page(rendered, first_id=entries[0]["cursor"], last_id=entries[-1]["cursor"], full=full)


@routes.get("/api/v1/timelines/home", scope="read:statuses")
async def home(call: Call) -> web.StreamResponse:
    """spec: mastodon-client-api#GET/api/v1/timelines/home"""
    return await answer(call, queries.HOME, where="home")


@routes.get("/api/v1/timelines/public", scope="read:statuses", anonymous=True, app=True)
async def public(call: Call) -> web.StreamResponse:
    """spec: mastodon-client-api#GET/api/v1/timelines/public"""
    params = call.params
    list_ = queries.PUBLIC
    if params.flag("local", False):
        list_ = queries.PUBLIC_LOCAL
    elif params.flag("remote", False):
        list_ = queries.PUBLIC_REMOTE
    return await answer(call, list_, only_media=int(params.flag("only_media", False)))


@routes.get("/api/v1/timelines/tag/{name}", scope="read:statuses", anonymous=True, app=True)
async def tag(call: Call) -> web.StreamResponse:
    """spec: mastodon-client-api#GET/api/v1/timelines/tag/:hashtag"""
    params = call.params
    name = normalise(call.request.match_info["name"])
    any_of, all_of, none_of = (
        [normalise(given) for given in params.list(kind)[:_MOST_TAGS]] for kind in ("any", "all", "none")
    )
    rows = await call.context.database.fetch(tags_queries.BY_NAMES, names=[name, *any_of, *all_of, *none_of])
    ids = {row["name"]: row["id"] for row in rows}
    wanted_all = set(all_of)
    all_ids = [ids[n] for n in wanted_all if n in ids]
    options: dict[str, Any] = {
        "only_media": int(params.flag("only_media", False)),
        "only_local": int(params.flag("local", False)),
        "all_ids": all_ids,
        "all_count": len(wanted_all),  # one that nobody ever used matches nothing
        "none_ids": (none_ids := [ids[n] for n in set(none_of) if n in ids]),
        "none_count": len(none_ids),
    }
    any_ids = [ids[n] for n in {name, *any_of} if n in ids]
    if len(any_ids) == 1:
        return await answer(call, queries.TAG, tag_id=any_ids[0], **options)
    return await answer(call, queries.ANY_TAG, any_ids=any_ids, **options)


@routes.get("/api/v1/timelines/list/{id}", scope="read:lists")
async def list_timeline(call: Call) -> web.StreamResponse:
    """spec: mastodon-client-api#GET/api/v1/timelines/list/:list_id"""
    list_id = call.id()
    owner = call.viewer.actor_id
    if await call.context.database.fetch_one(queries.LIST_OWNER, list_id=list_id, viewer_id=owner) is None:
        raise not_found()
    return await answer(call, queries.LIST, where="home", list_id=list_id)


@routes.get("/api/v1/timelines/link", scope="read:statuses", anonymous=True, app=True)
async def link(call: Call) -> web.StreamResponse:
    """Statuses with a card of this page; 404 when nobody known here has linked to it."""
    url = strip_fragment(call.params.text("url", "").strip())
    row = await call.context.database.fetch_one(link_previews.BY_URL, url=url) if url else None
    if row is None:
        raise not_found()
    return await answer(call, queries.LINK, preview_id=row["id"])


@routes.get("/api/v1/accounts/{id}/statuses", scope="read:statuses", anonymous=True)
async def of_account(call: Call) -> web.StreamResponse:
    """spec: mastodon-client-api#GET/api/v1/accounts/:id/statuses"""
    actor_id, params = call.id(), call.params
    account = await load_account(call.context.database, actor_id)
    if account is None:
        raise not_found()
    if params.flag("pinned", False):
        note_opened(call, account)
        return await answer(call, queries.PINNED, actor_id=actor_id)
    tag_id = 0
    tagged = params.text("tagged")
    if tagged:
        row = await call.context.database.fetch_one(tags_queries.BY_NAMES, names=[normalise(tagged)])
        if row is None:
            return call.json(b"[]")
        tag_id = row["id"]
    return await answer(
        call,
        queries.ACTOR,
        actor_id=actor_id,
        tag_id=tag_id,
        only_media=int(params.flag("only_media", False)),
        exclude_replies=int(params.flag("exclude_replies", False)),
        exclude_reblogs=int(params.flag("exclude_reblogs", False)),
    )


@routes.get("/api/v1/bookmarks", scope="read:bookmarks")
async def bookmarks(call: Call) -> web.StreamResponse:
    """spec: mastodon-client-api#GET/api/v1/bookmarks"""
    return await answer(call, queries.BOOKMARKS, only_when_full=True)


@routes.get("/api/v1/favourites", scope="read:favourites")
async def favourites(call: Call) -> web.StreamResponse:
    """spec: mastodon-client-api#GET/api/v1/favourites"""
    return await answer(call, queries.FAVOURITES, only_when_full=True)
