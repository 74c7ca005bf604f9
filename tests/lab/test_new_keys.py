"""New keys in simulated worlds: nobody notices, neither while the old ones count nor when they have ended."""

from __future__ import annotations

import pytest

from fediverse_node.base.errors import NodeError
from fediverse_node.lab.world import World


async def test_followers_elsewhere_read_on_over_new_keys_and_over_their_end(world: World) -> None:
    alice, ben, cleo = await world.people("alice@alpha", "ben@beta", "cleo@gamma")
    for reader in (ben, cleo):
        await reader.follows(alice)
    await world.quiet()
    posts = [await alice.posts("before")]
    await world.node_of(alice).rotate_keys("alice")
    posts.append(await alice.posts("at once, with keys that the server has in memory"))
    await world.quiet()
    await world.wait(minutes=1)
    posts.append(await alice.posts("with the new keys"))
    await world.quiet()
    await world.wait(days=8)
    posts.append(await alice.posts("after the old ones have ended"))
    await world.quiet()
    for post in posts:
        for reader in (ben, cleo):
            assert (await reader.looks_at(post))["content"] == f"<p>{post.text}</p>"


async def test_an_answer_comes_home_to_somebody_with_new_keys(world: World) -> None:
    alice, ben = await world.people("alice@alpha", "ben@beta")
    await ben.follows(alice)
    await world.quiet()
    post = await alice.posts("hello")
    await world.quiet()
    await world.node_of(alice).rotate_keys("alice")
    await world.node_of(ben).rotate_keys("ben")
    await world.wait(minutes=1)
    answer = await ben.replies(post, "and hello to you")
    await world.quiet()
    assert (await alice.looks_at(answer))["in_reply_to_id"] == (await alice.looks_at(post))["id"]


async def test_nobody_who_does_not_live_here_gets_new_keys(world: World) -> None:
    alice = await world.person("alice@alpha")
    with pytest.raises(NodeError, match=r"there is no nobody at alpha\.test"):
        await world.node_of(alice).rotate_keys("nobody")
