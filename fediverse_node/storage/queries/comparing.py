"""What a node holds, by the names that all nodes share: for whoever compares nodes with each other, and with the truth.

Everything is told by URIs, because numbers mean something in one database only. Read from outside, by the lab.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ARRAY, Select, Text, and_, bindparam, cast, exists, func, literal, or_, select, union_all
from sqlalchemy.sql.elements import ColumnElement

from fediverse_node.storage.statement import Statement, one_of
from fediverse_node.storage.tables import (
    actors,
    blocks,
    deliveries,
    follows,
    home_entries,
    inbox_staging,
    likes,
    mentions,
    metadata,
    notifications,
    objects,
    payloads,
    polls,
    tombstones,
    users,
    votes,
)

_author = actors.alias("author")
_target = objects.alias("target")
_other = actors.alias("other")
_uri = bindparam("uri", type_=Text())

POSTS = Statement(
    select(
        objects.c.uri,
        objects.c.type,
        objects.c.local,
        objects.c.visibility,
        objects.c.content,
        objects.c.source,
        objects.c.summary,
        objects.c.sensitive,
        objects.c.language,
        objects.c.in_reply_to_uri,
        objects.c.attachments,
        objects.c.published_ms,
        objects.c.updated_ms,
        objects.c.fetched_ms,
        objects.c.policy,
        _author.c.uri.label("author_uri"),
        polls.c.options,
        polls.c.counts,
        polls.c.voters_count,
        polls.c.expires_ms,
        polls.c.closed_ms,
        polls.c.notified,
    )
    .select_from(
        objects.join(_author, _author.c.id == objects.c.actor_id).outerjoin(polls, polls.c.object_id == objects.c.id)
    )
    .where(objects.c.announce_of_id.is_(None))
)
ANNOUNCES = Statement(
    select(objects.c.uri, objects.c.local, _author.c.uri.label("actor_uri"), _target.c.uri.label("object_uri"))
    .select_from(
        objects.join(_author, _author.c.id == objects.c.actor_id).join(
            _target, _target.c.id == objects.c.announce_of_id
        )
    )
    .order_by(objects.c.id)
)
LIKES = Statement(
    select(likes.c.uri, _author.c.uri.label("actor_uri"), objects.c.uri.label("object_uri"))
    .select_from(likes.join(_author, _author.c.id == likes.c.actor_id).join(objects, objects.c.id == likes.c.object_id))
    .order_by(likes.c.id)
)
FOLLOWS = Statement(
    select(follows.c.uri, follows.c.accepted, _author.c.uri.label("actor_uri"), _other.c.uri.label("object_uri"))
    .select_from(
        follows.join(_author, _author.c.id == follows.c.follower_id).join(_other, _other.c.id == follows.c.followed_id)
    )
    .order_by(follows.c.id)
)
BLOCKS = Statement(
    select(blocks.c.uri, _author.c.uri.label("actor_uri"), _other.c.uri.label("object_uri"))
    .select_from(
        blocks.join(_author, _author.c.id == blocks.c.actor_id).join(_other, _other.c.id == blocks.c.target_id)
    )
    .order_by(blocks.c.id)
)
VOTES = Statement(
    select(votes.c.choice, _author.c.uri.label("actor_uri"), objects.c.uri.label("object_uri"))
    .select_from(votes.join(_author, _author.c.id == votes.c.actor_id).join(objects, objects.c.id == votes.c.object_id))
    .order_by(votes.c.object_id, votes.c.actor_id, votes.c.choice)
)
MENTIONS = Statement(
    select(objects.c.uri.label("object_uri"), _author.c.uri.label("actor_uri"))
    .select_from(
        mentions.join(_author, _author.c.id == mentions.c.actor_id).join(objects, objects.c.id == mentions.c.object_id)
    )
    .order_by(mentions.c.object_id, mentions.c.actor_id)
)
ACTORS = Statement(
    select(actors.c.uri, actors.c.username, actors.c.host, actors.c.local, actors.c.deleted_ms).order_by(actors.c.id)
)
TOMBSTONES = Statement(select(tombstones.c.uri, tombstones.c.former_type, tombstones.c.actor_uri))
STAGED = Statement(select(inbox_staging.c.id))
# What became of each delivery: one row an inbox.
RECEIPTS = Statement(
    select(
        deliveries.c.id,
        deliveries.c.inbox,
        deliveries.c.host,
        deliveries.c.state,
        deliveries.c.attempts,
        deliveries.c.done_ms,
        deliveries.c.last_error,
        payloads.c.uri,
        payloads.c.type,
    )
    .select_from(deliveries.join(payloads, payloads.c.id == deliveries.c.payload_id))
    .order_by(deliveries.c.id)
)

# Who follows an actor, accepted: those whose hosts it speaks to.
FOLLOWERS = Statement(
    select(_other.c.uri, _other.c.host, follows.c.created_ms)
    .select_from(
        follows.join(_other, _other.c.id == follows.c.follower_id).join(_author, _author.c.id == follows.c.followed_id)
    )
    .where(_author.c.uri == _uri, follows.c.accepted)
    .order_by(follows.c.id)
)
# Who else has a copy of an object, as far as its origin was told: those named in it, who passed it on or answered it.
_of_it = select(objects.c.id).where(objects.c.uri == _uri).scalar_subquery()
HOLDERS = Statement(
    union_all(
        select(actors.c.uri, actors.c.host, literal(0, literal_execute=True).label("since_ms"))
        .select_from(mentions.join(actors, actors.c.id == mentions.c.actor_id))
        .where(mentions.c.object_id == _of_it),
        select(actors.c.uri, actors.c.host, func.coalesce(objects.c.fetched_ms, 0))
        .select_from(objects.join(actors, actors.c.id == objects.c.actor_id))
        .where(or_(objects.c.announce_of_id == _of_it, objects.c.in_reply_to_id == _of_it)),
    )
)
# Of these objects, those that are here.
PRESENT = Statement(select(objects.c.uri).where(one_of(objects.c.uri, "uris")).order_by(objects.c.uri))
BURIED = Statement(select(tombstones.c.uri).where(one_of(tombstones.c.uri, "uris")).order_by(tombstones.c.uri))


def _twice(what: str, query: Select[Any], *key: ColumnElement[Any]) -> Select[str, str, int]:
    return (
        query.with_only_columns(
            literal(what, literal_execute=True).label("what"),
            _joined(*key).label("which"),
            func.count().label("number"),
        )
        .group_by(*key)
        .having(func.count() > 1)
    )


def _joined(*key: ColumnElement[Any]) -> ColumnElement[str]:
    text: ColumnElement[str] = cast(key[0], Text)
    for column in key[1:]:
        text = text + literal(" ", literal_execute=True) + cast(column, Text)
    return text


_from = actors.alias("from_actor")
_notified = (
    select(literal(1, literal_execute=True))
    .select_from(
        notifications.join(_author, _author.c.id == notifications.c.actor_id)
        .join(_from, _from.c.id == notifications.c.from_actor_id)
        .outerjoin(objects, objects.c.id == notifications.c.object_id)
    )
    # Whoever reports or edits again is heard again.
    .where(
        notifications.c.type.not_in(
            ["report", "update", "moderation_warning", "added_to_collection", "collection_update"]
        )
    )
)
# Rows of what, which, number: what is stored more than once although it happened once.
TWICE = Statement(
    union_all(
        _twice(
            "the notification",
            _notified,
            _author.c.uri,
            notifications.c.type,
            _from.c.uri,
            func.coalesce(objects.c.uri, literal("", literal_execute=True)),
        ),
        _twice("the home entry", select(home_entries), home_entries.c.actor_id, home_entries.c.object_id),
        _twice("the object", select(objects), objects.c.uri),
        _twice(
            "the boost",
            select(objects).where(objects.c.announce_of_id.is_not(None)),
            objects.c.actor_id,
            objects.c.announce_of_id,
        ),
        _twice("the like", select(likes), likes.c.actor_id, likes.c.object_id),
        _twice("the follow", select(follows), follows.c.follower_id, follows.c.followed_id),
        _twice("the block", select(blocks), blocks.c.actor_id, blocks.c.target_id),
        _twice("the mention", select(mentions), mentions.c.object_id, mentions.c.actor_id),
        _twice("the vote", select(votes), votes.c.object_id, votes.c.actor_id, votes.c.choice),
        _twice("the actor", select(actors), actors.c.uri),
        _twice("the tombstone", select(tombstones), tombstones.c.uri),
        _twice("the account", select(users), users.c.email),
    )
)


def _orphans() -> Statement:
    found = []
    for table in metadata.sorted_tables:
        for key in table.foreign_keys:
            there = key.column.table.alias("there")
            missing = ~exists(select(literal(1)).where(there.c[key.column.name] == key.parent))
            found.append(
                select(
                    literal(f"{table.name}.{key.parent.name}", literal_execute=True).label("what"),
                    cast(key.parent, Text).label("which"),
                ).where(and_(key.parent.is_not(None), missing))
            )
    return Statement(union_all(*found))


# Rows of what, which: what hangs on something that is not there any more.
ORPHANS = _orphans()


def _texts() -> Statement:
    """Rows of what, needle: every column of every table in which one of `needles` stands, and which of them."""
    for_sqlite, for_postgresql = [], []
    needles = func.json_each(bindparam("needles", type_=Text())).table_valued("value", name="needle")
    listed = (
        func.unnest(bindparam("needles", type_=ARRAY(Text()))).table_valued("value", name="needle").render_derived()
    )
    for table in metadata.sorted_tables:
        for column in table.columns:
            if not isinstance(column.type, Text):
                continue
            what = literal(f"{table.name}.{column.name}", literal_execute=True).label("what")
            for_sqlite.append(
                select(what, needles.c.value.label("needle")).distinct().where(func.instr(column, needles.c.value) > 0)
            )
            text = cast(column, Text)  # what is searched in is no text there
            for_postgresql.append(
                select(what, listed.c.value.label("needle")).distinct().where(func.strpos(text, listed.c.value) > 0)
            )
    return Statement(union_all(*for_sqlite), for_postgresql=union_all(*for_postgresql))


# For PostgreSQL, and for what must not be in any living row. Bodies kept as bytes are looked at by `BODIES`.
TEXTS = _texts()
# What is kept as bytes: JSON of other servers and of ours.
BODIES = Statement(
    union_all(
        select(literal("payloads.body", literal_execute=True).label("what"), payloads.c.id, payloads.c.body),
        select(literal("inbox_staging.body", literal_execute=True), inbox_staging.c.id, inbox_staging.c.body),
    )
)
# How often people here were told of changes of a post, and how many versions of it there were.
TOLD_OF_EDITS = Statement(
    select(
        _author.c.uri.label("actor_uri"),
        objects.c.uri.label("object_uri"),
        objects.c.version,
        func.count().label("number"),
    )
    .select_from(
        notifications.join(_author, _author.c.id == notifications.c.actor_id).join(
            objects, objects.c.id == notifications.c.object_id
        )
    )
    .where(notifications.c.type == "update")
    .group_by(_author.c.uri, objects.c.uri, objects.c.version)
)
