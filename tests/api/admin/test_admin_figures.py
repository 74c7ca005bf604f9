"""The dashboard's figures are counted from what there is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select

from fediverse_node import __version__
from fediverse_node.base.ids import SEQUENCE_BITS
from fediverse_node.storage.tables import follows, likes, reports, tags, user_days, users
from tests.api.admin.conftest import Office
from tests.api.talking_node import Person

DAY_MS = 86_400_000


def _today(office: Office) -> int:
    return office.node.context.world.clock.now_ms() // DAY_MS


def _date(day: int) -> str:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=day)).strftime("%Y-%m-%d")


def _id(day: int, number: int) -> int:
    return ((day * DAY_MS + 3_600_000) << SEQUENCE_BITS) + number


async def _measure(
    office: Office, key: str, *, days: int = 3, about: dict[str, Any] | None = None
) -> tuple[str, str | None, list[str]]:
    """(total, total of the period before, number a day) for the last days."""
    today = _today(office)
    body: dict[str, Any] = {"keys": [key], "start_at": _date(today - days + 1), "end_at": _date(today)}
    body |= about or {}
    [found] = await office.moderator.post("/api/v1/admin/measures", **body)
    assert found["key"] == key
    dates = [f"{_date(day)}T00:00:00.000Z" for day in range(today - days + 1, today + 1)]
    assert [point["date"] for point in found["data"]] == dates
    return found["total"], found.get("previous_total"), [point["value"] for point in found["data"]]


async def _here(office: Office, person: Person, *days_ago: int) -> None:
    today = _today(office)
    await office.node.insert(user_days, *({"user_id": person.user_id, "day": today - ago} for ago in days_ago))


async def test_people_are_counted_once_however_often_they_come(office_on_each_database: Office) -> None:
    office = office_on_each_database
    await _here(office, office.alice, 0, 1, 2, 3)
    await _here(office, office.admin, 1, 5)
    assert await _measure(office, "active_users") == ("2", "2", ["1", "2", "1"])
    await office.node.set(users, office.alice.user_id, created_ms=(_today(office) - 4) * DAY_MS)
    assert await _measure(office, "new_users") == ("2", "1", ["0", "0", "2"])


async def test_what_people_here_do_with_others_is_counted(office_on_each_database: Office) -> None:
    office = office_on_each_database
    node, alice, today = office.node, office.alice, _today(office)
    bob = await node.stranger("bob")
    said = await node.hear(bob)
    mine = await alice.say("mine")
    await alice.post(f"/api/v1/statuses/{said}/favourite")
    await alice.post(f"/api/v1/statuses/{said}/reblog")
    await alice.say("yes", in_reply_to_id=str(said))
    await alice.say("and", in_reply_to_id=mine["id"])
    old = {"id": _id(today - 1, 1), "actor_id": office.admin.actor_id, "object_id": said}
    foreign = {"id": _id(today - 1, 2), "actor_id": bob.actor_id, "object_id": int(mine["id"])}
    await node.insert(likes, old, foreign)
    assert await _measure(office, "interactions") == ("4", "0", ["0", "1", "3"])


async def test_reports_are_counted_when_they_come_and_when_they_are_done_with(office_on_each_database: Office) -> None:
    office = office_on_each_database
    today = _today(office)
    row = {"actor_id": office.admin.actor_id, "target_id": office.alice.actor_id}
    await office.node.insert(
        reports,
        row | {"id": _id(today - 2, 1), "resolved_ms": today * DAY_MS},
        row | {"id": _id(today - 2, 2), "resolved_ms": None},
        row | {"id": _id(today - 5, 3), "resolved_ms": (today - 4) * DAY_MS},
    )
    assert await _measure(office, "opened_reports") == ("2", "1", ["2", "0", "0"])
    assert await _measure(office, "resolved_reports") == ("1", "1", ["0", "0", "1"])


async def _tagged(office: Office) -> tuple[int, Person, Person]:
    bob, eve = await office.node.stranger("bob"), await office.node.stranger("eve")
    for author, language in ((bob, "de"), (bob, "de"), (eve, "en")):
        await office.node.hear(author, hashtags=("sea",), language=language)
    await office.alice.say("look #sea", language="fr")
    [row] = await office.fetch(select(tags.c.id).where(tags.c.name == "sea"))
    return int(row["id"]), bob, eve


async def test_a_hashtag_is_counted_by_posts_people_and_servers(office_on_each_database: Office) -> None:
    office = office_on_each_database
    tag_id, _, _ = await _tagged(office)
    for key, number in (("tag_uses", "4"), ("tag_accounts", "3"), ("tag_servers", "2")):
        assert await _measure(office, key, about={key: {"id": str(tag_id)}}) == (number, "0", ["0", "0", number])
    assert await _dimension(office, "tag_servers", tag_servers={"id": str(tag_id)}) == [
        ("far.example", "3"),
        (office.node.context.config.host, "1"),
    ]
    found = await _dimension(office, "tag_languages", tag_languages={"id": str(tag_id)})
    assert found == [("de", "2"), ("en", "1"), ("fr", "1")]


async def test_another_server_is_counted_in_all(office_on_each_database: Office) -> None:
    office = office_on_each_database
    node, (_, bob, eve) = office.node, await _tagged(office)
    await office.alice.follow(bob)
    follow = {"uri": "https://far.example/f", "accepted": True, "follower_local": False, "created_ms": 1}
    ends = {"follower_id": eve.actor_id, "followed_id": office.alice.actor_id}
    await node.insert(follows, follow | ends | {"id": _id(_today(office) - 1, 1)})
    await office.alice.post("/api/v1/reports", account_id=str(bob.actor_id))
    await node.upload(bob)
    for key, expected in (
        ("instance_accounts", ("2", None, ["0", "0", "2"])),
        ("instance_statuses", ("3", None, ["0", "0", "3"])),
        ("instance_reports", ("1", None, ["0", "0", "1"])),
        ("instance_follows", ("1", None, ["0", "0", "1"])),
        ("instance_followers", ("1", None, ["0", "1", "0"])),
        ("instance_media_attachments", ("100", None, ["0", "0", "100"])),
    ):
        assert await _measure(office, key, about={key: {"domain": "Far.example"}}) == expected, key
    assert await _dimension(office, "instance_accounts", instance_accounts={"domain": "far.example"}) == [
        ("bob", "1"),
        ("eve", "0"),
    ]
    assert await _dimension(office, "instance_languages", instance_languages={"domain": "far.example"}) == [
        ("de", "2"),
        ("en", "1"),
    ]


async def _dimension(office: Office, key: str, **more: Any) -> list[tuple[str, str]]:
    [found] = await office.moderator.post("/api/v1/admin/dimensions", keys=[key], **more)
    assert found["key"] == key
    return [(item["key"], item["value"]) for item in found["data"]]


async def test_what_people_speak_and_use_and_where_posts_come_from(office_on_each_database: Office) -> None:
    office = office_on_each_database
    await _tagged(office)
    await _here(office, office.alice, 0, 1)
    await _here(office, office.admin, 2)
    await office.node.set(users, office.alice.user_id, locale="de", app_id=None)
    await office.node.set(users, office.admin.user_id, locale="en")
    assert await _dimension(office, "languages") == [("de", "1"), ("en", "1")]
    assert await _dimension(office, "languages", limit=1) == [("de", "1")]
    assert await _dimension(office, "sources") == [("web", "3")]
    assert await _dimension(office, "servers") == [("far.example", "3"), (office.node.context.config.host, "1")]


async def test_the_room_that_is_taken_and_what_runs_here(office_on_each_database: Office) -> None:
    office = office_on_each_database
    await office.node.upload(office.alice, size_bytes=3_000_000)
    [space, versions] = await office.moderator.post(
        "/api/v1/admin/dimensions", keys=["space_usage", "software_versions", "nonsense"]
    )
    engine = office.node.context.database.dialect
    assert [item["key"] for item in space["data"]] == [engine, "media"]
    assert int(space["data"][0]["value"]) > 100_000
    assert (space["data"][1]["value"], space["data"][1]["human_value"]) == ("3000000", "2.86 MB")
    assert [item["key"] for item in versions["data"]] == ["fediverse_node", "python", engine]
    assert versions["data"][0]["value"] == __version__
    assert versions["data"][2]["value"][0].isdigit()


async def test_who_stays(office_on_each_database: Office) -> None:
    office = office_on_each_database
    today = _today(office)
    for person in (office.alice, office.admin):
        await office.node.set(users, person.user_id, created_ms=(today - 2) * DAY_MS + 5)
    await _here(office, office.alice, 2, 0)
    await _here(office, office.admin, 1)
    body: dict[str, Any] = {"start_at": _date(today - 2), "end_at": _date(today), "frequency": "day"}
    cohorts = await office.moderator.post("/api/v1/admin/retention", **body)
    assert [cohort["period"][:10] for cohort in cohorts] == [_date(today - 2), _date(today - 1), _date(today)]
    assert [(point["value"], point["rate"]) for point in cohorts[0]["data"]] == [("2", 1.0), ("1", 0.5), ("1", 0.5)]
    assert [len(cohort["data"]) for cohort in cohorts] == [3, 2, 1]
    assert cohorts[1]["data"][0] == {"date": f"{_date(today - 1)}T00:00:00.000Z", "rate": 0.0, "value": "0"}


async def test_who_stays_by_month(office_on_each_database: Office) -> None:
    office = office_on_each_database
    first = datetime(2026, 1, 31, 23, 59, tzinfo=UTC)
    await office.node.set(users, office.alice.user_id, created_ms=int(first.timestamp() * 1000))
    for day in ("2026-02-01", "2026-03-31", "2026-03-30"):
        number = (datetime.fromisoformat(day) - datetime(1970, 1, 1)).days
        await office.node.insert(user_days, {"user_id": office.alice.user_id, "day": number})
    body: dict[str, Any] = {"start_at": "2026-01-01", "end_at": "2026-04-15", "frequency": "month"}
    cohorts = await office.moderator.post("/api/v1/admin/retention", **body)
    assert [cohort["period"][:10] for cohort in cohorts] == ["2026-01-01", "2026-02-01", "2026-03-01", "2026-04-01"]
    assert {cohort["frequency"] for cohort in cohorts} == {"month"}
    assert [point["value"] for point in cohorts[0]["data"]] == ["1", "1", "1", "0"]


async def test_periods_that_cannot_be_are_refused(office: Office) -> None:
    for path in ("measures", "dimensions", "retention"):
        for start, end in (("soon", "2026-01-01"), ("2026-02-01", "2026-01-01"), ("1000-01-01", "2026-01-01")):
            body = {"keys": ["new_users"], "start_at": start, "end_at": end, "frequency": "day"}
            await office.moderator.post(f"/api/v1/admin/{path}", expect=400, **body)
    whole = {"start_at": "2020-01-01", "end_at": "2026-01-01", "keys": ["new_users"]}
    await office.moderator.post("/api/v1/admin/measures", expect=400, **whole)
    await office.moderator.post("/api/v1/admin/measures", expect=400, keys=["new_users"])
    days: dict[str, Any] = {"start_at": "2026-01-01", "end_at": "2026-01-02"}
    await office.moderator.post("/api/v1/admin/measures", expect=400, keys=["tag_uses"], **days)
    await office.moderator.post("/api/v1/admin/measures", expect=400, keys=["instance_accounts"], **days)
    await office.moderator.post("/api/v1/admin/dimensions", expect=400, keys=["servers"], limit=-1)
    assert await office.moderator.post("/api/v1/admin/measures", keys=["nonsense"], **days) == []


async def test_whoever_uses_the_api_was_here_today(office: Office) -> None:
    """The token was seen just now as far as it knows; after an hour it is noted again."""
    fresh = await office.token(office.alice, "read")
    [row] = await office.fetch(select(users.c.id).where(users.c.id == office.alice.user_id))
    from_tables = select(user_days.c.user_id, user_days.c.day)
    await fresh.get("/api/v1/timelines/home")
    assert await office.fetch(from_tables) == []
    await office.node.set(_tokens(), fresh.token_id, last_used_ms=0)
    unseen = await _again(office, fresh)
    await unseen.get("/api/v1/timelines/home")
    await office.node.context.writer.drain()
    assert [(found["user_id"], found["day"]) for found in await office.fetch(from_tables)] == [
        (row["id"], _today(office))
    ]


def _tokens() -> Any:
    return users.metadata.tables["tokens"]


async def _again(office: Office, person: Person) -> Person:
    """A token that this process does not know yet and that was never used."""
    other = await office.token(person, "read write")
    await office.node.set(_tokens(), other.token_id, last_used_ms=0)
    return other
