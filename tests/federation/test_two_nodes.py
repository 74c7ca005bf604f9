"""Two nodes of ours in processes of their own talk over real sockets: alice@127.0.0.1:PORT and ben@localhost:PORT.

What else two nodes do together is told in test_stories.py.
"""

from __future__ import annotations

import io
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
from PIL import Image

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
