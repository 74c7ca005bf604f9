"""Who may answer, like and boost: posts that say so, between nodes that respect it, and a stranger who does not."""

from __future__ import annotations

from typing import Any

import pytest

from fediverse_node.lab.app_client import Refused
from fediverse_node.lab.people import Person, Post
from fediverse_node.lab.world import World

ASKED = {"always": ["author", "mentioned"], "with_approval": ["public"]}
CLOSED = {"always": ["author"]}


@pytest.fixture
async def people(world: World) -> list[Person]:
    """Alice writes, Ben answers, Cleo on a third server follows both."""
    alice, ben, cleo = await world.people("alice@alpha", "ben@beta", "cleo@gamma")
    for reader, read in ((cleo, alice), (cleo, ben), (ben, alice)):
        await reader.follows(read)
    await world.quiet()
    return [alice, ben, cleo]


async def below(person: Person, post: Post) -> list[str]:
    """The addresses of the answers that somebody's app shows below a post."""
    id_ = (await person.looks_at(post))["id"]
    context = await person.ask("GET", f"/api/v1/statuses/{id_}/context")
    return [status["uri"] for status in context["descendants"]]


async def waiting(person: Person) -> list[dict[str, Any]]:
    """What waits for somebody's approval."""
    found: list[dict[str, Any]] = await person.ask("GET", "/api/v1/interaction_requests")
    return found


async def test_an_answer_waits_until_its_author_agrees(world: World, people: list[Person]) -> None:
    alice, ben, cleo = people
    post = await alice.posts("what do you think?", may_reply=ASKED)
    await world.quiet()
    reply = await ben.replies(post, "I think so")
    await world.quiet()
    assert (await ben.looks_at(reply))["approval"] == "pending"
    assert not cleo.has(reply), "nobody else was sent it"
    [request] = await waiting(alice)
    assert (request["type"], request["reply"]["uri"], request["account"]["acct"]) == (
        "reply",
        reply.uri,
        "ben@beta.test",
    )
    await alice.ask("POST", f"/api/v1/interaction_requests/{request['id']}/authorize")
    await world.quiet()
    for person in people:
        assert await below(person, post) == [reply.uri], person
    status = await ben.looks_at(reply)
    assert ("approval" in status, status["visibility"]) == (False, "public")
    assert await waiting(alice) == []
    assert (await alice.looks_at(post))["replies_count"] == 1


async def test_an_answer_that_is_not_wanted_is_seen_by_nobody_else(world: World, people: list[Person]) -> None:
    alice, ben, cleo = people
    post = await alice.posts("what do you think?", may_reply=ASKED)
    await world.quiet()
    reply = await ben.replies(post, "nonsense")
    await world.quiet()
    [request] = await waiting(alice)
    await alice.ask("POST", f"/api/v1/interaction_requests/{request['id']}/reject")
    await world.quiet()
    assert (await ben.looks_at(reply))["approval"] == "rejected"
    assert await below(cleo, post) == []
    assert not cleo.has(reply)


async def test_whoever_likes_an_answer_that_waits_has_approved_of_it(world: World, people: list[Person]) -> None:
    alice, ben, cleo = people
    post = await alice.posts("what do you think?", may_reply=ASKED)
    await world.quiet()
    reply = await ben.replies(post, "I think so")
    await world.quiet()
    assert alice.sees(reply), "she is told of it like of any other"
    await alice.likes(reply)
    await world.quiet()
    assert await below(cleo, post) == [reply.uri]


async def test_a_post_that_nobody_may_answer_is_answered_by_nobody(world: World, people: list[Person]) -> None:
    alice, ben, _ = people
    post = await alice.posts("just saying", may_reply=CLOSED)
    await world.quiet()
    with pytest.raises(Refused) as refused:
        await ben.replies(post, "but")
    assert refused.value.status == 403
    assert "does not take answers" in str(refused.value)
    more = await alice.replies(post, "and another thing", mentioning=[ben])
    await world.quiet()
    answer = await ben.replies(more, "to that I may say something")
    await world.quiet()
    assert answer.uri in await below(alice, post)


async def test_a_post_for_the_answers_of_followers_proves_to_others_who_they_are(
    world: World, people: list[Person]
) -> None:
    alice, ben, cleo = people
    post = await alice.posts("among friends", may_reply={"always": ["author", "followers"]})
    await world.quiet()
    reply = await ben.replies(post, "hello", mentioning=[])
    await world.quiet()
    assert (await ben.looks_at(reply))["visibility"] == "public", "her server answered at once"
    assert await below(cleo, post) == [reply.uri]
    assert await waiting(alice) == []
    dave = await world.person("dave@delta")
    with pytest.raises(Refused):
        await dave.replies(post, "let me in")


async def test_a_boost_and_a_like_wait_too(world: World, people: list[Person]) -> None:
    alice, ben, cleo = people
    rules = {"can_favourite": {"with_approval": ["public"]}, "can_reblog": {"with_approval": ["public"]}}
    status = await alice.ask("POST", "/api/v1/statuses", status="psst", interaction_policy=rules)
    post = Post(status["uri"], alice.address, "psst", "public")
    await world.quiet()
    await ben.likes(post)
    await ben.boosts(post)
    await world.quiet()
    assert (await alice.looks_at(post))["favourites_count"] == 0
    assert (await ben.looks_at(post))["favourited"] is True, "as far as he can see"
    requests = await waiting(alice)
    assert sorted(request["type"] for request in requests) == ["favourite", "reblog"]
    for request in requests:
        await alice.ask("POST", f"/api/v1/interaction_requests/{request['id']}/authorize")
    await world.quiet()
    seen = await alice.looks_at(post)
    assert (seen["favourites_count"], seen["reblogs_count"]) == (1, 1)
    assert (await ben.looks_at(post))["reblogs_count"] == 1
    assert (await cleo.looks_at(post))["reblogs_count"] == 1
