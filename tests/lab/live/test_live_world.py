"""A live world is spoken to as a simulated one is, and everything passes over real sockets and real TLS."""

from __future__ import annotations

import asyncio
import ssl
import threading
from pathlib import Path

import aiohttp
import pytest

from fediverse_node.base.errors import NodeError
from fediverse_node.base.outcome import TemporaryFail
from fediverse_node.lab.faults import FaultKind, Rule
from fediverse_node.lab.live.world import LiveWorld, live_world
from fediverse_node.lab.world import NotQuiet
from fediverse_node.transport.faults import FetchFault
from tests.postgres import PostgresServer


async def test_people_of_three_nodes_talk(live: LiveWorld) -> None:
    alice, ben, cleo = await live.people("alice@alpha", "ben@beta", "cleo@gamma")
    await ben.follows(alice)
    await cleo.follows(ben)
    await live.quiet()
    post = await alice.posts("hello")
    await live.quiet()
    assert ben.sees(post)
    reply = await ben.replies(post, "hello yourself")
    await ben.boosts(post)
    await cleo.likes(post)
    await live.quiet()
    assert alice.sees(reply)
    assert cleo.sees(post)
    edited = await alice.edits(post, "hello, all of you")
    await live.quiet()
    assert ben.sees(edited)
    await alice.deletes(edited)
    await live.quiet()
    assert not ben.has(post)
    assert not cleo.has(post)


async def test_every_exchange_is_recorded_with_its_steps_and_its_cause(live: LiveWorld) -> None:
    alice, ben = await live.people("alice@alpha", "ben@beta")
    await ben.follows(alice)
    await live.quiet()
    follow = next(each for each in live.recording if each.activity.type == "Follow")
    assert (follow.sender, follow.receiver, follow.status) == ("beta.test", "alpha.test", 202)
    assert follow.url == "https://alpha.test/inbox"
    assert follow.request.header("signature")
    assert any(step.name.startswith("signature.") and step.passed for step in follow.steps)
    asked = live.recording.find(follow.cause or 0)
    assert asked is not None
    assert (asked.sender, asked.method) == ("ben@beta.test", "POST")
    # The key is fetched because of the follow, and the Accept is sent because of it.
    because = [each for each in live.recording if each.cause == follow.number]
    assert [(each.method, each.sender) for each in because] == [("GET", "alpha.test"), ("POST", "alpha.test")]
    assert because[1].activity.type == "Accept"
    assert [each.number for each in because] == follow.sent


async def test_the_wire_speaks_tls_that_only_this_world_trusts(live: LiveWorld) -> None:
    await live.node("alpha")
    url = f"https://127.0.0.1:{live.app_wire.port}/nodeinfo/2.1"
    trusting = live.authority.client_context()
    for context, expected in (
        (trusting, None),
        (ssl.create_default_context(), aiohttp.ClientConnectorCertificateError),
    ):
        async with aiohttp.ClientSession() as session:
            asked = session.get(url, ssl=context, server_hostname="alpha.test", headers={"Host": "alpha.test"})
            if expected is None:
                async with asked as answer:
                    assert answer.status == 200
            else:
                with pytest.raises(expected):
                    await asked


async def test_the_wire_has_no_certificate_for_a_name_of_nobody(live: LiveWorld) -> None:
    await live.node("alpha")
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientConnectorError):
            await session.get(
                f"https://127.0.0.1:{live.app_wire.port}/",
                ssl=live.authority.client_context(),
                server_hostname="example.org",
            )


async def test_a_node_reaches_nothing_outside_of_its_world(live: LiveWorld) -> None:
    alpha = await live.node("alpha")
    answer = await alpha.node.http.get("https://example.org/", accept="*/*")
    assert isinstance(answer, TemporaryFail)
    assert answer.reason is FetchFault.DNS


async def test_faults_happen_between_nodes_and_heal(live: LiveWorld) -> None:
    alice, ben = await live.people("alice@alpha", "ben@beta")
    await ben.follows(alice)
    await live.quiet()
    rule = live.faults.add(Rule(FaultKind.STATUS, "alpha.test", "beta.test", amount=503, method="POST"))
    post = await alice.posts("not yet")
    with pytest.raises(NotQuiet, match=r"alpha\.test: 1"):
        await live.quiet(at_most_s=1.5)
    delivery = next(each for each in live.recording if each.activity.type == "Create")
    assert (delivery.status, delivery.fault) == (503, "answered 503 on the way")
    assert not ben.sees(post)
    live.faults.remove(rule)
    # The next delivery is due in two minutes, as 503 has asked for; whoever asks finds the way open.
    await ben.likes(post)
    assert ben.has(post)


async def test_a_lost_request_is_recorded_as_lost(live: LiveWorld) -> None:
    alice, ben = await live.people("alice@alpha", "ben@beta")
    live.faults.add(Rule(FaultKind.RESET, "beta.test", "alpha.test"))
    with pytest.raises(NodeError):
        await ben.follows(alice)
    lost = next(each for each in live.recording if each.sender == "beta.test")
    assert lost.failure == "the connection was reset"
    assert lost.answer is None


async def test_a_node_that_was_down_gets_what_it_missed(live: LiveWorld) -> None:
    alice, ben = await live.people("alice@alpha", "ben@beta")
    await ben.follows(alice)
    await live.quiet()
    beta = live.nodes["beta.test"]
    await beta.stop()
    post = await alice.posts("are you there?")
    with pytest.raises(NotQuiet):
        await live.quiet(at_most_s=1)
    assert any(each.failure == "beta.test is down" for each in live.recording)
    await beta.start()
    found = await ben.ask("GET", f"/api/v2/search?type=statuses&resolve=true&q={post.uri}")
    assert [status["uri"] for status in found["statuses"]] == [post.uri]


async def test_a_node_that_crashed_starts_again_with_all_it_had_accepted(live: LiveWorld) -> None:
    alice, ben = await live.people("alice@alpha", "ben@beta")
    await ben.follows(alice)
    await live.quiet()
    post = await alice.posts("before the crash")
    await live.quiet()
    beta = live.nodes["beta.test"]
    await beta.crash()
    with pytest.raises(NodeError, match=r"beta\.test is down"):
        _ = beta.node
    await beta.start()
    assert ben.sees(post)
    later = await alice.posts("after the crash")
    await live.quiet()
    assert ben.sees(later)


async def test_a_world_is_there_again_the_next_time(tmp_path: Path) -> None:
    async with live_world(tmp_path) as world:
        alice, ben = await world.people("alice@alpha", "ben@beta")
        await ben.follows(alice)
        await world.quiet()
        first, password, ca = await alice.posts("to be continued"), world.password, world.authority.file.read_bytes()
        await world.quiet()
        token = alice.token
    async with live_world(tmp_path) as world:
        alice, ben = await world.people("alice@alpha", "ben@beta")
        assert (alice.token, world.password, world.authority.file.read_bytes()) == (token, password, ca)
        assert ben.sees(first)
        second = await alice.posts("continued")
        await world.quiet()
        assert ben.sees(second)


async def test_two_labs_do_not_share_a_folder(tmp_path: Path) -> None:
    async with live_world(tmp_path):
        with pytest.raises(NodeError, match="another lab uses"):
            async with live_world(tmp_path):
                pytest.fail("it was entered")


async def test_two_worlds_live_side_by_side_and_know_nothing_of_each_other(live: LiveWorld) -> None:
    async def elsewhere() -> tuple[int, list[str]]:
        async with live_world() as world:
            alice, ben = await world.people("alice@alpha", "ben@beta")
            await ben.follows(alice)
            await world.quiet()
            await alice.posts("in the other world")
            await world.quiet()
            return world.ports["alpha.test"], ben.sees_texts()

    found: list[tuple[int, list[str]]] = []
    thread = threading.Thread(target=lambda: found.append(asyncio.run(elsewhere())))
    thread.start()
    alice, ben = await live.people("alice@alpha", "ben@beta")
    await ben.follows(alice)
    await live.quiet()
    await alice.posts("in this world")
    await live.quiet()
    while thread.is_alive():
        await asyncio.sleep(0.05)
    port, texts = found[0]
    assert port != live.ports["alpha.test"]
    assert texts == ["in the other world"]
    assert ben.sees_texts() == ["in this world"]


async def test_a_world_lives_on_postgresql_and_leaves_nothing_behind(postgres_server: PostgresServer) -> None:
    url = postgres_server.url("postgres")
    async with live_world(server_url=url) as world:
        alice, ben = await world.people("alice@alpha", "ben@beta")
        await ben.follows(alice)
        await world.quiet()
        post = await alice.posts("hello")
        await world.quiet()
        assert ben.sees(post)
        assert world.nodes["alpha.test"].database.dialect == "postgresql"
        name = world.nodes["alpha.test"].node.core.config.database_url.rpartition("/")[2]
    # It could not be made a second time if it were still there.
    postgres_server.execute(f'CREATE DATABASE "{name}"')
    postgres_server.execute(f'DROP DATABASE "{name}"')
