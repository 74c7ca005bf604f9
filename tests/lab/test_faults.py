"""Each fault does what it says, to both ends, and is written into the record."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fediverse_node.lab.exchange import Exchange
from fediverse_node.lab.faults import STATUSES, FaultKind, Faults, Rule
from fediverse_node.lab.people import Person, Post
from fediverse_node.lab.world import World

_ALPHA, _BETA = "alpha.test", "beta.test"


async def _follower(world: World) -> tuple[Person, Person]:
    alice, ben = await world.people("alice@alpha", "ben@beta")
    await ben.follows(alice)
    await world.quiet()
    return alice, ben


def _creates(world: World) -> list[Exchange]:
    return [
        exchange for exchange in world.recording if exchange.activity.type == "Create" and exchange.sender == _ALPHA
    ]


async def _said_under(world: World, rule: Rule) -> tuple[Person, Post, list[Exchange]]:
    """Ben at beta, a post from alpha said while the rule held for a minute, and the deliveries of that minute."""
    alice, ben = await _follower(world)
    world.faults.add(rule)
    post = await alice.posts("hello")
    await world.wait(seconds=50)
    return ben, post, _creates(world)


def _rule(kind: FaultKind, **more: float) -> Rule:
    return Rule(kind, _ALPHA, _BETA, method="POST", **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("rule", "has_arrived", "is_as_expected"),
    [
        (_rule(FaultKind.DROP), False, lambda x: x.answer is None and "lost" in x.failure),
        (_rule(FaultKind.RESET), False, lambda x: x.answer is None and "reset" in x.failure),
        (_rule(FaultKind.PARTITION), False, lambda x: x.answer is None and "lost" in x.failure),
        (_rule(FaultKind.LOSE_ANSWER), True, lambda x: x.status == 202 and "answer was lost" in x.failure),
        (_rule(FaultKind.DELAY, amount=5), True, lambda x: x.status == 202 and 5000 < x.took_ms < 6000),
        (_rule(FaultKind.DELAY, amount=40), True, lambda x: "did not wait" in x.failure),
        (_rule(FaultKind.REORDER, amount=10), True, lambda x: x.status == 202 and x.took_ms < 11_000),
        (_rule(FaultKind.WRONG_DIGEST), False, lambda x: x.status in (400, 401)),
        (_rule(FaultKind.STALE), False, lambda x: "did not wait" in x.failure),
        (_rule(FaultKind.SLOW), True, lambda x: x.status == 202),
        (_rule(FaultKind.ENDLESS), True, lambda x: x.status == 202),
        (_rule(FaultKind.HUGE), True, lambda x: x.status == 202),
        (_rule(FaultKind.TRUNCATE), True, lambda x: x.status == 202),
        *[(_rule(FaultKind.STATUS, amount=status), False, lambda x, s=status: x.status == s) for status in STATUSES],
    ],
    ids=lambda value: f"{value.kind.word}-{value.amount:.0f}" if isinstance(value, Rule) else "",
)
async def test_a_fault_of_a_delivery_does_what_it_says(
    world: World, rule: Rule, has_arrived: bool, is_as_expected: Callable[[Exchange], bool]
) -> None:
    ben, post, exchanges = await _said_under(world, rule)
    assert ben.has(post) is has_arrived
    assert is_as_expected(exchanges[0]), exchanges[0].line
    assert rule.sentence in exchanges[0].fault


async def test_a_request_that_arrives_twice_has_one_effect(world: World) -> None:
    ben, post, exchanges = await _said_under(world, _rule(FaultKind.DUPLICATE))
    assert [exchange.status for exchange in exchanges] == [202, 202]
    assert exchanges[1].fault == "a copy made on the way"
    assert exchanges[0].request == exchanges[1].request
    assert ben.sees_texts() == ["hello"]
    assert ben.sees(post)


async def test_a_request_that_is_a_day_old_is_refused_when_it_comes(world: World) -> None:
    ben, post, exchanges = await _said_under(world, _rule(FaultKind.STALE))
    world.faults.heal()
    await world.wait(hours=14)
    assert exchanges[0].status in (202, 401), (
        "the same post was delivered meanwhile, the old request counts for nothing"
    )
    assert ben.sees_texts() == ["hello"]
    assert ben.sees(post)


@pytest.mark.parametrize(
    "kind", [FaultKind.SLOW, FaultKind.ENDLESS, FaultKind.HUGE, FaultKind.TRUNCATE, FaultKind.DROP, FaultKind.RESET]
)
async def test_a_bad_answer_to_a_fetch_is_got_over(world: World, kind: FaultKind) -> None:
    alice, ben = await _follower(world)
    world.faults.add(Rule(kind, _BETA, _ALPHA, method="GET"))
    post = await alice.posts("known to nobody yet", to="public")
    stranger = await world.person("cleo@gamma")
    world.faults.add(Rule(kind, "gamma.test", _ALPHA, method="GET"))
    began = world.now
    found = await stranger.ask("GET", f"/api/v2/search?type=statuses&resolve=true&q={post.uri}")
    assert found["statuses"] == []
    assert (world.now - began).total_seconds() < 61, "nobody waits for ever"
    world.faults.heal()
    await world.wait(minutes=6)
    found = await stranger.ask("GET", f"/api/v2/search?type=statuses&resolve=true&q={post.uri}")
    assert [status["uri"] for status in found["statuses"]] == [post.uri]
    assert ben.sees(post)


async def test_a_rule_holds_from_when_until_when_it_says(world: World) -> None:
    alice, ben = await _follower(world)
    now_s = world.network.loop.time()
    world.faults.add(Rule(FaultKind.DROP, _ALPHA, _BETA, from_s=now_s + 60, until_s=now_s + 120))
    early = await alice.posts("before")
    await world.wait(seconds=30)
    assert ben.has(early)
    await world.wait(seconds=40)
    late = await alice.posts("during")
    await world.wait(seconds=30)
    assert not ben.has(late)
    await world.quiet()
    assert ben.has(late)


async def test_people_reach_their_own_node_whatever_is_between_the_servers(world: World) -> None:
    alice = await world.person("alice@alpha")
    world.faults.add(Rule(FaultKind.DROP))
    await alice.posts("still here")
    assert alice.sees("still here")


def test_a_rule_that_is_taken_away_changes_no_others_luck() -> None:
    drop, delay = Rule(FaultKind.DROP, chance=0.5), Rule(FaultKind.DELAY, chance=0.5, amount=3)
    both, alone = Faults("9", [drop, delay]), Faults("9", [delay])

    def delays(faults: Faults) -> list[bool]:
        drawn = [faults.draw(_ALPHA, _BETA, "POST", now_s=0) for n in range(200)]
        return [any(draw.rule is delay for draw in draws) for draws in drawn]

    assert delays(both) == delays(alone)
    assert 60 < sum(delays(alone)) < 140
    assert delays(Faults("10", [delay])) != delays(alone)


def test_two_hosts_are_parted_in_both_directions_and_others_are_not() -> None:
    faults = Faults("1", [Rule(FaultKind.PARTITION, _ALPHA, _BETA, until_s=10)])
    assert faults.is_parted(_ALPHA, _BETA, 5)
    assert faults.is_parted(_BETA, _ALPHA, 5)
    assert not faults.is_parted(_ALPHA, "gamma.test", 5)
    assert not faults.is_parted(_ALPHA, _BETA, 10)
