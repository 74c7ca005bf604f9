"""Objects come, change and go, with everything that hangs on them."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import BigInteger, Table, Text, bindparam, delete, func, select, update

from fediverse_node.domain.effects import EditObject, NewObject, NewTombstone
from fediverse_node.domain.facts import Facts
from fediverse_node.domain.interaction_policy import plain_policy
from fediverse_node.domain.model import Visibility, visibility_code
from fediverse_node.storage.apply import threads
from fediverse_node.storage.apply.counting import count_objects, count_said
from fediverse_node.storage.apply.polls import insert_polls, replace_poll
from fediverse_node.storage.apply.words import put_words
from fediverse_node.storage.events import Applied, Edited
from fediverse_node.storage.faults import Outpaced
from fediverse_node.storage.rows import dump_json
from fediverse_node.storage.statement import Statement, one_of
from fediverse_node.storage.tables import (
    media,
    mentions,
    object_tags,
    objects,
    polls,
    revisions,
    tags,
    tombstones,
)
from fediverse_node.storage.unit import Fetch, Insert, Run, Unit

_ID = bindparam("id_", type_=BigInteger())
_ADOPT = Statement(
    update(objects)
    .where(
        objects.c.in_reply_to_uri == bindparam("parent_uri", type_=Text()),
        objects.c.in_reply_to_id.is_(None),
        # What the parent itself comes from cannot answer it: a ring of answers would never end for who climbs it.
        func.coalesce(objects.c.thread_id, objects.c.id) != bindparam("parent_thread_id", type_=BigInteger()),
    )
    .values(
        in_reply_to_id=bindparam("parent_id", type_=BigInteger()),
        in_reply_to_actor_id=bindparam("parent_actor_id", type_=BigInteger()),
        version=objects.c.version + 1,
    )
    .returning(objects.c.id, objects.c.thread_id, objects.c.visibility)
)
_STORED = Statement(select(objects.c.id, objects.c.uri).where(one_of(objects.c.id, "ids")))
_TAG_IDS = Statement(select(tags.c.id, tags.c.name).where(one_of(tags.c.name, "names")))
_ATTACH = Statement(
    update(media)
    .where(media.c.id == bindparam("media_id", type_=BigInteger()), media.c.actor_id == bindparam("owner_id"))
    .values(object_id=bindparam("new_object_id", type_=BigInteger()))
)
_CURRENT_ROW = (
    select(
        objects.c.actor_id,
        objects.c.local,
        objects.c.content,
        objects.c.source,
        objects.c.summary,
        objects.c.sensitive,
        objects.c.attachments,
        objects.c.parts,
        objects.c.edited_ms,
        objects.c.published_ms,
        polls.c.options,
    )
    .select_from(objects.outerjoin(polls, polls.c.object_id == objects.c.id))
    .where(objects.c.id == _ID)
)
_CURRENT = Statement(_CURRENT_ROW, for_postgresql=_CURRENT_ROW.with_for_update(of=objects))
_FORGET_MENTIONS = Statement(delete(mentions).where(mentions.c.object_id == _ID))
_FORGET_TAGS = Statement(delete(object_tags).where(object_tags.c.object_id == _ID))


def insert(records: Sequence[NewObject], facts: Facts) -> Unit[list[NewObject]]:
    """New objects and announces; returns those that were not there before. The others are left as they are.

    Raises Outpaced where an id is taken by something else, or the same thing came in with another id.
    """
    if not records:
        return []
    done = yield Insert(objects, [_values(record, facts.now_ms()) for record in records])
    if len(done) < len(records):
        yield from _check_known([record for n, record in enumerate(records) if n not in set(done)])
    stored = [records[position] for position in done]
    yield Insert(mentions, [{"object_id": r.id, "actor_id": a} for r in stored for a in dict.fromkeys(r.mention_ids)])
    yield from _tag({r.id: r.hashtags for r in stored if r.hashtags}, facts)
    yield from insert_polls([(r.id, r.poll) for r in stored if r.poll is not None])
    rows = [{"media_id": m, "owner_id": r.actor_id, "new_object_id": r.id} for r in stored for m in r.media_ids]
    yield Run(_ATTACH, rows)
    counted = [r for r in stored if r.visibility is not Visibility.DIRECT]
    said: dict[int, list[int]] = {}
    for record in counted:
        said.setdefault(record.actor_id, []).append(record.published_ms)
    yield from count_said(said)
    yield from count_objects("announces_count", [r.announce_of_id for r in stored if r.announce_of_id])
    yield from count_objects("replies_count", [r.in_reply_to_id for r in counted if _counts_as_reply(r)])
    yield from put_words((r.id for r in stored if r.announce_of_id is None), new=True)
    for record in stored:
        if record.uri in facts.awaited:
            yield from adopt(record.uri, record.id, record.actor_id, record.thread_id or record.id)
    return stored


def _check_known(records: Sequence[NewObject]) -> Unit[None]:
    rows = yield Fetch(_STORED, {"ids": [record.id for record in records]})
    known = {row["id"]: row["uri"] for row in rows}
    for record in records:
        if known.get(record.id) != record.uri:
            # What follows from this object would hang on another one.
            raise Outpaced(f"{record.uri} is stored already, or its number is taken")


def _counts_as_reply(record: NewObject) -> bool:
    return record.in_reply_to_id is not None and record.visibility in (Visibility.PUBLIC, Visibility.UNLISTED)


def _values(record: NewObject, now_ms: int) -> Mapping[str, Any]:
    return {
        "id": record.id,
        "uri": record.uri,
        "type": record.type,
        "actor_id": record.actor_id,
        "local": record.local,
        "visibility": visibility_code(record.visibility),
        "url": record.url,
        "content": record.content,
        "source": record.source,
        "summary": record.summary,
        "sensitive": record.sensitive,
        "language": record.language,
        "announce_of_id": record.announce_of_id,
        "in_reply_to_uri": record.in_reply_to_uri,
        "in_reply_to_id": record.in_reply_to_id,
        "in_reply_to_actor_id": record.in_reply_to_actor_id,
        "thread_id": record.thread_id,
        "context_uri": record.context_uri,
        "activity_uri": record.activity_uri,
        "parts": dump_json(record.parts) if record.parts else "{}",
        "attachments": dump_json(list(record.attachments)) if record.attachments else "[]",
        "policy": dump_json(plain_policy(record.policy)) if record.policy is not None else None,
        "searchable": record.searchable,
        "app_id": record.app_id,
        "published_ms": record.published_ms,
        "updated_ms": record.updated_ms,
        "edited_ms": _edited_before_it_came(record),
        "fetched_ms": None if record.local else now_ms,
    }


def _edited_before_it_came(record: NewObject) -> int | None:
    updated_ms = record.updated_ms
    if record.local or updated_ms is None or record.poll is not None or updated_ms <= record.published_ms:
        return None
    return updated_ms


def adopt(uri: str, id_: int, actor_id: int, thread_id: int) -> Unit[None]:
    """Replies that came before this object find their place below it, with their whole branch."""
    children = yield Fetch(
        _ADOPT, {"parent_uri": uri, "parent_id": id_, "parent_actor_id": actor_id, "parent_thread_id": thread_id}
    )
    branches = {row["thread_id"] for row in children if row["thread_id"] not in (None, thread_id)}
    yield from threads.join(sorted(branches), thread_id)
    public = [row for row in children if row["visibility"] <= visibility_code(Visibility.UNLISTED)]
    yield from count_objects("replies_count", [id_] * len(public))


def _tag(names_of: Mapping[int, Sequence[str]], facts: Facts) -> Unit[None]:
    names = sorted({name for names in names_of.values() for name in names})
    if not names:
        return
    yield Insert(tags, [{"id": facts.world.ids.next(), "name": name} for name in names])
    rows = yield Fetch(_TAG_IDS, {"names": names})
    ids = {row["name"]: row["id"] for row in rows}
    yield Insert(
        object_tags,
        [{"tag_id": ids[name], "object_id": id_} for id_, names in names_of.items() for name in dict.fromkeys(names)],
    )


def edit(change: EditObject, facts: Facts, applied: Applied) -> Unit[None]:
    """A new version; the one before is kept."""
    rows = yield Fetch(_CURRENT, {"id_": change.id})
    if not rows:
        return
    if change.keep_revision:
        yield Insert(revisions, [_revision(change.id, rows[0], facts)])
    values = {name: _column(value) for name, value in change.changes.items()}
    if values:
        row = {f"new_{name}": value for name, value in values.items()}
        yield Run(setting(objects, tuple(sorted(values))), [{"id_": change.id, **row}])
    if change.mention_ids is not None:
        yield Run(_FORGET_MENTIONS, [{"id_": change.id}])
        unique = dict.fromkeys(change.mention_ids)
        yield Insert(mentions, [{"object_id": change.id, "actor_id": actor_id} for actor_id in unique])
    if change.hashtags is not None:
        yield Run(_FORGET_TAGS, [{"id_": change.id}])
        yield from _tag({change.id: change.hashtags}, facts)
    if change.poll is not None:
        yield from replace_poll(change.id, change.poll, ours=bool(rows[0]["local"]))
    if change.media_ids:
        owner_id = rows[0]["actor_id"]
        yield Run(
            _ATTACH, [{"media_id": m, "owner_id": owner_id, "new_object_id": change.id} for m in change.media_ids]
        )
    yield from put_words([change.id])
    applied.events.append(Edited(change.id))


@functools.lru_cache(maxsize=64)
def setting(table: Table, names: tuple[str, ...]) -> Statement:
    """Sets these columns of the row `id_` to `new_<name>`, and tells caches of it."""
    changes = {name: bindparam(f"new_{name}", type_=table.c[name].type) for name in names}
    return Statement(update(table).where(table.c.id == _ID).values({**changes, "version": table.c.version + 1}))


def _revision(object_id: int, row: Any, facts: Facts) -> Mapping[str, Any]:
    return {
        "id": facts.world.ids.next(),
        "object_id": object_id,
        "content": row["content"],
        "source": row["source"],
        "summary": row["summary"],
        "sensitive": bool(row["sensitive"]),
        "attachments": row["attachments"],
        "parts": row["parts"],
        "poll_options": row["options"],
        "created_ms": row["edited_ms"] or row["published_ms"],
    }


def _column(value: Any) -> Any:
    if isinstance(value, Visibility):
        return visibility_code(value)
    return dump_json(value) if isinstance(value, Mapping | list | tuple) else value


def insert_tombstones(records: Sequence[NewTombstone], now_ms: int) -> Unit[None]:
    """Remember what is gone."""
    rows = [
        {
            "uri": r.uri,
            "deleted_ms": now_ms,
            "former_type": r.former_type,
            "actor_uri": r.actor_uri,
            "public": r.public,
        }
        for r in records
    ]
    if rows:
        yield Insert(tombstones, rows)
