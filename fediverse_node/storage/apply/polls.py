"""Polls and their votes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
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
_POLL_ROW = select(polls.c.options, polls.c.counts, polls.c.voters_count).where(polls.c.object_id == _ID)
# Counts are read, added to and written: whoever else counts has to wait.
_POLL = Statement(_POLL_ROW, for_postgresql=_POLL_ROW.with_for_update())
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
            for name in ("options", "counts", "multiple", "hide_totals", "voters_count", "expires_ms", "closed_ms")
        }
    )
)
# Other servers are told of new votes, but not of each. Mastodon waits as long.
COUNTS_PAUSE_MS = 3 * 60_000
_COUNTS_DUE = Statement(
    update(polls)
    .where(polls.c.object_id == _ID, polls.c.counts_due_ms.is_(None), polls.c.hide_totals.is_(False))
    .values(counts_due_ms=bindparam("due_ms", type_=BigInteger()))
)
_FORGET_VOTES = Statement(delete(votes).where(votes.c.object_id == _ID))
_BUMP = Statement(update(objects).where(objects.c.id == _ID).values(version=objects.c.version + 1))
_EARLIER = Statement(
    select(votes.c.choice).where(votes.c.object_id == _ID, votes.c.actor_id == bindparam("voter", type_=BigInteger()))
)
_VOTER = bindparam("voter", type_=BigInteger())
_VOTES_IN_OURS = Statement(
    select(votes.c.object_id, votes.c.choice)
    .select_from(votes.join(objects, objects.c.id == votes.c.object_id))
    .where(votes.c.actor_id == _VOTER, objects.c.local)
    .order_by(votes.c.object_id)
)
_FORGET_VOTES_OF = Statement(delete(votes).where(votes.c.actor_id == _VOTER))


def insert_polls(found: Sequence[tuple[int, Poll]]) -> Unit[None]:
    """The answers of new questions."""
    if found:
        yield Insert(polls, [poll_values(object_id, poll) for object_id, poll in found])


def replace_poll(object_id: int, poll: Poll, *, ours: bool) -> Unit[None]:
    """New counts, or a new poll: then the votes for the old one are void. We count `ours` ourselves."""
    rows = yield Fetch(_POLL, {"id_": object_id})
    if not rows:
        yield from insert_polls([(object_id, poll)])
        return
    same = tuple(orjson.loads(rows[0]["options"])) == poll.options
    if not same:
        yield Run(_FORGET_VOTES, [{"id_": object_id}])
    if ours:
        counts = tuple(orjson.loads(rows[0]["counts"])) if same else (0,) * len(poll.options)
        poll = replace(poll, counts=counts, voters_count=rows[0]["voters_count"] if same else 0)
    new = {f"new_{name}": value for name, value in poll_values(object_id, poll).items()}
    yield Run(_SET_POLL, [{"id_": object_id, **new}])
    yield Run(_BUMP, [{"id_": object_id}])


def insert_votes(found: Sequence[NewVotes], now_ms: int, applied: Applied) -> Unit[None]:
    """Votes; the counts of our own polls grow with those that are new."""
    # In the order of numbers: two processes that take votes for the same polls then never wait in a ring.
    for vote in sorted(found, key=lambda vote: vote.object_id):
        poll = yield Fetch(_POLL, {"id_": vote.object_id})
        if not poll:
            continue
        earlier = yield Fetch(_EARLIER, {"id_": vote.object_id, "voter": vote.actor_id})
        size = len(orjson.loads(poll[0]["options"]))
        rows: list[dict[str, Any]] = [
            {"object_id": vote.object_id, "actor_id": vote.actor_id, "choice": choice, "uri": vote.uri}
            for choice in vote.choices
            if 0 <= choice < size
        ]
        done = yield Insert(votes, rows)
        if not done:
            continue
        if vote.counts:
            chosen = [rows[position]["choice"] for position in done]
            yield from _count(vote.object_id, poll[0], chosen, voters=0 if earlier else 1, by=1)
            applied.events.append(Edited(vote.object_id))
            yield Run(_COUNTS_DUE, [{"id_": vote.object_id, "due_ms": now_ms + COUNTS_PAUSE_MS}])
        yield Run(_BUMP, [{"id_": vote.object_id}])


def forget_votes_of(actor_id: int) -> Unit[None]:
    """Somebody is gone, and their votes in our own polls with them."""
    choices: dict[int, list[int]] = {}
    for row in (yield Fetch(_VOTES_IN_OURS, {"voter": actor_id})):
        choices.setdefault(row["object_id"], []).append(row["choice"])
    for object_id, chosen in choices.items():
        poll = yield Fetch(_POLL, {"id_": object_id})
        if poll:
            yield from _count(object_id, poll[0], chosen, voters=-1, by=-1)
            yield Run(_BUMP, [{"id_": object_id}])
    yield Run(_FORGET_VOTES_OF, [{"voter": actor_id}])


def _count(object_id: int, poll: Any, choices: Sequence[int], *, voters: int, by: int) -> Unit[None]:
    counts = list(orjson.loads(poll["counts"]))
    for choice in choices:
        if choice < len(counts):
            counts[choice] = max(0, counts[choice] + by)
    total = max(0, (poll["voters_count"] or 0) + voters)
    yield Run(_SET_COUNTS, [{"id_": object_id, "new_counts": dump_json(counts), "new_voters": total}])
