"""Two servers that lost something for ever come to agree again on who follows: by a digest with the next post."""

from __future__ import annotations

import pytest

from fediverse_node.lab.faults import FaultKind, Rule
from fediverse_node.lab.people import Person
from fediverse_node.lab.world import World, simulate

ALPHA, BETA = "alpha.test", "beta.test"


async def _followers_at_home(alice: Person) -> set[str]:
    account = await alice.ask("GET", "/api/v1/accounts/verify_credentials")
    return {found["acct"] for found in await alice.ask("GET", f"/api/v1/accounts/{account['id']}/followers")}


async def _parted_for_good(world: World) -> None:
    """So long that what waits for the other host is given up."""
    world.faults.add(Rule(FaultKind.PARTITION, ALPHA, BETA))
    await world.wait(days=9)


def _lists_asked_for(world: World) -> int:
    return sum("followers_synchronization" in exchange.url for exchange in world.recording.exchanges)


@pytest.mark.lab(check=False)
async def test_who_left_while_the_line_was_cut_is_taken_off_the_list(world: World) -> None:
    alice, ben, cleo = await world.people("alice@alpha", "ben@beta", "cleo@beta")
    for reader in (ben, cleo):
        await reader.follows(alice)
    await world.quiet()
    world.faults.add(Rule(FaultKind.PARTITION, ALPHA, BETA))
    await ben.unfollows(alice)
    await _parted_for_good(world)
    assert await _followers_at_home(alice) == {"ben@beta.test", "cleo@beta.test"}
    world.faults.heal()
    await alice.posts("anybody there", to="followers")
    await world.quiet()
    assert await _followers_at_home(alice) == {"cleo@beta.test"}
    assert not await ben.is_following(alice)
    assert await cleo.is_following(alice)


@pytest.mark.lab(check=False)
async def test_who_was_taken_off_the_list_while_the_line_was_cut_learns_of_it(world: World) -> None:
    alice, ben, cleo = await world.people("alice@alpha", "ben@beta", "cleo@beta")
    for reader in (ben, cleo):
        await reader.follows(alice)
    await world.quiet()
    world.faults.add(Rule(FaultKind.PARTITION, ALPHA, BETA))
    await alice.ask("POST", f"/api/v1/accounts/{await alice.looks_up(ben)}/remove_from_followers")
    await _parted_for_good(world)
    assert await ben.is_following(alice)
    world.faults.heal()
    post = await alice.posts("only for friends", to="followers")
    await world.quiet()
    assert not await ben.is_following(alice)
    assert cleo.sees(post)
    later = await alice.posts("still only for friends", to="followers")
    await world.quiet()
    assert cleo.sees(later)
    assert not ben.sees(later)


async def test_servers_that_agree_never_ask(world: World) -> None:
    alice, ben, cleo = await world.people("alice@alpha", "ben@beta", "cleo@gamma")
    await ben.follows(alice)
    await cleo.follows(alice)
    await world.quiet()
    for number in range(3):
        await alice.posts(f"number {number}")
        await world.quiet()
        await world.wait(hours=7)
    assert _lists_asked_for(world) == 0


@pytest.mark.parametrize("seed", range(3))
def test_lost_requests_and_answers_leave_no_disagreement_behind(seed: int) -> None:
    async def story(world: World) -> None:
        alice, *readers = await world.people("alice@alpha", *(f"reader{n}@beta" for n in range(6)))
        for reader in readers:
            await reader.follows(alice)
        await world.quiet()
        for kind in (FaultKind.DROP, FaultKind.LOSE_ANSWER, FaultKind.REORDER):
            world.faults.add(Rule(kind, ALPHA, BETA, chance=0.3, amount=60, both_ways=True))
        for reader in readers[:3]:
            await reader.unfollows(alice)
            await alice.posts(f"without {reader.name}")
        await world.wait(hours=1)
        world.faults.heal()
        await world.quiet()
        await world.wait(hours=7)
        last = await alice.posts("all is well", to="followers")
        await world.quiet()
        assert await _followers_at_home(alice) == {f"{reader.name}@beta.test" for reader in readers[3:]}
        assert [reader.sees(last) for reader in readers] == [False] * 3 + [True] * 3

    simulate(story, seed=seed)
