"""Notifications: one by one (v1) and in groups (v2), the policy, and how many are new.

spec: mastodon-client-api#notifications, #grouped_notifications
What limited strangers did is left out unless the person's policy says otherwise. Nothing is held back for approval, so
there are never any requests; the rest of the policy is kept for the apps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from aiohttp import web

from fediverse_node.mastodon_api.collection_views import load_told
from fediverse_node.mastodon_api.context import Context
from fediverse_node.mastodon_api.entities.account import render_account, render_account_json
from fediverse_node.mastodon_api.entities.notification import (
    GROUPED,
    TYPES,
    group_key,
    parse_group_key,
    plainly,
    render_group,
    render_notification,
)
from fediverse_node.mastodon_api.errors import invalid, not_found
from fediverse_node.mastodon_api.fragments import join, render_by_id
from fediverse_node.mastodon_api.params import parse_id
from fediverse_node.mastodon_api.reacting import load_said
from fediverse_node.mastodon_api.routing import Call, Routes
from fediverse_node.mastodon_api.scheduled import page_of
from fediverse_node.mastodon_api.warnings import load_warnings
from fediverse_node.storage.queries import notifications as queries
from fediverse_node.storage.queries.accounts import Row as AccountRow
from fediverse_node.storage.queries.accounts import load_account_list, load_accounts

routes = Routes()
_DEFAULT, _MAXIMUM = 40, 80
_MOST_COUNTED, _MOST_COUNTED_AT_ALL = 100, 1000
_POLICY_NAMES = (
    "for_not_following",
    "for_not_followers",
    "for_new_accounts",
    "for_private_mentions",
    "for_limited_accounts",
    "for_bots",
)
_POLICIES = frozenset(("accept", "filter", "drop"))
_PARTIAL = ("id", "acct", "url", "avatar", "avatar_static", "avatar_description", "locked", "bot")


def wanted_types(call: Call) -> list[str]:
    """Our types that the request asks for."""
    asked, excluded = set(call.params.list("types")), set(call.params.list("exclude_types"))

    def is_wanted(theirs: str) -> bool:
        return (not asked or theirs in asked) and theirs not in excluded

    # Whoever does not know of reactions gets them among the favourites, or not at all.
    known_as = {**TYPES, **({} if _knows_reactions(call) else {"reaction": TYPES["like"]})}
    return [ours for ours, theirs in known_as.items() if is_wanted(theirs)]


def _knows_reactions(call: Call) -> bool:
    named = (*call.params.list("types"), *call.params.list("exclude_types"), *call.params.list("include_types"))
    return TYPES["reaction"] in named


def _shown(call: Call, rows: Sequence[Any]) -> list[Any]:
    """The rows in the words that the app knows."""
    return list(rows) if _knows_reactions(call) else plainly(rows)


async def _load_page(call: Call, default: int, maximum: int) -> tuple[list[Any], int]:
    page = page_of(call, default, maximum)
    if page.limit == 0:
        return [], 0
    account_id = call.params.text("account_id")
    rows = await queries.LIST.load(
        call.context.database,
        page,
        viewer_id=call.viewer.actor_id,
        now_ms=call.context.world.clock.now_ms(),
        types=wanted_types(call),
        from_id=(parse_id(account_id) or -1) if account_id else 0,
        limited_too=await _limited_too(call),
    )
    return rows, page.limit


async def _limited_too(call: Call) -> int:
    """Whether the person wants to hear of limited strangers too."""
    return int(_policy_entity(await _settings(call))["for_limited_accounts"] == "accept")


async def render_notifications(
    context: Context, viewer_id: int, rows: Sequence[Any], *, is_aware: bool = False
) -> list[bytes]:
    """Notification entities. One whose status the viewer may not see any more, or hides by a filter, is left out.

    `is_aware`: the app knows of reactions; others are told of a favourite, with the `emoji` that it was.
    """
    accounts = await load_accounts(context.database, [row["from_actor_id"] for row in rows])
    object_ids = [row["object_id"] for row in rows if row["object_id"] is not None]
    statuses = await render_by_id(context, viewer_id, object_ids, where="notifications")
    said = await load_said(context, [row for row in rows if row["type"] == "reaction"])
    about = await load_warnings(context, rows) | await load_told(context, viewer_id, rows)
    rendered = []
    for row in rows:
        account = accounts.get(row["from_actor_id"])
        status = statuses.get(row["object_id"]) if row["object_id"] is not None else None
        if account is None or row["type"] not in TYPES or (row["object_id"] is not None and status is None):
            continue
        shown = row if is_aware else plainly([row])[0]
        entity = render_notification(shown) | said.get((row["from_actor_id"], row["object_id"]), {})
        entity |= about.get(row["id"], {})
        pieces = [orjson.dumps(entity)[:-1], b',"account":', render_account_json(account, context)]
        if status is not None:
            pieces += [b',"status":', status]
        rendered.append(b"".join((*pieces, b"}")))
    return rendered


@routes.get("/api/v1/notifications", scope="read:notifications")
async def list_notifications(call: Call) -> web.StreamResponse:
    """spec: mastodon-client-api#GET/api/v1/notifications"""
    rows, _ = await _load_page(call, _DEFAULT, _MAXIMUM)
    is_aware = _knows_reactions(call)
    rendered = join(await render_notifications(call.context, call.viewer.actor_id, rows, is_aware=is_aware))
    first, last = (rows[0]["id"], rows[-1]["id"]) if rows else (None, None)
    return call.page(rendered, first_id=first, last_id=last)


@routes.post("/api/v1/notifications/clear", scope="write:notifications")
@routes.post("/api/v2/notifications/clear", scope="write:notifications")
async def clear(call: Call) -> web.StreamResponse:
    """spec: mastodon-client-api#POST/api/v1/notifications/clear"""
    actor_id = call.viewer.actor_id
    await call.context.writer.run(lambda: queries.clear(actor_id))
    return call.json({})


@routes.get("/api/v1/notifications/unread_count", scope="read:notifications")
async def unread_count(call: Call) -> web.StreamResponse:
    """spec: mastodon-client-api#GET/api/v1/notifications/unread_count"""
    most = min(call.limit(_MOST_COUNTED, _MOST_COUNTED_AT_ALL), _MOST_COUNTED_AT_ALL)
    context, viewer_id = call.context, call.viewer.actor_id
    account_id = call.params.text("account_id")
    row = await context.database.fetch_one(
        queries.COUNT,
        viewer_id=viewer_id,
        now_ms=context.world.clock.now_ms(),
        types=wanted_types(call),
        from_id=(parse_id(account_id) or -1) if account_id else 0,
        after_id=await _last_read(call),
        most=most,
        limited_too=await _limited_too(call),
    )
    return call.json({"count": int(row[0]) if row else 0})


async def _last_read(call: Call) -> int:
    row = await call.context.database.fetch_one(queries.LAST_READ, viewer_id=call.viewer.actor_id)
    return (parse_id(row["last_read_id"]) or 0) if row else 0


async def _one(call: Call) -> Any:
    row = await call.context.database.fetch_one(
        queries.ONE,
        id_=call.id(),
        viewer_id=call.viewer.actor_id,
        now_ms=call.context.world.clock.now_ms(),
        limited_too=await _limited_too(call),
    )
    if row is None:
        raise not_found()
    return row


# Policy and requests


@routes.get("/api/v2/notifications/policy", scope="read:notifications")
async def policy(call: Call) -> web.StreamResponse:
    """spec: mastodon-client-api#GET/api/v2/notifications/policy"""
    return call.json(_policy_entity(await _settings(call)))


@routes.patch("/api/v2/notifications/policy", scope="write:notifications")
@routes.put("/api/v2/notifications/policy", scope="write:notifications")
async def change_policy(call: Call) -> web.StreamResponse:
    """spec: mastodon-client-api#PATCH/api/v2/notifications/policy"""
    changed: dict[str, str] = {}
    for name in _POLICY_NAMES:
        value = call.params.text(name)
        if value is not None:
            if value not in _POLICIES:
                raise invalid(f"{name} is not included in the list")
            changed[name] = value
    user_id = call.viewer.user_id or 0
    await call.context.writer.run(lambda: queries.change_policy(user_id, changed))
    return call.json(_policy_entity(await _settings(call)))


@routes.get("/api/v1/notifications/policy", scope="read:notifications")
async def policy_v1(call: Call) -> web.StreamResponse:
    """The older form, with truth values.  spec: mastodon-client-api#V1::NotificationPolicy"""
    entity = _policy_entity(await _settings(call))
    return call.json(
        {f"filter_{name.removeprefix('for_')}": entity[name] != "accept" for name in _POLICY_NAMES[:4]}
        | {"summary": entity["summary"]}
    )


async def _settings(call: Call) -> dict[str, Any]:
    row = await call.context.database.fetch_one(queries.SETTINGS, user_id=call.viewer.user_id)
    return dict(orjson.loads(row["settings"])) if row else {}


def _policy_entity(settings: Mapping[str, Any]) -> dict[str, Any]:
    chosen = settings.get("notification_policy") or {}
    summary = {"pending_requests_count": 0, "pending_notifications_count": 0}
    # As in Mastodon, limited strangers are not heard unless one wants to.
    default = {"for_limited_accounts": "filter"}
    return {name: chosen.get(name, default.get(name, "accept")) for name in _POLICY_NAMES} | {"summary": summary}


@routes.get("/api/v1/notifications/requests", scope="read:notifications")
async def requests(call: Call) -> web.StreamResponse:
    """Notifications held back: there are none."""
    return call.json(b"[]")


@routes.get("/api/v1/notifications/requests/merged", scope="read:notifications")
async def requests_merged(call: Call) -> web.StreamResponse:
    """Whether accepted requests have been merged: nothing ever waits."""
    return call.json({"merged": True})


@routes.post("/api/v1/notifications/requests/accept", scope="write:notifications")
@routes.post("/api/v1/notifications/requests/dismiss", scope="write:notifications")
async def decide_requests(call: Call) -> web.StreamResponse:
    """Of several that may not exist any more: those are left out, as in Mastodon."""
    return call.json({})


@routes.get("/api/v1/notifications/requests/{id}", scope="read:notifications")
@routes.post("/api/v1/notifications/requests/{id}/accept", scope="write:notifications")
@routes.post("/api/v1/notifications/requests/{id}/dismiss", scope="write:notifications")
async def one_request(call: Call) -> web.StreamResponse:
    """One request: there is none."""
    raise not_found()


# One notification


@routes.delete("/api/v1/notifications/destroy_multiple", scope="write:notifications")
async def dismiss_several(call: Call) -> web.StreamResponse:
    """Several at once."""
    actor_id, ids = call.viewer.actor_id, call.params.ids("ids")
    await call.context.writer.run(lambda: queries.dismiss(actor_id, ids))
    return call.json({})


@routes.get("/api/v1/notifications/{id}", scope="read:notifications")
async def show(call: Call) -> web.StreamResponse:
    """spec: mastodon-client-api#GET/api/v1/notifications/:id"""
    rendered = await render_notifications(call.context, call.viewer.actor_id, [await _one(call)])
    if not rendered:
        raise not_found()
    return call.json(rendered[0])


@routes.post("/api/v1/notifications/{id}/dismiss", scope="write:notifications")
@routes.delete("/api/v1/notifications/{id}", scope="write:notifications")
async def dismiss(call: Call) -> web.StreamResponse:
    """spec: mastodon-client-api#POST/api/v1/notifications/:id/dismiss"""
    actor_id, id_ = call.viewer.actor_id, call.id()
    if not await call.context.writer.run(lambda: queries.dismiss(actor_id, [id_])):
        raise not_found()
    return call.json({})


# Groups


def _grouped_types(call: Call) -> frozenset[str]:
    asked = call.params.list("grouped_types")
    return GROUPED & frozenset(asked) if asked else GROUPED


def _groups_of(rows: Sequence[Any], grouped: frozenset[str]) -> list[list[Any]]:
    groups: dict[str, list[Any]] = {}
    for row in rows:
        key = group_key(row) if TYPES[row["type"]] in grouped else str(row["id"])
        groups.setdefault(key, []).append(row)
    return list(groups.values())


@routes.get("/api/v2/notifications", scope="read:notifications")
@routes.get("/api/v2_alpha/notifications", scope="read:notifications")
async def list_groups(call: Call) -> web.StreamResponse:
    """spec: mastodon-client-api#GET/api/v2/notifications; a page is cut by notifications, then put in groups"""
    rows, _ = await _load_page(call, _DEFAULT, _MAXIMUM)
    body = await _grouped(call, _groups_of(_shown(call, rows), _grouped_types(call)))
    first, last = (rows[0]["id"], rows[-1]["id"]) if rows else (None, None)
    return call.page(body, first_id=first, last_id=last)


async def _grouped(call: Call, groups: Sequence[Sequence[Any]]) -> bytes:
    context, viewer_id = call.context, call.viewer.actor_id
    object_ids = [rows[0]["object_id"] for rows in groups if rows[0]["object_id"] is not None]
    statuses = await render_by_id(context, viewer_id, object_ids, where="notifications")
    shown = [rows for rows in groups if rows[0]["object_id"] is None or rows[0]["object_id"] in statuses]
    firsts = [rows[0] for rows in shown]
    about = await load_warnings(context, firsts) | await load_told(context, viewer_id, firsts)
    rendered = [render_group(rows, len(rows)) | about.get(rows[0]["id"], {}) for rows in shown]
    grouped = _grouped_types(call)
    for group in rendered:
        if group["type"] in GROUPED and group["type"] not in grouped:
            group["group_key"] = f"ungrouped-{group['most_recent_notification_id']}"
    sampled = [int(id_) for group in rendered for id_ in group["sample_account_ids"]]
    accounts = await load_accounts(context.database, sampled)
    full, partial = _split(call, rendered, accounts)
    body = {
        "accounts": orjson.Fragment(join(render_account_json(accounts[id_], context) for id_ in full)),
        "statuses": orjson.Fragment(join(statuses.values())),
        "notification_groups": rendered,
    }
    if call.params.text("expand_accounts") == "partial_avatars":
        whole = (render_account(accounts[id_], context) for id_ in partial)
        body["partial_accounts"] = [{name: account[name] for name in _PARTIAL} for account in whole]
    return orjson.dumps(body)


def _split(
    call: Call, groups: Sequence[Mapping[str, Any]], accounts: Mapping[int, AccountRow]
) -> tuple[list[int], list[int]]:
    """Whom the app gets whole and of whom only the picture: the first of each group says who it was."""
    known = list(accounts)
    if call.params.text("expand_accounts") != "partial_avatars":
        return known, []
    first = {int(group["sample_account_ids"][0]) for group in groups}
    return [id_ for id_ in known if id_ in first], [id_ for id_ in known if id_ not in first]


@routes.get("/api/v2/notifications/unread_count", scope="read:notifications")
@routes.get("/api/v2_alpha/notifications/unread_count", scope="read:notifications")
async def unread_groups(call: Call) -> web.StreamResponse:
    """spec: mastodon-client-api#GET/api/v2/notifications/unread_count; groups with something new"""
    most = call.limit(_MOST_COUNTED, _MOST_COUNTED_AT_ALL)
    context, account_id = call.context, call.params.text("account_id")
    rows = await context.database.fetch(
        queries.LIST.newest,
        viewer_id=call.viewer.actor_id,
        now_ms=context.world.clock.now_ms(),
        types=wanted_types(call),
        from_id=(parse_id(account_id) or -1) if account_id else 0,
        before_id=(1 << 63) - 1,
        after_id=await _last_read(call),
        most=_MOST_COUNTED_AT_ALL,
        limited_too=await _limited_too(call),
    )
    return call.json({"count": min(most, len(_groups_of(_shown(call, rows), _grouped_types(call))))})


async def _group_rows(call: Call) -> list[Any]:
    found = parse_group_key(call.request.match_info["key"])
    context = call.context
    common = {
        "viewer_id": call.viewer.actor_id,
        "now_ms": context.world.clock.now_ms(),
        "limited_too": await _limited_too(call),
    }
    rows: list[Any] = []
    if isinstance(found, int):
        row = await context.database.fetch_one(queries.ONE, id_=found, **common)
        rows = [row] if row is not None else []
    elif found is not None:
        type_, object_id = found
        page = page_of(call, 80, 80)
        rows = await queries.OF_GROUP.load(context.database, page, type_=type_, object_id=object_id, **common)
    if not rows:
        raise not_found()
    return _shown(call, rows)


@routes.get("/api/v2/notifications/{key}", scope="read:notifications")
@routes.get("/api/v2_alpha/notifications/{key}", scope="read:notifications")
async def show_group(call: Call) -> web.StreamResponse:
    """spec: mastodon-client-api#GET/api/v2/notifications/:group_key"""
    return call.json(await _grouped(call, [await _group_rows(call)]))


@routes.get("/api/v2/notifications/{key}/accounts", scope="read:notifications")
async def group_accounts(call: Call) -> web.StreamResponse:
    """spec: mastodon-client-api#GET/api/v2/notifications/:group_key/accounts"""
    rows = await _group_rows(call)
    ids = dict.fromkeys(row["from_actor_id"] for row in rows)
    accounts = await load_account_list(call.context.database, ids)
    return call.json(join(render_account_json(account, call.context) for account in accounts))


@routes.post("/api/v2/notifications/{key}/dismiss", scope="write:notifications")
@routes.post("/api/v2_alpha/notifications/{key}/dismiss", scope="write:notifications")
async def dismiss_group(call: Call) -> web.StreamResponse:
    """spec: mastodon-client-api#POST/api/v2/notifications/:group_key/dismiss"""
    actor_id = call.viewer.actor_id
    found = parse_group_key(call.request.match_info["key"])
    if isinstance(found, int):
        single = found
        await call.context.writer.run(lambda: queries.dismiss(actor_id, [single]))
    elif found is not None:
        type_, object_id = found
        await call.context.writer.run(lambda: queries.dismiss_group(actor_id, type_, object_id))
    return call.json({})
