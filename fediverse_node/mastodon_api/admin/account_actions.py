"""Something is done about an account.  spec: mastodon-client-api#POST/api/v1/admin/accounts/:id/action

A report that is named is resolved by it. Anything but a mere warning resolves all that is open about the account.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import orjson
from aiohttp import web

from fediverse_node.base.outcome import Fail
from fediverse_node.domain.roles import Permission
from fediverse_node.mastodon_api.admin.accounts import forget_people, load_tokens
from fediverse_node.mastodon_api.admin.people import require_subject, role_on
from fediverse_node.mastodon_api.admin.permissions import moderation_of, needs, require_rank_over
from fediverse_node.mastodon_api.errors import invalid, not_found
from fediverse_node.mastodon_api.routing import Call, Routes
from fediverse_node.outbox.moderation_desk import ModerationDesk, Subject, Warned
from fediverse_node.storage.queries import admin_reports
from fediverse_node.storage.queries.moderation import note_act
from fediverse_node.storage.unit import Unit

routes = Routes()

_LONGEST_TEXT = 5000
_Act = Callable[[ModerationDesk, int, Subject], Awaitable[Any]]


async def _nothing(desk: ModerationDesk, by_id: int, subject: Subject) -> None:
    """A warning is all."""


_ACTS: Mapping[str, _Act] = {
    "none": _nothing,
    "disable": lambda desk, by_id, subject: desk.disable(by_id, subject),
    "sensitive": lambda desk, by_id, subject: desk.flag(by_id, subject, "sensitized_ms", "sensitive"),
    "silence": lambda desk, by_id, subject: desk.flag(by_id, subject, "silenced_ms", "silence"),
    "suspend": lambda desk, by_id, subject: desk.suspend(by_id, subject),
}


@routes.post("/api/v1/admin/accounts/{id}/action", scope="admin:write:accounts")
@needs(Permission.MANAGE_USERS)
async def act(call: Call) -> web.Response:
    """One of none, disable, sensitive, silence, suspend; `text` is for the person, and kept."""
    subject, row = await require_subject(call.context, call.id())
    require_rank_over(call, role_on(row))
    type_ = call.params.text("type") or ""
    if type_ not in _ACTS:
        raise invalid("Type is not included in the list")
    text = (call.params.text("text") or "").strip()
    if len(text) > _LONGEST_TEXT:
        raise invalid(f"Text is too long (maximum is {_LONGEST_TEXT} characters)")
    if call.params.text("warning_preset_id"):
        raise not_found()  # texts are not kept for use again here, so none has this id
    report = await _report(call, subject)
    is_told = call.params.flag("send_email_notification", True)
    desk, by_id = moderation_of(call.context), call.viewer.actor_id
    if isinstance(await _ACTS[type_](desk, by_id, subject), Fail):
        raise invalid("Nobody signs in here as this account")
    warned = Warned(
        text,
        report["id"] if report is not None else None,
        orjson.loads(report["object_ids"]) if report is not None else (),
        is_told=is_told,
    )
    await desk.warn(by_id, subject, type_, warned)
    await _resolve(call, subject, report["id"] if report is not None else None, all_=type_ != "none")
    forget_people(call, await load_tokens(call, subject), are_out=type_ in ("disable", "suspend"))
    return call.json({})


async def _report(call: Call, subject: Subject) -> Any:
    if not call.params.text("report_id"):
        return None
    report_id = call.params.id("report_id")
    row = None
    if report_id is not None:
        row = await call.context.database.fetch_one(admin_reports.REPORT, id=report_id)
    if row is None or row["target_id"] != subject.id:
        raise not_found()
    return row


async def _resolve(call: Call, subject: Subject, report_id: int | None, *, all_: bool) -> None:
    context, by_id = call.context, call.viewer.actor_id
    now_ms, desk = context.world.clock.now_ms(), moderation_of(context)

    def unit() -> Unit[None]:
        done: list[int] = []
        if all_:
            done = yield from admin_reports.resolve_all_about(subject.id, by_id, now_ms)
        elif report_id is not None:
            yield from admin_reports.resolve(report_id, by_id, now_ms)
            done = [report_id]
        for id_ in done:
            yield from note_act(desk.act_row(by_id, "resolve", "report", id_, label=subject.handle))

    await context.writer.run(unit)
