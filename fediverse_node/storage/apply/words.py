"""Keeps the words by which posts are found equal to the posts, in the transaction that changes them.

Only posts are in it that somebody here may find (`domain/searching.py`): of most that passes by nothing is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import orjson
from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    Integer,
    Select,
    Table,
    Text,
    bindparam,
    delete,
    exists,
    literal_column,
    null,
    or_,
    select,
    text,
    union_all,
    update,
)

from fediverse_node.domain.search_words import MOST_KEEPERS, Wording, index_words
from fediverse_node.domain.searching import EVERYBODY, FOLLOWERS
from fediverse_node.storage.statement import Statement, one_of, upsert
from fediverse_node.storage.tables import (
    actors,
    bookmarks,
    errands,
    likes,
    link_previews,
    mentions,
    object_previews,
    object_words,
    objects,
    polls,
)
from fediverse_node.storage.unit import Fetch, Run, Unit

# One author's posts, or those of all: pieces of an errand.
OF_ONE, OF_ALL = "words", "all_words"
_AT_ONCE = 200
_LARGEST_ID = (1 << 63) - 1

_ONE = literal_column("1", Integer())
_person = actors.alias("person")


def _concerns(table: Table) -> ColumnElement[bool]:
    """Somebody here is named in it, liked it or kept it."""
    return exists(
        select(_ONE)
        .select_from(table.join(_person, _person.c.id == table.c.actor_id))
        .where(table.c.object_id == objects.c.id, _person.c.local)
        .correlate(objects)
    )


_AUDIENCE = literal_column(str(EVERYBODY | FOLLOWERS), Integer())
_FINDABLE = Statement(
    select(
        objects.c.id,
        objects.c.actor_id,
        objects.c.content,
        objects.c.summary,
        objects.c.language,
        objects.c.sensitive,
        objects.c.in_reply_to_uri,
        objects.c.in_reply_to_id,
        objects.c.parts,
        objects.c.attachments,
        objects.c.searchable,
        actors.c.local.label("author_local"),
        actors.c.indexable,
        polls.c.options,
        link_previews.c.card,
    )
    .select_from(
        objects.join(actors, actors.c.id == objects.c.actor_id)
        .outerjoin(polls, polls.c.object_id == objects.c.id)
        .outerjoin(object_previews, object_previews.c.object_id == objects.c.id)
        .outerjoin(link_previews, link_previews.c.id == object_previews.c.preview_id)
    )
    .where(
        one_of(objects.c.id, "ids"),
        objects.c.announce_of_id.is_(None),
        or_(
            actors.c.local,
            objects.c.searchable.op("&")(_AUDIENCE) != 0,
            objects.c.searchable.is_(None) & actors.c.indexable,
            *(_concerns(table) for table in (mentions, likes, bookmarks)),
        ),
    )
)


def _concerned(table: Table) -> Select[Any]:
    return (
        select(table.c.object_id, table.c.actor_id)
        .select_from(table.join(actors, actors.c.id == table.c.actor_id))
        .where(one_of(table.c.object_id, "ids"), actors.c.local)
    )


_FINDERS = Statement(union_all(*(_concerned(table) for table in (mentions, likes, bookmarks))))
_CONFLICT = "ON CONFLICT (object_id) DO UPDATE SET words = excluded.words, crowded = excluded.crowded"
_PUT = Statement(
    text(f"INSERT INTO object_words (object_id, words, crowded) VALUES (:object_id, :words, :crowded) {_CONFLICT}"),
    # The words with their positions, as PostgreSQL writes a tsvector: none of them holds a quote or a colon.
    for_postgresql=text(
        "INSERT INTO object_words (object_id, words, crowded) SELECT :object_id, (SELECT coalesce(string_agg("
        "word || ':' || position, ' '), '') FROM unnest(string_to_array(:words, ' ')) WITH ORDINALITY "
        f"AS found (word, position))::tsvector, :crowded {_CONFLICT}"
    ).bindparams(
        bindparam("object_id", type_=BigInteger()),
        bindparam("words", type_=Text()),
        bindparam("crowded", type_=Boolean()),
    ),
)
_DROP = Statement(delete(object_words).where(one_of(object_words.c.object_id, "ids")))
_CROWDED = Statement(
    select(object_words.c.object_id).where(one_of(object_words.c.object_id, "ids"), object_words.c.crowded)
)
_OURS = Statement(select(actors.c.id).where(one_of(actors.c.id, "ids"), actors.c.local))
_BEFORE = bindparam("before_id", type_=BigInteger())
_ERRAND = select(errands.c.kind, errands.c.actor_id, errands.c.cursor_id).where(
    errands.c.id == bindparam("errand_id", type_=BigInteger())
)
_STATE = Statement(_ERRAND, for_postgresql=_ERRAND.with_for_update())
_ALL_BEFORE = Statement(
    select(objects.c.id)
    .where(objects.c.id < _BEFORE)
    .order_by(objects.c.id.desc())
    .limit(literal_column(str(_AT_ONCE)))
)
_SAID_BEFORE = Statement(
    select(objects.c.id)
    .where(objects.c.actor_id == bindparam("actor_id", type_=BigInteger()), objects.c.id < _BEFORE)
    .order_by(objects.c.id.desc())
    .limit(literal_column(str(_AT_ONCE)))
)
_REACHED = Statement(
    update(errands)
    .where(errands.c.id == bindparam("errand_id", type_=BigInteger()))
    .values(cursor_id=bindparam("reached_id", type_=BigInteger()))
)
_END = Statement(delete(errands).where(errands.c.id == bindparam("errand_id", type_=BigInteger())))
# One that is under way begins again: what it has looked at already has changed.
_BEGIN = upsert(
    errands, ("id", "kind", "actor_id", "created_ms", "due_ms"), ("kind", "actor_id"), {"cursor_id": null()}
)


def put_words(object_ids: Iterable[int], *, new: bool = False) -> Unit[None]:
    """These posts are found by what they say now, by whom it concerns now. `new`: nothing was stored of them yet."""
    ids = sorted(set(object_ids))
    if not ids:
        return
    rows = yield Fetch(_FINDABLE, {"ids": ids})
    found = {row["id"]: row for row in rows}
    finders: dict[int, set[int]] = {
        id_: {row["actor_id"]} if row["author_local"] else set() for id_, row in found.items()
    }
    if found:
        for concerned in (yield Fetch(_FINDERS, {"ids": list(found)})):
            finders[concerned["object_id"]].add(concerned["actor_id"])
    gone = [] if new else [id_ for id_ in ids if id_ not in found]
    if gone:
        yield Run(_DROP, [{"ids": gone}])
    yield Run(
        _PUT,
        [
            {
                "object_id": id_,
                "words": index_words(_wording(found[id_]), finders[id_]),
                "crowded": len(finders[id_]) > MOST_KEEPERS,
            }
            for id_ in ids
            if id_ in found
        ],
    )


def keep_words(pairs: Sequence[tuple[int, int]]) -> Unit[None]:
    """Pairs of actor and object: whoever of them is here liked or kept it, and finds it from now on."""
    if not pairs:
        return
    ours = {row["id"] for row in (yield Fetch(_OURS, {"ids": sorted({actor_id for actor_id, _ in pairs})}))}
    kept = {object_id for actor_id, object_id in pairs if actor_id in ours}
    if kept:
        crowded = {row["object_id"] for row in (yield Fetch(_CROWDED, {"ids": sorted(kept)}))}
        yield from put_words(kept - crowded)


def review_words(actor_id: int) -> Unit[None]:
    """An actor says something else about who may find its posts: they are gone through, piece by piece."""
    # There is one such errand for an actor at most, so it has the actor's number, which no other row has.
    yield Run(_BEGIN, [{"id": actor_id, "kind": OF_ONE, "actor_id": actor_id, "created_ms": 0, "due_ms": 0}])


def put_more_words(errand_id: int) -> Unit[bool]:
    """A piece of an errand, newest posts first; whether that was the last one, and the errand is ended."""
    rows = yield Fetch(_STATE, {"errand_id": errand_id})
    if not rows:
        return True
    before_id = _LARGEST_ID if rows[0]["cursor_id"] is None else rows[0]["cursor_id"]
    if rows[0]["kind"] == OF_ALL:
        page = yield Fetch(_ALL_BEFORE, {"before_id": before_id})
    else:
        page = yield Fetch(_SAID_BEFORE, {"before_id": before_id, "actor_id": rows[0]["actor_id"]})
    yield from put_words(row["id"] for row in page)
    if len(page) < _AT_ONCE:
        yield Run(_END, [{"errand_id": errand_id}])
        return True
    yield Run(_REACHED, [{"errand_id": errand_id, "reached_id": page[-1]["id"]}])
    return False


def _wording(row: Any) -> Wording:
    return Wording(
        actor_id=row["actor_id"],
        content=row["content"],
        summary=row["summary"],
        language=row["language"],
        sensitive=bool(row["sensitive"]),
        is_reply=row["in_reply_to_uri"] is not None or row["in_reply_to_id"] is not None,
        parts=orjson.loads(row["parts"]),
        attachments=orjson.loads(row["attachments"]),
        options=orjson.loads(row["options"]) if row["options"] else None,
        card=orjson.loads(row["card"]) if row["card"] else None,
        searchable=row["searchable"],
        indexable=bool(row["indexable"]),
    )
