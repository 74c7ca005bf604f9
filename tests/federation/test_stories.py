"""What two nodes of ours do together, told as stories in simulated worlds, on either database."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from fediverse_node.lab.app_client import Refused
from fediverse_node.lab.databases import Databases, ServerDatabases
from fediverse_node.lab.people import Person, Post
from fediverse_node.lab.world import World
from tests.postgres import PostgresServer


@pytest.fixture(params=["sqlite", "postgresql"])
def lab_databases(request: pytest.FixtureRequest) -> Databases | None:
    """Every story is told on both engines."""
    if request.param == "sqlite":
        return None
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return ServerDatabases(server.url, server.execute, name=f"story{abs(hash(request.node.nodeid))}")


@pytest.fixture
async def alice(world: World) -> Person:
    return await world.person("alice@alpha")


@pytest.fixture
async def ben(world: World, alice: Person) -> Person:
    """Ben, whom Alice follows."""
    ben = await world.person("ben@beta")
    await alice.follows(ben)
    await world.quiet()
    return ben


async def status_of(person: Person, post: Post) -> dict[str, Any]:
    """The post as somebody's app gets it."""
    found: list[dict[str, Any]] = (await person.ask("GET", f"/api/v2/search?resolve=true&q={post.uri}"))["statuses"]
    [status] = found
    return status


async def relationship(person: Person, other: Person) -> dict[str, Any]:
    """What one is to the other."""
    id_ = await person.looks_up(other)
    [found] = await person.ask("GET", f"/api/v1/accounts/relationships?id[]={id_}")
    return dict(found)


async def told(person: Person, kind: str) -> list[dict[str, Any]]:
    """Somebody's notifications of a kind, newest first."""
    found: list[dict[str, Any]] = await person.ask("GET", f"/api/v1/notifications?types[]={kind}")
    return found


async def test_a_conversation_with_a_like_a_boost_an_edit_and_a_delete(
    world: World, alice: Person, ben: Person
) -> None:
    first = await ben.posts("how is the #weather?", mentioning=[alice], warning="small talk")
    await world.quiet()
    there = await status_of(alice, first)
    assert (there["spoiler_text"], [tag["name"] for tag in there["tags"]]) == ("small talk", ["weather"])
    assert [each["account"]["acct"] for each in await told(alice, "mention")] == ["ben@beta.test"]

    reply = await alice.replies(first, "fine!")
    await alice.likes(first)
    await alice.boosts(first)
    await world.quiet()
    ours = await status_of(ben, first)
    assert (ours["replies_count"], ours["favourites_count"], ours["reblogs_count"]) == (1, 1, 1)
    thread = await ben.ask("GET", f"/api/v1/statuses/{ours['id']}/context")
    assert [each["uri"] for each in thread["descendants"]] == [reply.uri]
    for kind in ("mention", "favourite", "reblog"):
        assert [each["account"]["acct"] for each in await told(ben, kind)] == ["alice@alpha.test"], kind

    await alice.unlikes(first)
    await alice.unboosts(first)
    await world.quiet()
    ours = await status_of(ben, first)
    assert (ours["favourites_count"], ours["reblogs_count"]) == (0, 0)

    first = await ben.edits(first, "how is the climate?")
    await world.quiet()
    there = await status_of(alice, first)
    assert "climate" in there["content"]
    assert there["edited_at"] is not None
    assert len(await alice.ask("GET", f"/api/v1/statuses/{there['id']}/history")) == 2

    await ben.deletes(first)
    await world.quiet()
    assert not alice.has(first)
    with pytest.raises(Refused) as refused:
        await alice.ask("GET", f"/api/v1/statuses/{there['id']}")
    assert refused.value.status == 404
    assert alice.has(reply), "what she said is hers"


async def test_a_poll_is_voted_on_from_the_other_node_and_its_end_is_told(
    world: World, alice: Person, ben: Person
) -> None:
    poll = await ben.posts("what will you have?", poll=["tea", "coffee"], poll_open_s=3600)
    await world.quiet()
    await alice.votes(poll, 1)
    await world.quiet()
    ours = (await status_of(ben, poll))["poll"]
    assert [each["votes_count"] for each in ours["options"]] == [0, 1]
    with pytest.raises(Refused) as refused:
        await alice.votes(poll, 0)
    assert refused.value.status == 422
    assert await told(alice, "poll") == []
    await world.wait(hours=2)
    await world.quiet()
    for person in (alice, ben):
        [end] = await told(person, "poll")
        assert end["status"]["uri"] == poll.uri
        counts = [each["votes_count"] for each in end["status"]["poll"]["options"]]
        assert (end["status"]["poll"]["expired"], counts) == (True, [0, 1])


async def test_a_direct_message_reaches_only_whom_it_names(world: World, alice: Person, ben: Person) -> None:
    cleo = await world.person("cleo@gamma")
    await cleo.follows(alice)
    await cleo.follows(ben)
    await world.quiet()
    message = await alice.posts("a secret", to="direct", mentioning=[ben])
    await world.quiet()
    answer = await ben.replies(message, "noted")
    await world.quiet()
    assert alice.sees(answer)
    assert (await status_of(ben, message))["visibility"] == "direct"
    [talk] = await ben.ask("GET", "/api/v1/conversations")
    assert talk["last_status"]["uri"] == answer.uri
    assert not cleo.has(message)
    assert not cleo.has(answer)
    assert not any(x.receiver == "gamma.test" and b"secret" in x.request.body for x in world.recording)


async def test_a_post_for_followers_goes_to_their_servers_and_no_other(
    world: World, alice: Person, ben: Person
) -> None:
    cleo = await world.person("cleo@gamma")
    await cleo.looks_up(ben)
    post = await ben.posts("among friends", to="followers")
    await world.quiet()
    assert alice.sees(post)
    assert not cleo.has(post)
    found = await cleo.ask("GET", f"/api/v2/search?resolve=true&q={post.uri}")
    assert found["statuses"] == [], "her server may not have it even if it asks"


async def test_a_locked_account_grants_requests_itself(world: World) -> None:
    alice, ben = await world.people("alice@alpha", "ben@beta")
    await ben.ask("PATCH", "/api/v1/accounts/update_credentials", locked=True)
    await alice.follows(ben)
    await world.quiet()
    assert (await relationship(alice, ben))["requested"]
    assert not (await relationship(alice, ben))["following"]
    [request] = await ben.ask("GET", "/api/v1/follow_requests")
    assert request["acct"] == "alice@alpha.test"
    await ben.ask("POST", f"/api/v1/follow_requests/{request['id']}/authorize")
    await world.quiet()
    assert (await relationship(alice, ben))["following"]


async def test_a_request_that_is_turned_down_leaves_nothing(world: World) -> None:
    alice, ben = await world.people("alice@alpha", "ben@beta")
    await ben.ask("PATCH", "/api/v1/accounts/update_credentials", locked=True)
    await alice.follows(ben)
    await world.quiet()
    [request] = await ben.ask("GET", "/api/v1/follow_requests")
    await ben.ask("POST", f"/api/v1/follow_requests/{request['id']}/reject")
    await world.quiet()
    found = await relationship(alice, ben)
    assert (found["requested"], found["following"]) == (False, False)


async def test_a_profile_change_travels(world: World, alice: Person, ben: Person) -> None:
    fields = [{"name": "Pronouns", "value": "he/him"}]
    change = {"display_name": "Ben the Second", "note": "New here", "fields_attributes": fields}
    await ben.ask("PATCH", "/api/v1/accounts/update_credentials", **change)
    await world.quiet()
    seen = await alice.ask("GET", f"/api/v1/accounts/{await alice.looks_up(ben)}")
    assert (seen["display_name"], seen["fields"][0]["name"]) == ("Ben the Second", "Pronouns")


async def test_a_reply_whose_parents_were_never_seen_brings_them_along(world: World) -> None:
    alice, ben = await world.people("alice@alpha", "ben@beta")
    posts = [await ben.posts("a thread begins")]
    for number in range(3):
        posts.append(await ben.replies(posts[-1], f"part {number}"))
    posts.append(await ben.replies(posts[-1], "the end", mentioning=[alice]))
    await world.quiet()
    end = await status_of(alice, posts[-1])
    thread = await alice.ask("GET", f"/api/v1/statuses/{end['id']}/context")
    assert [each["uri"] for each in thread["ancestors"]] == [each.uri for each in posts[:-1]]
    root = await status_of(alice, posts[0])
    thread = await alice.ask("GET", f"/api/v1/statuses/{root['id']}/context")
    assert [each["uri"] for each in thread["descendants"]] == [each.uri for each in posts[1:]]


async def test_a_post_found_by_its_address_can_be_answered(world: World) -> None:
    alice, ben = await world.people("alice@alpha", "ben@beta")
    post = await ben.posts("nobody there has seen this")
    reply = await alice.replies(post, "now I have")
    await world.quiet()
    assert ben.sees(reply)
    ours, answer = await status_of(ben, post), await status_of(ben, reply)
    assert answer["in_reply_to_id"] == ours["id"]


async def test_a_block_ends_the_follow_and_keeps_replies_out(world: World, alice: Person, ben: Person) -> None:
    post = await ben.posts("before the block")
    await world.quiet()
    await ben.blocks(alice)
    await world.quiet()
    found = await relationship(alice, ben)
    assert (found["blocked_by"], found["following"]) == (True, False)
    with pytest.raises(Refused):
        await alice.follows(ben)
    with pytest.raises(Refused):
        await alice.likes(post)
    later = await ben.posts("after the block")
    await world.quiet()
    assert (await status_of(ben, post))["favourites_count"] == 0
    assert not alice.sees(later)
    await ben.unblocks(alice)
    await world.quiet()
    assert not (await relationship(alice, ben))["blocked_by"]


async def test_followers_go_along_when_somebody_moves_and_not_when_it_is_a_lie(world: World) -> None:
    alice = await world.person("alice@alpha")
    mastodon = await world.persona("mastodon")
    old, new, stranger = (mastodon.person(name) for name in ("old", "new", "stranger"))
    account = await alice.ask("GET", f"/api/v2/search?type=accounts&resolve=true&q={old.uri}")
    id_ = account["accounts"][0]["id"]
    await alice.ask("POST", f"/api/v1/accounts/{id_}/follow")
    await world.quiet()
    # Anybody can say that they moved to a stranger; only who is named by the new account has moved.
    await old.moves(stranger)
    await world.quiet()
    [found] = await alice.ask("GET", f"/api/v1/accounts/relationships?id[]={id_}")
    assert found["following"]
    new.is_also(old)
    await old.moves(new)
    await world.quiet()
    [found] = await alice.ask("GET", f"/api/v1/accounts/relationships?id[]={id_}")
    assert not found["following"]
    target = (await alice.ask("GET", f"/api/v2/search?type=accounts&resolve=true&q={new.uri}"))["accounts"][0]
    [found] = await alice.ask("GET", f"/api/v1/accounts/relationships?id[]={target['id']}")
    assert found["following"]
    assert (await alice.ask("GET", f"/api/v1/accounts/{id_}"))["moved"]["uri"] == new.uri


async def test_a_scheduled_post_goes_out_when_it_is_due(world: World, alice: Person, ben: Person) -> None:
    at = world.now + timedelta(days=3)
    await ben.ask("POST", "/api/v1/statuses", status="good morning on Thursday", scheduled_at=at.isoformat())
    await world.wait(days=2, hours=23)
    await world.quiet()
    assert not alice.sees("good morning on Thursday")
    await world.wait(hours=1, minutes=1)
    await world.quiet()
    assert alice.sees("good morning on Thursday")
