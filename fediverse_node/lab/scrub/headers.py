"""Headers made unreadable: those of the protocol keep their values, signatures their form, the rest goes."""

from __future__ import annotations

import re
from collections.abc import Iterable

from fediverse_node.lab.recorder.secrets import REMOVED
from fediverse_node.lab.scrub.addresses import ADDRESS, Addresses
from fediverse_node.lab.scrub.vocabulary import HEADERS, known_addresses
from fediverse_node.lab.scrub.words import Words
from fediverse_node.signatures.digest import content_digest_header, digest_header

_KEPT_LIST = """
    accept-encoding access-control-allow-headers access-control-allow-methods access-control-allow-origin
    access-control-expose-headers age allow cache-control connection content-encoding content-security-policy
    date expect expires if-modified-since keep-alive last-modified pragma referrer-policy retry-after
    strict-transport-security te trailer transfer-encoding upgrade vary x-content-type-options x-frame-options
    x-forwarded-proto x-forwarded-port x-ratelimit-limit x-ratelimit-remaining x-ratelimit-reset
    accept-signature
"""
_KEPT = frozenset(_KEPT_LIST.split())
# A digest of people's addresses: it would tell whether somebody has guessed them, and fits no others.
DROPPED = frozenset({"collection-synchronization"})
_PLACES = frozenset({"location", "referer", "origin", "link", "content-location"})
_HOSTS = frozenset({"host", "x-forwarded-host"})
_CLIENTS = frozenset({"x-forwarded-for", "x-real-ip", "forwarded", "cf-connecting-ip", "true-client-ip", "x-client-ip"})
_QUOTED = re.compile(r'([A-Za-z-]+)(\s*=\s*)"([^"]*)"')
_PRODUCT = re.compile(r"[A-Za-z_.-]+/v?\d[\w.+-]*")
_DATE = re.compile(r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT")
_SAFE_VALUE = re.compile(r"[\x20-\x7e]{0,500}")
_MEDIA = re.compile(r"[a-z]+/[a-z0-9.+*-]+")
_IP = re.compile(r"\[?[0-9A-Fa-f:]*:[0-9A-Fa-f:]+\]?|\d{1,3}(?:\.\d{1,3}){3}")
_ALGORITHMS = frozenset({"rsa-sha256", "hs2019", "ed25519", "rsa-v1_5-sha256", "rsa-pss-sha512", "ecdsa-p256-sha256"})


class Headers:
    """Replaces names and values of headers."""

    def __init__(self, words: Words, addresses: Addresses) -> None:
        self._words = words
        self._addresses = addresses

    def name(self, name: str) -> str:
        """Names that nobody has registered may say anything."""
        return name if name.lower() in HEADERS or name.lower() in _KEPT else self._words.text(name)

    def value(self, name: str, value: str) -> str:
        """The value of a header, by its name."""
        lower = name.lower()
        if value == REMOVED or (lower in _KEPT and _is_harmless(lower, value)):
            return value
        if lower in _HOSTS:
            return self._addresses.host(value)
        if lower in ("content-type", "accept"):
            return self._media(value)
        if lower in _CLIENTS:
            return self._clients(value)
        if lower in _PLACES:
            return ADDRESS.sub(lambda match: self._addresses.url(match.group()), value)
        if lower in ("signature", "signature-input", "authorization"):
            return self._signature(value)
        if lower in ("user-agent", "server", "via"):
            return self._software(value)
        if lower == "content-length":
            return value if value.isdigit() else self._words.text(value)
        return self._words.text(value)

    def _media(self, value: str) -> str:
        found = []
        for part in re.split(r"([;,\s]+)", value):
            kept = _MEDIA.fullmatch(part) or re.fullmatch(r"[;,\s]*|q=[\d.]+|charset=[\w-]+", part)
            if part.lower().startswith("profile="):
                found.append(_keep_profile(part, self._words))
            else:
                found.append(part if kept else self._words.text(part))
        return "".join(found)

    def _clients(self, value: str) -> str:
        found, position = [], 0
        for match in _IP.finditer(value):
            found += [self._words.text(value[position : match.start()]), self._addresses.ip(match.group())]
            position = match.end()
        return "".join([*found, self._words.text(value[position:])])

    def _signature(self, value: str) -> str:
        def quoted(match: re.Match[str]) -> str:
            name, equals, inner = match.groups()
            lower = name.lower()
            if lower == "keyid":
                inner = self._addresses.url(inner)
            elif lower == "headers":
                inner = " ".join(self._covered(item) for item in inner.split(" "))
            elif not (lower in ("algorithm", "alg") and inner in _ALGORITHMS):
                inner = self._words.text(inner)
            return f'{name if lower in _PARAMETERS else self._words.text(name)}{equals}"{inner}"'

        found, position = [], 0
        for match in _QUOTED.finditer(value):
            found += [self._between(value[position : match.start()]), quoted(match)]
            position = match.end()
        return "".join([*found, self._between(value[position:])])

    def _between(self, text: str) -> str:
        """What stands outside of `name="…"`: labels, components, moments, and the signature itself."""

        def piece(match: re.Match[str]) -> str:
            word = match.group()
            kept = word.lower() in _PARAMETERS or word in HEADERS or word.startswith("@") or _is_moment(word)
            return word if kept else self._words.text(word)

        return re.sub(r"[@A-Za-z0-9][A-Za-z0-9_-]*(?:-[A-Za-z0-9]+)*", piece, text)

    def _covered(self, name: str) -> str:
        is_known = name.lower() in HEADERS or name in ("(request-target)", "(created)", "(expires)")
        return name if is_known else self._words.text(name)

    def _software(self, value: str) -> str:
        found, position = [], 0
        for match in re.finditer(f"{ADDRESS.pattern}|{_PRODUCT.pattern}", value):
            named = match.group()
            found.append(self._words.text(value[position : match.start()]))
            found.append(self._addresses.url(named) if "://" in named else named)
            position = match.end()
        return "".join([*found, self._words.text(value[position:])])


_PARAMETERS = frozenset(
    {"keyid", "algorithm", "alg", "headers", "signature", "created", "expires", "nonce", "tag", "sig1", "sig", "sig2"}
)


def new_digests(headers: Iterable[tuple[str, str]], before: bytes, after: bytes) -> dict[str, str]:
    """Values that follow from the body: made anew where they were right, so that a wrong one stays wrong.

    The old one would tell whether somebody has guessed the text.
    """
    fresh = {}
    for name, value in headers:
        lower = name.lower()
        if lower == "digest" and value.lower() == digest_header(before).lower():
            # Base64 has capitals of its own.
            fresh[lower] = digest_header(after)
        elif lower == "content-digest" and value == content_digest_header(before):
            fresh[lower] = content_digest_header(after)
        elif lower == "content-length" and before and value == str(len(before)):
            fresh[lower] = str(len(after))
    return fresh


def _is_moment(word: str) -> bool:
    return word.isascii() and word.isdigit() and len(word) <= 11


def _is_harmless(name: str, value: str) -> bool:
    if name in ("date", "expires", "last-modified", "if-modified-since"):
        return _DATE.fullmatch(value) is not None
    return _SAFE_VALUE.fullmatch(value) is not None and "://" not in value and "@" not in value


def _keep_profile(part: str, words: Words) -> str:
    inner = part.partition("=")[2].strip('"')
    return part if inner in known_addresses() else words.text(part)
