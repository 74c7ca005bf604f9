"""Sign what we send, in the old draft or in RFC 9421.

spec: cavage#4.1, rfc9421#3.1. The request that is given must be the one that goes over the wire: the
same URL, and the headers that are already decided. What is returned has to be added to it.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from fediverse_node.signatures.claim_record import has_control_characters
from fediverse_node.signatures.digest import content_digest_header, digest_header
from fediverse_node.signatures.http_date import dump_http_date
from fediverse_node.signatures.keys import KeyAlgorithm, PrivateKey
from fediverse_node.signatures.request import Request

Headers = tuple[tuple[str, str], ...]

_CAVAGE_ALGORITHMS: dict[KeyAlgorithm, str] = {"rsa": "rsa-sha256", "ed25519": "hs2019"}
_RFC9421_ALGORITHMS: dict[KeyAlgorithm, str] = {"rsa": "rsa-v1_5-sha256", "ed25519": "ed25519"}
_METHODS_WITH_BODY = frozenset(("POST", "PUT", "PATCH"))
# What counts only if it is signed.  spec: fep-8fcf#on-the-receiving-end
_SIGNED_TOO = ("collection-synchronization",)
_LABEL = "sig1"
# Everything that may stand in a URL, and "%": what is encoded already stays as it is.
_URL_SAFE = "!#$%&'()*+,/:;=?@[]~"


@dataclass(frozen=True, slots=True)
class Prepared:
    """A signature but for the costly part: sign `base` with the key, in a thread, then `finish`."""

    base: bytes
    _added: Headers
    _before: str
    _after: str

    def finish(self, signature: bytes) -> Headers:
        """The headers to add to the request, `signature` being the key's over `base`."""
        encoded = b64encode(signature).decode("ascii")
        return (*self._added, ("signature", f"{self._before}{encoded}{self._after}"))


def sign_cavage(request: Request, *, key: PrivateKey, key_id: str, now: datetime) -> Headers:
    """The headers to add: host, date and digest where they are missing, and signature."""
    prepared = prepare_cavage(request, algorithm=key.algorithm, key_id=key_id, now=now)
    return prepared.finish(key.sign(prepared.base))


def sign_rfc9421(request: Request, *, key: PrivateKey, key_id: str, now: datetime, nonce: str | None = None) -> Headers:
    """The headers to add: date and content-digest where they are missing, signature-input, signature."""
    prepared = prepare_rfc9421(request, algorithm=key.algorithm, key_id=key_id, now=now, nonce=nonce)
    return prepared.finish(key.sign(prepared.base))


def prepare_cavage(request: Request, *, algorithm: KeyAlgorithm, key_id: str, now: datetime) -> Prepared:
    """All of `sign_cavage` but the signing. Raises ValueError if `key_id` cannot stand in a header."""
    _refuse_unquotable(key_id)
    added: list[tuple[str, str]] = []
    host = _existing_or_added(request, "host", request.target.authority, added)
    date = _existing_or_added(request, "date", dump_http_date(now), added)
    # The order in which Mastodon, Takahe and bovine sign.
    names = "(request-target) host date"
    lines = [
        f"(request-target): {request.method.lower()} {_as_on_the_wire(request.target.in_request_line)}",
        f"host: {host}",
        f"date: {date}",
    ]
    if _needs_digest(request):
        digest = request.header("digest")
        if digest is None:
            digest = digest_header(request.body)
            added.append(("digest", digest))
        names += " digest"
        lines.append(f"digest: {digest}")
        content_type = request.header("content-type")
        if content_type is not None:
            names += " content-type"
            lines.append(f"content-type: {content_type}")
        for name in _SIGNED_TOO:
            if (stated := request.header(name)) is not None:
                names += f" {name}"
                lines.append(f"{name}: {stated}")
    before = f'keyId="{key_id}",algorithm="{_CAVAGE_ALGORITHMS[algorithm]}",headers="{names}",signature="'
    return Prepared("\n".join(lines).encode(), tuple(added), before, '"')


def prepare_rfc9421(
    request: Request, *, algorithm: KeyAlgorithm, key_id: str, now: datetime, nonce: str | None = None
) -> Prepared:
    """All of `sign_rfc9421` but the signing. Raises ValueError if `key_id` or `nonce` cannot be quoted."""
    _refuse_unquotable(key_id)
    added: list[tuple[str, str]] = []
    uri = _as_on_the_wire(request.target.uri)
    components = [("@method", request.method), ("@target-uri", uri)]
    if _needs_digest(request):
        digest = request.header("content-digest")
        if digest is None:
            digest = content_digest_header(request.body)
            added.append(("content-digest", digest))
        components.append(("content-digest", digest))
        content_type = request.header("content-type")
        if content_type is not None:
            components.append(("content-type", content_type))
        components += [(name, value) for name in _SIGNED_TOO if (value := request.header(name)) is not None]
    components.append(("date", _existing_or_added(request, "date", dump_http_date(now), added)))
    names = " ".join([f'"{name}"' for name, _ in components])
    params = f'({names});created={int(now.timestamp())};keyid="{key_id}";alg="{_RFC9421_ALGORITHMS[algorithm]}"'
    if nonce is not None:
        _refuse_unquotable(nonce)
        params += f';nonce="{nonce}"'
    lines = [f'"{name}": {value}' for name, value in components]
    lines.append(f'"@signature-params": {params}')
    added.append(("signature-input", f"{_LABEL}={params}"))
    return Prepared("\n".join(lines).encode(), tuple(added), f"{_LABEL}=:", ":")


def _needs_digest(request: Request) -> bool:
    return bool(request.body) or request.method in _METHODS_WITH_BODY


def _existing_or_added(request: Request, name: str, value: str, added: list[tuple[str, str]]) -> str:
    existing = request.header(name)
    if existing is not None:
        return existing
    added.append((name, value))
    return value


def _as_on_the_wire(text: str) -> str:
    """A peer's inbox URL may hold anything; HTTP clients percent-encode what must not be there."""
    if text.isascii() and text.isprintable() and " " not in text and '"' not in text:
        return text
    return quote(text, safe=_URL_SAFE, errors="backslashreplace")


def _refuse_unquotable(text: str) -> None:
    if not text.isascii() or has_control_characters(text) or '"' in text or "\\" in text:
        raise ValueError("a key id or nonce of ours must be plain ASCII without quotes or backslashes")
