"""Quotes on pages and in documents, and approval stamps at their ids."""

from __future__ import annotations

from typing import Any

import pytest

from fediverse_node.storage import tables
from tests.web.builders import FOLLOWERS, NOW_MS
from tests.web.conftest import Node
from tests.web.reading_html import read_main

PENDING, ACCEPTED, REJECTED, REVOKED, DELETED = range(5)
THEIRS = "https://remote.example/users/bob/statuses/1"


async def quoted(node: Node, *, state: int = ACCEPTED, quoting: dict[str, Any] | None = None, **of: Any) -> Any:
    """Carol quotes a post of Alice; the ids of both, Carol's first."""
    town = node.town
    alice, carol = await town.actor("alice"), await town.actor("carol", name="Carol")
    post = await town.post(alice, "<p>The <b>first</b> tomato</p>", **of)
    fallback = f'<p class="quote-inline">RE: <a href="{node.base_url}/@alice/{post}">a link</a></p>'
    uri = node.names.object("alice", post)
    stamp = node.names.quote_authorization("alice", post + 1)
    parts = {"quote": uri, "quote_stamp": stamp}
    id_ = await town.post(carol, f"{fallback}<p>Look!</p>", by="carol", parts=parts, **(quoting or {}))
    row = {"object_id": id_, "actor_id": carol, "quoted_uri": uri, "quoted_id": post, "quoted_actor_id": alice}
    await town.insert(
        tables.quotes,
        row | {"state": state, "stamp_uri": node.names.quote_authorization("alice", id_)},
    )
    return id_, post


async def test_a_quote_is_shown_in_the_post_and_the_link_for_others_is_not(node: Node) -> None:
    id_, _ = await quoted(node)
    for path in (f"/@carol/{id_}", "/@carol"):
        page = (await node.get(path)).text
        assert '<blockquote class="quoted"' in page, path
        assert "The <b>first</b> tomato" in page
        assert "RE:" not in read_main(page).text, path
    assert 'content="Look!"' in (await node.get(f"/@carol/{id_}")).text, "previews say what the post itself says"


@pytest.mark.parametrize(
    "state, of, said",
    [
        pytest.param(PENDING, {}, "has not agreed yet", id="asked"),
        pytest.param(REJECTED, {}, "did not agree", id="refused"),
        pytest.param(REVOKED, {}, "does not agree any more", id="taken back"),
        pytest.param(DELETED, {}, "was deleted", id="gone"),
        pytest.param(ACCEPTED, {"visibility": FOLLOWERS}, "is not for everybody", id="private"),
    ],
)
async def test_a_quote_that_may_not_be_shown_says_why(node: Node, state: int, of: dict[str, Any], said: str) -> None:
    id_, _ = await quoted(node, state=state, **of)
    page = (await node.get(f"/@carol/{id_}")).text
    assert said in page
    assert "tomato" not in page


async def test_hostile_words_in_a_quoted_post_stay_words(node: Node) -> None:
    attack = "<script>alert(1)</script><img src=x onerror=alert(1)>"
    id_, _ = await quoted(node, summary=attack, attachments=[{"type": "image", "remote_url": "javascript:alert(1)"}])
    page = (await node.get(f"/@carol/{id_}")).text
    assert "<script" not in page
    assert "onerror=alert(1)&gt;" in page
    assert "javascript:" not in page


async def test_the_document_says_it_in_all_dialects(node: Node) -> None:
    id_, post = await quoted(node)
    document = await node.document(f"/users/carol/statuses/{id_}")
    uri = node.names.object("alice", post)
    for name in ("quote", "quoteUrl", "quoteUri", "_misskey_quote"):
        assert document[name] == uri, name
    [link] = [tag for tag in document["tag"] if tag["type"] == "Link"]
    assert (link["href"], link["rel"]) == (uri, "https://misskey-hub.net/ns#_misskey_quote")
    assert document["quoteAuthorization"].startswith(f"{node.base_url}/users/alice/quote_authorizations/")
    assert document["interactionPolicy"]["canQuote"] == {"automaticApproval": [f"{node.base_url}/users/carol"]}


async def test_a_stamp_is_served_at_its_id_and_names_both_posts(node: Node) -> None:
    id_, post = await quoted(node)
    stamp = await node.document(f"/users/alice/quote_authorizations/{id_}")
    assert stamp["id"] == f"{node.base_url}/users/alice/quote_authorizations/{id_}"
    assert stamp["type"] == "QuoteAuthorization"
    assert stamp["attributedTo"] == f"{node.base_url}/users/alice"
    assert stamp["interactingObject"] == node.names.object("carol", id_)
    assert stamp["interactionTarget"] == node.names.object("alice", post)


@pytest.mark.parametrize(
    "name, state, of",
    [
        pytest.param("carol", ACCEPTED, {}, id="of somebody else"),
        pytest.param("alice", PENDING, {}, id="not given yet"),
        pytest.param("alice", REVOKED, {}, id="taken back"),
        pytest.param("alice", ACCEPTED, {"visibility": FOLLOWERS}, id="about what is not for everybody"),
    ],
)
async def test_there_is_no_stamp(node: Node, name: str, state: int, of: dict[str, Any]) -> None:
    id_, _ = await quoted(node, state=state, **of)
    for number in (str(id_), "0", "x", "9" * 30):
        assert (
            await node.get(f"/users/{name}/quote_authorizations/{number}", "application/activity+json")
        ).status == 404


async def test_a_stamp_for_an_answer_is_served_while_it_holds(node: Node) -> None:
    town = node.town
    alice, bob = await town.actor("alice"), await town.stranger("bob")
    post = await town.post(alice)
    uri = node.names.authorization("alice", 77)
    row = {"id": 77, "kind": "reply", "actor_id": bob, "target_id": post, "target_actor_id": alice, "uri": THEIRS}
    await town.insert(
        tables.interaction_requests, row | {"state": ACCEPTED, "stamp_uri": uri, "created_ms": NOW_MS, "visibility": 0}
    )
    stamp = await node.document(uri)
    assert stamp["type"] == "ReplyAuthorization"
    assert (stamp["interactingObject"], stamp["interactionTarget"]) == (THEIRS, node.names.object("alice", post))
    assert (await node.get("/users/alice/authorizations/78", "application/activity+json")).status == 404
