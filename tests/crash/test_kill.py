"""`kill -9` in the middle of everything, again and again: what was accepted is there, once, and everything is sent.

Other servers send Likes, replies and Announces; alice writes posts; followers elsewhere wait for them. At moments drawn
from a seed the node is killed and started again. Whoever got no answer, or an old one, sends the very same bytes again.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest

from tests.fake_peer import FakePeer, Person, Signed, fake_peer
from tests.running_node import Api, RunningNode, running_node

KILLS = 3
SENDERS = 6
FOLLOWERS = 5
TARGETS = 6
# Slow enough that deliveries are under way whenever the node dies.
ANSWER_DELAY_S = 0.03
PATIENCE_S = 30.0


@dataclass
class Sent:
    """A request of another server. `accepted`: it was answered 2xx at least once."""

    kind: str
    request: Signed
    about: str
    accepted: bool = False


@dataclass
class Load:
    """Everything that was sent, and everything alice wrote."""

    node: RunningNode
    peer: FakePeer
    fans: list[Person]
    announcer: Person
    dice: random.Random
    targets: list[dict[str, Any]] = field(default_factory=list)
    sent: list[Sent] = field(default_factory=list)
    posts: dict[str, Any] = field(default_factory=dict)
    refused: list[tuple[str, int]] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=lambda: iter(range(10**6)))

    async def send_all_the_time(self) -> None:
        """One sender: a new activity after the other, until there is nobody to send it to."""
        while True:
            one = self._next()
            self.sent.append(one)
            await self.send(one)

    async def send(self, one: Sent) -> None:
        """Raises aiohttp.ClientError when the node dies meanwhile."""
        status = await self.peer.send(one.request)
        if 200 <= status < 300:
            one.accepted = True
        else:
            self.refused.append((one.kind, status))

    async def write_all_the_time(self, api: Api) -> None:
        """alice's client: each post with a key, under which it may be sent again."""
        while True:
            await self.write(api, f"post {next(self.numbers)}")

    async def write(self, api: Api, text: str) -> None:
        self.posts.setdefault(text, None)
        headers = {"Idempotency-Key": text}
        self.posts[text] = await api.call("POST", "/api/v1/statuses", json={"status": text}, headers=headers)

    def _next(self) -> Sent:
        peer, number, target = self.peer, next(self.numbers), self.dice.choice(self.targets)
        kind = self.dice.choices(["Like", "Create", "Announce"], [5, 4, 1])[0]
        who = self.announcer if kind == "Announce" else self.fans[number % len(self.fans)]
        scheme = self.dice.choice(["cavage", "rfc9421"])
        if kind == "Like":
            what, about = peer.activity(who, "Like", target["uri"]), f"{who.uri} likes {target['uri']}"
        elif kind == "Create":
            tag = {"type": "Mention", "href": self.node.actor("alice"), "name": "@alice"}
            to = {"cc": [self.node.actor("alice")], "tag": [tag]}
            note = peer.note(who, f"<p>reply {number}</p>", inReplyTo=target["uri"], **to)
            what, about = peer.create(who, note), note["id"]
        else:
            # Nobody has seen this post: it has to be fetched first, after the answer.
            note = peer.note(who, f"<p>worth it {number}</p>")
            what, about = peer.activity(who, "Announce", note["id"], to=note["to"], cc=note["cc"]), note["id"]
        url = f"{self.node.base_url}/inbox"
        return Sent(kind, peer.sign(who, url, what, "cavage" if scheme == "cavage" else "rfc9421"), about)

    def accepted(self, kind: str) -> set[str]:
        return {each.about for each in self.sent if each.kind == kind and each.accepted}


async def until_it_dies(work: Callable[[], Awaitable[None]]) -> None:
    """Work until nobody answers any more."""
    try:
        await work()
    except (aiohttp.ClientError, ConnectionError, TimeoutError):
        return


async def live_and_die(load: Load, after_s: float) -> None:
    """The node under full load for so long, then killed."""
    async with load.node.api("alice") as api:
        work = [until_it_dies(load.send_all_the_time) for _ in range(SENDERS)]
        work.append(until_it_dies(lambda: load.write_all_the_time(api)))
        tasks = [asyncio.create_task(each) for each in work]
        await asyncio.sleep(after_s)
        await asyncio.to_thread(load.node.kill)
        await asyncio.gather(*tasks)


async def repeat(load: Load) -> None:
    """Everybody sends again what got no answer, and some of what got one: all of it is accepted now."""
    again = [each for each in load.sent if not each.accepted or load.dice.random() < 0.3]
    for each in again:
        await load.send(each)
    async with load.node.api("alice") as api:
        for text, post in list(load.posts.items()):
            before = post and post["id"]
            await load.write(api, text)
            assert before in (None, load.posts[text]["id"]), "the same post was written twice"


async def become_followers(load: Load, api: Api, followers: list[Person]) -> None:
    for person in followers:
        request = load.peer.activity(person, "Follow", load.node.actor("alice"))
        assert await load.peer.deliver(person, f"{load.node.actor('alice')}/inbox", request) == 202
    account = await api.find_account(load.announcer.uri)
    await api.post(f"/api/v1/accounts/{account['id']}/follow")

    async def follows() -> bool:
        found = await api.get("/api/v1/accounts/relationships", **{"id[]": account["id"]})
        return bool(found[0]["following"])

    await wait_for(follows, "the Accept")


async def wait_for(ask: Callable[[], Awaitable[bool]], what: str) -> None:
    until = time.monotonic() + PATIENCE_S
    while not await ask():
        assert time.monotonic() < until, f"waited in vain for {what}"
        await asyncio.sleep(0.1)


async def all_pages(api: Api, path: str) -> list[dict[str, Any]]:
    """A timeline from its newest to its oldest."""
    found: list[dict[str, Any]] = await api.get(path, limit=40)
    page = found
    while page:
        page = await api.get(path, limit=40, max_id=page[-1]["id"])
        found += page
    return found


@pytest.mark.timeout(180)
@pytest.mark.parametrize("seed", [7])
async def test_nothing_accepted_is_lost_or_doubled_and_everything_is_sent(seed: int) -> None:
    dice = random.Random(seed)
    with running_node("alice") as node:
        async with fake_peer() as peer:
            fans = [peer.person(f"fan{number}") for number in range(12)]
            followers = [peer.person(f"follower{number}") for number in range(FOLLOWERS)]
            load = Load(node, peer, fans, peer.person("announcer"), dice)
            async with node.api("alice") as api:
                await become_followers(load, api, followers)
                for number in range(TARGETS):
                    load.targets.append(await api.post("/api/v1/statuses", status=f"What do you think of {number}?"))
            peer.answer_delay_s = ANSWER_DELAY_S
            for _ in range(KILLS):
                await live_and_die(load, dice.uniform(0.2, 1.2))
                await asyncio.to_thread(node.start)
                async with node.api("alice") as api:
                    await assert_all_accepted_is_there(load, api)
                await repeat(load)
            async with node.api("alice") as api:
                assert not load.refused
                assert {each.kind for each in load.sent} == {"Like", "Create", "Announce"}
                await assert_all_accepted_is_there(load, api)
                await assert_announces_are_there(load, api)
            await assert_everything_is_sent(load, followers)


async def assert_all_accepted_is_there(load: Load, api: Api) -> None:
    """At once, in the first requests after the start. What got no answer may be there too, but never twice."""
    tried = {kind: {each.about for each in load.sent if each.kind == kind} for kind in ("Create", "Like")}
    replies: list[str] = []
    likes: list[str] = []
    for target in load.targets:
        seen = await api.get(f"/api/v1/statuses/{target['id']}")
        thread = await api.get(f"/api/v1/statuses/{target['id']}/context")
        fans = await api.get(f"/api/v1/statuses/{target['id']}/favourited_by", limit=80)
        assert (seen["replies_count"], seen["favourites_count"]) == (len(thread["descendants"]), len(fans))
        replies += [each["uri"] for each in thread["descendants"]]
        likes += [f"{each['uri']} likes {target['uri']}" for each in fans]
    assert len(replies) == len(set(replies)), "a reply is there twice"
    assert len(likes) == len(set(likes)), "a like is there twice"
    assert load.accepted("Create") <= set(replies) <= tried["Create"]
    assert load.accepted("Like") <= set(likes) <= tried["Like"]
    told = await all_pages(api, "/api/v1/notifications")
    mentions = [each["status"]["uri"] for each in told if each["type"] == "mention"]
    assert sorted(mentions) == sorted(replies), "not every reply was told once"
    assert len([each for each in told if each["type"] == "favourite"]) == len(likes), "not every like was told once"
    for text, post in load.posts.items():
        if post is not None:
            assert text in (await api.get(f"/api/v1/statuses/{post['id']}"))["content"]


async def assert_announces_are_there(load: Load, api: Api) -> None:
    """They needed the network first, and were finished by whichever process came after."""

    async def all_there() -> bool:
        home = await all_pages(api, "/api/v1/timelines/home")
        announced = [each["reblog"]["uri"] for each in home if each["reblog"]]
        assert len(announced) == len(set(announced)), "an announced post is there twice"
        return load.accepted("Announce") == set(announced)

    await wait_for(all_there, "the announced posts")


async def assert_everything_is_sent(load: Load, followers: list[Person]) -> None:
    """Each post reached each follower, signed well, under one id; more than once is allowed."""
    wanted = {
        (person.inbox.removeprefix(load.peer.base_url), post["uri"])
        for person in followers
        for post in load.posts.values()
    }

    async def all_sent() -> bool:
        arrived = {
            (each.path, each.activity["object"]["id"])
            for each in load.peer.arrived
            if each.activity["type"] == "Create"
        }
        return wanted <= arrived

    await wait_for(all_sent, f"{len(wanted)} deliveries")
    ids: dict[str, set[str]] = {}
    for each in load.peer.arrived:
        assert each.signer, f"a signature of ours did not hold: {each.activity['type']}"
        if each.activity["type"] == "Create":
            ids.setdefault(each.activity["object"]["id"], set()).add(each.activity["id"])
    assert all(len(each) == 1 for each in ids.values()), "a post was sent under two ids"
