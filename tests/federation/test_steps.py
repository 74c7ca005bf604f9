"""What became of a message, verdict by verdict: the steps that a node tells whoever watches it, over real sockets."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import BigInteger, Text, bindparam, update

from fediverse_node.base.outcome import Fail, TemporaryFail
from fediverse_node.base.trace import watched_by
from fediverse_node.domain.domains import DomainPolicy
from fediverse_node.domain.model import Visibility
from fediverse_node.inbox.answer import Received
from fediverse_node.outbox.draft import Draft
from fediverse_node.signatures.keys import PrivateKey
from fediverse_node.storage import tables as t
from fediverse_node.storage.queries.inbox import STAGED_PER_HOST
from fediverse_node.storage.statement import Statement
from fediverse_node.storage.unit import Insert, Run
from tests.fake_peer import FakePeer, Person, Scheme, Signed, fake_peer
from tests.inprocess import Running, running_node

_JSON = "application/activity+json"
_LONG_AGO = "Mon, 01 Jan 2024 00:00:00 GMT"
_FAR_AHEAD = "Mon, 01 Jan 2035 00:00:00 GMT"
_SUSPEND = Statement(
    update(t.actors)
    .where(t.actors.c.uri == bindparam("actor_uri", type_=Text()))
    .values(suspended_ms=bindparam("now_ms", type_=BigInteger()))
)


@dataclass
class Told:
    """A watcher that keeps what it hears."""

    steps: list[tuple[str, Fail | TemporaryFail | None, dict[str, Any]]] = field(default_factory=list)

    def __call__(self, step: str, outcome: Fail | TemporaryFail | None, detail: dict[str, object]) -> None:
        self.steps.append((step, outcome, detail))

    def names(self) -> list[str]:
        return [step for step, _, _ in self.steps]

    def detail(self, name: str) -> dict[str, Any]:
        """Of the last step of this name."""
        return [detail for step, _, detail in self.steps if step == name][-1]

    def outcome(self, name: str) -> Fail | TemporaryFail | None:
        """Of the last step of this name."""
        return [outcome for step, outcome, _ in self.steps if step == name][-1]

    def faults(self) -> list[tuple[str, str]]:
        """The steps that were not passed, with their sentences."""
        return [(step, str(outcome)) for step, outcome, _ in self.steps if outcome is not None]


@dataclass
class Scene:
    """A watched node with alice, who has said something, and a peer with bob, whom she knows."""

    home: Running
    peer: FakePeer
    told: Told
    alice: int
    bob: Person
    post: str

    @property
    def inbox(self) -> str:
        return f"{self.home.base_url}/inbox"

    def like(self, person: Person | None = None, **signing: Any) -> Signed:
        person = person or self.bob
        return self.peer.sign(person, self.inbox, self.peer.activity(person, "Like", self.post), **signing)

    async def until(self, step: str) -> None:
        """Wait until a step was told."""
        async with asyncio.timeout(10):
            while step not in self.told.names():
                await asyncio.sleep(0.02)


@pytest.fixture
async def scene(tmp_path: Path, peer: FakePeer) -> AsyncIterator[Scene]:
    told = Told()
    with watched_by(told):
        running = running_node(tmp_path)
        home = await running.__aenter__()
    try:
        alice = await home.add_person("alice")
        said = await home.node.outbox.post(alice, Draft("Hello"))
        bob = peer.person("bob")
        scene = Scene(home, peer, told, alice, bob, f"{home.base_url}/users/alice/statuses/{said}")
        assert await peer.deliver(bob, scene.inbox, peer.activity(bob, "Like", f"{scene.post}/none")) == 202
        told.steps.clear()
        yield scene
    finally:
        await running.__aexit__(None, None, None)


_READ = ["inbox.media_type", "inbox.body", "understand.json", "understand.context", "understand.activity"]
_CHECKED = [
    "signature.claims",
    "signature.cover",
    "signature.time",
    "signature.host",
    "signature.digest",
    "signature.key_id",
    "policy.host",
]
_PROVEN = ["signature.base", "signature.good", "signature.owner", "policy.actor"]
_DECIDED = [
    "inbox.first_time",
    "rule.found",
    "gather.missing",
    "rule.decided",
    "effects",
    "storage.committed",
    "inbox.answered",
]
_FETCHED = ["fetch.target", "sign.form", "sign.base", "fetch.answer", "fetch.document", "fetch.key"]


@pytest.mark.parametrize("scheme", ["cavage", "rfc9421"])
async def test_a_good_like_tells_these_steps_in_this_order(scene: Scene, scheme: Scheme) -> None:
    assert await scene.peer.send(scene.like(scheme=scheme)) == 202
    assert scene.told.names() == [*_READ, *_CHECKED, "signature.key", *_PROVEN, *_DECIDED]
    assert scene.told.faults() == []
    assert scene.told.detail("effects")["effects"] == [
        f"counts one like more for {scene.post}",
        f"notifies @alice@{scene.home.base_url.removeprefix('http://')}: like by @bob@{scene.peer.host}"
        f" about {scene.post}",
    ]
    [claim] = scene.told.detail("signature.claims")["claims"]
    assert (claim["scheme"], claim["key_id"]) == (scheme, scene.bob.key_id)
    assert scene.told.detail("signature.key")["found"] == "known"
    answered = scene.told.detail("inbox.answered")
    assert (answered["status"], answered["reason"]) == (202, "ACCEPTED")


async def test_the_text_that_was_signed_is_told(scene: Scene) -> None:
    like = scene.like()
    await scene.peer.send(like)
    assert scene.told.detail("signature.base")["base"] == (
        f"(request-target): post /inbox\nhost: {scene.home.base_url.removeprefix('http://')}\n"
        f"date: {like.headers['date']}\ndigest: {like.headers['digest']}\ncontent-type: {_JSON}"
    )


async def test_what_is_asked_of_the_host_of_somebody_new_is_told_where_it_happens(scene: Scene) -> None:
    carol = scene.peer.person("carol")
    assert await scene.peer.send(scene.like(carol)) == 202
    between = [*_FETCHED, "gather.actor_stored", "signature.key"]
    assert scene.told.names() == [*_READ, *_CHECKED, *between, *_PROVEN, *_DECIDED]
    assert scene.told.detail("fetch.answer") == {"url": carol.uri, "status": 200}
    assert scene.told.detail("sign.form") == {"url": carol.uri, "form": "cavage", "knock": 1}
    assert scene.told.detail("signature.key")["found"] == "fetched"


async def test_a_personal_inbox_has_an_owner(scene: Scene) -> None:
    url = f"{scene.home.base_url}/users/alice/inbox"
    assert await scene.peer.deliver(scene.bob, url, scene.peer.activity(scene.bob, "Like", scene.post)) == 202
    assert scene.told.names()[0] == "inbox.owner"
    assert scene.told.detail("inbox.media_type") == {"path": "/users/alice/inbox"}


def _changed(signed: Signed, **headers: str) -> Signed:
    return Signed(signed.url, signed.headers | headers, signed.body)


def _without(signed: Signed, *names: str) -> Signed:
    return Signed(signed.url, {k: v for k, v in signed.headers.items() if k.lower() not in names}, signed.body)


def _resigned(signed: Signed, old: str, new: str) -> Signed:
    assert old in signed.headers["signature"]
    return _changed(signed, signature=signed.headers["signature"].replace(old, new))


def _unsigned(scene: Scene, body: Any, **headers: str) -> Signed:
    return Signed(scene.inbox, {"content-type": _JSON, **headers}, body)


def _to_another_server(scene: Scene) -> Signed:
    elsewhere = scene.peer.sign(scene.bob, "http://elsewhere.example/inbox", scene.peer.activity(scene.bob, "Like", ""))
    return replace(elsewhere, url=scene.inbox)


def _of_nobody(scene: Scene) -> Signed:
    """Somebody whose host does not know them."""
    uri = f"{scene.peer.base_url}/users/nobody"
    return scene.like(Person(uri, "nobody", scene.bob.key))


def _by_another(scene: Scene) -> Signed:
    activity = scene.peer.activity(scene.bob, "Like", scene.post)
    return scene.peer.sign(scene.peer.person("mallory"), scene.inbox, activity)


def _impostor(scene: Scene) -> Signed:
    return scene.like(Person(scene.bob.uri, "bob", PrivateKey.generate_ed25519()))


def _other_body(scene: Scene) -> Signed:
    like = scene.like()
    return replace(like, body=like.body.replace(b"Like", b"Dislike"))


def _strange(scene: Scene) -> bytes:
    context = {"kind": "@type", "who": "https://www.w3.org/ns/activitystreams#actor"}
    return orjson.dumps({"@context": context, "kind": "Like", "who": scene.bob.uri})


_ALL = 'headers="(request-target) host date digest content-type"'
_NOT_JSON = "the body is not a JSON object"
_COVER = "The signature does not cover everything it has to cover."
# What is sent, where it ends and with which sentence, and the status answered.
_REFUSALS: list[tuple[str, Callable[[Scene], Signed], str, str, int]] = [
    (
        "somebody who does not live here",
        lambda s: replace(s.like(), url=f"{s.home.base_url}/users/nobody/inbox"),
        "inbox.owner",
        "nobody of this name lives here",
        404,
    ),
    (
        "a form",
        lambda s: _unsigned(s, b"{}", **{"content-type": "application/x-www-form-urlencoded"}),
        "inbox.media_type",
        "the body is not declared as JSON",
        415,
    ),
    (
        "compressed",
        lambda s: _unsigned(s, b"{}", **{"content-encoding": "br"}),
        "inbox.media_type",
        "the body is compressed, and its digest would be of something else",
        415,
    ),
    (
        "too large",
        lambda s: _unsigned(s, io.BytesIO(b'"' + b"a" * 1_100_000 + b'"')),
        "inbox.body",
        "the body is larger than an inbox takes",
        413,
    ),
    (
        "no JSON",
        lambda s: _unsigned(s, b"[]"),
        "understand.json",
        _NOT_JSON,
        400,
    ),
    (
        "a graph",
        lambda s: _unsigned(s, b'{"type":"Like","actor":"http://x/","@graph":[]}'),
        "understand.context",
        "the document uses a JSON-LD keyword that can move statements elsewhere (@graph)",
        400,
    ),
    (
        "a strange context without a signature",
        lambda s: _unsigned(s, _strange(s)),
        "understand.permit",
        "The request carries no signature.",
        401,
    ),
    (
        "nobody acts",
        lambda s: _unsigned(s, b'{"type":"Like"}'),
        "understand.activity",
        "the activity does not say whose it is: `actor` is missing",
        400,
    ),
    (
        "no signature",
        lambda s: _without(s.like(), "signature"),
        "signature.claims",
        "The request carries no signature.",
        401,
    ),
    (
        "the signature cannot be read",
        lambda s: _changed(s.like(), signature='keyId="'),
        "signature.claims",
        "The signature cannot be read.",
        401,
    ),
    (
        "the host is not signed",
        lambda s: _resigned(s.like(), _ALL, 'headers="(request-target) date digest"'),
        "signature.cover",
        f"{_COVER} (host not signed)",
        401,
    ),
    (
        "no time is signed",
        lambda s: _resigned(s.like(), _ALL, 'headers="(request-target) host digest"'),
        "signature.cover",
        f"{_COVER} (neither date nor created is signed)",
        401,
    ),
    (
        "a signed header is not there",
        lambda s: _without(s.like(), "digest"),
        "signature.cover",
        f"{_COVER} (digest is not in the request)",
        401,
    ),
    (
        "the date is no date",
        lambda s: _changed(s.like(), date="yesterday"),
        "signature.time",
        "The signature cannot be read. (the Date header is not a date)",
        401,
    ),
    (
        "old",
        lambda s: _changed(s.like(), date=_LONG_AGO),
        "signature.time",
        "The signature is too old.",
        401,
    ),
    (
        "of the future",
        lambda s: _changed(s.like(), date=_FAR_AHEAD),
        "signature.time",
        "The signature is dated in the future.",
        401,
    ),
    (
        "for another server",
        _to_another_server,
        "signature.host",
        "The signature was made for another server. (elsewhere.example)",
        401,
    ),
    (
        "the digest is not signed",
        lambda s: _resigned(s.like(), _ALL, 'headers="(request-target) host date"'),
        "signature.digest",
        "The body is not covered by a signed digest. (no SHA-256 or SHA-512 digest is signed)",
        401,
    ),
    (
        "the digest cannot be read",
        lambda s: _changed(s.like(), digest="SHA-256=!"),
        "signature.digest",
        "The signature cannot be read. (digest is not base64)",
        401,
    ),
    (
        "another body than was signed",
        _other_body,
        "signature.digest",
        "The body is not the one that was signed. (sha-256 in digest)",
        401,
    ),
    (
        "the key is nowhere",
        lambda s: _resigned(s.like(), s.bob.key_id, "bob"),
        "signature.key_id",
        "The signature cannot be read. (the key id is no address)",
        401,
    ),
    (
        "a key of another server",
        lambda s: _resigned(s.like(), s.bob.key_id, "http://127.0.0.1:1/key"),
        "signature.key_id",
        "the key belongs to somebody else than the actor of the activity",
        401,
    ),
    (
        "a key that its host does not know",
        _of_nobody,
        "signature.key",
        "the origin does not know it (status 404)",
        401,
    ),
    (
        "a key that its owner does not list",
        lambda s: _resigned(s.like(), s.bob.key_id, f"{s.bob.uri}#other-key"),
        "signature.key",
        "the owner of the key does not list this key",
        401,
    ),
    (
        "the key of somebody else",
        _impostor,
        "signature.good",
        "The signature is wrong.",
        401,
    ),
    (
        "in the name of somebody else",
        _by_another,
        "signature.owner",
        "the key belongs to somebody else than the actor of the activity",
        401,
    ),
]


@pytest.mark.parametrize(
    ("make", "step", "sentence", "status"), [case[1:] for case in _REFUSALS], ids=[case[0] for case in _REFUSALS]
)
async def test_a_refused_request_ends_at_the_step_it_did_not_pass(
    scene: Scene, make: Callable[[Scene], Signed], step: str, sentence: str, status: int
) -> None:
    assert await scene.peer.send(make(scene)) == status
    names = scene.told.names()
    assert names[-2:] == [step, "inbox.answered"]
    # Why, and nothing else; the details of some sentences are measured.
    assert str(scene.told.outcome(step)).startswith(sentence)
    assert not scene.told.detail("inbox.answered")["status"] < 300
    assert str(scene.told.outcome("inbox.answered")).startswith(sentence.partition(" (")[0])
    order = [*_READ, *_CHECKED, "signature.key", *_PROVEN]
    passed = dict.fromkeys(name for name, outcome, _ in scene.told.steps if outcome is None and name in order)
    if step in order:
        assert list(passed) == order[: order.index(step)], "what was passed before, in the order of the checks"
    assert scene.told.faults()[-2][0] == step


async def _nothing(scene: Scene) -> None:
    return None


async def _suspended(scene: Scene) -> None:
    # Said by somebody of whom nothing is in memory yet.
    carol = scene.peer.person("carol")
    await scene.home.node.gatherer.actor(carol.uri)
    row = {"actor_uri": carol.uri, "now_ms": 1}
    await scene.home.node.core.writer.run(lambda: (yield Run(_SUSPEND, [row])))


async def _host_blocked(scene: Scene) -> None:
    scene.home.node.core.writer.domains = DomainPolicy.suspending(scene.peer.host)


async def _too_much_waits(scene: Scene) -> None:
    later = scene.home.node.core.world.clock.now_ms() + 3_600_000
    common = {"method": "POST", "url": scene.inbox, "headers": "[]", "body": b"{}", "verified_key_id": None}
    rows = [{"id": n + 1, "host": scene.peer.host, "due_ms": later, **common} for n in range(STAGED_PER_HOST)]
    await scene.home.node.core.writer.run(lambda: (yield Insert(t.inbox_staging, rows)))
    scene.peer.fail_with["/users/carol"] = 503


async def _sent_before(scene: Scene) -> None:
    scene.told.again = scene.like()  # type: ignore[attr-defined]
    assert await scene.peer.send(scene.told.again) == 202  # type: ignore[attr-defined]


def _activity(scene: Scene, kind: str, what: object, **more: object) -> Signed:
    return scene.peer.sign(scene.bob, scene.inbox, scene.peer.activity(scene.bob, kind, what, **more))


_CIRCUMSTANCES: list[tuple[str, Callable[[Scene], Awaitable[None]], Callable[[Scene], Signed], str, str, int, str]] = [
    (
        "a suspended actor",
        _suspended,
        lambda s: s.like(s.peer.person("carol")),
        "policy.actor",
        "the actor or its host is suspended here",
        403,
        "SUSPENDED",
    ),
    (
        "a blocked host",
        _host_blocked,
        lambda s: s.like(),
        "policy.host",
        "the actor or its host is suspended here",
        403,
        "SUSPENDED",
    ),
    (
        "too much of its host waits",
        _too_much_waits,
        lambda s: s.like(s.peer.person("carol")),
        "inbox.staged",
        "too much of this host waits for the network already",
        503,
        "STAGED_TOO_MUCH",
    ),
    (
        "the same request again",
        _sent_before,
        lambda s: s.told.again,  # type: ignore[attr-defined]
        "inbox.first_time",
        "this very request was received before",
        202,
        "DUPLICATE",
    ),
    (
        "an unknown kind of activity",
        _nothing,
        lambda s: _activity(s, "ChessMove", "http://x.example/e4"),
        "rule.found",
        "this kind of activity has no meaning here (ChessMove)",
        202,
        "UNKNOWN_TYPE",
    ),
    (
        "a stranger is gone",
        _nothing,
        lambda s: s.peer.sign(
            s.peer.person("dora"),
            s.inbox,
            s.peer.activity(s.peer.person("dora"), "Delete", s.peer.person("dora").uri),
        ),
        "inbox.known_actor",
        "the activity had no effect here",
        202,
        "IGNORED",
    ),
    (
        "a like of something unknown",
        _nothing,
        lambda s: _activity(s, "Like", f"{s.post}/unknown"),
        "rule.decided",
        "the object is not known here",
        202,
        "UNKNOWN_OBJECT",
    ),
    (
        "a second like of the same thing",
        _sent_before,
        lambda s: s.like(),
        "rule.decided",
        "this was done before",
        202,
        "ALREADY_DONE",
    ),
]


@pytest.mark.parametrize(
    ("before", "make", "step", "sentence", "status", "reason"),
    [case[1:] for case in _CIRCUMSTANCES],
    ids=[case[0] for case in _CIRCUMSTANCES],
)
async def test_what_has_no_effect_here_says_where_and_why(
    scene: Scene,
    before: Callable[[Scene], Awaitable[None]],
    make: Callable[[Scene], Signed],
    step: str,
    sentence: str,
    status: int,
    reason: str,
) -> None:
    await before(scene)
    scene.told.steps.clear()
    assert await scene.peer.send(make(scene)) == status
    faults = [fault for fault in scene.told.faults() if fault[0] != "inbox.answered"]
    assert faults[-1][0] == step
    assert faults[-1][1].startswith(sentence)
    answered = scene.told.detail("inbox.answered")
    assert (answered["status"], answered["reason"]) == (status, reason)
    assert scene.told.names()[-1] == "inbox.answered"
    assert "effects" not in scene.told.names()


async def test_a_key_that_does_not_fit_is_asked_for_once_more_and_this_is_told(scene: Scene) -> None:
    impostor = Person(scene.bob.uri, "bob", PrivateKey.generate_rsa())
    assert await scene.peer.send(scene.like(impostor)) == 401
    names = scene.told.names()
    assert names[names.index("signature.key") :] == [
        "signature.key",
        "signature.base",
        "signature.good",
        *_FETCHED,
        "gather.actor_stored",
        "signature.key_again",
        "signature.base",
        "signature.good",
        "inbox.answered",
    ]
    assert scene.told.detail("signature.key_again")["changed"] is False
    scene.told.steps.clear()
    assert await scene.peer.send(scene.like(impostor)) == 401
    assert scene.told.faults()[-2] == (
        "signature.key_again",
        "the key was asked for anew a few minutes ago, and is not asked for again so soon",
    )
    assert "fetch.target" not in scene.told.names()


async def test_a_strange_context_is_told_with_its_reason(scene: Scene) -> None:
    signed = scene.peer.sign(scene.bob, scene.inbox, orjson.loads(_strange(scene)))
    assert await scene.peer.send(signed) in (202, 400)
    context = scene.told.detail("understand.context")
    assert context["read"] == "as JSON-LD"
    assert context["because"]
    names = scene.told.names()
    assert names.index("signature.good") < names.index("understand.permit") < names.index("understand.jsonld")
    assert names.index("understand.jsonld") < names.index("understand.activity")


async def test_what_waits_for_a_key_is_told_with_its_activity_until_it_is_done(scene: Scene) -> None:
    carol = scene.peer.person("carol")
    like = scene.like(carol)
    activity = orjson.loads(like.body)["id"]
    scene.peer.fail_with["/users/carol"] = 503
    assert await scene.peer.send(like) == 202
    answered = scene.told.names().index("inbox.answered")
    assert scene.told.names()[answered - 2 : answered] == ["signature.key", "inbox.staged"]
    assert scene.told.detail("inbox.staged")["because"] == "the origin has an error of its own (status 503)"
    await scene.until("staging.postponed")
    assert str(scene.told.outcome("staging.postponed")) == "the origin has an error of its own (status 503)"
    now_ms = scene.home.node.core.world.clock.now_ms()
    assert 0 < scene.told.detail("staging.postponed")["next_ms"] - now_ms <= 10_000
    scene.peer.fail_with.clear()
    scene.told.steps.clear()
    await scene.home.node.core.writer.run(_make_due)
    scene.home.node.staging.requests.wake()
    await scene.until("staging.ended")
    assert scene.told.names() == [
        "staging.taken",
        *(f"staging.{step}" for step in _READ[2:]),
        *(f"staging.{step}" for step in _CHECKED),
        *(f"staging.{step}" for step in (*_FETCHED, "gather.actor_stored", "signature.key")),
        *(f"staging.{step}" for step in _PROVEN),
        *(f"staging.{step}" for step in _DECIDED[:-1]),
        "staging.ended",
    ]
    assert scene.told.faults() == []
    assert {detail["activity"] for _, _, detail in scene.told.steps} == {activity}
    assert scene.told.detail("staging.taken")["attempt"] == 2
    assert scene.told.detail("staging.effects")["effects"][0] == f"counts one like more for {scene.post}"


def _make_due() -> Any:
    yield Run(Statement(update(t.inbox_staging).values(due_ms=0)), [{}])


async def _alice_follows_bob(scene: Scene) -> None:
    bob = await scene.home.node.gatherer.actor(scene.bob.uri)
    assert isinstance(bob, int)
    assert await scene.home.node.outbox.follow(scene.alice, bob) is None
    async with asyncio.timeout(10):
        while not any(line.startswith("@alice@") for line in _effects(scene.told)):
            await asyncio.sleep(0.02)


def _effects(told: Told) -> list[str]:
    return [line for step, _, detail in told.steps if step.endswith("effects") for line in detail["effects"]]


async def test_what_has_to_be_fetched_first_is_named_and_fetched(scene: Scene) -> None:
    await _alice_follows_bob(scene)
    carol = scene.peer.person("carol")
    note = scene.peer.note(carol, "<p>worth reading</p>")
    scene.told.steps.clear()
    public = ["https://www.w3.org/ns/activitystreams#Public"]
    assert await scene.peer.send(_activity(scene, "Announce", note["id"], to=public)) == 202
    await scene.until("staging.ended")
    assert str(scene.told.outcome("gather.missing")) == (
        f"kept until the network has answered what is missing ({note['id']})"
    )
    names = scene.told.names()
    assert names.index("gather.missing") < names.index("inbox.staged") < names.index("inbox.answered")
    assert scene.told.outcome("staging.gather.completed") is None
    assert scene.told.detail("staging.fetch.object")["id"] == note["id"]
    told = _effects(scene.told)
    assert f"kept the post {note['id']}" in told
    assert any(line.startswith("kept the Announce") and line.endswith(note["id"]) for line in told)


async def test_what_a_thread_lacks_is_told_with_what_is_wanted(scene: Scene) -> None:
    carol = scene.peer.person("carol")
    root = scene.peer.note(carol, "<p>root</p>")
    me = f"{scene.home.base_url}/users/alice"
    mention = {"type": "Mention", "href": me, "name": "@alice"}
    await scene.peer.post_note(scene.bob, scene.inbox, "<p>hi</p>", inReplyTo=root["id"], tag=[mention], cc=[me])
    assert f"will fetch the object {root['id']} when there is time" in _effects(scene.told)
    await scene.until("later.ended")
    later = [(step, detail) for step, _, detail in scene.told.steps if step.startswith("later.")]
    assert [later[0][0], later[-1][0]] == ["later.taken", "later.ended"]
    assert {detail["wanted"] for _, detail in later} == {root["id"]}
    assert scene.told.detail("later.effects")["effects"][0] == f"kept the post {root['id']}"
    assert scene.told.detail("later.effects")["fetched"] == root["id"]


_OUTCOMES = [
    (202, "DELIVERED", None, ""),
    (401, "LATER", TemporaryFail, "it is tried again later (status 401)"),
    (429, "LATER", TemporaryFail, "it is tried again later (status 429)"),
    (410, "REFUSED", Fail, "the other server does not take it (status 410)"),
    (
        503,
        "HOST_DOWN",
        TemporaryFail,
        "the host does not answer; it is tried again later, with all that waits for it (status 503)",
    ),
]


@pytest.mark.parametrize(("status", "verdict", "kind", "sentence"), _OUTCOMES, ids=[str(o[0]) for o in _OUTCOMES])
async def test_a_delivery_tells_how_it_ended_and_when_it_goes_on(
    scene: Scene, status: int, verdict: str, kind: type | None, sentence: str
) -> None:
    if status != 202:
        scene.peer.fail_with["/users/bob/inbox"] = status
    draft = Draft(f"@bob@{scene.peer.host} between us", visibility=Visibility.DIRECT)
    said = await scene.home.node.outbox.post(scene.alice, draft)
    activity = f"{scene.home.base_url}/users/alice/statuses/{said}/activity"
    await scene.until("delivery.outcome")
    detail, outcome = scene.told.detail("delivery.outcome"), scene.told.outcome("delivery.outcome")
    assert str(outcome or "") == sentence
    assert kind is None or isinstance(outcome, kind)
    assert (detail["verdict"], detail["attempt"], detail["type"]) == (verdict, 1, "Create")
    assert (detail["activity"], detail["inbox"]) == (activity, scene.bob.inbox)
    assert detail["delivery"] == scene.told.detail("delivery.attempt")["delivery"]
    assert (detail["next_ms"] is not None) == (kind is TemporaryFail)
    names = [name for name in scene.told.names() if name.partition(".")[0] in ("delivery", "post", "sign")]
    knock = ["post.target", "sign.form", "sign.base", "post.answer"]
    again = ["sign.second_knock", *knock] if status == 401 else []
    down = ["delivery.host_down"] if verdict == "HOST_DOWN" else []
    assert names == ["delivery.attempt", *knock, *again, "delivery.outcome", *down]
    forms = [(d["form"], d["knock"]) for step, _, d in scene.told.steps if step == "sign.form"]
    assert forms == [("cavage", 1), ("rfc9421", 2)][: 2 if again else 1]
    assert scene.told.detail("post.answer") == {"url": scene.bob.inbox, "status": status}


async def test_a_host_that_is_back_is_told(scene: Scene) -> None:
    scene.peer.fail_with["/users/bob/inbox"] = 503
    await scene.home.node.outbox.post(
        scene.alice, Draft(f"@bob@{scene.peer.host} hello?", visibility=Visibility.DIRECT)
    )
    await scene.until("delivery.host_down")
    assert scene.told.detail("delivery.host_down")["host"] == scene.peer.host
    scene.peer.fail_with.clear()
    scene.told.steps.clear()
    await scene.peer.send(scene.like())
    await scene.until("delivery.host_back")
    await scene.until("delivery.outcome")
    assert scene.told.outcome("delivery.outcome") is None
    assert scene.told.detail("delivery.outcome")["attempt"] == 2


async def test_what_one_of_ours_does_tells_its_effects(scene: Scene) -> None:
    bob = await scene.home.node.gatherer.actor(scene.bob.uri)
    assert isinstance(bob, int)
    with watched_by(told := Told()):
        assert await scene.home.node.outbox.follow(scene.alice, bob) is None
    assert told.names() == ["rule.decided", "effects", "storage.committed"]
    me, you = f"@alice@{scene.home.base_url.removeprefix('http://')}", f"@bob@{scene.peer.host}"
    asked, sent = told.detail("effects")["effects"]
    assert asked == f"{me} asks to follow {you}"
    assert sent.startswith("will deliver Follow ")
    assert sent.endswith(f" to {scene.bob.inbox}")
    assert told.detail("effects")["delivers"] == [sent.split()[3]]
    with watched_by(told := Told()):
        assert await scene.home.node.outbox.follow(scene.alice, scene.alice) is not None
    assert told.faults() == [("rule.decided", "the actor may not do this (this actor cannot be followed)")]
    assert told.names() == ["rule.decided"]


@pytest.mark.parametrize(
    ("uri", "sentence"),
    [
        ("http://10.0.0.1/users/x", "the host leads to an address that is not on the public internet"),
        ("http://[fd00::1]/users/x", "the host leads to an address that is not on the public internet"),
    ],
)
async def test_what_the_guard_refuses_is_told_before_anything_is_sent(scene: Scene, uri: str, sentence: str) -> None:
    with watched_by(told := Told()):
        assert isinstance(await scene.home.node.gatherer.actor(uri), Fail)
    assert told.names() == ["fetch.target", "fetch.document"]
    assert all(outcome.startswith(sentence) for _, outcome in told.faults())


async def test_a_handle_tells_what_webfinger_said(scene: Scene) -> None:
    with watched_by(told := Told()):
        assert isinstance(await scene.home.node.gatherer.handle("bob", scene.peer.host), int)
    assert told.detail("webfinger.answer")["actors"] == (scene.bob.uri,)
    assert told.detail("webfinger.confirmed") == {
        "asked": f"bob@{scene.peer.host}",
        "actor": scene.bob.uri,
        "host": scene.peer.host,
    }
    assert told.names()[-2:] == ["webfinger.confirmed", "gather.actor_stored"]
    with watched_by(told := Told()):
        assert isinstance(await scene.home.node.gatherer.handle("nobody", scene.peer.host), Fail)
    assert told.faults() == [
        ("webfinger.answer", "the origin does not know it (status 404)"),
        ("webfinger.confirmed", "the origin does not know it (status 404)"),
    ]


async def test_two_requests_at_once_tell_each_its_own_watcher(scene: Scene) -> None:
    """They are decided in one transaction, by the task of the writer."""
    people = [scene.peer.person(f"p{n}") for n in range(8)]
    for person in people:
        assert isinstance(await scene.home.node.gatherer.actor(person.uri), int)

    async def receive(person: Person) -> Told:
        like = scene.like(person)
        headers = tuple(like.headers.items())
        with watched_by(told := Told()):
            answer = await scene.home.node.receiver.receive(Received("POST", scene.inbox, headers, like.body))
        assert answer.status == 202
        return told

    batches = scene.home.node.core.writer.batches
    heard = await asyncio.gather(*(receive(person) for person in people))
    assert scene.home.node.core.writer.batches - batches < len(people), "some were committed together"
    for person, told in zip(people, heard, strict=True):
        assert told.names() == [*_READ[2:], *_CHECKED, "signature.key", *_PROVEN, *_DECIDED]
        assert told.detail("signature.owner")["owner"] == person.uri
        assert f"like by @{person.name}@" in told.detail("effects")["effects"][1]


async def test_nothing_is_told_when_nobody_watches_the_node(tmp_path: Path, peer: FakePeer) -> None:
    async with running_node(tmp_path) as home:
        await home.add_person("alice")
        bob = peer.person("bob")
        follow = peer.activity(bob, "Follow", f"{home.base_url}/users/alice")
        with watched_by(told := Told()):
            # Somebody in this process watches, but not the node.
            assert await peer.deliver(bob, f"{home.base_url}/inbox", follow) == 202
            async with asyncio.timeout(10):
                while not peer.believed("Accept"):
                    await asyncio.sleep(0.02)
        assert told.steps == []


async def test_a_watcher_hears_the_tasks_that_a_request_sets_off(tmp_path: Path) -> None:
    """The node was started while somebody watched: so its own loops are heard too."""
    with watched_by(told := Told()):
        async with fake_peer() as peer, running_node(tmp_path) as home:
            await home.add_person("alice")
            bob = peer.person("bob")
            follow = peer.activity(bob, "Follow", f"{home.base_url}/users/alice")
            assert await peer.deliver(bob, f"{home.base_url}/inbox", follow) == 202
            async with asyncio.timeout(10):
                while "delivery.outcome" not in told.names():
                    await asyncio.sleep(0.02)
    [accept] = told.detail("effects")["delivers"]
    assert told.detail("delivery.outcome")["activity"] == accept
    assert told.detail("effects")["effects"][-1] == f"will deliver Accept {accept} to {bob.inbox}"
