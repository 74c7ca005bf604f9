"""Collections in which people recommend others, as other servers and readers without an app see them; invitations."""

from __future__ import annotations

from typing import Any

import pytest

from fediverse_node.storage import tables
from tests.web.builders import NOW_MS
from tests.web.conftest import AS2, BROWSER, Node


async def _collection(node: Node, owner: int, *members: int, **values: Any) -> dict[str, Any]:
    town, id_ = node.town, node.town.id()
    row = {"id": id_, "actor_id": owner, "name": "Gardeners", "created_ms": NOW_MS - 5000, "updated_ms": NOW_MS}
    await town.insert(tables.featured_collections, row | values)
    items = []
    for member in members:
        item = {"id": town.id(), "collection_id": id_, "actor_id": member, "created_ms": NOW_MS}
        await town.insert(tables.featured_items, item)
        items.append(item["id"])
    return {"id": id_, "items": items}


async def test_a_collection_is_read_by_other_servers_with_the_consent_of_who_is_in_it(any_node: Node) -> None:
    base = any_node.base_url
    alice, bob = await any_node.town.actor("alice"), await any_node.town.actor("bob")
    made = await _collection(
        any_node, alice, bob, description="Beans & <peas>", language="en", tag="Gardening", sensitive=True
    )
    number, item = made["id"], made["items"][0]
    actor = await any_node.document("/users/alice")
    listed = await any_node.document(actor["featuredCollections"])
    uri = f"{base}/users/alice/featured_collections/{number}"
    document = await any_node.document(uri)
    assert listed["totalItems"] == 1
    assert listed["attributedTo"] == actor["id"]
    assert listed["orderedItems"] == [{name: value for name, value in document.items() if name != "@context"}]
    assert document["@context"] != "https://www.w3.org/ns/activitystreams"
    del document["@context"]
    assert document == {
        "id": uri,
        "type": "FeaturedCollection",
        "attributedTo": f"{base}/users/alice",
        "name": "Gardeners",
        "summary": "Beans &amp; &lt;peas&gt;",
        "summaryMap": {"en": "Beans &amp; &lt;peas&gt;"},
        "url": f"{base}/collections/{number}",
        "sensitive": True,
        "discoverable": True,
        "topic": {"type": "Hashtag", "href": f"{base}/tags/gardening", "name": "#Gardening"},
        "published": "2026-09-21T14:13:15Z",
        "updated": "2026-09-21T14:13:20Z",
        "totalItems": 1,
        "orderedItems": [
            {
                "id": f"{uri}/items/{item}",
                "type": "FeaturedItem",
                "featuredObject": f"{base}/users/bob",
                "featuredObjectType": "Person",
                "featureAuthorization": f"{base}/users/bob/feature_authorizations/{item}",
                "published": "2026-09-21T14:13:20Z",
            }
        ],
    }
    stamp = await any_node.document(f"/users/bob/feature_authorizations/{item}")
    assert (stamp["type"], stamp["interactingObject"], stamp["interactionTarget"]) == (
        "FeatureAuthorization",
        uri,
        f"{base}/users/bob",
    )
    # The address that people share leads servers to the same document.
    assert (await any_node.document(f"/collections/{number}"))["id"] == uri


async def test_a_stamp_is_nobody_elses_and_a_collection_nobody_elses(any_node: Node) -> None:
    alice, bob = await any_node.town.actor("alice"), await any_node.town.actor("bob")
    made = await _collection(any_node, alice, bob)
    absent = [
        f"/users/alice/feature_authorizations/{made['items'][0]}",
        f"/users/bob/feature_authorizations/{made['id']}",
        "/users/bob/feature_authorizations/x",
        f"/users/bob/featured_collections/{made['id']}",
        "/users/alice/featured_collections/1",
        "/users/alice/featured_collections/x",
        "/users/nobody/featured_collections",
        "/collections/1",
        "/collections/x",
    ]
    for path in absent:
        for accept in (AS2, BROWSER):
            assert (await any_node.get(path, accept)).status == 404, path


@pytest.mark.parametrize("column", ["suspended_ms", "deleted_ms"])
async def test_who_is_gone_is_in_no_collection_and_shows_none(any_node: Node, column: str) -> None:
    town = any_node.town
    alice, bob = await town.actor("alice"), await town.actor("bob")
    gone = await town.actor("gone", **{column: NOW_MS})
    kept, lost = await _collection(any_node, alice, bob, gone), await _collection(any_node, gone, bob)
    document = await any_node.document(f"/users/alice/featured_collections/{kept['id']}")
    assert [item["featuredObject"] for item in document["orderedItems"]] == [f"{any_node.base_url}/users/bob"]
    assert "@gone" not in (await any_node.get(f"/collections/{kept['id']}")).text
    assert (await any_node.get(f"/users/gone/feature_authorizations/{kept['items'][1]}", AS2)).status == 404
    assert (await any_node.get(f"/users/bob/feature_authorizations/{lost['items'][0]}", AS2)).status == 404
    assert (await any_node.get(f"/collections/{lost['id']}")).status == 404
    assert (await any_node.get("/users/gone/featured_collections", AS2)).status in (404, 410)


async def test_what_is_not_shown_on_the_profile_is_not_listed_but_found_by_its_address(any_node: Node) -> None:
    alice = await any_node.town.actor("alice")
    made = await _collection(any_node, alice, discoverable=False)
    listed = await any_node.document("/users/alice/featured_collections")
    assert (listed["totalItems"], listed["orderedItems"]) == (0, [])
    document = await any_node.document(f"/users/alice/featured_collections/{made['id']}")
    assert document["discoverable"] is False
    assert "noindex" in (await any_node.get(f"/collections/{made['id']}")).text


async def test_a_collection_has_a_page_on_which_nothing_is_markup_that_was_typed(any_node: Node) -> None:
    town = any_node.town
    alice = await town.actor("alice")
    bob = await town.actor("bob", name="Bob <b>", summary="<p>Grows <em>beans</em></p>")
    made = await _collection(
        any_node, alice, bob, name="<script>1</script>", description="<i>soil</i>", tag="Garden", sensitive=True
    )
    text = (await any_node.get(f"/collections/{made['id']}")).text
    for expected in ("&lt;script&gt;1", "&lt;i&gt;soil", "Bob &lt;b&gt;", "Grows beans", "@bob@", "/tags/garden"):
        assert expected in text, expected
    assert "<script>1" not in text
    assert "it may disturb" in text
    assert "noindex" not in text
    empty = await _collection(any_node, alice)
    assert "Nobody is in it yet" in (await any_node.get(f"/collections/{empty['id']}")).text


async def _invite(node: Node, actor_id: int, code: str = "open-door", **values: Any) -> None:
    row = {"id": node.town.id(), "code": code, "actor_id": actor_id, "created_ms": NOW_MS}
    await node.town.insert(tables.invites, row | values)


async def test_an_invitation_says_who_invites_and_how_to_sign_up(any_node: Node) -> None:
    alice = await any_node.town.actor("alice")
    await _invite(any_node, alice, most_uses=2, uses=1, expires_ms=NOW_MS + 1)
    seen = await any_node.get("/invite/open-door")
    assert seen.status == 200
    assert "no-store" in seen.headers["Cache-Control"]
    for expected in ("Alice", f"@alice@{any_node.host}", "open-door", "noindex"):
        assert expected in seen.text, expected
    answered = await any_node.get("/invite/open-door", "application/json")
    assert answered.headers["Content-Type"].startswith("application/json")
    assert answered.text == (f'{{"invite_code":"open-door","instance_api_url":"{any_node.base_url}/api/v2/instance"}}')


@pytest.mark.parametrize(
    "values",
    [{"expires_ms": NOW_MS}, {"most_uses": 1, "uses": 1}, {"code": "another"}, {"of": {"suspended_ms": 1}}],
)
async def test_an_invitation_that_is_over_looks_like_none(any_node: Node, values: dict[str, Any]) -> None:
    values = dict(values)
    alice = await any_node.town.actor("alice", **values.pop("of", {}))
    await _invite(any_node, alice, **values)
    for accept in (BROWSER, "application/json"):
        assert (await any_node.get("/invite/open-door", accept)).status == 404
    assert (await any_node.get(f"/invite/{'x' * 200}")).status == 404
    assert (await any_node.get("/invite/a%00b")).status == 404
