"""Relays over real sockets: subscribed to in both ways, and not believed.  spec: fep-ae0c"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import func, select

from fediverse_node.domain.model import Visibility
from fediverse_node.outbox.draft import Draft
from fediverse_node.outbox.relay_desk import RelayDesk
from fediverse_node.storage import tables as t
from fediverse_node.storage.statement import Statement
from tests.fake_peer import PUBLIC, FakePeer, Person, fake_peer
from tests.federation.proving import Prover
from tests.inprocess import Running

_OBJECTS = Statement(select(t.objects).order_by(t.objects.c.id))
_HOME = Statement(select(t.home_entries.c.object_id))
_WAITING = Statement(select(func.count()).select_from(t.inbox_staging))


async def eventually(check: Callable[[], Awaitable[object]], *, within_s: float = 10.0) -> None:
    async with asyncio.timeout(within_s):
        while not await check():
            await asyncio.sleep(0.02)


async def _is(value: object) -> object:
    return value


class Scene:
    """Alice here, who follows nobody; a relay; and a server with ann, of whom nobody here knows."""

    def __init__(self, home: Running, peer: FakePeer, far: FakePeer, alice: int) -> None:
        self.home, self.peer, self.far, self.alice = home, peer, far, alice
        self.relay: Person = peer.person("relay")
        peer.documents[self.relay.uri]["type"] = "Application"
        peer.answers_follows = False
        self.ann: Person = far.person("ann")
        self.inbox = f"{home.base_url}/inbox"
        core = home.node.core
        self.desk = RelayDesk(database=core.database, writer=core.writer, world=core.world)

    async def subscribes(self, style: str) -> dict[str, Any]:
        """Ask the relay, and have it agree; the Follow that it got."""
        if style == "mastodon":
            await self.desk.add(self.relay.inbox)
        else:
            await self.desk.add(self.relay.uri, inbox=self.relay.inbox)
        await eventually(lambda: _is(self.peer.believed("Follow")))
        [follow] = self.peer.believed("Follow")
        await self.says("Accept", follow)
        [row] = await self.desk.listed()
        assert (row["state"], row["actor_uri"]) == ("accepted", self.relay.uri)
        return follow

    async def says(self, kind: str, what: object, **more: Any) -> None:
        activity = self.peer.activity(self.relay, kind, what, **more)
        assert await self.peer.deliver(self.relay, self.inbox, activity) == 202

    async def stored(self) -> list[str]:
        async def is_settled() -> bool:
            row = await self.home.node.core.database.fetch_one(_WAITING)
            return row is not None and row[0] == 0

        await eventually(is_settled)
        return [row["uri"] for row in await self.home.node.core.database.fetch(_OBJECTS)]


@pytest.fixture
async def scene(home: Running, peer: FakePeer) -> AsyncIterator[Scene]:
    alice = await home.add_person("alice")
    async with fake_peer() as far:
        yield Scene(home, peer, far, alice)


async def test_a_mastodon_style_relay_gets_what_is_public_and_nothing_else(scene: Scene) -> None:
    follow = await scene.subscribes("mastodon")
    assert (follow["object"], follow["actor"]) == (PUBLIC, f"{scene.home.base_url}/actor")
    # Mastodon's relays tell who subscribes by its document, as other servers do.
    said = [
        await scene.home.node.outbox.post(scene.alice, Draft(reach.value, visibility=reach)) for reach in Visibility
    ]
    public = f"{scene.home.base_url}/users/alice/statuses/{said[0]}"
    await eventually(lambda: _is(scene.peer.believed("Create")))
    for object_id in said:
        assert isinstance(object_id, int)
        assert await scene.home.node.outbox.delete(scene.alice, object_id) is None
    await eventually(lambda: _is(scene.peer.believed("Delete")))
    assert await scene.desk.remove(scene.relay.inbox)
    await eventually(lambda: _is(scene.peer.believed("Undo")))
    assert [each["object"]["id"] for each in scene.peer.believed("Create", "Delete")] == [public, public]
    assert scene.peer.believed("Undo")[0]["object"]["id"] == follow["id"]


async def test_a_litepub_style_relay_gets_the_address_announced_by_the_server(scene: Scene) -> None:
    follow = await scene.subscribes("litepub")
    assert follow["object"] == scene.relay.uri
    said = await scene.home.node.outbox.post(scene.alice, Draft("hello, everybody"))
    await eventually(lambda: _is(scene.peer.believed("Announce")))
    [announce] = scene.peer.believed("Announce")
    assert announce["actor"] == f"{scene.home.base_url}/actor"
    assert announce["object"] == f"{scene.home.base_url}/users/alice/statuses/{said}"


async def test_what_a_relay_brings_is_looked_up_and_shown_where_everybodys_posts_are(scene: Scene) -> None:
    await scene.subscribes("mastodon")
    note = scene.far.note(scene.ann, "<p>hello, world</p>")
    await scene.says("Announce", note["id"], to=[PUBLIC])
    assert await scene.stored() == [note["id"]]
    other = scene.far.note(scene.ann, "<p>and again</p>")
    await scene.says("Announce", scene.far.create(scene.ann, other), to=[PUBLIC])
    assert sorted(await scene.stored()) == sorted([note["id"], other["id"]])
    # With its author's proof nobody has to be asked.
    prover = Prover(scene.far, scene.ann)
    third = scene.far.note(scene.ann, "<p>once more</p>")
    del scene.far.documents[third["id"]]
    signed = prover.proves(scene.far.create(scene.ann, third))
    assert await scene.peer.deliver(scene.relay, scene.inbox, signed) == 202
    assert third["id"] in await scene.stored()
    assert await scene.home.node.core.database.fetch(_HOME) == []
    async with scene.peer.session.get(f"{scene.home.base_url}/api/v1/timelines/public") as response:
        shown = await response.json()
    assert sorted(each["uri"] for each in shown) == sorted([note["id"], other["id"], third["id"]])


async def test_a_relay_cannot_invent_forge_or_make_public(scene: Scene) -> None:
    await scene.subscribes("mastodon")
    private = scene.far.note(scene.ann, "<p>psst</p>", to=[scene.ann.followers], cc=[])
    quiet = scene.far.note(scene.ann, "<p>not too loud</p>", to=[scene.ann.followers], cc=[PUBLIC])
    prover = Prover(scene.far, scene.ann)
    for note in (private, quiet):
        await scene.says("Announce", note["id"], to=[PUBLIC])
        await scene.says("Announce", scene.far.create(scene.ann, note), to=[PUBLIC])
        signed = prover.proves(scene.far.create(scene.ann, note))
        assert await scene.peer.deliver(scene.relay, scene.inbox, signed) == 202
    loud = {**private, "to": [PUBLIC]}
    await scene.says("Announce", scene.far.create(scene.ann, loud), to=[PUBLIC])
    invented = {**private, "id": f"{scene.far.base_url}/users/ann/notes/77", "to": [PUBLIC]}
    await scene.says("Announce", scene.far.create(scene.ann, invented), to=[PUBLIC])
    assert await scene.peer.deliver(scene.relay, scene.inbox, scene.far.create(scene.ann, invented)) == 401
    assert await scene.stored() == []


async def test_nobody_else_becomes_a_relay_by_saying_so(scene: Scene) -> None:
    await scene.desk.add(scene.relay.inbox)
    await eventually(lambda: _is(scene.peer.believed("Follow")))
    [follow] = scene.peer.believed("Follow")
    forged = scene.far.activity(scene.ann, "Accept", follow)
    assert await scene.far.deliver(scene.ann, scene.inbox, forged) == 202
    [row] = await scene.desk.listed()
    assert row["state"] == "asked"
    # Until it has agreed, and after we have left, it is a stranger like all others.
    note = scene.far.note(scene.ann, "<p>hello, world</p>")
    await scene.says("Announce", note["id"], to=[PUBLIC])
    await scene.says("Accept", follow["id"])
    assert await scene.desk.remove(scene.relay.inbox)
    await scene.says("Announce", note["id"], to=[PUBLIC])
    assert await scene.stored() == []
    assert note["id"] not in [f"{scene.far.base_url}{path}" for path in scene.far.fetched]
