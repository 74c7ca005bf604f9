"""Digests: the body has to be the one that was signed."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from typing import Any

import pytest

from fediverse_node.base.outcome import Fail
from fediverse_node.signatures.digest import content_digest_header, digest_header, verify_digest
from fediverse_node.signatures.reasons import SignatureFault
from fediverse_node.signatures.request import Request

BODY = b'{"hello": "world"}'
SHA256 = "X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE="
SHA512 = "WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew=="
WRONG = base64.b64encode(hashlib.sha256(b"another body").digest()).decode()

F = SignatureFault


@pytest.mark.parametrize(
    "covered, headers, reason",
    [
        pytest.param("digest", {"digest": f"SHA-256={SHA256}"}, None, id="the usual one"),
        pytest.param("digest", {"digest": f"sha-256={SHA256}"}, None, id="lower case, as cattle_grid sends it"),
        pytest.param("digest", {"digest": f"SHA-512={SHA512}"}, None, id="sha-512"),
        pytest.param("digest", {"digest": f"SHA-512={SHA512}, SHA-256={SHA256}"}, None, id="two that match"),
        pytest.param("digest", {"digest": f"MD5=abc, unixsum=1,SHA-256={SHA256}"}, None, id="unknown ones beside it"),
        pytest.param("content-digest", {"content-digest": f"sha-256=:{SHA256}:"}, None, id="content-digest"),
        pytest.param("content-digest", {"content-digest": f"sha-512=:{SHA512}:"}, None, id="content-digest sha-512"),
        pytest.param(
            "content-digest", {"content-digest": f"md5=:AAAA:, sha-256=:{SHA256}:;q=1"}, None, id="dictionary"
        ),
        pytest.param(
            "content-digest",
            {"content-digest": f"sha-256=:{SHA256}:", "digest": f"SHA-256={WRONG}"},
            None,
            id="an uncovered wrong one beside it says nothing",
        ),
        pytest.param("digest", {"digest": f"SHA-256={WRONG}"}, F.DIGEST_MISMATCH, id="wrong"),
        pytest.param("digest", {"digest": f"SHA-256={WRONG}, SHA-512={SHA512}"}, F.DIGEST_MISMATCH, id="one wrong"),
        pytest.param("digest", {"digest": f"SHA-256={SHA256}, SHA-256={WRONG}"}, F.AMBIGUOUS, id="two of a kind"),
        pytest.param("digest content-digest", {"digest": f"SHA-256={SHA256}"}, F.DIGEST_MISSING, id="covered, absent"),
        pytest.param(
            "digest content-digest",
            {"digest": f"SHA-256={SHA256}", "content-digest": f"sha-256=:{WRONG}:"},
            F.DIGEST_MISMATCH,
            id="both covered, one wrong",
        ),
        pytest.param("date", {"digest": f"SHA-256={SHA256}"}, F.DIGEST_MISSING, id="not covered"),
        pytest.param("digest", {}, F.DIGEST_MISSING, id="absent"),
        pytest.param("digest", {"digest": "MD5=abc"}, F.DIGEST_MISSING, id="only md5"),
        pytest.param("digest", {"digest": ""}, F.DIGEST_MISSING, id="empty"),
        pytest.param("digest", {"digest": "SHA-256=???"}, F.MALFORMED, id="not base64"),
        pytest.param("digest", {"digest": "," * 100}, F.TOO_LARGE, id="many members"),
        pytest.param("digest", {"digest": "x" * 5000}, F.TOO_LARGE, id="very long"),
        pytest.param("content-digest", {"content-digest": f"sha-256={SHA256}"}, F.MALFORMED, id="not bytes"),
        pytest.param("content-digest", {"content-digest": 'sha-256="text"'}, F.MALFORMED, id="a string"),
        pytest.param("content-digest", {"content-digest": "sha-256"}, F.MALFORMED, id="a flag"),
        pytest.param("content-digest", {"content-digest": "sha-256=:\udc80:"}, F.MALFORMED, id="not text"),
        pytest.param(
            "content-digest",
            {"content-digest": f"sha-256=:{WRONG}:, sha-256=:{SHA256}:"},
            F.AMBIGUOUS,
            id="two of a kind in content-digest",
        ),
    ],
)
def test_the_body_must_match_every_digest_that_is_signed(
    covered: str, headers: dict[str, str], reason: SignatureFault | None
) -> None:
    request = Request("POST", "https://a.example/", tuple(headers.items()), BODY)
    outcome = verify_digest(request, frozenset(covered.split()))
    assert (outcome.reason if isinstance(outcome, Fail) else None) is reason


def test_what_we_send_is_what_we_accept() -> None:
    assert digest_header(BODY) == f"SHA-256={SHA256}"
    assert content_digest_header(BODY) == f"sha-256=:{SHA256}:"


def test_the_published_digests_match(data_file: Callable[[str], Any]) -> None:
    known = data_file("vectors/rfc9530/digests-in-text.json")["known"]
    assert known
    for vector in known:
        body = vector["body"].encode()
        assert digest_header(body) == f"SHA-256={vector['sha256']}"
        for name in ("sha256", "sha512"):
            if name in vector:
                header = f"{name.replace('sha', 'sha-')}=:{vector[name]}:"
                request = Request("POST", "https://a.example/", (("content-digest", header),), body)
                assert verify_digest(request, frozenset({"content-digest"})) is None
