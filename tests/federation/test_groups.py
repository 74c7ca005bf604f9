"""Groups over real sockets: one of ours and its members elsewhere; and one elsewhere that says what is not so.

spec: fep-1b12
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import func, select

from fediverse_node.base.outcome import Fail
from fediverse_node.domain.effects import NewModerator, Put
from fediverse_node.domain.facts import Needs
from fediverse_node.outbox.draft import Draft
from fediverse_node.outbox.group_desk import GroupDesk
from fediverse_node.storage import tables as t
from fediverse_node.storage.queries.recount import WRONG_COUNTERS
from fediverse_node.storage.statement import Statement
from fediverse_node.storage.writer import Decision
from tests.fake_peer import PUBLIC, FakePeer, Person, fake_peer
from tests.inprocess import Running

_OBJECTS = Statement(select(t.objects).order_by(t.objects.c.id))
_HOME = Statement(select(t.home_entries.c.object_id, t.home_entries.c.actor_id))
_ACTORS = Statement(select(t.actors.c.uri, t.actors.c.id))
_TOLD = Statement(select(func.count()).select_from(t.told_votes))


async def eventually(check: Callable[[], Awaitable[object]], *, within_s: float = 10.0) -> None:
    async with asyncio.timeout(within_s):
        while not await check():
            await asyncio.sleep(0.02)


@dataclass
class Scene:
    """A node with alice, and two servers elsewhere with ann and ben."""

    home: Running
    far: FakePeer
    near: FakePeer
    alice: int

    @property
    def inbox(self) -> str:
        return f"{self.home.base_url}/inbox"

    @property
    def ann(self) -> Person:
        return self.far.person("ann", has_shared_inbox=True)

    @property
    def ben(self) -> Person:
        return self.near.person("ben", has_shared_inbox=True)

    async def objects(self) -> list[Any]:
        return await self.home.node.core.database.fetch(_OBJECTS)

    async def one(self, uri: str) -> Any:
        return next((row for row in await self.objects() if row["uri"] == uri), None)

    async def counters_are_right(self) -> bool:
        for query in WRONG_COUNTERS:
            assert await self.home.node.core.database.fetch(query) == []
        return True

    async def home_of(self, reader: int) -> list[int]:
        rows = await self.home.node.core.database.fetch(_HOME)
        return [row["object_id"] for row in rows if row["actor_id"] == reader]


@pytest.fixture
async def scene(home: Running) -> AsyncIterator[Scene]:
    alice = await home.add_person("alice")
    async with fake_peer() as far, fake_peer() as near:
        yield Scene(home, far, near, alice)


def told(peer: FakePeer, kind: str) -> list[dict[str, Any]]:
    """The activities of a kind that a peer was told of inside an Announce."""
    wrapped = [each["object"] for each in peer.believed("Announce") if isinstance(each["object"], dict)]
    return [inner for inner in wrapped if inner["type"] == kind]


def shown(peer: FakePeer) -> list[str]:
    """The addresses that were announced to a peer."""
    return [each["object"] for each in peer.believed("Announce") if isinstance(each["object"], str)]


class OwnGroup:
    """The group `boats` here, with ann and alice as members."""

    def __init__(self, scene: Scene, group_id: int) -> None:
        self.scene = scene
        self.id = group_id
        self.uri = f"{scene.home.base_url}/users/boats"

    async def joins(self, peer: FakePeer, person: Person) -> None:
        before = len(peer.believed("Accept"))
        assert await peer.deliver(person, self.scene.inbox, peer.activity(person, "Follow", self.uri)) == 202
        await eventually(lambda: _is(len(peer.believed("Accept")) > before))

    async def writes(self, peer: FakePeer, person: Person, text: str, **more: Any) -> dict[str, Any]:
        """A post addressed to the group, with the Create that brought it."""
        note = peer.note(person, text, **{"to": [PUBLIC, self.uri], "audience": self.uri, **more})
        create = peer.create(person, note)
        assert await peer.deliver(person, self.scene.inbox, create) == 202
        return create


async def _is(value: object) -> object:
    return value


@pytest.fixture
async def boats(scene: Scene) -> OwnGroup:
    registration = scene.home.node.core.registration
    made = await registration.create("boats", "boats@example.org", type_="Group")
    assert not isinstance(made, Fail)
    group = OwnGroup(scene, made.actor_id)
    await group.joins(scene.far, scene.ann)
    assert await scene.home.node.outbox.follow(scene.alice, group.id) is None
    return group


async def test_what_members_write_in_a_group_here_goes_to_all_members_whole_and_by_its_address(
    scene: Scene, boats: OwnGroup
) -> None:
    await boats.joins(scene.near, scene.ben)
    create = await boats.writes(scene.far, scene.ann, "<p>mine is red</p>")
    await eventually(lambda: _is(told(scene.near, "Create") and shown(scene.near)))
    # Nothing of it was changed: a proof in it would still hold.
    assert told(scene.near, "Create") == [create]
    assert shown(scene.near) == [create["object"]["id"]]
    # A proof around it would bring protected words, which a proof inside may not define anew.
    proven = {"proof" in each: each["object"] for each in scene.near.believed("Announce")}
    assert proven == {False: create, True: create["object"]["id"]}
    announce = scene.near.believed("Announce")[0]
    assert (announce["actor"], announce["to"]) == (boats.uri, [PUBLIC])
    # Its own server hears it too: that is how it knows that it was taken.
    await eventually(lambda: _is(told(scene.far, "Create")))
    # A member here reads it at home, as the group's.
    stored = await scene.one(create["object"]["id"])
    [boost] = [row for row in await scene.objects() if row["announce_of_id"] == stored["id"]]
    assert boost["actor_id"] == boats.id
    assert boost["id"] in await scene.home_of(scene.alice)

    said = await scene.home.node.outbox.post(scene.alice, Draft(f"mine too @boats@{scene.home.node.core.config.host}"))
    mine = f"{scene.home.base_url}/users/alice/statuses/{said}"
    await eventually(lambda: _is(mine in shown(scene.far)))
    assert mine in [inner["object"]["id"] for inner in told(scene.far, "Create")]
    assert told(scene.far, "Create")[-1]["object"]["audience"] == boats.uri
    await scene.counters_are_right()


async def test_answers_likes_edits_and_deletions_of_members_are_passed_on_and_shown_to_nobody_as_new(
    scene: Scene, boats: OwnGroup
) -> None:
    await boats.joins(scene.near, scene.ben)
    create = await boats.writes(scene.far, scene.ann, "<p>mine is red</p>")
    post = create["object"]
    await eventually(lambda: _is(shown(scene.near)))
    answer = await boats.writes(scene.near, scene.ben, "<p>mine is blue</p>", inReplyTo=post["id"])
    await eventually(lambda: _is(answer in told(scene.far, "Create")))
    like = scene.near.activity(scene.ben, "Like", post["id"], to=[scene.ann.uri])
    assert await scene.near.deliver(scene.ben, scene.inbox, like) == 202
    await eventually(lambda: _is(told(scene.far, "Like") == [like]))
    changed = {**post, "content": "<p>mine is green</p>", "updated": "2027-01-01T00:00:00Z"}
    update = scene.far.activity(scene.ann, "Update", changed, to=post["to"], cc=post["cc"])
    assert await scene.far.deliver(scene.ann, scene.inbox, update) == 202
    await eventually(lambda: _is(told(scene.near, "Update") == [update]))
    undo = scene.near.activity(scene.ben, "Undo", like, to=[scene.ann.uri])
    assert await scene.near.deliver(scene.ben, scene.inbox, undo) == 202
    await eventually(lambda: _is(told(scene.far, "Undo") == [undo]))
    delete = scene.far.activity(scene.ann, "Delete", post["id"], to=[PUBLIC])
    assert await scene.far.deliver(scene.ann, scene.inbox, delete) == 202
    await eventually(lambda: _is(told(scene.near, "Delete") == [delete]))
    # Servers that do not look into an Announce hear it in words that they know.
    await eventually(lambda: _is(scene.near.believed("Undo")))
    assert scene.near.believed("Undo")[0]["object"]["object"] == post["id"]
    assert shown(scene.near) == [post["id"]]
    await scene.counters_are_right()


async def test_strangers_private_words_and_banned_members_are_not_passed_on(scene: Scene, boats: OwnGroup) -> None:
    stranger = await boats.writes(scene.near, scene.ben, "<p>buy my boat</p>")
    private = await boats.writes(scene.far, scene.ann, "<p>for the group alone</p>", to=[boats.uri], cc=[])
    followers = await boats.writes(scene.far, scene.ann, "<p>for mine</p>", to=[scene.ann.followers, boats.uri], cc=[])
    owner = boats.id
    await _makes_moderator(scene, owner, scene.alice)
    block = await _desk(scene).ban(scene.alice, owner, await _id(scene, scene.ann.uri))
    assert block is None
    await eventually(lambda: _is(scene.far.believed("Reject")))
    banned = await boats.writes(scene.far, scene.ann, "<p>and now?</p>")
    # What was said before and after is stored, as what it is to those whom it names.
    await eventually(lambda: scene.one(banned["object"]["id"]))
    assert all([await scene.one(each["object"]["id"]) for each in (stranger, private, followers)])
    await boats.joins(scene.near, scene.ben)
    last = await boats.writes(scene.near, scene.ben, "<p>I have joined</p>")
    await eventually(lambda: _is(shown(scene.near)))
    assert shown(scene.near) == [last["object"]["id"]]
    assert told(scene.near, "Create") == [last]


async def test_moderators_take_a_post_out_of_the_group_and_not_away_from_its_author(
    scene: Scene, boats: OwnGroup
) -> None:
    await boats.joins(scene.near, scene.ben)
    create = await boats.writes(scene.far, scene.ann, "<p>an advertisement</p>")
    post = create["object"]
    await eventually(lambda: _is(shown(scene.near)))
    stranger = scene.near.activity(scene.ben, "Delete", post["id"], to=[PUBLIC], audience=boats.uri)
    assert await scene.near.deliver(scene.ben, scene.inbox, stranger) == 202
    assert not told(scene.near, "Delete")
    await _makes_moderator(scene, boats.id, await _id(scene, scene.ben.uri))
    removal = scene.near.activity(scene.ben, "Delete", post["id"], to=[PUBLIC], audience=boats.uri, summary="spam")
    assert await scene.near.deliver(scene.ben, scene.inbox, removal) == 202
    await eventually(lambda: _is(removal in told(scene.near, "Delete") and scene.near.believed("Undo")))
    stored = await scene.one(post["id"])
    assert stored is not None
    assert [row for row in await scene.objects() if row["announce_of_id"] == stored["id"]] == []
    lock = scene.near.activity(scene.ben, "Lock", post["id"], to=[PUBLIC], audience=boats.uri)
    assert await scene.near.deliver(scene.ben, scene.inbox, lock) == 202
    await eventually(lambda: _is(told(scene.near, "Lock")))
    late = await scene.home.node.outbox.post(scene.alice, Draft("but I say", in_reply_to_id=stored["id"]))
    assert getattr(late, "detail", "") == "the group has closed this conversation"
    await scene.counters_are_right()


def _desk(scene: Scene) -> GroupDesk:
    core = scene.home.node.core
    return GroupDesk(database=core.database, writer=core.writer, world=core.world)


async def _makes_moderator(scene: Scene, group_id: int, actor_id: int) -> None:
    named = [Put(NewModerator(group_id, actor_id))]
    await scene.home.node.core.writer.decide(Decision(Needs(), lambda facts: named))


async def _id(scene: Scene, uri: str) -> int:
    rows = await scene.home.node.core.database.fetch(_ACTORS)
    return next(int(row["id"]) for row in rows if row["uri"] == uri)


async def test_the_moderators_of_a_group_here_can_be_read_where_it_says(scene: Scene, boats: OwnGroup) -> None:
    await _makes_moderator(scene, boats.id, scene.alice)
    headers = {"Accept": "application/activity+json"}
    async with scene.far.session.get(boats.uri, headers=headers) as response:
        document = await response.json(content_type=None)
    assert (document["type"], document["attributedTo"]) == ("Group", f"{boats.uri}/moderators")
    async with scene.far.session.get(document["attributedTo"], headers=headers) as response:
        listed = await response.json(content_type=None)
    assert listed["orderedItems"] == [f"{scene.home.base_url}/users/alice"]


# A group elsewhere


@pytest.fixture
async def club(scene: Scene) -> Person:
    """A group on ann's server that alice follows."""
    club = scene.far.person("club")
    scene.far.documents[club.uri]["type"] = "Group"
    found = await scene.home.node.gatherer.actor(club.uri)
    assert isinstance(found, int)
    assert await scene.home.node.outbox.follow(scene.alice, found) is None
    await eventually(lambda: _follows(scene, found))
    return club


async def _follows(scene: Scene, followed: int) -> bool:
    rows = await scene.home.node.core.database.fetch(Statement(select(t.follows)))
    return any(row["followed_id"] == followed and row["accepted"] for row in rows)


async def tells(scene: Scene, club: Person, inner: object) -> None:
    """The group announces it."""
    announce = scene.far.activity(club, "Announce", inner, to=[PUBLIC], cc=[club.followers])
    assert await scene.far.deliver(club, scene.inbox, announce) == 202


async def settled(scene: Scene) -> None:
    """Nothing waits for the network any more."""
    waiting = Statement(select(func.count()).select_from(t.inbox_staging))

    async def is_done() -> bool:
        row = await scene.home.node.core.database.fetch_one(waiting)
        return row is not None and row[0] == 0

    await eventually(is_done)


async def test_a_group_that_tells_what_nobody_has_said_is_not_believed(scene: Scene, club: Person) -> None:
    # Ben's server knows nothing of what it is said to have published, or knows it otherwise.
    note = scene.near.note(scene.ben, "<p>as I wrote it</p>", audience=club.uri)
    invented = {**note, "id": f"{scene.near.base_url}/users/ben/notes/99", "content": "<p>never said</p>"}
    await tells(scene, club, scene.near.create(scene.ben, invented))
    forged = {**note, "content": "<p>as they would like it</p>"}
    await tells(scene, club, scene.near.create(scene.ben, forged))
    await settled(scene)
    assert await scene.one(invented["id"]) is None
    assert "as I wrote it" in (await scene.one(note["id"]))["content"]
    # Nor are deletions and edits that its author's server does not show.
    await tells(scene, club, scene.near.activity(scene.ben, "Delete", note["id"], to=[PUBLIC]))
    changed = {**note, "content": "<p>changed by others</p>", "updated": "2027-01-01T00:00:00Z"}
    await tells(scene, club, scene.near.activity(scene.ben, "Update", changed, to=[PUBLIC]))
    await settled(scene)
    stored = await scene.one(note["id"])
    assert "as I wrote it" in stored["content"]
    # What it took out of itself is gone from it, and only from it.
    assert [row for row in await scene.objects() if row["announce_of_id"] == stored["id"]] == []
    # In somebody's name nobody is followed, blocked, moved or reported.
    for kind in ("Follow", "Move", "Flag", "Accept", "Announce"):
        await tells(scene, club, scene.near.activity(scene.ben, kind, f"{scene.home.base_url}/users/alice"))
    follows = await scene.home.node.core.database.fetch(Statement(select(t.follows)))
    assert len(follows) == 1
    # Nor in the name of one of ours.
    mine = {"id": f"{scene.home.base_url}/x", "type": "Create", "actor": f"{scene.home.base_url}/users/alice"}
    await tells(scene, club, {**mine, "object": {**note, "attributedTo": mine["actor"]}, "to": [PUBLIC]})
    await settled(scene)
    assert {row["actor_id"] for row in await scene.objects() if row["announce_of_id"] is None} == {stored["actor_id"]}


async def test_votes_in_a_group_are_counted_without_names_and_only_for_what_is_in_it(
    scene: Scene, club: Person
) -> None:
    outbox, host = scene.home.node.outbox, scene.far.host
    inside = await outbox.post(scene.alice, Draft(f"who has seen my boat? @club@{host}"))
    outside = await outbox.post(scene.alice, Draft("I have a boat"))
    uris = [f"{scene.home.base_url}/users/alice/statuses/{said}" for said in (inside, outside)]
    for number in range(20):
        voter = f"https://host{number}.example/u/voter"
        for uri in uris:
            vote = {"id": f"{voter}/{number}", "type": "Like", "actor": voter, "object": uri}
            await tells(scene, club, vote)
            await tells(scene, club, vote)
    against = {"id": "https://host0.example/d", "type": "Dislike", "actor": "https://host0.example/u/voter"}
    await tells(scene, club, {**against, "object": uris[0]})
    undone = {"id": "https://host1.example/v", "type": "Like", "actor": "https://host1.example/u/voter"}
    undo = {"id": "https://host1.example/w", "type": "Undo", "actor": undone["actor"]}
    await tells(scene, club, {**undo, "object": {**undone, "object": uris[0]}})
    assert [(await scene.one(uri))["likes_count"] for uri in uris] == [18, 0]
    # Nobody was asked who they are, and nobody is told.
    assert scene.near.fetched == []
    actors = await scene.home.node.core.database.fetch(_ACTORS)
    assert not [row for row in actors if ".example" in row["uri"]]
    notifications = await scene.home.node.core.database.fetch(Statement(select(t.notifications.c.type)))
    assert "like" not in [row["type"] for row in notifications]
    told_votes = await scene.home.node.core.database.fetch_one(_TOLD)
    assert told_votes is not None
    assert told_votes[0] == 19
    await scene.counters_are_right()


async def test_who_says_themselves_what_a_group_has_told_counts_once(scene: Scene, club: Person) -> None:
    said = await scene.home.node.outbox.post(scene.alice, Draft(f"hello @club@{scene.far.host}"))
    uri = f"{scene.home.base_url}/users/alice/statuses/{said}"
    like = scene.near.activity(scene.ben, "Like", uri)
    await tells(scene, club, like)
    assert (await scene.one(uri))["likes_count"] == 1
    assert await scene.near.deliver(scene.ben, scene.inbox, like) == 202
    await tells(scene, club, like)
    assert (await scene.one(uri))["likes_count"] == 1
    await scene.counters_are_right()


async def test_nobody_here_reads_a_group_so_nobody_is_asked_for_what_it_tells(scene: Scene) -> None:
    club = scene.far.person("club")
    scene.far.documents[club.uri]["type"] = "Group"
    note = scene.near.note(scene.ben, "<p>hello</p>")
    for _ in range(20):
        await tells(scene, club, scene.near.create(scene.ben, note))
    await settled(scene)
    assert scene.near.fetched == []
    assert await scene.one(note["id"]) is None


async def test_a_private_post_that_a_group_passes_on_is_not_taken(scene: Scene, club: Person) -> None:
    note = scene.near.note(scene.ben, "<p>psst</p>", to=[scene.ben.followers], cc=[])
    await tells(scene, club, scene.near.create(scene.ben, note))
    await settled(scene)
    assert await scene.one(note["id"]) is None


async def test_our_people_write_in_groups_elsewhere_and_answer_there(scene: Scene, club: Person) -> None:
    outbox = scene.home.node.outbox
    question = scene.near.note(scene.ben, "<p>who has a boat?</p>", audience=club.uri, to=[PUBLIC, club.uri])
    await tells(scene, club, scene.near.create(scene.ben, question))
    await settled(scene)
    stored = await scene.one(question["id"])
    said = await outbox.post(scene.alice, Draft("I have", in_reply_to_id=stored["id"]))
    mine = f"{scene.home.base_url}/users/alice/statuses/{said}"

    def sent() -> list[dict[str, Any]]:
        return [each["object"] for each in scene.far.believed("Create") if each["object"]["id"] == mine]

    # To the group, that did not ask, as well as to whom she answers.
    await eventually(lambda: _is(sent()))
    [note] = sent()
    assert note["audience"] == club.uri
    assert club.uri in note["cc"]
    assert note["to"] == [PUBLIC]
