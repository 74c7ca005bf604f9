"""Quotes between three nodes: asked for, granted, seen by a third, edited, revoked, deleted."""

from __future__ import annotations

from typing import Any

import pytest

from fediverse_node.lab.app_client import Refused
from fediverse_node.lab.people import Person, Post
from fediverse_node.lab.world import World


async def quote_seen_by(person: Person, post: Post) -> tuple[str, str | None]:
    """How the quote in a post stands for somebody, and the address of what they see in it."""
    quote: dict[str, Any] = (await person.looks_at(post))["quote"]
    return quote["state"], (quote["quoted_status"] or {}).get("uri")


async def told(person: Person, kind: str) -> list[dict[str, Any]]:
    """Somebody's notifications of a kind, newest first."""
    found: list[dict[str, Any]] = await person.ask("GET", f"/api/v1/notifications?types[]={kind}")
    return found


@pytest.fixture
async def people(world: World) -> list[Person]:
    """Alice, whom Ben quotes; Cleo on a third server follows Ben only."""
    alice, ben, cleo = await world.people("alice@alpha", "ben@beta", "cleo@gamma")
    await cleo.follows(ben)
    await ben.follows(alice)
    await world.quiet()
    return [alice, ben, cleo]


async def test_a_quote_is_granted_by_its_author_and_proven_to_everybody_else(
    world: World, people: list[Person]
) -> None:
    alice, ben, cleo = people
    post = await alice.posts("the first tomato of the year", may_quote="public")
    await world.quiet()
    quoting = await ben.quotes(post, "look at this!")
    await world.quiet()
    for person in people:
        assert await quote_seen_by(person, quoting) == ("accepted", post.uri), person
    assert (await alice.looks_at(post))["quotes_count"] == 1
    [notification] = await told(alice, "quote")
    assert notification["status"]["uri"] == quoting.uri
    fetched = [x.request.start for x in world.recording if x.sender == "gamma.test" and x.receiver == "alpha.test"]
    assert any("/quote_authorizations/" in target for target in fetched), "a third server looks the stamp up"
    status = await cleo.looks_at(quoting)
    assert 'class="quote-inline"' in status["content"]


async def test_an_edit_of_what_is_quoted_is_seen_in_the_quote(world: World, people: list[Person]) -> None:
    alice, ben, cleo = people
    post = await alice.posts("one tomato", may_quote="public")
    await world.quiet()
    quoting = await ben.quotes(post, "look")
    await world.quiet()
    await alice.edits(post, "two tomatoes")
    await world.quiet()
    for person in (ben, cleo):
        quoted = (await person.looks_at(quoting))["quote"]["quoted_status"]
        assert ("two" in quoted["content"]) == (person is ben), "Cleo's server was never told of Alice's post"
    [notification] = await told(ben, "quoted_update")
    assert notification["status"]["uri"] == quoting.uri


async def test_what_was_granted_can_be_taken_back_everywhere(world: World, people: list[Person]) -> None:
    alice, ben, _ = people
    post = await alice.posts("a tomato", may_quote="public")
    await world.quiet()
    quoting = await ben.quotes(post, "look")
    await world.quiet()
    await alice.revokes(quoting)
    await world.quiet()
    for person in people:
        state, seen = await quote_seen_by(person, quoting)
        assert (state in ("revoked", "rejected"), seen) == (True, None), person
    assert (await alice.looks_at(post))["quotes_count"] == 0


async def test_a_deleted_post_is_gone_from_the_quotes_too(world: World, people: list[Person]) -> None:
    alice, ben, _ = people
    post = await alice.posts("a tomato", may_quote="public")
    await world.quiet()
    quoting = await ben.quotes(post, "look")
    await world.quiet()
    await alice.deletes(post)
    await world.quiet()
    assert await quote_seen_by(ben, quoting) == ("deleted", None)
    assert await quote_seen_by(alice, quoting) == ("deleted", None)


@pytest.mark.parametrize("policy", ["nobody", "followers"])
async def test_nobody_quotes_against_the_will_of_the_author(world: World, policy: str) -> None:
    alice, ben, cleo = await world.people("alice@alpha", "ben@beta", "cleo@alpha")
    post = await alice.posts("not for everybody", may_quote=policy)
    await world.quiet()
    for person in (ben, cleo):
        assert (await person.looks_at(post))["quote_approval"]["current_user"] == "denied"
        with pytest.raises(Refused) as refused:
            await person.quotes(post, "look")
        assert refused.value.status == 403
    own = await alice.quotes(post, "as I said")
    assert await quote_seen_by(alice, own) == ("accepted", post.uri)


async def test_followers_may_where_followers_may(world: World, people: list[Person]) -> None:
    alice, ben, cleo = people
    post = await alice.posts("among friends", may_quote="followers")
    await world.quiet()
    assert (await ben.looks_at(post))["quote_approval"] == {
        "automatic": ["followers"],
        "manual": [],
        "current_user": "automatic",
    }
    quoting = await ben.quotes(post, "as she says")
    await world.quiet()
    assert await quote_seen_by(cleo, quoting) == ("accepted", post.uri)


async def test_a_post_for_followers_is_quoted_by_its_author_alone_and_for_followers(
    world: World, people: list[Person]
) -> None:
    alice, ben, _ = people
    post = await alice.posts("among us", to="followers", may_quote="public")
    await world.quiet()
    with pytest.raises(Refused):
        await ben.quotes(post, "look what she says")
    own = await alice.quotes(post, "and another thing")
    assert (await alice.looks_at(own))["visibility"] == "private"
    await world.quiet()
    assert await quote_seen_by(ben, own) == ("accepted", post.uri)


async def test_blocked_and_muted_people_are_not_seen_in_quotes(world: World, people: list[Person]) -> None:
    alice, ben, cleo = people
    post = await alice.posts("hello", may_quote="public")
    await world.quiet()
    quoting = await ben.quotes(post, "look")
    await world.quiet()
    await cleo.mutes(alice)
    assert (await quote_seen_by(cleo, quoting))[0] == "muted_account"
    await cleo.blocks(alice)
    assert (await quote_seen_by(cleo, quoting))[0] == "blocked_account"
    await alice.blocks(ben)
    await world.quiet()
    assert await quote_seen_by(ben, quoting) == ("unauthorized", None)


async def test_a_quote_of_a_quote_shows_one_level_and_names_the_next(world: World, people: list[Person]) -> None:
    alice, ben, cleo = people
    first = await alice.posts("one", may_quote="public")
    await world.quiet()
    second = await ben.quotes(first, "two", to="public")
    await world.quiet()
    third = await ben.quotes(second, "three")
    await world.quiet()
    status = await cleo.looks_at(third)
    inner = status["quote"]["quoted_status"]["quote"]
    assert inner["state"] == "accepted"
    assert inner["quoted_status_id"] == (await cleo.looks_at(first))["id"]


async def test_quotes_of_a_mixed_world_are_shown_as_their_authors_have_it(world: World) -> None:
    alice, cleo = await world.people("alice@alpha", "cleo@gamma")
    mastodon, misskey = await world.persona("mastodon"), await world.persona("misskey")
    ann, mika = mastodon.person("ann"), misskey.person("mika")
    for each in (ann, mika):
        await cleo.follows(each)  # type: ignore[arg-type]
    await cleo.follows(alice)
    await world.quiet()
    for_all, for_nobody = await alice.posts("a tomato"), await alice.posts("a shy tomato", may_quote="nobody")
    await world.quiet()
    seen: dict[tuple[str, str], list[str]] = {}
    for who in (ann, mika):
        for post in (for_all, for_nobody):
            quoting = await who.quotes(post, f"{who.name} looks")
            await world.quiet()
            states = seen[who.name, post.text] = []
            for reader in (alice, cleo):
                found = await reader.ask("GET", f"/api/v2/search?type=statuses&resolve=true&q={quoting.uri}")
                states.append(found["statuses"][0]["quote"]["state"])
            told_of = {each["status"]["uri"] for each in await told(alice, "quote")}
            assert (quoting.uri in told_of) == (post is for_all)
    # Misskey asks nobody. Alice's own server knows what she wants; a third has her word on nothing without a stamp.
    assert seen == {
        ("ann", "a tomato"): ["accepted", "accepted"],
        ("ann", "a shy tomato"): ["rejected", "pending"],
        ("mika", "a tomato"): ["accepted", "pending"],
        ("mika", "a shy tomato"): ["rejected", "pending"],
    }
    assert mastodon.told("Reject") != []
