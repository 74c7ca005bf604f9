"""Personas in a simulated world: with its time, its faults and its record."""

from __future__ import annotations

import pytest

from fediverse_node.lab.personas import PERSONAS
from fediverse_node.lab.world import World, simulate


@pytest.mark.parametrize("software", PERSONAS)
async def test_everybody_is_followed_read_and_answered(world: World, software: str) -> None:
    alice = await world.person(f"alice@{software}-readers")
    persona = await world.persona(software)
    carl = persona.person("carl")
    await alice.follows(carl)  # type: ignore[arg-type]
    await world.quiet()
    post = await carl.posts("the boat is red")
    await world.quiet()
    assert alice.sees("the boat is red")
    found = await alice.ask("GET", f"/api/v2/search?type=statuses&resolve=true&q={post.uri}")
    status = found["statuses"][0]
    said = f"@{carl.address} it was blue"
    await alice.ask("POST", "/api/v1/statuses", status=said, in_reply_to_id=status["id"])
    await world.quiet()
    assert carl.sees("it was blue")
    assert len(post.replies) == 1
    assert persona.troubles == []
    assert persona.refused == []


async def test_a_delivery_that_failed_is_repeated_until_it_arrives(world: World) -> None:
    alice = await world.person("alice@alpha")
    mastodon = await world.persona("mastodon")
    carl = mastodon.person("carl")
    await alice.follows(carl)  # type: ignore[arg-type]
    await world.quiet()
    await world.nodes["alpha.test"].stop()
    await carl.posts("is anybody there?")
    assert mastodon.sent[-1].status is None
    assert mastodon.pending() == 1
    await world.wait(minutes=5)
    assert mastodon.pending() == 1
    await world.nodes["alpha.test"].start()
    await world.wait(hours=6)
    assert mastodon.pending() == 0
    assert alice.sees("is anybody there?")
    assert mastodon.sent[-1].status == 202


async def test_pixelfed_tries_once(world: World) -> None:
    alice = await world.person("alice@beta")
    pixelfed = await world.persona("pixelfed")
    pia = pixelfed.person("pia")
    await alice.follows(pia)  # type: ignore[arg-type]
    await world.quiet()
    await world.nodes["beta.test"].stop()
    await pia.posts("nobody sees this")
    await world.wait(days=2)
    assert len([each for each in pixelfed.sent if each.activity["type"] == "Create"]) == 1


async def _crowd(world: World) -> bytes:
    alice = await world.person("alice@alpha")
    for software in PERSONAS:
        persona = await world.persona(software)
        ann = persona.person("ann")
        await alice.follows(ann)  # type: ignore[arg-type]
        await world.quiet()
        await ann.posts(f"hello from {software}", title="Hello")
    await world.quiet()
    assert all(alice.sees(f"hello from {software}") for software in PERSONAS)
    return world.recording.dump()


def test_a_crowd_of_all_of_them_says_the_same_with_the_same_seed() -> None:
    first = simulate(_crowd, seed=3)
    assert first == simulate(_crowd, seed=3)
    assert first != simulate(_crowd, seed=4)
