"""Objects by address and by words: of these, those that a person may find (`domain/searching.py`) and see.

The index (storage/apply/words.py) names candidates, newest first; what is stored decides about them. So an index that
still knows of yesterday's permissions shows nothing to anybody.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    Table,
    Text,
    and_,
    bindparam,
    cast,
    column,
    exists,
    literal_column,
    or_,
    select,
    table,
)
from sqlalchemy.dialects.postgresql import TSQUERY

from fediverse_node.domain import search_words as marks
from fediverse_node.domain.searching import EVERYBODY, FOLLOWERS, NAMED
from fediverse_node.protocol.words import Phrase
from fediverse_node.storage.engine import Database
from fediverse_node.storage.queries.statuses import (
    AUTHOR,
    AUTHORS_HOST,
    VIEWER,
    author,
    is_heard,
    is_present,
    is_unavoided,
    select_entries,
    visible_to_viewer,
)
from fediverse_node.storage.statement import Statement, one_of
from fediverse_node.storage.tables import bookmarks, follows, likes, mentions, object_words, objects

# What is looked at in one go grows, up to so many altogether: rules that let nobody through cost no more than that.
_FIRST_PIECE, _GROWTH, _LARGEST_PIECE, _MOST_CANDIDATES = 100, 4, 2_000, 20_000

ID_BY_URI = Statement(select(objects.c.id).where(objects.c.uri == bindparam("uri", type_=Text())))


class Place(Enum):
    """Where to look: what one said, was told, liked or kept; what others let be found; both."""

    LIBRARY = "library"
    PUBLIC = "public"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for. `marks` as in domain/search_words.py: of each group one, of `without` none."""

    phrases: tuple[Phrase, ...] = ()
    without_phrases: tuple[Phrase, ...] = ()
    marks: tuple[tuple[str, ...], ...] = ()
    without_marks: tuple[str, ...] = ()
    place: Place = Place.ALL
    # Numbers of objects: from the first one, up to and without the second one.
    spans: tuple[tuple[int, int], ...] = ()
    without_spans: tuple[tuple[int, int], ...] = ()


_BEFORE, _FROM = bindparam("before_id", type_=BigInteger()), bindparam("from_id", type_=BigInteger())
_MATCH = bindparam("match", type_=Text())
_index = table("object_index", column("rowid", Integer()))
_rowid = _index.c.rowid
_MOST = bindparam("most", type_=Integer())
_matching = (
    select(object_words.c.object_id.label("id"))
    .where(
        object_words.c.words.op("@@")(cast(_MATCH, TSQUERY)),
        object_words.c.object_id < _BEFORE,
        object_words.c.object_id >= _FROM,
    )
    # Apart: PostgreSQL cannot know how rare a word is, and would go through all posts in their order for a page of it.
    .cte("matching")
    .prefix_with("MATERIALIZED")
)
CANDIDATES = Statement(
    select(_rowid.label("id"))
    .where(literal_column("object_index").op("MATCH")(_MATCH), _rowid < _BEFORE, _rowid >= _FROM)
    .order_by(_rowid.desc())
    .limit(_MOST),
    for_postgresql=select(_matching.c.id).order_by(_matching.c.id.desc()).limit(_MOST),
)


def _is(owner: ColumnElement[Any], table_: Table, *conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists(
        select(literal_column("1")).select_from(table_).where(owner == VIEWER, *conditions).correlate_except(table_)
    )


def _allows(bit: int) -> ColumnElement[bool]:
    return objects.c.searchable.op("&")(literal_column(str(bit))) != 0


_is_named = _is(mentions.c.actor_id, mentions, mentions.c.object_id == objects.c.id)
_is_follower = _is(follows.c.follower_id, follows, follows.c.followed_id == objects.c.actor_id, follows.c.accepted)
# `domain/searching.py`: its author and who liked or kept it find it, others if it or its author says so.
_is_near = or_(
    objects.c.actor_id == VIEWER,
    _is(likes.c.actor_id, likes, likes.c.object_id == objects.c.id),
    _is(bookmarks.c.actor_id, bookmarks, bookmarks.c.object_id == objects.c.id),
    and_(or_(objects.c.searchable.is_(None), _allows(NAMED)), _is_named),
)
_is_allowed = or_(
    and_(objects.c.searchable.is_(None), author.c.indexable),
    _allows(EVERYBODY),
    and_(_allows(FOLLOWERS), _is_follower),
)


def _found(permission: ColumnElement[bool]) -> Statement:
    return Statement(
        select_entries(objects)
        .where(
            one_of(objects.c.id, "ids"),
            objects.c.announce_of_id.is_(None),
            permission,
            is_present(),
            visible_to_viewer(),
            is_unavoided(*AUTHOR, hosts=AUTHORS_HOST),
            is_heard(objects.c.actor_id, author.c.silenced_ms),
        )
        .order_by(objects.c.id.desc())
    )


FOUND = {
    Place.LIBRARY: _found(_is_near),
    Place.PUBLIC: _found(_is_allowed),
    Place.ALL: _found(or_(_is_near, _is_allowed)),
}


async def find_objects(
    database: Database, wanted: Wanted, *, viewer_id: int, now_ms: int, limit: int, offset: int = 0
) -> list[Any]:
    """Entries (storage/queries/statuses.py) of what the viewer may find, newest first."""
    match = _match(wanted, viewer_id, is_sqlite=database.dialect == "sqlite")
    from_id = max((first for first, _ in wanted.spans), default=0)
    before_id = min((end for _, end in wanted.spans), default=(1 << 63) - 1)
    found: list[Any] = []
    piece, seen = max(_FIRST_PIECE, 2 * (limit + offset)), 0
    while len(found) < limit + offset and seen < _MOST_CANDIDATES and from_id < before_id:
        rows = await database.fetch(
            CANDIDATES, patient=True, match=match, before_id=before_id, from_id=from_id, most=piece
        )
        ids = [row["id"] for row in rows if not any(a <= row["id"] < z for a, z in wanted.without_spans)]
        if ids:
            found += await database.fetch(
                FOUND[wanted.place], patient=True, viewer_id=viewer_id, now_ms=now_ms, ids=ids
            )
        if len(rows) < piece:
            break
        before_id, seen = rows[-1]["id"], seen + len(rows)
        piece = min(piece * _GROWTH, _LARGEST_PIECE)
    return found[offset : offset + limit]


def _match(wanted: Wanted, viewer_id: int, *, is_sqlite: bool) -> str:
    """The question to the index, in its own language. Words hold letters and digits only, so nothing is escaped."""
    near = (marks.by_person(viewer_id), marks.BY_MANY)
    allowed = (marks.BY_EVERYBODY, marks.BY_FOLLOWERS)
    finders = {Place.LIBRARY: near, Place.PUBLIC: allowed, Place.ALL: near + allowed}[wanted.place]
    spoken = _for_sqlite if is_sqlite else _for_postgresql
    either, both, neither = (" OR ", " AND ", " NOT ") if is_sqlite else (" | ", " & ", " & !")
    parts = [spoken(phrase) for phrase in wanted.phrases]
    parts += [f"({either.join(spoken(Phrase((mark,))) for mark in group)})" for group in (*wanted.marks, finders)]
    without = [spoken(phrase) for phrase in wanted.without_phrases]
    without += [spoken(Phrase((mark,))) for mark in wanted.without_marks]
    question = f"({both.join(parts)})"
    return f"{question}{neither}({either.join(without)})" if without else question


def _for_sqlite(phrase: Phrase) -> str:
    """spec: sqlite-fts5#full-text-query-syntax"""
    return f'"{" ".join(phrase.words)}"{" *" if phrase.open_ended else ""}'


def _for_postgresql(phrase: Phrase) -> str:
    """spec: postgresql-textsearch (the type tsquery)"""
    words = [f"'{word}'" for word in phrase.words]
    if phrase.open_ended:
        words[-1] += ":*"
    return f"({' <-> '.join(words)})"
