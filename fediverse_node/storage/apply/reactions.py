"""Likes, reactions, pins and reports.

Whoever reacts counts as one who likes, once: for that a like stands that is `implied`, until they like in plain words.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import BigInteger, Text, bindparam, delete, exists, literal_column, or_, select, true, update

from fediverse_node.domain.effects import LikeKey, NewLike, NewPin, NewReaction, NewReport, PinKey, ReactionKey
from fediverse_node.domain.reactions import DISLIKE
from fediverse_node.storage.apply.counting import count_objects
from fediverse_node.storage.apply.words import keep_words
from fediverse_node.storage.rows import dump_json
from fediverse_node.storage.statement import Statement
from fediverse_node.storage.tables import likes, notifications, pins, reactions, reports
from fediverse_node.storage.unit import Fetch, Insert, Run, Unit

_ACTOR = bindparam("actor", type_=BigInteger())
_OBJECT = bindparam("object", type_=BigInteger())
_LIKE = (likes.c.actor_id == _ACTOR, likes.c.object_id == _OBJECT)
_REACTS = exists(
    select(reactions.c.id)
    .where(reactions.c.actor_id == _ACTOR, reactions.c.object_id == _OBJECT, reactions.c.content != DISLIKE)
)  # fmt: skip
_UNLIKE = Statement(delete(likes).where(*_LIKE, ~_REACTS).returning(likes.c.id))
_IMPLY = Statement(update(likes).where(*_LIKE, likes.c.implied.is_(False)).values(implied=true(), uri=None))
_SAY = Statement(
    update(likes)
    .where(*_LIKE, likes.c.implied)
    .values(implied=False, uri=bindparam("new_uri", type_=Text()))
)  # fmt: skip
_END_IMPLIED = Statement(delete(likes).where(*_LIKE, likes.c.implied, ~_REACTS).returning(likes.c.id))
_CONTENT, _HOST = bindparam("content_", type_=Text()), bindparam("host_", type_=Text())
_UNREACT = Statement(
    delete(reactions)
    .where(
        reactions.c.actor_id == _ACTOR,
        reactions.c.object_id == _OBJECT,
        reactions.c.content == _CONTENT,
        reactions.c.host == _HOST,
    )
    .returning(reactions.c.id)
)
# The same activity, saying something else now.
_REPLACED = Statement(
    select(reactions.c.content, reactions.c.host).where(
        reactions.c.actor_id == _ACTOR,
        reactions.c.object_id == _OBJECT,
        reactions.c.uri == bindparam("uri_", type_=Text()),
        or_(reactions.c.content != _CONTENT, reactions.c.host != _HOST),
    )
)
_UNNOTIFY_REACTION = Statement(
    delete(notifications).where(
        notifications.c.object_id == _OBJECT,
        notifications.c.from_actor_id == _ACTOR,
        notifications.c.type == "reaction",
        ~_REACTS,
    )
)
_UNNOTIFY_LIKE = Statement(
    delete(notifications).where(
        notifications.c.object_id == _OBJECT,
        notifications.c.from_actor_id == _ACTOR,
        notifications.c.type == "like",
    )
)
_UNPIN = Statement(delete(pins).where(pins.c.actor_id == _ACTOR, pins.c.object_id == _OBJECT))
# More than anybody pins: others could pin all that they ever said.
_MOST_PINS = 20
_kept = pins.alias("kept")
_TRIM_PINS = Statement(
    delete(pins).where(
        pins.c.actor_id == _ACTOR,
        pins.c.id
        < select(_kept.c.id)
        .where(_kept.c.actor_id == _ACTOR)
        .order_by(_kept.c.id.desc())
        .offset(literal_column(str(_MOST_PINS - 1)))
        .limit(literal_column("1"))
        .scalar_subquery(),
    )
)


def insert_likes(records: Sequence[NewLike]) -> Unit[None]:
    """Likes; the counts grow with those that are new."""
    if not records:
        return
    rows = [
        {"id": r.id, "actor_id": r.actor_id, "object_id": r.object_id, "uri": r.uri, "implied": False} for r in records
    ]
    done = yield Insert(likes, rows)
    yield from count_objects("likes_count", [records[position].object_id for position in done])
    yield from keep_words([(records[n].actor_id, records[n].object_id) for n in done])
    known = [record for position, record in enumerate(records) if position not in set(done)]
    yield Run(_SAY, [{"actor": r.actor_id, "object": r.object_id, "new_uri": r.uri} for r in known])


def remove_like(key: LikeKey) -> Unit[None]:
    """The like goes, and the notification of it. Who reacted besides still counts."""
    pair = {"actor": key.actor_id, "object": key.object_id}
    gone = yield Fetch(_UNLIKE, pair)
    if gone:
        yield from count_objects("likes_count", [key.object_id], -1)
    else:
        yield Run(_IMPLY, [pair])
    yield Run(_UNNOTIFY_LIKE, [pair])


def insert_reactions(records: Sequence[NewReaction]) -> Unit[None]:
    """Reactions; those that are new are counted, and a person's first one as a like."""
    for record in records:
        said = record.reaction
        pair = {"actor": said.actor_id, "object": said.object_id}
        if said.uri is not None:
            about = {**pair, "content_": said.content, "host_": said.host, "uri_": said.uri}
            for before in (yield Fetch(_REPLACED, about)):
                key = ReactionKey(said.actor_id, said.object_id, before["content"], before["host"])
                yield from remove_reaction(key)
        row = {
            "id": record.id,
            "actor_id": said.actor_id,
            "object_id": said.object_id,
            "content": said.content,
            "host": said.host,
            "url": said.url,
            "uri": said.uri,
        }
        done = yield Insert(reactions, [row])
        if not done or said.content == DISLIKE:
            continue
        yield from count_objects("reactions_count", [said.object_id])
        like = {"id": record.id, "actor_id": said.actor_id, "object_id": said.object_id, "uri": None, "implied": True}
        if (yield Insert(likes, [like])):
            yield from count_objects("likes_count", [said.object_id])
            yield from keep_words([(said.actor_id, said.object_id)])


def remove_reaction(key: ReactionKey) -> Unit[None]:
    """A reaction goes; with a person's last one what it counted for, and the notification."""
    pair = {"actor": key.actor_id, "object": key.object_id}
    gone = yield Fetch(_UNREACT, {**pair, "content_": key.content, "host_": key.host})
    if not gone or key.content == DISLIKE:
        return
    yield from count_objects("reactions_count", [key.object_id], -1)
    if (yield Fetch(_END_IMPLIED, pair)):
        yield from count_objects("likes_count", [key.object_id], -1)
    yield Run(_UNNOTIFY_REACTION, [pair])


def insert_pins(records: Sequence[NewPin]) -> Unit[None]:
    """Pinned objects."""
    if records:
        yield Insert(pins, [{"id": r.id, "actor_id": r.actor_id, "object_id": r.object_id} for r in records])
        yield Run(_TRIM_PINS, [{"actor": actor_id} for actor_id in dict.fromkeys(r.actor_id for r in records)])


def remove_pin(key: PinKey) -> Unit[None]:
    """Not pinned any more."""
    yield Run(_UNPIN, [{"actor": key.actor_id, "object": key.object_id}])


def insert_reports(records: Sequence[NewReport]) -> Unit[None]:
    """Reports, from here and elsewhere."""
    if records:
        yield Insert(
            reports,
            [
                {
                    "id": r.id,
                    "actor_id": r.actor_id,
                    "target_id": r.target_id,
                    "uri": r.uri,
                    "comment": r.comment,
                    "category": r.category,
                    "object_ids": dump_json(list(r.object_ids)),
                    "rule_ids": dump_json(list(r.rule_ids)),
                    "forwarded": r.forwarded,
                }
                for r in records
            ],
        )
