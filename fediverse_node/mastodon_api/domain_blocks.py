"""Hosts that one person keeps away from, and those that the server keeps out or quiet.

spec: mastodon-client-api#domain_blocks, mastodon-client-api#instance
Whoever keeps away from a host follows nobody there and is followed by nobody there; of the rest nothing is shown.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from typing import Any

from aiohttp import web

from fediverse_node.base.config_values import Audience
from fediverse_node.domain.domains import DomainRule, Severity, obfuscated, parse_domain
from fediverse_node.mastodon_api.errors import invalid, not_found, token_invalid
from fediverse_node.mastodon_api.routing import Call, Routes
from fediverse_node.storage.queries import domains as queries
from fediverse_node.storage.queries import host_marks
from fediverse_node.storage.unit import Unit

routes = Routes()

_DEFAULT, _MAXIMUM = 100, 200
_AT_ONCE = 50


@routes.get("/api/v1/domain_blocks", scope="read:blocks")
async def show(call: Call) -> web.Response:
    """spec: mastodon-client-api#GET/api/v1/domain_blocks"""
    page = call.asked(_DEFAULT, _MAXIMUM)
    rows = await queries.OF_PERSON.load(call.context.database, page, actor_id=call.viewer.actor_id)
    return call.page_of([row["host"] for row in rows], rows, page)


@routes.get("/api/v1/domain_blocks/preview", scope="read:blocks")
async def preview(call: Call) -> web.Response:
    """How many follows a block would end."""
    tied = await _tied(call, _domain(call))
    me = call.viewer.actor_id
    return call.json(
        {
            "following_count": sum(1 for row in tied if row["accepted"] and row["follower_id"] == me),
            "followers_count": sum(1 for row in tied if row["accepted"] and row["followed_id"] == me),
        }
    )


@routes.post("/api/v1/domain_blocks", scope="write:blocks")
async def block(call: Call) -> web.Response:
    """spec: mastodon-client-api#POST/api/v1/domain_blocks"""
    domain, world, me = _domain(call), call.context.world, call.viewer.actor_id
    if domain == world.names.host:
        raise invalid("Validation failed: Domain is this server's own")
    now_ms = world.clock.now_ms()
    # First: from now on nothing new comes about that would have to be ended below.
    await call.context.writer.run(lambda: queries.keep_away(world.ids.next(), me, domain, now_ms))
    tied = await _tied(call, domain)
    if tied:
        await call.context.writer.run(lambda: _noted(call, domain, tied, now_ms))
    for start in range(0, len(tied), _AT_ONCE):
        await asyncio.gather(*(_end(call, row) for row in tied[start : start + _AT_ONCE]))
    return call.json({})


@routes.delete("/api/v1/domain_blocks", scope="write:blocks")
async def unblock(call: Call) -> web.Response:
    """spec: mastodon-client-api#DELETE/api/v1/domain_blocks"""
    domain, me = _domain(call), call.viewer.actor_id
    await call.context.writer.run(lambda: queries.keep_away_no_longer(me, domain))
    return call.json({})


@routes.get("/api/v1/instance/domain_blocks", anonymous=True)
async def of_the_server(call: Call) -> web.Response:
    """spec: mastodon-client-api#GET/api/v1/instance/domain_blocks; to whom it is shown is a setting."""
    audience = call.context.config.show_domain_blocks
    if audience is Audience.NOBODY:
        raise not_found()
    if audience is Audience.USERS and call.viewer_id is None:
        raise token_invalid()
    rules = await queries.load_rules(call.context.database)
    return call.json([_render(rule) for rule in rules if rule.severity is not Severity.NOTHING])


def _render(rule: DomainRule) -> dict[str, Any]:
    return {
        "domain": obfuscated(rule.domain) if rule.obfuscate else rule.domain,
        "digest": hashlib.sha256(rule.domain.encode()).hexdigest(),
        "severity": rule.severity.value,
        "comment": rule.public_comment,
    }


def _domain(call: Call) -> str:
    text = (call.params.text("domain") or "").strip()
    if not text:
        raise invalid("Validation failed: Domain can't be blank")
    domain = parse_domain(text)
    if domain is None:
        raise invalid("Validation failed: Domain is not a valid domain name")
    return domain


async def _tied(call: Call, domain: str) -> list[Any]:
    """The follows and requests between the viewer and those of a host."""
    me = call.viewer.actor_id
    return list(await call.context.database.fetch(host_marks.BETWEEN, actor_id=me, host=domain))


def _noted(call: Call, domain: str, tied: Sequence[Any], now_ms: int) -> Unit[None]:
    """What is lost by it, for whoever takes the block back one day."""
    ids, me = call.context.world.ids, call.viewer.actor_id
    severance_id = ids.next()
    yield from host_marks.note_severance(severance_id, "user_domain_block", domain, now_ms)
    ours = [row for row in tied if row["follower_id"] == me]
    theirs = [row for row in tied if row["followed_id"] == me]
    yield from host_marks.note_severed(severance_id, ours, theirs, ids.next)


async def _end(call: Call, row: Any) -> None:
    outbox, me = call.context.outbox, call.viewer.actor_id
    if row["follower_id"] == me:
        await outbox.unfollow(me, row["followed_id"])
    else:
        await outbox.reject_follower(me, row["follower_id"])
