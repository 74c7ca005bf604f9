"""Hosts that are kept out, kept quiet or not let in, between simulated nodes: what they get, and what becomes of it."""

from __future__ import annotations

import pytest

from fediverse_node.lab.explore import play
from fediverse_node.lab.invariants import Checker
from fediverse_node.lab.scenario.mixed import mixed_scenario
from fediverse_node.lab.world import World, simulate

ALPHA, BETA = "alpha.test", "beta.test"
AUTHORIZED = {"AUTHORIZED_FETCH": "true"}
# What anybody may ask, so that signatures can be verified.
_OPEN = ("/actor", "/.well-known/", "/nodeinfo")


def _given(world: World, since: int, sender: str, receiver: str) -> list[str]:
    """What the one host gave the other since an exchange: deliveries to it, and answers with something in them."""
    found: list[str] = []
    for exchange in world.recording.exchanges[since:]:
        if (exchange.sender, exchange.receiver) == (sender, receiver):
            found.append(exchange.line)
        is_open = any(f"{receiver}{path}" in exchange.url or f"{sender}{path}" in exchange.url for path in _OPEN)
        answered = exchange.answer is not None and " 20" in exchange.answer.start[:14]
        if (exchange.sender, exchange.receiver) == (receiver, sender) and answered and not is_open:
            found.append(exchange.line)
    return found


@pytest.mark.parametrize("settings", [{}, AUTHORIZED], ids=["open", "authorized fetch"])
def test_a_blocked_host_gets_nothing(settings: dict[str, str]) -> None:
    async def story(world: World) -> None:
        alice, ben, cleo = await world.people("alice@alpha", "ben@beta", "cleo@gamma")
        checker = Checker(world, collect=True)
        for one, other in ((ben, alice), (cleo, alice), (alice, ben)):
            await one.follows(other)
        await world.quiet()
        early = await alice.posts("before the break", to="followers")
        await world.quiet()
        assert ben.sees(early)
        await world.node_of(alice).suspends(BETA)
        await world.quiet()
        since = len(world.recording)
        late = await alice.posts("after the break", to="followers")
        public = await alice.posts("for all the others")
        await world.quiet()
        assert cleo.sees(late)
        assert not ben.has(late)
        # Somebody else passes it on: the blocked host asks for it, and finds nothing where it has to say who it is.
        await ben.follows(cleo)
        await world.quiet()
        await cleo.boosts(public)
        await ben.posts("do you hear me", mentioning=[alice])
        await world.quiet()
        assert not alice.sees("do you hear me")
        assert _given(world, since, ALPHA, BETA) == []
        assert not ben.has(public)
        checker.after_step()
        assert [broken for broken in checker.broken if broken.key[0] == "leaks"] == []

    simulate(story, seed=1, settings=settings)


async def test_what_a_blocked_host_said_is_there_again_when_the_block_ends(world: World) -> None:
    world.checker = None  # a break on purpose is no agreement
    alice, ben = await world.people("alice@alpha", "ben@beta")
    await alice.follows(ben)
    await world.quiet()
    post = await ben.posts("still here")
    await world.quiet()
    node = world.node_of(alice)
    await node.suspends(BETA)
    await world.quiet()
    assert not await _finds(alice, post.uri)
    await node.frees(BETA)
    await world.quiet()
    assert await _finds(alice, post.uri)
    assert not await alice.is_following(ben)
    await alice.follows(ben)
    await world.quiet()
    assert await alice.is_following(ben)
    later = await ben.posts("and talking again")
    await world.quiet()
    assert alice.sees(later)


async def _finds(person: object, uri: str) -> bool:
    found = await person.ask("GET", f"/api/v2/search?type=statuses&q={uri}")  # type: ignore[attr-defined]
    return bool(found["statuses"])


async def test_a_limited_host_is_heard_by_those_alone_who_follow(world: World) -> None:
    world.checker = None
    alice, amy, ben = await world.people("alice@alpha", "amy@alpha", "ben@beta")
    await alice.follows(ben)
    await world.quiet()
    await world.node_of(alice).limits(BETA)
    post = await ben.posts("hello you two", mentioning=[alice, amy])
    await world.quiet()
    assert alice.sees(post)
    told = {person.name: await person.ask("GET", "/api/v1/notifications?types[]=mention") for person in (alice, amy)}
    assert (len(told["alice"]), len(told["amy"])) == (1, 0)
    assert await amy.ask("GET", "/api/v1/timelines/public") == []


async def test_whoever_keeps_away_from_a_host_is_followed_by_nobody_there(world: World) -> None:
    alice, ben = await world.people("alice@alpha", "ben@beta")
    await ben.follows(alice)
    await alice.follows(ben)
    await world.quiet()
    await alice.keeps_away_from(BETA)
    await world.quiet()
    assert not await ben.is_following(alice)
    assert not await alice.is_following(ben)
    await ben.follows(alice)
    await world.quiet()
    assert not await ben.is_following(alice)
    secret = await alice.posts("not for those over there", to="followers")
    await world.quiet()
    assert not ben.has(secret)


@pytest.mark.parametrize("is_listed", [True, False])
def test_where_only_listed_hosts_take_part_strangers_get_nothing_in_either_direction(is_listed: bool) -> None:
    async def story(world: World) -> None:
        alice, ben = await world.people("alice@alpha", "ben@beta")
        for person, host in ((alice, BETA), (ben, ALPHA)):
            if is_listed:
                await world.node_of(person).admits(host)
        if not is_listed:
            since = len(world.recording)
            with pytest.raises(Exception, match="finds no"):
                await ben.looks_up(alice)
            assert _given(world, since, ALPHA, BETA) == []
            return
        await ben.follows(alice)
        await world.quiet()
        post = await alice.posts("among ourselves", to="followers")
        await world.quiet()
        assert ben.sees(post)

    simulate(story, seed=2, settings={"ALLOW_LIST": "true"})


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_mixed_world_keeps_every_promise_with_authorized_fetch(seed: int) -> None:
    outcome = play(mixed_scenario(seed), settings=AUTHORIZED, limit_s=None)
    assert outcome.breakage is None, outcome.breakage.sentence + "\n" + outcome.scenario.text
    assert outcome.figures.exchanges > 100


def test_a_world_with_authorized_fetch_repeats_itself() -> None:
    outcomes = [play(mixed_scenario(4), settings=AUTHORIZED, limit_s=None) for _ in range(2)]
    assert outcomes[0].figures.exchanges == outcomes[1].figures.exchanges
    assert str(outcomes[0].breakage) == str(outcomes[1].breakage)
