"""Mailboxes that may not sign up again, as hashes.  spec: mastodon-client-api#admin-canonical_email_blocks"""

from __future__ import annotations

from aiohttp import web

from fediverse_node.domain.mailboxes import mailbox_hash, parse_mailbox_hash
from fediverse_node.domain.roles import Permission
from fediverse_node.mastodon_api.admin.permissions import needs
from fediverse_node.mastodon_api.admin.rule_lists import drop_rule, insert_rule, load_page, require_rule
from fediverse_node.mastodon_api.entities.admin_rules import render_canonical_email_block
from fediverse_node.mastodon_api.errors import bad_request, invalid
from fediverse_node.mastodon_api.routing import Call, Routes
from fediverse_node.storage.queries.address_rules import MAILBOX, MAILBOXES

routes = Routes()

_READ, _WRITE = "admin:read:canonical_email_blocks", "admin:write:canonical_email_blocks"
_KIND = "canonical_email_block"


@routes.get("/api/v1/admin/canonical_email_blocks", scope=_READ)
@needs(Permission.MANAGE_BLOCKS)
async def show_all(call: Call) -> web.Response:
    """All of them, the newest first."""
    rows, answer = await load_page(call, MAILBOXES)
    return answer([render_canonical_email_block(row) for row in rows])


@routes.get("/api/v1/admin/canonical_email_blocks/{id}", scope=_READ)
@needs(Permission.MANAGE_BLOCKS)
async def show(call: Call) -> web.Response:
    """One of them."""
    return call.json(render_canonical_email_block(await require_rule(call, MAILBOXES)))


@routes.post("/api/v1/admin/canonical_email_blocks/test", scope=_READ)
@needs(Permission.MANAGE_BLOCKS)
async def test(call: Call) -> web.Response:
    """Those that an address falls under. Where it is missing Mastodon breaks down; here it is a 400."""
    email = (call.params.text("email") or "").strip()
    if not email:
        raise bad_request("email is missing")
    rows = await call.context.database.fetch(MAILBOX, hash=mailbox_hash(email))
    return call.json([render_canonical_email_block(row) for row in rows])


@routes.post("/api/v1/admin/canonical_email_blocks", scope=_WRITE)
@needs(Permission.MANAGE_BLOCKS)
async def create(call: Call) -> web.Response:
    """By address, or by a hash that somebody else made."""
    email = (call.params.text("email") or "").strip()
    given = call.params.text("canonical_email_hash") or ""
    if email and "@" not in email:
        raise invalid("Email is invalid")
    if not email and not given.strip():
        raise invalid("Canonical email hash can't be blank")
    hash_ = mailbox_hash(email) if email else parse_mailbox_hash(given)
    if hash_ is None:
        raise invalid("Canonical email hash is invalid")
    world = call.context.world
    row = {"id": world.ids.next(), "hash": hash_, "actor_id": None, "created_ms": world.clock.now_ms()}
    if not await insert_rule(call, MAILBOXES, _KIND, row, hash_):
        raise invalid("Canonical email hash has already been taken")
    return call.json(render_canonical_email_block(row))


@routes.delete("/api/v1/admin/canonical_email_blocks/{id}", scope=_WRITE)
@needs(Permission.MANAGE_BLOCKS)
async def delete(call: Call) -> web.Response:
    """Whoever it is may sign up."""
    row = await require_rule(call, MAILBOXES)
    await drop_rule(call, MAILBOXES, _KIND, row, row["hash"])
    return call.json({})
