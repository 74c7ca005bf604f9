"""Accounts under moderation: found, let in, stopped, let go again.  spec: mastodon-client-api#admin-accounts"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from fediverse_node.base.outcome import Fail
from fediverse_node.domain.addresses import packed_range, parse_network
from fediverse_node.domain.domains import parse_domain
from fediverse_node.domain.roles import ROLES, Permission
from fediverse_node.mastodon_api.admin.people import render_people, require_subject, role_on
from fediverse_node.mastodon_api.admin.permissions import moderation_of, needs, require_rank_over
from fediverse_node.mastodon_api.errors import bad_request, not_allowed, not_found
from fediverse_node.mastodon_api.mail_desks import mail_desk_of
from fediverse_node.mastodon_api.params import parse_id
from fediverse_node.mastodon_api.routing import SURFACE, Call, Routes
from fediverse_node.outbox.moderation_desk import Subject
from fediverse_node.storage.queries.accounts import escape_like
from fediverse_node.storage.queries.admin_accounts import TOKENS, listing

routes = Routes()

_DEFAULT, _MAXIMUM = 100, 200
_READ, _WRITE = "admin:read:accounts", "admin:write:accounts"
_ORIGINS = ("local", "remote")
_STATUSES = ("active", "pending", "disabled", "silenced", "suspended", "sensitized")
Tokens = list[tuple[int, int]]
_BEGINNINGS = ("username", "display_name", "email")


@routes.get("/api/v1/admin/accounts", scope=_READ)
@needs(Permission.MANAGE_USERS)
async def show_all(call: Call) -> web.Response:
    """Those for which all conditions hold; here each is a flag of its own."""
    flag = call.params.flag
    conditions = {name for name in (*_ORIGINS, *_STATUSES, "staff") if flag(name, False)}
    return await _answer_list(call, conditions)


@routes.get("/api/v2/admin/accounts", scope=_READ)
@needs(Permission.MANAGE_USERS)
async def show_all_v2(call: Call) -> web.Response:
    """The same, with words for the flags."""
    conditions: set[str] = set()
    for name, known in (("origin", _ORIGINS), ("status", _STATUSES), ("permissions", ("staff",))):
        word = (call.params.text(name) or "").strip()
        if word and word not in known:
            raise bad_request(f"Unknown {name}: {word}")
        conditions |= {word} if word else set()
    return await _answer_list(call, conditions)


async def _answer_list(call: Call, conditions: set[str]) -> web.Response:
    values = _values(call, conditions)
    page = call.asked(_DEFAULT, _MAXIMUM)
    rows = await listing(frozenset(conditions)).load(call.context.database, page, **values)
    people = await render_people(call.context, (row["id"] for row in rows))
    return call.page_of([people[row["id"]] for row in rows if row["id"] in people], rows, page)


def _values(call: Call, conditions: set[str]) -> dict[str, Any]:
    """What the conditions compare with; their names are put among `conditions`."""
    params = call.params
    values: dict[str, Any] = {}
    for name in _BEGINNINGS:
        if text := (params.text(name) or "").strip().removeprefix("@" if name == "username" else "").lower():
            values[name] = f"{escape_like(text)}%"
    if domain := (params.text("by_domain") or "").strip():
        values["by_domain"] = parse_domain(domain) or domain.lower()
    if address := (params.text("ip") or "").strip():
        network = parse_network(address)
        if network is None:
            raise bad_request("ip is no address and no network")
        values["ip_low"], values["ip_high"] = packed_range(network)
        conditions.add("ip")
    if inviter := (params.text("invited_by") or "").strip():
        values["invited_by"] = parse_id(inviter) or 0
    if numbers := params.list("role_ids"):
        values["roles"] = [role.word for role in ROLES if str(role.number) in numbers]
    conditions |= values.keys() - {"ip_low", "ip_high"}
    return values


@routes.get("/api/v1/admin/accounts/{id}", scope=_READ)
@needs(Permission.MANAGE_USERS)
async def show(call: Call) -> web.Response:
    """One account."""
    return await answer_account(call, call.id())


async def answer_account(call: Call, id_: int) -> web.Response:
    """The account as it is now; 404 when there is none."""
    people = await render_people(call.context, (id_,))
    if id_ not in people:
        raise not_found()
    return call.json(people[id_])


@routes.post("/api/v1/admin/accounts/{id}/approve", scope=_WRITE)
@needs(Permission.MANAGE_USERS)
async def approve(call: Call) -> web.Response:
    """Let in who asked for it; 403 when nobody asks."""
    subject, _ = await _pending(call)
    desk = mail_desk_of(call.context)
    telling = await desk.verdict(subject.id, is_let_in=True)
    await moderation_of(call.context).approve(call.viewer.actor_id, subject, telling=telling)
    desk.posted()
    return await _done(call, subject)


@routes.post("/api/v1/admin/accounts/{id}/reject", scope=_WRITE)
@needs(Permission.MANAGE_USERS)
async def reject(call: Call) -> web.Response:
    """Turn away who asked; the answer shows whom it was."""
    subject, shown = await _pending(call)
    tokens = await load_tokens(call, subject)
    desk = mail_desk_of(call.context)
    telling = await desk.verdict(subject.id, is_let_in=False)
    if await moderation_of(call.context).reject(call.viewer.actor_id, subject, telling=telling) is not None:
        raise not_allowed()
    desk.posted()
    forget_people(call, tokens, are_out=True)
    return call.json(shown)


async def _pending(call: Call) -> tuple[Subject, Mapping[str, Any]]:
    subject, _ = await require_subject(call.context, call.id())
    people = await render_people(call.context, (subject.id,))
    if subject.id not in people or people[subject.id]["approved"]:
        raise not_allowed()
    return subject, people[subject.id]


@routes.post("/api/v1/admin/accounts/{id}/enable", scope=_WRITE)
@needs(Permission.MANAGE_USERS)
async def enable(call: Call) -> web.Response:
    """Whoever could not sign in can again."""
    subject, _ = await require_subject(call.context, call.id())
    if isinstance(await moderation_of(call.context).enable(call.viewer.actor_id, subject), Fail):
        raise not_allowed()
    return await _done(call, subject)


@routes.post("/api/v1/admin/accounts/{id}/unsuspend", scope=_WRITE)
@needs(Permission.MANAGE_USERS)
async def unsuspend(call: Call) -> web.Response:
    """Here again; 403 when the account is not suspended."""
    subject, _ = await require_subject(call.context, call.id())
    if not subject.is_suspended:
        raise not_allowed()
    await moderation_of(call.context).unsuspend(call.viewer.actor_id, subject)
    return await _done(call, subject)


@routes.post("/api/v1/admin/accounts/{id}/unsilence", scope=_WRITE)
@needs(Permission.MANAGE_USERS)
async def unsilence(call: Call) -> web.Response:
    """Not limited any more."""
    return await _lift(call, "silenced_ms", "unsilence")


@routes.post("/api/v1/admin/accounts/{id}/unsensitive", scope=_WRITE)
@needs(Permission.MANAGE_USERS)
async def unsensitive(call: Call) -> web.Response:
    """What it shows is not covered any more."""
    return await _lift(call, "sensitized_ms", "unsensitive")


async def _lift(call: Call, column: str, act: str) -> web.Response:
    subject, _ = await require_subject(call.context, call.id())
    await moderation_of(call.context).lift(call.viewer.actor_id, subject, column, act)
    return await _done(call, subject)


@routes.delete("/api/v1/admin/accounts/{id}", scope=_WRITE)
@needs(Permission.DELETE_USER_DATA)
async def delete(call: Call) -> web.Response:
    """Everything goes for good. Only of suspended accounts, as in Mastodon; the answer shows whose it was."""
    subject, row = await require_subject(call.context, call.id())
    require_rank_over(call, role_on(row))
    shown = (await render_people(call.context, (subject.id,)))[subject.id]
    tokens = await load_tokens(call, subject)
    if await moderation_of(call.context).delete(call.viewer.actor_id, subject) is not None:
        raise not_allowed()
    forget_people(call, tokens, are_out=True)
    return call.json(shown)


async def _done(call: Call, subject: Subject) -> web.Response:
    forget_people(call, await load_tokens(call, subject))
    return await answer_account(call, subject.id)


async def load_tokens(call: Call, subject: Subject) -> Tokens:
    """The tokens of those who sign in as this account, as (user id, token id)."""
    if not subject.local:
        return []
    rows = await call.context.database.fetch(TOKENS, id=subject.id)
    return [(row["user_id"], row["id"]) for row in rows]


def forget_people(call: Call, tokens: Tokens, *, are_out: bool = False) -> None:
    """What this process remembers of their tokens is out of date; other processes look again within seconds.

    `are_out`: they may not do anything any more, so their streams end.
    """
    viewers = call.request.app[SURFACE].viewers
    for user_id, token_id in tokens:
        if are_out:
            viewers.forget(token_id)
        else:
            viewers.forget_user(user_id)
