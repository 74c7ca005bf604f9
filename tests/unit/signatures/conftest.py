"""Keys made anew for each run, and a second, independent way to write signatures for tests."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from fediverse_node.base.outcome import Fail, Reason
from fediverse_node.signatures.claim import parse_claims
from fediverse_node.signatures.keys import PrivateKey, PublicKey
from fediverse_node.signatures.request import Request
from fediverse_node.signatures.verify import Policy, Proven, check_claim, verify_claim

DATA = Path(__file__).resolve().parents[3] / "../shared/data"


@pytest.fixture(scope="session")
def rsa_key() -> PrivateKey:
    return PrivateKey.generate_rsa()


@pytest.fixture(scope="session")
def another_rsa_key() -> PrivateKey:
    return PrivateKey.generate_rsa()


@pytest.fixture(scope="session")
def ed25519_key() -> PrivateKey:
    return PrivateKey.generate_ed25519()


@pytest.fixture(scope="session")
def keys(rsa_key: PrivateKey, another_rsa_key: PrivateKey, ed25519_key: PrivateKey) -> Mapping[str, PrivateKey]:
    return {"rsa": rsa_key, "another rsa": another_rsa_key, "ed25519": ed25519_key}


@pytest.fixture(scope="session")
def data_file() -> Callable[[str], Any]:
    """Reads a JSON file of the shared test data, or skips the test."""

    return lambda name: json.loads(_read(name))


@pytest.fixture(scope="session")
def data_text() -> Callable[[str], str]:
    """Reads a text file of the shared test data, or skips the test."""
    return _read


def _read(name: str) -> str:
    path = DATA / name
    if not path.is_file():
        pytest.skip(f"the shared test data are not here: {name}")
    return path.read_text("utf-8")


@dataclass(frozen=True)
class Scene:
    """A post to our inbox as a peer sends it, and the means to sign it in any way, good or bad."""

    now = datetime(2026, 11, 21, 20, 0, 0, tzinfo=UTC)
    date = "Sat, 21 Nov 2026 20:00:00 GMT"
    created = 1795291200
    host = "social.example"
    path = "/users/alice/inbox"
    key_id = "https://peer.example/users/bob#main-key"
    body = b'{"type":"Like"}'

    @property
    def digest(self) -> str:
        return "SHA-256=" + base64.b64encode(hashlib.sha256(self.body).digest()).decode()

    @property
    def content_digest(self) -> str:
        return "sha-256=:" + base64.b64encode(hashlib.sha256(self.body).digest()).decode() + ":"

    @property
    def url(self) -> str:
        return f"https://{self.host}{self.path}"

    def headers(self, **changed: str | None) -> dict[str, str]:
        """The usual headers; a name with underscores changes one, None takes it away."""
        usual: dict[str, str | None] = {
            "host": self.host,
            "date": self.date,
            "content-type": "application/activity+json",
            "digest": self.digest,
            "content-digest": self.content_digest,
            **{name.replace("_", "-"): value for name, value in changed.items()},
        }
        return {name: value for name, value in usual.items() if value is not None}

    def request(
        self, headers: Mapping[str, str], *, method: str = "POST", url: str = "", body: bytes | None = None
    ) -> Request:
        return Request(method, url or self.url, tuple(headers.items()), self.body if body is None else body)

    def refusal(self, request: Request, key: PublicKey, *, now: datetime | None = None) -> Reason | None:
        """Receive `request` the whole way; why it is refused, None if it is proven."""
        claims = parse_claims(request)
        if isinstance(claims, Fail):
            return claims.reason
        fault = check_claim(request, claims[0], Policy(frozenset({self.host})), now=now or self.now)
        if fault is not None:
            return fault.reason
        outcome = verify_claim(request, claims[0], key)
        if isinstance(outcome, Fail):
            return outcome.reason
        assert isinstance(outcome, Proven)
        assert outcome.key_id == claims[0].key_id
        return None

    def cavage(
        self,
        key: PrivateKey,
        names: str = "(request-target) host date digest content-type",
        *,
        headers: Mapping[str, str] | None = None,
        target: str = f"post {path}",
        parameters: str = 'algorithm="rsa-sha256",',
        signed: str | None = None,
        created: str = "",
        expires: str = "",
    ) -> dict[str, str]:
        """The headers with a `Signature` whose `headers` is `names`; `signed` if the string has others."""
        headers = self.headers() if headers is None else headers
        special = {"(request-target)": target, "(created)": created.strip('"'), "(expires)": expires.strip('"')}
        wanted = (names if signed is None else signed).split()
        base = "\n".join(f"{name}: {special.get(name, headers.get(name, ''))}" for name in wanted)
        signature = base64.b64encode(key.sign(base.encode())).decode()
        times = (f"created={created}," if created else "") + (f"expires={expires}," if expires else "")
        value = f'keyId="{self.key_id}",{parameters}{times}headers="{names}",signature="{signature}"'
        return {**headers, "signature": value}

    def rfc9421(
        self,
        key: PrivateKey,
        components: Sequence[str] = ('"@method"', '"@target-uri"', '"content-digest"'),
        *,
        values: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        parameters: str = f';created={created};keyid="{key_id}"',
        label: str = "sig1",
    ) -> dict[str, str]:
        """The headers with `Signature-Input` and `Signature`; `values` overrides what is signed."""
        headers = self.headers() if headers is None else headers
        known = {
            '"@method"': "POST",
            '"@target-uri"': self.url,
            '"@authority"': self.host,
            '"@path"': self.path,
            '"@request-target"': self.path,
            '"@scheme"': "https",
            '"@query"': "?",
            **{f'"{name}"': value for name, value in headers.items()},
            **(values or {}),
        }
        params = f"({' '.join(components)}){parameters}"
        lines = [f"{component}: {known.get(component, '')}" for component in components]
        base = "\n".join([*lines, f'"@signature-params": {params}'])
        signature = base64.b64encode(key.sign(base.encode())).decode()
        return {**headers, "signature-input": f"{label}={params}", "signature": f"{label}=:{signature}:"}


@pytest.fixture(scope="session")
def scene() -> Scene:
    return Scene()
