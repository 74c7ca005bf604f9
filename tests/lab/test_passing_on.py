"""Answers that are passed on between simulated nodes: the whole thread, also where nobody follows who answers."""

from __future__ import annotations

from fediverse_node.lab.people import Person, Post
from fediverse_node.lab.world import World
from fediverse_node.storage.queries import looking


def _has(world: World, person: Person, post: Post) -> bool:
    return bool(world.node_of(person).database.read(looking.ONE, object_uri=post.uri))


async def _thread(world: World) -> tuple[Person, Person, Person, Post]:
    """Alice has a reader, cleo, whose server has never heard of ben, who answers."""
    alice, ben, cleo = await world.people("alice@alpha", "ben@beta", "cleo@gamma")
    for reader in (cleo, ben):
        await reader.follows(alice)
    await world.quiet()
    post = await alice.posts("Who has seen my boat?")
    await world.quiet()
    return alice, ben, cleo, post


async def test_an_answer_reaches_the_readers_of_the_thread_and_what_becomes_of_it_too(world: World) -> None:
    alice, ben, cleo, post = await _thread(world)
    answer = await ben.replies(post, "I have")
    await world.quiet()
    assert "I have" in (await cleo.looks_at(answer))["content"]
    await ben.edits(answer, "I have not")
    await world.quiet()
    assert "I have not" in (await cleo.looks_at(answer))["content"]
    await ben.deletes(answer)
    await world.quiet()
    assert [_has(world, each, answer) for each in (alice, cleo)] == [False, False]


async def test_it_is_believed_while_its_authors_server_is_away(world: World) -> None:
    """Its key has to be known: somebody there has met ben before."""
    alice, ben, cleo, post = await _thread(world)
    await cleo.follows(ben)
    await world.quiet()
    await cleo.unfollows(ben)
    await world.quiet()
    await world.node_of(cleo).stop()
    answer = await ben.replies(post, "I have")
    await world.wait(minutes=1)
    assert _has(world, alice, answer)
    await world.node_of(ben).stop()
    await world.node_of(cleo).start()
    await world.quiet()
    assert "I have" in (await cleo.looks_at(answer))["content"]


async def test_private_answers_are_passed_on_to_nobody(world: World) -> None:
    alice, ben, cleo, post = await _thread(world)
    answers = [await ben.replies(post, "for you alone", to=audience) for audience in ("direct", "followers")]
    await world.quiet()
    assert _has(world, alice, answers[0])
    assert [_has(world, cleo, each) for each in answers] == [False, False]
