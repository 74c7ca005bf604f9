"""Every effect does what it promises, and the same effect again does nothing more."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import orjson
import pytest

from fediverse_node.domain import effects as e
from fediverse_node.domain.facts import Needs
from fediverse_node.domain.model import Actor, Poll, Visibility
from fediverse_node.storage.events import Conversed, Edited, Notified, Published, Removed
from fediverse_node.storage.tables import keys, media, metadata
from fediverse_node.storage.unit import Insert, Unit
from tests.activities.builders import NOW_MS, mentioning
from tests.storage.node_store import NodeStore

_NOT_COMPARED = {"version", "deliveries", "payloads"}


async def everything(store: NodeStore) -> dict[str, list[str]]:
    """All that is stored, but for the versions that only tell caches to look again."""
    found = {}
    for table in metadata.sorted_tables:
        if table.name not in _NOT_COMPARED:
            rows = await store.rows(f"SELECT * FROM {table.name}")
            found[table.name] = sorted(str({k: v for k, v in row.items() if k != "version"}) for row in rows)
    return found


def a_record(store: NodeStore, author: Actor, number: int = 900, **more: Any) -> e.NewObject:
    known = {
        "id": store.ids.next(),
        "uri": f"{author.uri}/statuses/{number}",
        "type": "Note",
        "actor_id": author.id,
        "local": author.local,
        "visibility": Visibility.PUBLIC,
        "published_ms": NOW_MS,
        "content": "<p>Hello</p>",
    }
    record = e.NewObject(**{**known, **more})
    return record if record.thread_id else e.NewObject(**{**known, **more, "thread_id": record.id})


class Scene:
    """People and a post, for one effect."""

    def __init__(self, store: NodeStore, alice: Actor, carol: Actor, bob: Actor, post: e.NewObject) -> None:
        self.store, self.alice, self.carol, self.bob, self.post = store, alice, carol, bob, post

    def follow(self, follower: Actor, followed: Actor, **more: Any) -> e.NewFollow:
        known = {"accepted": True, "follower_local": follower.local, "created_ms": NOW_MS}
        return e.NewFollow(
            self.store.ids.next(), f"{follower.uri}/f/{followed.id}", follower.id, followed.id, **{**known, **more}
        )

    def next(self) -> int:
        return self.store.ids.next()


@pytest.fixture
async def scene(store: NodeStore) -> Scene:
    alice, carol = await store.person("alice"), await store.person("carol")
    bob = await store.person("bob", "far.example")
    post = a_record(
        store,
        alice,
        type="Question",
        poll=Poll(("tea", "coffee"), (0, 0), multiple=True),
        hashtags=("tea",),
        mention_ids=(bob.id,),
    )
    await store.apply(e.Put(post))
    return Scene(store, alice, carol, bob, post)


async def _like(s: Scene) -> e.Effect:
    return e.Put(e.NewLike(s.next(), s.bob.id, s.post.id, "https://far.example/likes/1"))


async def _liked(s: Scene) -> e.Effect:
    await s.store.apply(await _like(s), e.Notify(s.alice.id, "like", s.bob.id, s.post.id))
    return e.Remove(e.LikeKey(s.bob.id, s.post.id))


async def _followed(s: Scene) -> e.Effect:
    await s.store.apply(e.Put(s.follow(s.carol, s.alice)))
    return e.Remove(e.FollowKey(s.carol.id, s.alice.id))


async def _requested(s: Scene) -> e.Effect:
    await s.store.apply(e.Put(s.follow(s.carol, s.alice, accepted=False)))
    return e.Patch(e.AcceptFollow(s.carol.id, s.alice.id))


async def _follow_and_block(s: Scene) -> e.Effect:
    await s.store.apply(e.Put(s.follow(s.carol, s.alice)), e.Put(s.follow(s.alice, s.carol)))
    return e.Put(e.NewBlock(s.next(), s.alice.id, s.carol.id, None))


async def _blocked(s: Scene) -> e.Effect:
    await s.store.apply(e.Put(e.NewBlock(s.next(), s.alice.id, s.carol.id, None)))
    return e.Remove(e.BlockKey(s.alice.id, s.carol.id))


async def _pinned(s: Scene) -> e.Effect:
    await s.store.apply(e.Put(e.NewPin(s.next(), s.alice.id, s.post.id)))
    return e.Remove(e.PinKey(s.alice.id, s.post.id))


async def _announced(s: Scene) -> e.Effect:
    announce = a_record(s.store, s.bob, 77, type="Announce", announce_of_id=s.post.id, thread_id=s.post.id)
    await s.store.apply(e.Put(announce), e.Notify(s.alice.id, "announce", s.bob.id, s.post.id))
    return e.Remove(e.ObjectKey(announce.id, tombstone=False))


async def _remote_poll(s: Scene) -> int:
    record = a_record(s.store, s.bob, 60, type="Question", poll=Poll(("tea", "coffee"), (1, 1)))
    await s.store.apply(e.Put(record))
    return record.id


async def _chosen_elsewhere(s: Scene) -> e.Effect:
    return e.Put(e.NewVotes(await _remote_poll(s), s.carol.id, (1,), counts=False))


async def _counted_elsewhere(s: Scene) -> e.Effect:
    fresh = Poll(("tea", "coffee"), (5, 6), voters_count=11)
    return e.Patch(e.EditObject(await _remote_poll(s), {}, poll=fresh, keep_revision=False))


async def _busy(s: Scene) -> None:
    await s.store.apply(
        await _like(s),
        e.Put(s.follow(s.bob, s.alice)),
        e.Put(s.follow(s.alice, s.bob)),
        e.Put(e.NewVotes(s.post.id, s.bob.id, (0, 1))),
        e.Put(a_record(s.store, s.bob, 78, in_reply_to_uri=s.post.uri, in_reply_to_id=s.post.id, thread_id=s.post.id)),
        e.Put(a_record(s.store, s.bob, 79, type="Announce", announce_of_id=s.post.id, thread_id=s.post.id)),
    )


async def _everything_of_bob(s: Scene) -> e.Effect:
    await _busy(s)
    return e.Remove(e.ActorKey(s.bob.id))


async def _everything_of_alice(s: Scene) -> e.Effect:
    await _busy(s)
    return e.Remove(e.ActorKey(s.alice.id))


def _made(make: Callable[[Scene], e.Effect]) -> Callable[[Scene], Awaitable[e.Effect]]:
    async def made(scene: Scene) -> e.Effect:
        return make(scene)

    return made


EFFECTS: dict[str, Callable[[Scene], Awaitable[e.Effect]]] = {
    "an object": _made(
        lambda s: e.Put(a_record(s.store, s.bob, 5, hashtags=("tea", "milk"), mention_ids=(s.alice.id, s.alice.id)))
    ),
    "a private object": _made(
        lambda s: e.Put(a_record(s.store, s.bob, 6, visibility=Visibility.DIRECT, mention_ids=(s.alice.id,)))
    ),
    "an answer": _made(
        lambda s: e.Put(a_record(s.store, s.bob, 7, in_reply_to_uri=s.post.uri, in_reply_to_id=s.post.id))
    ),
    "an announce": _made(lambda s: e.Put(a_record(s.store, s.bob, 8, type="Announce", announce_of_id=s.post.id))),
    "a like": _like,
    "a follow": _made(lambda s: e.Put(s.follow(s.carol, s.alice))),
    "a request": _made(lambda s: e.Put(s.follow(s.carol, s.alice, accepted=False))),
    "a block": _follow_and_block,
    "votes": _made(lambda s: e.Put(e.NewVotes(s.post.id, s.bob.id, (0, 1), "https://far.example/votes/1"))),
    "votes in a remote poll": _chosen_elsewhere,
    "a report": _made(lambda s: e.Put(e.NewReport(s.next(), s.bob.id, s.alice.id, None, "rude", (s.post.id,)))),
    "a pin": _made(lambda s: e.Put(e.NewPin(s.next(), s.alice.id, s.post.id))),
    "a tombstone": _made(lambda s: e.Put(e.NewTombstone("https://far.example/gone", s.bob.uri, "Note"))),
    "a grant": _requested,
    "a change of an actor": _made(
        lambda s: e.Patch(e.ChangeActor(s.bob.id, {"moved_to_uri": "https://x.example/b", "also_known_as": ["a"]}))
    ),
    "an edit of counts": _counted_elsewhere,
    "an unlike": _liked,
    "an unfollow": _followed,
    "an unblock": _blocked,
    "an unpin": _pinned,
    "an unannounce": _announced,
    "a deletion": _made(lambda s: e.Remove(e.ObjectKey(s.post.id))),
    "somebody elsewhere goes": _everything_of_bob,
    "one of ours goes": _everything_of_alice,
    "a place": _made(lambda s: e.Place(s.post.id, (s.alice.id, s.carol.id))),
    "a notification": _made(lambda s: e.Notify(s.alice.id, "mention", s.bob.id, s.post.id)),
    "a notification about nothing": _made(lambda s: e.Notify(s.alice.id, "follow", s.bob.id)),
    "something to fetch": _made(lambda s: e.FetchLater("https://far.example/parent", "object", 1)),
}


@pytest.mark.parametrize("name", EFFECTS)
async def test_an_effect_applied_again_changes_nothing_more(scene: Scene, name: str) -> None:
    effect = await EFFECTS[name](scene)
    before = await everything(scene.store)
    await scene.store.apply(effect)
    once = await everything(scene.store)
    assert once != before
    await scene.store.apply(effect)
    assert await everything(scene.store) == once
    await scene.store.apply(effect, effect)
    assert await everything(scene.store) == once
    assert await scene.store.wrong_counters() == []


async def test_what_is_said_is_stored_with_all_that_hangs_on_it(scene: Scene) -> None:
    store, post = scene.store, scene.post
    row = await store.one("SELECT * FROM objects WHERE id = :id", id=post.id)
    assert (row["uri"], row["type"], row["thread_id"], bool(row["local"])) == (post.uri, "Question", post.id, True)
    assert await store.count("mentions", "object_id = :id AND actor_id = :who", id=post.id, who=scene.bob.id) == 1
    assert await store.count("object_tags", "object_id = :id", id=post.id) == 1
    poll = await store.one("SELECT options, counts FROM polls WHERE object_id = :id", id=post.id)
    assert orjson.loads(poll["options"]) == ["tea", "coffee"]
    assert await store.social(scene.alice) == (0, 0, 1)
    actor = await store.one("SELECT last_status_ms FROM actors WHERE id = :id", id=scene.alice.id)
    assert actor["last_status_ms"] == NOW_MS


async def test_an_older_post_that_comes_late_does_not_move_the_last_activity_back(scene: Scene) -> None:
    await scene.store.apply(e.Put(a_record(scene.store, scene.alice, 4, published_ms=NOW_MS - 9_000)))
    actor = await scene.store.one("SELECT last_status_ms FROM actors WHERE id = :id", id=scene.alice.id)
    assert actor["last_status_ms"] == NOW_MS


async def test_private_words_are_not_counted_among_the_posts(scene: Scene) -> None:
    store = scene.store
    record = a_record(store, scene.bob, visibility=Visibility.DIRECT, in_reply_to_uri=scene.post.uri)
    await store.apply(e.Put(record))
    assert await store.social(scene.bob) == (0, 0, 0)
    assert await store.counters(scene.post.id) == (0, 0, 0)


async def test_a_follow_brings_recent_posts_into_the_home_timeline_and_an_unfollow_takes_them_out(scene: Scene) -> None:
    store, carol, alice = scene.store, scene.carol, scene.alice
    other = a_record(store, scene.bob, 3)
    shared = a_record(store, alice, 4, type="Announce", announce_of_id=other.id)
    await store.apply(e.Put(other))
    await store.apply(e.Put(shared))
    await store.apply(e.Put(scene.follow(carol, alice)))
    assert await store.home(carol) == [scene.post.id, shared.id]
    assert await store.social(carol) == (0, 1, 0)
    await store.apply(e.Remove(e.FollowKey(carol.id, alice.id)))
    assert await store.home(carol) == []
    await store.apply(e.Put(scene.follow(carol, alice, show_announces=False)))
    assert await store.home(carol) == [scene.post.id]


async def test_a_follow_that_exists_takes_new_options_and_stays_accepted(scene: Scene) -> None:
    store = scene.store
    await store.apply(e.Put(scene.follow(scene.carol, scene.alice)))
    await store.apply(e.Put(scene.follow(scene.carol, scene.alice, accepted=False, notify=True, languages=("de",))))
    row = await store.one("SELECT accepted, notify, languages FROM follows")
    assert (bool(row["accepted"]), bool(row["notify"]), row["languages"]) == (True, True, '["de"]')
    assert await store.social(scene.alice) == (1, 0, 1)


async def test_a_request_counts_only_when_it_is_granted(scene: Scene) -> None:
    store = scene.store
    await store.apply(e.Put(scene.follow(scene.carol, scene.alice, accepted=False)))
    assert await store.social(scene.alice) == (0, 0, 1)
    assert await store.home(scene.carol) == []
    await store.apply(e.Patch(e.AcceptFollow(scene.carol.id, scene.alice.id)))
    assert await store.social(scene.alice) == (1, 0, 1)
    assert await store.home(scene.carol) == [scene.post.id]


async def test_a_block_ends_follows_and_empties_both_timelines_of_each_other(scene: Scene) -> None:
    store, alice, carol = scene.store, scene.alice, scene.carol
    said = a_record(store, carol, 12)
    await store.apply(e.Put(said), e.Put(scene.follow(carol, alice)), e.Place(scene.post.id, (carol.id,)))
    await store.apply(e.Place(said.id, (alice.id,)), e.Notify(alice.id, "follow", carol.id))
    await store.apply(e.Put(e.NewBlock(store.ids.next(), alice.id, carol.id, None)))
    assert await store.count("follows") == 0
    assert await store.social(alice) == (0, 0, 1)
    assert await store.home(carol) == []
    assert await store.home(alice) == []
    assert await store.told(alice) == []


async def test_a_like_taken_back_takes_its_notification_along(scene: Scene) -> None:
    store = scene.store
    effect = await _liked(scene)
    assert await store.counters(scene.post.id) == (0, 1, 0)
    assert await store.told(scene.alice) == [("like", scene.bob.id, scene.post.id)]
    await store.apply(effect)
    assert await store.counters(scene.post.id) == (0, 0, 0)
    assert await store.told(scene.alice) == []


async def test_an_announce_taken_back_takes_its_notification_along_and_leaves_no_tombstone(scene: Scene) -> None:
    store = scene.store
    effect = await _announced(scene)
    assert await store.counters(scene.post.id) == (0, 0, 1)
    await store.apply(effect)
    assert await store.counters(scene.post.id) == (0, 0, 0)
    assert await store.told(scene.alice) == []
    assert await store.count("tombstones") == 0


async def test_people_are_told_once_of_each_occasion_but_of_every_report_and_edit(scene: Scene) -> None:
    store, alice, bob = scene.store, scene.alice, scene.bob
    for kind in ("mention", "follow", "report", "update"):
        about = scene.post.id if kind in ("mention", "update") else None
        for _ in range(2):
            await store.apply(e.Notify(alice.id, kind, bob.id, about))
    kinds = [kind for kind, _, _ in await store.told(alice)]
    assert sorted(kinds) == ["follow", "mention", "report", "report", "update", "update"]


async def test_an_edit_keeps_the_version_before_and_replaces_people_and_tags(scene: Scene) -> None:
    store, post = scene.store, scene.post
    changes = {"content": "<p>Good bye</p>", "parts": {"tags": ["milk"]}, "attachments": (), "edited_ms": NOW_MS + 5}
    edit = e.EditObject(post.id, changes, mention_ids=(scene.carol.id,), hashtags=("milk",))
    applied = await store.apply(e.Patch(edit))
    assert applied.events == [Edited(post.id)]
    row = await store.one("SELECT content, parts, edited_ms, version FROM objects WHERE id = :id", id=post.id)
    assert (row["content"], row["parts"], row["edited_ms"]) == ("<p>Good bye</p>", '{"tags":["milk"]}', NOW_MS + 5)
    assert row["version"] > 0
    kept = await store.one("SELECT content, poll_options, created_ms FROM revisions")
    assert (kept["content"], kept["created_ms"]) == ("<p>Hello</p>", NOW_MS)
    assert orjson.loads(kept["poll_options"]) == ["tea", "coffee"]
    assert [row["actor_id"] for row in await store.rows("SELECT actor_id FROM mentions")] == [scene.carol.id]
    names = await store.rows("SELECT name FROM tags JOIN object_tags ON tag_id = tags.id")
    assert [row["name"] for row in names] == ["milk"]


async def test_an_edit_of_what_is_gone_does_nothing(scene: Scene) -> None:
    await scene.store.apply(e.Patch(e.EditObject(1, {"content": "x"}, mention_ids=(scene.bob.id,))))
    assert await scene.store.count("revisions") == 0


async def test_an_edit_cannot_set_the_counts_of_our_own_poll_but_another_poll_makes_votes_void(scene: Scene) -> None:
    store, post = scene.store, scene.post
    await store.apply(e.Put(e.NewVotes(post.id, scene.bob.id, (1,))))
    await store.apply(e.Patch(e.EditObject(post.id, {}, poll=Poll(("tea", "coffee"), (9, 9), multiple=True))))
    assert (await store.one("SELECT counts FROM polls"))["counts"] == "[0,1]"
    await store.apply(e.Patch(e.EditObject(post.id, {}, poll=Poll(("water", "wine"), (9, 9)))))
    assert (await store.one("SELECT counts FROM polls"))["counts"] == "[0,0]"
    assert await store.count("votes") == 0


async def test_a_choice_that_the_poll_does_not_have_is_not_counted(scene: Scene) -> None:
    await scene.store.apply(e.Put(e.NewVotes(scene.post.id, scene.bob.id, (7, -1))))
    assert await scene.store.count("votes") == 0
    assert await scene.store.wrong_counters() == []


async def test_files_are_attached_only_to_posts_of_whom_they_belong_to(scene: Scene) -> None:
    store = scene.store
    await _file(store, 501, scene.alice, "a.png")
    await _file(store, 502, scene.carol, "c.png")
    await store.apply(e.Put(a_record(store, scene.alice, 40, media_ids=(501, 502))))
    found = await store.rows("SELECT id FROM media WHERE object_id IS NOT NULL")
    assert [row["id"] for row in found] == [501]


async def test_an_object_that_goes_takes_everything_along_and_names_its_files(scene: Scene) -> None:
    store, post = scene.store, scene.post
    await _busy(scene)
    await _file(store, 501, scene.alice, "a.png", post.id)
    await store.apply(e.Place(post.id, (scene.carol.id,)), e.Notify(scene.carol.id, "note", scene.alice.id, post.id))
    applied = await store.apply(e.Remove(e.ObjectKey(post.id)))
    assert applied.orphaned_files == ["a.png", "small/a.png"]
    assert {type(event) for event in applied.events} == {Removed}
    assert len(applied.events) == 2  # the announce of it as well
    for table in ("likes", "votes", "polls", "media", "home_entries", "notifications"):
        assert await store.count(table) == 0, table
    stone = await store.one("SELECT uri, former_type, actor_uri FROM tombstones")
    assert (stone["uri"], stone["former_type"], stone["actor_uri"]) == (post.uri, "Question", scene.alice.uri)
    assert await store.social(scene.alice) == (1, 1, 0)
    assert await store.social(scene.bob) == (1, 1, 1)
    answer = await store.one("SELECT in_reply_to_id, in_reply_to_uri, thread_id FROM objects")
    assert (answer["in_reply_to_id"], answer["in_reply_to_uri"], answer["thread_id"]) == (None, post.uri, post.id)


async def test_an_actor_who_goes_takes_along_all_it_said_and_did(scene: Scene) -> None:
    store, bob = scene.store, scene.bob
    effect = await _everything_of_bob(scene)
    assert await store.counters(scene.post.id) == (1, 1, 1)
    assert await store.social(scene.alice) == (1, 1, 1)
    applied = await store.apply(effect)
    assert len([event for event in applied.events if isinstance(event, Removed)]) == 2
    assert await store.counters(scene.post.id) == (0, 0, 0)
    assert await store.social(scene.alice) == (0, 0, 1)
    assert (await store.one("SELECT counts, voters_count FROM polls"))["counts"] == "[0,0]"
    assert await store.count("objects", "actor_id = :id", id=bob.id) == 0
    row = await store.one("SELECT deleted_ms, uri FROM actors WHERE id = :id", id=bob.id)
    assert (row["deleted_ms"], row["uri"]) == (store.clock.now_ms(), bob.uri)


async def test_one_of_ours_who_goes_leaves_its_key_to_sign_the_farewell_and_names_all_its_files(scene: Scene) -> None:
    store, alice = scene.store, scene.alice
    await _file(store, 501, alice, "unused.png")
    await store.apply(e.Patch(e.ChangeActor(alice.id, {"icon_url": "icon.png", "image_url": "head.png"})))
    for uri, private in (("#main", "secret"), ("#old", None)):
        await _key(store, alice, alice.uri + uri, private)
    effect = await _everything_of_alice(scene)
    applied = await store.apply(effect)
    assert sorted(applied.orphaned_files) == ["head.png", "icon.png", "small/unused.png", "unused.png"]
    assert await store.count("media") == 0
    assert await store.count("objects", "announce_of_id IS NOT NULL") == 0
    assert (await store.one("SELECT uri FROM keys"))["uri"] == alice.uri + "#main"


async def test_listeners_learn_what_happened(scene: Scene) -> None:
    store, alice, bob = scene.store, scene.alice, scene.bob
    private = a_record(store, bob, 31, visibility=Visibility.DIRECT, mention_ids=(alice.id,))
    applied = await store.apply(
        e.Put(private),
        e.Place(private.id, (alice.id,)),
        e.Notify(alice.id, "mention", bob.id, private.id),
        needs=Needs(actor_ids=(alice.id, bob.id)),
    )
    told = [event for event in applied.events if isinstance(event, Notified)]
    assert [event.actor_id for event in told] == [alice.id]
    assert Published(private.id, (alice.id,)) in applied.events
    assert Conversed(private.id, alice.id) in applied.events


async def test_a_number_that_is_taken_is_drawn_again_and_never_hangs_one_post_on_another(store: NodeStore) -> None:
    alice = await store.person("alice")
    bob = await store.person("bob", "far.example")
    first = await store.say(bob)
    drawn = [first, first, store.ids.next()]
    note = store.note(bob, tag=mentioning(alice))
    plain = store.ids.at
    store.ids.at = lambda moment: drawn.pop(0)  # type: ignore[method-assign]
    decided = await store.receive("Create", bob, note)
    store.ids.at = plain  # type: ignore[method-assign]
    assert decided.refusal is None
    second = await store.one("SELECT id FROM objects WHERE uri = :uri", uri=note["id"])
    assert second["id"] != first
    assert await store.told(alice) == [("mention", bob.id, second["id"])]


async def _key(store: NodeStore, owner: Actor, uri: str, private_pem: str | None) -> None:
    row = {"uri": uri, "actor_id": owner.id, "public": "x", "private_pem": private_pem, "fetched_ms": NOW_MS}

    def unit() -> Unit[None]:
        yield Insert(keys, [row])

    await store.writer.run(unit)


async def _file(store: NodeStore, id_: int, owner: Actor, path: str, object_id: int | None = None) -> None:
    row = {
        "id": id_,
        "actor_id": owner.id,
        "object_id": object_id,
        "type": "image",
        "path": path,
        "preview_path": f"small/{path}",
        "media_type": "image/png",
        "size_bytes": 10,
        "created_ms": NOW_MS,
    }

    def unit() -> Unit[None]:
        yield Insert(media, [row])

    await store.writer.run(unit)
