"""What the three lists of rules with ids have in common: pages, one rule, and the book."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from aiohttp import web

from fediverse_node.mastodon_api.admin.permissions import moderation_of
from fediverse_node.mastodon_api.errors import not_found
from fediverse_node.mastodon_api.routing import Call
from fediverse_node.storage.queries.address_rules import Listed
from fediverse_node.storage.queries.moderation import note_act
from fediverse_node.storage.unit import Unit

_DEFAULT, _MAXIMUM = 100, 200


async def load_page(call: Call, listed: Listed) -> tuple[list[Any], Callable[[Sequence[Any]], web.Response]]:
    """The rows of a page, and what makes the answer of their entities."""
    page = call.asked(_DEFAULT, _MAXIMUM)
    rows = await listed.listing.load(call.context.database, page)
    return rows, lambda rendered: call.page_of(list(rendered), rows, page)


async def require_rule(call: Call, listed: Listed) -> Any:
    """The row of the id in the path, or 404."""
    row = await call.context.database.fetch_one(listed.by_id, id=call.id())
    if row is None:
        raise not_found()
    return row


async def insert_rule(call: Call, listed: Listed, kind: str, row: Mapping[str, Any], label: str) -> bool:
    """A new rule with its line in the book; False if there is one about the same thing."""
    act = moderation_of(call.context).act_row(call.viewer.actor_id, "create", kind, row["id"], label=label)

    def unit() -> Unit[bool]:
        is_new = yield from listed.insert(row)
        if is_new:
            yield from note_act(act)
        return is_new

    return await call.context.writer.run(unit)


async def drop_rule(call: Call, listed: Listed, kind: str, row: Mapping[str, Any], label: str) -> None:
    """The rule goes; the book says so."""
    act = moderation_of(call.context).act_row(call.viewer.actor_id, "delete", kind, row["id"], label=label)

    def unit() -> Unit[None]:
        yield from listed.drop(row["id"])
        yield from note_act(act)

    await call.context.writer.run(unit)
