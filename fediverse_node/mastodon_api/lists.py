"""Lists of people.  spec: mastodon-client-api#lists"""

from __future__ import annotations

from typing import Any

from aiohttp import web

from fediverse_node.mastodon_api.accounts import answer_people, require_account
from fediverse_node.mastodon_api.entities.account import render_account
from fediverse_node.mastodon_api.errors import invalid, not_found
from fediverse_node.mastodon_api.routing import Call, Routes
from fediverse_node.storage.queries import lists as queries
from fediverse_node.storage.queries.accounts import load_account_list
from fediverse_node.storage.queries.relationships import load_relations

routes = Routes()

_MOST_LISTS = 50
_LONGEST_TITLE = 255
_POLICIES = ("followed", "list", "none")


@routes.get("/api/v1/lists", scope="read:lists")
async def show_all(call: Call) -> web.Response:
    """All lists of the viewer."""
    rows = await call.context.database.fetch(queries.LISTS, owner_id=call.viewer.actor_id)
    return call.json([_render(row) for row in rows])


@routes.post("/api/v1/lists", scope="write:lists")
async def create(call: Call) -> web.Response:
    """A new list."""
    row = {"id": call.context.world.ids.next(), "actor_id": call.viewer.actor_id, **_values(call, None)}
    if not await call.context.writer.run(lambda: queries.insert_list(row, _MOST_LISTS)):
        raise invalid("You have reached the maximum number of lists")
    return call.json(_render(row))


@routes.get("/api/v1/lists/{id}", scope="read:lists")
async def show(call: Call) -> web.Response:
    """One list."""
    return call.json(_render(await _require_list(call)))


@routes.put("/api/v1/lists/{id}", scope="write:lists")
@routes.patch("/api/v1/lists/{id}", scope="write:lists")
async def update(call: Call) -> web.Response:
    """Change what is given; the rest stays."""
    row = await _require_list(call)
    values = _values(call, row)
    list_id, me = row["id"], call.viewer.actor_id
    await call.context.writer.run(lambda: queries.update_list(list_id, me, values))
    return call.json(_render({"id": list_id, **values}))


@routes.delete("/api/v1/lists/{id}", scope="write:lists")
async def delete(call: Call) -> web.Response:
    """The list is gone; the people on it are followed as before."""
    row = await _require_list(call)
    list_id, me = row["id"], call.viewer.actor_id
    await call.context.writer.run(lambda: queries.delete_list(list_id, me))
    return call.json({})


@routes.get("/api/v1/lists/{id}/accounts", scope="read:lists")
async def show_members(call: Call) -> web.Response:
    """Who is on the list. `limit=0` asks for all at once."""
    row = await _require_list(call)
    if call.params.text("limit") == "0":
        members = await call.context.database.fetch(queries.ALL_MEMBERS, list_id=row["id"])
        accounts = await load_account_list(call.context.database, (member["actor_id"] for member in members))
        return call.json([render_account(account, call.context) for account in accounts])
    return await answer_people(call, queries.MEMBERS, list_id=row["id"])


@routes.post("/api/v1/lists/{id}/accounts", scope="write:lists")
async def add_members(call: Call) -> web.Response:
    """Put people whom the viewer follows, or has asked to, on the list."""
    row = await _require_list(call)
    ids = call.params.ids("account_ids")
    if not ids:
        raise invalid("account_ids can't be blank")
    me, now_ms = call.viewer.actor_id, call.context.world.clock.now_ms()
    relations = await load_relations(call.context.database, me, ids, now_ms)
    if any(relation.follow is None and id_ != me for id_, relation in relations.items()):
        raise not_found()
    present = await call.context.database.fetch(queries.MEMBERS_AMONG, list_id=row["id"], ids=ids)
    if present:
        raise invalid("Account has already been taken")
    members = [(call.context.world.ids.next(), id_) for id_ in ids]
    await call.context.writer.run(lambda: queries.add_members(row["id"], members))
    return call.json({})


@routes.delete("/api/v1/lists/{id}/accounts", scope="write:lists")
async def remove_members(call: Call) -> web.Response:
    """Take people off the list."""
    row = await _require_list(call)
    ids = call.params.ids("account_ids")
    await call.context.writer.run(lambda: queries.remove_members(row["id"], ids))
    return call.json({})


@routes.get("/api/v1/accounts/{id}/lists", scope="read:lists")
async def show_lists_with(call: Call) -> web.Response:
    """The viewer's lists that an account is on."""
    account = await require_account(call.context, call.id())
    rows = await call.context.database.fetch(queries.LISTS_WITH, owner_id=call.viewer.actor_id, member_id=account["id"])
    return call.json([_render(row) for row in rows])


async def _require_list(call: Call) -> Any:
    row = await call.context.database.fetch_one(queries.LIST, list_id=call.id(), owner_id=call.viewer.actor_id)
    if row is None:
        raise not_found()
    return row


def _values(call: Call, row: Any) -> dict[str, Any]:
    title = call.params.text("title")
    title = row["title"] if title is None and row is not None else (title or "").strip()
    if not title:
        raise invalid("Title can't be blank")
    if len(title) > _LONGEST_TITLE:
        raise invalid(f"Title is too long (maximum is {_LONGEST_TITLE} characters)")
    policy = call.params.text("replies_policy") or (row["replies_policy"] if row is not None else "list")
    if policy not in _POLICIES:
        raise invalid("Replies policy is not included in the list")
    exclusive = call.params.flag("exclusive", bool(row["exclusive"]) if row is not None else False)
    return {"title": title, "replies_policy": policy, "exclusive": exclusive}


def _render(row: Any) -> dict[str, Any]:
    return {
        "id": str(row["id"]),
        "title": row["title"],
        "replies_policy": row["replies_policy"],
        "exclusive": bool(row["exclusive"]),
    }
