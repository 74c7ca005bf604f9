"""Filters, read positions and push subscriptions, on both databases."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from typing import Any

import pytest

from fediverse_node.signatures.web_push import public_key_of
from tests.api.conftest import ApiNode, Member

KEYS = {
    "p256dh": public_key_of(4711),
    "auth": urlsafe_b64encode(bytes(range(16))).decode(),
}


@pytest.fixture
async def carol(node_on_each_database: ApiNode) -> Member:
    return await node_on_each_database.add("carol")


async def test_a_filter_is_made_changed_and_deleted(carol: Member) -> None:
    made = await carol.post(
        "/api/v2/filters",
        title="Football",
        context=["home", "public"],
        filter_action="hide",
        expires_in=3600,
        keywords_attributes=[{"keyword": "goal", "whole_word": False}, {"keyword": "league"}],
    )
    assert (made["title"], made["context"], made["filter_action"]) == ("Football", ["home", "public"], "hide")
    assert made["expires_at"].endswith("Z")
    assert [(k["keyword"], k["whole_word"]) for k in made["keywords"]] == [("goal", False), ("league", True)]
    path = f"/api/v2/filters/{made['id']}"
    first, second = made["keywords"]
    changed = await carol.call(
        "PUT",
        path,
        json={
            "title": "Sport",
            "expires_in": "",
            "keywords_attributes": [
                {"id": first["id"], "keyword": "goals"},
                {"id": second["id"], "_destroy": True},
                {"keyword": "cup"},
            ],
        },
    )
    assert (changed.json["title"], changed.json["expires_at"], changed.json["filter_action"]) == ("Sport", None, "hide")
    assert [k["keyword"] for k in changed.json["keywords"]] == ["goals", "cup"]
    assert await carol.get("/api/v2/filters") == [changed.json]
    keyword = await carol.post(f"{path}/keywords", keyword="match")
    await carol.call("PUT", f"/api/v2/filters/keywords/{keyword['id']}", json={"whole_word": False})
    assert (await carol.get(f"/api/v2/filters/keywords/{keyword['id']}"))["whole_word"] is False
    assert (await carol.call("DELETE", f"/api/v2/filters/keywords/{keyword['id']}")).json == {}
    assert len(await carol.get(f"{path}/keywords")) == 2
    status = await carol.post("/api/v1/statuses", status="hello")
    named = await carol.post(f"{path}/statuses", status_id=status["id"])
    assert named["status_id"] == status["id"]
    await carol.post(f"{path}/statuses", status_id=status["id"], expect=422)
    assert (
        await carol.get(f"{path}/statuses") == [named] == [await carol.get(f"/api/v2/filters/statuses/{named['id']}")]
    )
    assert (await carol.call("DELETE", f"/api/v2/filters/statuses/{named['id']}")).status == 200
    assert (await carol.call("DELETE", path)).json == {}
    await carol.get(path, expect=404)


async def test_filters_of_others_do_not_exist(node_on_each_database: ApiNode, carol: Member) -> None:
    dave = await node_on_each_database.add("dave")
    made = await carol.post("/api/v2/filters", title="x", context=["home"], keywords_attributes=[{"keyword": "y"}])
    keyword_id = made["keywords"][0]["id"]
    for path in (
        f"/api/v2/filters/{made['id']}",
        f"/api/v2/filters/keywords/{keyword_id}",
        f"/api/v1/filters/{keyword_id}",
    ):
        for method in ("GET", "PUT", "DELETE"):
            assert (await dave.call(method, path)).status == 404, (method, path)
    own = await dave.post("/api/v2/filters", title="x", context=["home"])
    stolen = await dave.call(
        "PUT", f"/api/v2/filters/{own['id']}", json={"keywords_attributes": [{"id": keyword_id, "_destroy": True}]}
    )
    assert stolen.status == 404
    assert len((await carol.get(f"/api/v2/filters/{made['id']}"))["keywords"]) == 1


async def test_older_apps_see_each_keyword_as_a_filter(carol: Member) -> None:
    made = await carol.post("/api/v1/filters", phrase="spoiler", context=["home", "thread"], irreversible=True)
    assert made == {
        "id": made["id"],
        "phrase": "spoiler",
        "context": ["home", "thread"],
        "whole_word": False,
        "expires_at": None,
        "irreversible": True,
    }
    changed = await carol.call("PUT", f"/api/v1/filters/{made['id']}", json={"phrase": "spoilers", "context": ["home"]})
    assert (changed.json["phrase"], changed.json["context"], changed.json["irreversible"]) == (
        "spoilers",
        ["home"],
        True,
    )
    assert [f["title"] for f in await carol.get("/api/v2/filters")] == ["spoilers"]
    assert (await carol.call("DELETE", f"/api/v1/filters/{made['id']}")).json == {}
    assert await carol.get("/api/v2/filters") == []


@pytest.mark.parametrize(
    "change",
    [{"title": ""}, {"context": []}, {"context": ["everywhere"]}, {"filter_action": "burn"}, {"expires_in": -1}],
)
async def test_a_filter_that_cannot_be_is_refused(alice: Member, change: dict[str, Any]) -> None:
    await alice.post("/api/v2/filters", **({"title": "x", "context": ["home"]} | change), expect=422)


async def test_read_positions_are_kept_and_counted(carol: Member) -> None:
    assert await carol.get("/api/v1/markers?timeline[]=home") == {}
    first = await carol.post("/api/v1/markers", home={"last_read_id": "17"}, notifications={"last_read_id": "5"})
    assert (first["home"]["last_read_id"], first["home"]["version"]) == ("17", 0)
    reply = await carol.call("POST", "/api/v1/markers", data={"home[last_read_id]": "18"})
    assert list(reply.json) == ["home"]
    assert (reply.json["home"]["last_read_id"], reply.json["home"]["version"]) == ("18", 1)
    both = await carol.get("/api/v1/markers?timeline[]=home&timeline[]=notifications&timeline[]=else")
    assert (both["home"]["last_read_id"], both["notifications"]["last_read_id"]) == ("18", "5")


async def test_an_app_subscribes_to_push_messages(carol: Member) -> None:
    await carol.get("/api/v1/push/subscription", expect=404)
    subscription = {"endpoint": "https://push.example/abc", "keys": KEYS, "standard": True}
    made = await carol.post(
        "/api/v1/push/subscription", subscription=subscription, data={"alerts": {"mention": True}, "policy": "followed"}
    )
    assert (made["endpoint"], made["standard"], made["policy"]) == ("https://push.example/abc", True, "followed")
    assert made["alerts"]["mention"] is True
    assert made["alerts"]["favourite"] is False
    assert len(made["server_key"]) == 87
    assert await carol.get("/api/v1/push/subscription") == made
    form = {"data[alerts][favourite]": "true", "data[policy]": "all"}
    changed = (await carol.call("PUT", "/api/v1/push/subscription", data=form)).json
    assert (changed["alerts"]["favourite"], changed["alerts"]["mention"], changed["policy"]) == (True, False, "all")
    again = await carol.post(
        "/api/v1/push/subscription", subscription=subscription | {"endpoint": "https://push.example/2"}
    )
    assert again["endpoint"] == "https://push.example/2"
    assert (await carol.call("DELETE", "/api/v1/push/subscription")).json == {}
    assert (await carol.call("PUT", "/api/v1/push/subscription", data=form)).status == 404


@pytest.mark.parametrize(
    "change",
    [
        {"endpoint": "ftp://push.example"},
        {"endpoint": "https://"},
        {"endpoint": ""},
        {"keys": {"p256dh": "short", "auth": KEYS["auth"]}},
        {"keys": {"p256dh": KEYS["p256dh"], "auth": "!"}},
        {"keys": {}},
    ],
)
async def test_a_subscription_that_cannot_be_is_refused(alice: Member, change: dict[str, Any]) -> None:
    subscription = {"endpoint": "https://push.example/abc", "keys": KEYS} | change
    await alice.post("/api/v1/push/subscription", subscription=subscription, expect=422)
