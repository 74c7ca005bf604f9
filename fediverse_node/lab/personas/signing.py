"""Signs requests as other servers do: any choice and order of headers, any label for the algorithm.

spec: cavage#4.1, rfc9421#3.1. What our own server signs is made elsewhere; this is for the ways of others.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from fediverse_node.lab.personas.habits import Form, Signing
from fediverse_node.signatures.digest import content_digest_header, digest_header
from fediverse_node.signatures.http_date import dump_http_date
from fediverse_node.signatures.keys import PrivateKey

Headers = tuple[tuple[str, str], ...]


# Signed only where the habits say so; any other header that goes with a delivery is signed.
_NEVER_BY_ITSELF = frozenset(("content-type", "user-agent", "accept"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A request before it is signed: `headers` have lower-case names and are sent as well."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    key: PrivateKey
    key_id: str
    now: datetime


def sign(letter: Letter, form: Form, habits: Signing) -> Headers:
    """All headers of the letter, those of its signature included."""
    return _sign_rfc9421(letter, habits) if form is Form.RFC9421 else _sign_cavage(letter, habits)


def _sign_cavage(letter: Letter, habits: Signing) -> Headers:
    target = urlsplit(letter.url)
    more = tuple(name for name in letter.headers if name not in _NEVER_BY_ITSELF)
    names = (*habits.post, *more) if letter.method == "POST" else habits.get
    headers = {"host": target.netloc, "date": dump_http_date(letter.now), **letter.headers}
    if "digest" in names:
        headers["digest"] = digest_header(letter.body)
    query = f"?{target.query}" if target.query else ""
    values = {
        **headers,
        "(request-target)": f"{letter.method.lower()} {target.path or '/'}{query}",
        "content-length": str(len(letter.body)),
    }
    base = "\n".join(f"{name}: {values[name]}" for name in names)
    signature = b64encode(letter.key.sign(base.encode())).decode("ascii")
    listed = f'headers="{" ".join(names)}"'
    algorithm = [f'algorithm="{habits.algorithm}"'] if habits.algorithm else []
    middle = [listed, *algorithm] if habits.algorithm_last else [*algorithm, listed]
    parameters = [f'keyId="{letter.key_id}"', *middle, f'signature="{signature}"']
    return (*headers.items(), ("signature", ",".join(parameters)))


def _sign_rfc9421(letter: Letter, habits: Signing) -> Headers:
    target = urlsplit(letter.url)
    headers = {"host": target.netloc, "date": dump_http_date(letter.now), **letter.headers}
    names = list(habits.rfc9421)
    if letter.method == "POST":
        headers["content-digest"] = content_digest_header(letter.body)
    else:
        names = [name for name in names if name not in ("content-digest", "content-type")]
    values = {
        **headers,
        "@method": letter.method,
        "@target-uri": letter.url,
        "@authority": target.netloc,
    }
    listed = " ".join(f'"{name}"' for name in names)
    # The order of Fedify's parameters.
    created = int(letter.now.timestamp())
    parameters = f'({listed});alg="rsa-v1_5-sha256";keyid="{letter.key_id}";created={created}'
    lines = [f'"{name}": {values[name]}' for name in names]
    lines.append(f'"@signature-params": {parameters}')
    signature = b64encode(letter.key.sign("\n".join(lines).encode())).decode("ascii")
    return (*headers.items(), ("signature-input", f"sig1={parameters}"), ("signature", f"sig1=:{signature}:"))
