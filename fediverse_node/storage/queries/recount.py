"""Every derived counter, counted again from what it counts: for tests, the lab and a doctor in doubt.

Each query returns the rows whose counter is wrong: the id, the counter's name, what is stored, what is true.
Counters of remote actors count only what is known here.
"""

from __future__ import annotations

from typing import Any

import orjson
from sqlalchemy import Select, Table, and_, func, literal, select

from fediverse_node.domain.model import Approval, Visibility, visibility_code
from fediverse_node.domain.reactions import DISLIKE
from fediverse_node.storage.rows import APPROVAL_CODES
from fediverse_node.storage.statement import Statement
from fediverse_node.storage.tables import (
    actors,
    follows,
    likes,
    objects,
    polls,
    quotes,
    reactions,
    told_votes,
    votes,
)

_ANSWER = objects.alias("answer")
_ANNOUNCE = objects.alias("announce")
_SAID = objects.alias("said")


def _wrong(table: Table, name: str, truth: Select[Any], *conditions: Any, also: Select[Any] | None = None) -> Statement:
    true_count: Any = truth.scalar_subquery()
    if also is not None:
        true_count = true_count + also.scalar_subquery()
    return Statement(
        select(
            table.c.id,
            literal(f"{table.name}.{name}", literal_execute=True).label("counter"),
            table.c[name].label("stored"),
            true_count.label("counted"),
        ).where(table.c[name] != true_count, *conditions)
    )


def _number(from_: Any, condition: Any) -> Select[Any]:
    return select(func.count()).select_from(from_).where(condition)


_PRESENT = actors.c.deleted_ms.is_(None)
WRONG_COUNTERS = (
    _wrong(
        objects,
        "likes_count",
        # What people said, and what groups told of.
        _number(likes, likes.c.object_id == objects.c.id).correlate(objects),
        also=_number(told_votes, and_(told_votes.c.object_id == objects.c.id, told_votes.c.value > 0)).correlate(
            objects
        ),
    ),
    _wrong(
        objects,
        "reactions_count",
        _number(reactions, and_(reactions.c.object_id == objects.c.id, reactions.c.content != DISLIKE)).correlate(
            objects
        ),
    ),
    _wrong(
        objects,
        "replies_count",
        _number(
            _ANSWER,
            and_(
                _ANSWER.c.in_reply_to_id == objects.c.id,
                _ANSWER.c.visibility <= visibility_code(Visibility.UNLISTED),
            ),
        ).correlate(objects),
    ),
    _wrong(
        objects, "announces_count", _number(_ANNOUNCE, _ANNOUNCE.c.announce_of_id == objects.c.id).correlate(objects)
    ),
    _wrong(
        objects,
        "quotes_count",
        _number(
            quotes, and_(quotes.c.quoted_id == objects.c.id, quotes.c.state == APPROVAL_CODES[Approval.ACCEPTED])
        ).correlate(objects),
    ),
    _wrong(
        actors,
        "followers_count",
        _number(follows, and_(follows.c.followed_id == actors.c.id, follows.c.accepted)).correlate(actors),
        _PRESENT,
    ),
    _wrong(
        actors,
        "following_count",
        _number(follows, and_(follows.c.follower_id == actors.c.id, follows.c.accepted)).correlate(actors),
        _PRESENT,
    ),
    _wrong(
        actors,
        "statuses_count",
        _number(
            _SAID,
            and_(_SAID.c.actor_id == actors.c.id, _SAID.c.visibility != visibility_code(Visibility.DIRECT)),
        ).correlate(actors),
        _PRESENT,
    ),
)
# Polls of ours, whose votes are all here. For `wrong_polls`.
OUR_POLLS = Statement(
    select(polls.c.object_id, polls.c.counts, polls.c.voters_count)
    .select_from(polls.join(objects, objects.c.id == polls.c.object_id))
    .where(objects.c.local)
)
OUR_VOTES = Statement(
    select(votes.c.object_id, votes.c.choice, votes.c.actor_id)
    .select_from(votes.join(objects, objects.c.id == votes.c.object_id))
    .where(objects.c.local)
)


def wrong_polls(poll_rows: list[Any], vote_rows: list[Any]) -> list[tuple[int, list[int], list[int]]]:
    """(object id, stored counts, true counts) of polls of ours that count wrongly; voters stand last in both."""
    wrong = []
    for row in poll_rows:
        stored = [*orjson.loads(row["counts"]), row["voters_count"] or 0]
        own = [vote for vote in vote_rows if vote["object_id"] == row["object_id"]]
        counted = [sum(vote["choice"] == choice for vote in own) for choice in range(len(stored) - 1)]
        counted.append(len({vote["actor_id"] for vote in own}))
        if stored != counted:
            wrong.append((row["object_id"], stored, counted))
    return wrong
