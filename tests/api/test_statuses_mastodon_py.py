"""The main flows of a person, through Mastodon.py: it parses every entity and trips over fields that are wrong."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from mastodon import Mastodon, MastodonNotFoundError

from tests.api.talking_node import Person, TalkingNode, talking_node


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[TalkingNode]:
    async with talking_node(tmp_path) as started:
        yield started


def _client(person: Person) -> Mastodon:
    return Mastodon(access_token=person.token, api_base_url=person.node.base_url)


async def test_people_talk_through_mastodon_py(node: TalkingNode) -> None:
    alice, bob = await node.person("alice"), await node.person("bob")
    await bob.follow(alice)

    def talk() -> dict[str, Any]:
        hers, his = _client(alice), _client(bob)
        said = hers.status_post("Hello #world", visibility="public", language="en", idempotency_key="one")
        again = hers.status_post("Hello #world", visibility="public", language="en", idempotency_key="one")
        answer = his.status_post("@alice hi", in_reply_to_id=said.id)
        his.status_favourite(said.id)
        his.status_bookmark(said.id)
        boost = his.status_reblog(said.id)
        edited = hers.status_update(said.id, "Hello again #world")
        thread = hers.status_context(said.id)
        poll = hers.status_post("tea?", poll=hers.make_poll(["yes", "no"], 600))
        voted = his.poll_vote(poll.poll.id, [0])
        told = hers.notifications()
        found = his.search_v2("#wor", result_type="hashtags")
        private = hers.status_post("@bob psst", visibility="direct")
        listed = his.conversations()
        first = his.timeline_home(limit=2)
        more = his.fetch_next(first)
        history = his.status_history(said.id)
        hers.status_delete(private.id)
        try:
            his.status(private.id)
            gone = False
        except MastodonNotFoundError:
            gone = True
        return {
            "same": said.id == again.id,
            "reply": answer.in_reply_to_id == said.id and answer.in_reply_to_account_id == said.account.id,
            "boost": (boost.reblog.id == said.id, boost.reblogged),
            "edited": edited.edited_at is not None,
            "thread": [status.id for status in thread.descendants] == [answer.id],
            "voted": (voted.own_votes, voted.votes_count),
            "told": sorted(notification.type for notification in told),
            "tags": [tag.name for tag in found.hashtags],
            "listed": [conversation.last_status.id for conversation in listed] == [private.id],
            "paged": {status.id for status in first}.isdisjoint(status.id for status in more or ()) and bool(more),
            "history": len(history),
            "gone": gone,
        }

    assert await asyncio.to_thread(talk) == {
        "same": True,
        "reply": True,
        "boost": (True, True),
        "edited": True,
        "thread": True,
        "voted": ([0], 1),
        "told": ["favourite", "follow", "mention", "reblog"],
        "tags": ["world"],
        "listed": True,
        "paged": True,
        "history": 2,
        "gone": True,
    }
