"""Requests that Fedify, GoToSocial and snac2 really sent: each one is proven, at the time it was sent."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fediverse_node.base.outcome import Fail
from fediverse_node.signatures.claim import parse_claims
from fediverse_node.signatures.http_date import parse_http_date
from fediverse_node.signatures.keys import PublicKey
from fediverse_node.signatures.reasons import SignatureFault
from fediverse_node.signatures.request import Request
from fediverse_node.signatures.verify import Policy, Proven, check_claim, verify_claim

DATA = Path(__file__).resolve().parents[3] / "../shared/data"
FOLDERS = ("payloads/_wire/*", "wire/*")


def _captures() -> Iterator[tuple[str, Any]]:
    for folder in FOLDERS:
        for path in sorted(DATA.glob(f"{folder}/*.json")):
            yield f"{path.parent.name}/{path.name}", json.loads(path.read_text("utf-8"))


def _published_keys(value: Any, found: dict[str, str]) -> None:
    if isinstance(value, dict):
        if isinstance(value.get("publicKeyPem"), str) and isinstance(value.get("id"), str):
            found[value["id"]] = value["publicKeyPem"]
        for inner in value.values():
            _published_keys(inner, found)
    elif isinstance(value, list):
        for inner in value:
            _published_keys(inner, found)
    elif isinstance(value, str) and value.startswith("{"):
        # The bodies of requests and of answers.
        with contextlib.suppress(ValueError):
            _published_keys(json.loads(value), found)


@pytest.fixture(scope="module")
def captures() -> list[tuple[str, Request, PublicKey]]:
    """All captured requests whose key is known."""
    if not DATA.is_dir():
        pytest.skip("the shared test data are not here")
    documents = list(_captures())
    keys: dict[str, str] = {}
    for _, document in documents:
        _published_keys(document, keys)
    found = []
    for name, document in documents:
        if "method" not in document or "/doc-" in name:
            continue
        headers = tuple((header.lower(), value) for header, value in document["headers"])
        scheme, host = document.get("scheme", "http"), dict(headers)["host"]
        url = f"{scheme}://{host}{document['target']}"
        request = Request(document["method"], url, headers, document["body"].encode())
        claims = parse_claims(request)
        assert isinstance(claims, tuple), name
        pem = document.get("publicKeyPem") or keys.get(claims[0].key_id)
        if pem is not None:
            key = PublicKey.parse_pem(pem)
            assert isinstance(key, PublicKey), name
            found.append((name, request, key))
    return found


def test_every_captured_request_is_proven_and_no_changed_one(captures: list[tuple[str, Request, PublicKey]]) -> None:
    for name, request, key in captures:
        claims = parse_claims(request)
        assert isinstance(claims, tuple), name
        policy = Policy(frozenset({request.header("host") or ""}))
        now = parse_http_date(request.header("date") or "")
        assert now is not None, name
        assert check_claim(request, claims[0], policy, now=now) is None, name
        assert isinstance(verify_claim(request, claims[0], key), Proven), name
        for forged in _changed(request):
            fault = check_claim(forged, claims[0], policy, now=now) or verify_claim(forged, claims[0], key)
            assert isinstance(fault, Fail), name


def _changed(request: Request) -> Iterator[Request]:
    yield Request("DELETE", request.url, request.headers, request.body)
    yield Request(request.method, request.url + "x", request.headers, request.body)
    yield Request(request.method, request.url, request.headers, request.body + b" ")
    dated = tuple((n, v.replace(":", ":0", 1) if n == "date" else v) for n, v in request.headers)
    yield Request(request.method, request.url, dated, request.body)


def test_the_captures_are_of_both_standards(captures: list[tuple[str, Request, PublicKey]]) -> None:
    schemes = []
    for _, request, _ in captures:
        claims = parse_claims(request)
        assert isinstance(claims, tuple)
        schemes.append(claims[0].scheme)
    assert schemes.count("cavage") >= 150
    assert schemes.count("rfc9421") >= 10


def test_a_request_captured_for_another_server_is_refused(captures: list[tuple[str, Request, PublicKey]]) -> None:
    for name, request, _ in captures:
        claims = parse_claims(request)
        now = parse_http_date(request.header("date") or "")
        assert isinstance(claims, tuple)
        assert now is not None
        fault = check_claim(request, claims[0], Policy(frozenset({"social.example"})), now=now)
        assert fault is not None
        assert fault.reason is SignatureFault.WRONG_HOST, name
