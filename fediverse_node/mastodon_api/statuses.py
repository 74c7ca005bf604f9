"""Statuses: said, changed, taken back, looked at with their thread, and reacted to.  spec: mastodon-client-api#statuses

What the viewer may not see does not exist for them: every method answers the same 404.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import orjson
from aiohttp import web

from fediverse_node.domain.effects import Refusal, Refuse
from fediverse_node.domain.model import Visibility, visibility_of
from fediverse_node.mastodon_api.async_refreshes import look_around
from fediverse_node.mastodon_api.entities.account import render_account, render_account_json
from fediverse_node.mastodon_api.entities.context import arrange, render_completeness
from fediverse_node.mastodon_api.entities.status import VISIBILITIES, render_source, source_of, visibility_name
from fediverse_node.mastodon_api.entities.status_edit import render_status_edit
from fediverse_node.mastodon_api.errors import ApiError, bad_request, invalid, not_allowed, not_found
from fediverse_node.mastodon_api.fragments import join, load_entry, render_by_id, render_entries, render_one
from fediverse_node.mastodon_api.hashtag_rules import check_hashtags
from fediverse_node.mastodon_api.limits import DELETIONS, STATUSES
from fediverse_node.mastodon_api.params import Params
from fediverse_node.mastodon_api.policies import changed_policy
from fediverse_node.mastodon_api.routing import Call, Routes
from fediverse_node.mastodon_api.scheduled import (
    check_media,
    check_text,
    draft_of,
    page_of,
    poll_draft,
    read_composition,
    read_language,
    read_moment,
    read_poll,
    render_one_scheduled,
    schedule,
)
from fediverse_node.outbox.draft import Draft
from fediverse_node.storage.queries import bookmarks, favourites
from fediverse_node.storage.queries import scheduled as scheduled_queries
from fediverse_node.storage.queries import statuses as queries
from fediverse_node.storage.queries.accounts import load_account_list, load_accounts
from fediverse_node.storage.queries.timelines import Keyset
from fediverse_node.storage.rows import policy_of, poll_of
from fediverse_node.storage.unit import Unit
from fediverse_node.storage.writer import Writer

routes = Routes()

_MOST_ASKED = 40
_LONGEST_KEY = 200
# (ancestors, descendants, depth): strangers get a page, people the whole.
_THREAD_OF_STRANGERS, _THREAD = (40, 60, 20), (4096, 4096, 4096)
_LARGEST_THREAD = 10_000
_running: dict[tuple[Writer, int, str], asyncio.Future[int]] = {}


# Said, changed, taken back


@routes.post("/api/v1/statuses", scope="write:statuses")
async def post(call: Call) -> web.StreamResponse:
    """spec: mastodon-client-api#POST/api/v1/statuses"""
    call.take(STATUSES)
    key = call.request.headers.get("Idempotency-Key", "")[:_LONGEST_KEY]
    id_ = await _once(call, key, lambda: _say(call, key)) if key else await _say(call, key)
    rendered = await render_by_id(call.context, call.viewer.actor_id, [id_])
    if id_ in rendered:
        return call.json(rendered[id_])
    return call.json(await render_one_scheduled(call, id_))


async def _say(call: Call, key: str) -> int:
    params = await read_composition(call)
    params["idempotency"] = key or None
    due_ms = read_moment(call)
    if due_ms is not None:
        return await schedule(call, params, due_ms)
    context, actor_id = call.context, call.viewer.actor_id
    now_ms = context.world.clock.now_ms()

    def remember(id_: int) -> Unit[None]:
        if key:
            yield from scheduled_queries.remember_answer(actor_id, key, id_, now_ms)

    outcome = await context.outbox.post(actor_id, draft_of(params, now_ms), beside=remember)
    if isinstance(outcome, Refuse):
        raise _refused(outcome)
    return outcome


async def _once(call: Call, key: str, say: Callable[[], Awaitable[int]]) -> int:
    """The same key gives the same answer, also when the second request comes before the first is done.

    The work goes on when the client hangs up: it will ask again with the same key.
    """
    place = (call.context.writer, call.viewer.actor_id, key)
    running = _running.get(place)
    if running is None:
        running = _running[place] = asyncio.ensure_future(_remembered(call, key, say))
        running.add_done_callback(lambda done: _finished(place, done))
    return await asyncio.shield(running)


def _finished(place: tuple[Writer, int, str], done: asyncio.Future[int]) -> None:
    _running.pop(place, None)
    if not done.cancelled():
        done.exception()  # whoever waited has it; nobody may be waiting any more


async def _remembered(call: Call, key: str, say: Callable[[], Awaitable[int]]) -> int:
    context, actor_id = call.context, call.viewer.actor_id
    now_ms = context.world.clock.now_ms()
    row = await context.database.fetch_one(
        scheduled_queries.ANSWERED, actor=actor_id, key_=key, since_ms=scheduled_queries.key_since_ms(now_ms)
    )
    if row is not None:
        return int(row["object_id"])
    return await say()


@routes.put("/api/v1/statuses/{id}", scope="write:statuses")
async def edit(call: Call) -> web.StreamResponse:
    """spec: mastodon-client-api#PUT/api/v1/statuses/:id

    What the request does not name stays as it is.
    """
    id_, params, viewer = call.id(), call.params, call.viewer
    row = await _own(call, id_)
    if row["announce_of_id"] is not None:
        raise not_allowed()
    text = (params.text("status") if "status" in params else source_of(row)) or ""
    spoiler = params.text("spoiler_text", "") if "spoiler_text" in params else row["summary"]
    attached = [int(item["id"]) for item in orjson.loads(row["attachments"]) if item.get("path")]
    media_ids = params.ids("media_ids") if params.raw("media_ids") is not None else attached
    poll = read_poll(params)
    had_poll = row["options"] is not None
    check_text(call.context, text.strip(), spoiler.strip(), has_more=bool(media_ids or poll or had_poll))
    await check_hashtags(call, text)
    media = await check_media(call, media_ids, poll, object_id=id_)
    await _describe(call, media)
    sensitive = params.flag("sensitive")
    draft = Draft(
        text=text.strip(),
        visibility=visibility_of(row["visibility"]),
        summary=spoiler.strip(),
        sensitive=bool(row["sensitive"]) if sensitive is None else sensitive,
        language=read_language(params) or row["language"],
        in_reply_to_id=row["in_reply_to_id"],
        media_ids=tuple(media_ids),
        poll=poll_draft(poll, call.context.world.clock.now_ms()) if poll else poll_of(row),
        app_id=row["app_id"],
        policy=changed_policy(params, policy_of(row["policy"]), visibility_of(row["visibility"])),
    )
    outcome = await call.context.outbox.edit(viewer.actor_id, id_, draft)
    if outcome is not None and outcome.reason is not Refusal.ALREADY_DONE:
        raise _refused(outcome)
    return call.json(await render_one(call.context, viewer.actor_id, id_))


async def _describe(call: Call, media: Sequence[Any]) -> None:
    """`media_attributes[][id,description,focus]`: new descriptions of files that are attached."""
    known = {row["id"]: row for row in media}
    changes = []
    for given in call.params.mappings("media_attributes"):
        row = known.get(given.id("id") or 0)
        if row is None:
            continue
        meta = orjson.loads(row["meta"])
        focus = _focus(given)
        if focus is not None:
            meta["focus"] = focus
        description = given.text("description", row["description"])
        changes.append((row["id"], description, orjson.dumps(meta).decode()))
    if changes:
        actor_id = call.viewer.actor_id
        await call.context.writer.run(lambda: scheduled_queries.describe_media(actor_id, changes))


def _focus(given: Params) -> dict[str, float] | None:
    text = given.text("focus")
    if not text:
        return None
    try:
        x, y = (min(1.0, max(-1.0, float(part))) for part in text.split(","))
    except ValueError:
        raise bad_request("focus must be two numbers between -1 and 1") from None
    return {"x": x, "y": y}


@routes.delete("/api/v1/statuses/{id}", scope="write:statuses")
async def delete(call: Call) -> web.StreamResponse:
    """spec: mastodon-client-api#DELETE/api/v1/statuses/:id

    The answer holds what the author typed, so that an app can offer to write it anew; so its files are kept as
    free uploads unless `delete_media` is set.
    """
    call.take(DELETIONS)
    id_, actor_id, context = call.id(), call.viewer.actor_id, call.context
    row = await _own(call, id_)
    status = orjson.loads(await render_one(context, actor_id, id_))
    status["text"] = source_of(row)
    if row["announce_of_id"] is not None:
        outcome = await context.outbox.unannounce(actor_id, row["announce_of_id"])
    else:
        if not call.params.flag("delete_media", False):
            await context.writer.run(lambda: bookmarks.detach_media(actor_id, id_))
        outcome = await context.outbox.delete(actor_id, id_)
    if outcome is not None:
        raise _refused(outcome)
    return call.json(status)


async def _own(call: Call, object_id: int) -> Any:
    row = await call.context.database.fetch_one(queries.FOR_EDITING, object_id=object_id)
    if row is None or row["actor_id"] != call.viewer.actor_id or not row["local"]:
        raise not_found()
    return row


def _refused(refuse: Refuse) -> ApiError:
    """The answer to what the domain does not allow."""
    if refuse.reason is Refusal.NOT_PERMITTED:
        return ApiError(403, f"This is not allowed: {refuse.detail}") if refuse.detail else not_allowed()
    if refuse.reason in (Refusal.UNKNOWN_OBJECT, Refusal.UNKNOWN_ACTOR, Refusal.DELETED):
        return not_found()
    return invalid(refuse.reason.sentence)


# Looked at


@routes.get("/api/v1/statuses", scope="read:statuses", anonymous=True)
async def show_several(call: Call) -> web.StreamResponse:
    """spec: mastodon-client-api#GET/api/v1/statuses"""
    ids = (call.params.ids("id") or call.params.ids("ids"))[:_MOST_ASKED]
    rendered = await render_by_id(call.context, call.viewer_id, ids)
    return call.json(join(rendered[id_] for id_ in ids if id_ in rendered))


@routes.get("/api/v1/statuses/{id}", scope="read:statuses", anonymous=True)
async def show(call: Call) -> web.StreamResponse:
    """spec: mastodon-client-api#GET/api/v1/statuses/:id"""
    rendered = await render_one(call.context, call.viewer_id, call.id())
    _note_opened(call, call.id())
    return call.json(rendered)


def _note_opened(call: Call, object_id: int) -> None:
    """Somebody reads it by itself: if nobody else would tell us what became of it, its origin is asked."""
    if call.context.looks is not None:
        call.context.looks.post_opened(object_id, is_stranger=call.viewer_id is None)


@routes.get("/api/v1/statuses/{id}/context", scope="read:statuses", anonymous=True)
async def context(call: Call) -> web.StreamResponse:
    """spec: mastodon-client-api#GET/api/v1/statuses/:id/context"""
    viewer_id = call.viewer_id
    entry = await load_entry(call.context, viewer_id, call.id())
    _note_opened(call, entry["target_id"] or entry["id"])
    rows = await call.context.database.fetch(
        queries.THREAD,
        thread_id=entry["thread_id"],
        viewer_id=viewer_id or queries.NOBODY,
        now_ms=call.context.world.clock.now_ms(),
        most=_LARGEST_THREAD,
    )
    most_ancestors, most_descendants, depth = _THREAD if viewer_id is not None else _THREAD_OF_STRANGERS
    ancestors, descendants = arrange(
        rows,
        entry["target_id"] or entry["id"],
        most_ancestors=most_ancestors,
        most_descendants=most_descendants,
        depth=depth,
    )
    rendered = await render_entries(call.context, viewer_id, [*ancestors, *descendants])
    above, below = (
        join(rendered[row["id"]] for row in part if row["id"] in rendered) for part in (ancestors, descendants)
    )
    known = await look_around(call, entry, rows)
    completeness = orjson.dumps(render_completeness(known))
    return call.json(b'{"ancestors":%b,"descendants":%b,"completeness":%b}' % (above, below, completeness))


@routes.get("/api/v1/statuses/{id}/source", scope="read:statuses")
async def source(call: Call) -> web.StreamResponse:
    """spec: mastodon-client-api#GET/api/v1/statuses/:id/source"""
    return call.json(render_source(await _visible_row(call)))


@routes.get("/api/v1/statuses/{id}/history", scope="read:statuses", anonymous=True)
async def history(call: Call) -> web.StreamResponse:
    """spec: mastodon-client-api#GET/api/v1/statuses/:id/history; oldest first, the present version last"""
    row = await _visible_row(call)
    database, names = call.context.database, call.context.world.names
    accounts = await load_accounts(database, [row["actor_id"]])
    account = render_account(accounts[row["actor_id"]], call.context)
    edits = [
        render_status_edit(
            revision, account, names, created_ms=revision["created_ms"], options=revision["poll_options"]
        )
        for revision in await database.fetch(queries.HISTORY, object_id=row["id"])
    ]
    now_ms = row["edited_ms"] or row["published_ms"]
    edits.append(render_status_edit(row, account, names, created_ms=now_ms, options=row["options"]))
    return call.json(edits)


async def _visible_row(call: Call) -> Any:
    entry = await load_entry(call.context, call.viewer_id, call.id())
    row = await call.context.database.fetch_one(queries.RENDERED, ids=[entry["target_id"] or entry["id"]])
    if row is None:
        raise not_found()
    return row


@routes.get("/api/v1/statuses/{id}/favourited_by", scope="read:statuses", anonymous=True)
async def favourited_by(call: Call) -> web.StreamResponse:
    """spec: mastodon-client-api#GET/api/v1/statuses/:id/favourited_by"""
    return await _people(call, favourites.LIKED_BY)


@routes.get("/api/v1/statuses/{id}/reblogged_by", scope="read:statuses", anonymous=True)
async def reblogged_by(call: Call) -> web.StreamResponse:
    """spec: mastodon-client-api#GET/api/v1/statuses/:id/reblogged_by"""
    return await _people(call, favourites.ANNOUNCED_BY)


async def _people(call: Call, list_: Keyset) -> web.StreamResponse:
    database, viewer_id = call.context.database, call.viewer_id
    entry = await load_entry(call.context, viewer_id, call.id())
    page = page_of(call, 40, 80)
    rows = await list_.load(
        database,
        page,
        object_id=entry["target_id"] or entry["id"],
        viewer_id=viewer_id or queries.NOBODY,
        now_ms=call.context.world.clock.now_ms(),
    )
    accounts = await load_account_list(database, [row["actor_id"] for row in rows])
    rendered = join(render_account_json(account, call.context) for account in accounts)
    first, last = (rows[0]["cursor"], rows[-1]["cursor"]) if rows else (None, None)
    return call.page(rendered, first_id=first, last_id=last, full=len(rows) >= page.limit)


@routes.post("/api/v1/statuses/{id}/translate", scope="read:statuses", anonymous=True, app=True)
async def translate(call: Call) -> web.StreamResponse:
    """No translation service is configured; Mastodon answers 404 then."""
    raise not_found()


# Reacted to


async def _react(
    call: Call, act: Callable[[int, int], Awaitable[Refuse | int | None]], *, fine: Sequence[Refusal] = ()
) -> web.StreamResponse:
    """Do something with a status, or with what is in it if it is a boost, and answer how it looks now."""
    id_, viewer_id = call.id(), call.viewer.actor_id
    entry = await load_entry(call.context, viewer_id, id_)
    outcome = await act(viewer_id, entry["target_id"] or entry["id"])
    if isinstance(outcome, Refuse) and outcome.reason not in (Refusal.ALREADY_DONE, *fine):
        raise _refused(outcome)
    return call.json(await render_one(call.context, viewer_id, id_))


@routes.post("/api/v1/statuses/{id}/favourite", scope="write:favourites")
async def favourite(call: Call) -> web.StreamResponse:
    """spec: mastodon-client-api#POST/api/v1/statuses/:id/favourite"""
    return await _react(call, call.context.outbox.like)


@routes.post("/api/v1/statuses/{id}/unfavourite", scope="write:favourites")
async def unfavourite(call: Call) -> web.StreamResponse:
    """spec: mastodon-client-api#POST/api/v1/statuses/:id/unfavourite"""
    return await _react(call, call.context.outbox.unlike)


@routes.post("/api/v1/statuses/{id}/reblog", scope="write:statuses")
async def reblog(call: Call) -> web.StreamResponse:
    """spec: mastodon-client-api#POST/api/v1/statuses/:id/reblog; answers the boost, with the status in it"""
    call.take(STATUSES)
    viewer_id, name = call.viewer.actor_id, call.params.text("visibility", "public")
    entry = await load_entry(call.context, viewer_id, call.id())
    if name not in VISIBILITIES or VISIBILITIES[name] is Visibility.DIRECT:
        raise invalid("Visibility is not included in the list")
    target_id = entry["target_id"] or entry["id"]
    row = await call.context.database.fetch_one(queries.FOR_EDITING, object_id=target_id)
    # What followers alone may read is passed on to followers alone.
    reach = VISIBILITIES[name]
    if row is not None and visibility_name(visibility_of(row["visibility"])) == "private":
        reach = Visibility.FOLLOWERS
    outcome = await call.context.outbox.announce(viewer_id, target_id, reach)
    if isinstance(outcome, Refuse):
        raise _refused(outcome)
    # Where its author has to be asked first, there is no boost yet to show.
    return call.json(await render_one(call.context, viewer_id, target_id if outcome is None else outcome))


@routes.post("/api/v1/statuses/{id}/unreblog", scope="write:statuses")
async def unreblog(call: Call) -> web.StreamResponse:
    """spec: mastodon-client-api#POST/api/v1/statuses/:id/unreblog; answers the status that was boosted"""
    call.take(DELETIONS)
    viewer_id = call.viewer.actor_id
    entry = await load_entry(call.context, viewer_id, call.id())
    target_id = entry["target_id"] or entry["id"]
    outcome = await call.context.outbox.unannounce(viewer_id, target_id)
    if outcome is not None and outcome.reason is not Refusal.ALREADY_DONE:
        raise _refused(outcome)
    return call.json(await render_one(call.context, viewer_id, target_id))


@routes.post("/api/v1/statuses/{id}/bookmark", scope="write:bookmarks")
async def bookmark(call: Call) -> web.StreamResponse:
    """spec: mastodon-client-api#POST/api/v1/statuses/:id/bookmark"""
    new_id = call.context.world.ids.next()

    async def act(actor_id: int, object_id: int) -> None:
        await call.context.writer.run(lambda: bookmarks.bookmark(new_id, actor_id, object_id))

    return await _react(call, act)


@routes.post("/api/v1/statuses/{id}/unbookmark", scope="write:bookmarks")
async def unbookmark(call: Call) -> web.StreamResponse:
    """spec: mastodon-client-api#POST/api/v1/statuses/:id/unbookmark"""

    async def act(actor_id: int, object_id: int) -> None:
        await call.context.writer.run(lambda: bookmarks.unbookmark(actor_id, object_id))

    return await _react(call, act)


@routes.post("/api/v1/statuses/{id}/mute", scope="write:mutes")
async def mute(call: Call) -> web.StreamResponse:
    """spec: mastodon-client-api#POST/api/v1/statuses/:id/mute; the whole thread"""
    entry = await load_entry(call.context, call.viewer.actor_id, call.id())

    async def act(actor_id: int, _object_id: int) -> None:
        await call.context.writer.run(lambda: bookmarks.mute_thread(actor_id, entry["thread_id"]))

    return await _react(call, act)


@routes.post("/api/v1/statuses/{id}/unmute", scope="write:mutes")
async def unmute(call: Call) -> web.StreamResponse:
    """spec: mastodon-client-api#POST/api/v1/statuses/:id/unmute"""
    entry = await load_entry(call.context, call.viewer.actor_id, call.id())

    async def act(actor_id: int, _object_id: int) -> None:
        await call.context.writer.run(lambda: bookmarks.unmute_thread(actor_id, entry["thread_id"]))

    return await _react(call, act)


@routes.post("/api/v1/statuses/{id}/pin", scope="write:accounts")
async def pin(call: Call) -> web.StreamResponse:
    """spec: mastodon-client-api#POST/api/v1/statuses/:id/pin"""
    viewer_id, id_ = call.viewer.actor_id, call.id()
    await load_entry(call.context, viewer_id, id_)
    row = await call.context.database.fetch_one(queries.FOR_EDITING, object_id=id_)
    if row is None:
        raise not_found()
    if row["announce_of_id"] is not None:
        raise invalid("A boost cannot be pinned")
    if row["actor_id"] != viewer_id:
        raise invalid("Someone else's post cannot be pinned")
    if visibility_of(row["visibility"]) is Visibility.DIRECT:
        raise invalid("Posts that are only visible to mentioned users cannot be pinned")
    outcome = await call.context.outbox.pin(viewer_id, id_)
    if outcome is not None and outcome.reason is not Refusal.ALREADY_DONE:
        raise invalid("You have already pinned the maximum number of posts")
    return call.json(await render_one(call.context, viewer_id, id_))


@routes.post("/api/v1/statuses/{id}/unpin", scope="write:accounts")
async def unpin(call: Call) -> web.StreamResponse:
    """spec: mastodon-client-api#POST/api/v1/statuses/:id/unpin"""
    await _own(call, call.id())
    return await _react(call, call.context.outbox.unpin)
