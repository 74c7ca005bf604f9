"""Moderators work through reports."""

from __future__ import annotations

from typing import Any

from tests.api.admin.conftest import Office


async def _report(office: Office, **more: Any) -> dict[str, Any]:
    bob = await office.node.person("bob")
    found: dict[str, Any] = await bob.post("/api/v1/reports", account_id=str(office.alice.actor_id), **more)
    return found


async def test_a_report_shows_who_what_and_whom_also_what_was_said_in_private(office_on_each_database: Office) -> None:
    office = office_on_each_database
    secret = await office.alice.say("psst", visibility="direct")
    made = await _report(office, status_ids=[secret["id"]], comment="look", category="spam")
    [shown] = await office.moderator.get("/api/v1/admin/reports")
    assert await office.moderator.get(f"/api/v1/admin/reports/{made['id']}") == shown
    assert (shown["account"]["username"], shown["target_account"]["username"]) == ("bob", "alice")
    assert [status["id"] for status in shown["statuses"]] == [secret["id"]]
    assert "psst" in shown["statuses"][0]["content"]
    assert "favourited" not in shown["statuses"][0], "nobody's flags are shown"
    assert (shown["comment"], shown["category"], shown["forwarded"]) == ("look", "spam", False)
    assert (shown["action_taken"], shown["action_taken_at"], shown["rules"]) == (False, None, [])
    assert (shown["assigned_account"], shown["action_taken_by_account"]) == (None, None)
    assert shown["created_at"] == shown["updated_at"]


async def test_a_report_is_taken_on_and_done_with_and_opened_again(office_on_each_database: Office) -> None:
    office = office_on_each_database
    made = await _report(office)
    path, post = f"/api/v1/admin/reports/{made['id']}", office.moderator.post
    assert (await post(f"{path}/assign_to_self"))["assigned_account"]["username"] == "mo"
    assert (await post(f"{path}/unassign"))["assigned_account"] is None
    resolved = await post(f"{path}/resolve")
    assert (resolved["action_taken"], resolved["action_taken_by_account"]["username"]) == (True, "mo")
    assert resolved["action_taken_at"] == resolved["updated_at"]
    assert await office.moderator.get("/api/v1/admin/reports") == []
    assert [r["id"] for r in await office.moderator.get("/api/v1/admin/reports", resolved="true")] == [made["id"]]
    opened = await post(f"{path}/reopen")
    assert (opened["action_taken"], opened["action_taken_by_account"]) == (False, None)
    changed = await office.moderator.ask("PUT", path, json={"category": "legal"})
    assert changed["category"] == "legal"
    target = made["id"]
    assert await office.book() == [
        ("mo", act, "report", target) for act in ("assign_to_self", "unassign", "resolve", "reopen", "update")
    ]


async def test_reports_are_filtered_by_people_and_come_in_pages(office_on_each_database: Office) -> None:
    office = office_on_each_database
    bob = await office.node.person("bob")
    for _ in range(5):
        await bob.post("/api/v1/reports", account_id=str(office.alice.actor_id))
    await bob.post("/api/v1/reports", account_id=str(office.moderator.actor_id))
    get = office.moderator.get
    assert len(await get("/api/v1/admin/reports", target_account_id=office.alice.actor_id)) == 5
    assert len(await get("/api/v1/admin/reports", account_id=bob.actor_id)) == 6
    assert await get("/api/v1/admin/reports", account_id=office.alice.actor_id) == []
    assert await get("/api/v1/admin/reports", account_id="nobody") == []
    first = await office.node.request(
        "GET", "/api/v1/admin/reports", token=office.moderator.token, params={"limit": 4, "account_id": bob.actor_id}
    )
    assert len(first.body) == 4
    rest = await get("/api/v1/admin/reports", max_id=first.next_id, account_id=bob.actor_id)
    assert len({report["id"] for report in (*first.body, *rest)}) == 6
    assert f"account_id={bob.actor_id}" in first.headers["Link"]


async def test_kinds_of_reports_that_are_none_are_refused(office: Office) -> None:
    path = f"/api/v1/admin/reports/{(await _report(office))['id']}"
    await office.moderator.ask("PUT", path, expect=422, json={"category": "boring"})
    await office.moderator.ask("PUT", path, expect=422, json={"category": "violation", "rule_ids": ["1"]})
    await office.moderator.get("/api/v1/admin/reports/12345", expect=404)
