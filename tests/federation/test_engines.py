"""A whole conversation with another server, on either database."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiohttp
import pytest

from fediverse_node.outbox.draft import Draft
from fediverse_node.outbox.registration import Account
from tests.fake_peer import FakePeer
from tests.inprocess import running_node


async def _until(peer: FakePeer, *types: str) -> None:
    async with asyncio.timeout(10):
        while not peer.believed(*types):
            await asyncio.sleep(0.02)


@pytest.mark.timeout(120)
async def test_a_conversation_is_the_same_on_either_engine(tmp_path: Path, database_url: str, peer: FakePeer) -> None:
    bob = peer.person("bob")
    async with running_node(tmp_path, database_url=database_url) as home:
        registration = home.node.core.registration
        made = await registration.create("alice", "alice@example.org")
        assert isinstance(made, Account)
        alice = made.actor_id
        token = await registration.token(made.user_id, "read write follow")
        inbox, me = f"{home.base_url}/inbox", f"{home.base_url}/users/alice"
        assert await peer.deliver(bob, inbox, peer.activity(bob, "Follow", me)) == 202
        await _until(peer, "Accept")
        said = await home.node.outbox.post(alice, Draft("Good morning #world"))
        assert isinstance(said, int)
        await _until(peer, "Create")
        uri = f"{me}/statuses/{said}"
        mention = {"type": "Mention", "href": me, "name": "@alice"}
        await peer.post_note(bob, inbox, "<p>Good morning!</p>", inReplyTo=uri, tag=[mention], cc=[me])
        assert await peer.deliver(bob, inbox, peer.activity(bob, "Like", uri)) == 202
        announce = peer.activity(bob, "Announce", uri, to=["https://www.w3.org/ns/activitystreams#Public"])
        assert await peer.deliver(bob, inbox, announce) == 202
        headers = {"Authorization": f"Bearer {token}"}
        async with aiohttp.ClientSession(home.base_url, headers=headers) as session:
            async with session.get(f"/api/v1/statuses/{said}") as answer:
                status = await answer.json()
            async with session.get(f"/api/v1/statuses/{said}/context") as answer:
                context = await answer.json()
            async with session.get("/api/v1/notifications") as answer:
                told = [notification["type"] for notification in await answer.json()]
            async with session.get("/api/v1/timelines/home") as answer:
                shown = [each["id"] for each in await answer.json()]
            async with session.get("/@alice") as answer:
                assert answer.status == 200
        counts = (status["replies_count"], status["favourites_count"], status["reblogs_count"])
        assert counts == (1, 1, 1)
        assert [reply["content"] for reply in context["descendants"]] == ["<p>Good morning!</p>"]
        assert sorted(told) == ["favourite", "follow", "mention", "reblog"]
        assert shown == [str(said)]
        assert await home.node.outbox.delete(alice, said) is None
        await _until(peer, "Delete")
