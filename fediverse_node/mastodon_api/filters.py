"""Filters as people manage them: the second version with groups, and keywords alone for older apps.

spec: mastodon-client-api#filters, #filters-v1. Applying them is in filtering.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import orjson
from aiohttp import web

from fediverse_node.mastodon_api.entities.moments import render_moment_or_none
from fediverse_node.mastodon_api.errors import invalid, not_found
from fediverse_node.mastodon_api.params import Params
from fediverse_node.mastodon_api.routing import Call, Routes
from fediverse_node.mastodon_api.streaming import hub_of
from fediverse_node.storage.queries import filters as queries
from fediverse_node.storage.unit import Unit

T = TypeVar("T")
routes = Routes()

CONTEXTS = ("home", "notifications", "public", "thread", "account")
_ACTIONS = ("warn", "hide", "blur")
_LONGEST_TITLE = 200
_LONGEST_KEYWORD = 512
_MOST_KEYWORDS = 500
_MOST_FILTERS = 200
_LONGEST_S = 100 * 365 * 86_400


@routes.get("/api/v2/filters", scope="read:filters")
async def show_all(call: Call) -> web.Response:
    """All filters of the viewer."""
    rows = await call.context.database.fetch(queries.FILTERS, owner_id=call.viewer.actor_id)
    return call.json(await _render(call, rows))


@routes.post("/api/v2/filters", scope="write:filters")
async def create(call: Call) -> web.Response:
    """A new filter with its keywords."""
    params = call.params
    owner_id = call.viewer.actor_id
    if len(await call.context.database.fetch(queries.FILTERS, owner_id=owner_id)) >= _MOST_FILTERS:
        raise invalid("You have reached the maximum number of filters")
    filter_id = call.context.world.ids.next()
    row = {
        "id": filter_id,
        "actor_id": owner_id,
        "title": _title(params.text("title")),
        "context": _context(params),
        "action": _action(params.text("filter_action") or "warn"),
        "expires_ms": _expires_ms(call, None),
    }
    keywords = [
        _keyword_row(call, filter_id, item)
        for item in params.mappings("keywords_attributes")
        if not item.flag("_destroy", False)
    ]
    _check_count(len(keywords))
    await _commit(call, lambda: queries.insert_filter(row, keywords))
    return call.json(await _one(call, filter_id))


@routes.get("/api/v2/filters/{id}", scope="read:filters")
async def show(call: Call) -> web.Response:
    """One filter."""
    return call.json(await _one(call, call.id()))


@routes.put("/api/v2/filters/{id}", scope="write:filters")
@routes.patch("/api/v2/filters/{id}", scope="write:filters")
async def update(call: Call) -> web.Response:
    """Change what is given. Keywords: with an id changed or, with `_destroy`, removed; without one new."""
    row = await _require(call, call.id())
    params, filter_id = call.params, row["id"]
    values = {
        "title": _title(params.text("title", row["title"])),
        "context": _context(params) if "context" in params else row["context"],
        "action": _action(params.text("filter_action") or row["action"]),
        "expires_ms": _expires_ms(call, row["expires_ms"]),
    }
    present = {item["id"]: item for item in await call.context.database.fetch(queries.KEYWORDS, ids=[filter_id])}
    new: list[dict[str, Any]] = []
    changed: list[dict[str, Any]] = []
    removed: list[int] = []
    for item in params.mappings("keywords_attributes"):
        item_id = item.id("id")
        if item_id is None:
            new.append(_keyword_row(call, filter_id, item))
        elif item_id not in present:
            raise not_found()
        elif item.flag("_destroy", False):
            removed.append(item_id)
        else:
            changed.append(_changed_keyword(present[item_id], item))
    _check_count(len(present) + len(new) - len(removed))

    def unit() -> Unit[None]:
        yield from queries.update_filter(filter_id, values)
        yield from queries.change_keywords(filter_id, new=new, changed=changed, removed=removed)

    await _commit(call, unit)
    return call.json(await _one(call, filter_id))


@routes.delete("/api/v2/filters/{id}", scope="write:filters")
async def delete(call: Call) -> web.Response:
    """The filter is gone."""
    row = await _require(call, call.id())
    filter_id, owner_id = row["id"], call.viewer.actor_id
    await _commit(call, lambda: queries.delete_filter(filter_id, owner_id))
    return call.json({})


@routes.get("/api/v2/filters/{id}/keywords", scope="read:filters")
async def show_keywords(call: Call) -> web.Response:
    """The keywords of a filter."""
    row = await _require(call, call.id())
    found = await call.context.database.fetch(queries.KEYWORDS, ids=[row["id"]])
    return call.json([render_keyword(item) for item in found])


@routes.post("/api/v2/filters/{id}/keywords", scope="write:filters")
async def add_keyword(call: Call) -> web.Response:
    """One more keyword."""
    filter_id = (await _require(call, call.id()))["id"]
    _check_count(len(await call.context.database.fetch(queries.KEYWORDS, ids=[filter_id])) + 1)
    row = _keyword_row(call, filter_id, call.params)
    await _commit(call, lambda: queries.change_keywords(filter_id, new=[row]))
    return call.json(render_keyword(row))


@routes.get("/api/v2/filters/keywords/{id}", scope="read:filters")
async def show_keyword(call: Call) -> web.Response:
    """One keyword."""
    return call.json(render_keyword(await _require_item(call, queries.KEYWORD)))


@routes.put("/api/v2/filters/keywords/{id}", scope="write:filters")
@routes.patch("/api/v2/filters/keywords/{id}", scope="write:filters")
async def update_keyword(call: Call) -> web.Response:
    """Change a keyword."""
    row = await _require_item(call, queries.KEYWORD)
    changed = _changed_keyword(row, call.params)
    await _commit(call, lambda: queries.change_keywords(row["filter_id"], changed=[changed]))
    return call.json(render_keyword({**changed, "id": row["id"]}))


@routes.delete("/api/v2/filters/keywords/{id}", scope="write:filters")
async def delete_keyword(call: Call) -> web.Response:
    """The keyword is gone."""
    row = await _require_item(call, queries.KEYWORD)
    await _commit(call, lambda: queries.change_keywords(row["filter_id"], removed=[row["id"]]))
    return call.json({})


@routes.get("/api/v2/filters/{id}/statuses", scope="read:filters")
async def show_statuses(call: Call) -> web.Response:
    """The posts that a filter names."""
    row = await _require(call, call.id())
    found = await call.context.database.fetch(queries.OBJECTS, ids=[row["id"]])
    return call.json([_render_status(item) for item in found])


@routes.post("/api/v2/filters/{id}/statuses", scope="write:filters")
async def add_status(call: Call) -> web.Response:
    """Name one more post."""
    filter_id = (await _require(call, call.id()))["id"]
    object_id = call.params.id("status_id")
    if object_id is None or not await call.context.database.fetch_one(queries.OBJECT_EXISTS, object_id=object_id):
        raise not_found()
    named = await call.context.database.fetch(queries.OBJECTS, ids=[filter_id])
    if any(item["object_id"] == object_id for item in named):
        raise invalid("Status has already been taken")
    _check_count(len(named) + 1)
    row = {"id": call.context.world.ids.next(), "filter_id": filter_id, "object_id": object_id}
    await _commit(call, lambda: queries.insert_object(row))
    return call.json(_render_status(row))


@routes.get("/api/v2/filters/statuses/{id}", scope="read:filters")
async def show_status(call: Call) -> web.Response:
    """One named post."""
    return call.json(_render_status(await _require_item(call, queries.NAMED_OBJECT)))


@routes.delete("/api/v2/filters/statuses/{id}", scope="write:filters")
async def delete_status(call: Call) -> web.Response:
    """The filter names the post no more."""
    row = await _require_item(call, queries.NAMED_OBJECT)
    await _commit(call, lambda: queries.delete_object(row["filter_id"], row["id"]))
    return call.json({})


@routes.get("/api/v1/filters", scope="read:filters")
async def show_all_v1(call: Call) -> web.Response:
    """All keywords, each as a filter."""
    rows = await call.context.database.fetch(queries.V1_FILTERS, owner_id=call.viewer.actor_id)
    return call.json([_render_v1(row) for row in rows])


@routes.post("/api/v1/filters", scope="write:filters")
async def create_v1(call: Call) -> web.Response:
    """A filter with one keyword."""
    world, params = call.context.world, call.params
    phrase = _keyword(params.text("phrase"))
    filter_id, keyword_id = world.ids.next(), world.ids.next()
    row = {
        "id": filter_id,
        "actor_id": call.viewer.actor_id,
        "title": phrase[:_LONGEST_TITLE],
        "context": _context(params),
        "action": "hide" if params.flag("irreversible", False) else "warn",
        "expires_ms": _expires_ms(call, None),
    }
    whole_word = params.flag("whole_word", False)
    keyword = {"id": keyword_id, "filter_id": filter_id, "keyword": phrase, "whole_word": whole_word}
    await _commit(call, lambda: queries.insert_filter(row, [keyword]))
    return call.json(_render_v1({**row, **keyword}))


@routes.get("/api/v1/filters/{id}", scope="read:filters")
async def show_v1(call: Call) -> web.Response:
    """One keyword as a filter."""
    return call.json(_render_v1(await _require_v1(call)))


@routes.put("/api/v1/filters/{id}", scope="write:filters")
@routes.patch("/api/v1/filters/{id}", scope="write:filters")
async def update_v1(call: Call) -> web.Response:
    """Change a keyword and the filter it is in."""
    row, params = await _require_v1(call), call.params
    phrase = _keyword(params.text("phrase", row["keyword"]))
    irreversible = params.flag("irreversible")
    action = row["action"] if irreversible is None else "hide" if irreversible else "warn"
    values = {
        "title": phrase[:_LONGEST_TITLE],
        "context": _context(params) if "context" in params else row["context"],
        "action": action,
        "expires_ms": _expires_ms(call, row["expires_ms"]),
    }
    changed = {
        "item_id": row["id"],
        "keyword": phrase,
        "whole_word": params.flag("whole_word", bool(row["whole_word"])),
    }

    def unit() -> Unit[None]:
        yield from queries.update_filter(row["filter_id"], values)
        yield from queries.change_keywords(row["filter_id"], changed=[changed])

    await _commit(call, unit)
    return call.json(_render_v1({"id": row["id"], **values, **changed}))


@routes.delete("/api/v1/filters/{id}", scope="write:filters")
async def delete_v1(call: Call) -> web.Response:
    """The keyword is gone, and with the last one the filter."""
    row, owner_id = await _require_v1(call), call.viewer.actor_id
    await _commit(call, lambda: queries.delete_last_keyword(row["filter_id"], row["id"], owner_id))
    return call.json({})


async def _commit(call: Call, unit: Callable[[], Unit[T]]) -> T:
    """Write, and tell the person's open apps: they ask for the filters again."""
    result = await call.context.writer.run(unit)
    hub_of(call.context).filters_changed(call.viewer.actor_id)
    return result


async def _require(call: Call, filter_id: int) -> Any:
    row = await call.context.database.fetch_one(queries.FILTER, filter_id=filter_id, owner_id=call.viewer.actor_id)
    if row is None:
        raise not_found()
    return row


async def _require_item(call: Call, statement: Any) -> Any:
    row = await call.context.database.fetch_one(statement, item_id=call.id(), owner_id=call.viewer.actor_id)
    if row is None:
        raise not_found()
    return row


async def _require_v1(call: Call) -> Any:
    keyword_id = call.id()
    rows = await call.context.database.fetch(queries.V1_FILTERS, owner_id=call.viewer.actor_id)
    row = next((row for row in rows if row["id"] == keyword_id), None)
    if row is None:
        raise not_found()
    return row


async def _one(call: Call, filter_id: int) -> dict[str, Any]:
    return (await _render(call, [await _require(call, filter_id)]))[0]


async def _render(call: Call, rows: Sequence[Any]) -> list[dict[str, Any]]:
    ids = [row["id"] for row in rows]
    keywords = await call.context.database.fetch(queries.KEYWORDS, ids=ids) if ids else []
    objects = await call.context.database.fetch(queries.OBJECTS, ids=ids) if ids else []
    return [
        {
            "id": str(row["id"]),
            "title": row["title"],
            "context": orjson.loads(row["context"]),
            "expires_at": render_moment_or_none(row["expires_ms"]),
            "filter_action": row["action"],
            "keywords": [render_keyword(item) for item in _of(row["id"], keywords)],
            "statuses": [_render_status(item) for item in _of(row["id"], objects)],
        }
        for row in rows
    ]


def _of(filter_id: int, items: Iterable[Any]) -> list[Any]:
    return [item for item in items if item["filter_id"] == filter_id]


def render_keyword(row: Any) -> dict[str, Any]:
    """FilterKeyword."""
    return {"id": str(row["id"]), "keyword": row["keyword"], "whole_word": bool(row["whole_word"])}


def _render_status(row: Any) -> dict[str, Any]:
    return {"id": str(row["id"]), "status_id": str(row["object_id"])}


def _render_v1(row: Any) -> dict[str, Any]:
    return {
        "id": str(row["id"]),
        "phrase": row["keyword"],
        "context": orjson.loads(row["context"]),
        "whole_word": bool(row["whole_word"]),
        "expires_at": render_moment_or_none(row["expires_ms"]),
        "irreversible": row["action"] == "hide",
    }


def _title(text: str | None) -> str:
    title = (text or "").strip()
    if not title:
        raise invalid("Title can't be blank")
    if len(title) > _LONGEST_TITLE:
        raise invalid(f"Title is too long (maximum is {_LONGEST_TITLE} characters)")
    return title


def _context(params: Params) -> str:
    given = [name for name in dict.fromkeys(params.list("context")) if name]
    if not given:
        raise invalid("Context can't be blank")
    if any(name not in CONTEXTS for name in given):
        raise invalid("Context is invalid: None or invalid context supplied")
    return orjson.dumps(given).decode()


def _action(text: str) -> str:
    if text not in _ACTIONS:
        raise invalid("Filter action is not included in the list")
    return text


def _expires_ms(call: Call, present: int | None) -> int | None:
    """From `expires_in` seconds; empty means for good, absent leaves it as it is."""
    if "expires_in" not in call.params:
        return present
    seconds = call.params.number("expires_in")
    if seconds is None:
        return None
    if not 0 < seconds <= _LONGEST_S:
        raise invalid("Expires in must be a number of seconds above zero")
    return call.context.world.clock.now_ms() + seconds * 1000


def _keyword(text: str | None) -> str:
    keyword = (text or "").strip()
    if not keyword:
        raise invalid("Keyword can't be blank")
    if len(keyword) > _LONGEST_KEYWORD:
        raise invalid(f"Keyword is too long (maximum is {_LONGEST_KEYWORD} characters)")
    return keyword


def _keyword_row(call: Call, filter_id: int, item: Params) -> dict[str, Any]:
    return {
        "id": call.context.world.ids.next(),
        "filter_id": filter_id,
        "keyword": _keyword(item.text("keyword")),
        "whole_word": item.flag("whole_word", True),
    }


def _changed_keyword(row: Any, item: Params) -> dict[str, Any]:
    return {
        "item_id": row["id"],
        "keyword": _keyword(item.text("keyword", row["keyword"])),
        "whole_word": item.flag("whole_word", bool(row["whole_word"])),
    }


def _check_count(count: int) -> None:
    if count > _MOST_KEYWORDS:
        raise invalid(f"Keywords are too many (maximum is {_MOST_KEYWORDS})")
