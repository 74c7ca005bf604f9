"""Rules about other servers.  spec: mastodon-client-api#admin-domain_blocks

What a rule does is begun here and goes on in the background, as with `fediverse-node domain`: actors are hidden,
follows are cut and written down. Unlike there nobody is asked before follows are cut: an app has no way to ask.
"""

from __future__ import annotations

from typing import Any

from aiohttp import web

from fediverse_node.base.outcome import Fail
from fediverse_node.domain.domains import DomainRule, Severity, parse_domain
from fediverse_node.domain.roles import Permission
from fediverse_node.mastodon_api.admin.permissions import moderation_of, needs
from fediverse_node.mastodon_api.entities.admin_rules import render_domain_block
from fediverse_node.mastodon_api.errors import ApiError, invalid, not_found
from fediverse_node.mastodon_api.routing import Call, Routes
from fediverse_node.outbox.domain_desk import DomainDesk
from fediverse_node.storage.queries.admin_domains import BLOCKS, Numbered

routes = Routes()

_DEFAULT, _MAXIMUM = 100, 200
_READ, _WRITE = "admin:read:domain_blocks", "admin:write:domain_blocks"
_LONGEST_COMMENT = 2000
# What is begun before the answer; the rest goes on in the background.
PIECES_AT_ONCE = 20


@routes.get("/api/v1/admin/domain_blocks", scope=_READ)
@needs(Permission.MANAGE_FEDERATION)
async def show_all(call: Call) -> web.Response:
    """All rules, the newest first."""
    rows, page = await load_numbered(call, BLOCKS)
    return call.page(
        [render_domain_block(row) for row in rows],
        first_id=rows[0]["number"] if rows else None,
        last_id=rows[-1]["number"] if rows else None,
        full=len(rows) >= page > 0,
    )


@routes.get("/api/v1/admin/domain_blocks/{id}", scope=_READ)
@needs(Permission.MANAGE_FEDERATION)
async def show(call: Call) -> web.Response:
    """One rule."""
    return call.json(render_domain_block(await require_numbered(call, BLOCKS)))


@routes.post("/api/v1/admin/domain_blocks", scope=_WRITE)
@needs(Permission.MANAGE_FEDERATION)
async def create(call: Call) -> web.Response:
    """A new rule; 422 with the old one where there is one about this very domain."""
    domain = require_domain(call)
    row = await by_host(call, BLOCKS, domain)
    if row is not None:
        error = {"error": f"You have already imposed limits on {domain}"}
        return call.json({**error, "existing_domain_block": render_domain_block(row)}, status=422)
    return await _put(call, _rule(call, domain, DomainRule(domain, Severity.LIMIT)), "create")


@routes.put("/api/v1/admin/domain_blocks/{id}", scope=_WRITE)
@routes.patch("/api/v1/admin/domain_blocks/{id}", scope=_WRITE)
@needs(Permission.MANAGE_FEDERATION)
async def update(call: Call) -> web.Response:
    """Change what is given; the rest stays. The rule is this server's own from then on."""
    row = await require_numbered(call, BLOCKS)
    before = DomainRule(
        row["host"],
        Severity(row["severity"]),
        bool(row["reject_media"]),
        bool(row["reject_reports"]),
        bool(row["obfuscate"]),
        row["public_comment"],
        row["private_comment"],
    )
    return await _put(call, _rule(call, row["host"], before), "update")


@routes.delete("/api/v1/admin/domain_blocks/{id}", scope=_WRITE)
@needs(Permission.MANAGE_FEDERATION)
async def delete(call: Call) -> web.Response:
    """What was hidden is shown again; follows do not come back. Mastodon answers an empty object, and so do we."""
    row = await require_numbered(call, BLOCKS)
    desk = desk_of(call)
    if isinstance(await desk.drop(row["host"]), Fail):
        raise not_found()
    await desk.work(PIECES_AT_ONCE)
    await note(call, "delete", "domain_block", row["host"])
    return call.json({})


async def _put(call: Call, rule: DomainRule, act: str) -> web.Response:
    desk = desk_of(call)
    outcome = await desk.put(rule)
    if outcome is not None:
        raise invalid(f"Domain: {outcome.reason.sentence}")
    await desk.work(PIECES_AT_ONCE)
    await note(call, act, "domain_block", rule.domain, severity=rule.severity.value)
    row = await by_host(call, BLOCKS, rule.domain)
    if row is None:  # somebody took it back at the same moment
        raise not_found()
    return call.json(render_domain_block(row))


def _rule(call: Call, domain: str, before: DomainRule) -> DomainRule:
    params = call.params
    word = params.text("severity") or before.severity.value
    if word not in {severity.value for severity in Severity}:
        raise invalid("Severity is not included in the list")
    comments = [
        params.text("public_comment", before.public_comment),
        params.text("private_comment", before.private_comment),
    ]
    if any(len(comment) > _LONGEST_COMMENT for comment in comments):
        raise invalid(f"Comment is too long (maximum is {_LONGEST_COMMENT} characters)")
    return DomainRule(
        domain,
        Severity(word),
        reject_media=params.flag("reject_media", before.reject_media),
        reject_reports=params.flag("reject_reports", before.reject_reports),
        obfuscate=params.flag("obfuscate", before.obfuscate),
        public_comment=comments[0].strip(),
        private_comment=comments[1].strip(),
    )


# For both kinds of lists of domains


def desk_of(call: Call) -> DomainDesk:
    """Where it is decided; a process without one (there is none that serves) cannot."""
    if call.context.desk is None:
        raise ApiError(503, "Nobody decides about other servers here")
    return call.context.desk


def require_domain(call: Call) -> str:
    """The domain that is given; 422 when it is none."""
    text = (call.params.text("domain") or "").strip()
    if not text:
        raise invalid("Domain can't be blank")
    domain = parse_domain(text)
    if domain is None:
        raise invalid("Domain is not a valid domain name")
    return domain


async def load_numbered(call: Call, table: Numbered) -> tuple[list[Any], int]:
    """A page, and how many rows it may have."""
    context, page = call.context, call.asked(_DEFAULT, _MAXIMUM)
    await table.ensure(context.database, context.writer, context.world.ids.next)
    return await table.listing.load(context.database, page), page.limit


async def require_numbered(call: Call, table: Numbered) -> Any:
    """The row of the id in the path, or 404."""
    row = await call.context.database.fetch_one(table.by_number, number_=call.id())
    if row is None:
        raise not_found()
    return row


async def by_host(call: Call, table: Numbered, host: str) -> Any:
    """The row of a host, or None; it has a number."""
    context = call.context
    await table.ensure(context.database, context.writer, context.world.ids.next)
    return await context.database.fetch_one(table.by_host, host_=host)


async def note(call: Call, act: str, kind: str, host: str, **details: Any) -> None:
    """Write the act down."""
    await moderation_of(call.context).note(call.viewer.actor_id, act, kind, host, label=host, **details)
