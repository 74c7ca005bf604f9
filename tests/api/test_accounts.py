"""Accounts: one's own, others', lists of them."""

from __future__ import annotations

import io
import re
from typing import Any

import aiohttp
import pytest
from PIL import Image

from tests.api.conftest import ApiNode, Member

ACCOUNT_FIELDS = {
    *("id", "username", "acct", "url", "uri", "display_name", "note", "avatar", "avatar_static", "avatar_description"),
    *("header", "header_static", "header_description", "locked", "fields", "emojis", "bot", "group", "discoverable"),
    *("indexable", "created_at", "last_status_at", "statuses_count", "followers_count", "following_count"),
    *("hide_collections", "show_media", "show_media_replies", "show_featured", "roles", "feature_approval"),
}


def picture(size: tuple[int, int] = (800, 600), format_: str = "PNG", **options: Any) -> bytes:
    output = io.BytesIO()
    Image.new("RGB", size, (200, 40, 40)).save(output, format_, **options)
    return output.getvalue()


async def test_an_account_has_every_field_that_apps_read(alice: Member) -> None:
    account = await alice.get(f"/api/v1/accounts/{alice.actor_id}")
    assert set(account) == ACCOUNT_FIELDS
    assert account["id"] == str(alice.actor_id)
    assert account["acct"] == account["username"] == "alice"
    assert account["url"] == f"{alice.node.base_url}/@alice"
    assert account["uri"] == f"{alice.node.base_url}/users/alice"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT00:00:00\.000Z", account["created_at"])
    assert account["fields"] == account["emojis"] == account["roles"] == []


async def test_an_account_without_pictures_has_ones_that_can_be_fetched(alice: Member) -> None:
    account = await alice.get(f"/api/v1/accounts/{alice.actor_id}")
    for name in ("avatar", "avatar_static", "header", "header_static"):
        fetched = await alice.node.call("GET", account[name])
        assert (fetched.status, fetched.headers["Content-Type"]) == (200, "image/png")


async def test_ones_own_account_shows_what_was_typed(alice: Member) -> None:
    account = await alice.get("/api/v1/accounts/verify_credentials")
    assert set(account) == ACCOUNT_FIELDS | {"source", "role"}
    assert account["source"]["privacy"] == "public"
    assert account["source"]["language"] == ""
    assert account["role"]["permissions"] == "0"


async def test_an_account_that_does_not_exist_is_a_404(alice: Member) -> None:
    for path in ("/api/v1/accounts/1", "/api/v1/accounts/abc", "/api/v1/accounts/99999999999999999999999"):
        assert await alice.get(path, expect=404) == {"error": "Record not found"}


async def test_several_accounts_are_shown_at_once(alice: Member, bob: Member) -> None:
    query = f"/api/v1/accounts?id[]={bob.actor_id}&id[]={alice.actor_id}&id[]=5"
    assert [a["username"] for a in await alice.get(query)] == ["bob", "alice"]


@pytest.mark.parametrize("acct", ["bob", "@bob", "BOB", "bob@{host}"])
async def test_an_account_is_looked_up_by_handle(alice: Member, bob: Member, acct: str) -> None:
    found = await alice.get("/api/v1/accounts/lookup", acct=acct.format(host=alice.node.base_url.partition("//")[2]))
    assert found["id"] == str(bob.actor_id)


async def test_looking_up_nobody_is_a_404(alice: Member) -> None:
    await alice.get("/api/v1/accounts/lookup", acct="nobody@elsewhere.example", expect=404)


async def test_search_finds_the_beginning_of_a_name_and_takes_wildcards_literally(alice: Member, bob: Member) -> None:
    await alice.node.add("bobby")
    found = await alice.get("/api/v1/accounts/search", q="bob")
    assert [a["username"] for a in found] == ["bob", "bobby"]
    assert await alice.get("/api/v1/accounts/search", q="b%") == []
    assert await alice.get("/api/v1/accounts/search", q="bob", following="true") == []
    await alice.post(f"/api/v1/accounts/{bob.actor_id}/follow")
    assert [a["username"] for a in await alice.get("/api/v1/accounts/search?following=true&q=b")] == ["bob"]


async def test_a_profile_is_changed_as_mastodon_apps_do(alice: Member, bob: Member) -> None:
    form = aiohttp.FormData()
    for name, value in {
        "display_name": "Alice  A.",
        "note": "Hello @bob\nsee https://example.org/ #Gardening",
        "locked": "true",
        "bot": "1",
        "discoverable": "true",
        "hide_collections": "true",
        "avatar_description": "A red square",
        "fields_attributes[0][name]": "Site",
        "fields_attributes[0][value]": "https://example.org/<x>",
        "fields_attributes[1][name]": "Likes",
        "fields_attributes[1][value]": "<b>tea</b>",
        "source[privacy]": "unlisted",
        "source[sensitive]": "true",
        "source[language]": "de",
    }.items():
        form.add_field(name, value)
    form.add_field("avatar", picture(), filename="me.png", content_type="image/png")
    reply = await alice.call("PATCH", "/api/v1/accounts/update_credentials", data=form)
    assert reply.status == 200, reply
    account = reply.json
    assert account["display_name"] == "Alice A."
    assert (account["locked"], account["bot"], account["discoverable"], account["hide_collections"]) == (True,) * 4
    assert f'href="{alice.node.base_url}/@bob"' in account["note"]
    assert 'rel="tag"' in account["note"]
    assert account["source"]["note"] == "Hello @bob\nsee https://example.org/ #Gardening"
    site, likes = account["fields"]
    assert 'rel="nofollow noopener noreferrer me"' in site["value"]
    assert "<x>" not in site["value"]
    assert likes["value"] == "&lt;b&gt;tea&lt;/b&gt;"
    assert account["source"]["fields"][1] == {"name": "Likes", "value": "<b>tea</b>", "verified_at": None}
    assert account["avatar_description"] == "A red square"
    fetched = await alice.node.call("GET", account["avatar"])
    assert Image.open(io.BytesIO(fetched.body)).size == (400, 400)
    preferences = await alice.get("/api/v1/preferences")
    assert preferences["posting:default:visibility"] == "unlisted"
    assert preferences["posting:default:sensitive"] is True
    assert preferences["posting:default:language"] == "de"
    assert (await bob.get(f"/api/v1/accounts/{alice.actor_id}"))["display_name"] == "Alice A."


async def test_what_is_not_given_stays_as_it_is(alice: Member) -> None:
    fields = [{"name": "a", "value": "1"}, {"name": "b", "value": "2"}]
    first = await alice.call(
        "PATCH", "/api/v1/accounts/update_credentials", json={"note": "me", "fields_attributes": fields}
    )
    second = await alice.call("PATCH", "/api/v1/accounts/update_credentials", json={"display_name": "A"})
    assert second.json["note"] == first.json["note"] == "<p>me</p>"
    assert len(second.json["fields"]) == 2
    cleared = await alice.call(
        "PATCH", "/api/v1/accounts/update_credentials", json={"fields_attributes": [{"name": "", "value": ""}]}
    )
    assert cleared.json["fields"] == []


@pytest.mark.parametrize(
    "change, word",
    [
        ({"display_name": "x" * 101}, "Display name"),
        ({"note": "x" * 2001}, "Note"),
        ({"fields_attributes": [{"name": str(n), "value": "x"} for n in range(9)]}, "Fields"),
        ({"fields_attributes": [{"name": "x", "value": "y" * 256}]}, "Fields"),
        ({"source": {"privacy": "everybody"}}, "Privacy"),
        ({"source": {"language": "no language"}}, "Language"),
    ],
)
async def test_a_profile_that_cannot_be_is_refused_with_its_cause(
    alice: Member, change: dict[str, Any], word: str
) -> None:
    reply = await alice.call("PATCH", "/api/v1/accounts/update_credentials", json=change)
    assert reply.status == 422
    assert reply.json["error"].startswith(f"Validation failed: {word}")


async def test_a_picture_is_replaced_and_removed_with_its_file(alice: Member) -> None:
    folder = alice.node.running.node.core.config.media_dir
    for _ in range(2):
        form = aiohttp.FormData()
        form.add_field("avatar", picture(), filename="me.png")
        assert (await alice.call("PATCH", "/api/v1/accounts/update_credentials", data=form)).status == 200
        assert len([path for path in folder.rglob("*") if path.is_file()]) == 1
    gone = await alice.call("DELETE", "/api/v1/profile/avatar")
    assert gone.json["avatar"].endswith("/avatars/original/missing.png")
    assert not [path for path in folder.rglob("*") if path.is_file()]


async def test_the_newer_profile_answers_what_was_typed(alice: Member) -> None:
    reply = await alice.call("PATCH", "/api/v1/profile", json={"note": "plain", "display_name": "A"})
    assert (reply.status, reply.json["note"], reply.json["avatar"]) == (200, "plain", None)
    assert (await alice.get("/api/v1/profile"))["display_name"] == "A"


async def test_followers_are_paged_by_link_header_and_may_be_hidden(node: ApiNode, alice: Member) -> None:
    fans = [await node.add(f"fan{number}") for number in range(5)]
    for fan in fans:
        await fan.post(f"/api/v1/accounts/{alice.actor_id}/follow")
    seen, url, previous = [], f"{node.base_url}/api/v1/accounts/{alice.actor_id}/followers?limit=2&x=y", ""
    while url:
        reply = await fans[0].call("GET", url)
        seen += [account["username"] for account in reply.json]
        link = reply.headers.get("Link", "")
        found = re.match(r'<([^>]+)>; rel="next"', link)
        url = found.group(1) if found else ""
        assert not url or "x=y" in url
        previous = re.search(r'<([^>]+)>; rel="prev"', link).group(1) if "prev" in link else previous  # type: ignore[union-attr]
    assert seen == ["fan4", "fan3", "fan2", "fan1", "fan0"]
    assert [a["username"] for a in (await fans[0].call("GET", previous)).json] == ["fan2", "fan1"]
    await alice.call("PATCH", "/api/v1/accounts/update_credentials", json={"hide_collections": True})
    assert await fans[0].get(f"/api/v1/accounts/{alice.actor_id}/followers") == []
    assert len(await alice.get(f"/api/v1/accounts/{alice.actor_id}/followers")) == 5
    assert (await alice.get(f"/api/v1/accounts/{alice.actor_id}"))["followers_count"] == 5


async def test_a_negative_limit_is_refused_and_a_huge_one_cut(alice: Member) -> None:
    path = f"/api/v1/accounts/{alice.actor_id}/followers"
    refused = await alice.get(path, limit="-1", expect=400)
    assert refused["error"] == "Pagination values for `offset` and `limit` must be positive"
    assert await alice.get(path, limit="1000000") == []


async def test_familiar_followers_are_those_whom_i_follow(node: ApiNode, alice: Member, bob: Member) -> None:
    carol = await node.add("carol")
    await alice.post(f"/api/v1/accounts/{bob.actor_id}/follow")
    await bob.post(f"/api/v1/accounts/{carol.actor_id}/follow")
    found = await alice.get(f"/api/v1/accounts/familiar_followers?id[]={carol.actor_id}")
    assert [(item["id"], [a["username"] for a in item["accounts"]]) for item in found] == [
        (str(carol.actor_id), ["bob"])
    ]


async def test_featured_tags_count_what_was_said(alice: Member) -> None:
    tag = await alice.post("/api/v1/featured_tags", name="#Gardening")
    assert (tag["name"], tag["statuses_count"], tag["last_status_at"]) == ("gardening", "0", None)
    await alice.post("/api/v1/statuses", status="first day of #gardening")
    shown = await alice.get(f"/api/v1/accounts/{alice.actor_id}/featured_tags")
    assert [(t["name"], t["statuses_count"]) for t in shown] == [("gardening", "1")]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", shown[0]["last_status_at"])
    await alice.post("/api/v1/featured_tags", name="no tag!", expect=422)
    assert (await alice.call("DELETE", f"/api/v1/featured_tags/{tag['id']}")).json == {}
    assert await alice.get("/api/v1/featured_tags") == []
    assert [t["name"] for t in await alice.get("/api/v1/featured_tags/suggestions")] == ["gardening"]
