"""People who have nothing but ActivityPub clients: a whole conversation between two servers, and what is refused."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest
from PIL import Image

from tests.fake_peer import FakePeer
from tests.federation.client_to_server import PUBLIC, Client, another_client, client_of, eventually
from tests.inprocess import Running, running_node


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30)) as found:
        yield found


@pytest.fixture
async def there(tmp_path: Path) -> AsyncIterator[Running]:
    """Another server."""
    async with running_node(tmp_path / "there") as running:
        yield running


def _is(kind: str, **members: Any) -> Any:
    def is_it(item: dict[str, Any]) -> bool:
        thing = item.get("object")
        inside = thing if isinstance(thing, dict) else {"id": thing}
        return item["type"] == kind and all(inside.get(name) == value for name, value in members.items())

    return is_it


async def test_two_people_talk_by_their_outboxes_and_inboxes_alone(
    session: aiohttp.ClientSession, home: Running, there: Running
) -> None:
    cara, dan = await client_of(session, home, "cara"), await client_of(session, there, "dan")

    # Dan follows Cara; she sees it, and he her posts.
    followed = await dan.did({"type": "Follow", "object": cara.actor})
    await cara.sees(lambda item: item["type"] == "Follow" and item["actor"] == dan.actor)

    async def is_listed() -> bool:
        page = (await cara.get(f"{cara.followers}?page=true")).document
        return dan.actor in page["orderedItems"]

    await eventually(is_listed)
    note = await cara.said(
        {
            "@context": "https://www.w3.org/ns/activitystreams",
            "type": "Note",
            "content": "<p>Hello <b>Dan</b>, see <a href='/x'>it</a> #greetings</p><script>x()</script>",
            "to": [PUBLIC],
            "cc": [cara.followers],
        }
    )
    assert "script" not in note["content"]
    assert "<b>Dan</b>" in note["content"]
    assert {"type": "Hashtag", "name": "#greetings"}.items() <= next(
        tag.items() for tag in note["tag"] if tag["type"] == "Hashtag"
    )
    arrived = await dan.sees(_is("Create", id=note["id"]))
    assert arrived["actor"] == cara.actor

    # Dan likes and boosts it, and answers in private; Cara hears of all three.
    liked = await dan.did({"type": "Like", "object": note["id"]})
    boosted = await dan.did({"type": "Announce", "object": note["id"], "to": [PUBLIC], "cc": [dan.followers]})
    reply = await dan.said(
        {
            "type": "Note",
            "content": "only for you",
            "mediaType": "text/plain",
            "inReplyTo": note["id"],
            "to": [cara.actor],
        }
    )
    assert (await cara.sees(_is("Like", id=note["id"])))["id"] == liked.location
    assert (await cara.sees(_is("Announce", id=note["id"])))["id"] == boosted.location
    received = (await cara.sees(_is("Create", id=reply["id"])))["object"]
    assert received["inReplyTo"] == note["id"]
    assert received["to"] == [cara.actor]

    # Cara changes one part of her post, and takes it back.
    changed = await cara.did({"type": "Update", "object": {"id": note["id"], "content": "<p>Hello everybody</p>"}})
    assert changed.document["object"]["content"] == "<p>Hello everybody</p>"

    async def is_changed() -> bool:
        item = await dan.sees(_is("Create", id=note["id"]))
        return "everybody" in item["object"]["content"]

    await eventually(is_changed)
    await dan.did({"type": "Undo", "object": liked.location})
    await dan.did({"type": "Undo", "object": {"type": "Announce", "actor": dan.actor, "object": note["id"]}})
    await cara.did({"type": "Delete", "object": note["id"]})
    assert (await cara.get(note["id"])).status == 410

    async def is_gone() -> bool:
        return not any(_is("Create", id=note["id"])(item) for item in await dan.inbox())

    await eventually(is_gone)

    # Enough of each other.
    await dan.did({"type": "Undo", "object": followed.location})
    await cara.did({"type": "Block", "object": dan.actor})
    refused = await dan.post({"type": "Follow", "object": cara.actor})
    assert refused.status in (201, 403)


def _png() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (12, 8), "teal").save(file, "PNG")
    return file.getvalue()


async def test_what_an_actor_says_about_its_clients_is_true(session: aiohttp.ClientSession, home: Running) -> None:
    cara = await client_of(session, home, "cara")
    endpoints = cara.document["endpoints"]
    assert cara.document["objectIDAsClientID"] is True
    metadata = (await cara.get(f"{home.base_url}/.well-known/oauth-authorization-server")).document
    assert endpoints["oauthAuthorizationEndpoint"] == metadata["authorization_endpoint"]
    assert endpoints["oauthTokenEndpoint"] == metadata["token_endpoint"]
    assert metadata["activitypub_object_id_as_client_id"] is True
    for name in ("proxyUrl", "uploadMedia"):
        assert (await cara.call("POST", endpoints[name], data={})).status in (400, 415)


async def test_what_is_said_to_single_people_is_in_the_own_outbox_and_in_nobody_elses_view(
    session: aiohttp.ClientSession, home: Running
) -> None:
    cara, dan = await client_of(session, home, "cara"), await client_of(session, home, "dan")
    eve = await client_of(session, home, "eve")
    nobody = Client(session, cara.actor, None, cara.document)
    kinds = {
        "everybody": {"to": [PUBLIC]},
        "followers": {"to": [cara.followers]},
        "dan": {"to": [dan.actor]},
        "dan, unnamed": {"bcc": [dan.actor]},
        "herself": {},
    }
    notes = {kind: await cara.said({"type": "Note", "content": kind, **to}) for kind, to in kinds.items()}
    assert notes["dan, unnamed"]["to"] == notes["dan, unnamed"]["cc"] == []
    assert dan.actor not in str(notes["dan, unnamed"])

    def said(items: list[dict[str, Any]]) -> set[str]:
        return {kind for kind, note in notes.items() if note["id"] in str(items)}

    assert said(await cara.outbox()) == set(kinds)
    assert said(await nobody.outbox()) == {"everybody"}
    assert said(await eve.outbox_of(cara)) == {"everybody"}
    assert said(await dan.outbox_of(cara)) == {"everybody"}
    for client, visible in ((cara, set(kinds)), (dan, {"everybody", "dan", "dan, unnamed"}), (eve, {"everybody"})):
        assert {kind for kind, note in notes.items() if (await client.get(note["id"])).status == 200} == visible
        private = await client.get(notes["everybody"]["id"])
        assert private.headers["Cache-Control"] == "private, no-store"
    # Who is told unnamed is told, and the others who are told do not learn of it.
    together = await cara.said({"type": "Note", "content": "both", "to": [dan.actor], "bcc": [eve.actor]})
    for client in (dan, eve):
        received = await client.sees(_is("Create", id=together["id"]))
        assert received["object"]["to"] == [dan.actor]
        assert eve.actor not in str(received)
    async with session.get(
        f"{home.base_url}/api/v1/conversations", headers={"Authorization": f"Bearer {dan.token}"}
    ) as answer:
        assert "eve" not in str([each["accounts"] for each in await answer.json()])


async def test_a_person_told_unnamed_elsewhere_gets_it_in_their_own_inbox(
    session: aiohttp.ClientSession, home: Running, peer: FakePeer
) -> None:
    cara = await client_of(session, home, "cara")
    ben, cleo = peer.person("ben", has_shared_inbox=True), peer.person("cleo", has_shared_inbox=True)
    note = await cara.said({"type": "Note", "content": "psst", "to": [ben.uri], "bto": [cleo.uri]})

    async def arrived() -> list[Any] | None:
        found = [each for each in peer.arrived if each.activity.get("object", {}).get("id") == note["id"]]
        return found if len(found) == 2 else None

    both = await eventually(arrived)
    assert {each.path for each in both} == {"/inbox", "/users/cleo/inbox"}
    for each in both:
        assert each.signer == cara.actor
        assert cleo.uri not in str(each.activity)
        assert not {"bto", "bcc"} & {*each.activity, *each.activity["object"]}


async def test_a_poll_is_asked_answered_and_counted(
    session: aiohttp.ClientSession, home: Running, there: Running
) -> None:
    cara, dan = await client_of(session, home, "cara"), await client_of(session, there, "dan")
    ends = (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    options = [{"type": "Note", "name": name} for name in ("tea", "coffee")]
    asked = {"type": "Question", "content": "What?", "oneOf": options, "endTime": ends, "to": [PUBLIC, dan.actor]}
    question = await cara.said(asked)
    assert question["type"] == "Question"
    vote = {"type": "Note", "name": "coffee", "inReplyTo": question["id"], "to": [cara.actor]}
    await dan.did({"type": "Create", "object": vote})
    assert (await dan.post(vote)).status == 409
    assert (await dan.post({**vote, "name": "water"})).status == 422

    async def is_counted() -> bool:
        counted = (await cara.get(question["id"])).document["oneOf"]
        return [option["replies"]["totalItems"] for option in counted] == [0, 1]

    await eventually(is_counted)
    refused: list[dict[str, Any]] = [{"oneOf": options[:1]}, {"oneOf": options * 3}, {"oneOf": []}]
    for wrong in (*refused, {"endTime": "2020-01-01T00:00:00Z"}):
        assert (await cara.post({**asked, **wrong})).status == 422


async def test_a_file_is_uploaded_described_and_attached(session: aiohttp.ClientSession, home: Running) -> None:
    cara, dan = await client_of(session, home, "cara"), await client_of(session, home, "dan")
    form = aiohttp.FormData()
    form.add_field("file", _png(), filename="x.png", content_type="image/png")
    form.add_field("object", '{"type":"Image","name":"A small square"}', content_type="application/json")
    made = await cara.call("POST", cara.document["endpoints"]["uploadMedia"], data=form)
    assert made.status == 201, made.document
    assert (await cara.get(made.location)).document["name"] == "A small square"
    assert (await dan.get(made.location)).status == 403
    note = {"type": "Note", "content": "look", "attachment": [made.location], "to": [PUBLIC]}
    assert (await dan.post(note)).status == 422
    said = await cara.said({**note, "attachment": {"id": made.location, "type": "Image", "name": "A square"}})
    [picture] = said["attachment"]
    assert (picture["url"], picture["name"]) == (made.document["url"], "A square")
    assert (await cara.post(note)).status == 409
    changed = await cara.did({"type": "Update", "object": {"id": said["id"], "content": "look again"}})
    assert [each["url"] for each in changed.document["object"]["attachment"]] == [made.document["url"]]
    foreign = {**note, "attachment": [{"type": "Image", "url": "https://elsewhere.example/x.png"}]}
    assert "uploadMedia" in (await cara.post(foreign)).cause
    bad = aiohttp.FormData()
    bad.add_field("file", b"<html>", filename="x.png", content_type="image/png")
    assert (await cara.call("POST", cara.document["endpoints"]["uploadMedia"], data=bad)).status == 422


async def test_the_proxy_asks_with_the_persons_own_right_and_keeps_nothing(
    session: aiohttp.ClientSession, home: Running, there: Running, peer: FakePeer
) -> None:
    cara, dan = await client_of(session, home, "cara"), await client_of(session, there, "dan")
    eve = await client_of(session, home, "eve")
    proxy = cara.document["endpoints"]["proxyUrl"]
    secret = await dan.said({"type": "Note", "content": "for cara", "to": [cara.actor]})
    found = await cara.call("POST", proxy, data={"id": secret["id"]})
    assert (found.status, found.document["content"]) == (200, secret["content"])
    assert found.headers["Cache-Control"] == "private, no-store"
    assert (await eve.call("POST", proxy, data={"id": secret["id"]})).status == 404
    assert (await Client(session, cara.actor, None).call("POST", proxy, data={"id": secret["id"]})).status == 401
    peer.documents[f"{peer.base_url}/lie"] = {"id": secret["id"], "type": "Note", "content": "a lie"}
    answers = {
        f"{home.base_url}/users/cara": 303,
        f"{peer.base_url}/nothing": 404,
        "http://10.1.2.3/": 502,
        "http://169.254.169.254/latest": 502,
        "ftp://x.example/": 400,
        "": 400,
    }
    for id_, status in answers.items():
        assert (await cara.call("POST", proxy, data={"id": id_})).status == status, id_
    told = await cara.call("POST", proxy, data={"id": f"{peer.base_url}/lie"})
    assert told.document.get("content") != "a lie"


async def test_the_same_key_does_a_thing_once(session: aiohttp.ClientSession, home: Running) -> None:
    cara, dan = await client_of(session, home, "cara"), await client_of(session, home, "dan")
    note = {"type": "Note", "content": "once", "to": [PUBLIC], "id": "https://elsewhere.example/mine"}
    key = {"Idempotency-Key": "4711"}
    answers = await asyncio.gather(*(cara.post(note, **key) for _ in range(5)))
    assert {answer.status for answer in answers} == {201}
    assert len({answer.location for answer in answers}) == 1
    assert answers[0].location.startswith(home.base_url)
    assert (await dan.post(note, **key)).location != answers[0].location
    assert (await cara.post({"type": "Like", "object": "https://whatever.example/"}, **key)).location == answers[
        0
    ].location
    assert (await cara.post(note)).location != answers[0].location
    assert len(await cara.outbox()) == 2
    assert (await cara.post(note, **{"Idempotency-Key": "x" * 300})).status == 400


async def test_requests_are_answered_pins_set_and_the_profile_changed(
    session: aiohttp.ClientSession, home: Running, there: Running
) -> None:
    cara, dan = await client_of(session, home, "cara"), await client_of(session, there, "dan")
    locked = {"id": cara.actor, "type": "Person", "manuallyApprovesFollowers": True, "name": "Cara <b>C.</b>"}
    profile = {**locked, "summary": "<p>Hi</p><script>x</script>", "attachment": []}
    changed = await cara.did({"type": "Update", "object": {**cara.document, **profile}})
    assert changed.document["object"]["name"] == "Cara C."
    assert changed.document["object"]["summary"] == "<p>Hi</p>"
    assert (
        "inbox" in (await cara.post({"type": "Update", "object": {**profile, "inbox": "https://evil.example/"}})).cause
    )
    follow = await dan.did({"type": "Follow", "object": cara.actor})
    await cara.sees(lambda item: item["type"] == "Follow" and item.get("id") == follow.location)
    assert (await dan.post({"type": "Accept", "object": follow.location})).status == 404
    accepted = await cara.did({"type": "Accept", "object": {"type": "Follow", "id": follow.location}})
    assert (await cara.get(accepted.location)).status == 200
    note = await cara.said({"type": "Note", "content": "pin me", "to": [cara.followers]})
    featured = cara.document["featured"]
    await cara.did({"type": "Add", "object": note["id"], "target": featured})
    assert note["id"] in str((await cara.get(featured)).document)
    await cara.did({"type": "Remove", "object": note["id"], "target": featured})
    assert (
        "no other collection"
        in (await cara.post({"type": "Add", "object": note["id"], "target": cara.followers})).cause
    )
    await cara.did({"type": "Remove", "object": dan.actor, "target": cara.followers})
    reported = await cara.did({"type": "Flag", "object": [dan.actor], "content": "rude", "to": [dan.actor]})
    assert (await cara.get(reported.location)).document["content"] == "rude"
    assert (await dan.get(reported.location)).status != 200


NOTE = {"type": "Note", "content": "x", "to": [PUBLIC]}
# What is sent, the status of the answer, and a word of its cause. `ME`, `DAN` and `HIS` (a post) stand for addresses.
REFUSED: list[tuple[Any, int, str]] = [
    (b"", 400, "JSON"),
    (b"{", 400, "JSON"),
    (b"[]", 400, ""),
    (b'"Note"', 400, ""),
    ({}, 400, "type"),
    ({"content": "no type"}, 400, "type"),
    (b"[" * 100_000, 400, ""),
    (b'{"a":' * 2000 + b"1" + b"}" * 2000, 400, ""),
    ({**NOTE, "x": "y" * 1_100_000}, 413, "larger"),
    ({"@graph": [NOTE], "type": "Note"}, 400, ""),
    ({**NOTE, "@reverse": {"attributedTo": "DAN"}}, 400, ""),
    # Read as JSON-LD, what looks like the content is a second type, and nothing is said.
    ({"@context": {"content": "@type"}, **NOTE}, 422, "blank"),
    ({"type": "Create", "actor": "DAN", "object": NOTE}, 403, "actor"),
    ({"type": "Create", "actor": ["ME", "DAN"], "object": NOTE}, 403, "actor"),
    ({"type": "Create", "object": {**NOTE, "attributedTo": "DAN"}}, 403, "attributedTo"),
    ({**NOTE, "attributedTo": [{"id": "DAN"}]}, 403, "attributedTo"),
    ({"type": "Create", "object": [NOTE, NOTE]}, 400, "more than one"),
    ({"type": "Create", "object": "HIS"}, 400, "brings"),
    ({"type": "Update", "object": {"id": "HIS", "content": "mine now"}}, 403, "somebody else"),
    ({"type": "Update", "object": {"id": "DAN", "type": "Person", "name": "x"}}, 403, ""),
    ({"type": "Delete", "object": "HIS"}, 403, "somebody else"),
    ({"type": "Delete", "object": "ME"}, 422, "account"),
    ({"type": "Delete", "object": "ME/statuses/1"}, 404, ""),
    ({"type": "Undo", "object": "HIS/activity"}, 404, ""),
    ({"type": "Undo", "object": {"type": "Like", "actor": "DAN", "object": "HIS"}}, 403, "actor"),
    ({"type": "Undo", "object": {"type": "Create", "actor": "ME", "object": NOTE}}, 422, "deleted"),
    ({"type": "Accept", "object": "HIS"}, 404, ""),
    ({"type": "Like", "object": "ME/statuses/4"}, 404, ""),
    ({"type": "Like"}, 404, ""),
    ({"type": "Announce", "object": "HIS"}, 422, "to whom"),
    ({"type": "Follow", "object": "ME"}, 403, ""),
    ({"type": "Move", "object": "ME", "target": "DAN"}, 422, "password"),
    ({"type": "Arrive", "location": "here"}, 422, "Arrive"),
    ({"type": "Conquer", "object": "HIS"}, 422, "Conquer"),
    ({"type": "Video", "url": "x", "to": [PUBLIC]}, 422, "Video"),
    ({**NOTE, "content": ""}, 422, "blank"),
    ({**NOTE, "content": "x" * 100_001}, 422, "limit"),
    ({**NOTE, "name": "A title"}, 422, "Article"),
    ({**NOTE, "contentMap": {"en": "hello", "de": "hallo"}}, 422, "languages"),
    ({**NOTE, "source": {"content": "*x*", "mediaType": "text/markdown"}, "content": None}, 422, "markdown"),
    ({**NOTE, "inReplyTo": ["HIS", "ME/statuses/1"]}, 422, "one other"),
    ({**NOTE, "inReplyTo": "ME/statuses/1"}, 404, ""),
    ({**NOTE, "to": ["ME/nobody"]}, 422, "nobody"),
    ({**NOTE, "to": ["DAN/followers"]}, 422, "followers"),
    ({**NOTE, "to": ["ME"], "tag": [{"type": "Mention", "href": "DAN"}]}, 422, "not addressed"),
]


async def test_what_an_outbox_does_not_take_is_answered_with_its_cause_and_does_nothing(
    session: aiohttp.ClientSession, home: Running
) -> None:
    cara, dan = await client_of(session, home, "cara"), await client_of(session, home, "dan")
    his = (await dan.said({"type": "Note", "content": "mine", "to": [PUBLIC]}))["id"]
    for sent, status, word in REFUSED:
        body = sent if isinstance(sent, bytes) else orjson.dumps(sent)
        for name, address in (("HIS", his), ("DAN", dan.actor), ("ME", cara.actor)):
            body = body.replace(f'"{name}'.encode(), f'"{address}'.encode())
        answer = await cara.call(
            "POST",
            cara.document["outbox"],
            data=io.BytesIO(body),
            headers={"Content-Type": "application/activity+json"},
        )
        assert answer.status == status, (body[:200], answer.status, answer.document)
        assert word in answer.cause, (body[:200], answer.cause)
    assert await cara.outbox() == []
    assert (await dan.get(his)).document["content"] == "mine"


async def test_only_the_right_token_with_the_right_scope_opens_anything(
    session: aiohttp.ClientSession, home: Running
) -> None:
    cara, dan = await client_of(session, home, "cara"), await client_of(session, home, "dan")
    reader = await another_client(session, home, "cara", cara.user_id, "read")
    liker = await another_client(session, home, "cara", cara.user_id, "write:favourites")
    stranger = Client(session, cara.actor, "no-such-token", cara.document)
    nobody = Client(session, cara.actor, None, cara.document)
    inbox = cara.document["inbox"]
    like = {"type": "Like", "object": (await dan.said({**NOTE, "content": "like me"}))["id"]}
    table = [
        (cara, 200, 201),
        (reader, 200, 403),
        (liker, 403, 403),
        (Client(session, dan.actor, dan.token, cara.document), 403, 403),
        (stranger, 401, 401),
        (nobody, 401, 401),
    ]
    for client, reads, writes in table:
        assert (await client.get(inbox)).status == reads
        answer = await client.post(NOTE)
        assert answer.status == writes
        if writes != 201:
            assert answer.cause
            assert writes != 401 or answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert (await liker.post(like)).status == 201
    assert (await liker.post({**like, "type": "Announce", "to": [PUBLIC]})).status == 403
    # A token that is not good is told so, also where everybody may read.
    assert (await stranger.get(cara.document["outbox"])).status == 401
    assert (await liker.get(cara.actor)).status == 200
    private = await cara.said({**NOTE, "to": [cara.followers]})
    assert (await reader.get(private["id"])).status == 200
    assert (await liker.get(private["id"])).status == 404
    assert (await nobody.get(cara.actor)).status == 200
    preflight = await nobody.call("OPTIONS", cara.document["outbox"])
    assert (preflight.status, preflight.headers["Access-Control-Allow-Origin"]) == (204, "*")
    wrong_type = await cara.call("POST", cara.document["outbox"], data=b"{}", headers={"Content-Type": "text/plain"})
    assert wrong_type.status == 415


async def test_an_article_keeps_its_title_and_its_source(session: aiohttp.ClientSession, home: Running) -> None:
    cara = await client_of(session, home, "cara")
    article = await cara.said(
        {
            "type": "Article",
            "name": "On tea",
            "contentMap": {"en": "<h2>Water</h2><p>first</p>"},
            "source": {"content": "## Water\n\nfirst", "mediaType": "text/markdown"},
            "to": [PUBLIC],
        }
    )
    assert (article["type"], article["name"]) == ("Article", "On tea")
    assert article["source"] == {"content": "## Water\n\nfirst", "mediaType": "text/markdown"}
    assert list(article["contentMap"]) == ["en"]
    changed = await cara.did({"type": "Update", "object": {"id": article["id"], "name": "On green tea"}})
    assert changed.document["object"]["name"] == "On green tea"
    assert changed.document["object"]["content"] == article["content"]
    assert (await cara.post({"type": "Update", "object": {"id": article["id"], "to": [cara.actor]}})).status == 422
