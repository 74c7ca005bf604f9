"""Signatures: the bytes they are over, and whether they hold."""

from __future__ import annotations

from base64 import b64decode
from dataclasses import replace
from hashlib import sha256

from fediverse_node.lab.exchange import Exchange, Message
from fediverse_node.lab.inspector.claims import KeyRing, render_claims
from fediverse_node.lab.recording import Recording
from tests.lab.inspector.sample import actor, answered, key_of, signed, uri


def only_claim(exchange: Exchange, keys: KeyRing) -> dict[str, object]:
    claims = render_claims(exchange, keys)["claims"]
    assert len(claims) == 1
    found: dict[str, object] = claims[0]
    return found


def delivery_of(recording: Recording, scheme: str) -> Exchange:
    return next(
        one
        for one in recording
        if one.url.endswith("/inbox")
        and not one.fault
        and bool(one.request.header("signature-input")) == (scheme == "rfc9421")
    )


def test_the_base_is_exactly_what_the_key_signed(recording: Recording) -> None:
    for scheme, key in (("rfc9421", "ben"), ("cavage", "alice")):
        exchange = delivery_of(recording, scheme)
        claim = only_claim(exchange, KeyRing())
        base = str(claim["base"]).encode()
        assert key_of(key).public().is_signed(base, signature=b64decode(str(claim["signature"])))
        assert claim["key_id"] == f"{uri(key)}#main-key"
        assert claim["base_sha256"] == sha256(base).hexdigest()
        assert claim["check"] == ""


def test_the_base_names_each_covered_component_on_its_line(recording: Recording) -> None:
    claim = only_claim(delivery_of(recording, "rfc9421"), KeyRing())
    covered = claim["covered"]
    assert isinstance(covered, list)
    lines = str(claim["base"]).split("\n")
    assert [line.partition(": ")[0] for line in lines] == [*covered, '"@signature-params"']
    assert claim["scheme"] == "RFC 9421"


def test_a_key_that_its_host_served_proves_the_signature(recording: Recording) -> None:
    keys = KeyRing(recording)
    claim = only_claim(delivery_of(recording, "rfc9421"), keys)
    assert claim["holds"] is True
    served = recording.find(int(str(claim["key_from"])))
    assert served is not None
    assert served.url == uri("ben")


def test_without_the_key_nothing_is_claimed(recording: Recording) -> None:
    claim = only_claim(delivery_of(recording, "rfc9421"), KeyRing())
    assert "holds" not in claim
    assert "no copy of this key" in str(claim["proof"])


def test_a_changed_body_is_told_apart_from_a_wrong_signature(recording: Recording) -> None:
    keys = KeyRing(recording)
    changed = next(one for one in recording if one.fault == "wrong digest")
    claim = only_claim(changed, keys)
    assert claim["holds"] is True
    assert "The body is not the one that was signed." in str(claim["check"])
    forged = delivery_of(recording, "rfc9421")
    other = tuple(
        (name, "Mon, 01 Jan 2001 00:00:00 GMT" if name == "Date" else value) for name, value in forged.request.headers
    )
    claim = only_claim(replace(forged, request=Message(forged.request.start, other, forged.request.body)), keys)
    assert claim["holds"] is False
    assert "The signature is wrong." in str(claim["proof"])


def test_a_stale_signature_is_said_to_be_too_old(recording: Recording) -> None:
    stale = next(one for one in recording if "clock skew" in one.fault)
    assert "too old" in str(only_claim(stale, KeyRing())["check"])


def test_nobody_can_serve_the_keys_of_another_host() -> None:
    asked = signed("ben", "GET", "https://evil.test/key", b"", at_ms=0)
    stolen = actor("ben") | {"id": "https://evil.test/key"}
    stolen["assertionMethod"] = [actor("dov")["assertionMethod"][0] | {"id": f"{uri('ben')}#main-key"}]
    ring = KeyRing(
        [Exchange(1, 0, "beta.test", "evil.test", "https://evil.test/key", asked, answered("200 OK", stolen))]
    )
    assert ring.find(f"{uri('ben')}#main-key") == []


def test_after_a_key_was_replaced_each_signature_is_checked_with_the_one_that_made_it() -> None:
    body = b"{}"
    message = signed("ben", "POST", "https://alpha.test/inbox", body, at_ms=1_000_000)
    asked = signed("alice", "GET", uri("ben"), b"", at_ms=1_000_000)
    renewed = actor("ben") | {
        "assertionMethod": [actor("dov")["assertionMethod"][0] | {"id": f"{uri('ben')}#main-key"}]
    }
    served = [
        Exchange(at, at, "alpha.test", "beta.test", uri("ben"), asked, answered("200 OK", document))
        for at, document in enumerate((actor("ben"), renewed), 1)
    ]
    claim = only_claim(
        Exchange(3, 1_000_000, "beta.test", "alpha.test", "https://alpha.test/inbox", message), KeyRing(served)
    )
    assert (claim["holds"], claim["key_from"]) == (True, 1)


def test_an_unsigned_request_has_no_claims_and_a_broken_signature_says_why() -> None:
    plain = Message("POST /inbox HTTP/1.1", (("Host", "alpha.test"),), b"{}")
    exchange = Exchange(1, 0, "", "alpha.test", "https://alpha.test/inbox", plain)
    assert render_claims(exchange, KeyRing()) == {}
    broken = replace(exchange, request=Message(plain.start, (*plain.headers, ("Signature", "keyId=")), b"{}"))
    assert "refusal" in render_claims(broken, KeyRing())


def test_headers_that_are_no_text_break_nothing() -> None:
    odd = b"\xff\xfe".decode("utf-8", "surrogateescape")
    body = b"{}"
    message = signed("ben", "POST", "https://alpha.test/inbox", body, at_ms=0, scheme="cavage")
    headers = tuple((name, odd if name == "Content-Type" else value) for name, value in message.headers)
    exchange = Exchange(
        1, 0, "beta.test", "alpha.test", "https://alpha.test/inbox", Message(message.start, headers, body)
    )
    claim = only_claim(exchange, KeyRing())
    assert "\N{REPLACEMENT CHARACTER}" in str(claim["base"])
