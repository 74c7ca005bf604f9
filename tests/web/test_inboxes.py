"""Inboxes: what a request looks like below this room, and what is refused at the door."""

from __future__ import annotations

import asyncio
import gzip

import pytest

from fediverse_node.inbox.answer import Answer
from fediverse_node.storage import tables
from fediverse_node.web.inboxes import BODY_LIMIT_BYTES
from tests.web.builders import NOW_MS
from tests.web.conftest import LD, MakeNode, Node

AS2 = {"Content-Type": "application/activity+json"}


@pytest.mark.parametrize("path", ["/inbox", "/users/alice/inbox", "/actor/inbox"])
async def test_a_request_arrives_with_everything_that_was_signed(node: Node, path: str) -> None:
    await node.town.actor("alice")
    body = b'{"type": "Like"}'
    headers = {**AS2, "Signature": "keyId=x", "Digest": "SHA-256=abc", "Date": "now", "X-Twice": "one"}
    seen = await node.post(path + "?a=%2Fb&c", body, **headers)
    assert (seen.status, seen.body) == (202, b"")
    received = node.received[0]
    assert received.method == "POST"
    assert received.url == f"{node.base_url}{path}?a=%2Fb&c"
    assert received.body == body
    assert received.remote == "127.0.0.1"
    given = dict(received.headers)
    assert given["signature"] == "keyId=x"
    assert given["digest"] == "SHA-256=abc"
    assert given["host"] == node.host
    assert all(name == name.lower() for name, _ in received.headers)


async def test_the_url_is_the_public_one_behind_a_proxy(make_node: MakeNode) -> None:
    node = await make_node()
    await node.post("/inbox", b"{}", **AS2, Host="inside.example")
    assert node.received[0].url == f"{node.base_url}/inbox"
    assert dict(node.received[0].headers)["host"] == "inside.example", "signatures are checked against it"


@pytest.mark.parametrize(
    "content_type, status",
    [
        ("application/activity+json", 202),
        ("application/activity+json; charset=utf-8", 202),
        (LD, 202),
        ("application/ld+json", 202),
        ("application/json", 202),
        ("text/plain", 415),
        ("text/html", 415),
        ("application/x-www-form-urlencoded", 415),
        ("multipart/form-data; boundary=x", 415),
        ("", 415),
    ],
)
async def test_only_json_is_taken(node: Node, content_type: str, status: int) -> None:
    seen = await node.post("/inbox", b"{}", **{"Content-Type": content_type})
    assert seen.status == status
    assert len(node.received) == (1 if status == 202 else 0)


@pytest.mark.parametrize(
    "answer", [Answer(401, "the signature does not hold"), Answer(400, "not JSON"), Answer(403, "suspended")]
)
async def test_a_refusal_says_why(node: Node, answer: Answer) -> None:
    node.answer = answer
    seen = await node.post("/inbox", b"{}", **AS2)
    assert seen.status == answer.status
    assert seen.text == f'{{"error":"{answer.error}"}}'


async def test_a_body_of_a_megabyte_is_taken_and_a_larger_one_refused(node: Node) -> None:
    assert (await node.post("/inbox", b"x" * BODY_LIMIT_BYTES, **AS2)).status == 202
    assert len(node.received[0].body) == BODY_LIMIT_BYTES
    assert (await node.post("/inbox", b"x" * (BODY_LIMIT_BYTES + 1), **AS2)).status == 413
    assert len(node.received) == 1


async def test_a_body_without_a_stated_length_is_cut_off_at_the_limit(node: Node) -> None:
    host, port = node.host.split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(
        f"POST /inbox HTTP/1.1\r\nHost: {node.host}\r\nContent-Type: application/json\r\n"
        "Transfer-Encoding: chunked\r\n\r\n".encode()
    )
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    for _ in range(17):
        writer.write(chunk)
    await writer.drain()
    status = await reader.readline()
    assert b" 413 " in status
    writer.close()
    assert node.received == []


async def test_a_compressed_body_is_refused(node: Node) -> None:
    body = gzip.compress(b" " * 10_000_000)
    seen = await node.post("/inbox", body, **AS2, **{"Content-Encoding": "gzip"})
    assert seen.status == 415
    assert node.received == []


async def test_nobody_has_no_inbox(node: Node) -> None:
    assert (await node.post("/users/nobody/inbox", b"{}", **AS2)).status == 404
    alice = await node.town.actor("alice")
    await node.town.change(tables.actors, alice, deleted_ms=NOW_MS)
    assert (await node.post("/users/alice/inbox", b"{}", **AS2)).status == 410
    assert node.received == []


async def test_inboxes_cannot_be_read(node: Node) -> None:
    await node.town.actor("alice")
    for path in ("/inbox", "/users/alice/inbox"):
        assert (await node.get(path, "application/activity+json")).status in (404, 405)


@pytest.mark.parametrize(
    "trusted, forwarded, remote",
    [
        (["127.0.0.0/8"], "203.0.113.9", "203.0.113.9"),
        (["127.0.0.0/8"], "6.6.6.6, 203.0.113.9", "203.0.113.9"),
        (["127.0.0.0/8", "203.0.113.0/24"], "6.6.6.6, 203.0.113.9", "6.6.6.6"),
        (["127.0.0.0/8"], "203.0.113.9, 127.0.0.2", "203.0.113.9"),
        (["127.0.0.0/8"], "", "127.0.0.1"),
        (["127.0.0.0/8"], "nonsense", "nonsense"),
        ([], "203.0.113.9", "127.0.0.1"),
    ],
)
async def test_only_trusted_proxies_say_who_it_was(
    make_node: MakeNode, trusted: list[str], forwarded: str, remote: str
) -> None:
    node = await make_node(trusted_proxies=trusted)
    await node.post("/inbox", b"{}", **AS2, **{"X-Forwarded-For": forwarded})
    assert node.received[0].remote == remote
