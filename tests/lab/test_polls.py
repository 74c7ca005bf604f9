"""A poll between servers: its counts reach everybody while it runs, few at a time, and nobody votes after its end."""

from __future__ import annotations

import pytest

from fediverse_node.lab.app_client import Refused
from fediverse_node.lab.people import Person, Post
from fediverse_node.lab.world import World


async def _counts(person: Person, post: Post) -> tuple[list[int | None], int | None]:
    poll = (await person.looks_at(post))["poll"]
    return [option["votes_count"] for option in poll["options"]], poll["voters_count"]


def _updates(world: World, receiver: str) -> int:
    exchanges = (exchange for exchange in world.recording.exchanges if exchange.receiver == receiver)
    return sum("POST /inbox Update" in exchange.line for exchange in exchanges)


async def test_votes_are_told_to_other_servers_while_the_poll_runs_and_not_one_by_one(world: World) -> None:
    alice, ben, cleo, dan = await world.people("alice@alpha", "ben@beta", "cleo@gamma", "dan@alpha")
    for reader in (ben, cleo, dan):
        await reader.follows(alice)
    await world.quiet()
    post = await alice.posts("tea or coffee", poll=("tea", "coffee"), poll_open_s=86_400)
    await world.quiet()
    for voter, choice in ((ben, 0), (cleo, 0), (dan, 1)):
        await voter.votes(post, choice)
    await world.quiet()
    assert await _counts(alice, post) == ([2, 1], 3)
    before = _updates(world, "beta.test")
    await world.wait(minutes=15)
    await world.quiet()
    assert await _counts(ben, post) == await _counts(cleo, post) == ([2, 1], 3)
    assert _updates(world, "beta.test") - before == 1


async def test_hidden_totals_are_told_at_the_end_only(world: World) -> None:
    alice, ben, cleo = await world.people("alice@alpha", "ben@beta", "cleo@gamma")
    for reader in (ben, cleo):
        await reader.follows(alice)
    await world.quiet()
    said = await alice.ask(
        "POST",
        "/api/v1/statuses",
        status="a secret vote",
        poll={"options": ["tea", "coffee"], "expires_in": 3600, "hide_totals": True},
    )
    post = Post(said["uri"], alice.address, "a secret vote", "public")
    await world.quiet()
    await ben.votes(post, 0)
    await world.wait(minutes=30)
    await world.quiet()
    assert (await _counts(cleo, post))[0] == [0, 0]
    await world.wait(hours=1)
    await world.quiet()
    assert (await _counts(cleo, post))[0] == [1, 0]
    with pytest.raises(Refused):
        await cleo.votes(post, 1)
