"""What posts are found by is kept equal to the posts, on both engines; what nobody here may find is not kept."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from alembic import command
from sqlalchemy import delete, text

from fediverse_node.domain import effects as e
from fediverse_node.domain.model import Actor
from fediverse_node.errands import Errands
from fediverse_node.mastodon_api.search_query import parse_query
from fediverse_node.storage.apply import words
from fediverse_node.storage.apply.words import put_more_words, put_words
from fediverse_node.storage.engine import open_database
from fediverse_node.storage.migrate import migrate
from fediverse_node.storage.queries.bookmarks import bookmark
from fediverse_node.storage.queries.search import find_objects
from fediverse_node.storage.queries.users import change_profile
from fediverse_node.storage.statement import Statement
from fediverse_node.storage.tables import errands, object_words, objects
from fediverse_node.storage.unit import Insert, Run, Unit
from tests.storage.node_store import NodeStore

_PUBLIC = "https://www.w3.org/ns/activitystreams#Public"


async def _found(store: NodeStore, reader: Actor, query: str, **more: Any) -> list[int]:
    entries = await find_objects(
        store.database,
        parse_query(query).wanted,
        viewer_id=reader.id,
        now_ms=store.clock.now_ms(),
        **({"limit": 20} | more),
    )
    return [entry["id"] for entry in entries]


async def _indexed(store: NodeStore) -> list[int]:
    return [row["object_id"] for row in await store.rows("SELECT object_id FROM object_words ORDER BY object_id")]


async def _is_sound(store: NodeStore) -> None:
    """SQLite's index holds what its table does: it raises where not."""
    if store.database.dialect != "sqlite":
        return

    def unit() -> Unit[None]:
        yield Run(Statement(text("INSERT INTO object_index (object_index, rank) VALUES ('integrity-check', 1)")), [{}])

    await store.writer.run(unit)


@asynccontextmanager
async def _errands(store: NodeStore) -> AsyncIterator[None]:
    loop = Errands(store.database, store.writer, store.world, longest_sleep_s=0.05)
    loop.start()
    try:
        yield
    finally:
        await loop.stop()


async def _done(store: NodeStore) -> None:
    async with asyncio.timeout(40):
        while await store.count("errands"):
            await asyncio.sleep(0.02)


@pytest.mark.parametrize(
    ("says", "is_kept"),
    [
        ({}, False),
        ({"searchableBy": _PUBLIC}, True),
        ({"searchableBy": ["https://far.example/users/bob/followers"]}, True),
        ({"searchableBy": ["https://far.example/users/bob"]}, False),
    ],
    ids=["nothing", "everybody", "followers", "nobody else"],
)
async def test_words_are_kept_only_of_what_somebody_here_may_find(
    store: NodeStore, says: dict[str, Any], is_kept: bool
) -> None:
    bob = await store.person("bob", "far.example")
    id_ = await store.say(bob, content="<p>a zeppelin</p>", **says)
    assert await _indexed(store) == ([id_] if is_kept else [])


async def test_whoever_is_named_likes_or_keeps_a_post_finds_it_from_then_on(store: NodeStore) -> None:
    alice, bob = await store.person("alice"), await store.person("bob", "far.example")
    ids = [await store.say(bob, content=f"<p>zeppelin {n}</p>") for n in range(3)]
    assert await _indexed(store) == []
    await store.apply(e.Put(e.NewLike(store.ids.next(), alice.id, ids[0], None)))
    await store.apply(e.Put(e.NewLike(store.ids.next(), bob.id, ids[2], "https://far.example/like")))
    await store.writer.run(lambda: bookmark(store.ids.next(), alice.id, ids[1]))
    assert await _found(store, alice, "zeppelin") == sorted(ids[:2], reverse=True)
    tag = {"type": "Mention", "href": alice.uri, "name": "@alice"}
    told = await store.say(bob, content="<p>zeppelin</p>", tag=[tag], cc=[alice.uri])
    assert await _found(store, alice, "zeppelin") == sorted([told, *ids[:2]], reverse=True)
    await store.apply(e.Remove(e.LikeKey(alice.id, ids[0])))
    assert await _found(store, alice, "zeppelin") == sorted([told, ids[1]], reverse=True)


async def test_an_edited_post_is_found_by_what_it_says_now_and_a_deleted_one_not_at_all(store: NodeStore) -> None:
    alice, bob = await store.person("alice"), await store.person("bob", "far.example")
    id_ = await store.say(bob, content="<p>zeppelin</p>", searchableBy=_PUBLIC)
    await store.apply(e.Patch(e.EditObject(id_, {"content": "<p>balloon</p>", "summary": "by air"})))
    assert await _found(store, alice, "zeppelin") == []
    assert await _found(store, alice, '"by air" balloon') == [id_]
    await _is_sound(store)
    await store.apply(e.Patch(e.EditObject(id_, {"searchable": 0})))
    assert await _indexed(store) == []
    await store.apply(e.Patch(e.EditObject(id_, {"searchable": 4})))
    assert await _indexed(store) == [id_]
    await store.apply(e.Remove(e.ObjectKey(id_)))
    assert await _indexed(store) == []
    assert await _found(store, alice, "balloon") == []
    await _is_sound(store)


async def test_an_actor_whose_posts_go_leaves_no_words(store: NodeStore) -> None:
    bob = await store.person("bob", "far.example")
    for _ in range(3):
        await store.say(bob, searchableBy=_PUBLIC)
    assert len(await _indexed(store)) == 3
    await store.receive("Delete", bob, bob.uri)
    assert await _indexed(store) == []
    await _is_sound(store)


async def test_who_lets_themselves_be_found_is_found_with_all_that_they_ever_said(
    store: NodeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice, bob = await store.person("alice"), await store.person("bob", "far.example")
    ids = [await store.say(bob, content="<p>zeppelin</p>") for _ in range(5)]
    assert await _found(store, alice, "zeppelin") == []
    async with _errands(store):
        await store.apply(e.Patch(e.ChangeActor(bob.id, {"indexable": True})))
        await _done(store)
        assert await _found(store, alice, "zeppelin") == sorted(ids, reverse=True)
        await store.writer.run(lambda: change_profile(bob.id, {"indexable": False}))
        assert await _found(store, alice, "zeppelin") == [], "at once"
        await _done(store)
    assert await _indexed(store) == []


async def test_an_author_who_changes_their_mind_half_way_is_gone_through_from_the_start(store: NodeStore) -> None:
    alice, bob = await store.person("alice"), await store.person("bob", "far.example")
    rows = [
        {
            "id": n,
            "uri": f"https://far.example/{n}",
            "type": "Note",
            "actor_id": bob.id,
            "local": False,
            "visibility": 0,
            "content": "<p>zeppelin</p>",
            "published_ms": n,
        }
        for n in range(1, 251)
    ]

    def unit() -> Unit[None]:
        yield Insert(objects, rows)

    await store.writer.run(unit)
    await store.apply(e.Patch(e.ChangeActor(bob.id, {"indexable": True})))
    assert await store.writer.run(lambda: put_more_words(bob.id)) is False
    assert len(await _indexed(store)) == 200
    await store.apply(e.Patch(e.ChangeActor(bob.id, {"indexable": False})))
    assert await store.writer.run(lambda: put_more_words(bob.id)) is False
    assert await _indexed(store) == []
    assert await store.writer.run(lambda: put_more_words(bob.id)) is True
    assert await store.count("errands") == 0
    assert await store.writer.run(lambda: put_more_words(bob.id)) is True, "there is nothing to do any more"
    assert await _found(store, alice, "zeppelin") == []


async def test_what_was_there_before_there_was_search_is_found_once_the_node_runs(store: NodeStore) -> None:
    alice, bob = await store.person("alice"), await store.person("bob", "far.example")
    ids = [await store.say(bob, content="<p>zeppelin</p>", searchableBy=_PUBLIC) for _ in range(3)]

    def as_after_the_upgrade() -> Unit[None]:
        yield Run(Statement(delete(object_words)), [{}])
        errand = {"id": -alice.id, "kind": words.OF_ALL, "actor_id": alice.id, "created_ms": 0, "due_ms": 0}
        yield Insert(errands, [errand])

    await store.writer.run(as_after_the_upgrade)
    assert await _found(store, alice, "zeppelin") == []
    async with _errands(store):
        await _done(store)
    assert await _found(store, alice, "zeppelin") == sorted(ids, reverse=True)


async def test_an_upgrade_leaves_the_posts_that_are_there_to_an_errand(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = command.upgrade
    with monkeypatch.context() as patch:
        patch.setattr(command, "upgrade", lambda config, revision: real(config, "0003"))
        await migrate(database_url)
    store = NodeStore(await open_database(database_url))
    row = "INSERT INTO actors (id, uri, type, local, username, host, created_ms) VALUES "
    persons: tuple[str, ...] = ("(5, 'https://home.example/5', 'Person', true, 'alice', 'home.example', 1)",)
    persons += ("(3, 'https://far.example/3', 'Person', false, 'bob', 'far.example', 1)",)
    post = "INSERT INTO objects (id, uri, type, actor_id, local, visibility, content, published_ms) VALUES "
    post += "(7, 'https://home.example/7', 'Note', 5, true, 0, 'zeppelin', 1)"

    def unit() -> Unit[None]:
        for sql in (*(row + person for person in persons), post):
            yield Run(Statement(text(sql)), [{}])

    await store.writer.run(unit)
    await store.close()
    assert await migrate(database_url) == "0003"
    store = NodeStore(await open_database(database_url))
    assert await store.count("object_words") == 0
    async with _errands(store):
        await _done(store)
    found = await find_objects(store.database, parse_query("zeppelin").wanted, viewer_id=5, now_ms=1, limit=5)
    assert [entry["id"] for entry in found] == [7]
    await store.close()


async def test_a_post_that_a_crowd_kept_is_found_by_each_of_them_and_by_nobody_else(
    store: NodeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(words, "MOST_KEEPERS", 3)
    monkeypatch.setattr("fediverse_node.domain.search_words.MOST_KEEPERS", 3)
    bob = await store.person("bob", "far.example")
    id_ = await store.say(bob, content="<p>zeppelin</p>")
    crowd = [await store.person(f"p{n}") for n in range(7)]
    for person in crowd[:6]:
        await store.apply(e.Put(e.NewLike(store.ids.next(), person.id, id_, None)))
    found = [await _found(store, person, "zeppelin") for person in crowd]
    assert found == [[id_]] * 6 + [[]]


async def test_rules_that_let_nobody_through_do_not_make_a_search_long(
    store: NodeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice, bob = await store.person("alice"), await store.person("bob", "far.example")
    said = {await store.say(bob, content=f"<p>zeppelin {n}</p>", searchableBy=_PUBLIC): n for n in range(6)}
    newest = sorted(said, reverse=True)
    place = "fediverse_node.storage.queries.search."
    monkeypatch.setattr(place + "_FIRST_PIECE", 2)
    monkeypatch.setattr(place + "_GROWTH", 1)
    assert await _found(store, alice, "zeppelin", limit=1) == newest[:1]
    assert await _found(store, alice, "zeppelin", limit=2, offset=3) == newest[3:5]
    assert await _found(store, alice, "zeppelin -5 -3", limit=9) == [id_ for id_ in newest if said[id_] not in (3, 5)]
    monkeypatch.setattr(place + "_MOST_CANDIDATES", 0)
    assert await _found(store, alice, "zeppelin") == []


@pytest.mark.parametrize(
    ("text", "query", "is_found"),
    [
        ("\u79c1\u306f\u6771\u4eac\u90fd\u306b\u884c\u304f", "\u6771\u4eac", True),
        ("\u79c1\u306f\u6771\u4eac\u90fd\u306b\u884c\u304f", "\u4eac\u90fd", True),
        ("\u79c1\u306f\u6771\u4eac\u90fd\u306b\u884c\u304f", "\u90fd", True),
        ("\u79c1\u306f\u6771\u4eac\u90fd\u306b\u884c\u304f", "\u4eac\u6771", False),
        ("\u79c1\u306f\u6771\u4eac\u90fd\u306b\u884c\u304f", "\u6771\u4eac\u306b", False),
        ("\u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35\u0e0a\u0e32\u0e27\u0e42\u0e25\u0e01", "\u0e0a\u0e32\u0e27", True),
        ("\uc11c\uc6b8\uc5d0\uc11c", "\uc11c\uc6b8", True),
        ("un \u00e9t\u00e9 na\u00eff", "ETE", True),
        ("the harbours", "harb", True),
        ("the harbours", '"harb"', False),
        ("the cats", "cat", False),
        ("blue moon rising", '"moon rising"', True),
        ("blue moon rising", '"rising moon"', False),
        ("blue moon rising", "moon -blue", False),
        ("blue moon rising", "-green", True),
        ("it's a quote \" and \\ a 'colon:'", '"quote and a colon"', True),
        ("AND OR NOT NEAR", "NOT near", True),
        ("a mark", "~e", False),
    ],
)
async def test_both_engines_find_the_same(store: NodeStore, text: str, query: str, is_found: bool) -> None:
    bob = await store.person("bob", "far.example")
    id_ = await store.say(bob, content=f"<p>{text}</p>", searchableBy=_PUBLIC)
    assert await _found(store, bob, query) == ([id_] if is_found else [])


async def test_a_very_long_article_is_taken_in(store: NodeStore) -> None:
    bob = await store.person("bob", "far.example")
    text = "first " + " ".join(f"word{n}" for n in range(30_000))
    rows = {"id": 1, "uri": "https://far.example/1", "type": "Article", "actor_id": bob.id, "local": False}

    def unit() -> Unit[None]:
        yield Insert(objects, [{**rows, "visibility": 0, "content": text, "searchable": 4, "published_ms": 1}])
        yield from put_words([1], new=True)

    await store.writer.run(unit)
    assert await _found(store, bob, "first word4000") == [1]
