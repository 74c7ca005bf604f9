"""Moving to another server, and new keys: what a local actor can ask of its own node."""

from __future__ import annotations

import pytest

from fediverse_node.base.errors import NodeError
from fediverse_node.lab.world import World
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
