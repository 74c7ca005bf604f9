"""Hosts with whose e-mail addresses nobody signs up.  spec: mastodon-client-api#admin-email_domain_blocks"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aiohttp import web

from fediverse_node.domain.mailboxes import parse_mail_domain
from fediverse_node.domain.roles import Permission
from fediverse_node.mastodon_api.admin.permissions import needs
from fediverse_node.mastodon_api.admin.rule_lists import drop_rule, insert_rule, load_page, require_rule
from fediverse_node.mastodon_api.entities.admin_rules import render_email_domain_block
from fediverse_node.mastodon_api.entities.tag import DAY_MS, HISTORY_DAYS
from fediverse_node.mastodon_api.errors import invalid
from fediverse_node.mastodon_api.routing import Call, Routes
from fediverse_node.storage.queries.address_rules import EMAIL_DOMAINS, TRIES

routes = Routes()

_READ, _WRITE = "admin:read:email_domain_blocks", "admin:write:email_domain_blocks"
_KIND = "email_domain_block"


@routes.get("/api/v1/admin/email_domain_blocks", scope=_READ)
@needs(Permission.MANAGE_BLOCKS)
async def show_all(call: Call) -> web.Response:
    """All of them, the newest first, each with how often somebody tried in the last seven days."""
    rows, answer = await load_page(call, EMAIL_DOMAINS)
    return answer(await _render(call, rows))


@routes.get("/api/v1/admin/email_domain_blocks/{id}", scope=_READ)
@needs(Permission.MANAGE_BLOCKS)
async def show(call: Call) -> web.Response:
    """One of them."""
    return call.json((await _render(call, [await require_rule(call, EMAIL_DOMAINS)]))[0])


@routes.post("/api/v1/admin/email_domain_blocks", scope=_WRITE)
@needs(Permission.MANAGE_BLOCKS)
async def create(call: Call) -> web.Response:
    """Nobody signs up with an address there any more; with `allow_with_approval` they have to ask."""
    text = (call.params.text("domain") or "").strip()
    if not text:
        raise invalid("Domain can't be blank")
    domain = parse_mail_domain(text)
    if domain is None:
        raise invalid("Domain is not a valid domain name")
    row = {
        "id": call.context.world.ids.next(),
        "domain": domain,
        "allow_with_approval": call.params.flag("allow_with_approval", False),
        "created_ms": call.context.world.clock.now_ms(),
    }
    if not await insert_rule(call, EMAIL_DOMAINS, _KIND, row, domain):
        raise invalid("Domain has already been taken")
    return call.json((await _render(call, [row]))[0])


@routes.delete("/api/v1/admin/email_domain_blocks/{id}", scope=_WRITE)
@needs(Permission.MANAGE_BLOCKS)
async def delete(call: Call) -> web.Response:
    """They may again."""
    row = await require_rule(call, EMAIL_DOMAINS)
    await drop_rule(call, EMAIL_DOMAINS, _KIND, row, row["domain"])
    return call.json({})


async def _render(call: Call, rows: Sequence[Any]) -> list[dict[str, Any]]:
    now_ms = call.context.world.clock.now_ms()
    tries: dict[int, dict[int, tuple[int, int]]] = {row["id"]: {} for row in rows}
    if rows:
        since = now_ms // DAY_MS - HISTORY_DAYS + 1
        for row in await call.context.database.fetch(TRIES, ids=list(tries), since_day=since):
            tries[row["block_id"]][row["day"]] = (row["addresses"], row["uses"])
    return [render_email_domain_block(row, tries[row["id"]], now_ms) for row in rows]
