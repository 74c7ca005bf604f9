"""What happens without anybody asking."""

from __future__ import annotations

import asyncio

from sqlalchemy import select

from fediverse_node.domain.model import Poll
from fediverse_node.outbox.draft import Draft
from fediverse_node.storage import tables as t
from fediverse_node.storage.statement import Statement
from fediverse_node.storage.unit import Insert, Unit
from tests.fake_peer import FakePeer
from tests.inprocess import Running

_NOTICES = Statement(select(t.notifications.c.type, t.notifications.c.actor_id).where(t.notifications.c.type == "poll"))


async def test_whoever_took_part_in_a_poll_hears_of_its_end_once(home: Running, peer: FakePeer) -> None:
    alice, bob = await home.add_person("alice"), await home.add_person("bob")
    carol = peer.person("carol")
    now_ms = home.node.core.world.clock.now_ms()
    asked = await home.node.outbox.post(
        alice, Draft("Tea or coffee?", poll=Poll(("tea", "coffee"), (0, 0), expires_ms=now_ms + 600))
    )
    assert isinstance(asked, int)
    assert await home.node.outbox.vote(bob, asked, [1]) is None
    vote = {
        "id": f"{carol.uri}/votes/1",
        "type": "Note",
        "name": "tea",
        "attributedTo": carol.uri,
        "inReplyTo": f"{home.base_url}/users/alice/statuses/{asked}",
        "to": [f"{home.base_url}/users/alice"],
    }
    create = peer.activity(carol, "Create", vote, to=vote["to"])
    assert await peer.deliver(carol, f"{home.base_url}/inbox", create) == 202
    await home.node.housekeeping.round()
    assert await home.node.core.database.fetch(_NOTICES) == []
    await asyncio.sleep(0.7)
    await home.node.housekeeping.round()
    await home.node.housekeeping.round()
    told = [row["actor_id"] for row in await home.node.core.database.fetch(_NOTICES)]
    assert sorted(told) == sorted([alice, bob])
    async with asyncio.timeout(10):
        while not peer.believed("Update"):
            await asyncio.sleep(0.02)
    question = peer.believed("Update")[0]["object"]
    assert [option["replies"]["totalItems"] for option in question["oneOf"]] == [1, 1]


async def test_an_upload_that_nothing_was_said_with_does_not_stay(home: Running) -> None:
    alice = await home.add_person("alice")
    media_dir = home.node.core.config.media_dir
    path = "media/ab/abcdefghijklmnopqrst.png"
    file = media_dir / path
    file.parent.mkdir(parents=True)
    file.write_bytes(b"x")
    row = {
        "id": home.node.core.world.ids.next(),
        "actor_id": alice,
        "type": "image",
        "path": path,
        "media_type": "image/png",
        "size_bytes": 1,
        "created_ms": home.node.core.world.clock.now_ms() - 25 * 3_600_000,
    }
    await home.node.core.writer.run(lambda: _insert(row))
    await home.node.housekeeping.round(hourly=True)
    await home.node.housekeeping.round()
    assert not file.exists()


def _insert(row: dict[str, object]) -> Unit[None]:
    yield Insert(t.media, [row])
