"""What the invariants have found in the node: each of these failed before it was put right."""

from __future__ import annotations

import pytest

from fediverse_node.lab.app_client import Refused
from fediverse_node.lab.exchange import Exchange
from fediverse_node.lab.faults import FaultKind, Rule
from fediverse_node.lab.invariants import Checker
from fediverse_node.lab.people import Person
from fediverse_node.lab.world import World
from tests.lab.invariants.life import broken_in


async def _fill(person: Person) -> None:
    """Say so much that not even the room on pages that are there is left."""

    async def talk() -> None:
        for n in range(200):
            await person.posts(f"{n} {'and so on ' * 40}")

    with pytest.raises(Refused, match="503"):
        await talk()


def test_a_full_disk_leaves_no_exception_that_nobody_hears() -> None:
    async def story(world: World, checker: Checker) -> None:
        alice, ben = await world.people("alice@alpha", "ben@beta")
        await ben.follows(alice)
        await world.quiet()
        node = world.node_of(ben)
        node.fill_disk()
        # That the app was used is to be written down beside the request, and so is that a host is back.
        for _ in range(3):
            await world.wait(hours=26)
            await alice.posts("is there any room yet?")
            await _fill(ben)
        node.free_disk()

    assert broken_in(story) == []


def test_a_full_disk_is_not_filled_with_complaints_about_it() -> None:
    lines: list[str] = []

    async def story(world: World, checker: Checker) -> None:
        ben = await world.person("ben@beta")
        await ben.posts("is it full?", poll=["yes", "no"], poll_open_s=300)
        node = world.node_of(ben)
        node.fill_disk()
        await _fill(ben)
        await world.wait(hours=1)
        lines.extend(line.text for line in world.logs.of("beta.test") if line.text == "housekeeping.failed")
        node.free_disk()

    assert broken_in(story) == []
    # An ended poll whose end cannot be told was tried each second, with a traceback each time.
    assert 1 <= len(lines) <= 20


def test_a_node_that_starts_at_the_moment_of_its_crash_stays_up() -> None:
    async def story(world: World, checker: Checker) -> None:
        alice, ben = await world.people("alice@alpha", "ben@beta")
        await ben.follows(alice)
        await world.quiet()
        node = world.node_of(alice)
        node.crash_after_commit()
        try:
            await alice.posts("the last before it falls")
        except Refused:
            await node.start()
        await world.wait(minutes=5)
        assert node.is_running

    assert broken_in(story) == []


def test_whoever_answered_and_left_does_not_get_the_new_words_of_a_private_post() -> None:
    async def story(world: World, checker: Checker) -> None:
        alice, ben = await world.people("alice@alpha", "ben@beta")
        await ben.follows(alice)
        await world.quiet()
        post = await alice.posts("what my followers may know", to="followers")
        poll = await alice.posts("which one is it?", to="followers", poll=["the first choice", "the other one"])
        await world.quiet()
        await ben.replies(post, "I know it now")
        await ben.likes(post)
        await ben.votes(poll, 0)
        await ben.unfollows(alice)
        await world.quiet()
        await alice.edits(post, "what ben shall not know any more")
        await alice.edits(poll, "and neither shall he know this")
        checker.after_step()
        await world.wait(hours=2)
        checker.after_step()
        assert not any("shall not know" in exchange.request.text for exchange in world.recording if _to_beta(exchange))

    def _to_beta(exchange: Exchange) -> bool:
        return exchange.receiver == "beta.test"

    assert broken_in(story) == []


def test_a_request_on_its_way_to_a_host_that_crashes_does_not_arrive_when_it_is_up_again() -> None:
    async def story(world: World, checker: Checker) -> None:
        alice, ben = await world.people("alice@alpha", "ben@beta")
        await ben.follows(alice)
        await world.quiet()
        world.faults.add(Rule(FaultKind.DELAY, "alpha.test", "beta.test", amount=10, method="POST"))
        await alice.posts("on its way for ten seconds")
        await world.wait(seconds=1)
        world.faults.heal()
        await world.node_of(ben).crash()
        await world.node_of(ben).start()
        await world.wait(seconds=15)
        sent = [exchange for exchange in world.recording if exchange.activity.type == "Create"]
        assert sent[0].failure == "beta.test has crashed"
        assert sent[0].steps == []

    assert broken_in(story) == []


def test_the_world_is_quiet_again_after_a_host_crashed_over_a_request_nobody_waited_for() -> None:
    async def story(world: World, checker: Checker) -> None:
        alice, ben = await world.people("alice@alpha", "ben@beta")
        await ben.follows(alice)
        await world.quiet()
        world.faults.add(Rule(FaultKind.STALE, "alpha.test", "beta.test", method="POST"))
        world.faults.add(Rule(FaultKind.DUPLICATE, "alpha.test", "beta.test", method="POST"))
        await alice.posts("thirteen hours late, and twice")
        await world.wait(hours=12.9)
        world.faults.heal()
        await world.node_of(ben).crash()
        await world.wait(hours=1)
        await world.node_of(ben).start()

    assert broken_in(story) == []
