"""Quotes and interaction policies, as apps see and make them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from fediverse_node.domain.model import InteractionPolicy, Permission, Visibility
from fediverse_node.storage import tables
from fediverse_node.storage.statement import Statement
from fediverse_node.storage.unit import Run, Unit
from tests.api.talking_node import Person, TalkingNode, talking_node

OPEN = InteractionPolicy(quote=Permission(("public",)))


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[TalkingNode]:
    async with talking_node(tmp_path) as found:
        yield found


@pytest.fixture
async def people(node: TalkingNode) -> tuple[Person, Person, Person]:
    return await node.person("alice"), await node.person("bob"), await node.stranger("zoe")


async def test_a_quote_between_people_here(people: tuple[Person, Person, Person]) -> None:
    alice, bob, _ = people
    post = await alice.say("a tomato")
    assert post["quote_approval"] == {"automatic": ["public"], "manual": [], "current_user": "automatic"}
    quote = await bob.say("look", quoted_status_id=post["id"])
    assert quote["quote"]["state"] == "accepted"
    assert quote["quote"]["quoted_status"]["id"] == post["id"]
    assert quote["quote"]["quoted_status"]["quote"] is None
    assert quote["content"].startswith('<p class="quote-inline">RE: <a href="')
    assert (await alice.get(f"/api/v1/statuses/{post['id']}"))["quotes_count"] == 1
    [listed] = await alice.get(f"/api/v1/statuses/{post['id']}/quotes")
    assert listed["id"] == quote["id"]
    asked: dict[str, Any] = {"types[]": "quote"}
    [told] = await alice.get("/api/v1/notifications", **asked)
    assert (told["type"], told["status"]["id"]) == ("quote", quote["id"])


async def test_a_link_in_the_text_is_enough(people: tuple[Person, Person, Person]) -> None:
    alice, bob, _ = people
    post = await alice.say("a tomato")
    quote = await bob.say(f"look: {post['url']}", quoted_status_id=post["id"])
    assert "quote-inline" not in quote["content"]


async def test_a_quote_of_somebody_elsewhere_waits_for_them(
    node: TalkingNode, people: tuple[Person, Person, Person]
) -> None:
    alice, _, zoe = people
    post = await node.hear(zoe, policy=OPEN)
    quote = await alice.say("look", quoted_status_id=str(post))
    assert quote["quote"] == {"state": "pending", "quoted_status": None}
    edited = await alice.ask("PUT", f"/api/v1/statuses/{quote['id']}", json={"status": "see"})
    assert edited["quote"]["state"] == "pending", "an edit does not lose it"
    assert "quote-inline" in edited["content"]


@pytest.mark.parametrize(
    "policy, following, status",
    [
        pytest.param(None, False, 403, id="who says nothing"),
        pytest.param(InteractionPolicy(quote=Permission(("author",))), False, 403, id="who says nobody"),
        pytest.param(InteractionPolicy(quote=Permission(("followers",))), False, 403, id="followers, and one is none"),
        pytest.param(InteractionPolicy(quote=Permission(("followers",))), True, 200, id="followers, and one is"),
        pytest.param(InteractionPolicy(quote=Permission((), ("public",))), False, 200, id="all may ask"),
    ],
)
async def test_what_an_app_is_told_is_what_happens(
    node: TalkingNode,
    people: tuple[Person, Person, Person],
    policy: InteractionPolicy | None,
    following: bool,
    status: int,
) -> None:
    alice, _, zoe = people
    if following:
        await alice.follow(zoe)
    post = await node.hear(zoe, policy=policy)
    shown = (await alice.get(f"/api/v1/statuses/{post}"))["quote_approval"]["current_user"]
    assert (shown in ("automatic", "manual")) == (status == 200)
    body = await alice.post("/api/v1/statuses", status="look", quoted_status_id=str(post), expect=status)
    if status == 403:
        assert "quote" in body["error"]


@pytest.mark.parametrize(
    "visibility, wanted, expected",
    [
        ("private", "public", "private"),
        ("private", "unlisted", "private"),
        ("private", "direct", "direct"),
        ("public", "unlisted", "unlisted"),
    ],
)
async def test_quoting_oneself_reaches_no_further_than_what_is_quoted(
    people: tuple[Person, Person, Person], visibility: str, wanted: str, expected: str
) -> None:
    alice, _, _ = people
    post = await alice.say("mine", visibility=visibility)
    quote = await alice.say("again", quoted_status_id=post["id"], visibility=wanted)
    assert (quote["visibility"], quote["quote"]["state"]) == (expected, "accepted")


async def test_what_cannot_be_quoted(node: TalkingNode, people: tuple[Person, Person, Person]) -> None:
    alice, bob, zoe = people
    secret = await alice.say("@bob psst", visibility="direct")
    for who in (alice, bob):
        await who.post("/api/v1/statuses", status="look", quoted_status_id=secret["id"], expect=403)
    hidden = await node.hear(zoe, visibility=Visibility.FOLLOWERS)
    for id_ in (str(hidden), "1", "x"):
        body = await alice.post("/api/v1/statuses", status="look", quoted_status_id=id_, expect=404)
        assert body["error"] == "The post you are trying to quote does not appear to exist."
    post = await bob.say("hello")
    await alice.post("/api/v1/statuses", status="he!", quoted_status_id=post["id"], visibility="direct", expect=422)
    await alice.say("@bob about this", quoted_status_id=post["id"], visibility="direct")


async def test_a_quote_is_taken_back_by_whom_it_quotes_alone(people: tuple[Person, Person, Person]) -> None:
    alice, bob, _ = people
    post = await alice.say("a tomato")
    quote = await bob.say("look", quoted_status_id=post["id"])
    path = f"/api/v1/statuses/{post['id']}/quotes/{quote['id']}/revoke"
    await bob.post(path, expect=403)
    await alice.post(f"/api/v1/statuses/{quote['id']}/quotes/{post['id']}/revoke", expect=404)
    revoked = await alice.post(path)
    assert revoked["quote"] == {"state": "revoked", "quoted_status": None}
    assert await alice.get(f"/api/v1/statuses/{post['id']}/quotes") == []
    await alice.post(path)


async def test_who_may_quote_is_changed_afterwards(people: tuple[Person, Person, Person]) -> None:
    alice, bob, _ = people
    post = await alice.say("a tomato")
    quote = await bob.say("look", quoted_status_id=post["id"])
    path = f"/api/v1/statuses/{post['id']}/interaction_policy"
    changed = await alice.ask("PUT", path, json={"quote_approval_policy": "nobody"})
    assert changed["quote_approval"]["automatic"] == []
    assert changed["edited_at"] is None
    await bob.post("/api/v1/statuses", status="again", quoted_status_id=post["id"], expect=403)
    assert (await bob.get(f"/api/v1/statuses/{quote['id']}"))["quote"]["state"] == "accepted", (
        "what was agreed to stays"
    )
    await alice.ask("PUT", path, json={"quote_approval_policy": "everybody"}, expect=422)
    await bob.ask("PUT", path, json={"quote_approval_policy": "public"}, expect=404)
    edited = await alice.ask(
        "PUT", f"/api/v1/statuses/{post['id']}", json={"status": "x", "quote_approval_policy": "public"}
    )
    assert edited["quote_approval"]["automatic"] == ["public"]


async def test_what_one_prefers_is_the_default(people: tuple[Person, Person, Person]) -> None:
    alice, _, _ = people
    await alice.ask("PATCH", "/api/v1/accounts/update_credentials", json={"source": {"quote_policy": "followers"}})
    assert (await alice.say("hello"))["quote_approval"]["automatic"] == ["followers"]
    assert (await alice.say("hello", quote_approval_policy="public"))["quote_approval"]["automatic"] == ["public"]
    private = await alice.say("hello", quote_approval_policy="public", visibility="private")
    assert private["quote_approval"] == {"automatic": [], "manual": [], "current_user": "automatic"}


@pytest.mark.parametrize(
    "how, state",
    [("mute", "muted_account"), ("block", "blocked_account"), ("domain", "blocked_domain"), ("hidden", "unauthorized")],
)
async def test_whom_one_avoids_is_not_met_in_quotes(
    node: TalkingNode, people: tuple[Person, Person, Person], how: str, state: str
) -> None:
    alice, bob, zoe = people
    post = await node.hear(zoe, policy=OPEN)
    quote = await alice.say("look", quoted_status_id=str(post))
    await _accept(node, int(quote["id"]))
    assert (await bob.get(f"/api/v1/statuses/{quote['id']}"))["quote"]["state"] == "accepted"
    if how in ("mute", "block"):
        await bob.post(f"/api/v1/accounts/{zoe.actor_id}/{how}")
    elif how == "domain":
        await bob.post("/api/v1/domain_blocks", domain="far.example")
    else:
        await node.set(tables.objects, post, visibility=2)
    shown = (await bob.get(f"/api/v1/statuses/{quote['id']}"))["quote"]
    assert shown["state"] == state
    assert (shown["quoted_status"] is None) == (how == "hidden"), "apps can show it when one asks for it"


async def _accept(node: TalkingNode, object_id: int) -> None:
    """As if the quoted author had agreed."""
    clause = tables.quotes.update().where(tables.quotes.c.object_id == object_id).values(state=1)

    def unit() -> Unit[None]:
        yield Run(Statement(clause), [{}])

    await node.run(unit)
    await node.set(tables.objects, object_id, sensitive=False)


async def test_who_may_answer_is_told_as_gotosocial_does(people: tuple[Person, Person, Person]) -> None:
    alice, bob, _ = people
    rules = {"can_reply": {"always": ["author", "followers"], "with_approval": ["public"]}}
    post = await alice.say("careful", interaction_policy=rules)
    assert post["interaction_policy"]["can_reply"]["automatic_approval"] == ["author", "followers"]
    assert post["interaction_policy"]["can_favourite"]["always"] == ["public"]
    reply = await bob.say("may I?", in_reply_to_id=post["id"])
    assert reply["approval"] == "pending"
    [request] = await alice.get("/api/v1/interaction_requests")
    assert (request["type"], request["status"]["id"], request["reply"]["id"]) == ("reply", post["id"], reply["id"])
    assert await bob.get("/api/v1/interaction_requests") == []
    await bob.post(f"/api/v1/interaction_requests/{request['id']}/authorize", expect=404)
    done = await alice.post(f"/api/v1/interaction_requests/{request['id']}/authorize")
    assert "accepted_at" in done
    assert "approval" not in await bob.get(f"/api/v1/statuses/{reply['id']}")
    assert await alice.get("/api/v1/interaction_requests", favourites="false", replies="true") == []
    await alice.get("/api/v1/interaction_requests", favourites="false", replies="false", reblogs="false", expect=400)


async def test_an_open_policy_is_not_worth_a_word(people: tuple[Person, Person, Person]) -> None:
    alice, _, _ = people
    post = await alice.say("hello", interaction_policy={"can_reply": {"always": ["public"]}})
    assert "interaction_policy" not in post
    await alice.post("/api/v1/statuses", status="x", interaction_policy={"can_reply": {"always": ["x"]}}, expect=422)


async def test_a_scheduled_quote_is_made_when_it_is_due(people: tuple[Person, Person, Person]) -> None:
    alice, bob, _ = people
    post = await alice.say("a tomato")
    later = await bob.say("look", quoted_status_id=post["id"], scheduled_at="2099-01-01T00:00:00Z")
    assert later["params"]["quoted_status_id"] == post["id"]


async def test_strangers_see_accepted_quotes_of_open_posts(people: tuple[Person, Person, Person]) -> None:
    alice, bob, _ = people
    post = await alice.say("a tomato")
    quote = await bob.say("look", quoted_status_id=post["id"])
    answer = await alice.node.request("GET", f"/api/v1/statuses/{quote['id']}")
    assert answer.body["quote"]["quoted_status"]["id"] == post["id"]
    assert answer.body["quote_approval"]["current_user"] == "denied"
