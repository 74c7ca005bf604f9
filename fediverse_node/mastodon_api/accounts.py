"""Accounts: looked at, looked up, searched.  spec: mastodon-client-api#accounts"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from fediverse_node.mastodon_api.context import Context
from fediverse_node.mastodon_api.entities.account import render_account
from fediverse_node.mastodon_api.errors import bad_request, not_found
from fediverse_node.mastodon_api.routing import Call, Routes
from fediverse_node.storage.queries import relationships
from fediverse_node.storage.queries.accounts import (
    ID_BY_HANDLE,
    load_account,
    load_account_list,
    load_accounts,
    search_accounts,
)
from fediverse_node.storage.queries.statuses import NOBODY
from fediverse_node.storage.queries.timelines import Keyset

routes = Routes()

_MOST_AT_ONCE = 80
_FAMILIAR_MOST = 2000


@routes.get("/api/v1/accounts", anonymous=True)
async def show_several(call: Call) -> web.Response:
    """Those of the ids that exist."""
    ids = call.params.ids("id")[:_MOST_AT_ONCE]
    rows = await load_account_list(call.context.database, ids)
    return call.json([render_account(row, call.context) for row in rows])


@routes.get("/api/v1/accounts/lookup", anonymous=True)
async def look_up(call: Call) -> web.Response:
    """By handle, among those that are known here; nobody else is asked."""
    acct = (call.params.text("acct") or "").strip().removeprefix("@")
    if not acct:
        raise bad_request("acct is missing")
    id_ = await find_known(call.context, acct)
    account = await require_account(call.context, id_)
    note_opened(call, account)
    return call.json(render_account(account, call.context))


@routes.get("/api/v1/accounts/search", scope="read:accounts")
async def search(call: Call) -> web.Response:
    """By the beginning of a name; with `resolve` a whole handle is also asked of its host."""
    text = (call.params.text("q") or "").strip()
    limit = call.limit(40, 80)
    offset = max(0, call.params.number("offset", 0))
    found = await search_accounts(
        call.context.database,
        text,
        viewer_id=call.viewer.actor_id,
        limit=limit,
        offset=offset,
        following=call.params.flag("following", False),
    )
    if call.params.flag("resolve", False) and offset == 0:
        resolved = await find_anywhere(call.context, text)
        if resolved is not None:
            found = [resolved, *(id_ for id_ in found if id_ != resolved)][:limit]
    rows = await load_account_list(call.context.database, found)
    return call.json([render_account(row, call.context) for row in rows if row["suspended_ms"] is None])


@routes.get("/api/v1/accounts/familiar_followers", scope="read:follows")
async def familiar_followers(call: Call) -> web.Response:
    """Whom the viewer follows and who follows these accounts."""
    ids = call.params.ids("id")[:_MOST_AT_ONCE]
    rows = await call.context.database.fetch(
        relationships.FAMILIAR, patient=True, actor_id=call.viewer.actor_id, ids=ids, most=_FAMILIAR_MOST
    )
    by_target: dict[int, list[int]] = {id_: [] for id_ in ids}
    for row in rows:
        by_target[row["target_id"]].append(row["actor_id"])
    accounts = await load_accounts(call.context.database, (row["actor_id"] for row in rows))
    rendered = {id_: render_account(row, call.context) for id_, row in accounts.items()}
    return call.json(
        [
            {"id": str(id_), "accounts": [rendered[member] for member in members if member in rendered]}
            for id_, members in by_target.items()
        ]
    )


@routes.get("/api/v1/accounts/{id}", anonymous=True)
async def show(call: Call) -> web.Response:
    """One account."""
    account = await require_account(call.context, call.id())
    note_opened(call, account)
    return call.json(render_account(account, call.context))


@routes.get("/api/v1/accounts/{id}/followers", anonymous=True)
async def followers(call: Call) -> web.Response:
    """Who follows the account, unless it keeps that to itself."""
    return await _circle(call, relationships.FOLLOWERS)


@routes.get("/api/v1/accounts/{id}/following", anonymous=True)
async def following(call: Call) -> web.Response:
    """Whom the account follows, unless it keeps that to itself."""
    return await _circle(call, relationships.FOLLOWING)


@routes.get("/api/v1/accounts/{id}/identity_proofs", scope="read:accounts")
async def identity_proofs(call: Call) -> web.Response:
    """Given up in Mastodon 3.5 for links that link back: nobody has any."""
    await require_account(call.context, call.id())
    call.headers["Deprecation"] = "@1648598400"
    return call.json([])


async def _circle(call: Call, keyset: Keyset) -> web.Response:
    account = await require_account(call.context, call.id())
    viewer_id = call.viewer_id
    if viewer_id != account["id"]:
        if account["hide_collections"] or account["suspended_ms"] is not None:
            return call.json([])
        if viewer_id is not None and await call.context.database.fetch_one(
            relationships.IS_BLOCKED_BY, actor_id=viewer_id, target_id=account["id"]
        ):
            return call.json([])
    return await answer_people(
        call,
        keyset,
        actor_id=account["id"],
        # One's own lists are whole: what is missing there could not be undone.
        viewer_id=NOBODY if viewer_id is None or viewer_id == account["id"] else viewer_id,
        now_ms=call.context.world.clock.now_ms(),
    )


async def answer_people(call: Call, keyset: Keyset, **values: Any) -> web.Response:
    """A page of a list of people; its keys are those of the rows, not of the people."""
    page = call.asked(40, 80)
    rows = await keyset.load(call.context.database, page, **values)
    accounts = await load_accounts(call.context.database, (row["actor_id"] for row in rows))
    rendered = [render_account(accounts[row["actor_id"]], call.context) for row in rows if row["actor_id"] in accounts]
    return call.page_of(rendered, rows, page)


def note_opened(call: Call, account: Mapping[str, Any]) -> None:
    """Somebody looks at a profile: if it is from elsewhere, what it shows is read there, in the background."""
    if call.context.looks is not None:
        call.context.looks.profile_opened(account, is_stranger=call.viewer_id is None)


async def require_account(context: Context, id_: int | None) -> Mapping[str, Any]:
    """The account's row, or 404."""
    row = await load_account(context.database, id_) if id_ is not None else None
    if row is None:
        raise not_found()
    return row


async def find_known(context: Context, acct: str) -> int | None:
    """The id of `user` or `user@host`, if known here."""
    user, _, host = acct.strip().removeprefix("@").partition("@")
    if not user:
        return None
    where = (host or context.world.names.host).lower()
    row = await context.database.fetch_one(ID_BY_HANDLE, username=user.lower(), host=where)
    return int(row["id"]) if row is not None else None


async def find_anywhere(context: Context, text: str) -> int | None:
    """The id of a whole handle or of a profile's address, asked of its host where it is not known here."""
    text = text.strip()
    if text.startswith(("https://", "http://")):
        outcome = await context.find_actor(text)
        return outcome if isinstance(outcome, int) else None
    user, _, host = text.removeprefix("@").partition("@")
    if not user or any(character.isspace() for character in text):
        return None
    known = await find_known(context, text)
    if known is not None or not host or host.lower() == context.world.names.host:
        return known
    found = await context.find_handle(user, host.lower())
    return found if isinstance(found, int) else None
