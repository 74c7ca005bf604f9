"""Mastodon talks with our node."""

from __future__ import annotations

import aiohttp

from fediverse_node.lab.personas.drafts import Poll
from fediverse_node.lab.personas.mastodon import Mastodon
from tests.lab.personas.conftest import Alice, Open, eventually, soon


async def test_follows_are_granted_both_ways(alice: Alice, opened: Open) -> None:
    mastodon = await opened(Mastodon)
    ann = mastodon.person("ann")
    await ann.follows(alice.uri)
    await soon(lambda: ann.is_following(alice.uri), "our Accept")
    account = await alice.follows(ann.uri)
    assert account["acct"] == ann.handle
    assert ann.is_followed_by(alice.uri)
    assert (await alice.relationship(ann.uri))["followed_by"]


async def test_a_post_arrives_with_all_that_hangs_on_it(alice: Alice, opened: Open) -> None:
    mastodon = await opened(Mastodon)
    ann = mastodon.person("ann")
    await alice.follows(ann.uri)
    post = await ann.posts(
        "The boat is painted",
        to="unlisted",
        warning="paint",
        pictures=["a red boat"],
        hashtags=["boats"],
        mentions=[alice.uri],
    )
    status = await alice.reads(post.uri)
    assert "The boat is painted" in status["content"]
    assert status["visibility"] == "unlisted"
    assert status["spoiler_text"] == "paint"
    assert status["sensitive"]
    assert status["language"] == "en"
    assert [tag["name"] for tag in status["tags"]] == ["boats"]
    assert [mention["acct"] for mention in status["mentions"]] == ["alice"]
    picture = status["media_attachments"][0]
    assert (picture["type"], picture["description"], picture["meta"]["original"]["width"]) == (
        "image",
        "a red boat",
        1200,
    )
    assert picture["blurhash"]
    assert status["account"]["acct"] == ann.handle


async def test_a_poll_is_voted_in_both_ways(alice: Alice, opened: Open) -> None:
    mastodon = await opened(Mastodon)
    ann = mastodon.person("ann")
    await alice.follows(ann.uri)
    asked = await ann.posts("Tea or coffee?", poll=Poll(("tea", "coffee")))
    status = await alice.reads(asked.uri)
    assert [option["title"] for option in status["poll"]["options"]] == ["tea", "coffee"]
    await alice.api.post(f"/api/v1/polls/{status['poll']['id']}/votes", choices=[1])
    await soon(lambda: asked.votes == {alice.uri: ["coffee"]}, "the vote")
    ours = await alice.says("Soup or salad?", poll={"options": ["soup", "salad"], "expires_in": 3600})
    await ann.votes(ours["uri"], "soup")

    async def counted() -> bool:
        found = await alice.api.get(f"/api/v1/statuses/{ours['id']}")
        return [option["votes_count"] for option in found["poll"]["options"]] == [1, 0]

    await eventually(counted, "the vote counted")


async def test_what_is_for_followers_says_who_they_are_and_signs_it(alice: Alice, opened: Open) -> None:
    mastodon = await opened(Mastodon)
    ann = mastodon.person("ann")
    await alice.follows(ann.uri)
    post = await ann.posts("Only for you", to="followers")
    assert (await alice.reads(post.uri))["visibility"] == "private"
    assert mastodon.extra_headers(ann.resident, mastodon.activities[f"{post.uri}/activity"], f"{alice.node.base_url}/x")
    message = await ann.posts("A secret", to="direct", mentions=[alice.uri])
    assert (await alice.is_told("mention"))["status"]["uri"] == message.uri
    assert (await alice.status(message.uri))["visibility"] == "direct"
    assert {each.status for each in mastodon.sent} == {202}


async def test_our_posts_of_every_audience_reach_those_they_are_for(alice: Alice, opened: Open) -> None:
    mastodon = await opened(Mastodon)
    ann, ben = mastodon.person("ann"), mastodon.person("ben")
    await ann.follows(alice.uri)
    await soon(lambda: ann.is_following(alice.uri), "our Accept")
    await alice.says("For followers", visibility="private")
    await soon(lambda: ann.sees("For followers"), "what is for followers")
    await alice.says(f"@{ben.handle} for ben alone", visibility="direct")
    await soon(lambda: ben.sees("for ben alone"), "what is for ben")
    assert not ben.sees("For followers")


async def test_a_server_that_shows_nothing_to_unsigned_requests_can_be_read(alice: Alice, opened: Open) -> None:
    mastodon = await opened(Mastodon, authorized_fetch=True)
    ann = mastodon.person("ann")
    post = await ann.posts("Behind the door")
    headers = {"Accept": "application/activity+json"}
    async with aiohttp.ClientSession(headers=headers) as session, session.get(ann.uri) as unsigned:
        assert unsigned.status == 401
    status = await alice.status(post.uri)
    assert "Behind the door" in status["content"]
    assert (await alice.follows(ann.uri))["acct"] == ann.handle


async def test_a_handle_may_be_on_another_host_than_the_account(alice: Alice, opened: Open) -> None:
    mastodon = await opened(Mastodon, other_handle_host=True)
    ann = mastodon.person("ann")
    assert ann.handle == f"ann@{mastodon.handle_host}" != f"ann@{mastodon.host}"
    account = await alice.api.find_account(f"@{ann.handle}")
    assert account["acct"] == ann.handle
    assert account["uri"] == ann.uri


async def test_a_move_takes_followers_along_both_ways(alice: Alice, opened: Open) -> None:
    old_home, new_home = await opened(Mastodon), await opened(Mastodon)
    old, new = old_home.person("ann"), new_home.person("ann")
    await alice.follows(old.uri)
    await old.moves(new.uri)  # which says nothing of it: nobody goes anywhere
    assert not new.is_followed_by(alice.uri)
    new.is_also(old.uri)
    await old.moves(new.uri)
    await soon(lambda: new.is_followed_by(alice.uri), "alice at the new account")
    await soon(lambda: not old.is_followed_by(alice.uri), "alice leaving the old account")


async def test_a_block_ends_both_follows(alice: Alice, opened: Open) -> None:
    ann = (await opened(Mastodon)).person("ann")
    await alice.follows(ann.uri)
    await ann.blocks(alice.uri)
    relationship = await alice.relationship(ann.uri)
    assert (relationship["following"], relationship["blocked_by"]) == (False, True)
    await ann.unblocks(alice.uri)
    assert not (await alice.relationship(ann.uri))["blocked_by"]


async def test_our_block_arrives_and_is_lifted(alice: Alice, opened: Open) -> None:
    mastodon = await opened(Mastodon)
    ann = mastodon.person("ann")
    await ann.follows(alice.uri)
    await soon(lambda: ann.is_following(alice.uri), "our Accept")
    account = await alice.api.find_account(ann.uri)
    await alice.api.post(f"/api/v1/accounts/{account['id']}/block")
    await soon(lambda: alice.uri in ann.resident.blocked_by, "our Block")
    await alice.api.post(f"/api/v1/accounts/{account['id']}/unblock")
    await soon(lambda: alice.uri not in ann.resident.blocked_by, "our Undo")


async def test_a_report_says_nothing_of_who_complained(alice: Alice, opened: Open) -> None:
    mastodon = await opened(Mastodon)
    ann = mastodon.person("ann")
    await alice.follows(ann.uri)
    post = await ann.posts("Buy my stuff")
    status, account = await alice.reads(post.uri), await alice.api.find_account(ann.uri)
    await alice.api.post(
        "/api/v1/reports", account_id=account["id"], status_ids=[status["id"]], comment="spam", forward=True
    )
    await soon(lambda: mastodon.reports, "our Flag")
    assert alice.uri not in str(mastodon.reports)
    assert mastodon.reports[0]["object"] == [ann.uri, post.uri]
    said = await alice.says("Something rude")
    await ann.reports(alice.uri, said["uri"], text="rude")
    assert mastodon.sent[-1].activity["actor"] == mastodon.server.uri
    assert mastodon.sent[-1].status == 202


async def test_a_changed_profile_and_a_pinned_post_are_seen(alice: Alice, opened: Open) -> None:
    ann = (await opened(Mastodon)).person("ann")
    account = await alice.follows(ann.uri)
    post = await ann.posts("Read this first")
    await alice.reads(post.uri)
    await ann.is_called("Ann of the harbour", summary="<p>I paint boats</p>")
    found = await alice.api.get(f"/api/v1/accounts/{account['id']}")
    assert (found["display_name"], found["note"]) == ("Ann of the harbour", "<p>I paint boats</p>")
    await ann.pins(post)
    pinned = await alice.api.get(f"/api/v1/accounts/{account['id']}/statuses", pinned=True)
    assert [status["uri"] for status in pinned] == [post.uri]


async def _quote_of(alice: Alice, uri: str, state: str) -> None:
    """Alice sees it in this state."""

    async def looks_so() -> bool:
        found = (await alice.status(uri))["quote"]
        return found is not None and found["state"] == state and bool(found["quoted_status"]) == (state == "accepted")

    await eventually(looks_so, f"{uri} with its quote {state}")


async def test_mastodon_quotes_alice_with_her_consent_until_she_takes_it_back(alice: Alice, opened: Open) -> None:
    mastodon = await opened(Mastodon)
    ann = mastodon.person("ann")
    await alice.follows(ann.uri)
    said = await alice.says("The harbour is closed")
    quote = await ann.quotes(said["uri"], "Again?")
    await soon(lambda: quote.uri in mastodon.agreed, "the stamp")
    assert mastodon.agreed[quote.uri].startswith(f"{alice.uri}/quote_authorizations/")
    status = await alice.reads(quote.uri)
    assert said["uri"] in status["content"]
    await _quote_of(alice, quote.uri, "accepted")
    assert (await alice.is_told("quote"))["status"]["uri"] == quote.uri
    await alice.api.post(f"/api/v1/statuses/{said['id']}/quotes/{status['id']}/revoke")
    await soon(lambda: quote.uri not in mastodon.agreed, "the revocation")
    await _quote_of(alice, quote.uri, "revoked")


async def test_alice_quotes_mastodon_with_consent_until_it_is_taken_back(alice: Alice, opened: Open) -> None:
    mastodon = await opened(Mastodon)
    ann, ben = mastodon.person("ann"), mastodon.person("ben")
    await alice.follows(ann.uri)
    await ben.follows(alice.uri)
    post = await ann.posts("The bridge is open")
    quoted = await alice.reads(post.uri)
    ours = await alice.says("At last", quoted_status_id=quoted["id"])
    assert ours["quote"]["state"] in ("pending", "accepted")
    await _quote_of(alice, ours["uri"], "accepted")
    # Their server reads the stamp in our Update, and finds it good.
    await soon(lambda: mastodon.agreed.get(ours["uri"]) in mastodon.stamps, "our stamp")
    await ann.revokes(ours["uri"])
    await _quote_of(alice, ours["uri"], "revoked")


async def test_what_is_not_public_is_quoted_by_nobody_on_mastodon(opened: Open) -> None:
    mine, theirs = await opened(Mastodon), await opened(Mastodon)
    ann, ben = mine.person("ann"), theirs.person("ben")
    secret = await ben.posts("Between us", to="direct", mentions=[ann.uri])
    quote = await ann.quotes(secret.uri, "Look what he says")
    await soon(lambda: mine.told("Reject") != [], "the Reject")
    assert quote.uri not in mine.agreed


async def test_a_locked_person_answers_when_she_likes(alice: Alice, opened: Open) -> None:
    ann = (await opened(Mastodon)).person("ann", locked=True)
    account = await alice.api.find_account(ann.uri)
    assert account["locked"]
    await alice.api.post(f"/api/v1/accounts/{account['id']}/follow")
    await soon(lambda: alice.uri in ann.resident.requests, "our Follow")
    assert (await alice.relationship(ann.uri))["requested"]
    await ann.accepts(alice.uri)
    assert (await alice.relationship(ann.uri))["following"]
    await ann.rejects(alice.uri)
    assert not (await alice.relationship(ann.uri))["following"]


async def test_a_departure_is_told_to_servers_that_never_knew_them(alice: Alice, opened: Open) -> None:
    mastodon = await opened(Mastodon)
    ann, ben = mastodon.person("ann"), mastodon.person("ben")
    await alice.follows(ben.uri)
    await ann.leaves()
    assert mastodon.sent[-1].activity["type"] == "Delete"
    assert mastodon.sent[-1].status == 202
    found = await alice.api.get("/api/v2/search", q=ann.uri, type="accounts", resolve=True)
    assert found["accounts"] == []


async def test_what_a_post_answers_is_fetched_by_them_and_by_us(alice: Alice, opened: Open) -> None:
    first, second, third = await opened(Mastodon), await opened(Mastodon), await opened(Mastodon)
    ann, ben, carl = first.person("ann"), second.person("ben"), third.person("carl")
    await carl.follows(alice.uri)
    await soon(lambda: carl.is_following(alice.uri), "our Accept")
    await alice.follows(ben.uri)
    beginning = await ann.posts("Who has seen my boat?")
    answer = await ben.replies(beginning, "I have")

    async def whole() -> bool:
        status = await alice.status(answer.uri)
        found = await alice.api.get(f"/api/v1/statuses/{status['id']}/context")
        return [each["uri"] for each in found["ancestors"]] == [beginning.uri]

    await eventually(whole, "the beginning of the thread")
    status = await alice.status(answer.uri)
    await alice.says(f"@{ben.handle} Where?", in_reply_to_id=status["id"])
    await soon(lambda: carl.sees("Where?"), "our answer")
    await soon(lambda: third.sees("I have"), "what it answers")


async def test_what_concerns_nobody_there_is_accepted_and_forgotten(alice: Alice, opened: Open) -> None:
    first, second = await opened(Mastodon), await opened(Mastodon)
    ann, ben = first.person("ann"), second.person("ben")
    post = await ben.posts("Hello world")
    create = second.activities[f"{post.uri}/activity"]
    assert await second.deliver(ben.resident, create, f"{first.origin}/inbox") == 202
    await first.settle()
    assert (first.arrived[-1].ignored, ann.sees("Hello world")) == ("nobody here has to do with it", False)


async def test_an_answer_that_is_passed_on_is_believed_by_the_signature_in_it(opened: Open) -> None:
    first, second, third = await opened(Mastodon), await opened(Mastodon), await opened(Mastodon)
    ann, ben, carl = first.person("ann"), second.person("ben"), third.person("carl")
    await carl.follows(ann.uri)
    await soon(lambda: carl.is_following(ann.uri), "the Accept")
    post = await ann.posts("Who has seen my boat?")
    await soon(lambda: carl.sees("Who has seen"), "the question")
    answer = await ben.replies(post, "I have")
    await soon(lambda: answer.uri in third.held, "the answer, passed on")
    assert [each.scheme for each in third.arrived if each.activity["actor"] == ben.uri] == ["linked-data"]
    forged = second.activities[f"{answer.uri}/activity"] | {"published": "2020-01-01T00:00:00Z"}
    assert await first.deliver(ann.resident, forged, f"{third.origin}/inbox") == 401


async def test_an_answer_that_mastodon_passes_on_completes_the_conversation(alice: Alice, opened: Open) -> None:
    first, second = await opened(Mastodon), await opened(Mastodon)
    ann, ben = first.person("ann"), second.person("ben")
    await alice.follows(ann.uri)
    post = await ann.posts("Who has seen my boat?")
    status = await alice.reads(post.uri)
    await ben.replies(post, "I have")

    async def whole() -> bool:
        found = await alice.api.get(f"/api/v1/statuses/{status['id']}/context")
        return any("I have" in each["content"] for each in found["descendants"])

    await eventually(whole, "the answer in the thread", patience_s=3.0)
