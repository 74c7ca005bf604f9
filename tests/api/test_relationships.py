"""Following, blocking, muting and remembering, as apps see it."""

from __future__ import annotations

from typing import Any

from tests.api.conftest import ApiNode, Member

NOTHING: dict[str, Any] = {
    "following": False,
    "showing_reblogs": False,
    "notifying": False,
    "languages": None,
    "followed_by": False,
    "blocking": False,
    "blocked_by": False,
    "muting": False,
    "muting_notifications": False,
    "muting_expires_at": None,
    "requested": False,
    "requested_by": False,
    "domain_blocking": False,
    "endorsed": False,
    "note": "",
}


async def between(one: Member, other: Member) -> dict[str, Any]:
    found = await one.get(f"/api/v1/accounts/relationships?id[]={other.actor_id}")
    assert len(found) == 1
    assert found[0].pop("id") == str(other.actor_id)
    relationship: dict[str, Any] = found[0]
    return relationship


async def test_between_strangers_there_is_nothing(alice: Member, bob: Member) -> None:
    assert await between(alice, bob) == NOTHING


async def test_following_and_unfollowing(alice: Member, bob: Member) -> None:
    path = f"/api/v1/accounts/{bob.actor_id}"
    followed = await alice.post(f"{path}/follow", reblogs=False, notify=True, languages=["de", "en"])
    expected = NOTHING | {"following": True, "notifying": True, "languages": ["de", "en"]}
    assert followed == expected | {"id": str(bob.actor_id)}
    assert await between(bob, alice) == NOTHING | {"followed_by": True}
    # Asking again without options changes none; with one only that.
    assert await alice.post(f"{path}/follow") == followed
    changed = await alice.post(f"{path}/follow", reblogs=True)
    assert (changed["showing_reblogs"], changed["notifying"], changed["languages"]) == (True, True, ["de", "en"])
    await alice.post(f"{path}/unfollow")
    await alice.post(f"{path}/unfollow")
    assert await between(alice, bob) == NOTHING


async def test_a_locked_account_decides_who_follows(alice: Member, bob: Member) -> None:
    await bob.call("PATCH", "/api/v1/accounts/update_credentials", json={"locked": True})
    asked = await alice.post(f"/api/v1/accounts/{bob.actor_id}/follow")
    assert (asked["following"], asked["requested"]) == (False, True)
    assert [a["username"] for a in await bob.get("/api/v1/follow_requests")] == ["alice"]
    assert (await bob.get("/api/v1/accounts/verify_credentials"))["source"]["follow_requests_count"] == 1
    assert (await between(bob, alice))["requested_by"] is True
    rejected = await bob.post(f"/api/v1/follow_requests/{alice.actor_id}/reject")
    assert (rejected["requested_by"], rejected["followed_by"]) == (False, False)
    await bob.post(f"/api/v1/follow_requests/{alice.actor_id}/reject", expect=404)
    await alice.post(f"/api/v1/accounts/{bob.actor_id}/follow")
    granted = await bob.post(f"/api/v1/follow_requests/{alice.actor_id}/authorize")
    assert (granted["requested_by"], granted["followed_by"]) == (False, True)
    assert (await between(alice, bob))["following"] is True
    # A follow that was granted is not ended by rejecting a request that is not there.
    await bob.post(f"/api/v1/follow_requests/{alice.actor_id}/reject", expect=404)
    removed = await bob.post(f"/api/v1/accounts/{alice.actor_id}/remove_from_followers")
    assert removed["followed_by"] is False


async def test_a_block_ends_follows_and_prevents_new_ones(alice: Member, bob: Member) -> None:
    await alice.post(f"/api/v1/accounts/{bob.actor_id}/follow")
    blocked = await bob.post(f"/api/v1/accounts/{alice.actor_id}/block")
    assert (blocked["blocking"], blocked["followed_by"]) == (True, False)
    assert await between(alice, bob) == NOTHING | {"blocked_by": True}
    refused = await alice.post(f"/api/v1/accounts/{bob.actor_id}/follow", expect=403)
    assert refused == {"error": "This action is not allowed"}
    assert [a["username"] for a in await bob.get("/api/v1/blocks")] == ["alice"]
    await bob.post(f"/api/v1/accounts/{alice.actor_id}/unblock")
    assert await bob.get("/api/v1/blocks") == []
    assert (await alice.post(f"/api/v1/accounts/{bob.actor_id}/follow"))["following"] is True


async def test_a_mute_may_end_by_itself(alice: Member, bob: Member) -> None:
    path = f"/api/v1/accounts/{bob.actor_id}"
    muted = await alice.post(f"{path}/mute", notifications=False, duration=3600)
    assert (muted["muting"], muted["muting_notifications"]) == (True, False)
    assert muted["muting_expires_at"].endswith("Z")
    listed = await alice.get("/api/v1/mutes")
    assert [(a["username"], a["mute_expires_at"]) for a in listed] == [("bob", muted["muting_expires_at"])]
    again = await alice.post(f"{path}/mute")
    assert (again["muting_notifications"], again["muting_expires_at"]) == (True, None)
    assert (await alice.post(f"{path}/unmute"))["muting"] is False
    await alice.post(f"{path}/mute", duration=-5, expect=422)


async def test_a_note_is_seen_by_its_author_alone(alice: Member, bob: Member) -> None:
    path = f"/api/v1/accounts/{bob.actor_id}/note"
    assert (await alice.post(path, comment=" met in Kyiv "))["note"] == "met in Kyiv"
    assert (await between(bob, alice))["note"] == ""
    assert (await alice.post(path, comment=""))["note"] == ""
    await alice.post(path, comment="x" * 2001, expect=422)


async def test_nobody_has_a_relationship_with_themselves(alice: Member) -> None:
    for what in ("follow", "block", "mute"):
        await alice.post(f"/api/v1/accounts/{alice.actor_id}/{what}", expect=403)


async def test_old_scopes_still_do(node: ApiNode, alice: Member, bob: Member) -> None:
    old = await node.token(alice, "follow")
    assert (await old.post(f"/api/v1/accounts/{bob.actor_id}/follow"))["following"] is True
    await old.get("/api/v1/blocks")
    await old.get("/api/v1/lists", expect=403)


async def test_a_report_is_filed_with_the_posts_of_its_account_only(alice: Member, bob: Member) -> None:
    bad = await bob.post("/api/v1/statuses", status="buy my pills")
    own = await alice.post("/api/v1/statuses", status="something else")
    report = await alice.post(
        "/api/v1/reports",
        account_id=str(bob.actor_id),
        status_ids=[bad["id"], own["id"]],
        comment="spam",
        category="spam",
    )
    assert report["status_ids"] == [bad["id"]]
    assert (report["category"], report["action_taken"], report["forwarded"]) == ("spam", False, False)
    assert report["target_account"]["username"] == "bob"
    await alice.post("/api/v1/reports", account_id="1", expect=404)
    await alice.post("/api/v1/reports", account_id=str(bob.actor_id), category="rude", expect=422)


async def test_lists_hold_people_whom_one_follows(alice: Member, bob: Member) -> None:
    created = await alice.post("/api/v1/lists", title="Friends")
    assert created == {"id": created["id"], "title": "Friends", "replies_policy": "list", "exclusive": False}
    path = f"/api/v1/lists/{created['id']}"
    await alice.post(f"{path}/accounts", account_ids=[str(bob.actor_id)], expect=404)
    await alice.post(f"/api/v1/accounts/{bob.actor_id}/follow")
    assert await alice.post(f"{path}/accounts", account_ids=[str(bob.actor_id)]) == {}
    await alice.post(f"{path}/accounts", account_ids=[str(bob.actor_id)], expect=422)
    for query in ("", "?limit=0"):
        assert [a["username"] for a in await alice.get(f"{path}/accounts{query}")] == ["bob"]
    assert [found["id"] for found in await alice.get(f"/api/v1/accounts/{bob.actor_id}/lists")] == [created["id"]]
    changed = await alice.call("PUT", path, json={"title": "Close friends", "exclusive": True})
    assert (changed.json["title"], changed.json["exclusive"]) == ("Close friends", True)
    assert await alice.get(path) == changed.json
    removed = await alice.call("DELETE", f"{path}/accounts?account_ids[]={bob.actor_id}")
    assert (removed.status, await alice.get(f"{path}/accounts")) == (200, [])
    assert (await alice.call("DELETE", path)).json == {}
    assert await alice.get("/api/v1/lists") == []


async def test_lists_of_others_do_not_exist(alice: Member, bob: Member) -> None:
    created = await alice.post("/api/v1/lists", title="Mine")
    await bob.get(f"/api/v1/lists/{created['id']}", expect=404)
    assert (await bob.call("DELETE", f"/api/v1/lists/{created['id']}")).status == 404
    await alice.post("/api/v1/lists", title=" ", expect=422)
    await alice.post("/api/v1/lists", title="x", replies_policy="some", expect=422)
