"""What a person wants to say, from parameters to a draft, now or later: composition, scheduled statuses.

spec: mastodon-client-api#statuses, #scheduled_statuses
The stored form of a scheduled status is the entity's own `params`, so what is published later has been checked
when it was written, and is read back by the same function.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from aiohttp import web

from fediverse_node.base.log import event
from fediverse_node.domain.effects import Refuse
from fediverse_node.domain.model import Poll
from fediverse_node.mastodon_api.context import Context
from fediverse_node.mastodon_api.entities.attachment import render_attachment
from fediverse_node.mastodon_api.entities.credential_account import DEFAULT_SETTINGS
from fediverse_node.mastodon_api.entities.moments import parse_moment, render_moment
from fediverse_node.mastodon_api.entities.status import VISIBILITIES
from fediverse_node.mastodon_api.errors import ApiError, invalid, not_found, unprocessable
from fediverse_node.mastodon_api.fragments import load_entry
from fediverse_node.mastodon_api.hashtag_rules import check_hashtags
from fediverse_node.mastodon_api.params import Params, parse_id
from fediverse_node.mastodon_api.policies import (
    policy_of_params,
    read_interaction_policy,
    read_quote_policy,
    read_quoted,
)
from fediverse_node.mastodon_api.routing import Call, Routes
from fediverse_node.outbox.compose import attachment_of_media
from fediverse_node.outbox.composition import (
    MAX_MEDIA,
    refusal_of_duration,
    refusal_of_files,
    refusal_of_options,
    refusal_of_text,
)
from fediverse_node.outbox.draft import Draft
from fediverse_node.protocol.language import is_language_tag
from fediverse_node.storage.queries import scheduled as queries
from fediverse_node.storage.queries.timelines import Page
from fediverse_node.storage.unit import Unit

log = logging.getLogger(__name__)
routes = Routes()

_SOONEST_MS = 300_000
_MOST_AT_ONCE = 50


def page_of(call: Call, default: int, maximum: int) -> Page:
    """The page that a request asks for."""
    params = call.params
    return Page(call.limit(default, maximum), params.id("max_id"), params.id("since_id"), params.id("min_id"))


# From parameters to a draft


async def read_composition(call: Call) -> dict[str, Any]:
    """The checked `params` of a new status; raises what the client is to be told."""
    params, viewer = call.params, call.viewer
    row = await call.context.database.fetch_one(queries.SETTINGS, user_id=viewer.user_id)
    settings = orjson.loads(row["settings"]) if row else {}
    text, spoiler = (params.text("status", "")).strip(), (params.text("spoiler_text", "")).strip()
    if not text and spoiler:
        text, spoiler = spoiler, ""
    media_ids = params.ids("media_ids")
    poll = read_poll(params)
    check_text(call.context, text, spoiler, has_more=bool(media_ids or poll))
    await check_hashtags(call, text)
    await check_media(call, media_ids, poll)
    visibility = _visibility(params.text("visibility") or settings.get("default_visibility") or "public")
    quoted_id, visibility = await read_quoted(call, visibility, text)
    sensitive = params.flag("sensitive")
    return {
        "text": text,
        "media_ids": [str(id_) for id_ in media_ids] or None,
        "sensitive": bool(settings.get("default_sensitive")) if sensitive is None else sensitive,
        "spoiler_text": spoiler or None,
        "visibility": visibility,
        "in_reply_to_id": await _parent(call),
        "language": read_language(params) or settings.get("default_language") or None,
        "poll": poll,
        "quoted_status_id": quoted_id,
        "quote_approval_policy": (
            read_quote_policy(params) or settings.get("quote_policy") or DEFAULT_SETTINGS["quote_policy"]
        ),
        "interaction_policy": read_interaction_policy(params),
        "application_id": viewer.app_id,
        "scheduled_at": None,
        "idempotency": None,
        "with_rate_limit": False,
    }


def draft_of(params: Mapping[str, Any], now_ms: int) -> Draft:
    """The draft of checked `params`. A poll's time begins now."""
    return Draft(
        text=params["text"],
        visibility=VISIBILITIES[params["visibility"]],
        summary=params["spoiler_text"] or "",
        sensitive=bool(params["sensitive"]),
        language=params["language"],
        in_reply_to_id=params["in_reply_to_id"],
        media_ids=tuple(int(id_) for id_ in params["media_ids"] or ()),
        poll=poll_draft(params["poll"], now_ms),
        app_id=params["application_id"],
        # What was scheduled before there were quotes does not say anything of them.
        quoted_id=int(params["quoted_status_id"]) if params.get("quoted_status_id") else None,
        policy=policy_of_params(
            params.get("quote_approval_policy"), params.get("interaction_policy"), VISIBILITIES[params["visibility"]]
        ),
    )


def poll_draft(poll: Mapping[str, Any] | None, now_ms: int) -> Poll | None:
    """The poll of checked `params`."""
    if poll is None:
        return None
    options = tuple(poll["options"])
    return Poll(
        options=options,
        counts=(0,) * len(options),
        multiple=bool(poll["multiple"]),
        hide_totals=bool(poll["hide_totals"]),
        voters_count=0,
        expires_ms=now_ms + int(poll["expires_in"]) * 1000,
    )


def read_poll(params: Params) -> dict[str, Any] | None:
    """`poll[options][]`, `poll[expires_in]`, `poll[multiple]`, `poll[hide_totals]`, checked."""
    poll = params.mapping("poll")
    options = [option.strip() for option in poll.list("options")]
    if not options:
        return None
    expires_in = poll.number("expires_in")
    refusal = refusal_of_options(options) or refusal_of_duration(expires_in)
    if refusal is not None:
        raise invalid(refusal)
    return {
        "options": options,
        "expires_in": expires_in,
        "multiple": poll.flag("multiple", False),
        "hide_totals": poll.flag("hide_totals", False),
    }


def check_text(context: Context, text: str, spoiler: str, *, has_more: bool) -> None:
    """Something is said, and not too much."""
    refusal = refusal_of_text(context.config, text, spoiler, has_more=has_more)
    if refusal is not None:
        raise invalid(refusal)


async def check_media(
    call: Call, media_ids: Sequence[int], poll: Mapping[str, Any] | None, *, object_id: int | None = None
) -> list[Any]:
    """The uploads that go with a text, in order: own ones, free or attached to `object_id` already."""
    if len(media_ids) > MAX_MEDIA or (media_ids and poll):
        raise invalid(f"Cannot attach more than {MAX_MEDIA} files")
    if not media_ids:
        return []
    rows = await call.context.database.fetch(queries.MEDIA, ids=list(media_ids), actor=call.viewer.actor_id)
    free = {row["id"]: row for row in rows if row["object_id"] is None or row["object_id"] == object_id}
    missing = [str(id_) for id_ in media_ids if id_ not in free]
    if missing:
        raise invalid(f"Media {', '.join(missing)} not found or already attached to another post")
    found = [free[id_] for id_ in media_ids]
    refusal = refusal_of_files(found)
    if refusal is not None:
        raise invalid(refusal)
    if any(not row["path"] for row in found):
        raise unprocessable("Cannot attach files that have not finished processing. Try again in a moment!")
    return found


def read_language(params: Params) -> str | None:
    """A language tag, or None where the client gave none that could be one."""
    language = params.text("language")
    return language if language and is_language_tag(language) else None


def _visibility(name: str) -> str:
    if name not in VISIBILITIES:
        raise invalid("Visibility is not included in the list")
    return name


async def _parent(call: Call) -> int | None:
    given = call.params.text("in_reply_to_id")
    if not given:
        return None
    missing = ApiError(404, "The post you are trying to reply to does not appear to exist.")
    id_ = parse_id(given)
    if id_ is None:
        raise missing
    try:
        entry = await load_entry(call.context, call.viewer.actor_id, id_)
    except ApiError:
        raise missing from None
    # An answer to a boost is an answer to what was boosted.
    return int(entry["target_id"] or entry["id"])


# Scheduled statuses


def read_moment(call: Call) -> int | None:
    """`scheduled_at` in milliseconds, far enough away."""
    given = call.params.text("scheduled_at")
    if not given:
        return None
    moment_ms = parse_moment(given)
    if moment_ms is None:
        raise invalid("Scheduled at is not a date")
    if moment_ms < call.context.world.clock.now_ms() + _SOONEST_MS:
        raise invalid("Scheduled at must be in the future")
    return moment_ms


async def schedule(call: Call, params: dict[str, Any], due_ms: int) -> int:
    """Keep a status for later; its id."""
    context, viewer = call.context, call.viewer
    id_ = context.world.ids.next()
    stored, now_ms = orjson.dumps(params).decode(), context.world.clock.now_ms()

    def keep() -> Unit[None]:
        yield from queries.schedule(id_, viewer.actor_id, due_ms, stored, viewer.app_id)
        if params["idempotency"]:
            yield from queries.remember_answer(viewer.actor_id, params["idempotency"], id_, now_ms)

    await context.writer.run(keep)
    return id_


async def render_scheduled(context: Context, rows: Sequence[Any]) -> list[dict[str, Any]]:
    """ScheduledStatus entities."""
    stored = [orjson.loads(row["params"]) for row in rows]
    ids = [int(id_) for params in stored for id_ in params["media_ids"] or ()]
    media: dict[int, Any] = {}
    if ids:
        found = await context.database.fetch(queries.MEDIA, ids=ids, actor=rows[0]["actor_id"])
        media = {row["id"]: render_attachment(attachment_of_media(row), context.world.names) for row in found}
    return [
        {
            "id": str(row["id"]),
            "scheduled_at": render_moment(row["due_ms"]),
            "params": params,
            "media_attachments": [media[int(i)] for i in params["media_ids"] or () if int(i) in media],
        }
        for row, params in zip(rows, stored, strict=True)
    ]


async def render_one_scheduled(call: Call, id_: int) -> dict[str, Any]:
    """One of the viewer's; 404 when there is none."""
    row = await call.context.database.fetch_one(queries.ONE, id_=id_, actor=call.viewer.actor_id)
    if row is None:
        raise not_found()
    return (await render_scheduled(call.context, [row]))[0]


@routes.get("/api/v1/scheduled_statuses", scope="read:statuses")
async def list_scheduled(call: Call) -> web.StreamResponse:
    """spec: mastodon-client-api#GET/api/v1/scheduled_statuses"""
    page = page_of(call, 20, 40)
    rows = await queries.LIST.load(call.context.database, page, actor=call.viewer.actor_id)
    first, last = (rows[0]["id"], rows[-1]["id"]) if rows else (None, None)
    rendered = await render_scheduled(call.context, rows)
    return call.page(rendered, first_id=first, last_id=last, full=len(rows) >= page.limit)


@routes.get("/api/v1/scheduled_statuses/{id}", scope="read:statuses")
async def show_scheduled(call: Call) -> web.StreamResponse:
    """spec: mastodon-client-api#GET/api/v1/scheduled_statuses/:id"""
    return call.json(await render_one_scheduled(call, call.id()))


@routes.put("/api/v1/scheduled_statuses/{id}", scope="write:statuses")
async def change_scheduled(call: Call) -> web.StreamResponse:
    """spec: mastodon-client-api#PUT/api/v1/scheduled_statuses/:id"""
    id_, actor_id = call.id(), call.viewer.actor_id
    await render_one_scheduled(call, id_)  # a 404 comes before what is wrong with the date
    due_ms = read_moment(call)
    if due_ms is not None and not await call.context.writer.run(lambda: queries.reschedule(id_, actor_id, due_ms)):
        raise not_found()
    return call.json(await render_one_scheduled(call, id_))


@routes.delete("/api/v1/scheduled_statuses/{id}", scope="write:statuses")
async def cancel_scheduled(call: Call) -> web.StreamResponse:
    """spec: mastodon-client-api#DELETE/api/v1/scheduled_statuses/:id"""
    id_, actor_id = call.id(), call.viewer.actor_id
    if not await call.context.writer.run(lambda: queries.cancel(id_, actor_id)):
        raise not_found()
    return call.json({})


async def publish_due(context: Context) -> int:
    """Say what is due; how many. Call it every some seconds, never twice at once.

    What is said leaves the list in the same transaction: it is said once, whatever happens.
    """
    now_ms = context.world.clock.now_ms()
    rows = await context.database.fetch(queries.DUE, now_ms=now_ms, most=_MOST_AT_ONCE)
    published = 0
    for row in rows:
        id_, actor_id = row["id"], row["actor_id"]
        cancel = functools.partial(queries.cancel, id_, actor_id)
        draft = draft_of(orjson.loads(row["params"]), now_ms)
        outcome = await context.outbox.post(actor_id, draft, beside=lambda _, cancel=cancel: cancel())  # type: ignore[misc]
        if isinstance(outcome, Refuse):
            event(log, "scheduled.refused", logging.WARNING, id=id_, reason=outcome.reason.name)
            await context.writer.run(cancel)
        else:
            published += 1
    return published
