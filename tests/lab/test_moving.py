"""Moving to another server, and new keys: what a local actor can ask of its own node."""

from __future__ import annotations

import pytest

from fediverse_node.base.errors import NodeError
from fediverse_node.lab.app_client import Refused
from fediverse_node.lab.faults import FaultKind, Rule
from fediverse_node.lab.world import World, simulate
from fediverse_node.storage.queries import looking


async def test_nobody_moves_to_somebody_who_does_not_name_them(world: World) -> None:
    alice, ben, mallory = await world.people("alice@alpha", "ben@beta", "mallory@gamma")
    await ben.follows(alice)
    await world.quiet()
    with pytest.raises(NodeError, match="does not name the old one"):
        await world.node_of(alice).move("alice", mallory.uri)
    await world.quiet()
    assert await ben.is_following(alice)
    assert not await ben.is_following(mallory)


async def test_whoever_moved_says_so_in_their_document_and_the_new_account_names_the_old(world: World) -> None:
    old, new, ben = await world.people("alice@alpha", "alice@gamma", "ben@beta")
    await ben.follows(old)
    await world.quiet()
    await world.move(old, new)
    await world.quiet()
    [row] = world.node_of(ben).database.read(looking.ACTOR, actor_uri=old.uri)
    assert row["moved_to_uri"] == new.uri
    [row] = world.node_of(ben).database.read(looking.ACTOR, actor_uri=new.uri)
    assert old.uri in row["also_known_as"]
    assert [act.verb for act in world.ledger.acts if act.verb == "moves"] == ["moves"]


async def test_an_alias_is_named_once(world: World) -> None:
    old, new = await world.people("alice@alpha", "alice@gamma")
    node = world.node_of(new)
    for _ in range(2):
        await node.add_alias("alice", old.uri)
    [row] = node.database.read(looking.ACTOR, actor_uri=new.uri)
    assert row["also_known_as"].count(old.uri) == 1


async def test_keys_are_renewed_only_for_somebody_who_lives_here(world: World) -> None:
    alice = await world.person("alice@alpha")
    node = world.node_of(alice)
    with pytest.raises(NodeError, match=r"there is no nobody at alpha\.test"):
        await node.rotate_key("nobody")
    registration = node.node.core.registration
    assert not await node.inside(registration.renew_keys("https://beta.test/users/ben"))


@pytest.mark.lab(check=False)
async def test_a_move_that_was_lost_is_found_when_somebody_opens_the_profile(world: World) -> None:
    old, new, ben = await world.people("alice@alpha", "alice@gamma", "ben@beta")
    await ben.follows(old)
    await world.quiet()
    world.faults.add(Rule(FaultKind.PARTITION, "alpha.test", "beta.test"))
    await world.move(old, new)
    await world.wait(days=9)
    world.faults.heal()
    await world.quiet()
    assert await ben.is_following(old)
    await ben.ask("GET", f"/api/v1/accounts/{await ben.looks_up(old)}")
    await world.quiet()
    assert await ben.is_following(new)
    assert not await ben.is_following(old)


@pytest.mark.parametrize("seed", range(3))
def test_a_move_through_a_bad_network_loses_nobody(seed: int) -> None:
    async def story(world: World) -> None:
        old, new, *readers = await world.people("alice@alpha", "alice@gamma", *(f"reader{n}@beta" for n in range(5)))
        for reader in readers:
            await reader.follows(old)
        await world.quiet()
        for kind in (FaultKind.DROP, FaultKind.LOSE_ANSWER, FaultKind.DUPLICATE, FaultKind.REORDER):
            world.faults.add(Rule(kind, chance=0.3, amount=30, method="POST"))
        await world.move(old, new)
        await world.wait(hours=2)
        world.faults.heal()
        await world.quiet()
        assert [await reader.is_following(new) for reader in readers] == [True] * 5
        assert [await reader.is_following(old) for reader in readers] == [False] * 5
        post = await new.posts("here I am", to="followers")
        await world.quiet()
        assert all(reader.sees(post) for reader in readers)

    simulate(story, seed=seed)


async def test_whoever_has_moved_says_nothing_until_they_are_back(world: World) -> None:
    old, new, ben = await world.people("alice@alpha", "alice@gamma", "ben@beta")
    await ben.follows(new)
    await world.quiet()
    await world.move(old, new)
    await world.quiet()
    with pytest.raises(Refused):
        await old.posts("am I still here")
    with pytest.raises(Refused):
        await old.follows(ben)
    account = await ben.ask("GET", f"/api/v1/accounts/{await ben.looks_up(old)}")
    assert account["moved"]["uri"] == new.uri
    node = world.node_of(old)
    [row] = node.database.read(looking.ACTOR, actor_uri=old.uri)
    assert await node.inside(node.node.outbox.come_back(row["id"])) is None
    await world.quiet()
    await old.posts("here again")
    # Nobody at beta follows, so nobody told it: it sees when it looks again.
    await world.wait(hours=25)
    await ben.ask("GET", f"/api/v1/accounts/{await ben.looks_up(old)}")
    await world.quiet()
    await ben.follows(old)
    await world.quiet()
    assert await ben.is_following(old)
