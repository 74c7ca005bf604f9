"""What could be put forward is shown to moderators, and what they decide is kept."""

from __future__ import annotations

from typing import Any

import orjson
from sqlalchemy import select

from fediverse_node.storage.tables import link_previews, object_previews, tag_reviews, tags, trend_reviews
from tests.api.admin.conftest import Office


async def _talk(office: Office) -> dict[str, int]:
    """Two hashtags, one of which more people use; a post that is answered; a link."""
    node, bob, eve = office.node, await office.node.stranger("bob"), await office.node.stranger("eve")
    quiet = await node.stranger("quiet", silenced_ms=1)
    for author in (bob, eve):
        await node.hear(author, hashtags=("sea",))
    for _ in range(3):
        await node.hear(bob, hashtags=("land",))
        await node.hear(quiet, hashtags=("loud",))
    root = await node.hear(bob)
    await office.alice.say("yes", in_reply_to_id=str(root))
    preview_id = node.context.world.ids.next()
    card = orjson.dumps({"url": "https://news.example/1", "title": "News"}).decode()
    row = {"id": preview_id, "url": "https://news.example/1", "host": "news.example", "state": 1, "card": card}
    await node.insert(link_previews, row)
    await node.insert(object_previews, {"object_id": root, "preview_id": preview_id})
    return {"status": root, "link": preview_id}


async def test_what_most_people_use_stands_first(office_on_each_database: Office) -> None:
    office = office_on_each_database
    await _talk(office)
    found = await office.moderator.get("/api/v1/admin/trends/tags")
    assert [tag["name"] for tag in found] == ["sea", "land"]
    assert (found[0]["history"][0]["accounts"], found[0]["history"][0]["uses"]) == ("2", "2")
    assert (found[0]["trendable"], found[0]["usable"], found[0]["requires_review"]) == (False, True, True)
    first = await office.node.request(
        "GET", "/api/v1/admin/trends/tags", token=office.moderator.token, params={"limit": 1}
    )
    assert [tag["name"] for tag in first.body] == ["sea"]
    assert "offset=1" in first.headers["Link"]
    assert [t["name"] for t in await office.moderator.get("/api/v1/admin/trends/tags", limit=1, offset=1)] == ["land"]
    await office.moderator.get("/api/v1/admin/trends/tags", expect=400, offset=-1)


async def test_links_and_posts_are_decided_about(office_on_each_database: Office) -> None:
    office = office_on_each_database
    made = await _talk(office)
    for kind in ("link", "status"):
        path = f"/api/v1/admin/trends/{kind}s" if kind == "link" else "/api/v1/admin/trends/statuses"
        [found] = await office.moderator.get(path)
        assert (found["id"], found["requires_review"]) == (str(made[kind]), True)
        for word, allowed in (("approve", True), ("reject", False)):
            decided = await office.moderator.post(f"{path}/{made[kind]}/{word}")
            assert (decided["id"], decided["requires_review"]) == (str(made[kind]), False)
            stored = select(trend_reviews.c.allowed).where(trend_reviews.c.kind == kind)
            assert [bool(row["allowed"]) for row in await office.fetch(stored)] == [allowed]
        assert [found["requires_review"] for found in await office.moderator.get(path)] == [False]
        await office.moderator.post(f"{path}/12345/approve", expect=404)
    [link] = await office.moderator.get("/api/v1/admin/trends/links")
    assert (link["url"], link["history"][0]["accounts"]) == ("https://news.example/1", "1")
    assert [(act, kind) for _, act, kind, _ in await office.book()] == [
        ("approve", "trending_link"),
        ("reject", "trending_link"),
        ("approve", "trending_status"),
        ("reject", "trending_status"),
    ]


async def _tag(office: Office, name: str) -> dict[str, Any]:
    [row] = await office.fetch(select(tags.c.id).where(tags.c.name == name))
    found: dict[str, Any] = await office.moderator.get(f"/api/v1/admin/tags/{row['id']}")
    return found


async def test_a_hashtag_is_decided_about_and_spelled(office_on_each_database: Office) -> None:
    office = office_on_each_database
    await _talk(office)
    sea = await _tag(office, "sea")
    path = f"/api/v1/admin/tags/{sea['id']}"
    changed = await office.moderator.ask("PUT", path, json={"display_name": "#Sea", "listable": False})
    assert changed == sea | {"name": "Sea", "listable": False, "requires_review": False}
    changed = await office.moderator.ask("PATCH", path, json={"usable": False})
    assert (changed["name"], changed["listable"], changed["usable"]) == ("Sea", False, False)
    assert await office.moderator.get(path) == changed
    await office.moderator.ask("PUT", path, expect=422, json={"display_name": "ocean"})
    assert (await office.moderator.post(f"/api/v1/admin/trends/tags/{sea['id']}/approve"))["trendable"] is True
    assert (await office.moderator.post(f"/api/v1/admin/trends/tags/{sea['id']}/reject"))["trendable"] is False
    await office.moderator.post("/api/v1/admin/trends/tags/12345/approve", expect=404)
    [row] = await office.fetch(select(tag_reviews))
    assert (bool(row["trendable"]), bool(row["usable"]), row["display_name"]) == (False, False, "Sea")
    assert [act for _, act, _, _ in await office.book()] == ["update", "update", "approve", "reject"]


async def test_a_hashtag_that_is_not_to_be_used_is_not_used_by_people_here(office_on_each_database: Office) -> None:
    office = office_on_each_database
    await _talk(office)
    before = await office.alice.say("#sea")
    path = f"/api/v1/admin/tags/{(await _tag(office, 'sea'))['id']}"
    await office.moderator.ask("PUT", path, json={"usable": False})
    refused = await office.alice.post("/api/v1/statuses", expect=422, status="by the #Sea")
    assert refused["error"] == "Validation failed: Text contains the disallowed hashtag: sea"
    edit = f"/api/v1/statuses/{before['id']}"
    await office.alice.ask("PUT", edit, expect=422, json={"status": "again #sea"})
    await office.alice.ask("PUT", edit, json={"status": "again #land"})
    await office.moderator.ask("PUT", path, json={"usable": True})
    await office.alice.say("by the #Sea")


async def test_all_hashtags_come_in_pages(office: Office) -> None:
    await _talk(office)
    answer = await office.node.request("GET", "/api/v1/admin/tags", token=office.moderator.token, params={"limit": 2})
    rest = await office.moderator.get("/api/v1/admin/tags", max_id=answer.next_id)
    assert sorted(tag["name"] for tag in (*answer.body, *rest)) == ["land", "loud", "sea"]
    await office.moderator.get("/api/v1/admin/tags/12345", expect=404)
