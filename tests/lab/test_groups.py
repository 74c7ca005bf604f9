"""A group between three nodes, and reactions: joined, written in, answered, liked, edited and deleted."""

from __future__ import annotations

from fediverse_node.lab.people import Person, Post
from fediverse_node.lab.world import World


async def reactions_seen_by(person: Person, post: Post) -> list[tuple[str, int, bool]]:
    return [(each["name"], each["count"], each["me"]) for each in (await person.looks_at(post))["reactions"]]


async def test_members_of_a_group_read_each_other_without_following_each_other(world: World) -> None:
    alice, ben, cleo, dora = await world.people("alice@alpha", "ben@beta", "cleo@gamma", "dora@gamma")
    boats = await world.group("boats@alpha")
    for member in (alice, ben, cleo):
        await member.follows(boats)
    await world.quiet()
    post = await ben.posts("mine is red", mentioning=[boats])
    await world.quiet()
    for member in (alice, cleo):
        assert member.sees(post), member
    assert not dora.sees(post), "she is no member"
    # The whole conversation reaches everybody, and is nobody's news.
    answer = await cleo.replies(post, "mine is blue", mentioning=[boats])
    await world.quiet()
    for member in (alice, ben):
        assert member.has(answer), member
        thread = await member.reads_thread(post)
        assert [each["uri"] for each in thread["descendants"]] == [answer.uri], member
    assert not alice.sees(answer)
    await cleo.likes(post)
    await world.quiet()
    assert (await ben.looks_at(post))["favourites_count"] == 1
    edited = await ben.edits(post, "mine is green")
    await world.quiet()
    for member in (alice, cleo):
        assert "green" in (await member.looks_at(edited))["content"], member
    await ben.deletes(edited)
    await world.quiet()
    for member in (alice, cleo):
        assert not member.has(edited), member


async def test_what_a_stranger_writes_to_a_group_reaches_no_member(world: World) -> None:
    alice, ben = await world.people("alice@alpha", "ben@beta")
    boats = await world.group("boats@alpha")
    await alice.follows(boats)
    await world.quiet()
    post = await ben.posts("buy my boat", mentioning=[boats])
    await world.quiet()
    assert boats.sees(post)
    assert not alice.sees(post)


async def test_reactions_are_seen_by_the_author_and_end_when_they_are_taken_back(world: World) -> None:
    alice, ben, cleo = await world.people("alice@alpha", "ben@beta", "cleo@gamma")
    await ben.follows(alice)
    await cleo.follows(alice)
    await world.quiet()
    post = await alice.posts("the first tomato of the year")
    await world.quiet()
    await ben.reacts(post, "\U0001f525")
    await ben.reacts(post, "\U0001f345")
    await cleo.reacts(post, "\U0001f525")
    await world.quiet()
    assert await reactions_seen_by(alice, post) == [("\U0001f525", 2, False), ("\U0001f345", 1, False)]
    assert (await alice.looks_at(post))["favourites_count"] == 2
    assert (await reactions_seen_by(ben, post))[0] == ("\U0001f525", 1, True)
    await ben.unreacts(post, "\U0001f525")
    await world.quiet()
    assert await reactions_seen_by(alice, post) == [("\U0001f345", 1, False), ("\U0001f525", 1, False)]
    assert (await alice.looks_at(post))["favourites_count"] == 2
