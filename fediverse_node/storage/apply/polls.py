"""Polls and their votes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
from sqlalchemy import BigInteger, Integer, Text, bindparam, delete, select, update

from fediverse_node.domain.effects import NewVotes
from fediverse_node.domain.model import Poll
from fediverse_node.storage.events import Applied, Edited
from fediverse_node.storage.rows import dump_json, poll_values
from fediverse_node.storage.statement import Statement
from fediverse_node.storage.tables import objects, polls, votes
from fediverse_node.storage.unit import Fetch, Insert, Run, Unit

_ID = bindparam("id_", type_=BigInteger())
_POLL = Statement(select(polls.c.options, polls.c.counts, polls.c.voters_count).where(polls.c.object_id == _ID))
_SET_COUNTS = Statement(
    update(polls)
    .where(polls.c.object_id == _ID)
    .values(counts=bindparam("new_counts", type_=Text()), voters_count=bindparam("new_voters", type_=Integer()))
)
_SET_POLL = Statement(
    update(polls)
    .where(polls.c.object_id == _ID)
    .values(
        {
            name: bindparam(f"new_{name}", type_=polls.c[name].type)
            for name in ("options", "counts", "multiple", "voters_count", "expires_ms", "closed_ms")
        }
    )
)
_FORGET_VOTES = Statement(delete(votes).where(votes.c.object_id == _ID))
_BUMP = Statement(update(objects).where(objects.c.id == _ID).values(version=objects.c.version + 1))
_EARLIER = Statement(
    select(votes.c.choice).where(votes.c.object_id == _ID, votes.c.actor_id == bindparam("voter", type_=BigInteger()))
)


def insert_polls(found: Sequence[tuple[int, Poll]]) -> Unit[None]:
    """The answers of new questions."""
    if found:
        yield Insert(polls, [poll_values(object_id, poll) for object_id, poll in found])


def replace_poll(object_id: int, poll: Poll) -> Unit[None]:
    """New counts, or a new poll: then the votes for the old one are void."""
    rows = yield Fetch(_POLL, {"id_": object_id})
    if not rows:
        yield from insert_polls([(object_id, poll)])
        return
    if tuple(orjson.loads(rows[0]["options"])) != poll.options:
        yield Run(_FORGET_VOTES, [{"id_": object_id}])
    new = {f"new_{name}": value for name, value in poll_values(object_id, poll).items()}
    yield Run(_SET_POLL, [{"id_": object_id, **new}])
    yield Run(_BUMP, [{"id_": object_id}])


def insert_votes(found: Sequence[NewVotes], applied: Applied) -> Unit[None]:
    """Votes; the counts of our own polls grow with those that are new."""
    for vote in found:
        earlier = yield Fetch(_EARLIER, {"id_": vote.object_id, "voter": vote.actor_id})
        rows: list[dict[str, Any]] = [
            {"object_id": vote.object_id, "actor_id": vote.actor_id, "choice": choice, "uri": vote.uri}
            for choice in vote.choices
        ]
        done = yield Insert(votes, rows)
        if vote.counts and done:
            yield from _count(vote, [rows[position]["choice"] for position in done], first=not earlier)
            applied.events.append(Edited(vote.object_id))
        yield Run(_BUMP, [{"id_": vote.object_id}])


def _count(vote: NewVotes, choices: Sequence[int], *, first: bool) -> Unit[None]:
    rows = yield Fetch(_POLL, {"id_": vote.object_id})
    if not rows:
        return
    counts = list(orjson.loads(rows[0]["counts"]))
    for choice in choices:
        if choice < len(counts):
            counts[choice] += 1
    voters = (rows[0]["voters_count"] or 0) + (1 if first else 0)
    yield Run(_SET_COUNTS, [{"id_": vote.object_id, "new_counts": dump_json(counts), "new_voters": voters}])
