"""What we sign: accepted by ourselves, in the form peers expect, and safe to prepare apart."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from fediverse_node.signatures.claim import parse_claims
from fediverse_node.signatures.keys import PrivateKey
from fediverse_node.signatures.request import Request
from fediverse_node.signatures.sign import (
    prepare_cavage,
    prepare_rfc9421,
    sign_cavage,
    sign_rfc9421,
)

JSON = (("content-type", "application/activity+json"),)
SIGNERS = {"cavage": sign_cavage, "rfc9421": sign_rfc9421}


@pytest.mark.parametrize("name", ["rsa", "ed25519"])
@pytest.mark.parametrize("scheme", SIGNERS)
@pytest.mark.parametrize("method, body", [("POST", b"{}"), ("POST", b""), ("GET", b""), ("DELETE", b"x")])
@pytest.mark.parametrize("path", ["/users/alice/inbox", "/inbox?a=b&c=%20", "", "/x#main-key"])
def test_what_we_sign_we_accept(
    scene: Any, keys: Mapping[str, PrivateKey], name: str, scheme: str, method: str, body: bytes, path: str
) -> None:
    request = Request(method, f"https://social.example{path}", JSON, body)
    added = SIGNERS[scheme](request, key=keys[name], key_id=scene.key_id, now=scene.now)
    host = () if scheme == "cavage" else (("host", "social.example"),)
    received = Request(method, request.url, (*JSON, *host, *added), body)
    assert scene.refusal(received, keys[name].public(), now=scene.now + timedelta(minutes=5)) is None
    assert len(dict(added)) == len(added)
    claims = parse_claims(received)
    assert isinstance(claims, tuple)
    assert claims[0].scheme == scheme
    assert "#" not in received.target.uri


def test_the_old_draft_is_signed_as_mastodon_does_it(scene: Any, rsa_key: PrivateKey, ed25519_key: PrivateKey) -> None:
    request = Request("POST", scene.url, JSON, scene.body)
    added = sign_cavage(request, key=rsa_key, key_id=scene.key_id, now=scene.now)
    assert [name for name, _ in added] == ["host", "date", "digest", "signature"]
    headers = dict(added)
    assert headers["host"] == "social.example"
    assert headers["date"] == scene.date
    assert headers["digest"] == scene.digest
    assert headers["signature"].startswith(
        f'keyId="{scene.key_id}",algorithm="rsa-sha256",headers="(request-target) host date digest content-type",'
    )
    added = sign_cavage(request, key=ed25519_key, key_id=scene.key_id, now=scene.now)
    assert 'algorithm="hs2019"' in dict(added)["signature"]
    added = sign_cavage(Request("GET", scene.url, ()), key=rsa_key, key_id=scene.key_id, now=scene.now)
    assert [name for name, _ in added] == ["host", "date", "signature"]
    assert 'headers="(request-target) host date"' in dict(added)["signature"]


def test_the_new_standard_is_signed_with_what_mastodon_asks_for(scene: Any, rsa_key: PrivateKey) -> None:
    request = Request("POST", scene.url, JSON, scene.body)
    headers = dict(sign_rfc9421(request, key=rsa_key, key_id=scene.key_id, now=scene.now, nonce="n-1"))
    assert headers["content-digest"] == scene.content_digest
    assert headers["signature-input"] == (
        'sig1=("@method" "@target-uri" "content-digest" "content-type" "date")'
        f';created={scene.created};keyid="{scene.key_id}";alg="rsa-v1_5-sha256";nonce="n-1"'
    )
    assert headers["signature"].startswith("sig1=:")


def test_headers_that_are_there_already_are_signed_and_not_replaced(scene: Any, rsa_key: PrivateKey) -> None:
    request = Request("POST", scene.url, tuple(scene.headers().items()), scene.body)
    later = scene.now + timedelta(hours=3)
    for sign, names in ((sign_cavage, ["signature"]), (sign_rfc9421, ["signature-input", "signature"])):
        added = sign(request, key=rsa_key, key_id=scene.key_id, now=later)
        assert [name for name, _ in added] == names
        received = Request("POST", scene.url, (*request.headers, *added), scene.body)
        assert scene.refusal(received, rsa_key.public(), now=later) is None


def test_preparing_and_signing_apart_gives_the_same_headers(scene: Any, keys: Mapping[str, PrivateKey]) -> None:
    request = Request("POST", scene.url, JSON, scene.body)
    for key in (keys["rsa"], keys["ed25519"]):
        for prepare, sign in ((prepare_cavage, sign_cavage), (prepare_rfc9421, sign_rfc9421)):
            prepared = prepare(request, algorithm=key.algorithm, key_id=scene.key_id, now=scene.now)
            whole = sign(request, key=key, key_id=scene.key_id, now=scene.now)
            assert prepared.finish(key.sign(prepared.base)) == whole


@pytest.mark.parametrize(
    "path, on_the_wire",
    [
        ("/日本/inbox", "/%E6%97%A5%E6%9C%AC/inbox"),
        ("/a b", "/a%20b"),
        ("/a%20b", "/a%20b"),
        ("/a\nhost: other.example", "/a%0Ahost:%20other.example"),
        ("/a\udc80", "/a%5Cudc80"),
        ("/a?b=\u2028", "/a?b=%E2%80%A8"),
    ],
)
def test_an_inbox_with_odd_characters_is_signed_as_clients_send_it(
    scene: Any, rsa_key: PrivateKey, path: str, on_the_wire: str
) -> None:
    request = Request("POST", f"https://social.example{path}", JSON, scene.body)
    base = prepare_cavage(request, algorithm="rsa", key_id=scene.key_id, now=scene.now).base.decode()
    assert base.split("\n")[0] == f"(request-target): post {on_the_wire}"
    assert base.count("\n") == 4
    base = prepare_rfc9421(request, algorithm="rsa", key_id=scene.key_id, now=scene.now).base.decode()
    assert base.split("\n")[1] == f'"@target-uri": https://social.example{on_the_wire}'
    assert sign_cavage(request, key=rsa_key, key_id=scene.key_id, now=scene.now)


@pytest.mark.parametrize("text", ['a"b', "a\\b", "a\nb", "é"])
def test_a_key_id_of_ours_that_cannot_be_quoted_is_a_mistake_of_the_caller(scene: Any, text: str) -> None:
    request = Request("POST", scene.url, JSON, scene.body)
    with pytest.raises(ValueError, match="key id or nonce"):
        prepare_cavage(request, algorithm="rsa", key_id=text, now=scene.now)
    with pytest.raises(ValueError, match="key id or nonce"):
        prepare_rfc9421(request, algorithm="rsa", key_id=scene.key_id, now=scene.now, nonce=text)
