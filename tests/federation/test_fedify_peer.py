"""Everything people say to each other, with a server that shares no line of code with ours.

Fedify records only what verified, and reads our documents through its own JSON-LD processor. What it sends has been
answered with 202 before its command returns, so what needs no network is expected in the very next request.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from tests.fake_peer import PUBLIC, fake_peer
from tests.federation.fedify import FedifyPerson, FedifyServer, eventually, fedify_server
from tests.running_node import Api, ApiError, RunningNode

pytestmark = pytest.mark.peer

OPTIONS = ["tea", "coffee"]


@pytest.fixture
async def shy(fedify: FedifyServer) -> AsyncIterator[FedifyPerson]:
    async with fedify.person("shy") as person:
        yield person


async def follows(reader: Api, person: FedifyPerson) -> dict[str, Any]:
    """Somebody of ours follows; the account once the follow was granted."""
    account: dict[str, Any] = await reader.find_account(person.uri)
    await reader.post(f"/api/v1/accounts/{account['id']}/follow")
    await eventually(lambda: relationship(reader, account, "following"), "the Accept of Fedify")
    return account


async def relationship(api: Api, account: dict[str, Any], name: str) -> bool:
    found = await api.get("/api/v1/accounts/relationships", **{"id[]": account["id"]})
    return bool(found[0][name])


async def say(alice: Api, status: str, **more: Any) -> dict[str, Any]:
    said: dict[str, Any] = await alice.post("/api/v1/statuses", status=status, **more)
    return said


async def follower(ada: FedifyPerson, node: RunningNode) -> None:
    """ada follows alice."""
    await ada.do("follow", object=node.actor("alice"))
    await ada.receives("Accept", actor=node.actor("alice"), object__actor=ada.uri)


def by_uri(statuses: list[dict[str, Any]], uri: str | None) -> dict[str, Any] | None:
    return next((status for status in statuses if status["uri"] == uri), None)


async def test_a_follow_from_fedify_is_granted_and_its_target_is_told(
    ada: FedifyPerson, alice: Api, node: RunningNode
) -> None:
    follow = await ada.do("follow", object=node.actor("alice"))
    told = [each for each in await alice.notifications("follow") if each["account"]["url"].endswith(f"/@{ada.name}")]
    assert len(told) == 1
    assert told[0]["account"]["acct"] == ada.handle
    accept = await ada.receives("Accept", actor=node.actor("alice"), object__actor=ada.uri)
    assert accept["object"]["id"] == follow["id"]
    me = await alice.get("/api/v1/accounts/verify_credentials")
    followers = await alice.get(f"/api/v1/accounts/{me['id']}/followers", limit=80)
    assert ada.handle in [each["acct"] for each in followers]


async def test_a_follow_of_somebody_at_fedify_counts_once_it_is_granted(
    ada: FedifyPerson, alice: Api, node: RunningNode
) -> None:
    account = await follows(alice, ada)
    assert account["display_name"] == f"{ada.name} of Fedify"
    assert account["acct"] == ada.handle
    assert (await ada.receives("Follow", actor=node.actor("alice"), object=ada.uri))["id"].startswith(node.base_url)
    await alice.post(f"/api/v1/accounts/{account['id']}/unfollow")
    assert not await relationship(alice, account, "following")
    undo = await ada.receives("Undo", actor=node.actor("alice"), object__object=ada.uri)
    assert undo["object"]["type"] == "Follow"


async def test_an_unfollow_from_fedify_ends_the_follow(ada: FedifyPerson, alice: Api, node: RunningNode) -> None:
    follow = await ada.do("follow", object=node.actor("alice"))
    account = await alice.find_account(ada.uri)
    assert await relationship(alice, account, "followed_by")
    await ada.do("undo", object=follow["id"], to=[node.actor("alice")])
    assert not await relationship(alice, account, "followed_by")


async def test_a_follow_request_to_somebody_locked_waits_for_the_answer(shy: FedifyPerson, alice: Api) -> None:
    account = await alice.find_account(shy.uri)
    assert account["locked"]
    await alice.post(f"/api/v1/accounts/{account['id']}/follow")
    assert await relationship(alice, account, "requested")
    follow = await shy.receives("Follow", object=shy.uri)
    assert not await relationship(alice, account, "following")
    await shy.do("accept", follow=follow["id"])
    assert await relationship(alice, account, "following")
    assert not await relationship(alice, account, "requested")


async def test_a_rejected_follow_request_is_gone(shy: FedifyPerson, alice: Api) -> None:
    account = await alice.find_account(shy.uri)
    await alice.post(f"/api/v1/accounts/{account['id']}/follow")
    follow = await shy.receives("Follow", object=shy.uri)
    await shy.do("reject", follow=follow["id"])
    assert not await relationship(alice, account, "requested")
    assert not await relationship(alice, account, "following")


async def test_somebody_locked_here_answers_the_request_of_fedify(
    ada: FedifyPerson, fedify: FedifyServer, alice: Api, node: RunningNode
) -> None:
    async with fedify.person("eve") as eve, locked(alice):
        wish, refused = (
            await ada.do("follow", object=node.actor("alice")),
            await eve.do("follow", object=node.actor("alice")),
        )
        waiting = {each["acct"]: each["id"] for each in await alice.get("/api/v1/follow_requests", limit=80)}
        assert {ada.handle, eve.handle} <= waiting.keys()
        assert not await ada.received("Accept", object__actor=ada.uri)
        await alice.post(f"/api/v1/follow_requests/{waiting[ada.handle]}/authorize")
        await alice.post(f"/api/v1/follow_requests/{waiting[eve.handle]}/reject")
        assert (await ada.receives("Accept", object__actor=ada.uri))["object"]["id"] == wish["id"]
        assert (await eve.receives("Reject", object__actor=eve.uri))["object"]["id"] == refused["id"]


@contextlib.asynccontextmanager
async def locked(alice: Api) -> AsyncIterator[None]:
    await alice.call("PATCH", "/api/v1/accounts/update_credentials", json={"locked": True})
    try:
        yield
    finally:
        await alice.call("PATCH", "/api/v1/accounts/update_credentials", json={"locked": False})


async def test_a_post_from_fedify_stands_in_the_home_timeline_at_once(
    ada: FedifyPerson, alice: Api, node: RunningNode
) -> None:
    await follows(alice, ada)
    note = await ada.do(
        "create",
        content="<p>Good morning <script>alert(1)</script></p>",
        summary="weather",
        sensitive=True,
        hashtags=["Morning"],
        mention=[node.actor("alice")],
    )
    status = by_uri(await alice.home(), note["id"])
    assert status is not None
    assert status["content"] == "<p>Good morning </p>"
    assert (status["spoiler_text"], status["sensitive"], status["visibility"]) == ("weather", True, "public")
    assert status["account"]["acct"] == ada.handle
    assert status["url"] == note["json"]["url"]
    assert [tag["name"].lower() for tag in status["tags"]] == ["morning"]
    assert [each["acct"] for each in status["mentions"]] == ["alice"]
    told = [each for each in await alice.notifications("mention") if each["status"]["uri"] == note["id"]]
    assert len(told) == 1


async def test_a_post_reaches_followers_at_fedify(ada: FedifyPerson, alice: Api, node: RunningNode) -> None:
    await follower(ada, node)
    status = await say(alice, f"Hello #World @{ada.handle}", spoiler_text="greeting", language="en")
    create = await ada.receives("Create", object__id=status["uri"])
    note = create["object"]
    assert create["actor"] == note["attributedTo"] == node.actor("alice")
    assert note["to"] in (PUBLIC, "as:Public")
    assert set(note["cc"]) == {f"{node.actor('alice')}/followers", ada.uri}
    assert note["summary"] == "greeting"
    assert note["sensitive"] is True
    assert {(tag["type"], tag["name"].lower()) for tag in note["tag"]} == {
        ("Hashtag", "#world"),
        ("Mention", f"@{ada.handle}"),
    }
    assert "Hello" in str(note["content"])
    fetched = await ada.do("lookup", url=status["uri"])
    assert (fetched["type"], fetched["id"]) == ("Note", status["uri"])


async def test_replies_go_both_ways(ada: FedifyPerson, alice: Api, node: RunningNode) -> None:
    await follower(ada, node)
    first = await say(alice, "Who is coming?")
    reply = await ada.do("create", content="<p>I am</p>", inReplyTo=first["uri"], mention=[node.actor("alice")])
    thread = await alice.get(f"/api/v1/statuses/{first['id']}/context")
    assert [each["uri"] for each in thread["descendants"]] == [reply["id"]]
    seen = await alice.get(f"/api/v1/statuses/{first['id']}")
    assert seen["replies_count"] == 1
    mention = next(each for each in await alice.notifications("mention") if each["status"]["uri"] == reply["id"])
    assert mention["status"]["in_reply_to_id"] == first["id"]
    answer = await say(alice, f"@{ada.handle} great", in_reply_to_id=mention["status"]["id"])
    create = await ada.receives("Create", object__id=answer["uri"])
    assert create["object"]["inReplyTo"] == reply["id"]
    thread = await alice.get(f"/api/v1/statuses/{answer['id']}/context")
    assert [each["uri"] for each in thread["ancestors"]] == [first["uri"], reply["id"]]


async def test_a_thread_is_fetched_up_to_its_root(ada: FedifyPerson, alice: Api, node: RunningNode) -> None:
    root = await ada.do("publish", content="<p>root</p>")
    middle = await ada.do("publish", content="<p>middle</p>", inReplyTo=root["id"])
    leaf = await ada.do("create", content="<p>leaf</p>", inReplyTo=middle["id"], mention=[node.actor("alice")])

    async def leaf_here() -> dict[str, Any] | None:
        told = await alice.notifications("mention")
        return next((each["status"] for each in told if each["status"]["uri"] == leaf["id"]), None)

    status = await eventually(leaf_here, "the mention")
    assert status is not None

    async def whole() -> bool:
        thread = await alice.get(f"/api/v1/statuses/{status['id']}/context")
        return [each["uri"] for each in thread["ancestors"]] == [root["id"], middle["id"]]

    await eventually(whole, "the parents")


async def test_likes_go_both_ways_and_back(ada: FedifyPerson, alice: Api, node: RunningNode) -> None:
    await follower(ada, node)
    ours = await say(alice, "like me")
    like = await ada.do("like", object=ours["uri"], to=[node.actor("alice")])
    assert (await alice.get(f"/api/v1/statuses/{ours['id']}"))["favourites_count"] == 1
    told = [each for each in await alice.notifications("favourite") if each["status"]["id"] == ours["id"]]
    assert [each["account"]["acct"] for each in told] == [ada.handle]
    await ada.do("undo", object=like["id"], to=[node.actor("alice")])
    assert (await alice.get(f"/api/v1/statuses/{ours['id']}"))["favourites_count"] == 0

    theirs = await alice.find_status((await ada.do("publish", content="<p>like me too</p>"))["id"])
    await alice.post(f"/api/v1/statuses/{theirs['id']}/favourite")
    assert (await ada.receives("Like", object=theirs["uri"]))["actor"] == node.actor("alice")
    await alice.post(f"/api/v1/statuses/{theirs['id']}/unfavourite")
    assert (await ada.receives("Undo", object__object=theirs["uri"]))["object"]["type"] == "Like"


async def test_announces_go_both_ways_and_back(ada: FedifyPerson, alice: Api, node: RunningNode) -> None:
    await follower(ada, node)
    ours = await say(alice, "pass me on")
    announce = await ada.do("announce", object=ours["uri"], to=[node.actor("alice")])
    assert (await alice.get(f"/api/v1/statuses/{ours['id']}"))["reblogs_count"] == 1
    told = [each for each in await alice.notifications("reblog") if each["status"]["id"] == ours["id"]]
    assert [each["account"]["acct"] for each in told] == [ada.handle]
    await ada.do("undo", object=announce["id"], to=[node.actor("alice")])
    assert (await alice.get(f"/api/v1/statuses/{ours['id']}"))["reblogs_count"] == 0

    theirs = await alice.find_status((await ada.do("publish", content="<p>pass me on too</p>"))["id"])
    await alice.post(f"/api/v1/statuses/{theirs['id']}/reblog")
    assert (await ada.receives("Announce", object=theirs["uri"]))["actor"] == node.actor("alice")
    await alice.post(f"/api/v1/statuses/{theirs['id']}/unreblog")
    undo = await ada.receives("Undo", object__object=theirs["uri"])
    assert undo["object"]["type"] == "Announce"


async def test_an_announce_brings_an_unknown_post_to_the_home_timeline(
    ada: FedifyPerson, fedify: FedifyServer, alice: Api, node: RunningNode
) -> None:
    await follows(alice, ada)
    async with fedify.person("writer") as writer:
        note = await writer.do("publish", content="<p>worth reading</p>")
        await ada.do("announce", object=note["id"], to=[node.actor("alice")])

        async def boosted() -> list[Any]:
            return [each for each in await alice.home() if each["reblog"] and each["reblog"]["uri"] == note["id"]]

        found = await eventually(boosted, "the announced post")
        assert [each["account"]["acct"] for each in found] == [ada.handle]
        assert found[0]["reblog"]["account"]["acct"] == writer.handle


async def test_edits_go_both_ways(ada: FedifyPerson, alice: Api, node: RunningNode) -> None:
    await follower(ada, node)
    await follows(alice, ada)
    note = await ada.do("create", content="<p>first version</p>")
    await ada.do("update", object=note["id"], content="<p>second version</p>", to=[node.actor("alice")])
    status = by_uri(await alice.home(), note["id"])
    assert status is not None
    assert status["content"] == "<p>second version</p>"
    assert status["edited_at"] is not None
    history = await alice.get(f"/api/v1/statuses/{status['id']}/history")
    assert [each["content"] for each in history] == ["<p>first version</p>", "<p>second version</p>"]

    ours = await say(alice, "a tpyo")
    await ada.receives("Create", object__id=ours["uri"])
    await alice.put(f"/api/v1/statuses/{ours['id']}", status="a typo")
    update = await ada.receives("Update", object__id=ours["uri"])
    assert "a typo" in str(update["object"]["content"])
    assert update["object"]["updated"]


async def test_deletes_go_both_ways(ada: FedifyPerson, alice: Api, node: RunningNode) -> None:
    await follower(ada, node)
    await follows(alice, ada)
    note = await ada.do("create", content="<p>gone soon</p>")
    status = by_uri(await alice.home(), note["id"])
    assert status is not None
    await ada.do("delete", object=note["id"], to=[node.actor("alice")])
    assert by_uri(await alice.home(), note["id"]) is None
    with pytest.raises(ApiError) as refused:
        await alice.get(f"/api/v1/statuses/{status['id']}")
    assert refused.value.status == 404

    ours = await say(alice, "gone soon as well")
    await ada.receives("Create", object__id=ours["uri"])
    await alice.delete(f"/api/v1/statuses/{ours['id']}")
    delete = await ada.receives("Delete", object__id=ours["uri"])
    assert delete["object"]["type"] == "Tombstone"
    assert (await ada.do("lookup", url=ours["uri"]) or {}).get("type") in (None, "Tombstone")


async def test_a_block_from_fedify_ends_both_follows_and_hides_its_author(
    ada: FedifyPerson, alice: Api, node: RunningNode
) -> None:
    await follower(ada, node)
    account = await follows(alice, ada)
    block = await ada.do("block", object=node.actor("alice"))
    found = (await alice.get("/api/v1/accounts/relationships", **{"id[]": account["id"]}))[0]
    assert (found["following"], found["followed_by"], found["blocked_by"]) == (False, False, True)
    with pytest.raises(ApiError):
        await alice.post(f"/api/v1/accounts/{account['id']}/follow")
    await ada.do("undo", object=block["id"], to=[node.actor("alice")])
    assert not await relationship(alice, account, "blocked_by")


async def test_a_block_is_told_to_fedify_and_keeps_the_blocked_out(
    ada: FedifyPerson, alice: Api, node: RunningNode
) -> None:
    await follower(ada, node)
    account = await follows(alice, ada)
    ours = await say(alice, "not for everybody")
    await alice.post(f"/api/v1/accounts/{account['id']}/block")
    assert (await ada.receives("Block", object=ada.uri))["actor"] == node.actor("alice")
    await ada.do("create", content="<p>let me in</p>", inReplyTo=ours["uri"], mention=[node.actor("alice")])
    await ada.do("like", object=ours["uri"], to=[node.actor("alice")])
    await ada.do("follow", object=node.actor("alice"))
    assert (await ada.receives("Reject", object__actor=ada.uri))["actor"] == node.actor("alice")
    seen = await alice.get(f"/api/v1/statuses/{ours['id']}")
    assert (seen["replies_count"], seen["favourites_count"]) == (0, 0)
    assert ada.handle not in [
        each["account"]["acct"] for each in await alice.notifications() if each["type"] != "follow"
    ]
    await alice.post(f"/api/v1/accounts/{account['id']}/unblock")
    assert (await ada.receives("Undo", object__object=ada.uri, object__type="Block"))["actor"] == node.actor("alice")


async def test_direct_messages_go_both_ways_and_to_nobody_else(
    ada: FedifyPerson, fedify: FedifyServer, alice: Api, node: RunningNode
) -> None:
    note = await ada.do("create", content="<p>psst</p>", visibility="direct", mention=[node.actor("alice")])
    told = next(each for each in await alice.notifications("mention") if each["status"]["uri"] == note["id"])
    assert told["status"]["visibility"] == "direct"
    async with fedify.person("listener") as listener, node.api() as stranger:
        await follower(listener, node)
        answer = await say(
            alice, f"@{ada.handle} psst yourself", visibility="direct", in_reply_to_id=told["status"]["id"]
        )
        create = await ada.receives("Create", object__id=answer["uri"])
        assert create["object"]["to"] == ada.uri
        assert "cc" not in create["object"]
        assert len([each for each in await ada.requests() if each["id"] == create["id"]]) == 1
        assert await listener.do("lookup", url=answer["uri"]) is None
        with pytest.raises(ApiError) as refused:
            await stranger.get(f"/api/v1/statuses/{answer['id']}")
        assert refused.value.status == 404


@pytest.mark.parametrize("visibility", ["unlisted", "private"])
async def test_visibilities_survive_the_way(visibility: str, ada: FedifyPerson, alice: Api, node: RunningNode) -> None:
    await follower(ada, node)
    await follows(alice, ada)
    note = await ada.do("create", content="<p>some may read this</p>", visibility=visibility)
    status = by_uri(await alice.home(), note["id"])
    assert status is not None
    assert status["visibility"] == visibility
    ours = await say(alice, "some may read this too", visibility=visibility)
    create = await ada.receives("Create", object__id=ours["uri"])
    public = [name for name in ("to", "cc") if create["object"].get(name) in (PUBLIC, "as:Public")]
    assert public == (["cc"] if visibility == "unlisted" else [])
    assert create["object"]["to"] == f"{node.actor('alice')}/followers"


async def test_a_poll_of_fedify_takes_our_vote(ada: FedifyPerson, alice: Api, node: RunningNode) -> None:
    await follows(alice, ada)
    question = await ada.do("create", content="<p>What will you have?</p>", options=OPTIONS)
    status = by_uri(await alice.home(), question["id"])
    assert status is not None
    assert [each["title"] for each in status["poll"]["options"]] == OPTIONS
    assert not status["poll"]["multiple"]
    voted = await alice.post(f"/api/v1/polls/{status['poll']['id']}/votes", choices=[1])
    assert (voted["voted"], voted["own_votes"]) == (True, [1])
    vote = await ada.receives("Create", object__inReplyTo=question["id"])
    assert vote["object"]["name"] == "coffee"
    assert vote["object"]["to"] == ada.uri
    assert "content" not in vote["object"]


async def test_fedify_finds_people_and_followers_collections(ada: FedifyPerson, alice: Api, node: RunningNode) -> None:
    found = await ada.do("lookup", url=node.actor("alice"))
    assert found["type"] == "Person"
    assert found["json"]["preferredUsername"] == "alice"
    assert found["json"]["inbox"] == f"{node.actor('alice')}/inbox"
    for name in ("followers", "following", "outbox"):
        collection = await ada.do("lookup", url=found["json"][name])
        assert collection["type"] == "OrderedCollection"
    # A handle with a port leads to the same person.
    assert (await alice.find_account(f"@{ada.handle}"))["uri"] == ada.uri


async def test_a_report_of_fedify_is_taken(ada: FedifyPerson, alice: Api, node: RunningNode) -> None:
    ours = await say(alice, "something bad")
    await ada.do("flag", object=node.actor("alice"), posts=[ours["uri"]], content="look at this")
    assert not [each for each in await alice.notifications() if each["account"]["acct"] == ada.handle]


@pytest.mark.parametrize(
    "first_knock, scheme",
    [
        pytest.param("rfc9421", "rfc9421", id="who signs with RFC 9421 reads it"),
        pytest.param("draft-cavage-http-signatures-12", "cavage", id="at first contact with any other"),
    ],
)
async def test_what_we_send_is_signed_as_the_peer_has_shown_that_it_reads(
    first_knock: str, scheme: str, node: RunningNode
) -> None:
    with fedify_server(first_knock) as stranger:
        async with stranger.person() as ada:
            await ada.do("follow", object=node.actor("alice"))
            accept = await ada.receives("Accept", object__actor=ada.uri)
            requests = [each for each in await ada.requests() if each["id"] == accept["id"]]
            assert [(each["status"], each["scheme"]) for each in requests] == [(202, scheme)]


async def test_fedify_believes_what_we_say_by_its_proof_alone(ada: FedifyPerson, alice: Api, node: RunningNode) -> None:
    """It reads our actor with its keys, ML-DSA ones too, and checks the proof with its own mathematics."""
    said = await say(alice, "whoever brings it, it is mine: 1.50 € & <b>")
    async with aiohttp.ClientSession(headers={"Accept": "application/activity+json"}) as session:
        async with session.get(f"{said['uri']}/activity") as answer:
            create = await answer.json(content_type=None)
        async with session.get(node.actor("alice")) as answer:
            actor = await answer.json(content_type=None)
    assert [each["id"].rpartition("#")[2] for each in actor["verificationMethod"]] == ["mldsa44-key"]
    assert (await ada.do("believe", document=create))["id"] == create["id"]
    assert await ada.do("believe", document={**create, "to": [ada.uri]}) is None


async def test_what_is_not_signed_or_signed_by_another_is_refused(
    ada: FedifyPerson, alice: Api, node: RunningNode
) -> None:
    await follows(alice, ada)
    inbox = f"{node.actor('alice')}/inbox"
    async with fake_peer() as peer:
        eve = peer.person("eve")
        note = {
            **peer.note(eve, "<p>I am ada, believe me</p>"),
            "attributedTo": ada.uri,
            "id": f"{ada.uri}/notes/forged",
        }
        forged = {**peer.create(eve, note), "actor": ada.uri, "id": f"{ada.uri}/notes/forged/activity"}
        for scheme in ("cavage", "rfc9421"):
            # Not believed: ada's own server is asked whether she has said it, and does not know it.
            assert await peer.deliver(eve, inbox, forged, scheme) == 202
            honest = peer.sign(eve, inbox, peer.create(eve, peer.note(eve, "<p>hello</p>")), scheme)
            unsigned = {"content-type": honest.headers["content-type"]}
            async with peer.session.post(inbox, data=honest.body, headers=unsigned) as response:
                assert response.status == 401
            changed = honest.body.replace(b"hello", b"HELLO")
            async with peer.session.post(inbox, data=changed, headers=honest.headers) as response:
                assert response.status == 401
    assert by_uri(await alice.home(), note["id"]) is None
