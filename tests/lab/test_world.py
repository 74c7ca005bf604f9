"""A world repeats itself, has its own time, and survives what real servers go through; on both engines."""

from __future__ import annotations

import asyncio
import hashlib
import os
import subprocess
import sys
from datetime import timedelta

import pytest

from fediverse_node.lab.app_client import Refused
from fediverse_node.lab.databases import Databases, ServerDatabases
from fediverse_node.lab.faults import FaultKind, Rule
from fediverse_node.lab.loop import Stalled
from fediverse_node.lab.people import Person
from fediverse_node.lab.world import NotQuiet, Simulation, World, simulate
from tests.postgres import PostgresServer


@pytest.fixture(params=["sqlite", "postgresql"])
def lab_databases(request: pytest.FixtureRequest) -> Databases | None:
    """Every story here is told on both engines."""
    if request.param == "sqlite":
        return None
    databases: Databases = request.getfixturevalue("postgres_worlds")
    return databases


async def _conversation(world: World) -> bytes:
    """Enough of everything that chance could get in."""
    alice, ben, cleo = await world.people("alice@alpha", "ben@beta", "cleo@gamma")
    for person in (ben, cleo):
        await person.follows(alice)
    await world.quiet()
    world.faults.add(Rule(FaultKind.DUPLICATE, chance=0.3))
    world.faults.add(Rule(FaultKind.LOSE_ANSWER, chance=0.2))
    post = await alice.posts("what do you think?", poll=["good", "better"])
    await world.quiet()
    await ben.votes(post, 1)
    reply = await ben.replies(post, "#good 🙂")
    await cleo.boosts(post)
    await world.quiet()
    await alice.likes(reply)
    await alice.posts("for you", to="direct", mentioning=[ben])
    await world.quiet()
    return world.recording.dump()


async def test_a_conversation_crosses_three_nodes(world: World) -> None:
    alice, ben, cleo = await world.people("alice@alpha", "ben@beta", "cleo@gamma")
    await ben.follows(alice)
    await cleo.follows(ben)
    await world.quiet()
    post = await alice.posts("hello")
    await world.quiet()
    assert ben.sees(post)
    assert not cleo.sees(post)
    await ben.boosts(post)
    reply = await ben.replies(post, "hello yourself")
    await world.quiet()
    assert cleo.sees(post), "her friend has passed it on"
    assert alice.sees(reply)
    post = await alice.edits(post, "hello everybody")
    await world.quiet()
    assert ben.sees("hello everybody")
    await alice.deletes(post)
    await world.quiet()
    assert not ben.has(post)


async def test_months_pass_in_seconds(world: World) -> None:
    alice = await world.person("alice@alpha")
    began = world.now
    poll = await alice.posts("yes or no?", poll=["yes", "no"], poll_open_s=6 * 86_400)
    later = (began + timedelta(days=20)).isoformat()
    await alice.ask("POST", "/api/v1/statuses", status="three weeks later", scheduled_at=later)
    await world.wait(days=19)
    assert not alice.sees("three weeks later")
    await world.wait(days=2)
    assert alice.sees("three weeks later")
    assert world.now - began >= timedelta(days=21)
    [told] = await alice.ask("GET", "/api/v1/notifications?types[]=poll")
    assert told["status"]["uri"] == poll.uri


async def test_what_could_not_be_delivered_is_tried_for_days_and_then_given_up(world: World) -> None:
    alice, ben = await world.people("alice@alpha", "ben@beta")
    await ben.follows(alice)
    await world.quiet()
    world.faults.add(Rule(FaultKind.PARTITION, "alpha.test", "beta.test"))
    post = await alice.posts("is anybody there?")
    with pytest.raises(NotQuiet, match=r"alpha\.test: 1"):
        await world.quiet(at_most_s=3600)
    before = world.now
    await world.quiet()
    assert timedelta(days=1) < world.now - before < timedelta(days=15)
    assert not ben.has(post)


async def test_a_partition_heals_and_everything_arrives(world: World) -> None:
    alice, ben = await world.people("alice@alpha", "ben@beta")
    await ben.follows(alice)
    await world.quiet()
    world.faults.add(Rule(FaultKind.PARTITION, "alpha.test", "beta.test"))
    posts = [await alice.posts(f"number {n}") for n in range(5)]
    await world.wait(hours=3)
    assert not any(ben.has(post) for post in posts)
    world.faults.heal()
    await world.quiet()
    assert all(ben.sees(post) for post in posts)


async def test_a_node_that_crashes_loses_nothing_that_it_accepted(world: World) -> None:
    alice, ben = await world.people("alice@alpha", "ben@beta")
    await ben.follows(alice)
    await world.quiet()
    alpha = world.node_of(alice)
    post = await alice.posts("said just before")
    await alpha.crash()
    with pytest.raises(Refused) as refused:
        await alice.posts("said to nobody")
    assert refused.value.status == 0
    await world.wait(minutes=10)
    await alpha.start()
    await world.quiet()
    assert ben.sees(post)
    assert not alice.sees("said to nobody")


async def test_a_node_that_is_down_gets_what_it_missed(world: World) -> None:
    alice, ben = await world.people("alice@alpha", "ben@beta")
    await ben.follows(alice)
    await world.quiet()
    beta = world.node_of(ben)
    await beta.stop()
    post = await alice.posts("while you were away")
    await world.wait(hours=5)
    await beta.start()
    await world.quiet()
    assert ben.sees(post)


async def _fill(person: Person) -> None:
    for n in range(50):
        await person.posts(f"is there room? {n} " + "x" * 400)


async def test_a_full_disk_refuses_and_recovers(world: World) -> None:
    alice, ben = await world.people("alice@alpha", "ben@beta")
    await ben.follows(alice)
    await world.quiet()
    beta = world.node_of(ben)
    beta.fill_disk()
    with pytest.raises(Refused) as refused:  # there may be a little room left on the last pages
        await _fill(ben)
    assert refused.value.status == 503
    post = await alice.posts("you cannot keep this " + "y" * 400)
    await world.wait(minutes=5)
    beta.free_disk()
    await world.quiet()
    assert ben.sees(post)


async def test_a_clock_that_is_wrong_by_a_day_is_not_believed_until_it_is_set(world: World) -> None:
    alice, ben = await world.people("alice@alpha", "ben@beta")
    await ben.follows(alice)
    await world.quiet()
    world.node_of(alice).clock.skew_s = 86_400
    post = await alice.posts("from tomorrow")
    await world.wait(minutes=2)
    assert not ben.has(post)
    assert any(exchange.status == 401 for exchange in world.recording)
    world.node_of(alice).clock.skew_s = 0
    await world.quiet()
    assert ben.sees(post)


def test_one_seed_gives_the_same_bytes_and_another_gives_others() -> None:
    first, again, other = (simulate(_conversation, seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_one_seed_gives_the_same_bytes_on_postgresql(postgres_server: PostgresServer) -> None:
    def run(name: str) -> bytes:
        databases = ServerDatabases(postgres_server.url, postgres_server.execute, name=name)
        return simulate(_conversation, seed=3, databases=databases)

    assert run("once") == run("twice")


@pytest.mark.parametrize("hash_seed", ["1", "2", "3"])
def test_other_processes_give_the_same_bytes_too(hash_seed: str) -> None:
    """Python orders sets of words anew in each process."""
    program = (
        "import hashlib;from fediverse_node.lab.world import simulate;from tests.lab.test_world import _conversation;"
        "print(hashlib.sha256(simulate(_conversation, seed=4)).hexdigest())"
    )
    environ = {**os.environ, "PYTHONHASHSEED": hash_seed}
    found = subprocess.run([sys.executable, "-c", program], env=environ, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == hashlib.sha256(simulate(_conversation, seed=4)).hexdigest()


def test_two_worlds_of_one_process_share_nothing() -> None:
    """The same ids for other people, when the seed is the same: nothing may be remembered beyond a node."""

    async def names(world: World, name: str) -> str:
        alice = await world.person("alice@alpha")
        found = await alice.looks_up(await world.person(f"{name}@beta"))
        return str((await alice.ask("GET", f"/api/v1/accounts/{found}"))["acct"])

    first = simulate(lambda world: names(world, "ben"))
    second = simulate(lambda world: names(world, "cleo"))
    assert (first, second) == ("ben@beta.test", "cleo@beta.test")


def test_waiting_for_what_can_never_come_is_said_and_does_not_hang() -> None:
    with Simulation() as simulation, pytest.raises(Stalled, match="nothing is left to happen"):
        simulation.run(simulation.world.network.loop.create_future())  # type: ignore[arg-type]


def test_what_is_left_of_a_world_that_is_over_disturbs_no_other() -> None:
    async def leaves_a_task_behind(world: World) -> None:
        async def fails() -> None:
            raise ValueError("nobody hears this")

        world.left = asyncio.ensure_future(fails())  # type: ignore[attr-defined]
        await asyncio.sleep(1)

    with Simulation() as first:
        first.run(leaves_a_task_behind(first.world))
    with Simulation() as second:
        del first.world.left  # type: ignore[attr-defined]
        second.run(second.world.wait(1))
        assert [line.text for line in second.world.logs.lines] == []
