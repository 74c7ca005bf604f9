"""Search: people, posts and hashtags; with `resolve` also what other servers have.  spec: mastodon-client-api#search

Words are looked for in what the person said, was told, liked or kept, and in what others let be found
(domain/searching.py).
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import orjson
from aiohttp import web

from fediverse_node.domain.names import Names
from fediverse_node.domain.search_words import by_author
from fediverse_node.mastodon_api.entities.account import render_account_json
from fediverse_node.mastodon_api.errors import bad_request, token_invalid
from fediverse_node.mastodon_api.fragments import join, render_by_id, render_statuses
from fediverse_node.mastodon_api.params import parse_id
from fediverse_node.mastodon_api.routing import Call, Routes
from fediverse_node.mastodon_api.search_query import parse_query, with_author_ids
from fediverse_node.mastodon_api.tags import normalise, render_tags
from fediverse_node.storage.queries import search as queries
from fediverse_node.storage.queries.accounts import (
    ID_BY_HANDLE,
    ID_BY_URI,
    load_account_list,
    search_accounts,
)
from fediverse_node.storage.queries.tags import BY_PREFIX as TAGS
from fediverse_node.storage.queries.tags import REVIEWED_BY_PREFIX as TAGS_REVIEWED

routes = Routes()
_DEFAULT, _MAXIMUM = 20, 40
_LONGEST_QUERY = 2048
_LARGEST_ID = (1 << 63) - 1
_HANDLE = re.compile(r"@?(?P<user>[\w.\-]{1,128})@(?P<host>[\w.\-]{1,253}(?::\d{1,5})?)")
_STATUS_PAGE = re.compile(r"/(?:@|users/)[\w.\-]+/(?:statuses/)?(?P<id>\d{1,19})/?")
_PROFILE_PAGE = re.compile(r"/(?:@|users/)(?P<user>[\w.\-]+)/?")


@routes.get("/api/v2/search", scope="read:search", anonymous=True)
async def search(call: Call) -> web.StreamResponse:
    """spec: mastodon-client-api#GET/api/v2/search"""
    params = call.params
    query = (params.text("q", "")).strip()[:_LONGEST_QUERY]
    if not query:
        raise bad_request("param is missing or the value is empty: q")
    resolve, offset = params.flag("resolve", False), params.number("offset", 0)
    if offset < 0:
        raise bad_request("Pagination values for `offset` and `limit` must be positive")
    if call.viewer_id is None and (resolve or offset):
        raise token_invalid()
    kind, limit = params.text("type"), call.limit(_DEFAULT, _MAXIMUM)
    # Without a type an offset means nothing: the lists have different lengths.
    offset = offset if kind else 0
    accounts, statuses, tags = b"[]", b"[]", b"[]"
    if query.startswith(("https://", "http://")):
        accounts, statuses = await _by_address(call, query, resolve=resolve)
    else:
        if kind in (None, "accounts"):
            accounts = await _accounts(call, query, limit, offset, resolve=resolve)
        if call.viewer_id is not None and (kind == "statuses" or (kind is None and not _is_name(query))):
            statuses = await _statuses(call, query, limit, offset)
        if kind in (None, "hashtags") and (kind or "@" not in query):
            tags = await _hashtags(call, query, limit, offset)
    return call.json(b'{"accounts":%b,"statuses":%b,"hashtags":%b}' % (accounts, statuses, tags))


def _is_name(query: str) -> bool:
    """Whether a hashtag or a handle is all that was typed: then nobody looks for words."""
    return " " not in query and (query.startswith(("#", "@")) or _HANDLE.fullmatch(query) is not None)


async def _accounts(call: Call, query: str, limit: int, offset: int, *, resolve: bool) -> bytes:
    database = call.context.database
    ids: list[int] = []
    handle = _HANDLE.fullmatch(query)
    if handle is not None and not offset:
        found = await _by_handle(call, handle["user"], handle["host"].lower(), resolve=resolve)
        ids += [found] if found is not None else []
    if not query.startswith("#"):
        ids += await search_accounts(
            database,
            query,
            viewer_id=call.viewer_id,
            limit=limit,
            offset=offset,
            following=bool(call.viewer_id and call.params.flag("following", False)),
        )
    rows = await load_account_list(database, list(dict.fromkeys(ids))[:limit])
    return join(render_account_json(row, call.context) for row in rows if row["suspended_ms"] is None)


async def _by_handle(call: Call, user: str, host: str, *, resolve: bool) -> int | None:
    row = await call.context.database.fetch_one(ID_BY_HANDLE, username=user.lower(), host=host)
    if row is not None:
        return int(row["id"])
    if not resolve or host == call.context.world.names.host:
        return None
    found = await call.context.find_handle(user, host)
    return found if isinstance(found, int) else None


async def _by_address(call: Call, url: str, *, resolve: bool) -> tuple[bytes, bytes]:
    """What stands at an address: an account or a status, known or, if asked to, fetched."""
    context, kind = call.context, call.params.text("type")
    if kind in (None, "statuses"):
        object_id = await _object_at(call, url, resolve=resolve)
        if object_id is not None:
            rendered = await render_by_id(context, call.viewer_id, [object_id])
            if rendered:
                return b"[]", join(rendered.values())
    if kind in (None, "accounts"):
        actor_id = await _actor_at(call, url, resolve=resolve)
        if actor_id is not None:
            rows = await load_account_list(context.database, [actor_id])
            return join(render_account_json(row, context) for row in rows if row["suspended_ms"] is None), b"[]"
    return b"[]", b"[]"


async def _object_at(call: Call, url: str, *, resolve: bool) -> int | None:
    row = await call.context.database.fetch_one(queries.ID_BY_URI, uri=url)
    if row is not None:
        return int(row["id"])
    names = call.context.world.names
    if names.is_ours(url):
        page = _STATUS_PAGE.fullmatch(_path_of(url, names))
        return parse_id(page["id"]) if page is not None else None
    if not resolve:
        return None
    found = await call.context.find_object(url)
    return found if isinstance(found, int) else None


async def _actor_at(call: Call, url: str, *, resolve: bool) -> int | None:
    database, names = call.context.database, call.context.world.names
    row = await database.fetch_one(ID_BY_URI, uri=url)
    if row is not None:
        return int(row["id"])
    if names.is_ours(url):
        page = _PROFILE_PAGE.fullmatch(_path_of(url, names))
        if page is None:
            return None
        row = await database.fetch_one(ID_BY_HANDLE, username=page["user"].lower(), host=names.host)
        return int(row["id"]) if row is not None else None
    if not resolve:
        return None
    found = await call.context.find_actor(url)
    return found if isinstance(found, int) else None


def _path_of(url: str, names: Names) -> str:
    try:
        return urlsplit(url.removeprefix(names.base_url)).path
    except ValueError:
        return ""


async def _statuses(call: Call, text: str, limit: int, offset: int) -> bytes:
    account_id, context, viewer_id = call.params.text("account_id"), call.context, call.viewer.actor_id
    query = parse_query(text)
    if query.is_nothing():
        return b"[]"
    wanted = with_author_ids(query, await _ids_of(call, {*query.authors, *query.without_authors}))
    if wanted is None:
        return b"[]"
    if account_id:
        wanted = replace(wanted, marks=(*wanted.marks, (by_author(parse_id(account_id) or 0),)))
    max_id, min_id = call.params.id("max_id"), call.params.id("min_id") or call.params.id("since_id")
    span = ((min_id or 0) + 1, _LARGEST_ID if max_id is None else max_id)
    entries = await queries.find_objects(
        context.database,
        replace(wanted, spans=(*wanted.spans, span)),
        viewer_id=viewer_id,
        now_ms=context.world.clock.now_ms(),
        limit=limit,
        offset=offset,
    )
    return join(await render_statuses(context, viewer_id, entries))


async def _ids_of(call: Call, handles: Collection[str]) -> dict[str, int]:
    """Whom handles name that are known here; `me` is whoever asks."""
    found: dict[str, int] = {}
    for handle in handles:
        if handle == "me":
            found[handle] = call.viewer.actor_id
            continue
        user, _, host = handle.partition("@")
        row = await call.context.database.fetch_one(
            ID_BY_HANDLE, username=user, host=host or call.context.world.names.host
        )
        if row is not None:
            found[handle] = int(row["id"])
    return found


async def _hashtags(call: Call, query: str, limit: int, offset: int) -> bytes:
    prefix = normalise(query)
    if not prefix or any(character.isspace() for character in prefix):
        return b"[]"
    # The last character there is closes the range of names that begin so.
    found = TAGS_REVIEWED if call.params.flag("exclude_unreviewed", False) else TAGS
    rows = await call.context.database.fetch(
        found, prefix=prefix, upper=prefix + "\U0010ffff", most=limit, skipped=offset
    )
    known: dict[str, Any] = {row["name"]: row for row in rows}
    return orjson.dumps(await render_tags(call.context, call.viewer_id, list(known), known))
