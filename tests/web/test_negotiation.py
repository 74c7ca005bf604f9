"""The same URL has a page for people and a document for servers."""

from __future__ import annotations

import pytest

from tests.web.conftest import AS2, BROWSER, LD, Node

ACCEPTS = [
    pytest.param(AS2, True, id="activity+json"),
    pytest.param(LD, True, id="ld+json with the profile"),
    pytest.param(f"{LD}, {AS2}", True, id="what servers send"),
    pytest.param(f"{AS2}, text/html;q=0.1", True, id="activity+json before html"),
    pytest.param("application/json", True, id="json"),
    pytest.param(BROWSER, False, id="a browser"),
    pytest.param("*/*", False, id="anything"),
    pytest.param("", False, id="nothing said"),
    pytest.param(f"text/html, {AS2};q=0.5", False, id="html before activity+json"),
    pytest.param("image/png", False, id="a picture"),
    pytest.param("x" * 5000, False, id="a header that is far too long"),
]


@pytest.mark.parametrize("accept, wants_document", ACCEPTS)
async def test_a_profile_page_is_also_the_actor(node: Node, accept: str, wants_document: bool) -> None:
    await node.town.actor("alice")
    seen = await node.get("/@alice", accept)
    assert seen.status == 200
    assert seen.headers["Content-Type"].startswith(AS2 if wants_document else "text/html")
    assert "Accept" in seen.headers["Vary"]
    assert "Signature" in seen.headers["Vary"]


@pytest.mark.parametrize("accept, wants_document", ACCEPTS)
async def test_an_actor_id_leads_people_to_the_page(node: Node, accept: str, wants_document: bool) -> None:
    await node.town.actor("alice")
    seen = await node.get("/users/alice", accept)
    if wants_document:
        assert seen.status == 200
        assert seen.headers["Content-Type"].startswith(AS2)
    else:
        assert seen.status == 302
        assert seen.headers["Location"] == "/@alice"


@pytest.mark.parametrize("accept, wants_document", ACCEPTS)
async def test_an_object_id_leads_people_to_the_page(node: Node, accept: str, wants_document: bool) -> None:
    post = await node.town.post(await node.town.actor("alice"))
    seen = await node.get(f"/users/alice/statuses/{post}", accept)
    if wants_document:
        assert seen.status == 200
        assert seen.headers["Content-Type"].startswith(AS2)
    else:
        assert seen.status == 302
        assert seen.headers["Location"] == f"/@alice/{post}"


@pytest.mark.parametrize("accept, wants_document", ACCEPTS)
async def test_a_hashtag_has_a_page_and_a_collection(node: Node, accept: str, wants_document: bool) -> None:
    await node.town.post(await node.town.actor("alice"), tags=["sea"])
    seen = await node.get("/tags/sea", accept)
    assert seen.status == 200
    assert seen.headers["Content-Type"].startswith(AS2 if wants_document else "text/html")


@pytest.mark.parametrize(
    "path",
    ["/@nobody", "/@alice/1", "/users/nobody", "/users/alice/statuses/1", "/users/alice/statuses/x", "/nowhere"],
)
@pytest.mark.parametrize("accept, kind", [(AS2, "application/json"), (BROWSER, "text/html")])
async def test_what_is_not_there_says_so_in_the_form_asked_for(node: Node, path: str, accept: str, kind: str) -> None:
    await node.town.actor("alice")
    seen = await node.get(path, accept)
    assert seen.status == 404
    assert seen.headers["Content-Type"].startswith(kind)
    assert "private" in seen.headers["Cache-Control"]


async def test_a_profile_is_found_in_any_case_and_with_its_own_host(node: Node) -> None:
    await node.town.actor("Alice")
    for written in ("alice", "ALICE", f"alice@{node.host}"):
        seen = await node.get(f"/@{written}")
        assert (seen.status, seen.headers["Location"]) == (301, "/@Alice")
    assert (await node.document("/users/aLICE"))["id"] == f"{node.base_url}/users/Alice"


async def test_the_actor_is_also_at_an_address_that_ends_in_json(node: Node) -> None:
    await node.town.actor("alice")
    assert (await node.document("/@alice.json", "*/*"))["id"] == f"{node.base_url}/users/alice"


async def test_what_did_not_change_is_not_sent_again(node: Node) -> None:
    post = await node.town.post(await node.town.actor("alice"))
    for path, accept in (
        ("/@alice", BROWSER),
        ("/@alice", AS2),
        (f"/@alice/{post}", BROWSER),
        ("/users/alice/outbox", AS2),
        ("/@alice.rss", "*/*"),
        (f"/.well-known/webfinger?resource=acct:alice@{node.host}", "*/*"),
    ):
        first = await node.get(path, accept)
        assert first.status == 200
        assert "public" in first.headers["Cache-Control"]
        assert "max-age" in first.headers["Cache-Control"]
        again = await node.get(path, accept, **{"If-None-Match": first.headers["ETag"]})
        assert (again.status, again.body) == (304, b"")
        assert again.headers["ETag"] == first.headers["ETag"]
        other = await node.get(path, accept, **{"If-None-Match": 'W/"something-else"'})
        assert other.status == 200


async def test_the_page_and_the_document_do_not_share_a_validator(node: Node) -> None:
    await node.town.actor("alice")
    page, document = await node.get("/@alice"), await node.get("/@alice", AS2)
    assert page.headers["ETag"] != document.headers["ETag"]
