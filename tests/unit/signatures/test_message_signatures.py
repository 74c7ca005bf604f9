"""RFC 9421: what is accepted, that nothing signed can be changed, and an independent library agrees."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import http_message_signatures
import pytest
from http_message_signatures.structures import CaseInsensitiveDict

from fediverse_node.base.outcome import Fail
from fediverse_node.signatures.claim import parse_claims
from fediverse_node.signatures.keys import PrivateKey, PublicKey
from fediverse_node.signatures.message_signatures import message_bases
from fediverse_node.signatures.reasons import SignatureFault
from fediverse_node.signatures.request import Request
from fediverse_node.signatures.sign import sign_rfc9421
from fediverse_node.signatures.verify import Policy, Proven, check_claim, verify_claim

F = SignatureFault
USUAL = ('"@method"', '"@target-uri"', '"content-digest"')
KEY_ID = ';keyid="https://peer.example/users/bob#main-key"'


@pytest.mark.parametrize(
    "signing",
    [
        pytest.param({}, id="Mastodon: method, target-uri, content-digest"),
        pytest.param(
            {"components": ('"@method"', '"@target-uri"', '"@authority"', '"host"', '"date"', '"content-digest"')},
            id="Fedify",
        ),
        pytest.param({"parameters": f';created=1795291200{KEY_ID};alg="rsa-v1_5-sha256"'}, id="with alg"),
        pytest.param({"parameters": f';alg="rsa-v1_5-sha256"{KEY_ID};created=1795291200'}, id="another order"),
        pytest.param({"parameters": f';created=1795291200;expires=1795294800{KEY_ID};nonce="n";tag="t"'}, id="all"),
        pytest.param({"parameters": f";created=1795291200{KEY_ID};flag;x=1.5;y=:AAAA:;z=tok;no=?0"}, id="unknown ones"),
        pytest.param({"components": ('"@method"', '"@path"', '"@authority"', '"content-digest"')}, id="path"),
        pytest.param(
            {"components": ('"@method"', '"@request-target"', '"host"', '"content-digest"')}, id="host header"
        ),
        pytest.param({"components": ('"@method"', '"@target-uri"', '"digest"')}, id="the older digest header"),
        pytest.param(
            {"components": (*USUAL, '"@scheme"', '"@query"', '"date"', '"content-type"')}, id="more than needed"
        ),
        pytest.param({"components": (*USUAL, '"date"'), "parameters": KEY_ID}, id="date in place of created"),
        pytest.param({"label": "another-label"}, id="label"),
    ],
)
def test_the_ways_in_which_peers_sign_are_accepted(scene: Any, rsa_key: PrivateKey, signing: dict[str, Any]) -> None:
    request = scene.request(scene.rfc9421(rsa_key, **signing))
    assert scene.refusal(request, rsa_key.public()) is None


def test_an_ed25519_signature_is_accepted(scene: Any, ed25519_key: PrivateKey) -> None:
    for algorithm in ("", ';alg="ed25519"'):
        headers = scene.rfc9421(ed25519_key, parameters=f";created=1795291200{KEY_ID}{algorithm}")
        assert scene.refusal(scene.request(headers), ed25519_key.public()) is None


@pytest.mark.parametrize(
    "signing, reason",
    [
        pytest.param({"components": USUAL[1:]}, F.MISSING_COMPONENT, id="no method"),
        pytest.param({"components": (USUAL[0], USUAL[2])}, F.MISSING_COMPONENT, id="no target"),
        pytest.param({"components": (USUAL[0], '"@path"', USUAL[2])}, F.MISSING_COMPONENT, id="no host"),
        pytest.param({"components": (USUAL[0], '"@authority"', USUAL[2])}, F.MISSING_COMPONENT, id="host, no path"),
        pytest.param({"components": USUAL[:2]}, F.DIGEST_MISSING, id="no digest: Fedify accepted this"),
        pytest.param({"components": ()}, F.MISSING_COMPONENT, id="nothing at all"),
        pytest.param({"parameters": KEY_ID}, F.MISSING_COMPONENT, id="no time"),
        pytest.param({"components": (*USUAL, '"x-none"')}, F.MISSING_COMPONENT, id="a header that is not there"),
        pytest.param({"components": (*USUAL, '"@method"')}, F.AMBIGUOUS, id="a component twice"),
        pytest.param({"components": (*USUAL, '"@status"')}, F.UNSUPPORTED_COMPONENT, id="status of a request"),
        pytest.param({"components": (*USUAL, '"@new"')}, F.UNSUPPORTED_COMPONENT, id="unknown derived component"),
        pytest.param({"components": (*USUAL, '"Date"')}, F.UNSUPPORTED_COMPONENT, id="a name in capitals"),
        pytest.param({"components": (*USUAL, "date")}, F.UNSUPPORTED_COMPONENT, id="a token for a name"),
        pytest.param({"components": (*USUAL, "1")}, F.UNSUPPORTED_COMPONENT, id="a number for a name"),
        pytest.param({"components": (*USUAL[:2], f'{USUAL[2]};key="sha-256"')}, F.UNSUPPORTED_COMPONENT, id="key"),
        pytest.param({"components": (*USUAL[:2], f"{USUAL[2]};sf")}, F.UNSUPPORTED_COMPONENT, id="sf"),
        pytest.param({"components": (*USUAL, '"date";bs')}, F.UNSUPPORTED_COMPONENT, id="bs"),
        pytest.param({"components": (f"{USUAL[0]};req", *USUAL[1:])}, F.UNSUPPORTED_COMPONENT, id="req"),
        pytest.param({"components": (*USUAL, '"date";tr')}, F.UNSUPPORTED_COMPONENT, id="tr"),
        pytest.param({"components": (*USUAL, '"@query-param"')}, F.MALFORMED, id="query-param without a name"),
        pytest.param({"components": (*USUAL, '"@query-param";name=1')}, F.MALFORMED, id="query-param, odd name"),
        pytest.param({"components": tuple(f'"x{n}"' for n in range(65))}, F.TOO_LARGE, id="65 components"),
        pytest.param({"parameters": ";created=1795291200"}, F.MALFORMED, id="no keyid"),
        pytest.param({"parameters": ";created=1795291200;keyid=tok"}, F.MALFORMED, id="keyid is a token"),
        pytest.param({"parameters": f";created{KEY_ID}"}, F.MALFORMED, id="created is a flag"),
        pytest.param({"parameters": f';created="1795291200"{KEY_ID}'}, F.MALFORMED, id="created is a string"),
        pytest.param({"parameters": f";created=1795291200.5{KEY_ID}"}, F.MALFORMED, id="created is a decimal"),
        pytest.param({"parameters": f";created=-1{KEY_ID}"}, F.MALFORMED, id="created before 1970"),
        pytest.param({"parameters": f";created=999999999999999{KEY_ID}"}, F.MALFORMED, id="created far away"),
        pytest.param({"parameters": f";created=1;created=1795291200{KEY_ID}"}, F.AMBIGUOUS, id="created twice"),
        pytest.param({"parameters": f'{KEY_ID};alg="rsa-pss-sha512"'}, F.UNKNOWN_ALGORITHM, id="pss"),
        pytest.param({"parameters": f'{KEY_ID};alg="hmac-sha256"'}, F.UNKNOWN_ALGORITHM, id="hmac"),
        pytest.param({"parameters": f'{KEY_ID};alg="rsa-sha256"'}, F.UNKNOWN_ALGORITHM, id="a name of the old draft"),
        pytest.param({"parameters": f';created=1795291200{KEY_ID};alg="ed25519"'}, F.KEY_MISMATCH, id="alg of others"),
        pytest.param({"parameters": f";created=1795291200;expires=1795291200{KEY_ID}"}, F.EXPIRED, id="expired"),
        pytest.param({"parameters": f";created=1795247999{KEY_ID}"}, F.TOO_OLD, id="12 hours and a second old"),
        pytest.param({"parameters": f";created=1795294801{KEY_ID}"}, F.IN_THE_FUTURE, id="an hour ahead"),
    ],
)
def test_a_signature_that_is_not_enough_is_refused_with_its_reason(
    scene: Any, rsa_key: PrivateKey, signing: dict[str, Any], reason: SignatureFault
) -> None:
    assert scene.refusal(scene.request(scene.rfc9421(rsa_key, **signing)), rsa_key.public()) is reason


ALL = ('"@method"', '"@target-uri"', '"@authority"', '"host"', '"date"', '"content-type"', '"content-digest"')


@pytest.mark.parametrize(
    "changed, reason",
    [
        pytest.param({"method": "PUT"}, F.BAD_SIGNATURE, id="method"),
        pytest.param({"method": "post"}, F.BAD_SIGNATURE, id="method in lower case"),
        pytest.param({"url": "https://social.example/users/bob/inbox"}, F.BAD_SIGNATURE, id="path"),
        pytest.param({"url": "https://social.example/users/alice/inbox?x"}, F.BAD_SIGNATURE, id="query"),
        pytest.param({"url": "http://social.example/users/alice/inbox"}, F.BAD_SIGNATURE, id="scheme"),
        pytest.param({"url": "https://other.example/users/alice/inbox"}, F.WRONG_HOST, id="authority"),
        pytest.param({"host": "other.example"}, F.WRONG_HOST, id="host"),
        pytest.param({"body": b'{"type":"Block"}'}, F.DIGEST_MISMATCH, id="body"),
        pytest.param({"date": "Sat, 21 Nov 2026 20:00:01 GMT"}, F.BAD_SIGNATURE, id="date"),
        pytest.param({"date": None}, F.MISSING_COMPONENT, id="date taken away"),
        pytest.param({"content-type": "text/plain"}, F.BAD_SIGNATURE, id="content type"),
        pytest.param({"content-type": "a\nb"}, F.MALFORMED, id="a line break in a header"),
        pytest.param({"content-type": "é"}, F.MALFORMED, id="not ascii"),
        pytest.param({"content-digest": "sha-256=:AAAA:"}, F.DIGEST_MISMATCH, id="digest"),
        pytest.param({"content-digest": None}, F.MISSING_COMPONENT, id="digest taken away"),
        pytest.param({"digest": "SHA-256=AAAA", "user-agent": "x"}, None, id="what is not signed may change"),
    ],
)
def test_nothing_that_is_signed_can_be_changed(
    scene: Any, rsa_key: PrivateKey, changed: dict[str, Any], reason: SignatureFault | None
) -> None:
    headers = {
        **scene.rfc9421(rsa_key, ALL),
        **{k: v for k, v in changed.items() if k not in ("method", "url", "body")},
    }
    request = scene.request(
        {name: value for name, value in headers.items() if value is not None},
        method=changed.get("method", "POST"),
        url=changed.get("url", ""),
        body=changed.get("body"),
    )
    assert scene.refusal(request, rsa_key.public()) is reason


@pytest.mark.parametrize(
    "old, new",
    [
        ("created=1795291200", "created=1795291201"),
        ("#main-key", "#other-key"),
        (' "content-digest"', ' "content-digest" "date"'),
        ('"@method" "@target-uri"', '"@target-uri" "@method"'),
        (";keyid", ';nonce="x";keyid'),
    ],
)
def test_the_parameters_are_signed_too(scene: Any, rsa_key: PrivateKey, old: str, new: str) -> None:
    headers = scene.rfc9421(rsa_key)
    assert old in headers["signature-input"]
    headers["signature-input"] = headers["signature-input"].replace(old, new)
    assert scene.refusal(scene.request(headers), rsa_key.public()) is F.BAD_SIGNATURE


def test_the_path_alone_is_not_the_target_if_there_is_a_query(scene: Any, rsa_key: PrivateKey) -> None:
    components = ['"@method"', '"@path"', '"@authority"', '"content-digest"']
    url = f"{scene.url}?page=1"
    request = scene.request(scene.rfc9421(rsa_key, components), url=url)
    assert scene.refusal(request, rsa_key.public()) is F.MISSING_COMPONENT
    headers = scene.rfc9421(rsa_key, [*components, '"@query"'], values={'"@query"': "?page=1"})
    assert scene.refusal(scene.request(headers, url=url), rsa_key.public()) is None


@pytest.mark.parametrize(
    "query, name, value",
    [
        ("?Pet=dog&x=1", "Pet", "dog"),
        ("?a=%7E+%20%2F~*-._", "a", "%7E%20%20%2F%7E*-._"),
        ("?a=", "a", ""),
        ("?b%20c=d", "b%20c", "d"),
    ],
)
def test_a_single_query_parameter_can_be_signed(
    scene: Any, rsa_key: PrivateKey, query: str, name: str, value: str
) -> None:
    component = f'"@query-param";name="{name}"'
    url = scene.url + query
    headers = scene.rfc9421(rsa_key, [*USUAL, component], values={'"@target-uri"': url, component: value})
    assert scene.refusal(scene.request(headers, url=url), rsa_key.public()) is None


@pytest.mark.parametrize("query", ["", "?b=1", "?a=1&a=2", "?" + "b=1&" * 100])
def test_a_query_parameter_that_is_not_there_once_proves_nothing(scene: Any, rsa_key: PrivateKey, query: str) -> None:
    component = '"@query-param";name="a"'
    url = scene.url + query
    headers = scene.rfc9421(rsa_key, [*USUAL, component], values={'"@target-uri"': url, component: "1"})
    assert scene.refusal(scene.request(headers, url=url), rsa_key.public()) is F.MISSING_COMPONENT


def test_a_key_id_with_its_fragment_in_the_target_of_a_get_is_accepted(scene: Any, rsa_key: PrivateKey) -> None:
    """Fedify signs the fragment when it fetches our key."""
    components = ('"@method"', '"@target-uri"')
    for fragment, reason in (("main-key", None), ("ed25519-key", None), ("else", F.BAD_SIGNATURE)):
        values = {'"@method"': "GET", '"@target-uri"': f"{scene.url}#{fragment}"}
        headers = scene.rfc9421(rsa_key, components, values=values)
        assert scene.refusal(scene.request(headers, method="GET", body=b""), rsa_key.public()) is reason
    headers = scene.rfc9421(rsa_key, values={'"@target-uri"': f"{scene.url}#main-key"})
    assert scene.refusal(scene.request(headers), rsa_key.public()) is F.BAD_SIGNATURE


def test_of_several_signatures_the_acceptable_ones_are_kept_and_at_most_four(scene: Any, rsa_key: PrivateKey) -> None:
    pss = scene.rfc9421(rsa_key, label="pss", parameters=f'{KEY_ID};alg="rsa-pss-sha512"')
    good = [scene.rfc9421(rsa_key, label=f"good{n}") for n in range(5)]
    for several, labels in (([pss, good[0]], ["good0"]), (good, ["good0", "good1", "good2", "good3"])):
        headers = scene.headers()
        for name in ("signature-input", "signature"):
            headers[name] = ", ".join(each[name] for each in several)
        request = scene.request(headers)
        claims = parse_claims(request)
        assert isinstance(claims, tuple)
        assert [claim.label for claim in claims] == labels
        for claim in claims:
            assert check_claim(request, claim, Policy(frozenset({scene.host})), now=scene.now) is None
            assert isinstance(verify_claim(request, claim, rsa_key.public()), Proven)


def test_the_older_kind_counts_as_one_of_the_four(scene: Any, rsa_key: PrivateKey) -> None:
    headers = scene.headers()
    for number in range(4):
        for name in ("signature-input", "signature"):
            one = scene.rfc9421(rsa_key, label=f"s{number}")[name]
            headers[name] = f"{headers[name]}, {one}" if name in headers else one
    headers["authorization"] = "Signature " + scene.cavage(rsa_key)["signature"]
    claims = parse_claims(scene.request(headers))
    assert isinstance(claims, tuple)
    assert [claim.scheme for claim in claims] == ["rfc9421"] * 4


@pytest.mark.parametrize("host", ["social.example/x?", "social.example#", "a@social.example", "social.example, x"])
def test_a_host_header_that_changes_the_meaning_of_the_url_is_refused_though_it_is_not_signed(
    scene: Any, rsa_key: PrivateKey, host: str
) -> None:
    headers = {**scene.rfc9421(rsa_key), "host": host}
    assert scene.refusal(scene.request(headers), rsa_key.public()) is F.WRONG_HOST


def test_signatures_in_lines_of_their_own_are_read_together(scene: Any, rsa_key: PrivateKey) -> None:
    one, two = scene.rfc9421(rsa_key, label="one"), scene.rfc9421(rsa_key, label="two")
    lines = [(name, each[name]) for each in (one, two) for name in ("signature-input", "signature")]
    claims = parse_claims(Request("POST", scene.url, (*scene.headers().items(), *lines), scene.body))
    assert isinstance(claims, tuple)
    assert [claim.label for claim in claims] == ["one", "two"]


@pytest.mark.parametrize(
    "signature_input, signature, reason",
    [
        ("", "", F.NO_SIGNATURE),
        ("sig1=()", "", F.MALFORMED),
        ('sig1=();keyid="k"', "sig2=:AAAA:", F.MALFORMED),
        ('sig1=();keyid="k"', "sig1=AAAA", F.MALFORMED),
        ('sig1=();keyid="k"', "sig1=::", F.MALFORMED),
        ('sig1=();keyid="k"', 'keyId="k",signature="AAAA"', F.MALFORMED),
        ('sig1=();keyid="k"', "sig1=:A:", F.MALFORMED),
        ('sig1="@method";keyid="k"', "sig1=:AAAA:", F.MALFORMED),
        ("sig1", "sig1=:AAAA:", F.MALFORMED),
        ('sig1=("@method"', "sig1=:AAAA:", F.MALFORMED),
        ("\udc80", "sig1=:AAAA:", F.MALFORMED),
        ('sig1=();keyid="k",sig1=();keyid="l"', "sig1=:AAAA:", F.AMBIGUOUS),
        ('sig1=();keyid="k"', "sig1=:AAAA:, sig1=:BBBB:", F.AMBIGUOUS),
        ('sig1=();keyid="' + "k" * 3000 + '"', "sig1=:AAAA:", F.MALFORMED),
        ('sig1=();keyid="' + "k" * 20000 + '"', "sig1=:AAAA:", F.TOO_LARGE),
    ],
)
def test_headers_that_are_no_signature_are_refused_with_their_reason(
    signature_input: str, signature: str, reason: SignatureFault
) -> None:
    headers = (("signature-input", signature_input), ("signature", signature))
    outcome = parse_claims(Request("POST", "https://a.example/", headers))
    assert isinstance(outcome, Fail)
    assert outcome.reason is reason


def test_an_older_signature_beside_a_new_one_that_we_cannot_read_still_counts(scene: Any, rsa_key: PrivateKey) -> None:
    headers = scene.rfc9421(rsa_key, parameters=f'{KEY_ID};alg="rsa-pss-sha512"')
    headers["authorization"] = "Signature " + scene.cavage(rsa_key)["signature"]
    assert scene.refusal(scene.request(headers), rsa_key.public()) is None


def test_the_vectors_of_the_rfc_hold(data_file: Callable[[str], Any]) -> None:
    vectors = data_file("vectors/rfc9421/appendix-b.json")
    head, _, body = vectors["test_request"].partition("\n\n")
    lines = [line.split(": ", 1) for line in head.split("\n")[1:]]
    checked = 0
    for case in vectors["cases"]:
        if case["message"] != "test-request":
            continue
        headers = [(name.lower(), value) for name, value in lines]
        headers += [("signature-input", case["signature_input"]), ("signature", case["signature"])]
        request = Request("POST", "https://example.com/foo?param=Value&Pet=dog", tuple(headers), body.encode())
        claims = parse_claims(request)
        assert isinstance(claims, tuple), case["title"]
        assert claims[0].label == case["label"]
        assert next(message_bases(request, claims[0])) == case["signature_base"].encode(), case["title"]
        if case["alg"] == "ed25519":
            key = PublicKey.parse_pem(vectors["keys"]["test-key-ed25519"]["publicPem"])
            assert isinstance(key, PublicKey)
            assert isinstance(verify_claim(request, claims[0], key), Proven)
            checked += 1
    assert checked == 1


@dataclass
class Message:
    """A request as the independent library wants it."""

    method: str
    url: str
    headers: Any


# The library has no types for this one.
Fields: Any = CaseInsensitiveDict


class Resolver(http_message_signatures.HTTPSignatureKeyResolver):
    def __init__(self, key: PrivateKey) -> None:
        self._key = key

    def resolve_public_key(self, key_id: str) -> bytes:
        return self._key.public().pem().encode()

    def resolve_private_key(self, key_id: str) -> bytes:
        return self._key.pem().encode()


ALGORITHMS = {
    "rsa": http_message_signatures.algorithms.RSA_V1_5_SHA256,
    "ed25519": http_message_signatures.algorithms.ED25519,
}


@pytest.mark.parametrize("name", ["rsa", "ed25519"])
@pytest.mark.parametrize("url", ["https://social.example/users/alice/inbox", "https://social.example:444/x?y=%20z&q=~"])
def test_an_independent_library_accepts_what_we_sign(
    scene: Any, keys: Mapping[str, PrivateKey], name: str, url: str
) -> None:
    now = datetime.now(UTC)
    request = Request("POST", url, (("content-type", "application/activity+json"),), scene.body)
    signed = sign_rfc9421(request, key=keys[name], key_id=scene.key_id, now=now, nonce="once")
    message = Message("POST", url, Fields([*request.headers, *signed]))
    verifier = http_message_signatures.HTTPMessageVerifier(
        signature_algorithm=ALGORITHMS[name], key_resolver=Resolver(keys[name])
    )
    results = verifier.verify(message, max_age=timedelta(minutes=5), body=scene.body)
    assert len(results) == 1
    assert results[0].parameters["keyid"] == scene.key_id
    assert {'"@method"', '"@target-uri"', '"content-digest"'} <= results[0].covered_components.keys()


@pytest.mark.parametrize("name", ["rsa", "ed25519"])
@pytest.mark.parametrize(
    "url, components",
    [
        ("https://social.example/users/alice/inbox", ("@method", "@target-uri", "date")),
        ("https://social.example/x?y=%20z&q=~+a%2F", ("@method", "@path", "@query", "@authority", "@scheme")),
        ("https://social.example/x?y=%20z&q=~+a", ("@method", "@request-target", "host", '"@query-param";name="q"')),
        ("https://social.example/", ("@method", "@target-uri", "content-type")),
    ],
)
def test_we_accept_what_an_independent_library_signs(
    scene: Any, keys: Mapping[str, PrivateKey], name: str, url: str, components: tuple[str, ...]
) -> None:
    headers = [(n, v) for n, v in scene.headers(content_digest=None, digest=None).items()]
    message = Message("POST", url, Fields(headers))
    signer = http_message_signatures.HTTPMessageSigner(
        signature_algorithm=ALGORITHMS[name], key_resolver=Resolver(keys[name])
    )
    signer.sign(
        message,
        key_id=scene.key_id,
        created=scene.now,
        expires=scene.now + timedelta(minutes=5),
        nonce="once",
        tag="test",
        covered_component_ids=components,
        body=scene.body,
    )
    received = {n.lower(): v for n, v in message.headers.items()}
    assert scene.refusal(scene.request(received, url=url), keys[name].public()) is None
    assert scene.refusal(scene.request(received, url=url + "x"), keys[name].public()) is not None
