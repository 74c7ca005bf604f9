"""Keeping away from whole hosts, and what the server tells of its own rules."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import orjson
import pytest

from fediverse_node.domain.domains import DomainRule, Severity
from fediverse_node.mastodon_api.fragments import forget_renderings
from fediverse_node.outbox.domain_desk import DomainDesk
from fediverse_node.storage.queries.deliveries import WAITING
from fediverse_node.storage.statement import Statement
from fediverse_node.storage.tables import deliveries, hosts, payloads, severed_follows
from tests.api.talking_node import Person, TalkingNode, talking_node

_SENT = Statement(
    payloads.select().join(deliveries, deliveries.c.payload_id == payloads.c.id).where(deliveries.c.state == WAITING)
)
_SEVERED = Statement(severed_follows.select())


@pytest.fixture
async def node(tmp_path: Path, database_url: str) -> AsyncIterator[TalkingNode]:
    async with talking_node(tmp_path, database_url=database_url) as running:
        yield running


def _desk(node: TalkingNode) -> DomainDesk:
    context = node.context
    desk = DomainDesk(
        database=context.database, writer=context.writer, world=context.world, config=context.config, http=None
    )
    desk.on_changed(lambda: forget_renderings(context))
    return desk


async def _tied(node: TalkingNode) -> tuple[Person, Person]:
    alice, bob = await node.person("alice"), await node.stranger("bob")
    await alice.follow(bob)
    return alice, bob


async def test_whoever_keeps_away_from_a_host_has_it_in_the_list_until_it_is_taken_back(node: TalkingNode) -> None:
    alice, bob = await _tied(node)
    assert await alice.get("/api/v1/domain_blocks") == []
    assert await alice.post("/api/v1/domain_blocks", domain="FAR.example") == {}
    await alice.post("/api/v1/domain_blocks", domain="far.example")
    await alice.post("/api/v1/domain_blocks", domain="https://other.example/")
    assert await alice.get("/api/v1/domain_blocks") == ["other.example", "far.example"]
    relation = (await alice.get("/api/v1/accounts/relationships", id=bob.actor_id))[0]
    assert (relation["domain_blocking"], relation["following"], relation["blocking"]) == (True, False, False)
    assert await alice.ask("DELETE", "/api/v1/domain_blocks", json={"domain": "far.example"}) == {}
    assert await alice.get("/api/v1/domain_blocks") == ["other.example"]
    relation = (await alice.get("/api/v1/accounts/relationships", id=bob.actor_id))[0]
    assert relation["domain_blocking"] is False


async def test_the_list_comes_in_pages(node: TalkingNode) -> None:
    alice = await node.person("alice")
    for number in range(5):
        await alice.post("/api/v1/domain_blocks", domain=f"host{number}.example")
    answer = await node.request("GET", "/api/v1/domain_blocks?limit=2", token=alice.token)
    assert answer.body == ["host4.example", "host3.example"]
    following = await alice.get("/api/v1/domain_blocks", limit=2, max_id=answer.next_id)
    assert following == ["host2.example", "host1.example"]


@pytest.mark.parametrize("domain", ["", "no domain", "alice@far.example", "own"])
async def test_what_is_no_domain_of_others_is_refused(node: TalkingNode, domain: str) -> None:
    alice = await node.person("alice")
    domain = node.context.config.host if domain == "own" else domain
    await alice.post("/api/v1/domain_blocks", domain=domain, expect=422)
    await node.request("POST", "/api/v1/domain_blocks", json={"domain": "far.example"})
    assert await alice.get("/api/v1/domain_blocks") == []


async def test_follows_with_the_host_end_both_ways_and_its_people_are_told(node: TalkingNode) -> None:
    alice, bob = await _tied(node)
    carol = await node.stranger("carol")
    assert await node.context.outbox.follow(alice.actor_id, carol.actor_id) is None
    assert (await alice.get("/api/v1/domain_blocks/preview", domain="far.example")) == {
        "following_count": 1,
        "followers_count": 0,
    }
    await alice.post("/api/v1/domain_blocks", domain="far.example")
    sent = [orjson.loads(row["body"]) for row in await node.context.database.fetch(_SENT)]
    undone = [(document["type"], document["object"]["object"]) for document in sent if document["type"] == "Undo"]
    assert sorted(undone) == sorted([("Undo", bob.uri), ("Undo", carol.uri)])
    rows = await node.context.database.fetch(_SEVERED)
    assert [(row["local_id"], row["remote_id"]) for row in rows] == [(alice.actor_id, bob.actor_id)]
    await alice.post(f"/api/v1/accounts/{bob.actor_id}/follow", expect=403)
    await alice.ask("DELETE", "/api/v1/domain_blocks", json={"domain": "far.example"})
    await alice.post(f"/api/v1/accounts/{bob.actor_id}/follow")


async def test_pictures_of_a_host_whose_media_are_rejected_are_links_that_nothing_loads(node: TalkingNode) -> None:
    alice = await node.person("alice")
    emojis = '[{"shortcode":"cat","url":"https://far.example/cat.png"}]'
    bob = await node.stranger("bob", icon_url="https://far.example/bob.png", emojis=emojis)
    picture = {"type": "image", "remote_url": "https://far.example/p.png", "blurhash": "LKO2?U%2Tw=w]~RBVZRi};RPxuwH"}
    parts = {"emojis": [{"shortcode": "cat", "url": "https://far.example/cat.png"}], "mentions": [], "tags": []}
    id_ = await node.hear(bob, attachments=(picture,), parts=parts)
    status = await alice.get(f"/api/v1/statuses/{id_}")
    assert status["media_attachments"][0]["type"] == "image"
    assert status["account"]["avatar"] == "https://far.example/bob.png"
    await _desk(node).put(DomainRule("far.example", Severity.NOTHING, reject_media=True))
    status = await alice.get(f"/api/v1/statuses/{id_}")
    [item] = status["media_attachments"]
    assert (item["type"], item["preview_url"], item["blurhash"]) == ("unknown", None, None)
    assert (status["emojis"], status["account"]["emojis"]) == ([], [])
    assert "far.example" not in status["account"]["avatar"]
    await _desk(node).drop("far.example")
    assert (await alice.get(f"/api/v1/statuses/{id_}"))["media_attachments"][0]["type"] == "image"


RULES = (
    DomainRule("bad.example", Severity.SUSPEND, public_comment="spam", private_comment="secret"),
    DomainRule("loud.example", Severity.LIMIT, obfuscate=True),
    DomainRule("pictures.example", Severity.NOTHING, reject_media=True),
)


async def test_the_server_tells_whom_it_keeps_out_and_spells_out_no_name_that_it_shall_not(node: TalkingNode) -> None:
    for rule in RULES:
        await _desk(node).put(rule)
    answer = await node.request("GET", "/api/v1/instance/domain_blocks")
    assert [(row["domain"], row["severity"], row["comment"]) for row in answer.body] == [
        ("bad.example", "suspend", "spam"),
        ("loud.****ple", "silence", ""),
    ]
    assert len({row["digest"] for row in answer.body}) == 2
    assert "secret" not in str(answer.body)


@pytest.mark.parametrize(
    "audience, anybody, users", [("nobody", 404, 404), ("users", 401, 200), ("everybody", 200, 200)]
)
async def test_to_whom_it_tells_that_is_a_setting(tmp_path: Path, audience: str, anybody: int, users: int) -> None:
    async with talking_node(tmp_path, SHOW_DOMAIN_BLOCKS=audience) as node:
        alice = await node.person("alice")
        assert (await node.request("GET", "/api/v1/instance/domain_blocks")).status == anybody
        assert (await node.request("GET", "/api/v1/instance/domain_blocks", token=alice.token)).status == users


async def test_peers_are_those_that_this_server_talks_with(node: TalkingNode) -> None:
    for host in ("friend.example", "a.bad.example", "bad.example"):
        await node.insert(hosts, {"host": host})
    await _desk(node).put(DomainRule("bad.example"))
    assert (await node.request("GET", "/api/v1/instance/peers")).body == ["friend.example"]


async def test_the_version_of_an_actor_grows_when_a_rule_touches_it(node: TalkingNode) -> None:
    alice, bob = await node.person("alice"), await node.stranger("bob")
    assert "limited" not in await alice.get(f"/api/v1/accounts/{bob.actor_id}")
    await _desk(node).put(DomainRule("far.example", Severity.LIMIT))
    await _desk(node).work()
    assert (await alice.get(f"/api/v1/accounts/{bob.actor_id}"))["limited"] is True
