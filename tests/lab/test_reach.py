"""What is edited or taken back is told to everybody who has it, not only to followers."""

from __future__ import annotations

from fediverse_node.lab.world import World


async def test_edits_and_deletes_reach_those_who_liked_a_post_without_following(world: World) -> None:
    alice, ben, cleo = await world.people("alice@alpha", "ben@beta", "cleo@gamma")
    await ben.follows(alice)
    await cleo.follows(ben)
    await world.quiet()
    post = await alice.posts("hello")
    await world.quiet()
    await ben.boosts(post)
    await world.quiet()
    await cleo.likes(post)
    await world.quiet()
    edited = await alice.edits(post, "hello, all")
    await world.quiet()
    assert cleo.sees(edited)
    await alice.deletes(edited)
    await world.quiet()
    assert not ben.has(post)
    assert not cleo.has(post)


async def test_new_words_for_followers_do_not_reach_those_who_liked_the_old_ones_and_left(world: World) -> None:
    alice, ben = await world.people("alice@alpha", "ben@beta")
    await ben.follows(alice)
    await world.quiet()
    post = await alice.posts("for followers", to="followers")
    await world.quiet()
    await ben.likes(post)
    await world.quiet()
    await ben.unfollows(alice)
    await world.quiet()
    await alice.edits(post, "for those who stayed")
    await world.quiet()
    assert not any(
        "for those who stayed" in each.request.text for each in world.recording if each.sender == "alpha.test"
    )
    await alice.deletes(post)
    await world.quiet()
    assert not ben.has(post)


async def test_a_deleted_poll_is_gone_where_somebody_voted(world: World) -> None:
    alice, ben = await world.people("alice@alpha", "ben@beta")
    poll = await alice.posts("tea or coffee?", poll=["tea", "coffee"])
    await ben.votes(poll, 1)
    await world.quiet()
    await alice.deletes(poll)
    await world.quiet()
    assert not ben.has(poll)
