"""Whoever takes part in a conversation has the whole of it at home, in the end, whatever happens between the nodes."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from fediverse_node.lab.faults import FaultKind, Rule
from fediverse_node.lab.people import Person, Post
from fediverse_node.lab.world import World

_HOSTS = ("alpha.test", "beta.test", "gamma.test", "delta.test", "epsilon.test")


async def _street(world: World) -> list[Person]:
    """Five people on five nodes; each hears only the next but one."""
    people = await world.people("alice@alpha", "ben@beta", "carol@gamma", "dave@delta", "erin@epsilon")
    alice, ben, carol, dave, erin = people
    for follower, followed in ((ben, alice), (carol, ben), (dave, carol), (erin, alice)):
        await follower.follows(followed)
    await world.quiet()
    return people


async def _talk(people: Sequence[Person], world: World) -> list[Post]:
    """A question, and answers to it and to each other that no node hears all of."""
    alice, ben, carol, dave, erin = people
    question = await alice.posts("where to?")
    await world.wait(minutes=1)
    said = [question, await ben.replies(question, "north"), await erin.replies(question, "south")]
    await world.wait(minutes=1)
    said.append(await carol.replies(said[1], "too cold"))
    await world.wait(minutes=1)
    said.append(await dave.replies(said[3], "take a coat"))
    await world.wait(minutes=1)
    said.append(await carol.replies(said[4], "I have none", to="unlisted"))
    return said


def _lacks(people: Sequence[Person], posts: Sequence[Post]) -> dict[str, list[str]]:
    found = {person.home.host: [post.text for post in posts if not person.has(post)] for person in people}
    return {host: texts for host, texts in found.items() if texts}


async def test_everybody_who_takes_part_has_the_whole_conversation(world: World) -> None:
    people = await _street(world)
    said = await _talk(people, world)
    assert "take a coat" in _lacks(people, said)["alpha.test"], "nobody told alpha, or this proves nothing"
    await world.quiet()
    await world.wait(hours=1)
    await world.quiet()
    assert _lacks(people, said) == {}
    for person in people:
        thread = await person.reads_thread(said[0])
        assert len(thread["descendants"]) == 5
        assert thread["completeness"]["whole"], (person, thread["completeness"])


@pytest.mark.lab(seeds=1)
@pytest.mark.parametrize(
    ("kind", "chance"),
    [(FaultKind.DROP, 0.4), (FaultKind.PARTITION, 1.0), (FaultKind.DELAY, 0.5), (FaultKind.STATUS, 0.5)],
    ids=lambda value: value.word if isinstance(value, FaultKind) else "",
)
async def test_after_healing_nothing_of_it_is_missing(world: World, kind: FaultKind, chance: float) -> None:
    people = await _street(world)
    amount = {FaultKind.STATUS: 503, FaultKind.DELAY: 40}.get(kind, 0)
    broken = [Rule(kind, one, other, chance=chance, amount=amount) for one, other in (_HOSTS[:2], _HOSTS[2:4])]
    broken += [Rule(kind, rule.receiver, rule.sender, chance=chance, amount=amount) for rule in broken]
    question = await people[0].posts("where to?")
    await world.quiet()
    for rule in broken:
        world.faults.add(rule)
    said = [question, await people[1].replies(question, "north"), await people[4].replies(question, "south")]
    await world.wait(hours=1)
    for rule in broken:
        world.faults.remove(rule)
    await world.quiet()
    said.append(await people[2].replies(said[1], "too cold"))
    await world.quiet()
    said.append(await people[3].replies(said[3], "take a coat"))
    await world.quiet()
    await world.wait(hours=8)
    await world.quiet()
    assert _lacks(people, said) == {}


async def test_what_is_not_for_everybody_is_brought_to_nobody(world: World) -> None:
    people = await _street(world)
    alice, ben, carol, _, erin = people
    question = await alice.posts("where to?")
    await world.quiet()
    answer = await ben.replies(question, "north")
    secret = await ben.posts("not with erin", to="followers", replying_to=answer)
    other = await erin.replies(question, "south")
    await world.quiet()
    assert carol.has(secret)
    await carol.replies(answer, "too cold")
    await world.quiet()
    await world.wait(hours=2)
    await erin.reads_thread(other)
    await world.quiet()
    assert not erin.has(secret)
    assert not alice.has(secret)
    thread = await erin.reads_thread(question)
    assert thread["completeness"]["private"] == thread["completeness"]["refused"] == 0


async def test_a_crash_in_the_middle_of_a_walk_is_made_good(world: World) -> None:
    people = await _street(world)
    said = await _talk(people, world)
    alpha = world.node_of(people[0])
    world.faults.add(Rule(FaultKind.DELAY, "alpha.test", "beta.test", method="GET", amount=8))
    await world.wait(seconds=65)
    await alpha.crash()
    world.faults.heal()
    await alpha.start()
    await world.quiet()
    await world.wait(hours=1)
    await world.quiet()
    assert _lacks(people, said) == {}


async def test_reading_a_thread_brings_what_is_missing_to_somebody_who_takes_no_part(world: World) -> None:
    people = await _street(world)
    said = await _talk(people, world)
    frank = await world.person("frank@zeta")
    await world.quiet()
    first = await frank.reads_thread(said[0])
    assert first["descendants"] == []
    await world.quiet()
    await world.wait(minutes=10)
    assert _lacks([frank], said) == {}
    again = await frank.reads_thread(said[0])
    assert [len(again["ancestors"]), len(again["descendants"])] == [0, 5]
