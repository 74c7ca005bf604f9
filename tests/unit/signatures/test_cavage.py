"""draft-cavage signatures: what is accepted, and that nothing signed can be changed."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest

from fediverse_node.base.outcome import Fail
from fediverse_node.signatures.claim import parse_claims
from fediverse_node.signatures.http_date import parse_http_date
from fediverse_node.signatures.keys import PrivateKey, PublicKey
from fediverse_node.signatures.reasons import SignatureFault
from fediverse_node.signatures.request import Request
from fediverse_node.signatures.verify import Policy, Proven, check_claim, replay_key, verify_claim

F = SignatureFault
TIMES = "(request-target) (created) (expires) host digest"


@pytest.mark.parametrize(
    "signing",
    [
        pytest.param({}, id="Mastodon: rsa-sha256"),
        pytest.param({"parameters": 'algorithm="hs2019",'}, id="GoToSocial: hs2019 with an RSA key"),
        pytest.param({"parameters": ""}, id="Takahe: no algorithm"),
        pytest.param({"names": "(request-target) content-type date digest host"}, id="Fedify: sorted headers"),
        pytest.param({"names": "(Request-Target) Host Date Digest"}, id="names in capitals"),
        pytest.param({"target": "post /users/alice/inbox"}, id="the target as it is"),
        pytest.param({"names": TIMES, "created": "1795291200", "expires": "1795294800"}, id="bare created and expires"),
        pytest.param(
            {
                "names": TIMES,
                "created": '"1795291200"',
                "expires": '"1795294800"',
                "parameters": 'algorithm="hs2019",',
            },
            id="oeee.cafe: quoted created and expires",
        ),
        pytest.param(
            {"names": TIMES, "created": "1795291200", "expires": "1795294800.25"}, id="a fraction of a second"
        ),
        pytest.param({"created": "1"}, id="an old created that is not covered does not count"),
        pytest.param(
            {
                "names": f"{TIMES} date",
                "signed": "(request-target) host digest date",
                "created": "1795291200",
                "expires": "1795294800",
            },
            id="created listed and not signed, as in appendix C.3",
        ),
    ],
)
def test_the_ways_in_which_peers_sign_are_accepted(scene: Any, rsa_key: PrivateKey, signing: dict[str, str]) -> None:
    names = signing.get("names", "")
    headers = scene.cavage(rsa_key, **signing) if names.islower() or not names else _capitals(scene, rsa_key, names)
    assert scene.refusal(scene.request(headers), rsa_key.public()) is None


def _capitals(scene: Any, key: PrivateKey, names: str) -> dict[str, str]:
    headers: dict[str, str] = scene.cavage(key, names.lower())
    return {**headers, "signature": headers["signature"].replace(names.lower(), names)}


def test_an_ed25519_signature_is_accepted(scene: Any, ed25519_key: PrivateKey) -> None:
    for algorithm in ("hs2019", "ed25519"):
        headers = scene.cavage(ed25519_key, parameters=f'algorithm="{algorithm}",')
        assert scene.refusal(scene.request(headers), ed25519_key.public()) is None


@pytest.mark.parametrize(
    "url, target",
    [
        ("https://social.example/inbox?x=1", "post /inbox?x=1"),
        ("https://social.example/inbox?x=1", "post /inbox"),
        ("https://social.example/", "post /"),
        ("https://social.example/", "post "),
        ("https://social.example", "post /"),
        ("https://social.example", "post "),
        ("https://social.example:443/inbox", "post /inbox"),
    ],
)
def test_targets_are_read_with_and_without_query_and_slash(
    scene: Any, rsa_key: PrivateKey, url: str, target: str
) -> None:
    request = scene.request(scene.cavage(rsa_key, target=target), url=url)
    assert scene.refusal(request, rsa_key.public()) is None


@pytest.mark.parametrize(
    "url, target",
    [
        ("https://social.example/inbox", "post /inbox?x=1"),
        ("https://social.example/inbox?x=2", "post /inbox?x=1"),
        ("https://social.example/inbox", "post "),
        ("https://social.example/inbox/", "post /inbox"),
        ("https://social.example/INBOX", "post /inbox"),
        ("https://social.example/inbox", "put /inbox"),
        ("https://social.example/inbox", "POST /inbox"),
    ],
)
def test_another_target_than_the_signed_one_is_refused(scene: Any, rsa_key: PrivateKey, url: str, target: str) -> None:
    request = scene.request(scene.cavage(rsa_key, target=target), url=url)
    assert scene.refusal(request, rsa_key.public()) is F.BAD_SIGNATURE


@pytest.mark.parametrize(
    "changed, reason",
    [
        pytest.param({"method": "PUT"}, F.BAD_SIGNATURE, id="method"),
        pytest.param({"url": "https://social.example/users/bob/inbox"}, F.BAD_SIGNATURE, id="path"),
        pytest.param({"body": b'{"type":"Block"}'}, F.DIGEST_MISMATCH, id="body"),
        pytest.param({"body": b""}, F.DIGEST_MISMATCH, id="body taken away"),
        pytest.param({"host": "other.example"}, F.WRONG_HOST, id="host"),
        pytest.param({"host": "social.example/x?"}, F.WRONG_HOST, id="a path smuggled into the host"),
        pytest.param({"host": "social.example, social.example"}, F.WRONG_HOST, id="host twice"),
        pytest.param({"host": "SOCIAL.example"}, F.BAD_SIGNATURE, id="host in another spelling"),
        pytest.param({"host": None}, F.MISSING_COMPONENT, id="host taken away"),
        pytest.param({"date": "Sat, 21 Nov 2026 20:00:01 GMT"}, F.BAD_SIGNATURE, id="date"),
        pytest.param({"date": "yesterday"}, F.MALFORMED, id="date that is none"),
        pytest.param({"date": None}, F.MISSING_COMPONENT, id="date taken away"),
        pytest.param({"digest": "SHA-256=AAAA"}, F.DIGEST_MISMATCH, id="digest"),
        pytest.param({"digest": None}, F.MISSING_COMPONENT, id="digest taken away"),
        pytest.param({"content-type": "text/plain"}, F.BAD_SIGNATURE, id="content type"),
        pytest.param({"content-type": "a\nb: c"}, F.MALFORMED, id="a line break in a header"),
        pytest.param({"content-type": "a\x00"}, F.MALFORMED, id="a control character in a header"),
        pytest.param({"content-type": "\udc80"}, F.BAD_SIGNATURE, id="bytes that are no text"),
        pytest.param({"content-type": "\ud800"}, F.MALFORMED, id="characters that are no bytes"),
        pytest.param({"user-agent": "else", "content-digest": "x"}, None, id="what is not signed may change"),
    ],
)
def test_nothing_that_is_signed_can_be_changed(
    scene: Any, rsa_key: PrivateKey, changed: dict[str, Any], reason: SignatureFault | None
) -> None:
    headers = {**scene.cavage(rsa_key), **{k: v for k, v in changed.items() if k not in ("method", "url", "body")}}
    request = scene.request(
        {name: value for name, value in headers.items() if value is not None},
        method=changed.get("method", "POST"),
        url=changed.get("url", ""),
        body=changed.get("body"),
    )
    assert scene.refusal(request, rsa_key.public()) is reason


def test_a_body_with_its_own_digest_needs_its_own_signature(scene: Any, rsa_key: PrivateKey) -> None:
    headers = scene.cavage(rsa_key)
    body = b'{"type":"Block"}'
    forged = {**headers, "digest": _digest(body)}
    assert scene.refusal(scene.request(forged, body=body), rsa_key.public()) is F.BAD_SIGNATURE


def _digest(body: bytes) -> str:
    return "SHA-256=" + base64.b64encode(hashlib.sha256(body).digest()).decode()


@pytest.mark.parametrize("name", ["host", "date", "digest", "content-type"])
def test_a_signed_header_cannot_be_added_a_second_time(scene: Any, rsa_key: PrivateKey, name: str) -> None:
    headers = tuple(scene.cavage(rsa_key).items())
    for value in (dict(headers)[name], "another"):
        for repeated in (((name, value), *headers), (*headers, (name, value))):
            request = Request("POST", scene.url, repeated, scene.body)
            assert scene.refusal(request, rsa_key.public()) is not None


@pytest.mark.parametrize(
    "names, reason",
    [
        ("host date digest", F.MISSING_COMPONENT),
        ("(request-target) date digest", F.MISSING_COMPONENT),
        ("(request-target) host digest", F.MISSING_COMPONENT),
        ("(request-target) host date", F.DIGEST_MISSING),
        ("(request-target) host date x-none", F.MISSING_COMPONENT),
        ("date", F.MISSING_COMPONENT),
        ("@method @target-uri date digest host", F.UNSUPPORTED_COMPONENT),
        ("(request-target) host date digest host", F.AMBIGUOUS),
        ("(request-target) host date digest HOST", F.AMBIGUOUS),
        ("(request-target) (created) host digest", F.MALFORMED),
        ("(status) (request-target) host date digest", F.UNSUPPORTED_COMPONENT),
        ("", F.MALFORMED),
        (" ", F.MALFORMED),
        (" ".join(f"x{n}" for n in range(65)), F.TOO_LARGE),
    ],
)
def test_a_signature_that_covers_too_little_is_refused(
    scene: Any, rsa_key: PrivateKey, names: str, reason: SignatureFault
) -> None:
    assert scene.refusal(scene.request(scene.cavage(rsa_key, names)), rsa_key.public()) is reason


def test_a_get_needs_no_digest_but_method_target_host_and_time(scene: Any, rsa_key: PrivateKey) -> None:
    headers = {"host": scene.host, "date": scene.date}
    for names, reason in (
        ("(request-target) host date", None),
        ("(request-target) host", F.MISSING_COMPONENT),
        ("(request-target) date", F.MISSING_COMPONENT),
        ("host date", F.MISSING_COMPONENT),
    ):
        signed = scene.cavage(rsa_key, names, headers=headers, target=f"get {scene.path}")
        assert scene.refusal(scene.request(signed, method="GET", body=b""), rsa_key.public()) is reason
    signed = scene.cavage(rsa_key, "(request-target) host date", headers=headers, target=f"get {scene.path}")
    with_body = scene.request(signed, method="GET", body=b"x")
    assert scene.refusal(with_body, rsa_key.public()) is F.DIGEST_MISSING


def test_a_post_without_a_body_needs_a_digest_all_the_same(scene: Any, rsa_key: PrivateKey) -> None:
    signed = scene.cavage(rsa_key, "(request-target) host date")
    assert scene.refusal(scene.request(signed, body=b""), rsa_key.public()) is F.DIGEST_MISSING


@pytest.mark.parametrize(
    "later, reason",
    [
        (timedelta(hours=12), None),
        (timedelta(hours=12, seconds=1), F.TOO_OLD),
        (timedelta(days=30), F.TOO_OLD),
        (-timedelta(hours=1), None),
        (-timedelta(hours=1, seconds=1), F.IN_THE_FUTURE),
    ],
)
def test_the_signed_time_counts_whichever_it_is(
    scene: Any, rsa_key: PrivateKey, later: timedelta, reason: SignatureFault | None
) -> None:
    for headers in (
        scene.cavage(rsa_key),
        scene.cavage(rsa_key, "(request-target) (created) host digest", created=str(scene.created)),
        # The uncovered Date is fresh, which must not help; nor may the uncovered old one do harm.
        scene.cavage(
            rsa_key,
            "(request-target) (created) host digest",
            created=str(scene.created),
            headers=scene.headers(date="Sat, 21 Nov 2020 20:00:00 GMT"),
        ),
    ):
        assert scene.refusal(scene.request(headers), rsa_key.public(), now=scene.now + later) is reason


def test_if_both_times_are_signed_both_must_be_fresh(scene: Any, rsa_key: PrivateKey) -> None:
    old = "Sat, 21 Nov 2020 20:00:00 GMT"
    names = "(request-target) (created) host date digest"
    headers = scene.cavage(rsa_key, names, created=str(scene.created), headers=scene.headers(date=old))
    assert scene.refusal(scene.request(headers), rsa_key.public()) is F.TOO_OLD
    headers = scene.cavage(rsa_key, names, created="1605988800")
    assert scene.refusal(scene.request(headers), rsa_key.public()) is F.TOO_OLD


def test_an_expired_signature_is_refused(scene: Any, rsa_key: PrivateKey) -> None:
    for names in (TIMES, "(request-target) (created) host digest"):
        headers = scene.cavage(rsa_key, names, created=str(scene.created), expires=str(scene.created + 60))
        request = scene.request(headers)
        assert scene.refusal(request, rsa_key.public(), now=scene.now + timedelta(seconds=59)) is None
        assert scene.refusal(request, rsa_key.public(), now=scene.now + timedelta(seconds=60)) is F.EXPIRED


def test_created_cannot_be_put_in_place_of_a_signed_date(scene: Any, rsa_key: PrivateKey) -> None:
    """Appendix C.3 signs no times; whoever adds fresh ones to an old request gains nothing."""
    old = scene.headers(date="Sat, 21 Nov 2020 20:00:00 GMT")
    headers = scene.cavage(rsa_key, "(request-target) host date digest", headers=old)
    forged = headers["signature"].replace(
        'headers="(request-target)', f'created={scene.created},headers="(request-target) (created)'
    )
    assert scene.refusal(scene.request({**headers, "signature": forged}), rsa_key.public()) is F.TOO_OLD
    undated = forged.replace(" date ", " ")
    assert scene.refusal(scene.request({**headers, "signature": undated}), rsa_key.public()) is F.BAD_SIGNATURE


def test_a_signature_without_any_time_gets_none_by_listing_created(scene: Any, rsa_key: PrivateKey) -> None:
    timeless = scene.cavage(
        rsa_key,
        "(request-target) (created) host digest",
        signed="(request-target) host digest",
        created=str(scene.created),
    )
    assert scene.refusal(scene.request(timeless), rsa_key.public()) is F.BAD_SIGNATURE


def test_hs2019_signs_the_times_it_lists(scene: Any, rsa_key: PrivateKey) -> None:
    headers = scene.cavage(
        rsa_key,
        "(request-target) (created) host date digest",
        signed="(request-target) host date digest",
        created=str(scene.created),
        parameters='algorithm="hs2019",',
    )
    assert scene.refusal(scene.request(headers), rsa_key.public()) is F.BAD_SIGNATURE


def test_the_key_must_be_the_one_that_signed_and_fit_the_algorithm(scene: Any, keys: Mapping[str, PrivateKey]) -> None:
    request = scene.request(scene.cavage(keys["rsa"]))
    assert scene.refusal(request, keys["another rsa"].public()) is F.BAD_SIGNATURE
    assert scene.refusal(request, keys["ed25519"].public()) is F.KEY_MISMATCH
    request = scene.request(scene.cavage(keys["rsa"], parameters='algorithm="hs2019",'))
    assert scene.refusal(request, keys["ed25519"].public()) is F.BAD_SIGNATURE


def test_the_signature_of_another_request_is_refused(scene: Any, rsa_key: PrivateKey) -> None:
    other = scene.cavage(rsa_key, headers=scene.headers(date="Sat, 21 Nov 2026 19:59:59 GMT"))
    swapped = {**scene.cavage(rsa_key), "signature": other["signature"]}
    assert scene.refusal(scene.request(swapped), rsa_key.public()) is F.BAD_SIGNATURE


@pytest.mark.parametrize(
    "signature, reason",
    [
        ("keyId", F.MALFORMED),
        ('keyId="k"', F.MALFORMED),
        ('signature="AAAA"', F.MALFORMED),
        ('keyId="k",signature="???"', F.MALFORMED),
        ('keyId="k",signature="AAAA"x', F.MALFORMED),
        ('keyId="k",signature="AAAA",', F.MALFORMED),
        ('keyId="k",signature="AAAA', F.MALFORMED),
        ('keyId="k\n",signature="AAAA"', F.MALFORMED),
        ('keyId="k",signature="AAAA",headers="host",created=now', F.MALFORMED),
        ('keyId="k",signature="AAAA",headers="host",created=-1', F.MALFORMED),
        ('keyId="k",signature="AAAA",headers="host",expires=99999999999999', F.MALFORMED),
        ('keyId="k",keyId="l",signature="AAAA"', F.AMBIGUOUS),
        ('keyId="k",signature="AAAA",headers="first",headers="last"', F.AMBIGUOUS),
        ('keyId="k",algorithm="hmac-sha256",signature="AAAA"', F.UNKNOWN_ALGORITHM),
        ('keyId="k",algorithm="rsa-sha1",signature="AAAA"', F.UNKNOWN_ALGORITHM),
        ('keyId="' + "k" * 3000 + '",signature="AAAA"', F.MALFORMED),
        ('keyId="' + "k" * 20000 + '",signature="AAAA"', F.TOO_LARGE),
    ],
)
def test_a_header_that_is_no_signature_is_refused_with_its_reason(signature: str, reason: SignatureFault) -> None:
    for headers in ((("signature", signature),), (("authorization", f"Signature {signature}"),)):
        outcome = parse_claims(Request("POST", "https://a.example/", headers))
        assert isinstance(outcome, Fail)
        assert outcome.reason is reason


def test_two_signature_headers_are_refused(scene: Any, rsa_key: PrivateKey) -> None:
    headers = (*scene.cavage(rsa_key).items(), ("signature", scene.cavage(rsa_key)["signature"]))
    assert scene.refusal(Request("POST", scene.url, headers, scene.body), rsa_key.public()) is F.AMBIGUOUS


@pytest.mark.parametrize("authorization", [None, "", "Bearer token", "Signature", "Basic Signature"])
def test_a_request_without_a_signature_is_told_so(authorization: str | None) -> None:
    headers = () if authorization is None else (("authorization", authorization),)
    outcome = parse_claims(Request("POST", "https://a.example/", headers))
    assert isinstance(outcome, Fail)
    assert outcome.reason is F.NO_SIGNATURE


def test_a_signature_in_the_authorization_header_is_read(scene: Any, rsa_key: PrivateKey) -> None:
    headers = scene.cavage(rsa_key)
    headers["authorization"] = "signature " + headers.pop("signature")
    assert scene.refusal(scene.request(headers), rsa_key.public()) is None


def test_escaped_quotes_and_spaces_between_parameters_are_read() -> None:
    header = 'keyId = "a\\"b\\\\c" , signature="AAAA",x-new="1",headers="date  host"'
    claims = parse_claims(Request("GET", "https://a.example/", (("signature", header),)))
    assert isinstance(claims, tuple)
    assert claims[0].key_id == 'a"b\\c'
    assert claims[0].covered == {"date", "host"}


def test_the_same_signature_has_the_same_fingerprint_whatever_stands_around_it(scene: Any, rsa_key: PrivateKey) -> None:
    headers = scene.cavage(rsa_key)
    renamed = {**headers, "signature": headers["signature"].replace("#main-key", "/main-key")}
    other = scene.cavage(rsa_key, "(request-target) host date digest")
    fingerprints = []
    for each in (headers, renamed, other):
        claims = parse_claims(scene.request(each))
        assert isinstance(claims, tuple)
        fingerprints.append(replay_key(claims[0]))
    assert fingerprints[0] == fingerprints[1] != fingerprints[2]
    assert len(fingerprints[0]) == 32


def test_our_own_names_are_compared_without_case_and_default_port(scene: Any, rsa_key: PrivateKey) -> None:
    for ours, header, url in (
        ("Social.Example", "social.example", "https://social.example/users/alice/inbox"),
        ("social.example", "SOCIAL.EXAMPLE:443", "https://social.example:443/users/alice/inbox"),
        ("127.0.0.1:8420", "127.0.0.1:8420", "http://127.0.0.1:8420/users/alice/inbox"),
    ):
        headers = scene.cavage(rsa_key, headers=scene.headers(host=header))
        request = scene.request(headers, url=url)
        claims = parse_claims(request)
        assert isinstance(claims, tuple)
        assert check_claim(request, claims[0], Policy(frozenset({ours})), now=scene.now) is None
        assert isinstance(verify_claim(request, claims[0], rsa_key.public()), Proven)
        assert check_claim(request, claims[0], Policy(frozenset({"else.example"})), now=scene.now) is not None


def test_the_vectors_of_the_draft_hold(data_file: Callable[[str], Any]) -> None:
    vectors = data_file("vectors/cavage12/appendix-c.json")
    key = PublicKey.parse_pem(vectors["publicKeyPem"])
    assert isinstance(key, PublicKey)
    sent = vectors["request"]
    assert len(vectors["tests"]) == 3
    for vector in vectors["tests"]:
        listed = "" if vector["headers"] is None else f'headers="{vector["headers"]}",'
        times = "".join(f"{name}={vector[name]}," for name in ("created", "expires") if vector.get(name))
        header = f'keyId="Test",algorithm="rsa-sha256",{times}{listed}signature="{vector["signature"]}"'
        url = "https://example.com" + sent["target"]
        request = Request(sent["method"], url, (*sent["headers"].items(), ("signature", header)), sent["body"].encode())
        claims = parse_claims(request)
        assert isinstance(claims, tuple)
        assert isinstance(verify_claim(request, claims[0], key), Proven), vector["name"]


def test_real_requests_of_oeee_cafe_fedify_takahe_and_mastodon_verify(
    scene: Any, data_file: Callable[[str], Any]
) -> None:
    vectors = data_file("vectors/http-signatures-real/requests.json")
    assert len(vectors) == 4
    for vector in vectors:
        headers = tuple(vector["headers"].items())
        host = vector["headers"]["host"]
        # One body was altered by those who published it: the signature holds, the digest must not.
        body = vector.get("body", "altered").encode()
        request = Request(vector["method"], f"https://{host}{vector['target']}", headers, body)
        claims = parse_claims(request)
        key = PublicKey.parse_pem(vector["publicKeyPem"])
        assert isinstance(claims, tuple)
        assert isinstance(key, PublicKey)
        assert isinstance(verify_claim(request, claims[0], key), Proven), vector["name"]
        fault = check_claim(request, claims[0], Policy(frozenset({host})), now=_date_of(request))
        assert (fault.reason if fault else None) is (None if "body" in vector else F.DIGEST_MISMATCH)


def _date_of(request: Request) -> Any:
    return parse_http_date(request.header("date") or "")


W3C = {
    "basic-request": F.NO_SIGNATURE,
    "created-ecdsa": F.UNKNOWN_ALGORITHM,
    "created-hmac": F.UNKNOWN_ALGORITHM,
    "created-rsa": F.UNKNOWN_ALGORITHM,
    "created": F.MISSING_COMPONENT,
    "default-test": F.NO_SIGNATURE,
    "duplicate-headers-request": F.MALFORMED,
    "duplicate-parameters": F.AMBIGUOUS,
    "ecdsa-signed": F.MISSING_COMPONENT,
    "ed25519-signed": F.MISSING_COMPONENT,
    "expires": F.MALFORMED,
    "ignore-case": F.NO_SIGNATURE,
    "nokeyid-request": F.MALFORMED,
    "nosignature-request": F.MALFORMED,
    "p256-signed": F.MISSING_COMPONENT,
    "rsa-signed": F.MISSING_COMPONENT,
    "zero-length": F.NO_SIGNATURE,
}


@pytest.mark.parametrize("name", W3C)
def test_the_inputs_of_the_w3c_suite_are_refused_for_the_right_reason(
    scene: Any, rsa_key: PrivateKey, data_text: Callable[[str], str], name: str
) -> None:
    request = _parse_message(data_text(f"vectors/cavage12/w3c-suite/latest/input/{name}.httpMessage"))
    assert scene.refusal(request, rsa_key.public()) is W3C[name]


def _parse_message(text: str) -> Request:
    first, *lines = text.split("\n")
    method, target, _ = first.split(" ")
    pairs = [line.split(":", 1) for line in lines if ":" in line]
    headers = tuple((name.lower(), value.strip("\r")) for name, value in pairs)
    return Request(method, f"https://example.com{target}", headers)
