"""What happened in a simulated world is replayed for each of its hosts."""

from __future__ import annotations

import pytest

from fediverse_node.lab.faults import FaultKind, Rule
from fediverse_node.lab.recording import Recording, RecordingError, parse_recording
from fediverse_node.lab.replay.plan import plan_of
from fediverse_node.lab.world import World, simulate
from tests.lab.replay.test_replay import replayed


async def _everyday(world: World) -> Recording:
    alice, ben, cleo = await world.people("alice@alpha", "ben@beta", "cleo@gamma")
    await ben.follows(alice)
    await cleo.follows(alice)
    await alice.follows(ben)
    await world.quiet()
    post = await alice.posts("hello world")
    await world.quiet()
    await ben.replies(post, "hello back")
    await cleo.likes(post)
    await cleo.boosts(post)
    await world.quiet()
    await alice.edits(post, "hello edited")
    await world.quiet()
    await cleo.unlikes(post)
    await cleo.unboosts(post)
    tomato = await alice.posts("a tomato")
    await alice.quotes(tomato, "my own")
    await world.quiet()
    quoting = await ben.quotes(tomato, "look at this")
    await world.quiet()
    await alice.revokes(quoting)
    await world.quiet()
    await alice.posts("between us", to="direct", mentioning=[ben])
    await alice.posts("for those who follow", to="followers")
    await world.quiet()
    question = await alice.posts("which one?", poll=["red", "green"])
    await world.quiet()
    await ben.votes(question, 1)
    await world.quiet()
    await alice.deletes(post)
    await ben.unfollows(alice)
    await cleo.blocks(alice)
    await world.quiet()
    return world.recording


async def _trouble(world: World) -> Recording:
    alice, ben = await world.people("alice@alpha", "ben@beta")
    await ben.follows(alice)
    await world.quiet()
    world.faults.add(Rule(FaultKind.STATUS, "alpha.test", "beta.test", chance=0.5, amount=503))
    world.faults.add(Rule(FaultKind.RESET, "alpha.test", "beta.test", chance=0.3))
    world.faults.add(Rule(FaultKind.LOSE_ANSWER, "beta.test", "alpha.test", chance=0.3))
    for number in range(5):
        post = await alice.posts(f"number {number}")
        await world.wait(minutes=2)
        if ben.has(post):
            await ben.likes(post)
    await world.wait(hours=3)
    world.faults.heal()
    await world.quiet()
    return world.recording


@pytest.fixture(scope="module")
def everyday() -> Recording:
    return simulate(_everyday, seed=11)


@pytest.mark.parametrize("host", ["alpha.test", "beta.test", "gamma.test"])
def test_an_everyday_world_replays_without_a_difference(everyday: Recording, host: str) -> None:
    report = replayed(everyday, host)
    assert report.differences == ()
    assert report.compared_in > 3
    assert report.compared_out > 3


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("host", ["alpha.test", "beta.test"])
def test_a_world_with_a_bad_network_replays_without_a_difference(seed: int, host: str) -> None:
    recording = simulate(_trouble, seed=seed)
    report = replayed(recording, host)
    assert report.differences == ()


def test_whose_part_is_meant_has_to_be_said(everyday: Recording) -> None:
    with pytest.raises(RecordingError, match=r"several hosts.*alpha\.test, beta\.test, gamma\.test"):
        plan_of(everyday)


def test_a_world_read_back_from_its_file_replays_the_same(everyday: Recording) -> None:
    again = parse_recording(everyday.dump().split(b"\n")[:-1], name="the file")
    assert replayed(again, "alpha.test").differences == ()
