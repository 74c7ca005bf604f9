"""Signed requests, honest and forged: every part of a signature can be left out, changed or lied about.

spec: cavage#2, rfc9421#2. Honest requests are signed by the room `signatures`; this is for those that it refuses to
make. A letter is what goes over the wire, so what is changed after signing is changed in the letter.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from fediverse_node.protocol.media_types import ACTIVITY_JSON
from fediverse_node.protocol.uris import host_of
from fediverse_node.signatures.digest import content_digest_header, digest_header
from fediverse_node.signatures.http_date import dump_http_date
from fediverse_node.signatures.keys import PrivateKey
from fediverse_node.signatures.request import Request
from fediverse_node.signatures.sign import sign_cavage, sign_rfc9421

Headers = tuple[tuple[str, str], ...]
CAVAGE_COVER = ("(request-target)", "host", "date", "digest", "content-type")
RFC9421_COVER = ("@method", "@target-uri", "content-digest", "content-type", "date")


@dataclass(frozen=True, slots=True)
class Letter:
    """A request as it will be sent."""

    url: str
    body: bytes
    headers: Headers = ()
    method: str = "POST"

    def with_header(self, name: str, value: str | None) -> Letter:
        """The same with this header set, or (None) without it."""
        kept = tuple(pair for pair in self.headers if pair[0].lower() != name.lower())
        return replace(self, headers=kept if value is None else (*kept, (name, value)))

    def with_another(self, name: str, value: str, *, first: bool = False) -> Letter:
        """The same with one more header of this name."""
        extra = ((name, value),)
        return replace(self, headers=extra + self.headers if first else self.headers + extra)

    def header(self, name: str) -> str:
        """The first header of this name, "" without one."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")

    def with_body(self, body: bytes) -> Letter:
        """The same request with another body and the same signature."""
        return replace(self, body=body)


@dataclass(frozen=True, slots=True)
class Lie:
    """How a signature differs from an honest one. Defaults: not at all."""

    cover: tuple[str, ...] | None = None  # what is signed, in this order
    algorithm: str | None = ""  # None: no such parameter; "": the honest one
    method: str | None = None
    target: str | None = None  # path and query; of RFC 9421 the whole URI
    date: datetime | None = None
    created: int | None = None
    expires: int | None = None
    digest: str | None = None
    host: str | None = None
    signature: bytes | None = None
    signed: Mapping[str, str] = field(default_factory=dict)  # other values in the base than in the headers


def honest_cavage(
    url: str, body: bytes, *, key: PrivateKey, key_id: str, now: datetime, content_type: str = ACTIVITY_JSON
) -> Letter:
    """Signed as Mastodon signs."""
    headers: Headers = (("host", host_of(url) or ""), ("content-type", content_type))
    added = sign_cavage(Request("POST", url, headers, body), key=key, key_id=key_id, now=now)
    return Letter(url, body, headers + added)


def honest_rfc9421(
    url: str, body: bytes, *, key: PrivateKey, key_id: str, now: datetime, content_type: str = ACTIVITY_JSON
) -> Letter:
    """Signed by RFC 9421, as Mastodon 4.7 and Fedify sign."""
    headers: Headers = (("content-type", content_type),)
    added = sign_rfc9421(Request("POST", url, headers, body), key=key, key_id=key_id, now=now)
    return Letter(url, body, headers + added)


def honest_get(url: str, form: str, *, key: PrivateKey, key_id: str, now: datetime) -> Headers:
    """The headers of a signed GET; `form` is "cavage" or "rfc9421"."""
    sign = sign_cavage if form == "cavage" else sign_rfc9421
    return sign(Request("GET", url, (), b""), key=key, key_id=key_id, now=now)


def cavage(
    url: str,
    body: bytes,
    *,
    key: PrivateKey,
    key_id: str,
    now: datetime,
    lie: Lie | None = None,
    content_type: str = ACTIVITY_JSON,
) -> Letter:
    """draft-cavage with whatever `lie` changes."""
    lie = lie or Lie()
    split = Request("POST", url, ()).target
    values = {
        "host": lie.host or host_of(url) or "",
        "date": dump_http_date(lie.date or now),
        "digest": lie.digest if lie.digest is not None else digest_header(body),
        "content-type": content_type,
    }
    derived = {
        "(request-target)": f"{(lie.method or 'post').lower()} {lie.target or split.in_request_line}",
        "(created)": str(lie.created),
        "(expires)": str(lie.expires),
    }
    cover = CAVAGE_COVER if lie.cover is None else lie.cover
    base = "\n".join(f"{name}: {lie.signed.get(name, values.get(name, derived.get(name, '')))}" for name in cover)
    signature = lie.signature if lie.signature is not None else key.sign(base.encode())
    parameters = [f'keyId="{key_id}"']
    if lie.algorithm is not None:
        honest = "rsa-sha256" if key.algorithm == "rsa" else "hs2019"
        parameters.append(f'algorithm="{lie.algorithm or honest}"')
    parameters += [f"created={lie.created}"] if lie.created is not None else []
    parameters += [f"expires={lie.expires}"] if lie.expires is not None else []
    parameters += [f'headers="{" ".join(cover)}"', f'signature="{b64encode(signature).decode()}"']
    return Letter(url, body, (*values.items(), ("signature", ",".join(parameters))))


def rfc9421(
    url: str,
    body: bytes,
    *,
    key: PrivateKey,
    key_id: str,
    now: datetime,
    lie: Lie | None = None,
    content_type: str = ACTIVITY_JSON,
    nonce: str = "",
) -> Letter:
    """RFC 9421 with whatever `lie` changes."""
    lie = lie or Lie()
    values = {
        "content-type": content_type,
        "content-digest": lie.digest if lie.digest is not None else content_digest_header(body),
        "date": dump_http_date(lie.date or now),
    }
    split = Request("POST", url, ()).target
    derived = {
        "@method": lie.method or "POST",
        "@target-uri": lie.target or split.uri,
        "@authority": lie.host or split.authority,
        "@path": split.path,
        "@query": split.query or "?",
        "host": lie.host or split.authority,
    }
    cover = RFC9421_COVER if lie.cover is None else lie.cover
    honest = "rsa-v1_5-sha256" if key.algorithm == "rsa" else "ed25519"
    created = int(now.timestamp()) if lie.created is None else lie.created
    names = " ".join(f'"{name}"' for name in cover)
    params = f'({names});created={created};keyid="{key_id}"'
    params += f';alg="{lie.algorithm or honest}"' if lie.algorithm is not None else ""
    params += f";expires={lie.expires}" if lie.expires is not None else ""
    params += f';nonce="{nonce}"' if nonce else ""
    lines = [f'"{name}": {lie.signed.get(name, values.get(name, derived.get(name, "")))}' for name in cover]
    base = "\n".join([*lines, f'"@signature-params": {params}'])
    signature = lie.signature if lie.signature is not None else key.sign(base.encode())
    added = (("signature-input", f"sig1={params}"), ("signature", f"sig1=:{b64encode(signature).decode()}:"))
    return Letter(url, body, (*values.items(), *added))
