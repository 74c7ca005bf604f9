"""Two nodes of ours talk over real sockets: alice@127.0.0.1:PORT and ben@localhost:PORT, each with a client."""

from __future__ import annotations

import io
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from PIL import Image

from tests.fake_peer import fake_peer
from tests.federation.fedify import eventually
from tests.running_node import Api, ApiError, RunningNode

Status = dict[str, Any]


async def follow(api: Api, handle: str) -> dict[str, Any]:
    """Follow somebody on the other node; their account once the follow was granted."""
    account: dict[str, Any] = await api.find_account(handle)
    await api.post(f"/api/v1/accounts/{account['id']}/follow")
    await eventually(lambda: related(api, account, "following"), f"the Accept of {handle}")
    return account


async def related(api: Api, account: dict[str, Any], name: str) -> bool:
    found = await api.get("/api/v1/accounts/relationships", **{"id[]": account["id"]})
    return bool(found[0][name])


async def say(api: Api, status: str, **more: Any) -> Status:
    said: Status = await api.post("/api/v1/statuses", status=status, **more)
    return said


def at_home(api: Api, uri: str) -> Callable[[], Awaitable[Status | None]]:
    async def ask() -> Status | None:
        return next((each for each in await api.home() if each["uri"] == uri), None)

    return ask


async def arrives(api: Api, uri: str) -> Status:
    """The post, once it stands in the home timeline."""
    found = await eventually(at_home(api, uri), uri)
    assert found is not None
    return found


async def becomes(api: Api, status: Status, **properties: Any) -> Status:
    """The post, once it has these properties."""

    async def ask() -> Status | None:
        seen: Status = await api.get(f"/api/v1/statuses/{status['id']}")
        return seen if all(seen[name] == value for name, value in properties.items()) else None

    found = await eventually(ask, str(properties))
    assert found is not None
    return found


async def told(api: Api, kind: str, status_uri: str | None = None) -> dict[str, Any]:
    """The newest notification of that kind, about that post."""

    async def ask() -> dict[str, Any] | None:
        found = await api.notifications(kind)
        return next((each for each in found if not status_uri or each["status"]["uri"] == status_uri), None)

    found = await eventually(ask, f"a notification of {kind}")
    assert found is not None
    return found


async def has_gone(api: Api, status: Status) -> bool:
    try:
        await api.get(f"/api/v1/statuses/{status['id']}")
    except ApiError as refused:
        return refused.status == 404
    return False


async def test_people_find_each_other_by_handles_with_a_port(
    alice: Api, ben: Api, node: RunningNode, other_node: RunningNode
) -> None:
    for api, handle, uri in (
        (alice, other_node.handle("ben"), other_node.actor("ben")),
        (ben, node.handle("alice"), node.actor("alice")),
    ):
        for written in (handle, f"@{handle}", uri, uri.replace("/users/", "/@")):
            found = await api.find_account(written)
            assert (found["acct"], found["uri"]) == (handle, uri), written
        assert (await api.get("/api/v1/accounts/lookup", acct=handle))["uri"] == uri


async def test_a_conversation_with_a_like_a_boost_an_edit_and_a_delete(
    alice: Api, ben: Api, node: RunningNode, other_node: RunningNode
) -> None:
    await follow(alice, other_node.handle("ben"))
    first = await say(ben, f"Hello @{node.handle('alice')}, how is the #weather?", spoiler_text="small talk")
    there = await arrives(alice, first["uri"])
    assert (there["spoiler_text"], [tag["name"] for tag in there["tags"]]) == ("small talk", ["weather"])
    assert there["url"] == first["url"]
    assert (await told(alice, "mention", first["uri"]))["account"]["acct"] == other_node.handle("ben")

    reply = await say(alice, f"@{other_node.handle('ben')} fine!", in_reply_to_id=there["id"])
    await becomes(ben, first, replies_count=1)
    thread = await ben.get(f"/api/v1/statuses/{first['id']}/context")
    assert [each["uri"] for each in thread["descendants"]] == [reply["uri"]]

    await alice.post(f"/api/v1/statuses/{there['id']}/favourite")
    await becomes(ben, first, favourites_count=1)
    assert (await told(ben, "favourite", first["uri"]))["account"]["acct"] == node.handle("alice")
    await alice.post(f"/api/v1/statuses/{there['id']}/unfavourite")
    await becomes(ben, first, favourites_count=0)

    await alice.post(f"/api/v1/statuses/{there['id']}/reblog")
    await becomes(ben, first, reblogs_count=1)
    assert (await told(ben, "reblog", first["uri"]))["account"]["acct"] == node.handle("alice")
    await alice.post(f"/api/v1/statuses/{there['id']}/unreblog")
    await becomes(ben, first, reblogs_count=0)

    await ben.put(f"/api/v1/statuses/{first['id']}", status="Hello, how is the climate?")

    async def edited() -> bool:
        seen = await alice.get(f"/api/v1/statuses/{there['id']}")
        return "climate" in seen["content"] and seen["edited_at"] is not None

    await eventually(edited, "the edit")
    assert len(await alice.get(f"/api/v1/statuses/{there['id']}/history")) == 2

    await ben.delete(f"/api/v1/statuses/{first['id']}")
    await eventually(lambda: has_gone(alice, there), "the delete")


async def test_a_poll_is_voted_on_from_the_other_node(alice: Api, ben: Api, other_node: RunningNode) -> None:
    await follow(alice, other_node.handle("ben"))
    poll = {"options": ["tea", "coffee", "water"], "expires_in": 3600, "multiple": True}
    ours = await say(ben, "What will you have?", poll=poll)
    there = await arrives(alice, ours["uri"])
    assert there["poll"]["multiple"]
    voted = await alice.post(f"/api/v1/polls/{there['poll']['id']}/votes", choices=[0, 2])
    assert (voted["voted"], sorted(voted["own_votes"])) == (True, [0, 2])

    async def counted() -> bool:
        seen = await ben.get(f"/api/v1/polls/{ours['poll']['id']}")
        counts = [each["votes_count"] for each in seen["options"]]
        return bool((counts, seen["votes_count"], seen["voters_count"]) == ([1, 0, 1], 2, 1))

    await eventually(counted, "the votes")
    with pytest.raises(ApiError) as refused:
        await alice.post(f"/api/v1/polls/{there['poll']['id']}/votes", choices=[1])
    assert refused.value.status == 422


async def test_a_direct_message_reaches_only_whom_it_names(
    alice: Api, ben: Api, node: RunningNode, other_node: RunningNode
) -> None:
    message = await say(alice, f"@{other_node.handle('ben')} a secret", visibility="direct")
    heard = await told(ben, "mention", message["uri"])
    assert heard["status"]["visibility"] == "direct"
    answer = await say(ben, f"@{node.handle('alice')} noted", visibility="direct", in_reply_to_id=heard["status"]["id"])
    assert (await told(alice, "mention", answer["uri"]))["status"]["in_reply_to_id"] == message["id"]
    talks = await ben.get("/api/v1/conversations")
    assert [each["last_status"]["uri"] for each in talks].count(answer["uri"]) == 1
    async with node.api() as stranger:
        found = await stranger.get("/api/v1/timelines/public", limit=40)
        assert message["uri"] not in [each["uri"] for each in found]


async def test_a_locked_account_grants_requests_itself(
    alice: Api, ben: Api, node: RunningNode, other_node: RunningNode
) -> None:
    await ben.call("PATCH", "/api/v1/accounts/update_credentials", json={"locked": True})
    try:
        account = await alice.find_account(other_node.handle("ben"))
        if await related(alice, account, "following"):
            await alice.post(f"/api/v1/accounts/{account['id']}/unfollow")
            us = await ben.find_account(node.handle("alice"))

            async def left() -> bool:
                return not await related(ben, us, "followed_by")

            await eventually(left, "the Undo")
        await alice.post(f"/api/v1/accounts/{account['id']}/follow")

        async def waiting() -> list[dict[str, Any]]:
            found: list[dict[str, Any]] = await ben.get("/api/v1/follow_requests")
            return found

        request = await eventually(waiting, "the request")
        assert [each["acct"] for each in request] == [node.handle("alice")]
        assert await related(alice, account, "requested")
        await ben.post(f"/api/v1/follow_requests/{request[0]['id']}/authorize")
        await eventually(lambda: related(alice, account, "following"), "the Accept")
    finally:
        await ben.call("PATCH", "/api/v1/accounts/update_credentials", json={"locked": False})


async def test_a_profile_change_travels(alice: Api, ben: Api, other_node: RunningNode) -> None:
    account = await follow(alice, other_node.handle("ben"))
    fields = [{"name": "Pronouns", "value": "he/him"}]
    change = {"display_name": "Ben the Second", "note": "New here", "fields_attributes": fields}
    await ben.call("PATCH", "/api/v1/accounts/update_credentials", json=change)

    async def changed() -> bool:
        seen = await alice.get(f"/api/v1/accounts/{account['id']}")
        return bool(seen["display_name"] == "Ben the Second" and seen["fields"][0]["name"] == "Pronouns")

    await eventually(changed, "the Update of the actor")


async def test_a_reply_whose_parents_were_never_seen_brings_them_along(
    alice: Api, ben: Api, node: RunningNode, other_node: RunningNode
) -> None:
    """Node B learns of a thread at its end: the post that mentions somebody there."""
    posts = [await say(ben, "a thread begins")]
    for number in range(3):
        posts.append(await say(ben, f"part {number}", in_reply_to_id=posts[-1]["id"]))
    posts.append(await say(ben, f"@{node.handle('alice')} the end", in_reply_to_id=posts[-1]["id"]))
    end = (await told(alice, "mention", posts[-1]["uri"]))["status"]

    async def whole() -> bool:
        thread = await alice.get(f"/api/v1/statuses/{end['id']}/context")
        return [each["uri"] for each in thread["ancestors"]] == [each["uri"] for each in posts[:-1]]

    await eventually(whole, "all parents")
    root = await alice.find_status(posts[0]["uri"])
    thread = await alice.get(f"/api/v1/statuses/{root['id']}/context")
    assert [each["uri"] for each in thread["descendants"]] == [each["uri"] for each in posts[1:]]


async def test_a_post_found_by_its_address_can_be_answered(alice: Api, ben: Api, other_node: RunningNode) -> None:
    ours = await say(ben, "nobody there has seen this")
    found = await alice.find_status(ours["url"])
    assert (found["uri"], found["url"]) == (ours["uri"], ours["url"])
    assert (await alice.find_status(ours["uri"]))["id"] == found["id"]
    reply = await say(alice, f"@{other_node.handle('ben')} now I have", in_reply_to_id=found["id"])
    assert (await told(ben, "mention", reply["uri"]))["status"]["in_reply_to_id"] == ours["id"]


async def test_a_block_ends_the_follow_and_keeps_replies_out(
    alice: Api, ben: Api, node: RunningNode, other_node: RunningNode
) -> None:
    account = await follow(alice, other_node.handle("ben"))
    us = await ben.find_account(node.handle("alice"))
    ours = await say(ben, "before the block")
    there = await arrives(alice, ours["uri"])
    await ben.post(f"/api/v1/accounts/{us['id']}/block")
    try:
        await eventually(lambda: related(alice, account, "blocked_by"), "the Block")
        assert not await related(alice, account, "following")
        with pytest.raises(ApiError):
            await alice.post(f"/api/v1/accounts/{account['id']}/follow")
        with pytest.raises(ApiError):
            await alice.post(f"/api/v1/statuses/{there['id']}/favourite")
        assert (await ben.get(f"/api/v1/statuses/{ours['id']}"))["favourites_count"] == 0
    finally:
        await ben.post(f"/api/v1/accounts/{us['id']}/unblock")

    async def unblocked() -> bool:
        return not await related(alice, account, "blocked_by")

    await eventually(unblocked, "the Undo of the Block")


async def test_followers_go_along_when_somebody_moves(alice: Api, node: RunningNode) -> None:
    async with fake_peer() as peer:
        old, new, stranger = peer.person("old"), peer.person("new"), peer.person("stranger")
        account = await follow(alice, old.uri)
        # Anybody can say that they moved to a stranger; only who is named by the new account has moved.
        lie = peer.activity(old, "Move", old.uri, target=stranger.uri, to=[old.followers])
        assert await peer.deliver(old, f"{node.base_url}/inbox", lie) == 202
        peer.documents[new.uri]["alsoKnownAs"] = [old.uri]
        move = peer.activity(old, "Move", old.uri, target=new.uri, to=[old.followers])
        assert await peer.deliver(old, f"{node.base_url}/inbox", move) == 202

        async def followed() -> list[dict[str, Any]]:
            return peer.believed("Undo")

        undo = await eventually(followed, "the Undo of the old follow")
        assert [each["object"]["object"] for each in undo] == [old.uri]
        target = await alice.find_account(new.uri)
        await eventually(lambda: related(alice, target, "following"), "the follow of the new account")
        assert not await related(alice, account, "following")
        assert (await alice.get(f"/api/v1/accounts/{account['id']}"))["moved"]["uri"] == new.uri
        assert stranger.uri not in [each["object"] for each in peer.believed("Follow")]


async def test_a_picture_arrives_with_its_description(alice: Api, ben: Api, other_node: RunningNode) -> None:
    await follow(alice, other_node.handle("ben"))
    picture = await upload(ben, description="a red square")
    ours = await say(ben, "look", media_ids=[picture["id"]])
    there = await arrives(alice, ours["uri"])
    attachment = there["media_attachments"][0]
    assert (attachment["type"], attachment["description"]) == ("image", "a red square")
    assert attachment["blurhash"] == picture["blurhash"]


async def upload(api: Api, *, description: str) -> dict[str, Any]:
    form = aiohttp.FormData()
    form.add_field("file", _red_square(), filename="square.png", content_type="image/png")
    form.add_field("description", description)
    media: dict[str, Any] = await api.call("POST", "/api/v2/media", data=form)
    return media


def _red_square() -> bytes:
    target = io.BytesIO()
    Image.new("RGB", (64, 64), "red").save(target, "PNG")
    return target.getvalue()
