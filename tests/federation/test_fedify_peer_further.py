"""What goes beyond posts and follows, with a server that shares no line of code with ours: proofs, keys, moves, votes,
reactions, quotes, whole threads, groups.

Fedify makes these documents from its own vocabulary, and signs and checks them in its own way.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import orjson
import pytest

from fediverse_node.app import load_actor_document
from fediverse_node.base.outcome import Fail
from fediverse_node.outbox.draft import Draft
from fediverse_node.outbox.key_rotation import KeyRotation
from fediverse_node.outbox.moving import Moving, Plan
from tests.fake_peer import FakePeer
from tests.federation.fedify import FedifyPerson, FedifyServer, eventually
from tests.federation.test_fedify_peer import by_uri, follower, follows, relationship, say
from tests.inprocess import Running
from tests.running_node import Api, ApiError, RunningNode

# How a request is signed makes no difference to what is said in it: once is enough.
pytestmark = [pytest.mark.peer, pytest.mark.parametrize("fedify", ["rfc9421"], indirect=True)]


@pytest.fixture(scope="session")
def bobs_node(node: RunningNode) -> RunningNode:
    """The same node as alice's, on which bob lives too."""
    node.add_users("bob")
    return node


@pytest.fixture
async def bob(bobs_node: RunningNode) -> AsyncIterator[Api]:
    async with bobs_node.api("bob") as api:
        yield api


def all_of_it(body: bytes) -> bytes:
    return body


def without_signature(body: bytes) -> bytes:
    """As Fedify signed it first: the linked-data signature is made last, of everything before."""
    return orjson.dumps({name: value for name, value in orjson.loads(body).items() if name != "signature"})


@pytest.mark.parametrize(
    "who, take, carried",
    [
        pytest.param("ada", all_of_it, {"proof", "signature"}, id="with both"),
        pytest.param("ada", without_signature, {"proof"}, id="with an integrity proof"),
        pytest.param("classic", all_of_it, {"signature"}, id="with a linked-data signature"),
    ],
)
async def test_what_fedify_says_is_believed_whoever_brings_it_but_not_with_one_byte_changed(
    who: str,
    take: Callable[[bytes], bytes],
    carried: set[str],
    fedify: FedifyServer,
    peer: FakePeer,
    alice: Api,
    node: RunningNode,
) -> None:
    carrier, inbox = peer.person("carrier"), f"{node.actor('alice')}/inbox"
    ours = await say(alice, "pass it on")
    async with fedify.person(who) as author:
        await follows(alice, author)
        await author.do("lose", object=node.actor("alice"))  # so that nothing comes from there itself

        async def brought(command: str, **options: Any) -> tuple[dict[str, Any], bytes]:
            said = await author.do(command, to=[carrier.uri], **options)
            assert peer.arrived[-1].signer == author.uri
            # Whatever is asked about it there, nobody answers: only what it carries can speak for it.
            await author.do("forget", object=said["id"])
            body = take(peer.arrived[-1].body)
            assert {"proof", "signature"} & orjson.loads(body).keys() == carried
            return said, body

        note, create = await brought("create", content="<p>I said so</p>")
        assert await peer.deliver(carrier, inbox, create) == 202
        status = by_uri(await alice.home(), note["id"])
        assert status is not None
        assert (status["content"], status["account"]["acct"]) == ("<p>I said so</p>", author.handle)
        assert not await author.gets(note["id"].removeprefix(fedify.origin))

        like, body = await brought("like", object=ours["uri"])
        uri = like["id"].encode()
        assert await peer.deliver(carrier, inbox, body.replace(uri, uri[:-1] + b"x")) == 401
        assert (await alice.get(f"/api/v1/statuses/{ours['id']}"))["favourites_count"] == 0
        assert await peer.deliver(carrier, inbox, body) == 202
        assert (await alice.get(f"/api/v1/statuses/{ours['id']}"))["favourites_count"] == 1

        # Of a post one asks whoever is said to have written it, who knows nothing of this one.
        changed, create = await brought("create", content="<p>I said that</p>")
        assert await peer.deliver(carrier, inbox, create.replace(b"said that", b"said thet")) == 202
        path = changed["id"].removeprefix(fedify.origin)
        await eventually(lambda: author.gets(path), "the question at its origin")
        assert by_uri(await alice.home(), changed["id"]) is None


def new_keys(home: Running) -> KeyRotation:
    core = home.node.core
    return KeyRotation(
        database=core.database,
        writer=core.writer,
        world=core.world,
        registration=core.registration,
        actor_document_of=lambda actor_id: load_actor_document(core, actor_id),
    )


async def document(peer: FakePeer, uri: str) -> dict[str, Any]:
    async with peer.session.get(uri, headers={"Accept": "application/activity+json"}) as answer:
        found: dict[str, Any] = orjson.loads(await answer.read())
        return found


async def test_fedify_goes_on_believing_somebody_who_has_new_keys(
    home: Running, ada: FedifyPerson, peer: FakePeer
) -> None:
    mover = await home.add_person("mover")
    uri = f"{home.base_url}/users/mover"
    await ada.do("follow", object=uri)
    await ada.receives("Accept", object__actor=ada.uri)

    async def says(text: str) -> dict[str, Any]:
        assert isinstance(await home.node.outbox.post(mover, Draft(text)), int)
        activities = await eventually(lambda: with_text(ada, text), f"{text} at Fedify")
        return await document(peer, f"{activities[0]['object']['id']}/activity")

    before = await says("signed with the old keys")
    made = await new_keys(home).rotate(uri, overlap=timedelta(days=7))
    assert made is not None
    home.node.sender._keys._cached.clear()  # what half a minute does
    after = await says("signed with the new keys")
    update = await ada.receives("Update", object__id=uri)
    assert update["object"]["publicKey"]["id"] in made
    methods = [create["proof"]["verificationMethod"] for create in (before, after)]
    assert [method in made for method in methods] == [False, True]
    for create in (before, after):
        # Both by their proofs alone; the old one is listed for a while.
        assert (await ada.do("believe", document=create))["id"] == create["id"]
    requests = {each["id"]: each for each in await ada.requests()}
    assert [requests[create["id"]]["status"] for create in (before, after)] == [202, 202]
    assert [requests[create["id"]]["keyId"] in made for create in (before, after)] == [False, True]


async def with_text(person: FedifyPerson, text: str) -> list[dict[str, Any]]:
    return [each for each in await person.received("Create") if text in str(each["object"].get("content"))]


async def test_what_fedify_signs_with_new_keys_under_the_old_names_is_believed(
    ada: FedifyPerson, alice: Api, node: RunningNode
) -> None:
    await follows(alice, ada)
    before = await ada.do("lookup", url=ada.uri)
    old = await ada.do("create", content="<p>with the old keys</p>")
    await ada.do("renew")
    new = await ada.do("create", content="<p>with the new keys</p>")
    keys = [each["json"]["publicKey"] for each in (before, await ada.do("lookup", url=ada.uri))]
    assert keys[0]["id"] == keys[1]["id"]
    assert keys[0]["publicKeyPem"] != keys[1]["publicKeyPem"]
    shown = [each["uri"] for each in await alice.home()]
    assert {old["id"], new["id"]} <= set(shown)


async def test_a_follow_goes_along_when_somebody_at_fedify_moves(
    ada: FedifyPerson, fedify: FedifyServer, alice: Api, node: RunningNode
) -> None:
    account = await follows(alice, ada)
    async with fedify.person("impostor") as impostor, fedify.person("ada") as new:
        # Whoever does not say that it is the same person gets nobody.
        await ada.do("move", target=impostor.uri)
        await new.do("alias", object=ada.uri)
        await ada.do("move", target=new.uri)
        there = await alice.find_account(new.uri)
        await eventually(lambda: relationship(alice, there, "following"), "the follow of the new account")
        assert not await relationship(alice, account, "following")
        assert await new.followers() == [node.actor("alice")]
        await eventually(ada.is_alone, "the end of the old follow")
        assert await impostor.is_alone()
        assert (await alice.get(f"/api/v1/accounts/{account['id']}"))["moved"]["acct"] == new.handle


async def test_followers_at_fedify_go_along_when_somebody_of_ours_moves(
    home: Running, ada: FedifyPerson, fedify: FedifyServer
) -> None:
    mover, core = await home.add_person("mover"), home.node.core
    uri = f"{home.base_url}/users/mover"
    moving = Moving(
        database=core.database,
        writer=core.writer,
        world=core.world,
        outbox=home.node.outbox,
        find_handle=home.node.gatherer.handle,
        afresh=home.node.gatherer.afresh,
    )
    async with fedify.person("mover") as new:
        await ada.do("follow", object=uri)
        await ada.receives("Accept", object__actor=ada.uri)
        refused = await moving.plan(mover, f"@{new.handle}")
        assert isinstance(refused, Plan)
        assert refused.fault is not None
        await new.do("alias", object=uri)
        plan = await moving.plan(mover, f"@{new.handle}")
        assert isinstance(plan, Plan)
        assert (plan.target_uri, plan.followers_elsewhere, plan.fault) == (new.uri, 1, None)
        assert await moving.move(mover, plan) is None
        move = await ada.receives("Move", actor=uri)
        assert (move["object"], move["target"]) == (uri, new.uri)
        await eventually(new.followers, "the follow of the new account")
        assert await new.followers() == [ada.uri]
        assert (await ada.do("lookup", url=uri))["json"]["movedTo"] == new.uri


async def test_emoji_reactions_go_both_ways_and_back(ada: FedifyPerson, alice: Api, node: RunningNode) -> None:
    ours = await say(alice, "I have painted my boat")
    fire = await ada.do("react", object=ours["uri"], content="🔥", to=[node.actor("alice")])
    await ada.do("react", object=ours["uri"], content=":cat:", to=[node.actor("alice")])
    seen = await alice.get(f"/api/v1/statuses/{ours['id']}")
    assert [(each["name"], each["count"]) for each in seen["reactions"]] == [("🔥", 1), (f"cat@{ada.server.host}", 1)]
    assert seen["favourites_count"] == 1
    await ada.do("undo", object=fire["id"], to=[node.actor("alice")])
    seen = await alice.get(f"/api/v1/statuses/{ours['id']}")
    assert [each["name"] for each in seen["reactions"]] == [f"cat@{ada.server.host}"]

    theirs = await alice.find_status((await ada.do("publish", content="<p>mine is red</p>"))["id"])
    path = f"/api/v1/pleroma/statuses/{theirs['id']}/reactions"
    for emoji in ("👍", "🎉"):
        await alice.put(f"{path}/{quote(emoji)}")
    # The first is a Like with more, for servers that know nothing else.
    like = await ada.receives("Like", object=theirs["uri"])
    assert (like["content"], like["actor"]) == ("👍", node.actor("alice"))
    react = await ada.receives("EmojiReact", object=theirs["uri"])
    assert (react["content"], react["actor"]) == ("🎉", node.actor("alice"))
    await alice.delete(f"{path}/{quote('🎉')}")
    assert (await ada.receives("Undo", object__id=react["id"]))["object"]["type"] == "EmojiReact"


async def test_a_quote_from_fedify_is_granted_or_refused_as_our_post_says(
    ada: FedifyPerson, alice: Api, node: RunningNode
) -> None:
    await follows(alice, ada)
    free = await say(alice, "quote me", quote_approval_policy="public")
    quoting = await ada.do("quote", content="<p>look at this</p>", quote=free["uri"])
    # Fedify fetches the stamp, reads whom and what it names, and shows it in an Update.
    accept = await ada.receives("Accept", object__type="QuoteRequest", object__actor=ada.uri)
    assert accept["result"].startswith(node.actor("alice"))

    async def shown() -> dict[str, Any] | None:
        status = by_uri(await alice.home(), quoting["id"])
        return status if status and status["quote"] and status["quote"]["state"] == "accepted" else None

    status = await eventually(shown, "the quote")
    assert status is not None
    assert status["quote"]["quoted_status"]["id"] == free["id"]
    assert (await alice.get(f"/api/v1/statuses/{free['id']}"))["quotes_count"] == 1
    await alice.post(f"/api/v1/statuses/{free['id']}/quotes/{status['id']}/revoke")
    assert not await shown()
    await ada.receives("Delete", object=accept["result"])
    assert await ada.do("lookup", url=accept["result"]) is None

    mine = await say(alice, "do not quote me", quote_approval_policy="nobody")
    quoting = await ada.do("quote", content="<p>look at that</p>", quote=mine["uri"])
    await ada.receives("Reject", object__type="QuoteRequest", object__object=mine["uri"])
    status = by_uri(await alice.home(), quoting["id"])
    assert status is not None
    assert status["quote"]["state"] != "accepted"
    assert status["quote"]["quoted_status"] is None


async def test_a_quote_of_a_post_at_fedify_is_shown_once_its_author_has_said_yes(
    ada: FedifyPerson, alice: Api, node: RunningNode
) -> None:
    await follower(ada, node)
    for quotable in (None, False):
        post = await ada.do("publish", content="<p>mine</p>", quotable=quotable)
        found = await alice.find_status(post["id"])
        with pytest.raises(ApiError) as refused:
            await say(alice, "look", quoted_status_id=found["id"])
        assert refused.value.status == 403
    post = await ada.do("publish", content="<p>everybody's</p>", quotable=True)
    found = await alice.find_status(post["id"])
    said = await say(alice, "look at this", quoted_status_id=found["id"])
    assert said["quote"]["state"] == "pending"
    request = await ada.receives("QuoteRequest", object=post["id"])
    assert request["actor"] == node.actor("alice")

    async def accepted() -> bool:
        seen = await alice.get(f"/api/v1/statuses/{said['id']}")
        return bool(seen["quote"]["state"] == "accepted" and seen["quote"]["quoted_status"]["uri"] == post["id"])

    await eventually(accepted, "the stamp of Fedify")
    update = await ada.receives("Update", object__id=said["uri"])
    assert update["object"]["quote"] == post["id"]
    assert update["object"]["quoteAuthorization"].startswith(f"{ada.uri}/stamps/")
    read = (await ada.do("lookup", url=said["uri"]))["json"]
    stamp = read["quoteAuthorization"]
    assert stamp == update["object"]["quoteAuthorization"]
    await ada.do("delete", object=stamp, to=[node.actor("alice")])
    seen = await alice.get(f"/api/v1/statuses/{said['id']}")
    assert (seen["quote"]["state"], seen["quote"]["quoted_status"]) == ("revoked", None)


async def test_a_poll_of_ours_counts_a_vote_from_fedify_once(ada: FedifyPerson, alice: Api, node: RunningNode) -> None:
    await follower(ada, node)
    ours = await say(alice, "What will you have?", poll={"options": ["tea", "coffee"], "expires_in": 600})
    question = (await ada.receives("Create", object__id=ours["uri"]))["object"]
    assert [each["name"] for each in question["oneOf"]] == ["tea", "coffee"]
    await ada.do("vote", object=ours["uri"], name="coffee")
    await ada.do("vote", object=ours["uri"], name="tea")  # nobody has two
    poll = (await alice.get(f"/api/v1/statuses/{ours['id']}"))["poll"]
    assert [each["votes_count"] for each in poll["options"]] == [0, 1]
    assert (poll["votes_count"], poll["voters_count"]) == (1, 1)
    read = (await ada.do("lookup", url=ours["uri"]))["json"]
    assert [each["replies"]["totalItems"] for each in read["oneOf"]] == [0, 1]
    assert read["votersCount"] == 1


async def test_replies_that_nobody_sent_here_stand_in_a_thread_once_it_is_read(
    ada: FedifyPerson, fedify: FedifyServer, alice: Api, node: RunningNode
) -> None:
    listed: dict[str, Any] = {"replies": True}
    root = await ada.do("publish", content="<p>Who is coming?</p>", **listed)
    async with fedify.person("ben") as ben, fedify.person("cleo") as cleo:
        said = [
            await each.do("publish", content="<p>I am</p>", inReplyTo=root["id"], **listed) for each in (ben, cleo, ben)
        ]
        said.append(await ada.do("publish", content="<p>fine</p>", inReplyTo=said[-1]["id"]))
        hidden = await cleo.do("publish", content="<p>psst</p>", inReplyTo=root["id"], visibility="private")
    found = await alice.find_status(root["id"])

    async def whole() -> bool:
        thread = await alice.get(f"/api/v1/statuses/{found['id']}/context")
        uris = {each["uri"] for each in thread["descendants"]}
        assert hidden["id"] not in uris
        return uris == {each["id"] for each in said}

    await eventually(whole, "the whole thread")
    thread = await alice.get(f"/api/v1/statuses/{found['id']}/context")
    parents = {each["uri"]: each["in_reply_to_id"] for each in thread["descendants"]}
    ids = {each["uri"]: each["id"] for each in thread["descendants"]}
    assert parents[said[-1]["id"]] == ids[said[-2]["id"]]
    assert {parents[each["id"]] for each in said[:-1]} == {found["id"]}


async def test_a_follower_whom_fedify_has_lost_is_told_so_here_and_nobody_asks_where_both_agree(
    ada: FedifyPerson, alice: Api, bob: Api, node: RunningNode
) -> None:
    account = await follows(alice, ada)
    theirs = await bob.find_account(ada.uri)
    await bob.post(f"/api/v1/accounts/{theirs['id']}/follow")
    await eventually(lambda: relationship(bob, theirs, "following"), "the Accept of Fedify")
    await ada.do("create", content="<p>to both of you</p>", synchronized=True)
    assert not await ada.gets(f"/users/{ada.name}/followers")
    await ada.do("lose", object=node.actor("bob"))
    await ada.do("create", content="<p>to one of you</p>", synchronized=True)

    async def settled() -> bool:
        return not await relationship(bob, theirs, "following")

    await eventually(settled, "the end of bob's follow")
    assert await relationship(alice, account, "following")
    [asked] = await ada.gets(f"/users/{ada.name}/followers")
    assert quote(f"{node.base_url}/", safe="") in asked


async def test_followers_of_a_group_at_fedify_see_what_its_members_write(
    ada: FedifyPerson, fedify: FedifyServer, alice: Api, bob: Api, node: RunningNode
) -> None:
    async with fedify.person("group") as group:
        account = await follows(bob, group)
        assert account["group"]
        note = await ada.do("create", content="<p>mine is red</p>", to=[group.uri], mention=[group.uri])

        async def boosts(uri: str) -> list[Any]:
            return [each for each in await bob.home() if each["reblog"] and each["reblog"]["uri"] == uri]

        [boost] = await eventually(lambda: boosts(note["id"]), "what ada wrote")
        assert (boost["account"]["acct"], boost["reblog"]["account"]["acct"]) == (group.handle, ada.handle)
        # A member here: what comes back of it is the same post.
        ours = await say(alice, f"@{group.handle} mine is blue")
        create = await group.receives("Create", object__id=ours["uri"])
        assert group.uri in create["object"]["cc"]
        [boost] = await eventually(lambda: boosts(ours["uri"]), "what alice wrote")
        assert boost["reblog"]["account"]["acct"] == "alice"


async def test_what_somebody_at_fedify_writes_in_a_group_here_reaches_its_members_with_its_proof_whole(
    home: Running, ada: FedifyPerson, peer: FakePeer
) -> None:
    made = await home.node.core.registration.create("boats", "boats@example.org", type_="Group")
    assert not isinstance(made, Fail)
    boats, reader = f"{home.base_url}/users/boats", peer.person("reader")
    await ada.do("follow", object=boats)
    await ada.receives("Accept", actor=boats, object__actor=ada.uri)
    assert await peer.deliver(reader, f"{boats}/inbox", peer.activity(reader, "Follow", boats)) == 202
    note = await ada.do("create", content="<p>mine is red</p>", mention=[boats], to=[boats])

    async def passed_on() -> list[dict[str, Any]]:
        told = [each["object"] for each in peer.believed("Announce")]
        return [each for each in told if isinstance(each, dict) and each["object"]["id"] == note["id"]]

    [create] = await eventually(passed_on, "what ada wrote, from the group")
    assert (create["type"], create["actor"]) == ("Create", ada.uri)
    assert (await ada.do("believe", document=create))["id"] == create["id"]
    assert await ada.do("believe", document={**create, "to": []}) is None
    # Fedify reads both: what she did, whole, and where the post is.
    announce = await ada.receives("Announce", actor=boats, object__id=create["id"])
    assert announce["object"]["object"]["id"] == note["id"]
    await ada.receives("Announce", actor=boats, object=note["id"])
