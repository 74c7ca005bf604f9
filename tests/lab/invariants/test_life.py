"""Where nothing is broken, nothing is reported: in good times, under faults, through crashes, on both engines."""

from __future__ import annotations

import pytest

from fediverse_node.lab.databases import Databases
from fediverse_node.lab.faults import FaultKind, Rule
from fediverse_node.lab.invariants import Checker
from fediverse_node.lab.world import World
from tests.lab.invariants.life import BETA, PASSING, broken_in, life


def test_ordinary_life_breaks_nothing() -> None:
    assert broken_in(life) == []


@pytest.mark.parametrize("seed", range(4))
def test_life_under_passing_faults_breaks_nothing(seed: int) -> None:
    assert broken_in(life, seed=seed, rules=PASSING) == []


def test_life_on_postgresql_breaks_nothing(postgres_worlds: Databases) -> None:
    assert broken_in(life, rules=PASSING, databases=postgres_worlds) == []


@pytest.mark.parametrize(
    "rule",
    [
        Rule(FaultKind.STATUS, "alpha.test", BETA, amount=410, chance=0.5),
        Rule(FaultKind.STATUS, BETA, "alpha.test", amount=404, chance=0.5),
        Rule(FaultKind.WRONG_DIGEST, chance=0.3),
        Rule(FaultKind.STALE, "alpha.test", BETA, chance=0.3, method="POST"),
        Rule(FaultKind.TRUNCATE, chance=0.3),
        Rule(FaultKind.PARTITION, "alpha.test", BETA, from_s=3.0),
    ],
    ids=lambda rule: rule.kind.word,
)
def test_what_the_lab_itself_has_lost_is_not_held_against_the_nodes(rule: Rule) -> None:
    assert broken_in(_short_life, rules=[rule]) == []


async def _short_life(world: World, checker: Checker) -> None:
    alice, ben = await world.people("alice@alpha", "ben@beta")
    world.faults.rules, rules = [], world.faults.rules
    await ben.follows(alice)
    await world.quiet()
    world.faults.rules = rules
    posts = [await alice.posts(f"for all who listen {n}") for n in range(6)]
    await alice.posts("for those who follow me", to="followers")
    await world.wait(minutes=5)
    checker.after_step()
    for post in posts[:3]:
        await alice.edits(post, f"{post.text}, and more of it")
    for post in posts[3:]:
        await alice.deletes(post)
    await world.quiet()
    checker.at_quiet()


async def _crashing(world: World, checker: Checker) -> None:
    alice, ben = await world.people("alice@alpha", "ben@beta")
    await ben.follows(alice)
    await world.quiet()
    checker.at_quiet()
    for n in range(5):
        post = await alice.posts(f"said before number {n} fell", to="followers")
        node = world.node_of(alice if n % 2 else ben)
        await node.crash()
        checker.after_step()
        await world.wait(minutes=2)
        await node.start()
        await world.quiet()
        checker.at_quiet()
        await ben.likes(post)
    world.node_of(ben).fill_disk()
    await alice.posts("a post for which there is no room", to="followers")
    await world.wait(minutes=20)
    checker.after_step()
    world.node_of(ben).free_disk()


def test_crashes_and_a_full_disk_break_nothing() -> None:
    assert broken_in(_crashing, rules=PASSING[:3]) == []
