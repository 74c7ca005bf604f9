"""`fediverse-node inspect`, as somebody uses it who wonders why a message was refused."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from fediverse_node.base.config import Config, load
from fediverse_node.cli.inspect import GOOD, NOTHING, REFUSED, inspect
from fediverse_node.lab.exchange import Exchange, Message
from fediverse_node.lab.recording import Recording
from fediverse_node.signatures.integrity_proofs import ProofKey, add_proofs
from fediverse_node.signatures.keys import PrivateKey
from fediverse_node.signatures.request import Request
from fediverse_node.signatures.sign import sign_cavage, sign_rfc9421
from tests.inprocess import free_port

ALICE = "https://alpha.example/users/alice"
NOTE = "https://alpha.example/notes/1"
PUBLIC = "https://www.w3.org/ns/activitystreams#Public"
SENT = datetime(2026, 3, 1, 12, tzinfo=UTC)
RSA = PrivateKey.generate_rsa()
ED25519 = PrivateKey.generate_ed25519()


def actor(uri: str = ALICE) -> dict[str, Any]:
    return {
        "@context": ["https://www.w3.org/ns/activitystreams", "https://w3id.org/security/v1"],
        "id": uri,
        "type": "Person",
        "preferredUsername": "alice",
        "inbox": f"{uri}/inbox",
        "publicKey": {"id": f"{uri}#main-key", "owner": uri, "publicKeyPem": RSA.public().pem()},
        "assertionMethod": [
            {
                "id": f"{uri}#ed25519",
                "type": "Multikey",
                "controller": uri,
                "publicKeyMultibase": ED25519.public().multibase(),
            }
        ],
    }


def create(**more: Any) -> dict[str, Any]:
    note = {"id": NOTE, "type": "Note", "attributedTo": ALICE, "content": "<p>Hello <b>there</b></p>", "to": [PUBLIC]}
    return {
        "@context": "https://www.w3.org/ns/activitystreams",
        "id": f"{NOTE}/activity",
        "type": "Create",
        "actor": ALICE,
        "to": [PUBLIC],
        "object": {**note, **more},
    }


def request_text(
    body: bytes, *, form: str = "cavage", sent: bytes | None = None, key_id: str = f"{ALICE}#main-key"
) -> bytes:
    """A signed request as text; `sent` is another body than the signed one."""
    url = "https://beta.example/inbox"
    request = Request("POST", url, (("host", "beta.example"), ("content-type", "application/activity+json")), body)
    sign = sign_cavage if form == "cavage" else sign_rfc9421
    headers = (*request.headers, *sign(request, key=RSA, key_id=key_id, now=SENT))
    head = "\r\n".join(("POST /inbox HTTP/1.1", *(f"{name}: {value}" for name, value in headers)))
    return head.encode() + b"\r\n\r\n" + (body if sent is None else sent)


@pytest.fixture
def config(tmp_path: Path) -> Config:
    environ = {"BASE_URL": "https://beta.example", "DATA_DIR": str(tmp_path / "data")}
    return load({f"FEDIVERSE_NODE_{name}": value for name, value in environ.items()})


@pytest.fixture
def told(config: Config, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    """Inspects what is given, with Alice's document at hand; the exit status, and the findings or the text."""
    (tmp_path / "keys.json").write_text(json.dumps(actor()))

    async def run(
        what: bytes | str, *, as_json: bool = True, known: bool = True, config_: Config = config
    ) -> tuple[int, Any]:
        name = what
        if isinstance(what, bytes):
            (tmp_path / "sub").mkdir(exist_ok=True)
            (tmp_path / "sub" / "given").write_bytes(what)
            name = str(tmp_path / "sub" / "given")
        keys = (tmp_path / "keys.json",) if known else ()
        status = await inspect(config_, str(name), as_json=as_json, keys=keys, offline=not str(name).startswith("http"))
        output = capsys.readouterr()
        if output.err:
            return status, output.err
        return status, json.loads(output.out) if as_json else output.out

    return run


def verdicts(found: dict[str, Any]) -> dict[str, bool | None]:
    (item,) = found["items"]
    return {verdict["step"]: verdict["passed"] for verdict in (*item["verdicts"], *item["proofs"])}


async def test_a_document_says_what_it_says_and_what_becomes_of_it(told: Callable[..., Any]) -> None:
    status, found = await told(json.dumps(create(inReplyTo="https://gamma.example/1", summary="careful")).encode())
    (item,) = found["items"]
    assert status == GOOD
    assert item["kind"] == "activity"
    assert item["node"] == {
        "outcome": "rule",
        "rule": "Create",
        "sentences": [
            "it goes to the rule for Create",
            "the object inside is taken at its word: it is the actor's, and of the same origin",
        ],
    }
    inner = item["says"]["inner"]
    assert (inner["author"], inner["visibility"], inner["parent"]) == (ALICE, "public", "https://gamma.example/1")
    assert (inner["warning"], inner["text"], inner["html"]) == ("careful", "Hello there", "<p>Hello <b>there</b></p>")


async def test_people_are_told_in_words(told: Callable[..., Any]) -> None:
    status, text = await told(json.dumps(create(content="<p>One</p><p>\u001b[31mTwo</p>")).encode(), as_json=False)
    assert status == GOOD
    for line in ("activity, Create", "reaches", "everybody", "Here: it goes to a rule."):
        assert line in text
    assert "\u001b" not in text, "a stranger's text must not steer the terminal"


@pytest.mark.parametrize("form", ["cavage", "rfc9421"])
async def test_a_signed_request_is_judged_step_by_step(told: Callable[..., Any], form: str) -> None:
    status, found = await told(request_text(json.dumps(create()).encode(), form=form))
    assert status == GOOD
    assert verdicts(found) == {
        "signature.claims": True,
        "signature.cover": True,
        "signature.time": True,
        "signature.host": True,
        "signature.digest": True,
        "signature.key": True,
        "signature.good": True,
        "signature.owner": True,
    }


BODY = json.dumps(create()).encode()


@pytest.mark.parametrize(
    ("request_", "step", "says"),
    [
        pytest.param(request_text(BODY, sent=BODY + b" "), "signature.digest", "not the one", id="another body"),
        pytest.param(
            request_text(BODY).replace(b"POST /inbox", b"POST /users/bob/inbox"),
            "signature.good",
            "wrong",
            id="another target",
        ),
        pytest.param(
            request_text(json.dumps({**create(), "actor": "https://alpha.example/users/mallory"}).encode()),
            "signature.owner",
            "mallory",
            id="somebody else's words",
        ),
        pytest.param(
            request_text(BODY).replace(b"signature=", b"sognature="),
            "signature.claims",
            "cannot be read",
            id="no signature",
        ),
    ],
)
async def test_what_is_wrong_with_a_request_is_named(
    told: Callable[..., Any], request_: bytes, step: str, says: str
) -> None:
    status, found = await told(request_)
    assert status == REFUSED
    (item,) = found["items"]
    failed = [verdict for verdict in item["verdicts"] if not verdict["passed"]]
    assert [verdict["step"] for verdict in failed] == [step]
    assert says in failed[0]["sentence"]


async def test_without_the_key_it_is_said_how_to_give_it(told: Callable[..., Any]) -> None:
    status, found = await told(request_text(BODY), known=False)
    assert status == GOOD, "what is not known is no refusal"
    assert verdicts(found)["signature.key"] is None
    assert "--keys" in found["items"][0]["verdicts"][-1]["sentence"]


async def test_a_proof_inside_a_document_is_verified_and_a_changed_document_is_not(told: Callable[..., Any]) -> None:
    proven = add_proofs(create(), [ProofKey(f"{ALICE}#ed25519", ED25519)], SENT)
    status, found = await told(json.dumps(proven).encode())
    assert status == GOOD
    assert verdicts(found)["proof.good"] is True
    status, found = await told(json.dumps({**proven, "to": [ALICE]}).encode())
    assert status == REFUSED
    assert verdicts(found)["proof.good"] is False


async def test_a_proof_in_anothers_name_is_refused(told: Callable[..., Any]) -> None:
    forged = {**create(), "actor": "https://alpha.example/users/mallory"}
    status, found = await told(json.dumps(add_proofs(forged, [ProofKey(f"{ALICE}#ed25519", ED25519)], SENT)).encode())
    assert status == REFUSED
    assert verdicts(found)["signature.owner"] is False


async def test_a_capture_and_a_recording_are_read_like_the_messages_in_them(told: Callable[..., Any]) -> None:
    head, _, body = request_text(BODY).partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")[1:]
    headers = [line.split(": ", 1) for line in lines]
    capture = {
        "method": "POST", "target": "/inbox", "scheme": "https", "headers": headers, "body": body.decode(),
        "captured_at": (SENT + timedelta(seconds=1)).timestamp(),
    }  # fmt: skip
    status, found = await told(json.dumps(capture).encode())
    assert (status, verdicts(found)["signature.good"]) == (GOOD, True)
    message = Message("POST /inbox HTTP/1.1", tuple((name, value) for name, value in headers), body)
    recording = Recording()
    for number in (1, 2):
        at_ms = int(SENT.timestamp() * 1000)
        recording.begin(Exchange(number, at_ms, "alpha.example", "beta.example", "https://beta.example/inbox", message))
    status, found = await told(recording.dump())
    assert status == GOOD
    assert [item["verdicts"][-1]["passed"] for item in found["items"]] == [True, True]


@pytest.mark.parametrize(
    "document",
    [
        {"type": "Story", "id": NOTE, "attributedTo": ALICE},
        {"type": "Create", "actor": ALICE, "id": NOTE, "object": {"type": "Story", "id": NOTE, "attributedTo": ALICE}},
        {"type": "Add", "actor": ALICE, "id": NOTE, "object": {"type": "Story", "id": NOTE, "attributedTo": ALICE}},
        {"type": "Story:reaction", "actor": ALICE, "id": NOTE, "object": NOTE, "content": "🎉"},
        {"type": "View", "actor": ALICE, "id": NOTE, "object": NOTE},
    ],
)
async def test_stories_and_unknown_verbs_are_politely_left_out(
    told: Callable[..., Any], document: dict[str, Any]
) -> None:
    status, found = await told(json.dumps(document).encode())
    assert (status, found["items"][0]["node"]["outcome"]) == (GOOD, "left_out")


@pytest.mark.parametrize(
    ("given", "status", "says"),
    [
        (b"", NOTHING, "empty"),
        (b"not json", NOTHING, "neither JSON nor an HTTP request"),
        (b"POST /inbox HTTP/1.1\nno colon\n\n{}", NOTHING, "the head"),
        (b"POST /inbox HTTP/1.1\nDate: x\n\n{}", NOTHING, "Host header"),
        (b'{"format":"fediverse-node-exchanges/99"}\n', NOTHING, "recording"),
        ("/nowhere/at/all.json", NOTHING, "cannot be read"),
    ],
)
async def test_what_cannot_be_inspected_is_a_sentence_with_a_cause(
    told: Callable[..., Any], given: bytes | str, status: int, says: str
) -> None:
    found, text = await told(given)
    assert found == status
    assert says in text
    assert text.count("\n") == 1


@pytest.mark.parametrize(
    ("document", "says"),
    [
        (b"[]", "not a JSON object"),
        (b"null", "not a JSON object"),
        (b'{"@graph": []}', "move statements"),
        (b'{"type": "Note", "content": "x"}', "no usable `id`"),
        (json.dumps({"type": "Note", "id": NOTE, "attributedTo": "https://b.example/"}).encode(), "another origin"),
    ],
)
async def test_what_would_be_refused_says_why(told: Callable[..., Any], document: bytes, says: str) -> None:
    status, found = await told(document)
    assert status == REFUSED
    assert says in found["items"][0]["node"]["sentences"][0]


class Peer:
    """A server with Alice, a page for people, and something it shows to friends only."""

    def __init__(self) -> None:
        self.port = free_port()
        self.base_url = f"http://127.0.0.1:{self.port}"

    async def answer(self, request: web.Request) -> web.Response:
        uri = f"{self.base_url}{request.path}"
        if request.path == "/page":
            return web.Response(text="<html></html>", content_type="text/html")
        if request.path == "/friends":
            return web.Response(status=401)
        if request.path == "/users/alice":
            return web.json_response(actor(uri), content_type="application/activity+json")
        return web.Response(status=404)


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    server, app = Peer(), web.Application()
    app.router.add_route("GET", "/{tail:.*}", server.answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", server.port).start()
    yield server
    await runner.cleanup()


@pytest.fixture
def developing(tmp_path: Path) -> Config:
    environ = {"BASE_URL": "http://127.0.0.1:8420", "DEVELOPMENT": "true", "DATA_DIR": str(tmp_path / "data")}
    return load({f"FEDIVERSE_NODE_{name}": value for name, value in environ.items()})


async def test_an_address_is_fetched_and_understood(told: Callable[..., Any], peer: Peer, developing: Config) -> None:
    status, found = await told(f"{peer.base_url}/users/alice", config_=developing)
    (item,) = found["items"]
    assert (status, item["kind"]) == (GOOD, "actor")
    assert [key["algorithm"] for key in item["says"]["keys"]] == ["rsa", "ed25519"]


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/page", "a page for people"),
        ("/nothing", "Check the address"),
        ("/friends", "where the data of your node are"),
    ],
)
async def test_an_address_without_a_document_says_what_to_do(
    told: Callable[..., Any], peer: Peer, developing: Config, path: str, says: str
) -> None:
    status, text = await told(f"{peer.base_url}{path}", config_=developing)
    assert status == NOTHING
    assert says in text


async def test_this_machine_is_not_asked_outside_of_development(told: Callable[..., Any], peer: Peer) -> None:
    status, text = await told(f"{peer.base_url}/users/alice")
    assert status == NOTHING
    assert "only https URLs are fetched" in text


async def test_a_key_that_is_nowhere_at_hand_is_fetched_from_its_owner(
    config: Config, peer: Peer, developing: Config, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    speaker = f"{peer.base_url}/users/alice"
    body = json.dumps({"id": f"{speaker}/1", "type": "Like", "actor": speaker, "object": NOTE}).encode()
    (tmp_path / "given").write_bytes(request_text(body, key_id=f"{speaker}#main-key"))
    status = await inspect(developing, str(tmp_path / "given"), as_json=True, keys=(), offline=False)
    assert status == GOOD
    assert verdicts(json.loads(capsys.readouterr().out))["signature.owner"] is True


def test_the_command_ends_with_the_status_of_what_it_found(tmp_path: Path) -> None:
    (tmp_path / "good.json").write_text(json.dumps(create()))
    (tmp_path / "bad.json").write_text('{"@graph": []}')
    environ = {name: value for name, value in os.environ.items() if not name.startswith("FEDIVERSE_NODE_")}
    environ["PYTHONPATH"] = str(Path(__file__).resolve().parents[2])
    for name, status in (("good.json", GOOD), ("bad.json", REFUSED), ("none.json", NOTHING)):
        done = subprocess.run(
            [sys.executable, "-m", "fediverse_node", "inspect", name],
            env=environ, cwd=tmp_path, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert done.returncode == status, done.stderr
        assert "Traceback" not in done.stderr
    assert not (tmp_path / "data").exists(), "looking makes nothing"
