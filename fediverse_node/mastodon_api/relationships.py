"""Follow, block, mute, remember: what a person does about an account.  spec: mastodon-client-api#relationships

Deliberately absent: endorsements (endorsements.py).
"""

from __future__ import annotations

from aiohttp import web

from fediverse_node.domain.effects import Refusal, Refuse
from fediverse_node.mastodon_api.accounts import answer_people, require_account
from fediverse_node.mastodon_api.entities.account import render_account
from fediverse_node.mastodon_api.entities.moments import render_moment_or_none
from fediverse_node.mastodon_api.entities.relationship import render_relationship
from fediverse_node.mastodon_api.errors import ApiError, invalid, not_allowed, not_found
from fediverse_node.mastodon_api.limits import FOLLOWS
from fediverse_node.mastodon_api.routing import Call, Routes
from fediverse_node.protocol.language import primary_language
from fediverse_node.storage.queries import relationships as queries
from fediverse_node.storage.queries.accounts import load_accounts
from fediverse_node.storage.queries.relationships import load_relations
from fediverse_node.storage.rows import languages_of

routes = Routes()

_MOST_AT_ONCE = 200
_LONGEST_NOTE = 2000
_LONGEST_MUTE_S = 10 * 365 * 86_400
# What was wanted is so already: apps repeat themselves.
_HARMLESS = (Refusal.ALREADY_DONE, Refusal.UNKNOWN_OBJECT)


@routes.get("/api/v1/accounts/relationships", scope="read:follows")
async def show(call: Call) -> web.Response:
    """What is between the viewer and each of the ids; suspended accounts only with `with_suspended`."""
    ids = call.params.ids("id")[:_MOST_AT_ONCE]
    known = await load_accounts(call.context.database, ids)
    if not call.params.flag("with_suspended", False):
        known = {id_: row for id_, row in known.items() if row["suspended_ms"] is None}
    wanted = [id_ for id_ in ids if id_ in known]
    now_ms = call.context.world.clock.now_ms()
    relations = await load_relations(call.context.database, call.viewer.actor_id, wanted, now_ms)
    return call.json([render_relationship(id_, relations[id_]) for id_ in wanted])


@routes.post("/api/v1/accounts/{id}/follow", scope="write:follows")
async def follow(call: Call) -> web.Response:
    """Follow, ask to, or change what is shown of who is followed already. What is not given stays as it is."""
    call.take(FOLLOWS)
    target_id = await _target(call)
    now_ms, me = call.context.world.clock.now_ms(), call.viewer.actor_id
    present = (await load_relations(call.context.database, me, [target_id], now_ms))[target_id].follow
    languages = tuple(tag for tag in (primary_language(text) for text in call.params.list("languages")) if tag)
    if "languages" not in call.params and present is not None:
        languages = languages_of(present["languages"])
    refusal = await call.context.outbox.follow(
        me,
        target_id,
        show_announces=call.params.flag("reblogs", bool(present["show_announces"]) if present else True),
        notify=call.params.flag("notify", bool(present["notify"]) if present else False),
        languages=languages,
    )
    _check(refusal)
    return await answer_relationship(call, target_id)


@routes.post("/api/v1/accounts/{id}/unfollow", scope="write:follows")
async def unfollow(call: Call) -> web.Response:
    """End a follow or take back a request."""
    target_id = await _target(call, gone_too=True)
    _check(await call.context.outbox.unfollow(call.viewer.actor_id, target_id))
    return await answer_relationship(call, target_id)


@routes.post("/api/v1/accounts/{id}/remove_from_followers", scope="write:follows")
async def remove_follower(call: Call) -> web.Response:
    """They shall not follow any more."""
    target_id = await _target(call, gone_too=True)
    _check(await call.context.outbox.remove_follower(call.viewer.actor_id, target_id))
    return await answer_relationship(call, target_id)


@routes.post("/api/v1/accounts/{id}/block", scope="write:blocks")
async def block(call: Call) -> web.Response:
    """Nothing of each other any more."""
    target_id = await _target(call, gone_too=True)
    _check(await call.context.outbox.block(call.viewer.actor_id, target_id))
    return await answer_relationship(call, target_id)


@routes.post("/api/v1/accounts/{id}/unblock", scope="write:blocks")
async def unblock(call: Call) -> web.Response:
    """End a block."""
    target_id = await _target(call, gone_too=True)
    _check(await call.context.outbox.unblock(call.viewer.actor_id, target_id))
    return await answer_relationship(call, target_id)


@routes.post("/api/v1/accounts/{id}/mute", scope="write:mutes")
async def mute(call: Call) -> web.Response:
    """Show nothing of them, for `duration` seconds or for good."""
    target_id = await _target(call, gone_too=True)
    duration_s = call.params.number("duration", 0)
    if not 0 <= duration_s <= _LONGEST_MUTE_S:
        raise invalid("Duration must be between now and ten years")
    world = call.context.world
    expires_ms = world.clock.now_ms() + duration_s * 1000 if duration_s else None
    id_, me, also = world.ids.next(), call.viewer.actor_id, call.params.flag("notifications", True)
    await call.context.writer.run(lambda: queries.mute(id_, me, target_id, notifications=also, expires_ms=expires_ms))
    return await answer_relationship(call, target_id)


@routes.post("/api/v1/accounts/{id}/unmute", scope="write:mutes")
async def unmute(call: Call) -> web.Response:
    """End a mute."""
    target_id = await _target(call, gone_too=True)
    me = call.viewer.actor_id
    await call.context.writer.run(lambda: queries.unmute(me, target_id))
    return await answer_relationship(call, target_id)


@routes.post("/api/v1/accounts/{id}/note", scope="write:accounts")
async def set_note(call: Call) -> web.Response:
    """What the viewer alone remembers of them."""
    target_id = await _target(call, gone_too=True, self_too=True)
    note = (call.params.text("comment") or "").strip()
    if len(note) > _LONGEST_NOTE:
        raise invalid(f"Comment is too long (maximum is {_LONGEST_NOTE} characters)")
    me = call.viewer.actor_id
    await call.context.writer.run(lambda: queries.set_note(me, target_id, note))
    return await answer_relationship(call, target_id)


@routes.get("/api/v1/follow_requests", scope="read:follows")
async def follow_requests(call: Call) -> web.Response:
    """Who asks to follow."""
    return await answer_people(call, queries.REQUESTS, actor_id=call.viewer.actor_id)


@routes.post("/api/v1/follow_requests/{id}/authorize", scope="write:follows")
async def accept_request(call: Call) -> web.Response:
    """They may."""
    account = await require_account(call.context, call.id())
    refusal = await call.context.outbox.accept_follower(call.viewer.actor_id, account["id"])
    if refusal is not None and refusal.reason is not Refusal.ALREADY_DONE:
        raise not_found()
    return await answer_relationship(call, account["id"])


@routes.post("/api/v1/follow_requests/{id}/reject", scope="write:follows")
async def reject_request(call: Call) -> web.Response:
    """They may not."""
    account = await require_account(call.context, call.id())
    now_ms, me = call.context.world.clock.now_ms(), call.viewer.actor_id
    relation = (await load_relations(call.context.database, me, [account["id"]], now_ms))[account["id"]]
    # The outbox would also end a follow that was granted long ago.
    if not relation.requested_by or await call.context.outbox.reject_follower(me, account["id"]) is not None:
        raise not_found()
    return await answer_relationship(call, account["id"])


@routes.get("/api/v1/blocks", scope="read:blocks")
async def blocks(call: Call) -> web.Response:
    """Whom the viewer blocks."""
    return await answer_people(call, queries.BLOCKS, actor_id=call.viewer.actor_id)


@routes.get("/api/v1/mutes", scope="read:mutes")
async def mutes(call: Call) -> web.Response:
    """Whom the viewer mutes, and until when."""
    page = call.asked(40, 80)
    now_ms = call.context.world.clock.now_ms()
    rows = await queries.MUTES.load(call.context.database, page, actor_id=call.viewer.actor_id, now_ms=now_ms)
    accounts = await load_accounts(call.context.database, (row["actor_id"] for row in rows))
    rendered = [
        render_account(accounts[row["actor_id"]], call.context)
        | {"mute_expires_at": render_moment_or_none(row["expires_ms"])}
        for row in rows
        if row["actor_id"] in accounts
    ]
    return call.page_of(rendered, rows, page)


async def _target(call: Call, *, gone_too: bool = False, self_too: bool = False) -> int:
    account = await require_account(call.context, call.id())
    if account["suspended_ms"] is not None and not gone_too:
        raise not_allowed()
    if account["id"] == call.viewer.actor_id and not self_too:
        raise not_allowed()
    return int(account["id"])


def _check(refusal: Refuse | None) -> None:
    if refusal is None or refusal.reason in _HARMLESS:
        return
    if refusal.reason in (Refusal.NOT_PERMITTED, Refusal.SUSPENDED):
        raise not_allowed()
    raise ApiError(422, refusal.reason.sentence)


async def answer_relationship(call: Call, target_id: int) -> web.Response:
    """What is between the viewer and the other now."""
    now_ms = call.context.world.clock.now_ms()
    relations = await load_relations(call.context.database, call.viewer.actor_id, [target_id], now_ms)
    return call.json(render_relationship(target_id, relations[target_id]))
