"""The inbox, over real sockets: what it believes, what it does, and what it does when the network is not there."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import func, select, update

from fediverse_node.domain.model import Visibility
from fediverse_node.outbox.draft import Draft
from fediverse_node.signatures.keys import PrivateKey
from fediverse_node.storage import tables as t
from fediverse_node.storage.statement import Statement
from fediverse_node.storage.unit import Run
from fediverse_node.transport.jsonld_worker import JsonLdWorker
from tests.fake_peer import FakePeer, Person, Signed, fake_peer
from tests.inprocess import Running, running_node

_LIKES = Statement(select(func.count()).select_from(t.likes))
_STAGED = Statement(select(func.count()).select_from(t.inbox_staging))
_CONTENTS = Statement(
    select(t.objects.c.content, t.objects.c.in_reply_to_id, t.objects.c.thread_id).order_by(t.objects.c.id)
)
_ANNOUNCES = Statement(select(func.count()).select_from(t.objects).where(t.objects.c.type == "Announce"))
_LONG_AGO = "Mon, 01 Jan 2024 00:00:00 GMT"
_STATES = Statement(select(t.deliveries.c.host, t.deliveries.c.state, t.deliveries.c.last_error))


async def _count(home: Running, statement: Statement) -> int:
    row = await home.node.core.database.fetch_one(statement)
    return int(row[0]) if row else 0


async def _eventually(check: Callable[[], Any], *, within_s: float = 10.0) -> Any:
    async with asyncio.timeout(within_s):
        while not (found := await check()):
            await asyncio.sleep(0.02)
    return found


async def _alice_says(home: Running, text: str) -> tuple[int, str]:
    """Her actor id and the id (URI) of what she says."""
    alice = await home.add_person("alice")
    said = await home.node.outbox.post(alice, Draft(text))
    assert isinstance(said, int)
    return alice, f"{home.base_url}/users/alice/statuses/{said}"


def _inbox(home: Running) -> str:
    return f"{home.base_url}/inbox"


@pytest.mark.parametrize("scheme", ["cavage", "rfc9421"])
@pytest.mark.parametrize("ed25519", [False, True], ids=["rsa", "ed25519"])
async def test_a_signed_like_counts_at_once(home: Running, peer: FakePeer, scheme: Any, ed25519: bool) -> None:
    _, uri = await _alice_says(home, "Hello")
    bob = peer.person("bob", ed25519=ed25519)
    assert await peer.deliver(bob, _inbox(home), peer.activity(bob, "Like", uri), scheme) == 202
    assert await _count(home, _LIKES) == 1


async def test_the_same_request_again_is_answered_and_has_no_second_effect(home: Running, peer: FakePeer) -> None:
    _, uri = await _alice_says(home, "Hello")
    bob = peer.person("bob")
    like = peer.sign(bob, _inbox(home), peer.activity(bob, "Like", uri))
    undo = peer.activity(bob, "Undo", orjson.loads(like.body))
    assert await peer.send(like) == 202
    assert await peer.deliver(bob, _inbox(home), undo) == 202
    # Whoever recorded the request cannot bring the like back.
    assert [await peer.send(like) for _ in range(3)] == [202, 202, 202]
    assert await _count(home, _LIKES) == 0


async def test_a_used_signature_is_remembered_over_a_restart(tmp_path: Path, peer: FakePeer) -> None:
    bob = peer.person("bob")
    async with running_node(tmp_path) as home:
        _, uri = await _alice_says(home, "Hello")
        port = int(home.base_url.rpartition(":")[2])
        like = peer.sign(bob, _inbox(home), peer.activity(bob, "Like", uri))
        await peer.send(like)
        await peer.deliver(bob, _inbox(home), peer.activity(bob, "Undo", orjson.loads(like.body)))
    async with running_node(tmp_path, port=port) as home:
        assert await peer.send(like) == 202
        assert await _count(home, _LIKES) == 0


def _without(signed: Signed, *names: str) -> Signed:
    return Signed(signed.url, {k: v for k, v in signed.headers.items() if k.lower() not in names}, signed.body)


def _other_body(signed: Signed) -> Signed:
    return Signed(signed.url, signed.headers, signed.body.replace(b"Like", b"Dislike"))


@pytest.mark.parametrize(
    "forge",
    [
        pytest.param(lambda s: _without(s, "signature"), id="no signature"),
        pytest.param(lambda s: _without(s, "digest"), id="no digest"),
        pytest.param(_other_body, id="another body than was signed"),
        pytest.param(lambda s: Signed(s.url, s.headers | {"date": _LONG_AGO}, s.body), id="old"),
    ],
)  # fmt: skip
async def test_a_request_that_is_not_what_was_signed_is_refused(
    home: Running, peer: FakePeer, forge: Callable[[Signed], Signed]
) -> None:
    _, uri = await _alice_says(home, "Hello")
    bob = peer.person("bob")
    signed = peer.sign(bob, _inbox(home), peer.activity(bob, "Like", uri))
    assert await peer.send(forge(signed)) == 401
    assert await _count(home, _LIKES) == 0
    assert await _count(home, _STAGED) == 0


async def test_nobody_speaks_for_somebody_else(home: Running, peer: FakePeer) -> None:
    _, uri = await _alice_says(home, "Hello")
    bob, mallory = peer.person("bob"), peer.person("mallory")
    assert await peer.deliver(mallory, _inbox(home), peer.activity(bob, "Like", uri)) == 401
    assert await _count(home, _LIKES) == 0


async def test_a_key_that_its_owner_does_not_list_signs_nothing(home: Running, peer: FakePeer) -> None:
    _, uri = await _alice_says(home, "Hello")
    bob = peer.person("bob")
    impostor = Person(bob.uri, "bob", PrivateKey.generate_rsa())
    assert await peer.deliver(impostor, _inbox(home), peer.activity(bob, "Like", uri)) == 401


async def test_a_changed_key_is_fetched_once_more(home: Running, peer: FakePeer) -> None:
    _, uri = await _alice_says(home, "Hello")
    bob = peer.person("bob")
    assert await peer.deliver(bob, _inbox(home), peer.activity(bob, "Like", f"{uri}/none")) == 202
    key = PrivateKey.generate_rsa()
    peer.documents[bob.uri]["publicKey"]["publicKeyPem"] = key.public().pem()
    renewed = Person(bob.uri, "bob", key)
    assert await peer.deliver(renewed, _inbox(home), peer.activity(bob, "Like", uri)) == 202
    assert await _count(home, _LIKES) == 1
    # The old key does not sign any more, and nobody can make us ask for it with every request.
    fetched = len(peer.fetched)
    for _ in range(5):
        assert await peer.deliver(bob, _inbox(home), peer.activity(bob, "Like", uri)) == 401
    assert len(peer.fetched) == fetched


async def test_a_key_that_its_owner_has_replaced_signs_nothing_any_more(home: Running, peer: FakePeer) -> None:
    _, uri = await _alice_says(home, "Hello")
    bob = peer.person("bob")
    assert await peer.deliver(bob, _inbox(home), peer.activity(bob, "Like", f"{uri}/none")) == 202
    renewed = Person(bob.uri, "bob", PrivateKey.generate_rsa())
    peer.documents[bob.uri]["publicKey"]["publicKeyPem"] = renewed.key.public().pem()
    update = peer.activity(bob, "Update", {k: v for k, v in peer.documents[bob.uri].items() if k != "@context"})
    assert await peer.deliver(bob, _inbox(home), update) == 202
    assert await peer.deliver(bob, _inbox(home), peer.activity(bob, "Like", uri)) == 401
    assert await _count(home, _LIKES) == 0
    assert await peer.deliver(renewed, _inbox(home), peer.activity(bob, "Like", uri)) == 202


async def test_a_request_that_had_to_wait_for_its_key_has_no_second_effect_either(
    home: Running, peer: FakePeer
) -> None:
    _, uri = await _alice_says(home, "Hello")
    bob = peer.person("bob")
    like = peer.sign(bob, _inbox(home), peer.activity(bob, "Like", uri))
    peer.fail_with["/users/bob"] = 503
    assert [await peer.send(like) for _ in range(2)] == [202, 202]
    peer.fail_with.clear()
    await home.node.core.writer.run(_make_due)
    home.node.staging.requests.wake()

    async def done() -> bool:
        return await _count(home, _STAGED) == 0

    await _eventually(done)
    assert await _count(home, _LIKES) == 1
    undo = peer.activity(bob, "Undo", orjson.loads(like.body))
    assert await peer.deliver(bob, _inbox(home), undo) == 202
    assert await peer.send(like) == 202
    assert await _count(home, _LIKES) == 0


@pytest.mark.parametrize(
    ("body", "status"),
    [
        pytest.param(b"", 400, id="nothing"),
        pytest.param(b"hello", 400, id="no JSON"),
        pytest.param(b"\xff\xfe{}", 400, id="no UTF-8"),
        pytest.param(b"[1, 2]", 400, id="an array"),
        pytest.param(b"null", 400, id="null"),
        pytest.param(b"{}", 400, id="an empty object"),
        pytest.param(b'{"type": "Like"}', 400, id="no actor"),
        pytest.param(b'{"type": {"a": 1}, "actor": 7, "object": []}', 400, id="everything of the wrong kind"),
        pytest.param(b'{"a":' * 5000 + b"1" + b"}" * 5000, 400, id="very deep"),
        pytest.param(b'{"type":"Like","actor":"http://x/","@graph":[]}', 400, id="@graph"),
        pytest.param(b'{"x":"' + b"a" * 1_100_000 + b'"}', 413, id="too large"),
    ],
)  # fmt: skip
async def test_garbage_is_refused_with_a_cause(home: Running, peer: FakePeer, body: bytes, status: int) -> None:
    url, headers = _inbox(home), {"content-type": "application/activity+json"}
    async with peer.session.post(url, data=io.BytesIO(body), headers=headers) as answer:
        assert answer.status == status
        assert (await answer.json())["error"]


async def test_nothing_costly_is_done_for_whoever_does_not_sign(home: Running, peer: FakePeer) -> None:
    await home.add_person("alice")
    strange = {"@context": {"kind": "@type", "who": "https://www.w3.org/ns/activitystreams#actor"}, "kind": "Like"}
    url, headers = _inbox(home), {"content-type": "application/activity+json"}
    async with peer.session.post(url, data=orjson.dumps(strange), headers=headers) as answer:
        assert answer.status == 401
    assert isinstance(home.node.compactor, JsonLdWorker)
    assert home.node.compactor.process_id is None


async def test_an_activity_of_an_unknown_kind_is_kept_out_politely(home: Running, peer: FakePeer) -> None:
    await home.add_person("alice")
    bob = peer.person("bob")
    strange = peer.activity(bob, "ChessMove", {"type": "Move", "from": "e2", "to": "e4"})
    assert await peer.deliver(bob, _inbox(home), strange) == 202


async def test_a_reply_that_comes_before_its_parents_finds_its_place(home: Running, peer: FakePeer) -> None:
    await home.add_person("alice")
    bob, carol = peer.person("bob"), peer.person("carol")
    root = peer.note(bob, "<p>root</p>")
    middle = peer.note(carol, "<p>middle</p>", inReplyTo=root["id"])
    alice = f"{home.base_url}/users/alice"
    mention = {"type": "Mention", "href": alice, "name": "@alice"}
    await peer.post_note(bob, _inbox(home), "<p>leaf</p>", inReplyTo=middle["id"], tag=[mention], cc=[alice])

    async def whole() -> list[Any]:
        rows = await home.node.core.database.fetch(_CONTENTS)
        return rows if len(rows) == 3 else []

    rows = {row["content"]: row for row in await _eventually(whole)}
    assert len({row["thread_id"] for row in rows.values()}) == 1
    assert rows["<p>root</p>"]["in_reply_to_id"] is None
    assert rows["<p>middle</p>"]["in_reply_to_id"] is not None
    assert rows["<p>leaf</p>"]["in_reply_to_id"] is not None


async def test_whoever_else_is_named_in_a_message_stays_in_the_conversation(home: Running, peer: FakePeer) -> None:
    await home.add_person("alice")
    bob, carol = peer.person("bob"), peer.person("carol")
    me = f"{home.base_url}/users/alice"
    tags = [{"type": "Mention", "href": me, "name": "@alice"}, {"type": "Mention", "href": carol.uri, "name": "@carol"}]
    await peer.post_note(bob, _inbox(home), "<p>@alice @carol lunch?</p>", tag=tags, cc=[me, carol.uri])

    async def named() -> list[str]:
        rows = await home.node.core.database.fetch(Statement(select(t.objects.c.parts)))
        return sorted(mention["acct"] for mention in orjson.loads(rows[0]["parts"])["mentions"])

    async def both() -> bool:
        return await named() == ["alice", f"carol@{peer.host}"]

    await _eventually(both)


async def _alice_follows(home: Running, peer: FakePeer, person: Person) -> int:
    alice = await home.add_person("alice")
    followed = await home.node.gatherer.handle(person.name, peer.host)
    assert isinstance(followed, int)
    assert await home.node.outbox.follow(alice, followed) is None

    async def accepted() -> bool:
        row = await home.node.core.database.fetch_one(Statement(select(t.follows.c.accepted)))
        return bool(row and row[0])

    await _eventually(accepted)
    return alice


async def test_what_is_passed_on_is_fetched_from_its_own_origin(home: Running, peer: FakePeer) -> None:
    bob, carol = peer.person("bob"), peer.person("carol")
    await _alice_follows(home, peer, bob)
    note = peer.note(carol, "<p>the truth</p>")
    forged = {**note, "content": "<p>a lie</p>"}
    announce = peer.activity(bob, "Announce", forged, to=["https://www.w3.org/ns/activitystreams#Public"])
    assert await peer.deliver(bob, _inbox(home), announce) == 202

    async def announced() -> bool:
        return await _count(home, _ANNOUNCES) == 1

    await _eventually(announced)
    contents = [row["content"] for row in await home.node.core.database.fetch(_CONTENTS)]
    assert "<p>the truth</p>" in contents
    assert "<p>a lie</p>" not in contents


async def test_what_was_accepted_is_finished_after_a_restart(tmp_path: Path, peer: FakePeer) -> None:
    bob, carol = peer.person("bob"), peer.person("carol")
    async with running_node(tmp_path) as home:
        port = int(home.base_url.rpartition(":")[2])
        await _alice_follows(home, peer, bob)
        note = peer.note(carol, "<p>later</p>")
        document = peer.documents.pop(note["id"])
        peer.fail_with[note["id"].removeprefix(peer.base_url)] = 503
        announce = peer.activity(bob, "Announce", note["id"], to=["https://www.w3.org/ns/activitystreams#Public"])
        assert await peer.deliver(bob, _inbox(home), announce) == 202
        await asyncio.sleep(0.3)
        assert await _count(home, _ANNOUNCES) == 0
        assert await _count(home, _STAGED) == 1
    peer.fail_with.clear()
    peer.documents[note["id"]] = document
    async with running_node(tmp_path, port=port) as home:
        await home.node.core.writer.run(_make_due)

        async def announced() -> bool:
            return await _count(home, _ANNOUNCES) == 1

        home.node.staging.requests.wake()
        await _eventually(announced)
        assert await _count(home, _STAGED) == 0


def _make_due() -> Any:
    yield Run(Statement(update(t.inbox_staging).values(due_ms=0)), [{}])


async def test_a_request_whose_key_cannot_be_had_now_is_finished_later(home: Running, peer: FakePeer) -> None:
    _, uri = await _alice_says(home, "Hello")
    bob = peer.person("bob")
    peer.fail_with["/users/bob"] = 503
    assert await peer.deliver(bob, _inbox(home), peer.activity(bob, "Like", uri)) == 202
    assert await _count(home, _LIKES) == 0
    peer.fail_with.clear()
    await home.node.core.writer.run(_make_due)
    home.node.staging.requests.wake()

    async def liked() -> bool:
        return await _count(home, _LIKES) == 1

    await _eventually(liked)


async def test_a_stranger_whom_nobody_follows_cannot_fill_our_timelines(home: Running, peer: FakePeer) -> None:
    await home.add_person("alice")
    bob = peer.person("bob")
    await peer.post_note(bob, _inbox(home), "<p>buy this</p>")
    assert await home.node.core.database.fetch(_CONTENTS) == []


async def test_a_host_that_does_not_answer_does_not_slow_the_others(home: Running, peer: FakePeer) -> None:
    alice = await home.add_person("alice")
    async with fake_peer() as silent:
        bob, carol = peer.person("bob"), silent.person("carol")
        for one, person in ((peer, bob), (silent, carol)):
            follow = one.activity(person, "Follow", f"{home.base_url}/users/alice")
            assert await one.deliver(person, _inbox(home), follow) == 202

        async def accepted() -> bool:
            return bool(peer.believed("Accept") and silent.believed("Accept"))

        await _eventually(accepted)
        silent.answer_delay_s = 60
        for number in range(20):
            await home.node.outbox.post(alice, Draft(f"number {number}"))

        async def heard() -> bool:
            return len(peer.believed("Create")) == 20

        await _eventually(heard, within_s=10)


async def test_a_host_that_failed_gets_everything_once_it_speaks_to_us(home: Running, peer: FakePeer) -> None:
    alice = await home.add_person("alice")
    bob = peer.person("bob")
    follow = peer.activity(bob, "Follow", f"{home.base_url}/users/alice")
    assert await peer.deliver(bob, _inbox(home), follow) == 202

    async def accepted() -> bool:
        return bool(peer.believed("Accept"))

    await _eventually(accepted)
    peer.fail_with["/users/bob/inbox"] = 503
    for number in range(3):
        await home.node.outbox.post(alice, Draft(f"number {number}"))
    await asyncio.sleep(0.5)
    assert peer.believed("Create") == []
    peer.fail_with.clear()
    assert await peer.deliver(bob, _inbox(home), peer.activity(bob, "Like", "http://127.0.0.1/nothing")) == 202

    async def heard() -> bool:
        return len(peer.believed("Create")) == 3

    await _eventually(heard)


async def test_an_inbox_that_is_gone_is_not_asked_again(home: Running, peer: FakePeer) -> None:
    alice = await home.add_person("alice")
    bob = peer.person("bob")
    await peer.deliver(bob, _inbox(home), peer.activity(bob, "Follow", f"{home.base_url}/users/alice"))

    async def accepted() -> bool:
        return bool(peer.believed("Accept"))

    await _eventually(accepted)
    peer.fail_with["/users/bob/inbox"] = 410
    await home.node.outbox.post(alice, Draft("Anybody there?"))

    async def refused() -> bool:
        rows = await home.node.core.database.fetch(_STATES)
        return any(row["state"] == 3 and "410" in row["last_error"] for row in rows)

    await _eventually(refused)


async def test_what_a_host_reads_is_remembered_over_a_restart(tmp_path: Path, peer: FakePeer) -> None:
    bob = peer.person("bob")
    async with running_node(tmp_path) as home:
        alice = await home.add_person("alice")
        port = int(home.base_url.rpartition(":")[2])
        follow = peer.activity(bob, "Follow", f"{home.base_url}/users/alice")
        assert await peer.deliver(bob, _inbox(home), follow, "cavage") == 202

        async def accepted() -> bool:
            return bool(peer.believed("Accept"))

        await _eventually(accepted)
        assert peer.arrived[-1].scheme == "cavage"
        # It signs with RFC 9421 now: so it reads that too.
        assert await peer.deliver(bob, _inbox(home), peer.activity(bob, "Like", "http://127.0.0.1/x"), "rfc9421") == 202
    async with running_node(tmp_path, port=port) as home:
        await home.node.outbox.post(alice, Draft("after the restart"))

        async def heard() -> bool:
            return bool(peer.believed("Create"))

        await _eventually(heard)
        assert peer.arrived[-1].scheme == "rfc9421"


async def test_private_words_go_to_their_reader_only(home: Running, peer: FakePeer) -> None:
    alice = await home.add_person("alice")
    bob, carol = peer.person("bob"), peer.person("carol")
    for person in (bob, carol):
        await peer.deliver(person, _inbox(home), peer.activity(person, "Follow", f"{home.base_url}/users/alice"))

    async def accepted() -> bool:
        return len(peer.believed("Accept")) == 2

    await _eventually(accepted)
    await home.node.outbox.post(alice, Draft(f"@bob@{peer.host} between us", visibility=Visibility.DIRECT))

    async def heard() -> bool:
        return bool(peer.believed("Create"))

    await _eventually(heard)
    await asyncio.sleep(0.2)
    assert [each.path for each in peer.arrived if each.activity["type"] == "Create"] == ["/users/bob/inbox"]
    assert peer.believed("Create")[0]["to"] == [bob.uri]
    assert peer.believed("Create")[0]["cc"] == []
