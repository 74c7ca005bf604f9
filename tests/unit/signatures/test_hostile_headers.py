"""Whatever a stranger sends: an outcome, never an exception, and never much work."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fediverse_node.base.outcome import Fail
from fediverse_node.signatures.claim import Claim, parse_claims
from fediverse_node.signatures.keys import PrivateKey
from fediverse_node.signatures.request import Request
from fediverse_node.signatures.verify import Policy, check_claim, verify_claim

NAMES = ("signature", "signature-input", "authorization", "date", "host", "digest", "content-digest", "content-type")
PIECES = st.sampled_from(
    [
        'keyId="k"', 'signature="AAAA"', "algorithm=hs2019", 'headers="(request-target) host date digest"', ",", ";",
        "created=1", "expires=99999999999", 'headers="(created) (expires)"', "sig1=", ":AAAA:", "()", '("@method"',
        '"@target-uri"', '"@query-param";name="x"', ")", ';keyid="k"', ";created=1.5", ";alg=rsa", ";x=@1", ';y=%"a"',
        '"', "\\", " ", "=", "?0", "-", "0", "é", "\udc80", "\ud800", "\0", "\n", "sha-256=:", "SHA-256=", "Signature ",
        ";a=-999999999999.999", ";b=:AA:", ";c=tok/x", "@99999999999999", "a.example", "[", "%41",
    ]
)  # fmt: skip
VALUES = st.text(max_size=60) | st.lists(PIECES, max_size=14).map("".join)
URLS = st.sampled_from(["https://a.example/", "https://a.example/x?x=1&y=%zz"]) | st.text(max_size=40)


@given(
    method=st.sampled_from(["GET", "POST", ""]) | st.text(max_size=5),
    url=URLS,
    headers=st.lists(st.tuples(st.sampled_from(NAMES), VALUES), max_size=8),
    body=st.binary(max_size=10),
)
def test_no_request_makes_us_raise(
    scene: Any, rsa_key: PrivateKey, method: str, url: str, headers: list[tuple[str, str]], body: bytes
) -> None:
    request = Request(method, url, tuple(headers), body)
    claims = parse_claims(request)
    for claim in claims if isinstance(claims, tuple) else ():
        fault = check_claim(request, claim, Policy(frozenset({"a.example"})), now=scene.now)
        assert fault is None or str(fault)
        assert isinstance(verify_claim(request, claim, rsa_key.public()), Fail)


@given(
    st.lists(st.sampled_from(['"@method"', '"date"', '"x"', '"@query-param";name="q"', '"@authority"']), unique=True),
    st.lists(
        st.sampled_from(
            [";a", ";b=?0", ";c=1.50", ";d=:AAE=:", ";e=tok", ';f="q\\"\\\\"', ";g=-5", ";h=@17", ';i=%"%c3%a9"']
        ),
        unique=True,
    ),
)
def test_parameters_of_any_kind_come_through_in_their_one_form(components: list[str], parameters: list[str]) -> None:
    text = f'({" ".join(components)}){"".join(parameters)};keyid="k"'
    request = Request("GET", "https://a.example/", (("signature-input", f"s={text}"), ("signature", "s=:AAAA:")))
    claims = parse_claims(request)
    assert isinstance(claims, tuple)
    assert isinstance(claims[0], Claim)
    assert claims[0].params_line == text.replace("1.50", "1.5")


N = 16_000


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"signature": 'a="' * (N // 3)}, id="quotes"),
        pytest.param({"signature": 'a="' + "\\" * N}, id="backslashes"),
        pytest.param({"signature": 'a="' + "\\a" * (N // 2) + '"'}, id="escapes"),
        pytest.param({"signature": "a=" + " " * N}, id="spaces"),
        pytest.param({"signature": ",".join(f"a{n}=b" for n in range(2000))}, id="parameters"),
        pytest.param({"signature": 'keyId="a",signature="AAAA",headers="' + "a " * 7900 + '"'}, id="headers"),
        pytest.param({"signature-input": "a=(" + '"a" ' * 3900 + ")", "signature": "a=:AAAA:"}, id="components"),
        pytest.param({"signature-input": "a=()" + ";a" * 7900, "signature": "a=:AAAA:"}, id="many parameters"),
        pytest.param({"signature-input": "a=()", "signature": "a=:" + "a" * N + ":"}, id="a long signature"),
        pytest.param(
            {
                "signature-input": ",".join(f'a{n}=("@method");keyid="x"' for n in range(300)),
                "signature": ",".join(f"a{n}=:AAAA:" for n in range(300)),
            },
            id="many labels",
        ),
        pytest.param({"signature-input": "(" * N, "signature": "a=:AAAA:"}, id="nesting"),
    ],
)
def test_the_largest_headers_are_read_or_refused_within_a_blink(headers: dict[str, str]) -> None:
    request = Request("POST", "https://a.example/", tuple(headers.items()))
    started = time.process_time()
    outcome = parse_claims(request)
    # 1 to 5 ms on the machine this was written on; anything quadratic takes seconds.
    assert time.process_time() - started < 0.25
    assert isinstance(outcome, Fail) or len(outcome) <= 4
