"""Polls: looked at and voted in.  spec: mastodon-client-api#polls

A poll has the id of the status it belongs to, and who may see the one may see the other.
"""

from __future__ import annotations

from aiohttp import web

from fediverse_node.domain.effects import Refusal, Refuse
from fediverse_node.mastodon_api.entities.poll import render_poll
from fediverse_node.mastodon_api.errors import ApiError, invalid, not_allowed, not_found
from fediverse_node.mastodon_api.fragments import load_entry
from fediverse_node.mastodon_api.params import parse_id
from fediverse_node.mastodon_api.routing import Call, Routes
from fediverse_node.storage.queries import statuses as queries
from fediverse_node.storage.rows import poll_of

routes = Routes()


@routes.get("/api/v1/polls/{id}", scope="read:statuses", anonymous=True)
async def show(call: Call) -> web.StreamResponse:
    """spec: mastodon-client-api#GET/api/v1/polls/:id"""
    return await _answer(call, call.id())


@routes.post("/api/v1/polls/{id}/votes", scope="write:statuses")
async def vote(call: Call) -> web.StreamResponse:
    """spec: mastodon-client-api#POST/api/v1/polls/:id/votes"""
    id_ = call.id()
    await load_entry(call.context, call.viewer.actor_id, id_)
    given = call.params.list("choices")
    choices = [number for text in given if (number := parse_id(text)) is not None]
    if not choices or len(choices) < len(given):
        raise invalid("The chosen vote option does not exist")
    outcome = await call.context.outbox.vote(call.viewer.actor_id, id_, choices)
    if outcome is not None:
        raise _refused(outcome)
    return await _answer(call, id_)


def _refused(refuse: Refuse) -> ApiError:
    if refuse.reason is Refusal.CLOSED:
        return invalid("The poll has already ended")
    if refuse.reason is Refusal.ALREADY_DONE:
        return invalid("You have already voted on this poll")
    if refuse.reason is Refusal.MALFORMED:
        return invalid("The chosen vote option does not exist")
    return not_allowed() if refuse.reason is Refusal.NOT_PERMITTED else not_found()


async def _answer(call: Call, id_: int) -> web.StreamResponse:
    database, viewer_id = call.context.database, call.viewer_id
    await load_entry(call.context, viewer_id, id_)
    row = await database.fetch_one(queries.FOR_EDITING, object_id=id_)
    poll = poll_of(row) if row is not None else None
    if row is None or poll is None:
        raise not_found()
    own_votes = None
    if viewer_id is not None:
        own_votes = [vote["choice"] for vote in await database.fetch(queries.VOTES, viewer_id=viewer_id, ids=[id_])]
    return call.json(
        render_poll(
            id_,
            poll,
            now_ms=call.context.world.clock.now_ms(),
            own_votes=own_votes,
            is_author=row["actor_id"] == viewer_id,
        )
    )
