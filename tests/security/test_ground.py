"""The ground itself: honest peers get through, so that what attackers fail at is not failing for everybody."""

from __future__ import annotations

import asyncio

from fediverse_node.storage import tables as t
from tests.security.ground import INBOX, Ground


async def test_honest_servers_get_through(scene: Ground) -> None:
    alice = await scene.add()
    _, uri = await scene.say(alice, "Hello")
    bob = scene.person("bob", "good.example")
    peer = scene.peer("good.example")
    assert await scene.deliver(bob, peer.activity(bob, "Like", uri)) == 202
    assert await scene.deliver(bob, peer.activity(bob, "Follow", "https://node.example/users/alice"), "rfc9421") == 202
    assert await scene.count(t.likes) == 1
    assert scene.ledger.hosts() == {"good.example"}
    async with asyncio.timeout(10):
        while not peer.believed("Accept"):
            await asyncio.sleep(0.02)
    assert scene.arrived_at("good.example")[0].url == bob.uri
    assert "good.example" in scene.names.asked
    assert INBOX.startswith("https://")
