"""What somebody passes on for somebody else: believed by the author's own proof, or asked about, or refused.

Three servers over real sockets: ours, the author's, and one that passes on, which may be hostile.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from fediverse_node.base.outcome import Fail
from fediverse_node.domain.domains import DomainPolicy
from fediverse_node.outbox.draft import Draft
from fediverse_node.storage import tables as t
from fediverse_node.storage.statement import Statement
from tests.fake_peer import AS2, PUBLIC, FakePeer, Person, fake_peer
from tests.federation.proving import Prover, sign_linked_data
from tests.inprocess import Running

_LIKES = Statement(select(func.count()).select_from(t.likes))
_STAGED = Statement(select(func.count()).select_from(t.inbox_staging))
_CONTENTS = Statement(select(t.objects.c.uri, t.objects.c.content, t.objects.c.in_reply_to_id))
_TOMBSTONES = Statement(select(t.tombstones.c.uri))
_READERS = Statement(select(func.count()).select_from(t.follows).where(t.follows.c.accepted))


class Scene:
    """Alice's node and a post of hers; ann, who signs what she says, on one peer; a carrier on another."""

    def __init__(self, home: Running, peer: FakePeer, carrier: FakePeer, alice: int, post: str) -> None:
        self.home, self.peer, self.carrier_peer, self.alice, self.post = home, peer, carrier, alice, post
        self.ann = peer.person("ann")
        self.carrier = carrier.person("carrier")
        self.inbox = f"{home.base_url}/inbox"

    async def bring(self, document: dict[str, Any]) -> int:
        """The carrier signs the request, whatever is in it."""
        return await self.carrier_peer.deliver(self.carrier, self.inbox, document)

    async def count(self, statement: Statement) -> int:
        return int((await self.home.node.core.database.fetch(statement))[0][0])

    async def contents(self) -> dict[str, str]:
        rows = await self.home.node.core.database.fetch(_CONTENTS)
        return {row["uri"]: row["content"] for row in rows}

    async def settle(self) -> None:
        """Everything that was put aside is decided."""
        await eventually(lambda: self._is_settled())

    async def _is_settled(self) -> bool:
        return await self.count(_STAGED) == 0

    def note(self, text: str, **more: object) -> dict[str, Any]:
        """A post of ann's that can be seen at her server, in answer to alice."""
        return self.peer.note(self.ann, text, inReplyTo=self.post, **more)

    async def kept(self, text: str, **more: object) -> dict[str, Any]:
        """A post of ann's that is stored here."""
        note = self.note(text, **more)
        assert await self.peer.deliver(self.ann, self.inbox, self.peer.create(self.ann, note)) == 202
        await self.settle()
        assert note["id"] in await self.contents()
        return note


async def eventually(check: Callable[[], Awaitable[bool]], *, within_s: float = 10.0) -> None:
    async with asyncio.timeout(within_s):
        while not await check():
            await asyncio.sleep(0.02)


@pytest.fixture
async def scene(home: Running, peer: FakePeer) -> AsyncIterator[Scene]:
    alice = await home.add_person("alice")
    said = await home.node.outbox.post(alice, Draft("Who has seen my boat?"))
    async with fake_peer() as carrier:
        yield Scene(home, peer, carrier, alice, f"{home.base_url}/users/alice/statuses/{said}")


Change = Callable[[Scene, Prover, dict[str, Any]], dict[str, Any]]


def _as_it_is(scene: Scene, ann: Prover, like: dict[str, Any]) -> dict[str, Any]:
    return ann.proves(like)


def _of_another_time(hours: float) -> Change:
    return lambda scene, ann, like: ann.proves(like, age=timedelta(hours=hours))


def _with_proof(**changed: Any) -> Change:
    return lambda scene, ann, like: ann.proves(like, **changed)


def _changed(**words: Any) -> Change:
    return lambda scene, ann, like: {**ann.proves(like), **words}


def _by_the_carriers_key(scene: Scene, ann: Prover, like: dict[str, Any]) -> dict[str, Any]:
    return Prover(scene.carrier_peer, scene.carrier).proves(like)


def _in_anothers_name(scene: Scene, ann: Prover, like: dict[str, Any]) -> dict[str, Any]:
    return ann.proves({**like, "actor": scene.peer.person("bob").uri})


def _with_two_proofs(scene: Scene, ann: Prover, like: dict[str, Any]) -> dict[str, Any]:
    signed = ann.proves(like)
    unknown = {**signed["proof"], "cryptosuite": "slhdsa128-jcs-2024", "proofValue": "uAAAA"}
    return {**signed, "proof": [unknown, signed["proof"]]}


def _with_a_longer_context(scene: Scene, ann: Prover, like: dict[str, Any]) -> dict[str, Any]:
    """The proof covers a prefix of the context; what was added would make a Like of something else."""
    context = [AS2, "https://w3id.org/security/data-integrity/v2"]
    changed: dict[str, Any] = {"@context": context}
    signed = ann.proves({**like, **changed}, **changed)
    return {**signed, "@context": [*context, {"Like": "as:Delete", "object": "as:target", "bait": "as:object"}]}


def _ld_signed(scene: Scene, ann: Prover, like: dict[str, Any]) -> dict[str, Any]:
    return sign_linked_data(scene.ann, like)


def _ld_signed_with(**words: Any) -> Change:
    return lambda scene, ann, like: {**sign_linked_data(scene.ann, like), **words}


def _ld_signed_under_other_names(scene: Scene, ann: Prover, like: dict[str, Any]) -> dict[str, Any]:
    """Plain reading sees the carrier's own words; the statements are those that ann signed."""
    signed = sign_linked_data(scene.ann, like)
    words = {"Like": None, "Delete": "as:Like"}
    return {**signed, "@context": [AS2, words], "type": "Delete"}


_LIKED: list[tuple[str, Change, int, int]] = [
    ("a proof of hers", _as_it_is, 202, 1),
    ("a proof of eleven hours ago", _of_another_time(11), 202, 1),
    ("a proof of yesterday", _of_another_time(24), 401, 0),
    ("a proof of tomorrow", _of_another_time(-24), 401, 0),
    ("a proof that has ended", _with_proof(expires="2024-01-01T00:00:00Z"), 401, 0),
    ("a proof for signing in", _with_proof(proofPurpose="authentication"), 401, 0),
    ("a proof of another kind", _with_proof(cryptosuite="ecdsa-jcs-2019"), 401, 0),
    ("a proof of something else", _changed(object="https://example.org/1"), 401, 0),
    ("a proof and a word more", _changed(content="!"), 401, 0),
    ("the carrier's proof", _by_the_carriers_key, 401, 0),
    ("her proof in another's name", _in_anothers_name, 401, 0),
    ("one proof that cannot be read and one that can", _with_two_proofs, 202, 1),
    ("a context that is longer than the signed one", _with_a_longer_context, 202, 1),
    ("a linked-data signature of hers", _ld_signed, 202, 1),
    ("one with a word that states nothing", _ld_signed_with(unheardOf="x"), 202, 1),
    ("one of something else", _ld_signed_with(object="https://example.org/1"), 401, 0),
    ("one with @graph", _ld_signed_with(**{"@graph": []}), 400, 0),
    ("one with @included", _ld_signed_with(**{"@included": []}), 400, 0),
    ("one with @reverse", _ld_signed_with(**{"@reverse": {}}), 400, 0),
    ("one under other names", _ld_signed_under_other_names, 202, 1),
    ("nothing of hers", lambda scene, ann, like: like, 401, 0),
]


async def test_a_like_that_somebody_else_brings_counts_by_its_actors_own_signature_alone(scene: Scene) -> None:
    found = {}
    for number, (name, change, _, _) in enumerate(_LIKED):
        scene.ann = scene.peer.person(f"ann{number}")
        ann, before = Prover(scene.peer, scene.ann), await scene.count(_LIKES)
        like = scene.peer.activity(scene.ann, "Like", scene.post)
        status = await scene.bring(change(scene, ann, like))
        await scene.settle()
        found[name] = (status, await scene.count(_LIKES) - before)
    assert found == {name: (status, likes) for name, _, status, likes in _LIKED}
    # Their own requests count in any case, whatever has been tried before.
    for number in range(len(_LIKED)):
        own = scene.peer.activity(scene.peer.person(f"ann{number}"), "Like", scene.post)
        assert await scene.peer.deliver(scene.peer.person(f"ann{number}"), scene.inbox, own) == 202
    assert await scene.count(_LIKES) == len(_LIKED)


_LISTED: list[tuple[str, dict[str, str], int]] = [
    ("assertionMethod", {}, 202),
    ("assertionMethod", {"expires": "2999-01-01T00:00:00Z"}, 202),
    ("assertionMethod", {"expires": "2024-01-01T00:00:00Z"}, 401),
    ("assertionMethod", {"controller": "https://evil.example/eve"}, 401),
    ("authentication", {}, 401),
    ("verificationMethod", {}, 401),
    ("publicKey", {}, 401),
]


async def test_only_a_key_that_the_actor_lists_for_it_signs_documents(scene: Scene) -> None:
    """spec: fep-521a#key-purposes"""
    statuses = []
    for number, (listed, more, _) in enumerate(_LISTED):
        person = scene.peer.person(f"ann{number}")
        ann = Prover(scene.peer, person, listed=listed, **more)
        statuses.append(await scene.bring(ann.proves(scene.peer.activity(person, "Like", scene.post))))
    assert statuses == [status for _, _, status in _LISTED]


async def test_the_same_activity_has_one_effect_whoever_brings_it_and_however_often(scene: Scene) -> None:
    ann = Prover(scene.peer, scene.ann)
    like = ann.proves(scene.peer.activity(scene.ann, "Like", scene.post))
    undo = ann.proves(scene.peer.activity(scene.ann, "Undo", {k: v for k, v in like.items() if k != "proof"}))
    assert await scene.peer.deliver(scene.ann, scene.inbox, like) == 202
    assert await scene.peer.deliver(scene.ann, scene.inbox, undo) == 202
    assert await scene.count(_LIKES) == 0
    # The proof is still good, and the requests are new; but this Like was there already.
    other = scene.carrier_peer.person("other")
    assert [await scene.bring(like), await scene.carrier_peer.deliver(other, scene.inbox, like)] == [202, 202]
    assert await scene.count(_LIKES) == 0


async def test_two_that_bring_the_same_at_the_same_time_have_one_effect(scene: Scene) -> None:
    ann = Prover(scene.peer, scene.ann)
    note = scene.note("<p>I have</p>")
    create = ann.proves(scene.peer.create(scene.ann, note))
    assert await asyncio.gather(*(scene.bring(create) for _ in range(5))) == [202] * 5
    await scene.settle()
    assert list((await scene.contents()).values()).count("<p>I have</p>") == 1


async def test_an_answer_with_a_proof_is_believed_while_its_own_server_is_down(scene: Scene) -> None:
    ann = Prover(scene.peer, scene.ann)
    assert isinstance(await scene.home.node.gatherer.actor(scene.ann.uri), int)
    note = scene.note("<p>I have</p>")
    create = ann.proves(scene.peer.create(scene.ann, note))
    scene.peer.fail_with = dict.fromkeys(("/users/ann", note["id"].removeprefix(scene.peer.base_url)), 503)
    asked = len(scene.peer.fetched)
    assert await scene.bring(create) == 202
    assert (await scene.contents())[note["id"]] == "<p>I have</p>"
    assert scene.peer.fetched[asked:] == []


async def test_an_answer_with_a_proof_waits_for_a_key_that_cannot_be_had_now(scene: Scene) -> None:
    ann = Prover(scene.peer, scene.ann)
    note = scene.note("<p>I have</p>")
    scene.peer.fail_with["/users/ann"] = 503
    assert await scene.bring(ann.proves(scene.peer.create(scene.ann, note))) == 202
    assert await scene.count(_STAGED) == 1
    assert note["id"] not in await scene.contents()


async def test_an_answer_without_a_proof_is_read_at_its_own_server_and_not_believed(scene: Scene) -> None:
    note = scene.note("<p>I have</p>")
    forged = {**scene.peer.create(scene.ann, note), "object": {**note, "content": "<p>Alice lies</p>"}}
    assert await scene.bring(forged) == 202
    await scene.settle()
    assert (await scene.contents())[note["id"]] == "<p>I have</p>"


async def test_an_answer_that_its_own_server_does_not_know_does_not_exist(scene: Scene) -> None:
    note = scene.note("<p>I have</p>")
    create = scene.peer.create(scene.ann, note)
    del scene.peer.documents[note["id"]]
    assert await scene.bring(create) == 202
    await scene.settle()
    assert note["id"] not in await scene.contents()


async def test_a_changed_answer_without_a_proof_is_read_at_its_own_server(scene: Scene) -> None:
    note = await scene.kept("<p>I have</p>")
    later = {**note, "content": "<p>I have not</p>", "updated": "2999-01-01T00:00:00Z"}
    scene.peer.documents[note["id"]] = {"@context": AS2, **note, "content": "<p>Perhaps</p>"}
    assert await scene.bring(scene.peer.activity(scene.ann, "Update", later)) == 202
    await scene.settle()
    assert (await scene.contents())[note["id"]] == "<p>Perhaps</p>"


_GONE: list[tuple[str, dict[str, Any], int | None, bool]] = [
    ("everybody could see it, 404", {}, 404, True),
    ("everybody could see it, 410", {}, 410, True),
    ("everybody could see it, and it is still there", {}, None, False),
    ("everybody could see it, and its server is down", {}, 503, False),
    ("it was for few, 410", {"cc": []}, 410, True),
    ("it was for few, 404: perhaps we may not see it", {"cc": []}, 404, False),
]


@pytest.mark.parametrize(("more", "answer", "goes"), [case[1:] for case in _GONE], ids=[case[0] for case in _GONE])
async def test_a_delete_without_a_proof_counts_if_its_own_server_says_the_same(
    scene: Scene, more: dict[str, Any], answer: int | None, goes: bool
) -> None:
    to = [PUBLIC] if not more else [f"{scene.home.base_url}/users/alice"]
    note = await scene.kept("<p>I have</p>", to=to, **more)
    if answer is not None:
        scene.peer.fail_with[note["id"].removeprefix(scene.peer.base_url)] = answer
    asked = len(scene.peer.fetched)
    assert await scene.bring(scene.peer.activity(scene.ann, "Delete", note["id"])) == 202
    await eventually(lambda: _is_asked(scene, asked))
    if answer != 503:
        await scene.settle()
    assert (note["id"] not in await scene.contents()) is goes


async def _is_asked(scene: Scene, asked: int) -> bool:
    return len(scene.peer.fetched) > asked


async def test_a_tombstone_at_the_origin_is_enough(scene: Scene) -> None:
    note = await scene.kept("<p>I have</p>")
    scene.peer.documents[note["id"]] = {"@context": AS2, "id": note["id"], "type": "Tombstone"}
    assert await scene.bring(scene.peer.activity(scene.ann, "Delete", note["id"])) == 202
    await scene.settle()
    assert note["id"] not in await scene.contents()


async def test_a_delete_with_a_proof_counts_while_its_own_server_is_down(scene: Scene) -> None:
    ann = Prover(scene.peer, scene.ann)
    note = await scene.kept("<p>I have</p>")
    scene.peer.fail_with = {"/users/ann": 503}
    assert await scene.bring(ann.proves(scene.peer.activity(scene.ann, "Delete", note["id"]))) == 202
    assert note["id"] not in await scene.contents()


async def test_without_a_proof_nothing_else_that_is_passed_on_makes_us_ask_anybody(scene: Scene) -> None:
    await scene.kept("<p>I have</p>")
    asked = len(scene.peer.fetched), len(scene.carrier_peer.fetched)
    for kind in ("Like", "Announce", "Follow", "Undo", "Block", "Flag", "Move", "Accept", "Add", "Unheard"):
        assert await scene.bring(scene.peer.activity(scene.ann, kind, scene.post)) == 401, kind
    stranger = scene.peer.person("stranger")
    far = scene.peer.create(stranger, scene.peer.note(stranger, "<p>Concerns nobody here</p>"))
    elsewhere = scene.peer.create(scene.ann, {**scene.note("x"), "id": f"{scene.carrier_peer.base_url}/notes/1"})
    unknown = scene.peer.activity(scene.ann, "Delete", f"{scene.peer.base_url}/users/ann/notes/unknown")
    assert [await scene.bring(each) for each in (far, elsewhere, unknown)] == [401] * 3
    assert (len(scene.peer.fetched), len(scene.carrier_peer.fetched)) == asked


@pytest.mark.parametrize("blocked", ["the author's server", "the carrier's server"])
@pytest.mark.parametrize("proven", [True, False], ids=["with a proof", "without"])
async def test_a_server_that_is_blocked_here_speaks_through_nobody(scene: Scene, blocked: str, proven: bool) -> None:
    ann = Prover(scene.peer, scene.ann)
    note = scene.note("<p>I have</p>")
    create = scene.peer.create(scene.ann, note)
    host = scene.peer.host if blocked == "the author's server" else scene.carrier_peer.host
    scene.home.node.core.writer.domains = DomainPolicy.suspending(host)
    assert await scene.bring(ann.proves(create) if proven else create) == 403
    await scene.settle()
    assert note["id"] not in await scene.contents()
    assert scene.peer.fetched == []


async def test_what_people_here_said_is_not_learnt_from_others(scene: Scene) -> None:
    """Our own activity with our own proof, brought back to us, as a replay."""
    note = await scene.kept("<p>I have</p>")
    liked = await scene.home.node.core.database.fetch_one(
        Statement(select(t.objects.c.id).where(t.objects.c.uri == note["id"]))
    )
    assert liked is not None
    assert await scene.home.node.outbox.like(scene.alice, liked["id"]) is None
    await eventually(lambda: _arrived(scene.peer, "Like"))
    like = scene.peer.believed("Like")[0]
    assert like["proof"]["verificationMethod"] == f"{like['actor']}#ed25519-key"
    assert await scene.home.node.outbox.unlike(scene.alice, liked["id"]) is None
    assert await scene.bring(like) == 401
    assert await scene.count(_LIKES) == 0


async def _arrived(peer: FakePeer, kind: str) -> bool:
    return bool(peer.believed(kind))


async def test_an_object_inside_an_announce_is_believed_by_its_authors_proof(scene: Scene) -> None:
    """Its server need not be asked, and may be down."""
    ann = Prover(scene.peer, scene.ann)
    await _follows(scene, scene.carrier_peer, scene.carrier)
    assert isinstance(await scene.home.node.gatherer.actor(scene.ann.uri), int)
    note = scene.peer.note(scene.ann, "<p>Look</p>")
    scene.peer.fail_with[note["id"].removeprefix(scene.peer.base_url)] = 503
    announce = scene.carrier_peer.activity(scene.carrier, "Announce", ann.proves(note), to=[PUBLIC])
    assert await scene.carrier_peer.deliver(scene.carrier, scene.inbox, announce) == 202
    await scene.settle()
    assert (await scene.contents())[note["id"]] == "<p>Look</p>"


async def test_an_object_inside_an_announce_without_a_good_proof_is_read_at_its_own_server(scene: Scene) -> None:
    ann = Prover(scene.peer, scene.ann)
    await _follows(scene, scene.carrier_peer, scene.carrier)
    note = scene.peer.note(scene.ann, "<p>Look</p>")
    forged = {**ann.proves(note), "content": "<p>Look away</p>"}
    announce = scene.carrier_peer.activity(scene.carrier, "Announce", forged, to=[PUBLIC])
    assert await scene.carrier_peer.deliver(scene.carrier, scene.inbox, announce) == 202
    await scene.settle()
    assert (await scene.contents())[note["id"]] == "<p>Look</p>"


async def _follows(scene: Scene, peer: FakePeer, person: Person) -> None:
    actor = await scene.home.node.gatherer.actor(person.uri)
    assert not isinstance(actor, Fail)
    assert await scene.home.node.outbox.follow(scene.alice, actor) is None  # type: ignore[arg-type]
    await eventually(lambda: _is_accepted(scene))


async def _is_accepted(scene: Scene) -> bool:
    return await scene.count(_READERS) == 1
