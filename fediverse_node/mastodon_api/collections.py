"""Collections (starter packs): people whom somebody recommends to follow.  spec: mastodon-client-api#collections

Only who lives here can be put in one so far: nobody elsewhere is asked yet whether they want to be.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlencode

from aiohttp import web

from fediverse_node.domain.recommending import MOST_ITEMS, FeaturedCollection
from fediverse_node.mastodon_api.accounts import require_account
from fediverse_node.mastodon_api.collection_views import load_items, render_collections
from fediverse_node.mastodon_api.context import Context
from fediverse_node.mastodon_api.entities.account import render_account
from fediverse_node.mastodon_api.entities.collection import render_collection, render_item
from fediverse_node.mastodon_api.errors import ApiError, bad_request, not_allowed, not_found, unprocessable
from fediverse_node.mastodon_api.routing import Call, Routes
from fediverse_node.protocol.language import is_language_tag
from fediverse_node.protocol.plain_text import extract_hashtags
from fediverse_node.storage.events import Notified
from fediverse_node.storage.queries import featured_collections as queries
from fediverse_node.storage.queries.accounts import load_account_list
from fediverse_node.storage.queries.statuses import NOBODY
from fediverse_node.storage.statement import Statement

routes = Routes()

_LONGEST_NAME, _LONGEST_DESCRIPTION = 40, 100
_FURTHEST = 100_000
_ONLY_DIGITS = re.compile(r"[\d_·]+")
Row = Mapping[str, Any]


@routes.post("/api/v1/collections", scope="write:collections")
async def create(call: Call) -> web.Response:
    """A new one, with people in it or without."""
    context, me = call.context, call.viewer.actor_id
    ids, now_ms = call.params.ids("account_ids"), context.world.clock.now_ms()
    if len(ids) != len(set(call.params.list("account_ids"))):
        raise unprocessable(queries.Hindrance.UNWILLING.value)
    number = context.world.ids.next
    row = {"id": number(), "actor_id": me, **_values(call, None), "created_ms": now_ms, "updated_ms": now_ms}
    items = [{"id": number(), "collection_id": row["id"], "actor_id": id_, "created_ms": now_ms} for id_ in ids]
    news = [(number(), id_) for id_ in ids if id_ != me]
    hindrance = await context.writer.run(lambda: queries.create(row, items, news))
    if hindrance is not None:
        raise unprocessable(hindrance.value)
    _tell(context, news)
    if row["discoverable"]:
        await context.outbox.tell_of_collection(me, await _whole(context, row["id"]), "Add")
    return await _answer(call, row["id"])


@routes.get("/api/v1/collections/{id}", scope="read:collections", anonymous=True)
async def show(call: Call) -> web.Response:
    """One, with the accounts in it and that of its owner."""
    row = await _require(call)
    items = (await load_items(call.context, call.viewer_id, [row]))[row["id"]]
    ids = dict.fromkeys((row["actor_id"], *(item["actor_id"] for item in items)))
    accounts = await load_account_list(call.context.database, ids)
    return call.json(
        {
            "accounts": [render_account(account, call.context) for account in accounts],
            "collection": render_collection(row, items, call.context.world.names),
        }
    )


@routes.get("/api/v1/accounts/{id}/collections", scope="read:collections", anonymous=True)
async def show_of_account(call: Call) -> web.Response:
    """Those that an account shows on its profile; its owner finds also those that are not shown there."""
    account = await require_account(call.context, call.id())
    return await _listed(call, queries.OF_OWNER, owner_id=account["id"])


@routes.get("/api/v1/accounts/{id}/in_collections", scope="read:collections")
async def show_with_viewer(call: Call) -> web.Response:
    """Those that the viewer is in: what others are in is theirs to know."""
    account = await require_account(call.context, call.id())
    if account["id"] != call.viewer.actor_id:
        raise not_allowed()
    return await _listed(call, queries.WITH_VIEWER)


@routes.put("/api/v1/collections/{id}", scope="write:collections")
@routes.patch("/api/v1/collections/{id}", scope="write:collections")
async def update(call: Call) -> web.Response:
    """Change what is given; the rest stays. Who is in it hears of it."""
    row, context, me = await _require_own(call), call.context, call.viewer.actor_id
    values = _values(call, row)
    if any(row[name] != value for name, value in values.items()):
        number = context.world.ids.next
        ids, now_ms = [number() for _ in range(MOST_ITEMS)], context.world.clock.now_ms()
        news = await context.writer.run(lambda: queries.change(row["id"], {**values, "updated_ms": now_ms}, me, ids))
        _tell(context, news)
        if row["discoverable"] or values["discoverable"]:
            kind = "Update" if row["discoverable"] else "Add"
            kind = kind if values["discoverable"] else "Remove"
            await context.outbox.tell_of_collection(me, await _whole(context, row["id"]), kind)
    return await _answer(call, row["id"])


@routes.delete("/api/v1/collections/{id}", scope="write:collections")
async def delete(call: Call) -> web.Response:
    """It is gone; who was in it is followed as before."""
    row = await _require_own(call)
    collection = await _whole(call.context, row["id"])
    await call.context.writer.run(lambda: queries.remove(row["id"]))
    if row["discoverable"]:
        await call.context.outbox.tell_of_collection(call.viewer.actor_id, collection, "Remove")
    return call.json({})


@routes.post("/api/v1/collections/{id}/items", scope="write:collections")
async def add(call: Call) -> web.Response:
    """One more account in it, if it allows that."""
    row, context, me = await _require_own(call), call.context, call.viewer.actor_id
    if not call.params.text("account_id"):
        raise unprocessable("`account_id` parameter is missing")
    account_id, number = call.params.id("account_id") or NOBODY, context.world.ids.next
    now_ms = context.world.clock.now_ms()
    item = {"id": number(), "collection_id": row["id"], "actor_id": account_id, "created_ms": now_ms}
    news = [(number(), account_id)] if account_id != me else []
    hindrance = await context.writer.run(lambda: queries.add(item, me, news))
    if hindrance is not None:
        raise unprocessable(hindrance.value)
    _tell(context, news)
    if row["discoverable"]:
        collection = await _whole(context, row["id"])
        added = next((each for each in collection.items if each.id == item["id"]), None)
        if added is not None:
            await context.outbox.tell_of_item(me, collection, added, "Add")
    return call.json({"collection_item": render_item(item)})


@routes.delete("/api/v1/collections/{id}/items/{item_id}", scope="write:collections")
async def remove(call: Call) -> web.Response:
    """One less."""
    await _take_out(call, await _require_own(call), await _require_item(call))
    return call.json({})


@routes.post("/api/v1/collections/{id}/items/{item_id}/revoke", scope="write:collections")
async def revoke(call: Call) -> web.Response:
    """The viewer does not want to be in it."""
    row = await call.context.database.fetch_one(queries.PUBLISHED, collection_id=call.id())
    if row is None:
        raise not_found()
    item = await _require_item(call)
    if item["actor_id"] != call.viewer.actor_id:
        raise not_allowed()
    await _take_out(call, row, item)
    return call.json({})


async def _require(call: Call) -> Any:
    row = await call.context.database.fetch_one(
        queries.SHOWN, collection_id=call.id(), viewer_id=call.viewer_id or NOBODY
    )
    if row is None:
        raise not_found()
    return row


async def _require_own(call: Call) -> Any:
    row = await _require(call)
    if row["actor_id"] != call.viewer.actor_id:
        raise not_allowed()
    return row


async def _require_item(call: Call) -> Any:
    item = await call.context.database.fetch_one(queries.ITEM, collection_id=call.id(), item_id=call.id("item_id"))
    if item is None:
        raise not_found()
    return item


async def _take_out(call: Call, row: Row, item: Row) -> None:
    context, now_ms = call.context, call.context.world.clock.now_ms()
    collection = await _whole(context, row["id"])
    gone = await context.writer.run(lambda: queries.take_out(row["id"], item["id"], now_ms))
    left = next((each for each in collection.items if each.id == item["id"]), None)
    if gone and left is not None and row["discoverable"]:
        await context.outbox.tell_of_item(row["actor_id"], collection, left, "Remove")


async def _whole(context: Context, collection_id: int) -> FeaturedCollection:
    """The collection as everybody reads it."""
    row = await context.database.fetch_one(queries.PUBLISHED, collection_id=collection_id)
    if row is None:
        raise not_found()
    items = await context.database.fetch(queries.PUBLISHED_ITEMS, ids=[collection_id], viewer_id=NOBODY, viewer_host="")
    return queries.collection_of(row, items)


async def _answer(call: Call, collection_id: int) -> web.Response:
    row = await call.context.database.fetch_one(
        queries.SHOWN, collection_id=collection_id, viewer_id=call.viewer.actor_id
    )
    if row is None:
        raise not_found()
    [entity] = await render_collections(call.context, call.viewer.actor_id, [row])
    return call.json({"collection": entity})


def _tell(context: Context, news: Sequence[tuple[int, int]]) -> None:
    context.writer.tell(*(Notified(notification_id, person) for notification_id, person in news))


async def _listed(call: Call, statement: Statement, **values: Any) -> web.Response:
    limit, offset = call.limit(40, 80), call.params.number("offset", 0)
    if offset < 0:
        raise bad_request("Pagination values for `offset` and `limit` must be positive")
    viewer_id = call.viewer_id
    rows = await call.context.database.fetch(
        statement, viewer_id=viewer_id or NOBODY, limit=limit + 1, offset=min(offset, _FURTHEST), **values
    )
    links = []
    if len(rows) > limit > 0:
        links.append(f'<{_page_url(call, offset + limit)}>; rel="next"')
    if offset > 0:
        links.append(f'<{_page_url(call, max(0, offset - limit))}>; rel="prev"')
    if links:
        call.headers["Link"] = ", ".join(links)
    return call.json({"collections": await render_collections(call.context, viewer_id, rows[:limit])})


def _page_url(call: Call, offset: int) -> str:
    given = parse_qsl(call.request.rel_url.raw_query_string, keep_blank_values=True)
    kept = [(name, value) for name, value in given if name not in ("offset", "access_token")]
    query = urlencode([*kept, ("offset", offset)])
    return f"{call.context.config.base_url}{call.request.rel_url.raw_path}?{query}"


def _values(call: Call, row: Row | None) -> dict[str, Any]:
    """What is given, on top of what the collection has."""
    params, faults = call.params, {}
    name = params.text("name")
    name = (row["name"] if row is not None else "") if name is None else name.strip()
    if not name:
        faults["name"] = ("ERR_BLANK", "can't be blank")
    elif len(name) > _LONGEST_NAME:
        faults["name"] = ("ERR_TOO_LONG", f"is too long (maximum is {_LONGEST_NAME} characters)")
    description = params.text("description")
    description = (row["description"] if row is not None else "") if description is None else description.strip()
    if len(description) > _LONGEST_DESCRIPTION:
        faults["description"] = ("ERR_TOO_LONG", f"is too long (maximum is {_LONGEST_DESCRIPTION} characters)")
    language = params.text("language") if "language" in params else (row["language"] if row is not None else None)
    if language and not is_language_tag(language):
        faults["language"] = ("ERR_INCLUSION", "is not included in the list")
    tag = params.text("tag_name") if "tag_name" in params else (row["tag"] if row is not None else None)
    tag = (tag or "").strip().lstrip("#＃")
    if tag and (extract_hashtags(f"#{tag}") != (tag,) or _ONLY_DIGITS.fullmatch(tag)):
        faults["tag_name"] = ("ERR_INVALID", "is not a hashtag")
    if faults:
        raise _refusal(faults)
    return {
        "name": name,
        "description": description,
        "language": language or None,
        "tag": tag or None,
        "sensitive": params.flag("sensitive", bool(row["sensitive"]) if row is not None else False),
        "discoverable": params.flag("discoverable", bool(row["discoverable"]) if row is not None else True),
    }


def _refusal(faults: Mapping[str, tuple[str, str]]) -> ApiError:
    words = ", ".join(f"{name.capitalize().replace('_', ' ')} {text}" for name, (_, text) in faults.items())
    details = {name: [{"error": code, "description": text}] for name, (code, text) in faults.items()}
    return ApiError(422, f"Validation failed: {words}", details=details)
